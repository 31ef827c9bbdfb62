//! The client against servers that misbehave in every way a script can.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::api::events::News;
use crate::api::{ErrorCode, daemon, project};

/// What a scripted server does with one connection.
#[derive(Clone)]
enum Step {
    /// Reads a request and sends these bytes.
    Reply(Vec<u8>),
    /// Reads a request and sends these bytes one by one.
    Dribble(Vec<u8>),
    /// Reads a request and hangs up.
    HangUp,
    /// Hangs up without reading.
    Ignore,
}

#[test]
fn call_is_read_from_a_body_by_length() {
    let server = Scripted::start(vec![vec![Step::Reply(reply(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#))]]);
    server.client().call(&daemon::Stop {}).unwrap();
    let requests = server.end();
    assert!(
        requests[0].starts_with("POST /rpc HTTP/1.1\r\nhost: assistd\r\ncontent-type: application/json\r\n")
    );
    assert!(requests[0].ends_with(r#"{"jsonrpc":"2.0","id":1,"method":"daemon.stop","params":{}}"#));
}

#[test]
fn call_is_read_from_a_body_in_chunks_however_they_are_cut() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        10\r\n{\"jsonrpc\":\"2.0\"\r\n14;x=y\r\n,\"id\":1,\"result\":{} \r\n1\r\n}\r\n0\r\n\r\n";
    let server = Scripted::start(vec![vec![Step::Dribble(chunked.to_vec())]]);
    server.client().call(&daemon::Stop {}).unwrap();
}

#[test]
fn calls_share_one_connection() {
    let answer =
        |id: u64| Step::Reply(reply(&json!({ "jsonrpc": "2.0", "id": id, "result": {} }).to_string()));
    let server = Scripted::start(vec![vec![answer(1), answer(2), answer(3)]]);
    let mut client = server.client();
    for _ in 0..3 {
        client.call(&daemon::Stop {}).unwrap();
    }
}

#[test]
fn error_of_the_daemon_is_an_api_error_whatever_the_status() {
    let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"less, please","data":{"reason":"r"}}}"#;
    let refused = format!("HTTP/1.1 413 Payload Too Large\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let server = Scripted::start(vec![vec![Step::Reply(refused.into_bytes())]]);
    let outcome = server.client().call(&daemon::Stop {});
    let Err(ClientError::Api(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((error.code, error.to_string().as_str()), (ErrorCode::Limit, "less, please"));
}

#[test]
fn result_with_fields_of_a_newer_daemon_is_read() {
    let body = r#"{"jsonrpc":"2.0","id":1,"result":{"projects":[],"weather":"fine"},"more":1}"#;
    let server = Scripted::start(vec![vec![Step::Reply(reply(body))]]);
    assert!(server.client().call(&project::List {}).unwrap().projects.is_empty());
}

#[test]
fn nobody_behind_the_socket_is_told_from_a_barred_way() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.sock");
    assert!(
        matches!(Client::connect(&missing), Err(ClientError::NotRunning { path, .. }) if path == missing)
    );
    let dead = folder.path().join("dead.sock");
    drop(UnixListener::bind(&dead).unwrap());
    assert!(matches!(Client::connect(&dead), Err(ClientError::NotRunning { .. })));
    let through_a_file = dead.join("deeper.sock");
    assert!(matches!(Client::connect(through_a_file), Err(ClientError::Unreachable { .. })));
}

#[test]
fn replies_that_no_daemon_sends_are_protocol_errors() {
    let head = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n").into_bytes();
    for bytes in [
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec(),
        head("content-length: 1\r\ntransfer-encoding: chunked"),
        head("content-type: text/html"),
        head("content-length: -1"),
        head("content-length: 99999999999999999999"),
        head(&format!("content-length: {}", limits::REPLY_BYTES_MAX + 1)),
        head(&format!("x: {}", "x".repeat(limits::HEAD_BYTES_MAX * 2))),
        [head("transfer-encoding: chunked"), b"zz\r\n".to_vec()].concat(),
        [head("transfer-encoding: chunked"), b"5\r\nabcdeXX0\r\n\r\n".to_vec()].concat(),
        [head("transfer-encoding: chunked"), b"ffffffffffffffff\r\n".to_vec()].concat(),
        reply("nonsense"),
        reply("{}"),
        reply(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#),
        reply(r#"{"jsonrpc":"2.0","id":1,"result":{"projects":7}}"#),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        let server = Scripted::start(vec![vec![Step::Reply(bytes)]]);
        let outcome = server.client().call(&project::List {});
        assert!(matches!(outcome, Err(ClientError::Protocol { .. })), "{shown}: {outcome:?}");
    }
}

#[test]
fn call_that_may_have_been_taken_is_not_sent_twice() {
    let alive = Step::Reply(reply(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#));
    let server = Scripted::start(vec![vec![alive, Step::HangUp]]);
    let mut client = server.client();
    client.call(&daemon::Stop {}).unwrap();
    let outcome = client.call(&daemon::Stop {});
    assert!(matches!(outcome, Err(ClientError::Lost { method, .. }) if method == "daemon.stop"));
    assert_eq!(server.end().len(), 2);
}

#[test]
fn call_that_only_reads_is_sent_again_on_a_new_connection() {
    let answer = |id: u64| {
        Step::Reply(reply(&json!({ "jsonrpc": "2.0", "id": id, "result": { "projects": [] } }).to_string()))
    };
    let server = Scripted::start(vec![vec![answer(1), Step::HangUp], vec![answer(2)]]);
    let mut client = server.client();
    client.call(&project::List {}).unwrap();
    client.call(&project::List {}).unwrap();
    assert_eq!(server.end().len(), 3);
}

#[test]
fn call_that_was_surely_not_taken_is_sent_again() {
    let answer =
        |id: u64| Step::Reply(reply(&json!({ "jsonrpc": "2.0", "id": id, "result": {} }).to_string()));
    let server = Scripted::start(vec![vec![answer(1), Step::Ignore], vec![answer(2)]]);
    let mut client = server.client();
    client.call(&daemon::Stop {}).unwrap();
    client.call(&daemon::Stop {}).unwrap();
}

#[test]
fn reply_cut_short_is_a_loss() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"jsonrpc\"".to_vec();
    let server = Scripted::start(vec![vec![Step::Reply(cut)]]);
    let outcome = server.client().call(&daemon::Stop {});
    assert!(matches!(outcome, Err(ClientError::Lost { .. })), "{outcome:?}");
}

#[test]
fn events_are_read_and_strange_ones_skipped() {
    let mut stream =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for part in [
        "id: b-0\n\n",
        ":\n\n",
        "retry: 5\nid:b-1\nevent: sync.changed\ndata:{\"id\":\"b-1\",\"event\":\"sync.changed\",\"project\":\"p\"}\n\n",
        "id: b-2\nevent: moon.phase\ndata: {\"id\":\"b-2\",\"event\":\"moon.phase\",\"phase\":1}\n\n",
        "id: b-3\ndata: no json\n\n",
        "id: b-4\nevent: reset\ndata: {\"id\":\"b-4\",",
        "\ndata: \"event\":\"reset\"}\n",
        "\n",
    ] {
        stream.extend_from_slice(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes());
    }
    let server = Scripted::start(vec![vec![], vec![Step::Dribble(stream)]]);
    let mut events = server.client().events(Some("b-0\r\nx: y")).unwrap();
    let received: Vec<News> = events.by_ref().map_while(Result::ok).map(|event| event.news).collect();
    assert_eq!(received, [News::SyncChanged { project: "p".into() }, News::Unknown, News::Reset {}]);
    assert_eq!(events.last_id(), Some("b-4"));
    let requests = server.end();
    assert!(requests[0].starts_with("GET /events HTTP/1.1\r\n"), "{requests:?}");
    assert!(requests[0].contains("\r\nlast-event-id: b-0x:y\r\n"), "{requests:?}");
}

#[test]
fn event_over_its_bound_ends_the_stream() {
    let size = limits::EVENT_BYTES_MAX + 1;
    let mut stream = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    stream.extend_from_slice(format!("{size:x}\r\n{}\r\n", "x".repeat(size)).as_bytes());
    let server = Scripted::start(vec![vec![], vec![Step::Reply(stream)]]);
    let mut events = server.client().events(None).unwrap();
    assert!(matches!(
        events.next(),
        Some(Err(ClientError::Protocol { source: ProtocolError::EventTooLarge, .. }))
    ));
    assert!(events.next().is_none());
}

fn reply(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A server that serves as many connections as it has scripts, one after the other.
struct Scripted {
    path: PathBuf,
    thread: JoinHandle<Vec<String>>,
    _folder: TempDir,
}

impl Scripted {
    fn start(connections: Vec<Vec<Step>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let thread = thread::spawn(move || {
            let mut requests = Vec::new();
            for steps in connections {
                let (stream, _) = listener.accept().unwrap();
                serve(stream, steps, &mut requests);
            }
            requests
        });
        Self { path, thread, _folder: folder }
    }

    fn client(&self) -> Client {
        Client::connect(&self.path).unwrap()
    }

    /// Waits until all scripts have run; returns the requests that were read.
    fn end(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

fn serve(mut stream: UnixStream, steps: Vec<Step>, requests: &mut Vec<String>) {
    for step in steps {
        if matches!(step, Step::Ignore) {
            // Only once something lies unread does hanging up say that it was not read.
            stream.read_exact(&mut [0]).unwrap();
            return;
        }
        requests.push(read_request(&mut stream));
        // A client that has seen enough may be gone.
        match step {
            Step::Reply(bytes) => stream.write_all(&bytes).unwrap_or(()),
            Step::Dribble(bytes) => bytes.chunks(1).for_each(|byte| stream.write_all(byte).unwrap_or(())),
            Step::HangUp | Step::Ignore => return,
        }
    }
}

fn read_request(stream: &mut UnixStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    let head = String::from_utf8(request).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}
