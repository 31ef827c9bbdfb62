//! The bytes of documents are a promise: the same script gives the same bytes in every version.

use crate::fixtures::{
    DOC, admin, admit, agent, body, colleague, comment, comment_id, create, customer, label, title,
};
use crate::*;

/// One change a line, in hexadecimal.
const TICKET_V1: &str = include_str!("../../../tests/fixtures/v1/ticket.hex");
const PROJECT_V1: &str = include_str!("../../../tests/fixtures/v1/project.hex");

/// Every edit of a ticket, with a conflict.
fn ticket_script() -> (Doc, Vec<NewChange>) {
    let mut doc = Doc::new(DOC);
    let attachment = Attachment {
        blob: BlobHash::from_bytes([9; 32]),
        name: "screen.png".to_owned(),
        size_bytes: 123_456,
        media_type: "image/png".to_owned(),
    };
    let reply = Edit::AddComment {
        id: comment_id(2),
        body: body("1.2, \u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}"),
        reply_to: Some(comment_id(1)),
        attachments: vec![attachment],
    };
    let triage = vec![
        Edit::SetStatus(Status::Pending),
        Edit::SetAssignee(Some(agent().user)),
        Edit::SetPriority(Some(Priority::High)),
        Edit::SetSnoozedUntil(Some(UnixMillis(1_800_000_000_000))),
        Edit::AddLabel(label("crash")),
        Edit::AddLabel(label("linux")),
        comment(1, "Which version?"),
    ];
    let after = vec![
        Edit::SetPriority(None),
        Edit::RemoveLabel(label("crash")),
        Edit::EditComment { id: comment_id(1), body: body("Which version is it?") },
    ];
    let script = [
        (customer(), vec![create()]),
        (agent(), triage),
        (customer(), vec![reply, Edit::SetBody(body("On start, always."))]),
        (agent(), after),
        (colleague(), vec![comment(3, "Same here.")]),
        (admin(), vec![Edit::DeleteComment(comment_id(3))]),
    ];
    let mut changes = Vec::new();
    for ((author, edits), hour) in script.into_iter().zip(0..) {
        let now = UnixMillis(1_700_000_000_000 + hour * 3_600_000);
        changes.push(doc.apply(&author, now, &edits).unwrap());
    }
    let now = UnixMillis(1_700_100_000_000);
    let apart = doc.clone().apply(&admin(), now, &[Edit::SetTitle(title("Hangs on start"))]).unwrap();
    changes.push(doc.apply(&customer(), now, &[Edit::SetTitle(title("It hangs on start"))]).unwrap());
    admit(&mut doc, &apart.bytes, &admin()).unwrap();
    changes.push(apart);
    changes.push(doc.apply(&agent(), now, &[Edit::SetStatus(Status::Closed)]).unwrap());
    (doc, changes)
}

fn project_script() -> (Doc, Vec<NewChange>) {
    let mut doc = Doc::new(DocId::Project);
    let name = |text| ProjectName::parse(text).unwrap();
    let script = [
        vec![
            Edit::CreateProject(name("hero")),
            Edit::DefineLabel { label: label("crash"), description: body("It stops.") },
            Edit::DefineLabel { label: label("linux"), description: body("") },
            Edit::DefineCannedReply { name: label("thanks"), body: body("Thank you!") },
        ],
        vec![Edit::SetProjectName(name("Hero")), Edit::RetireLabel(label("linux"))],
        vec![Edit::RetireCannedReply(label("thanks"))],
    ];
    let changes =
        script.map(|edits| doc.apply(&admin(), UnixMillis(1_700_000_000_000), &edits).unwrap()).into();
    (doc, changes)
}

fn to_hex(changes: &[NewChange]) -> String {
    let line = |change: &NewChange| change.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    changes.iter().map(|change| line(change) + "\n").collect()
}

fn from_hex(text: &str) -> Vec<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    text.lines().map(|line| line.as_bytes().chunks(2).map(byte).collect()).collect()
}

#[test]
fn the_same_script_gives_the_same_bytes_as_in_version_1() {
    let changes = ticket_script().1;
    assert_eq!(to_hex(&changes), TICKET_V1);
    assert_eq!(to_hex(&ticket_script().1), TICKET_V1);
    assert_eq!(to_hex(&project_script().1), PROJECT_V1);
}

#[test]
fn documents_of_version_1_load_and_read_as_they_did() {
    let stored = from_hex(TICKET_V1);
    let doc = Doc::load(DOC, stored.iter().map(Vec::as_slice)).unwrap();
    let ticket = doc.ticket().unwrap();
    assert_eq!(doc.heads(), ticket_script().0.heads());
    assert_eq!(Some(&ticket), ticket_script().0.ticket().as_ref());
    assert_eq!((ticket.status, ticket.assignee, ticket.priority), (Status::Closed, Some(agent().user), None));
    // The requester answered after it was snoozed, which woke it.
    assert_eq!(ticket.snoozed_until, None);
    assert_eq!(ticket.body, "On start, always.");
    assert_eq!(ticket.labels, [label("linux")].into());
    assert_eq!(ticket.conflicts.len(), 1);
    assert_eq!(ticket.comments[0].edited_at, Some(UnixMillis(1_700_010_800_000)));
    assert_eq!(ticket.comments[1].attachments[0].size_bytes, 123_456);
    assert!(ticket.comments[2].is_deleted);

    let stored = from_hex(PROJECT_V1);
    let project = Doc::load(DocId::Project, stored.iter().map(Vec::as_slice)).unwrap().project().unwrap();
    assert_eq!(project.name, "Hero");
    assert_eq!(project.labels, [(label("crash"), "It stops.".to_owned())].into());
    assert!(project.canned_replies.is_empty());
}
