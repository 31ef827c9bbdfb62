//! The server on a real socket, with a scripted daemon behind it.

pub(super) mod fake;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use assist_proto::api::events::News;
use assist_proto::api::{ErrorCode, daemon, limits, project, rpc, sync, ticket};
use assist_proto::client::{Client, ClientError};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use fake::{FakeBackend, Reply, TestServer};
use serde_json::{Value, json};

use super::*;

#[test]
fn call_reaches_its_handler_and_the_result_comes_back() {
    let server = TestServer::start();
    server.backend.script("daemon.stop", Reply::value(json!({})));
    let mut client = server.client();
    client.call(&daemon::Stop {}).unwrap();
    assert_eq!(server.backend.calls(), ["daemon.stop"]);
}

#[test]
fn error_of_a_handler_comes_back_whole() {
    let server = TestServer::start();
    let candidate = ticket::TicketRef {
        project: "p".into(),
        id: "t".into(),
        short_id: "t".into(),
        number: Some(7),
        title: "Printer \u{1f5a8} on fire".into(),
    };
    let refusal = ApiError::conflict("ambiguous", "two tickets begin so: write more of the id")
        .with_candidates(vec![candidate]);
    server.backend.script("ticket.get", Reply::Error(refusal.clone()));
    let outcome = server.client().call(&ticket::Get { ticket: "t".into(), ..ticket::Get::default() });
    assert!(matches!(outcome, Err(ClientError::Api(error)) if error == refusal));
}

#[test]
fn request_as_curl_sends_it_is_answered() {
    let server = TestServer::start();
    server.backend.script("project.list", Reply::value(json!({ "projects": [] })));
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"project.list"}"#;
    let request = format!(
        "POST /rpc HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let reply = server.exchange(request.as_bytes());
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.ends_with(r#"{"jsonrpc":"2.0","id":1,"result":{"projects":[]}}"#), "{reply}");
}

#[test]
fn notification_runs_and_has_no_answer() {
    let server = TestServer::start();
    server.backend.script("daemon.stop", Reply::value(json!({})));
    let reply = server.post(br#"{"jsonrpc":"2.0","method":"daemon.stop"}"#);
    assert!(reply.starts_with("HTTP/1.1 204 No Content\r\n"), "{reply}");
    assert_eq!(server.backend.calls(), ["daemon.stop"]);
}

#[test]
fn wrong_paths_and_verbs_say_what_there_is() {
    let server = TestServer::start();
    let reply = server.exchange(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}");
    assert!(reply.contains("POST /rpc"), "{reply}");
    let reply = server.exchange(b"GET /rpc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 405 "), "{reply}");
    assert!(reply.contains("use POST"), "{reply}");
}

#[test]
fn garbage_is_refused_and_the_server_lives_on() {
    let server = TestServer::start();
    let reply = server.exchange(b"\x16\x03\x01\x02\x00garbage\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 400 "), "{reply}");
    let reply = server.post(b"\"\xff\xfe\"");
    assert!(reply.contains(r#""code":-32700"#), "{reply}");
    let reply = server.post(&[b'['; 200_000]);
    assert!(reply.contains(r#""code":-32700"#), "{reply}");
    server.assert_alive();
}

#[test]
fn oversize_body_is_refused_before_it_is_read() {
    let server = TestServer::start();
    let params = json!({ "ticket": "x", "body": "x".repeat(2 * limits::REQUEST_BYTES_MAX) });
    let outcome = server.client().call_raw("comment.add", &params);
    assert!(matches!(outcome, Err(ClientError::Api(error)) if error.code == ErrorCode::Limit));
    let head = "POST /rpc HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999999\r\n\r\n";
    let reply = server.exchange(head.as_bytes());
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
    assert!(server.backend.calls().is_empty());
    server.assert_alive();
}

#[test]
fn oversize_body_in_chunks_is_refused_at_its_bound() {
    let server = TestServer::start();
    let mut request = b"POST /rpc HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..(limits::REQUEST_BYTES_MAX / 0x10000 + 1) {
        request.extend_from_slice(b"10000\r\n");
        request.extend_from_slice(&[b' '; 0x10000]);
        request.extend_from_slice(b"\r\n");
    }
    let reply = server.exchange(&request);
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
    server.assert_alive();
}

#[test]
fn head_over_its_bound_is_refused() {
    let server = TestServer::start();
    let request =
        format!("POST /rpc HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(limits::HEAD_BYTES_MAX * 2));
    let reply = server.exchange(request.as_bytes());
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
    server.assert_alive();
}

#[tokio::test(start_paused = true)]
async fn body_that_never_comes_whole_is_given_up() {
    let dispatcher = Dispatcher::new(Arc::new(FakeBackend::default()), "b".into());
    let folder = tempfile::tempdir().unwrap();
    let blobs = BlobFolder::open(folder.path()).unwrap();
    let thumbnails = Thumbnails::new(blobs.clone());
    let shared = Arc::new(Shared { dispatcher, events: EventFeed::new("b"), blobs, thumbnails });
    let body = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    let response = answer_rpc(State(shared), Request::new(body)).await;
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
}

#[test]
fn request_that_dribbles_in_is_answered() {
    let server = TestServer::start();
    server.backend.script("project.list", Reply::value(json!({ "projects": [] })));
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"project.list"}"#;
    let mut stream = server.connect();
    for byte in TestServer::request(body) {
        stream.write_all(&[byte]).unwrap();
    }
    assert!(read_all(&mut stream).ends_with(r#""result":{"projects":[]}}"#));
}

#[test]
fn pipelined_calls_are_answered_in_order() {
    let server = TestServer::start();
    server.backend.script("project.list", Reply::value(json!({ "projects": [] })));
    let first = br#"{"jsonrpc":"2.0","id":"a","method":"project.list"}"#;
    let mut requests =
        format!("POST /rpc HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", first.len()).into_bytes();
    requests.extend_from_slice(first);
    requests.extend(TestServer::request(br#"{"jsonrpc":"2.0","id":"b","method":"project.list"}"#));
    let reply = server.exchange(&requests);
    let (first, second) = (reply.find(r#""id":"a""#).unwrap(), reply.find(r#""id":"b""#).unwrap());
    assert!(first < second, "{reply}");
}

#[test]
fn client_that_does_not_read_holds_up_nobody() {
    let server = TestServer::start();
    let mut deaf = server.connect();
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}"#;
    for _ in 0..20 {
        let request = format!("POST /rpc HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
        deaf.write_all(request.as_bytes()).unwrap();
        deaf.write_all(body).unwrap();
    }
    server.assert_alive();
}

#[test]
fn many_clients_at_once_each_get_their_own_answers() {
    let server = TestServer::start();
    server.backend.script(
        "ticket.resolve",
        Reply::Echo(
            "reference",
            json!({
                "project": "p", "id": "", "short_id": "", "number": null, "title": ""
            }),
            "id",
        ),
    );
    thread::scope(|scope| {
        for worker in 0..32 {
            let mut client = server.client();
            scope.spawn(move || {
                for call in 0..50 {
                    let reference = format!("{worker}-{call}");
                    let params = ticket::Resolve { reference: reference.clone(), project: None };
                    assert_eq!(client.call(&params).unwrap().id, reference);
                }
            });
        }
    });
    assert_eq!(server.backend.calls().len(), 32 * 50);
}

#[test]
fn connection_too_many_is_told_so() {
    let server = TestServer::start();
    let held: Vec<Client> = (0..limits::CONNECTIONS_MAX).map(|_| server.client()).collect();
    let outcome = server.client().call(&project::List {});
    assert!(matches!(outcome, Err(ClientError::Api(error)) if error.data.reason == "too_many_connections"));
    drop(held);
}

#[test]
fn panic_in_a_handler_is_an_internal_error_with_a_trace() {
    let server = TestServer::start();
    server.backend.script("project.list", Reply::Panic);
    server.backend.script("daemon.stop", Reply::Panic);
    let mut client = server.client();
    let (read, write) = (client.call(&project::List {}), client.call(&daemon::Stop {}));
    let Err(ClientError::Api(error)) = read else { panic!("{read:?}") };
    assert_eq!((error.code, error.data.trace_id.as_deref()), (ErrorCode::Internal, Some("testboot-1")));
    let Err(ClientError::Api(error)) = write else { panic!("{write:?}") };
    assert_eq!((error.code, error.data.trace_id.as_deref()), (ErrorCode::Internal, Some("testboot-2")));
}

#[test]
fn call_that_changes_something_ends_even_if_its_client_goes() {
    let server = TestServer::start();
    server.backend.script("sync.pause", Reply::Gate(json!({ "projects": [] })));
    let mut stream = server.connect();
    stream.write_all(&TestServer::request(br#"{"jsonrpc":"2.0","id":1,"method":"sync.pause"}"#)).unwrap();
    server.backend.wait_for_begun(1);
    drop(stream);
    server.assert_alive();
    server.backend.open_gate();
    server.backend.wait_for_ended(1);
}

#[test]
fn call_that_only_reads_is_dropped_when_its_client_goes() {
    let server = TestServer::start();
    server.backend.script("sync.status", Reply::Gate(json!({ "projects": [] })));
    let mut stream = server.connect();
    stream.write_all(&TestServer::request(br#"{"jsonrpc":"2.0","id":1,"method":"sync.status"}"#)).unwrap();
    server.backend.wait_for_begun(1);
    drop(stream);
    server.backend.wait_for_dropped(1);
}

#[test]
fn stopping_lets_running_calls_finish_and_ends_the_streams() {
    let server = TestServer::start();
    server.backend.script("sync.pause", Reply::Gate(json!({ "projects": [] })));
    let mut caller = server.client();
    let mut events = caller.events(None).unwrap();
    let path = server.path.clone();
    let backend = Arc::clone(&server.backend);
    let call = thread::spawn(move || caller.call(&sync::Pause::default()));
    backend.wait_for_begun(1);
    let stop = thread::spawn(move || server.stop());
    assert!(matches!(events.next(), Some(Err(ClientError::Lost { .. }))));
    assert!(events.next().is_none());
    backend.open_gate();
    assert_eq!(call.join().unwrap().unwrap(), sync::SyncStatus::default());
    stop.join().unwrap();
    assert!(!path.exists(), "the socket file goes with the server");
}

#[test]
fn client_finds_a_restarted_daemon_again() {
    let mut server = TestServer::start();
    server.backend.script("project.list", Reply::value(json!({ "projects": [] })));
    server.backend.script("daemon.stop", Reply::value(json!({})));
    let mut client = server.client();
    client.call(&project::List {}).unwrap();
    server = server.restart();
    client.call(&daemon::Stop {}).unwrap();
    server = server.restart();
    client.call(&project::List {}).unwrap();
    let path = server.path.clone();
    server.stop();
    let outcome = client.call(&project::List {});
    assert!(matches!(outcome, Err(ClientError::NotRunning { path: named, .. }) if named == path));
}

#[test]
fn events_arrive_in_order_and_only_from_now_on() {
    let server = TestServer::start();
    server.feed.publish(changed("before"));
    let mut events = server.client().events(None).unwrap();
    server.feed.publish(changed("first"));
    server.feed.publish(changed("second"));
    let received: Vec<_> = events.by_ref().take(2).map(Result::unwrap).collect();
    assert_eq!(received[0].news, changed("first"));
    assert_eq!(received[1].news, changed("second"));
    assert_eq!((received[0].id.as_str(), received[1].id.as_str()), ("testboot-2", "testboot-3"));
    assert_eq!(events.last_id(), Some("testboot-3"));
}

#[test]
fn events_resume_where_they_were_left() {
    let server = TestServer::start();
    let mut events = server.client().events(None).unwrap();
    server.feed.publish(changed("one"));
    server.feed.publish(changed("two"));
    server.feed.publish(changed("three"));
    assert_eq!(events.next().unwrap().unwrap().news, changed("one"));
    let last_id = events.last_id().unwrap().to_owned();
    drop(events);
    let resumed: Vec<_> =
        server.client().events(Some(&last_id)).unwrap().take(2).map(|event| event.unwrap().news).collect();
    assert_eq!(resumed, [changed("two"), changed("three")]);
}

#[test]
fn place_in_the_stream_is_known_before_the_first_event() {
    let server = TestServer::start();
    let mut events = server.client().events(None).unwrap();
    assert!(events.next_within(Duration::from_millis(1)).unwrap().is_none());
    let mut waited = events.next_within(Duration::from_millis(200));
    while events.last_id().is_none() {
        waited = events.next_within(Duration::from_millis(200));
    }
    assert!(waited.unwrap().is_none());
    let last_id = events.last_id().unwrap().to_owned();
    drop(events);
    server.feed.publish(changed("missed"));
    let mut resumed = server.client().events(Some(&last_id)).unwrap();
    assert_eq!(resumed.next().unwrap().unwrap().news, changed("missed"));
}

#[test]
fn unknown_place_in_the_stream_gets_a_reset_first() {
    let server = TestServer::start();
    server.feed.publish(changed("old"));
    for last_id in ["otherboot-1", "testboot-99", "testboot-x", "nonsense"] {
        let mut events = server.client().events(Some(last_id)).unwrap();
        let first = events.next().unwrap().unwrap();
        assert_eq!(first.news, News::Reset {}, "{last_id}");
        server.feed.publish(changed("new"));
        assert_eq!(events.next().unwrap().unwrap().news, changed("new"));
    }
}

#[test]
fn openrpc_document_is_served_on_both_ways() {
    let server = TestServer::start();
    let mut client = server.client();
    let discovered = client.call(&rpc::Discover {}).unwrap().0;
    let reply = server.exchange(b"GET /openrpc.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), discovered);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openrpc.json");
    assert_eq!(serde_json::from_str::<Value>(&fs::read_to_string(path).unwrap()).unwrap(), discovered);
}

#[test]
fn calls_in_the_documentation_are_understood() {
    let server = TestServer::start();
    let calls: Vec<&str> = DOCUMENTATION
        .split(" -d '")
        .skip(1)
        .map(|rest| rest.split_once("'\n").expect("a call ends its line").0)
        .collect();
    assert_eq!(calls.len(), 4);
    for call in calls {
        let reply = server.post(call.as_bytes());
        assert!(reply.contains(r#""reason":"not_scripted""#), "{call}: {reply}");
    }
}

#[test]
fn documentation_names_every_code_and_event() {
    for code in ErrorCode::ALL {
        assert!(DOCUMENTATION.contains(&format!("| {} |", code.number())), "{code}");
    }
    let document = openrpc::document();
    let events = document["components"]["schemas"]["Event"]["oneOf"].as_array().unwrap();
    for event in events {
        let name = event["properties"]["event"]["const"].as_str().unwrap();
        assert!(DOCUMENTATION.contains(&format!("| `{name}` |")), "{name}");
    }
    assert_eq!(events.len(), 14);
}

fn changed(project: &str) -> News {
    News::SyncChanged { project: project.to_owned() }
}

fn read_all(stream: &mut UnixStream) -> String {
    let mut reply = Vec::new();
    // A server that refuses what it did not read resets the stream behind its answer.
    stream.read_to_end(&mut reply).ok();
    String::from_utf8(reply).unwrap()
}

const DOCUMENTATION: &str = include_str!("../../../docs/api.md");

#[test]
fn blobs_go_in_and_out_as_streams() {
    let server = TestServer::start();
    let client = server.client();
    let bytes: Vec<u8> = (0..700_001_u32).map(|at| at as u8 ^ (at >> 8) as u8).collect();
    let stored = client.put_blob(bytes.as_slice()).unwrap();
    assert_eq!(stored.size_bytes, bytes.len() as u64);
    assert_eq!(stored, client.put_blob(bytes.as_slice()).unwrap(), "once");
    let mut back = Vec::new();
    assert_eq!(client.get_blob(&stored.blob, &mut back).unwrap(), stored.size_bytes);
    assert_eq!(back, bytes);
    assert_eq!(client.put_blob(&b""[..]).unwrap().size_bytes, 0);

    let missing = client.get_blob(&"0".repeat(52), Vec::new()).unwrap_err();
    assert!(missing.to_string().contains("not on this device"), "{missing}");
    let wrong = client.get_blob("..%2f..%2fdevice.key", Vec::new()).unwrap_err();
    assert!(wrong.to_string().contains("52 characters"), "{wrong}");
}

#[test]
fn blob_that_breaks_off_or_is_announced_too_large_leaves_nothing() {
    let server = TestServer::start();
    let head = "PUT /blobs HTTP/1.1\r\nhost: x\r\n";
    let reply = server.exchange(format!("{head}content-length: 99999999999\r\n\r\nab").as_bytes());
    assert!(reply.starts_with("HTTP/1.1 413 ") && reply.contains("blob_too_large"), "{reply}");
    let mut stream = UnixStream::connect(&server.path).unwrap();
    stream.write_all(format!("{head}content-length: 100\r\n\r\nhalf").as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(!reply.starts_with("HTTP/1.1 200"), "{reply}");
    server.assert_alive();
}
