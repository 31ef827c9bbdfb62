//! What the JSON of the API looks like, and what it bears.

use serde_json::{Value, json};

use super::events::{Cause, Event, News};
use super::sync::{ConnectionState, DeliveryState};
use super::ticket::{FieldValues, Patch, Priority, Status, TicketRef};
use super::*;

#[test]
fn left_out_null_and_value_are_told_apart() {
    for (json, patch) in [
        (json!({}), Patch::Keep),
        (json!({ "priority": null }), Patch::Clear),
        (json!({ "priority": "high" }), Patch::Set(Priority::High)),
    ] {
        let values: FieldValues = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(values, FieldValues { priority: patch, ..FieldValues::default() });
        let written = serde_json::to_value(&values).unwrap();
        assert_eq!(written.get("priority"), json.get("priority"));
        assert_eq!(serde_json::from_value::<FieldValues>(written).unwrap(), values);
    }
}

#[test]
fn names_of_the_model_are_those_of_the_api() {
    for status in assist_crdt_model::Status::ALL {
        assert_eq!(serde_json::to_value(Status::from(*status)).unwrap(), json!(status.as_str()));
        assert_eq!(assist_crdt_model::Status::from(Status::from(*status)), *status);
    }
    for priority in assist_crdt_model::Priority::ALL {
        assert_eq!(serde_json::to_value(Priority::from(*priority)).unwrap(), json!(priority.as_str()));
        assert_eq!(assist_crdt_model::Priority::from(Priority::from(*priority)), *priority);
    }
    for role in assist_crdt_model::Role::ALL {
        assert_eq!(serde_json::to_value(user::Role::from(*role)).unwrap(), json!(role.as_str()));
        assert_eq!(assist_crdt_model::Role::from(user::Role::from(*role)), *role);
    }
}

#[test]
fn words_of_a_newer_daemon_do_not_spoil_a_reply() {
    assert_eq!(serde_json::from_str::<DeliveryState>("\"printed\"").unwrap(), DeliveryState::Further);
    assert_eq!(serde_json::from_str::<ConnectionState>("\"tunnelled\"").unwrap(), ConnectionState::Unknown);
    assert_eq!(serde_json::from_str::<Cause>("\"weather\"").unwrap(), Cause::Unknown);
    let event = json!({ "id": "b-1", "event": "moon.phase", "phase": 3 });
    assert_eq!(serde_json::from_value::<Event>(event).unwrap().news, News::Unknown);
    assert_eq!(ErrorCode::from(-32099), ErrorCode::Other(-32099));
}

#[test]
fn words_that_mean_nothing_are_refused_in_parameters() {
    assert!(serde_json::from_value::<FieldValues>(json!({ "status": "opne" })).is_err());
    assert!(serde_json::from_value::<ticket::List>(json!({ "sort": "size" })).is_err());
    assert!(serde_json::from_value::<server::Invite>(json!({ "role": "owner" })).is_err());
}

#[test]
fn event_is_one_flat_object() {
    let ticket = TicketRef {
        project: "p".into(),
        id: "t".into(),
        short_id: "t".into(),
        number: Some(142),
        title: "Title".into(),
    };
    let news =
        News::CommentAdded { ticket, comment: "c".into(), cause: Cause::Remote, actor: Some("Alice".into()) };
    let event = Event { id: "b-7".into(), news };
    let written = serde_json::to_value(&event).unwrap();
    assert_eq!(
        written,
        json!({
            "id": "b-7",
            "event": "comment.added",
            "ticket": { "project": "p", "id": "t", "short_id": "t", "number": 142, "title": "Title" },
            "comment": "c",
            "cause": "remote",
            "actor": "Alice",
        })
    );
    assert_eq!(written["event"], event.news.name());
    assert_eq!(event.news.project(), Some("p"));
    assert_eq!(serde_json::from_value::<Event>(written).unwrap(), event);
}

#[test]
fn error_bears_data_that_is_missing_or_newer() {
    let bare: ApiError = serde_json::from_value(json!({ "code": -32003, "message": "m" })).unwrap();
    assert_eq!((bare.code, *bare.data), (ErrorCode::NotFound, ErrorData::default()));
    let newer = json!({ "code": -32003, "message": "m", "data": { "reason": "r", "mood": "bad" } });
    assert_eq!(serde_json::from_value::<ApiError>(newer).unwrap().data.reason, "r");
}

#[test]
fn codes_of_errors_are_those_of_the_design() {
    let numbers: Vec<i64> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
    let standard = [-32700, -32600, -32601, -32602, -32603];
    let own = [-32001, -32002, -32003, -32004, -32005, -32006, -32007];
    assert_eq!(numbers, [&standard[..], &own[..]].concat());
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from(code.number()), *code);
    }
}

#[test]
fn secrets_are_not_in_debug_output() {
    let join =
        project::Join { address: "assist://x".into(), code: "SECRET".into(), ..project::Join::default() };
    assert!(!format!("{join:?}").contains("SECRET"));
    let invitation = server::Invitation {
        code: "SECRET".into(),
        address: "assist://x".into(),
        role: user::Role::Agent,
        expires_at_millis: 0,
    };
    assert!(!format!("{invitation:?}").contains("SECRET"));
}

#[test]
fn parameters_with_defaults_may_be_left_out() {
    fn reads<M: Method>(params: Value) {
        serde_json::from_value::<M>(params).unwrap();
    }
    reads::<ticket::Create>(json!({ "title": "t" }));
    reads::<ticket::List>(json!({}));
    reads::<ticket::Get>(json!({ "ticket": "#1" }));
    reads::<ticket::Edit>(json!({ "ticket": "#1" }));
    reads::<ticket::History>(json!({ "ticket": "#1" }));
    reads::<comment::Add>(json!({ "ticket": "#1", "body": "b" }));
    reads::<project::Join>(json!({ "address": "a", "code": "c" }));
    reads::<project::Leave>(json!({ "project": "p" }));
    reads::<project::Relocate>(json!({ "address": "a" }));
    reads::<sync::Wait>(json!({ "changes": [], "until": "server" }));
    reads::<sync::GetStatus>(json!({}));
    reads::<server::Invite>(json!({ "role": "agent" }));
    reads::<server::Members>(json!({}));
    reads::<user::List>(json!({}));
}
