//! `docs/roles.md` shows people the table that the code has.

use std::collections::BTreeMap;

use super::{Facts, right_to};
use crate::fixtures::{body, comment, comment_id, create, label, note, person, title};
use crate::ids::{TicketId, UserId};
use crate::{Author, Edit, ProjectName, Role, Status, UnixMillis};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/roles.md"));

/// The row of the page that an edit is in. A new edit does not compile until it has one.
fn row_of(edit: &Edit) -> &'static str {
    match edit {
        Edit::CreateTicket { .. } => "file a ticket",
        Edit::SetTitle(_) => "retitle",
        Edit::SetBody(_) => "rewrite the report",
        Edit::SetStatus(Status::Open | Status::Closed) => "open or close",
        Edit::SetStatus(Status::Pending | Status::Resolved) => "set pending or resolved",
        Edit::SetAssignee(_) => "assign",
        Edit::SetPriority(_) => "rank",
        Edit::SetSnoozedUntil(_) => "snooze",
        Edit::SetCloseReason(_) => "say why it was closed",
        Edit::SetMergedInto(_) => "merge into another",
        Edit::AddLink(_) => "link",
        Edit::RemoveLink(_) => "unlink",
        Edit::AddLabel(_) => "put a label on",
        Edit::RemoveLabel(_) => "take a label off",
        Edit::AddComment { .. } => "comment",
        Edit::EditComment { .. } => "rewrite a comment",
        Edit::DeleteComment(_) => "delete a comment",
        Edit::AddNote { .. } => "write a note",
        Edit::EditNote { .. } => "rewrite a note",
        Edit::DeleteNote(_) => "delete a note",
        Edit::CreateProject(_) => "make the project",
        Edit::SetProjectName(_) => "rename it",
        Edit::DefineLabel { .. } => "describe a label",
        Edit::RetireLabel(_) => "retire a label",
        Edit::DefineCannedReply { .. } => "store a canned reply",
        Edit::RetireCannedReply(_) => "drop a canned reply",
    }
}

/// One of every kind, each status too.
fn edits() -> Vec<Edit> {
    let name = ProjectName::parse("hero").unwrap();
    let mut edits = vec![
        create(),
        Edit::SetTitle(title("x")),
        Edit::SetBody(body("x")),
        Edit::SetAssignee(None),
        Edit::SetPriority(None),
        Edit::SetSnoozedUntil(Some(UnixMillis(1))),
        Edit::SetCloseReason(None),
        Edit::SetMergedInto(None),
        Edit::AddLink(TicketId::from_bytes([8; 16])),
        Edit::RemoveLink(TicketId::from_bytes([8; 16])),
        Edit::AddLabel(label("x")),
        Edit::RemoveLabel(label("x")),
        comment(1, "x"),
        Edit::EditComment { id: comment_id(1), body: body("x") },
        Edit::DeleteComment(comment_id(1)),
        note(1, "x"),
        Edit::EditNote { id: comment_id(1), body: body("x") },
        Edit::DeleteNote(comment_id(1)),
        Edit::CreateProject(name.clone()),
        Edit::SetProjectName(name),
        Edit::DefineLabel { label: label("x"), description: body("") },
        Edit::RetireLabel(label("x")),
        Edit::DefineCannedReply { name: label("x"), body: body("x") },
        Edit::RetireCannedReply(label("x")),
    ];
    edits.extend(Status::ALL.iter().copied().map(Edit::SetStatus));
    edits
}

/// What the code says of an edit: six verdicts in the order of the page's columns.
fn verdicts(edit: &Edit) -> Vec<&'static str> {
    let somebody_else = Some(UserId::from_bytes([9; 16]));
    let mut verdicts = Vec::new();
    for role in [Role::Customer, Role::Agent, Role::Admin] {
        let author: Author = person(1, role);
        for owner in [Some(author.user), somebody_else] {
            // Of a comment's edit, whose ticket it is does not count, and the other way round.
            let is_of_comment = matches!(
                edit,
                Edit::EditComment { .. }
                    | Edit::DeleteComment(_)
                    | Edit::EditNote { .. }
                    | Edit::DeleteNote(_)
            );
            let facts = if is_of_comment {
                Facts { requester: somebody_else, comment_author: owner }
            } else {
                Facts { requester: owner, comment_author: somebody_else }
            };
            let is_held = right_to(edit).is_held(&author, &facts);
            verdicts.push(if is_held { "yes" } else { "not_allowed" });
        }
    }
    verdicts
}

#[test]
fn every_cell_of_the_page_is_what_the_code_says() {
    let mut coded: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edit in edits() {
        let row = coded.entry(row_of(&edit)).or_insert_with(|| verdicts(&edit));
        assert_eq!(*row, verdicts(&edit), "{edit:?} is in a row with edits of another right");
    }
    let mut documented: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in DOCUMENT.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| edit ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert!(documented.insert(cells[0], cells[2..].to_vec()).is_none(), "{} is there twice", cells[0]);
    }
    assert_eq!(documented, coded);
}

#[test]
fn fields_that_the_page_names_are_those_of_the_document() {
    use crate::schema::key;
    let known = [
        key::VERSION,
        key::KIND,
        key::ID,
        key::REQUESTER,
        key::CREATED_AT,
        key::TITLE,
        key::BODY,
        key::STATUS,
        key::ASSIGNEE,
        key::PRIORITY,
        key::SNOOZED_UNTIL,
        key::CLOSE_REASON,
        key::MERGED_INTO,
        key::LINK_PREFIX,
        key::LABELS,
        key::COMMENTS,
        key::AUTHOR,
        key::REPLY_TO,
        key::EDITED_AT,
        key::DELETED,
        key::FILES,
        key::PROJECT_NAME,
        key::CANNED_REPLIES,
    ];
    for name in known {
        assert!(DOCUMENT.contains(&format!("`{name}`")), "the page does not say who may write {name}");
    }
}
