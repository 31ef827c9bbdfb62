//! Notes: texts of the team in a document that nobody has to make first.

use crate::fixtures::{
    TICKET, admin, admit, agent, body, comment, comment_id, create, customer, note, person, ticket_doc,
};
use crate::gate::RejectCode;
use crate::*;

const NOW: UnixMillis = UnixMillis(2_000);
const NOTES: DocId = DocId::Notes(TICKET);
const NOTES_V1: &str = include_str!("../../../tests/fixtures/v1/notes.hex");

#[test]
fn a_note_is_written_answered_rewritten_and_struck() {
    let mut doc = Doc::new(NOTES);
    assert_eq!(doc.notes(), Some(Vec::new()));
    doc.apply(&agent(), NOW, &[note(1, "Looks like the driver.")]).unwrap();
    let answer = Edit::AddNote {
        id: comment_id(2),
        body: body("It is."),
        reply_to: Some(comment_id(1)),
        attachments: Vec::new(),
    };
    doc.apply(&admin(), NOW, &[answer]).unwrap();
    doc.apply(&agent(), NOW, &[Edit::EditNote { id: comment_id(1), body: body("The driver?") }]).unwrap();
    let notes = doc.notes().unwrap();
    assert_eq!(notes.iter().map(|note| note.body.as_str()).collect::<Vec<_>>(), ["The driver?", "It is."]);
    assert_eq!(notes[0].edited_at, Some(NOW));
    assert_eq!((notes[1].author, notes[1].reply_to), (admin().user, Some(comment_id(1))));

    doc.apply(&agent(), NOW, &[Edit::DeleteNote(comment_id(1))]).unwrap();
    assert!(doc.notes().unwrap()[0].is_deleted);
    assert_eq!(doc.notes().unwrap()[0].body, "");
    let history: Vec<Option<String>> =
        doc.history().into_iter().flat_map(|entry| entry.edits).map(|(_, before)| before).collect();
    assert_eq!(
        history,
        [None, None, Some("Looks like the driver.".to_owned()), Some("The driver?".to_owned())]
    );
}

#[test]
fn first_notes_written_apart_are_all_kept_on_every_device() {
    let colleague = person(5, Role::Agent);
    let (mut here, mut there) = (Doc::new(NOTES), Doc::new(NOTES));
    let one = here.apply(&agent(), NOW, &[note(1, "Mine.")]).unwrap();
    let other = there.apply(&colleague, NOW, &[note(2, "Mine too.")]).unwrap();
    admit(&mut here, &other.bytes, &colleague).unwrap();
    admit(&mut there, &one.bytes, &agent()).unwrap();
    assert_eq!(here.notes(), there.notes());
    assert_eq!(here.notes().unwrap().len(), 2);
    assert_eq!(here.history().len(), 2);

    let loaded = Doc::load(NOTES, [one.bytes.as_slice(), &other.bytes]).unwrap();
    assert_eq!(loaded.notes(), here.notes());
    let scanned = |change: &NewChange| ScannedChange::scan(&change.bytes).unwrap();
    let (one, other) = (scanned(&one), scanned(&other));
    let verified = Doc::verify(NOTES, [(&other, colleague), (&one, agent())]).unwrap();
    assert_eq!(verified.notes(), here.notes());
}

#[test]
fn customers_neither_write_nor_change_notes() {
    let mut doc = Doc::new(NOTES);
    let first = doc.apply(&agent(), NOW, &[note(1, "Between us.")]).unwrap();
    let refused = doc.apply(&customer(), NOW, &[note(2, "Hello?")]);
    assert_eq!(refused, Err(EditError::NotAllowed { holders: "the team", deed: "write notes" }));

    // By a program of their own, which says that it is an agent's.
    let liar = Author { role: Role::Agent, ..customer() };
    for edit in [
        note(2, "Hello?"),
        Edit::EditNote { id: comment_id(1), body: body("For all.") },
        Edit::DeleteNote(comment_id(1)),
    ] {
        let writer =
            if matches!(edit, Edit::AddNote { .. }) { liar } else { Author { user: agent().user, ..liar } };
        let forged = doc.clone().apply(&writer, NOW, &[edit]).unwrap();
        let verdict = admit(&mut doc, &forged.bytes, &customer()).map_err(|refused| refused.code);
        assert_eq!(verdict, Err(RejectCode::NotAllowed));
    }
    assert_eq!(doc.heads(), [first.hash]);
}

#[test]
fn only_its_author_rewrites_a_note_and_an_admin_may_strike_it() {
    let colleague = person(5, Role::Agent);
    let mut doc = Doc::new(NOTES);
    doc.apply(&agent(), NOW, &[note(1, "Between us.")]).unwrap();
    let rewrite = [Edit::EditNote { id: comment_id(1), body: body("Other words.") }];
    let strike = [Edit::DeleteNote(comment_id(1))];
    for (author, edits) in [(colleague, &rewrite), (colleague, &strike), (admin(), &rewrite)] {
        assert!(matches!(doc.apply(&author, NOW, edits), Err(EditError::NotAllowed { .. })));
    }
    doc.apply(&admin(), NOW, &strike).unwrap();
    assert_eq!(doc.apply(&agent(), NOW, &rewrite), Err(EditError::NoSuchComment(comment_id(1))));
}

#[test]
fn what_belongs_to_a_ticket_does_not_go_among_the_notes_nor_the_other_way_round() {
    let mut notes = Doc::new(NOTES);
    for edit in [comment(1, "Which version?"), create(), Edit::SetStatus(Status::Closed)] {
        assert!(matches!(notes.apply(&agent(), NOW, &[edit]), Err(EditError::WrongKind { .. })));
    }
    let (mut ticket, _) = ticket_doc();
    let written = ticket.apply(&agent(), NOW, &[note(1, "Between us.")]);
    assert!(matches!(written, Err(EditError::WrongKind { .. })));

    // The bytes of a note are no edit of a ticket, and those of a comment no note.
    let note = notes.apply(&agent(), NOW, &[note(1, "Between us.")]).unwrap();
    assert!(admit(&mut ticket, &note.bytes, &agent()).is_err());
    let comment = ticket.apply(&agent(), NOW, &[comment(1, "Which version?")]).unwrap();
    assert!(admit(&mut notes, &comment.bytes, &agent()).is_err());
}

#[test]
fn a_blank_note_and_an_answer_to_nothing_are_refused() {
    let mut doc = Doc::new(NOTES);
    assert_eq!(doc.apply(&agent(), NOW, &[note(1, " \n")]), Err(EditError::Blank));
    let answer = Edit::AddNote {
        id: comment_id(2),
        body: body("x"),
        reply_to: Some(comment_id(9)),
        attachments: Vec::new(),
    };
    assert_eq!(doc.apply(&agent(), NOW, &[answer]), Err(EditError::NoSuchComment(comment_id(9))));
    doc.apply(&agent(), NOW, &[note(1, "x")]).unwrap();
    assert_eq!(doc.apply(&admin(), NOW, &[note(1, "y")]), Err(EditError::CommentExists(comment_id(1))));
}

#[test]
fn the_same_notes_give_the_same_bytes_as_in_version_1() {
    let (doc, changes) = script();
    let hex = |change: &NewChange| change.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines: String = changes.iter().map(|change| hex(change) + "\n").collect();
    assert_eq!(lines, NOTES_V1);
    let loaded = Doc::load(NOTES, changes.iter().map(|change| change.bytes.as_slice())).unwrap();
    assert_eq!(loaded.notes(), doc.notes());
}

/// Every edit of notes.
fn script() -> (Doc, Vec<NewChange>) {
    let mut doc = Doc::new(NOTES);
    let attachment = Attachment {
        blob: BlobHash::from_bytes([9; 32]),
        name: "trace.txt".to_owned(),
        size_bytes: 123_456,
        media_type: "text/plain".to_owned(),
    };
    let answer = Edit::AddNote {
        id: comment_id(2),
        body: body("See the trace."),
        reply_to: Some(comment_id(1)),
        attachments: vec![attachment],
    };
    let script = [
        (agent(), vec![note(1, "The driver?")]),
        (admin(), vec![answer]),
        (agent(), vec![Edit::EditNote { id: comment_id(1), body: body("Not the driver.") }]),
        (admin(), vec![Edit::DeleteNote(comment_id(2))]),
    ];
    let now = UnixMillis(1_700_000_000_000);
    let changes = script.map(|(author, edits)| doc.apply(&author, now, &edits).unwrap()).into();
    (doc, changes)
}
