//! Taking changes back: each kind, what stands in the way, and that nothing is taken out of the history.

use crate::fixtures::{
    TICKET, admin, admit, agent, body, comment, comment_id, customer, label, note, ticket_doc, title,
};
use crate::*;

const NOW: UnixMillis = UnixMillis(2_000);

/// Makes the edits one change, and takes it back.
fn there_and_back(doc: &mut Doc, author: &Author, edits: &[Edit]) {
    let before = doc.clone();
    let change = doc.apply(author, NOW, edits).unwrap();
    assert_ne!(seen(doc), seen(&before), "{edits:?}");
    let inverse = doc.undo(&change.hash).unwrap();
    doc.apply(author, NOW, &inverse).unwrap();
    assert_eq!(seen(doc), seen(&before), "{edits:?} undone by {inverse:?}");
    assert_eq!(doc.change_count(), before.change_count() + 2, "an undo adds to the history");
}

/// What people see, but for the marks of having been there.
fn seen(doc: &Doc) -> String {
    let ticket = doc.ticket().map(|ticket| {
        let texts: Vec<String> =
            ticket.comments.into_iter().filter(|it| !it.is_deleted).map(|it| it.body).collect();
        (
            (ticket.title, ticket.body, ticket.status, ticket.assignee),
            (ticket.priority, ticket.snoozed_until, ticket.close_reason, ticket.labels, texts),
        )
    });
    let notes: Option<Vec<String>> =
        doc.notes().map(|notes| notes.into_iter().filter(|it| !it.is_deleted).map(|it| it.body).collect());
    format!("{ticket:?} {notes:?} {:?}", doc.project())
}

#[test]
fn every_field_goes_back_to_what_it_was() {
    let (mut doc, _) = ticket_doc();
    let team = agent();
    for edits in [
        vec![Edit::SetTitle(title("Another"))],
        vec![Edit::SetStatus(Status::Pending)],
        vec![Edit::SetAssignee(Some(agent().user))],
        vec![Edit::SetPriority(Some(Priority::High))],
        vec![Edit::SetSnoozedUntil(Some(UnixMillis(9_000)))],
        vec![Edit::SetStatus(Status::Closed), Edit::SetCloseReason(Some(Reason::parse("Fixed.").unwrap()))],
        vec![Edit::AddLabel(label("crash"))],
        vec![comment(1, "Which version?")],
        vec![Edit::SetStatus(Status::Resolved), Edit::AddLabel(label("docs")), comment(2, "Done.")],
    ] {
        there_and_back(&mut doc, &team, &edits);
    }
    doc.apply(
        &team,
        NOW,
        &[Edit::AddLabel(label("ui")), comment(3, "One."), Edit::SetAssignee(Some(team.user))],
    )
    .unwrap();
    for edits in [
        vec![Edit::RemoveLabel(label("ui"))],
        vec![Edit::EditComment { id: comment_id(3), body: body("Two.") }],
        vec![Edit::SetAssignee(None)],
    ] {
        there_and_back(&mut doc, &team, &edits);
    }
}

#[test]
fn notes_and_the_project_go_back_too() {
    let mut notes = Doc::new(DocId::Notes(TICKET));
    notes.apply(&agent(), NOW, &[note(1, "The driver?")]).unwrap();
    there_and_back(&mut notes, &agent(), &[note(2, "It is.")]);
    there_and_back(&mut notes, &agent(), &[Edit::EditNote { id: comment_id(1), body: body("The fan?") }]);

    let mut project = Doc::new(DocId::Project);
    let name = |text| ProjectName::parse(text).unwrap();
    let reply = |text| Edit::DefineCannedReply { name: label("thanks"), body: body(text) };
    let crash = |text| Edit::DefineLabel { label: label("crash"), description: body(text) };
    project.apply(&admin(), NOW, &[Edit::CreateProject(name("hero"))]).unwrap();
    there_and_back(&mut project, &admin(), &[Edit::SetProjectName(name("heroes"))]);
    there_and_back(&mut project, &admin(), &[reply("Thank you!")]);
    there_and_back(&mut project, &admin(), &[crash("It stops.")]);
    project.apply(&admin(), NOW, &[reply("Thanks."), crash("It ends.")]).unwrap();
    there_and_back(&mut project, &admin(), &[reply("Thank you!"), crash("It stops.")]);
    there_and_back(&mut project, &admin(), &[Edit::RetireCannedReply(label("thanks"))]);
    there_and_back(&mut project, &admin(), &[Edit::RetireLabel(label("crash"))]);
}

#[test]
fn what_somebody_went_on_from_stays() {
    let (mut doc, _) = ticket_doc();
    let mut undo_after = |edit: Edit, later: Edit| {
        let change = doc.apply(&agent(), NOW, &[edit]).unwrap();
        doc.apply(&agent(), NOW, &[later]).unwrap();
        doc.undo(&change.hash)
    };
    let superseded = |what| Err(UndoError::Superseded { what });
    assert_eq!(
        undo_after(Edit::SetTitle(title("Second")), Edit::SetTitle(title("Third"))),
        superseded("the title")
    );
    assert_eq!(
        undo_after(Edit::AddLabel(label("ui")), Edit::RemoveLabel(label("ui"))),
        superseded("the label")
    );
    let rewritten = Edit::EditComment { id: comment_id(1), body: body("Other.") };
    assert_eq!(undo_after(comment(1, "One."), rewritten), superseded("the text"));
    assert_eq!(undo_after(comment(2, "Two."), Edit::DeleteComment(comment_id(2))), superseded("the text"));
}

#[test]
fn a_field_in_conflict_is_not_undone_behind_the_others_back() {
    let (mut here, first) = ticket_doc();
    let mut there = Doc::new(here.id());
    admit(&mut there, &first.bytes, &customer()).unwrap();
    let mine = here.apply(&agent(), NOW, &[Edit::SetTitle(title("Mine"))]).unwrap();
    let theirs = there.apply(&customer(), NOW, &[Edit::SetTitle(title("Theirs"))]).unwrap();
    admit(&mut here, &theirs.bytes, &customer()).unwrap();
    for change in [mine.hash, theirs.hash] {
        assert_eq!(here.undo(&change), Err(UndoError::Superseded { what: "the title" }));
    }
}

#[test]
fn what_has_no_way_back_says_what_to_do() {
    let (mut doc, first) = ticket_doc();
    assert!(matches!(doc.undo(&first.hash), Err(UndoError::Final { deed: "filing", .. })));
    doc.apply(&agent(), NOW, &[comment(1, "One.")]).unwrap();
    let struck = doc.apply(&agent(), NOW, &[Edit::DeleteComment(comment_id(1))]).unwrap();
    assert!(matches!(doc.undo(&struck.hash), Err(UndoError::Final { deed: "deleting a text", .. })));
    let unknown = ChangeHash::from_bytes([9; 32]);
    assert_eq!(doc.undo(&unknown), Err(UndoError::NoSuchChange(unknown)));
}

#[test]
fn an_undo_is_under_the_rules_of_whoever_makes_it() {
    let (mut doc, _) = ticket_doc();
    let change = doc.apply(&agent(), NOW, &[Edit::SetPriority(Some(Priority::High))]).unwrap();
    let inverse = doc.undo(&change.hash).unwrap();
    assert!(matches!(doc.apply(&customer(), NOW, &inverse), Err(EditError::NotAllowed { .. })));
}
