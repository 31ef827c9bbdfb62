//! Dotted paths that choose fields, and which of them exist.

use assist_proto::api::events::Event;
use assist_proto::api::ticket::{Ticket, TicketRow, TicketWritten};
use serde_json::json;

use super::Fields;

fn fields(text: &str) -> Fields {
    text.parse().unwrap()
}

#[test]
fn nothing_named_is_everything() {
    let value = json!({"id": "a", "title": "b"});
    assert_eq!(fields("").select(&value), value);
}

#[test]
fn named_fields_stay_where_they_were() {
    let value = json!({"id": "a", "title": "b", "requester": {"id": "c", "name": "d"}, "number": null});
    assert_eq!(
        fields("id, requester.name,number").select(&value),
        json!({"id": "a", "requester": {"name": "d"}, "number": null})
    );
    assert_eq!(
        fields("requester.name,requester.id").select(&value),
        json!({"requester": {"id": "c", "name": "d"}})
    );
}

#[test]
fn lists_are_gone_through() {
    let value = json!([{"id": 1, "comments": [{"id": 2, "body": "x"}, {"id": 3, "body": "y"}]}]);
    assert_eq!(
        fields("id,comments.body,comments.id").select(&value),
        json!([{"id": 1, "comments": [{"id": 2, "body": "x"}, {"id": 3, "body": "y"}]}])
    );
    assert_eq!(fields("comments.body").select(&value), json!([{"comments": [{"body": "x"}, {"body": "y"}]}]));
}

#[test]
fn what_is_not_there_is_null() {
    assert_eq!(fields("assignee.name").select(&json!({"assignee": null})), json!({"assignee": null}));
}

#[test]
fn gaps_are_no_fields() {
    for text in ["id,,title", ".", "a.", ",", "id,"] {
        assert!(text.parse::<Fields>().is_err(), "{text}");
    }
}

#[test]
fn known_fields_pass_through_references_lists_and_choices() {
    fields("id,title,assignee.name,labels").check::<TicketRow>().unwrap();
    fields("id,body,comments.author.role,conflicts.values.text").check::<Ticket>().unwrap();
    fields("ticket.number,change").check::<TicketWritten>().unwrap();
    fields("id,event,ticket.id,cause").check::<Event>().unwrap();
}

#[test]
fn an_unknown_field_is_refused_with_those_there_are() {
    let error = fields("ticket.nmber").check::<TicketWritten>().unwrap_err();
    assert_eq!(error.kind().exit_code(), 2);
    let mut printed = Vec::new();
    error.print(&mut printed).unwrap();
    assert_eq!(
        String::from_utf8(printed).unwrap(),
        "error: there is no field ticket.nmber\nhint: there are: id, number, project, short_id, title\n"
    );
    assert!(fields("id.x").check::<TicketRow>().is_err());
}
