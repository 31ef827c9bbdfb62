//! Edits survive being written down, and what is none is refused.

use assist_crdt_model::{Priority, Status};
use proptest::prelude::*;

use super::*;
use crate::wire::codec;

fn text(chars_max: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 1..=chars_max)
        .prop_map(String::from_iter)
        .prop_filter("not blank", |text| !text.trim().is_empty())
}

fn title() -> impl Strategy<Value = Title> {
    text(80).prop_map(|text| Title::parse(&text).unwrap())
}

fn label() -> impl Strategy<Value = Label> {
    text(40).prop_map(|text| Label::parse(&text).unwrap())
}

fn project_name() -> impl Strategy<Value = ProjectName> {
    text(80).prop_map(|text| ProjectName::parse(&text).unwrap())
}

fn body() -> impl Strategy<Value = Body> {
    any::<String>().prop_map(|text| Body::parse(text).unwrap())
}

fn user() -> impl Strategy<Value = UserId> {
    any::<[u8; 16]>().prop_map(UserId::from_bytes)
}

fn comment() -> impl Strategy<Value = CommentId> {
    any::<[u8; 16]>().prop_map(CommentId::from_bytes)
}

fn attachment() -> impl Strategy<Value = Attachment> {
    (any::<[u8; 32]>(), any::<String>(), any::<u64>(), any::<String>()).prop_map(
        |(blob, name, size_bytes, media_type)| Attachment {
            blob: BlobHash::from_bytes(blob),
            name,
            size_bytes,
            media_type,
        },
    )
}

fn other() -> impl Strategy<Value = TicketId> {
    any::<[u8; 16]>().prop_map(TicketId::from_bytes)
}

fn edit() -> impl Strategy<Value = Edit> {
    let ticket = prop_oneof![
        (user(), title(), body()).prop_map(|(requester, title, body)| Edit::CreateTicket {
            requester,
            title,
            body
        }),
        title().prop_map(Edit::SetTitle),
        body().prop_map(Edit::SetBody),
        proptest::sample::select(Status::ALL).prop_map(Edit::SetStatus),
        proptest::option::of(user()).prop_map(Edit::SetAssignee),
        proptest::option::of(proptest::sample::select(Priority::ALL)).prop_map(Edit::SetPriority),
        proptest::option::of(any::<u64>().prop_map(UnixMillis)).prop_map(Edit::SetSnoozedUntil),
        label().prop_map(Edit::AddLabel),
        label().prop_map(Edit::RemoveLabel),
    ];
    let merges = prop_oneof![
        proptest::option::of(title().prop_map(|text| Reason::parse(text.as_str()).unwrap()))
            .prop_map(Edit::SetCloseReason),
        proptest::option::of(other()).prop_map(Edit::SetMergedInto),
        other().prop_map(Edit::AddLink),
        other().prop_map(Edit::RemoveLink),
    ];
    let comments = prop_oneof![
        (comment(), body(), proptest::option::of(comment()), proptest::collection::vec(attachment(), 0..4))
            .prop_map(|(id, body, reply_to, attachments)| Edit::AddComment {
                id,
                body,
                reply_to,
                attachments
            }),
        (comment(), body()).prop_map(|(id, body)| Edit::EditComment { id, body }),
        comment().prop_map(Edit::DeleteComment),
    ];
    let notes = prop_oneof![
        (comment(), body(), proptest::option::of(comment()), proptest::collection::vec(attachment(), 0..4))
            .prop_map(|(id, body, reply_to, attachments)| Edit::AddNote { id, body, reply_to, attachments }),
        (comment(), body()).prop_map(|(id, body)| Edit::EditNote { id, body }),
        comment().prop_map(Edit::DeleteNote),
    ];
    let project = prop_oneof![
        project_name().prop_map(Edit::CreateProject),
        project_name().prop_map(Edit::SetProjectName),
        (label(), body()).prop_map(|(label, description)| Edit::DefineLabel { label, description }),
        label().prop_map(Edit::RetireLabel),
        (label(), body()).prop_map(|(name, body)| Edit::DefineCannedReply { name, body }),
        label().prop_map(Edit::RetireCannedReply),
    ];
    prop_oneof![ticket, merges, comments, notes, project]
}

proptest! {
    #[test]
    fn an_edit_survives_storage(edit in edit()) {
        let stored = codec::encode(&WireEdit::from(&edit));
        let read: WireEdit = codec::decode("edit", &stored).unwrap();
        prop_assert_eq!(Edit::try_from(read).unwrap(), edit);
    }

    #[test]
    fn a_description_is_one_short_line(edit in edit()) {
        let description = WireEdit::from(&edit).describe();
        prop_assert!(!description.chars().any(char::is_control), "{:?}", description);
        prop_assert!(description.chars().count() < 120, "{:?}", description);
    }

    #[test]
    fn any_bytes_are_an_edit_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(edit) = codec::decode::<WireEdit>("edit", &bytes) {
            Edit::try_from(edit).ok();
        }
    }
}

#[test]
fn a_stored_text_over_its_limit_is_refused() {
    let refused = Edit::try_from(WireEdit::SetTitle("x".repeat(81))).unwrap_err();
    assert_eq!(refused.to_string(), "the title has 81 characters, at most 80 are allowed");
    let refused = Edit::try_from(WireEdit::AddLabel(" ".into())).unwrap_err();
    assert_eq!(refused.to_string(), "the label is empty");
}

#[test]
fn a_status_of_a_later_version_is_refused_by_name() {
    let refused = Edit::try_from(WireEdit::SetStatus("merged".into())).unwrap_err();
    assert!(refused.to_string().starts_with("unknown status \"merged\""), "{refused}");
}

#[test]
fn a_draft_shows_what_was_written() {
    let comment = WireEdit::AddComment {
        id: CommentId::from_bytes([1; 16]),
        body: "It broke\nagain.\u{1b}[31m".into(),
        reply_to: None,
        attachments: Vec::new(),
    };
    assert_eq!(comment.describe(), "comments \"It broke again. [31m\"");
    assert_eq!(comment.main_text(), Some("It broke\nagain.\u{1b}[31m"));
    let status = WireEdit::SetStatus("closed".into());
    assert_eq!((status.describe().as_str(), status.main_text()), ("sets the status to closed", None));
}
