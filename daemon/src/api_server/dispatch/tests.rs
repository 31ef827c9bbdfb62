//! JSON-RPC 2.0 to the letter, and errors that say what to do.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::tests::fake::{FakeBackend, Reply};
use super::*;

#[tokio::test]
async fn id_comes_back_as_it_was_sent() {
    for id in ["1", "-7", "1.5", "12345678901234567890123", "\"abc\"", "null", "\"\\u00e9\""] {
        let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"daemon.stop"}}"#);
        let answer = answer_text(&scripted(), &request).await.unwrap();
        assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
}

#[tokio::test]
async fn what_is_no_json_is_a_parse_error_with_the_place() {
    for body in ["", "{", "nonsense", "{} trailing", "\u{feff}{}", "[1,"] {
        assert_error(&scripted(), body, -32700, "not_json").await;
    }
    let error = scripted().answer(b"{\"jsonrpc\": \"\xff\"}").await.unwrap();
    assert!(String::from_utf8(error).unwrap().contains(r#""code":-32700"#));
}

#[tokio::test]
async fn what_is_no_request_is_an_invalid_request() {
    for body in [
        "1",
        "null",
        "{}",
        r#"{"jsonrpc":"1.0","id":1,"method":"daemon.stop"}"#,
        r#"{"jsonrpc":2.0,"id":1,"method":"daemon.stop"}"#,
        r#"{"id":1,"method":"daemon.stop"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        r#"{"jsonrpc":"2.0","id":[1],"method":"daemon.stop"}"#,
        r#"{"jsonrpc":"2.0","id":true,"method":"daemon.stop"}"#,
        "[]",
    ] {
        assert_error(&scripted(), body, -32600, "invalid_request").await;
    }
}

#[tokio::test]
async fn unknown_method_names_its_neighbours() {
    let error = error_of(&scripted(), r#"{"jsonrpc":"2.0","id":1,"method":"ticket.lst"}"#).await;
    assert_eq!(error["code"], -32601);
    assert_eq!(error["data"]["nearest"][0], "ticket.list");
    assert!(error["message"].as_str().unwrap().contains("did you mean ticket.list"));
    let error = error_of(&scripted(), r#"{"jsonrpc":"2.0","id":1,"method":"\u001b[31mzzz"}"#).await;
    assert_eq!(error["message"], r#"there is no method "\u{1b}[31mzzz": rpc.discover lists them all"#);
}

#[tokio::test]
async fn wrong_parameters_name_the_field() {
    for (method, params, field) in [
        ("ticket.create", r#"{"body":"x"}"#, Some("title")),
        ("ticket.create", r#"{"title":"x","colour":"red"}"#, Some("colour")),
        ("ticket.create", r#"{"title":7}"#, Some("title")),
        ("ticket.create", r#"{"title":"x","labels":["a",5]}"#, Some("labels[1]")),
        ("ticket.edit", r#"{"ticket":"x","set":{"status":"opne"}}"#, Some("set.status")),
        ("ticket.edit", r#"{"ticket":"x","set":{"state":"open"}}"#, Some("set.state")),
        ("ticket.list", r#"{"limit":-1}"#, Some("limit")),
        ("ticket.list", r#"{"sort":"size"}"#, Some("sort")),
        ("daemon.stop", r#"{"now":true}"#, Some("now")),
    ] {
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let error = error_of(&scripted(), &request).await;
        assert_eq!(error["code"], -32602, "{request}");
        assert_eq!(error["data"]["field"].as_str(), field, "{request}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(method), "{message}");
        assert!(message.contains(field.unwrap().rsplit('.').next().unwrap()), "{message}");
        assert!(!message.contains("line"), "{message}");
    }
}

#[tokio::test]
async fn parameters_by_place_are_refused() {
    for params in ["[1]", "\"x\"", "true", "7"] {
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"daemon.stop","params":{params}}}"#);
        let error = error_of(&scripted(), &request).await;
        assert_eq!((&error["code"], &error["data"]["reason"]), (&json!(-32602), &json!("params_not_named")));
    }
}

#[tokio::test]
async fn no_parameters_may_be_left_out_or_null() {
    for request in [
        r#"{"jsonrpc":"2.0","id":1,"method":"daemon.stop"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"daemon.stop","params":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"daemon.stop","params":{}}"#,
    ] {
        assert!(answer_text(&scripted(), request).await.unwrap().contains("result"), "{request}");
    }
}

#[tokio::test]
async fn notification_is_done_but_not_answered_even_if_it_fails() {
    for request in [
        r#"{"jsonrpc":"2.0","method":"daemon.stop"}"#,
        r#"{"jsonrpc":"2.0","method":"no.such"}"#,
        r#"{"jsonrpc":"2.0","method":"daemon.stop","params":{"x":1}}"#,
        r#"[{"jsonrpc":"2.0","method":"daemon.stop"}]"#,
    ] {
        assert_eq!(answer_text(&scripted(), request).await, None, "{request}");
    }
}

#[tokio::test]
async fn batch_is_answered_in_order_without_its_notifications() {
    let batch = r#"[
        {"jsonrpc":"2.0","id":"a","method":"daemon.stop"},
        {"jsonrpc":"2.0","method":"daemon.stop"},
        7,
        {"jsonrpc":"2.0","id":"b","method":"no.such"},
        [{"jsonrpc":"2.0","id":"nested","method":"daemon.stop"}]
    ]"#;
    let answers: Value = serde_json::from_str(&answer_text(&scripted(), batch).await.unwrap()).unwrap();
    let outline: Vec<(&Value, &Value)> =
        answers.as_array().unwrap().iter().map(|answer| (&answer["id"], &answer["error"]["code"])).collect();
    assert_eq!(
        outline,
        [
            (&json!("a"), &Value::Null),
            (&Value::Null, &json!(-32600)),
            (&json!("b"), &json!(-32601)),
            (&Value::Null, &json!(-32600)),
        ]
    );
}

#[tokio::test]
async fn batch_over_its_bound_is_refused_as_a_whole() {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"daemon.stop"}"#;
    let full = format!("[{}]", vec![call; limits::BATCH_CALLS_MAX].join(","));
    assert!(answer_text(&scripted(), &full).await.unwrap().starts_with('['));
    let over = format!("[{}]", vec![call; limits::BATCH_CALLS_MAX + 1].join(","));
    assert_error(&scripted(), &over, -32005, "batch_too_large").await;
}

#[tokio::test]
async fn answer_over_its_bound_is_refused_with_advice() {
    let backend = FakeBackend::default();
    let label = json!({ "label": "x".repeat(limits::REPLY_BYTES_MAX), "description": "" });
    let project = json!({
        "id": "p", "name": "p", "addresses": [], "role": "agent", "user_id": "u", "user_name": "u",
        "device_name": "d", "unread_count": null, "cold_start": null, "canned_replies": [], "labels": [label],
        "connection": { "state": "online", "since_millis": 0, "detail": "" },
    });
    backend.script("project.get", Reply::value(project));
    let dispatcher = Dispatcher::new(Arc::new(backend), "b".into());
    assert_error(
        &dispatcher,
        r#"{"jsonrpc":"2.0","id":1,"method":"project.get"}"#,
        -32005,
        "reply_too_large",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn call_that_takes_too_long_is_given_up() {
    for method in ["sync.status", "sync.pause"] {
        let backend = FakeBackend::default();
        backend.script(method, Reply::Gate(json!({ "projects": [] })));
        let dispatcher = Dispatcher::new(Arc::new(backend), "b".into());
        let begun = tokio::time::Instant::now();
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        assert_error(&dispatcher, &request, -32007, "call_timeout").await;
        assert!(begun.elapsed() < limits::CALL_MAX + Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn what_reads_all_that_a_server_keeps_is_given_the_time_for_it() {
    let folder = json!({ "folder": "/backups" });
    for (method, params) in
        [("server.backup", folder), ("server.verify", json!({})), ("server.verifylog", json!({}))]
    {
        let backend = FakeBackend::default();
        backend.script(method, Reply::Gate(json!({})));
        let dispatcher = Dispatcher::new(Arc::new(backend), "b".into());
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let answering = dispatcher.answer(request.as_bytes());
        let an_hour = timeout(Duration::from_secs(3_600), answering);
        assert!(an_hour.await.is_err(), "{method} was given up");
    }
}

#[tokio::test]
async fn method_of_every_row_of_the_table_has_a_route() {
    for method in METHODS {
        assert!(Dispatcher::<FakeBackend>::route(method.name).is_some(), "{}", method.name);
    }
}

#[tokio::test]
async fn unknown_field_beside_the_call_is_tolerated() {
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"daemon.stop","meta":{"deep":[[[1]]]}}"#;
    assert!(answer_text(&scripted(), request).await.unwrap().contains("result"));
}

fn scripted() -> Dispatcher<FakeBackend> {
    let backend = FakeBackend::default();
    backend.script("daemon.stop", Reply::value(json!({})));
    Dispatcher::new(Arc::new(backend), "b".into())
}

async fn answer_text(dispatcher: &Dispatcher<FakeBackend>, body: &str) -> Option<String> {
    dispatcher.answer(body.as_bytes()).await.map(|answer| String::from_utf8(answer).unwrap())
}

async fn error_of(dispatcher: &Dispatcher<FakeBackend>, body: &str) -> Value {
    let answer = answer_text(dispatcher, body).await.unwrap();
    serde_json::from_str::<Value>(&answer).unwrap()["error"].take()
}

async fn assert_error(dispatcher: &Dispatcher<FakeBackend>, body: &str, code: i64, reason: &str) {
    let error = error_of(dispatcher, body).await;
    assert_eq!(error["code"], code, "{body}: {error}");
    assert_eq!(error["data"]["reason"], reason, "{body}: {error}");
    assert!(!error["message"].as_str().unwrap().is_empty());
}
