//! One call of any method: its parameters, its result, its errors.

use assist_proto::api::ApiError;
use serde_json::{Value, json};

use crate::fake_daemon::FakeDaemon;

#[test]
fn a_call_prints_its_result_as_it_is() {
    let daemon = FakeDaemon::always(json!({ "b": 1, "a": ["x"] }));
    let ran = daemon.run(&["rpc", "some.method", r#"{"ticket": "142"}"#]);
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap(), json!({ "b": 1, "a": ["x"] }));
    assert_eq!(daemon.calls(), [("some.method".to_owned(), json!({ "ticket": "142" }))]);
    assert_eq!(daemon.run(&["rpc", "some.method", "--jsonl"]).stdout, "{\"a\":[\"x\"],\"b\":1}\n");
    assert_eq!(daemon.calls()[1].1, json!({}));
}

#[test]
fn parameters_that_are_no_object_are_refused_unsent() {
    let daemon = FakeDaemon::always(json!({}));
    assert_eq!(daemon.run(&["rpc", "x.y", "[1]"]).exit_code, 2);
    assert_eq!(daemon.run(&["rpc", "x.y", "{"]).exit_code, 2);
    assert!(daemon.calls().is_empty());
}

#[test]
fn an_unknown_method_is_a_wrong_usage_with_its_neighbours() {
    let error = ApiError::method_not_found("unknown_method", "there is no method ticket.lst")
        .with_nearest(vec!["ticket.list".to_owned()]);
    let ran = FakeDaemon::refusing(error).run(&["rpc", "ticket.lst"]);
    assert_eq!(ran.exit_code, 2);
    assert_eq!(ran.stderr, "error: there is no method ticket.lst\nhint: near to it: ticket.list\n");
}
