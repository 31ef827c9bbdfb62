//! The role table, tried on every edit, here and at the gate.

use crate::fixtures::{
    DOC, admin, admit, agent, body, colleague, comment, comment_id, customer, label, person, ticket_doc,
    title,
};
use crate::{
    Author, Doc, DocId, Edit, EditError, Priority, ProjectName, Reason, RejectCode, Role, Status, TicketId,
    UnixMillis,
};

const NOW: UnixMillis = UnixMillis(2_000);
const OTHER: TicketId = TicketId::from_bytes([8; 16]);

/// Who is tried: the requester, another customer on the ticket, an agent, an admin.
fn people() -> [Author; 4] {
    [customer(), colleague(), agent(), admin()]
}

/// A ticket of the customer's in which each person has written the comment of their number.
fn commented() -> Doc {
    let (mut doc, _) = ticket_doc();
    for (author, number) in people().iter().zip(1..) {
        doc.apply(author, NOW, &[comment(number, "Hello")]).unwrap();
    }
    doc.apply(&agent(), NOW, &[Edit::AddLabel(label("old"))]).unwrap();
    doc
}

/// Checks who may: `x` for each of [`people`] who may, `.` for who may not. The verdict of `apply` and that of the
/// gate on a change that a patched program made must agree.
#[track_caller]
fn check(doc: &Doc, edit: &Edit, expected: &str) {
    let mut verdicts = String::new();
    for author in people() {
        let honest = doc.clone().apply(&author, NOW, std::slice::from_ref(edit));
        let is_allowed = !matches!(honest, Err(EditError::NotAllowed { .. }));
        assert_eq!(is_allowed, honest.is_ok(), "{honest:?}");
        verdicts.push(if is_allowed { 'x' } else { '.' });
        check_gate(doc, edit, &author, is_allowed);
    }
    assert_eq!(verdicts, expected, "{edit:?}");
}

/// Makes the change with all rights, then has the gate judge it with the author's own.
#[track_caller]
fn check_gate(doc: &Doc, edit: &Edit, author: &Author, is_allowed: bool) {
    let patched = [Role::Admin, Role::Customer].into_iter().find_map(|role| {
        let forger = Author { role, ..*author };
        doc.clone().apply(&forger, NOW, std::slice::from_ref(edit)).ok()
    });
    // What nobody but the owner could write at all needs no role to be refused.
    let Some(change) = patched else { return assert!(!is_allowed) };
    match admit(&mut doc.clone(), &change.bytes, author) {
        Ok(edits) => assert!(is_allowed && edits == [edit.clone()]),
        Err(rejection) => assert!(!is_allowed && rejection.code == RejectCode::NotAllowed, "{rejection}"),
    }
}

#[test]
fn the_requester_owns_the_report_and_the_team_works_the_ticket() {
    let doc = commented();
    check(&doc, &Edit::SetTitle(title("New")), "x.xx");
    check(&doc, &Edit::SetBody(body("New")), "x...");
    check(&doc, &Edit::SetStatus(Status::Closed), "x.xx");
    check(&doc, &Edit::SetStatus(Status::Pending), "..xx");
    check(&doc, &Edit::SetStatus(Status::Resolved), "..xx");
    check(&doc, &Edit::SetAssignee(Some(agent().user)), "..xx");
    check(&doc, &Edit::SetPriority(Some(Priority::Urgent)), "..xx");
    check(&doc, &Edit::SetSnoozedUntil(Some(NOW)), "..xx");
    check(&doc, &Edit::SetCloseReason(Some(Reason::parse("Answered").unwrap())), "x.xx");
    check(&doc, &Edit::SetMergedInto(Some(OTHER)), "..xx");
    check(&doc, &Edit::AddLink(OTHER), "..xx");
    check(&doc, &Edit::AddLabel(label("new")), "..xx");
    check(&doc, &Edit::RemoveLabel(label("old")), "..xx");
}

#[test]
fn links_and_merges_are_undone_by_the_team_alone() {
    let mut doc = commented();
    let merged = [Edit::SetMergedInto(Some(OTHER)), Edit::AddLink(OTHER)];
    doc.apply(&agent(), NOW, &merged).unwrap();
    check(&doc, &Edit::SetMergedInto(None), "..xx");
    check(&doc, &Edit::RemoveLink(OTHER), "..xx");
}

#[test]
fn the_requester_may_reopen() {
    let mut doc = commented();
    doc.apply(&agent(), NOW, &[Edit::SetStatus(Status::Resolved)]).unwrap();
    check(&doc, &Edit::SetStatus(Status::Open), "x.xx");
}

#[test]
fn everybody_comments_and_rewrites_only_what_is_theirs() {
    let doc = commented();
    check(&doc, &comment(9, "Hello"), "xxxx");
    let rewrite = |number| Edit::EditComment { id: comment_id(number), body: body("New") };
    check(&doc, &rewrite(1), "x...");
    check(&doc, &rewrite(2), ".x..");
    check(&doc, &rewrite(3), "..x.");
    check(&doc, &rewrite(4), "...x");
    let delete = |number| Edit::DeleteComment(comment_id(number));
    check(&doc, &delete(1), "x..x");
    check(&doc, &delete(2), ".x.x");
    check(&doc, &delete(3), "..xx");
    check(&doc, &delete(4), "...x");
}

#[test]
fn customers_file_for_themselves_and_the_team_for_anybody() {
    let empty = Doc::new(DOC);
    let file = |requester: Author| Edit::CreateTicket {
        requester: requester.user,
        title: title("It hangs"),
        body: body("On start."),
    };
    check(&empty, &file(customer()), "x.xx");
    check(&empty, &file(colleague()), ".xxx");
    check(&empty, &file(person(9, Role::Customer)), "..xx");
}

#[test]
fn only_admins_write_the_project() {
    let name = |text| ProjectName::parse(text).unwrap();
    check(&Doc::new(DocId::Project), &Edit::CreateProject(name("hero")), "...x");
    let mut doc = Doc::new(DocId::Project);
    let edits = [
        Edit::CreateProject(name("hero")),
        Edit::DefineLabel { label: label("old"), description: body("") },
        Edit::DefineCannedReply { name: label("old"), body: body("Hi") },
    ];
    doc.apply(&admin(), NOW, &edits).unwrap();
    check(&doc, &Edit::SetProjectName(name("Hero")), "...x");
    check(&doc, &Edit::DefineLabel { label: label("new"), description: body("New.") }, "...x");
    check(&doc, &Edit::RetireLabel(label("old")), "...x");
    check(&doc, &Edit::DefineCannedReply { name: label("new"), body: body("Hi") }, "...x");
    check(&doc, &Edit::RetireCannedReply(label("old")), "...x");
}
