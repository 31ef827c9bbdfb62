//! Edits in, snapshots out.

mod convergence;
mod golden;
mod notes;
mod undo;
mod work;

use crate::fixtures::{
    TICKET, admin, admit, agent, body, colleague, comment, comment_id, create, customer, label, ticket_doc,
    title,
};
use crate::*;

const NOW: UnixMillis = UnixMillis(2_000);

#[test]
fn a_filed_ticket_reads_back_as_it_was_written() {
    let (doc, change) = ticket_doc();
    let ticket = doc.ticket().unwrap();
    assert_eq!(ticket.id, TICKET);
    assert_eq!(ticket.requester, customer().user);
    assert_eq!(ticket.created_at, UnixMillis(1_000));
    assert_eq!((ticket.title.as_str(), ticket.body.as_str()), ("It hangs", "On start."));
    assert_eq!(ticket.status, Status::Open);
    assert_eq!((ticket.assignee, ticket.priority, ticket.snoozed_until), (None, None, None));
    assert!(ticket.labels.is_empty() && ticket.comments.is_empty() && ticket.conflicts.is_empty());
    assert_eq!(doc.heads(), vec![change.hash]);
    assert!(doc.contains(&change.hash));
    assert_eq!(doc.change_count(), 1);
}

#[test]
fn every_field_can_be_set_in_one_change() {
    let mut doc = Doc::new(DocId::Ticket(TICKET));
    let edits = [
        create(),
        Edit::SetTitle(title("It hangs on start")),
        Edit::SetStatus(Status::Pending),
        Edit::SetAssignee(Some(agent().user)),
        Edit::SetPriority(Some(Priority::High)),
        Edit::SetSnoozedUntil(Some(UnixMillis(9_000))),
        Edit::AddLabel(label("crash")),
        Edit::AddLabel(label("linux")),
        Edit::RemoveLabel(label("crash")),
        comment(1, "Which version?"),
        Edit::EditComment { id: comment_id(1), body: body("Which version is it?") },
    ];
    let change = doc.apply(&agent(), NOW, &edits).unwrap();
    let ticket = doc.ticket().unwrap();
    assert_eq!(ticket.title, "It hangs on start");
    assert_eq!(ticket.status, Status::Pending);
    assert_eq!(ticket.assignee, Some(agent().user));
    assert_eq!(ticket.priority, Some(Priority::High));
    assert_eq!(ticket.snoozed_until, Some(UnixMillis(9_000)));
    assert_eq!(ticket.labels, [label("linux")].into());
    assert_eq!(ticket.comments[0].body, "Which version is it?");
    assert_eq!(ticket.comments[0].edited_at, Some(NOW));

    let mut other = Doc::new(DocId::Ticket(TICKET));
    assert_eq!(admit(&mut other, &change.bytes, &agent()).unwrap(), edits);
    assert_eq!(other.ticket(), Some(ticket));
}

#[test]
fn a_comment_keeps_its_parts() {
    let (mut doc, _) = ticket_doc();
    let attachment = Attachment {
        blob: BlobHash::from_bytes([9; 32]),
        name: "screen.png".to_owned(),
        size_bytes: 123_456,
        media_type: "image/png".to_owned(),
    };
    doc.apply(&agent(), NOW, &[comment(1, "Which version?")]).unwrap();
    let reply = Edit::AddComment {
        id: comment_id(2),
        body: body("1.2, see the picture."),
        reply_to: Some(comment_id(1)),
        attachments: vec![attachment.clone()],
    };
    let change = doc.apply(&customer(), UnixMillis(1_500), &[reply]).unwrap();
    let comments = doc.ticket().unwrap().comments;
    assert_eq!(comments.iter().map(|comment| comment.id).collect::<Vec<_>>(), [comment_id(1), comment_id(2)]);
    let expected = Comment {
        id: comment_id(2),
        author: customer().user,
        created_at: UnixMillis(1_500),
        body: "1.2, see the picture.".to_owned(),
        reply_to: Some(comment_id(1)),
        edited_at: None,
        is_deleted: false,
        attachments: vec![attachment],
        losing_bodies: Vec::new(),
        change: change.hash,
    };
    assert_eq!(comments[1], expected);
    assert_eq!(doc.summary().unwrap().comment_count, 2);
}

#[test]
fn a_deleted_comment_leaves_an_empty_tombstone() {
    let (mut doc, _) = ticket_doc();
    doc.apply(&customer(), NOW, &[comment(1, "My password is ...")]).unwrap();
    doc.apply(&admin(), NOW, &[Edit::DeleteComment(comment_id(1))]).unwrap();
    let ticket = doc.ticket().unwrap();
    assert!(ticket.comments[0].is_deleted);
    assert_eq!(ticket.comments[0].body, "");
    let again = Edit::EditComment { id: comment_id(1), body: body("Back") };
    assert_eq!(doc.apply(&customer(), NOW, &[again]), Err(EditError::NoSuchComment(comment_id(1))));
}

#[test]
fn one_text_is_found_by_its_id_unless_it_was_struck() {
    let (mut doc, _) = ticket_doc();
    doc.apply(&customer(), NOW, &[comment(1, "It hums."), comment(2, "And smells.")]).unwrap();
    let rewrite = Edit::EditComment { id: comment_id(1), body: body("It hums aloud.") };
    let written_by = doc.apply(&customer(), NOW, &[rewrite]).unwrap().hash;
    let expected = Text {
        comment: comment_id(1),
        author: customer().user,
        body: "It hums aloud.".to_owned(),
        written_by,
    };
    assert_eq!(doc.text(comment_id(1)), Some(expected));
    doc.apply(&customer(), NOW, &[Edit::DeleteComment(comment_id(2))]).unwrap();
    assert_eq!(doc.text(comment_id(2)), None);
    assert_eq!(doc.text(comment_id(3)), None);
    let found = doc.texts(|text| text.starts_with("It")).into_iter().map(|text| text.comment);
    assert_eq!(found.collect::<Vec<_>>(), [comment_id(1)]);
}

#[test]
fn a_field_written_twice_while_apart_shows_both_values_until_settled() {
    let (mut doc, _) = ticket_doc();
    let mut other = doc.clone();
    let here = doc.apply(&customer(), NOW, &[Edit::SetTitle(title("From home"))]).unwrap();
    let there = other.apply(&agent(), NOW, &[Edit::SetTitle(title("From work"))]).unwrap();
    admit(&mut doc, &there.bytes, &agent()).unwrap();
    admit(&mut other, &here.bytes, &customer()).unwrap();

    let ticket = doc.ticket().unwrap();
    assert_eq!(Some(&ticket), other.ticket().as_ref());
    let conflict = &ticket.conflicts[0];
    assert_eq!(conflict.field, Field::Title);
    assert_eq!(conflict.values[0].text, ticket.title);
    let mut changes: Vec<_> = conflict.values.iter().map(|value| value.change).collect();
    changes.sort_unstable();
    let mut expected = [here.hash, there.hash];
    expected.sort_unstable();
    assert_eq!(changes, expected);
    assert!(doc.summary().unwrap().has_conflict);

    let winner = Edit::SetTitle(title(&ticket.title));
    doc.apply(&customer(), NOW, &[winner]).unwrap();
    assert!(doc.ticket().unwrap().conflicts.is_empty());
    assert!(!doc.summary().unwrap().has_conflict);
}

#[test]
fn unassigning_while_another_assigns_is_a_conflict_too() {
    let (mut doc, _) = ticket_doc();
    doc.apply(&agent(), NOW, &[Edit::SetAssignee(Some(agent().user))]).unwrap();
    let mut other = doc.clone();
    doc.apply(&agent(), NOW, &[Edit::SetAssignee(None)]).unwrap();
    let there = other.apply(&admin(), NOW, &[Edit::SetAssignee(Some(admin().user))]).unwrap();
    admit(&mut doc, &there.bytes, &admin()).unwrap();
    let conflict = doc.ticket().unwrap().conflicts.remove(0);
    let mut texts: Vec<_> = conflict.values.into_iter().map(|value| value.text).collect();
    texts.sort();
    assert_eq!(texts, [String::new(), admin().user.to_string()]);
}

#[test]
fn a_comment_rewritten_twice_while_apart_keeps_the_losing_text() {
    let (mut doc, _) = ticket_doc();
    doc.apply(&customer(), NOW, &[comment(1, "First")]).unwrap();
    let second_device = Author { actor: Actor::derive(&DeviceId::from_bytes([99; 32]), 0), ..customer() };
    let mut other = doc.clone();
    let rewrite = |text| [Edit::EditComment { id: comment_id(1), body: body(text) }];
    doc.apply(&customer(), NOW, &rewrite("On the phone")).unwrap();
    let there = other.apply(&second_device, NOW, &rewrite("At the desk")).unwrap();
    admit(&mut doc, &there.bytes, &second_device).unwrap();
    let shown = doc.ticket().unwrap().comments.remove(0);
    let mut texts = vec![shown.body, shown.losing_bodies[0].as_str().to_owned()];
    texts.sort();
    assert_eq!(texts, ["At the desk", "On the phone"]);
}

#[test]
fn an_edit_that_says_what_is_so_already_is_left_out() {
    let (mut doc, _) = ticket_doc();
    let before = doc.heads();
    let idle = [
        Edit::SetStatus(Status::Open),
        Edit::SetTitle(title("It hangs")),
        Edit::SetAssignee(None),
        Edit::RemoveLabel(label("crash")),
    ];
    assert_eq!(doc.apply(&agent(), NOW, &idle), Err(EditError::NothingToDo));
    assert_eq!(doc.apply(&agent(), NOW, &[]), Err(EditError::NothingToDo));
    assert_eq!(doc.heads(), before);

    let mixed = [idle[0].clone(), Edit::SetStatus(Status::Closed), idle[2].clone()];
    let change = doc.apply(&agent(), NOW, &mixed).unwrap();
    let (mut other, _) = ticket_doc();
    assert_eq!(admit(&mut other, &change.bytes, &agent()).unwrap(), [Edit::SetStatus(Status::Closed)]);
}

#[test]
fn a_failing_edit_leaves_the_document_as_it_was() {
    let (mut doc, _) = ticket_doc();
    let before = (doc.heads(), doc.ticket());
    let edits = [comment(1, "Fine"), Edit::SetPriority(Some(Priority::Low))];
    let refused = EditError::NotAllowed { holders: "the team", deed: "set the priority" };
    assert_eq!(doc.apply(&customer(), NOW, &edits), Err(refused));
    assert_eq!((doc.heads(), doc.ticket()), before);
}

#[test]
fn edits_that_name_what_is_not_there_are_refused() {
    let (mut doc, _) = ticket_doc();
    doc.apply(&customer(), NOW, &[comment(1, "Here")]).unwrap();
    let missing = comment_id(9);
    let reply = Edit::AddComment {
        id: comment_id(2),
        body: body("?"),
        reply_to: Some(missing),
        attachments: Vec::new(),
    };
    assert_eq!(doc.apply(&agent(), NOW, &[reply]), Err(EditError::NoSuchComment(missing)));
    assert_eq!(doc.apply(&agent(), NOW, &[comment(1, "Mine")]), Err(EditError::CommentExists(comment_id(1))));
    assert_eq!(doc.apply(&agent(), NOW, &[create()]), Err(EditError::AlreadyCreated));
    assert_eq!(doc.apply(&agent(), NOW, &[comment(3, " \n")]), Err(EditError::Blank));
    let late = UnixMillis(limits::VALUE_TIMES_MAX + 1);
    assert_eq!(doc.apply(&agent(), late, &[comment(3, "x")]), Err(EditError::BadTime(late)));
    let empty = Doc::new(DocId::Ticket(TICKET)).apply(&agent(), NOW, &[comment(3, "x")]);
    assert_eq!(empty, Err(EditError::NotCreated));
    let wrong = doc.apply(&admin(), NOW, &[Edit::RetireCannedReply(label("hi"))]);
    assert_eq!(wrong, Err(EditError::WrongKind { deed: "change the canned replies" }));
}

#[test]
fn stored_changes_load_to_the_same_document() {
    let (mut doc, first) = ticket_doc();
    let second = doc.apply(&agent(), NOW, &[comment(1, "Which version?")]).unwrap();
    let third = doc.apply(&colleague(), NOW, &[comment(2, "Same here.")]).unwrap();
    let stored = [first.bytes.as_slice(), &second.bytes, &third.bytes];
    let mut loaded = Doc::load(doc.id(), stored).unwrap();
    assert_eq!(loaded.ticket(), doc.ticket());
    assert_eq!(loaded.summary(), doc.summary());
    assert_eq!(loaded.heads(), doc.heads());
    let edit = [Edit::SetStatus(Status::Closed)];
    assert_eq!(loaded.apply(&customer(), NOW, &edit), doc.apply(&customer(), NOW, &edit));
}

#[test]
fn damaged_storage_is_an_error() {
    let (mut doc, first) = ticket_doc();
    let second = doc.apply(&agent(), NOW, &[comment(1, "Which version?")]).unwrap();
    assert!(Doc::load(doc.id(), [second.bytes.as_slice()]).is_err());
    assert!(Doc::load(doc.id(), [first.bytes.as_slice(), b"garbage"]).is_err());
}

#[test]
fn a_project_reads_back_as_it_was_written() {
    let mut doc = Doc::new(DocId::Project);
    let edits = [
        Edit::CreateProject(ProjectName::parse("mycelium").unwrap()),
        Edit::DefineLabel { label: label("crash"), description: body("It stops.") },
        Edit::DefineCannedReply { name: label("thanks"), body: body("Thank you!") },
    ];
    assert!(doc.apply(&agent(), NOW, &edits).is_err());
    let first = doc.apply(&admin(), NOW, &edits).unwrap();
    let renamed = Edit::SetProjectName(ProjectName::parse("Mycelium").unwrap());
    let second = doc.apply(&admin(), NOW, &[renamed, Edit::RetireLabel(label("crash"))]).unwrap();
    let project = doc.project().unwrap();
    assert_eq!(project.name, "Mycelium");
    assert!(project.labels.is_empty() && project.conflicting_names.is_empty());
    assert_eq!(project.canned_replies, [(label("thanks"), "Thank you!".to_owned())].into());
    assert_eq!((doc.ticket(), doc.summary()), (None, None));

    let mut other = Doc::new(DocId::Project);
    admit(&mut other, &first.bytes, &admin()).unwrap();
    admit(&mut other, &second.bytes, &admin()).unwrap();
    assert_eq!(other.project(), Some(project));
}

#[test]
fn history_tells_who_did_what_and_what_was_there_before() {
    let (mut doc, first) = ticket_doc();
    let edits = [Edit::SetStatus(Status::Pending), comment(1, "Which version?")];
    let second = doc.apply(&agent(), NOW, &edits).unwrap();
    let history = doc.history();
    assert_eq!(history[0].change, first.hash);
    assert_eq!(history[0].edits, [(create(), None)]);
    assert_eq!((history[1].change, history[1].actor, history[1].at), (second.hash, agent().actor, NOW));
    let [status, comment] = edits;
    assert_eq!(history[1].edits, [(status, Some("open".to_owned())), (comment, None)]);
}

#[test]
fn counts_are_limited_to_what_a_ticket_can_hold() {
    let (mut doc, _) = ticket_doc();
    let labels: Vec<Edit> = (0..=limits::LABELS_PER_TICKET_MAX)
        .map(|number| Edit::AddLabel(label(&number.to_string())))
        .collect();
    let too_many = EditError::TooMany { what: "labels", count_max: limits::LABELS_PER_TICKET_MAX };
    assert_eq!(doc.apply(&agent(), NOW, &labels), Err(too_many.clone()));
    doc.apply(&agent(), NOW, &labels[1..]).unwrap();
    assert_eq!(doc.apply(&agent(), NOW, &labels), Err(too_many));
    doc.apply(&agent(), NOW, &[Edit::RemoveLabel(label("1"))]).unwrap();
    doc.apply(&agent(), NOW, &labels[..1]).unwrap();
}

#[test]
fn attachments_that_cannot_be_shown_are_refused() {
    let (mut doc, _) = ticket_doc();
    let attachment = |number: u8, name: &str| Attachment {
        blob: BlobHash::from_bytes([number; 32]),
        name: name.to_owned(),
        size_bytes: 1,
        media_type: "text/plain".to_owned(),
    };
    let mut attach = |attachments: Vec<Attachment>| {
        let edit = Edit::AddComment { id: comment_id(1), body: body("x"), reply_to: None, attachments };
        doc.apply(&agent(), NOW, &[edit])
    };
    let many = (0..=20).map(|number| attachment(number, "a.txt")).collect();
    assert_eq!(attach(many), Err(EditError::TooMany { what: "attachments", count_max: 20 }));
    for name in ["", "../a", "a\\b", "a\nb", &"x".repeat(201)] {
        assert!(matches!(attach(vec![attachment(1, name)]), Err(EditError::BadAttachment { .. })));
    }
    let twice = vec![attachment(1, "a"), attachment(1, "b")];
    assert!(matches!(attach(twice), Err(EditError::BadAttachment { .. })));
    attach((0..20).map(|number| attachment(number, "a.txt")).collect()).unwrap();
    assert_eq!(doc.attachments().len(), 20);
    doc.apply(&agent(), NOW, &[Edit::DeleteComment(comment_id(1))]).unwrap();
    assert_eq!(doc.attachments(), [], "what was struck names nothing any more");
}

#[test]
fn a_picture_needs_no_words() {
    let (mut doc, _) = ticket_doc();
    let picture = Attachment {
        blob: BlobHash::from_bytes([9; 32]),
        name: "screen.png".to_owned(),
        size_bytes: 1,
        media_type: "image/png".to_owned(),
    };
    let say =
        |attachments| Edit::AddComment { id: comment_id(1), body: body(""), reply_to: None, attachments };
    assert_eq!(doc.apply(&agent(), NOW, &[say(Vec::new())]), Err(EditError::Blank));
    doc.apply(&agent(), NOW, &[say(vec![picture.clone()])]).unwrap();
    assert_eq!(doc.attachments(), [picture]);
}

#[test]
fn a_ticket_holds_its_largest_comments_and_no_more_than_its_limit() {
    let (mut doc, _) = ticket_doc();
    let largest = "\u{10ffff}".repeat(limits::BODY_BYTES_MAX / 4);
    doc.apply(&agent(), NOW, &[comment(255, &largest), Edit::SetStatus(Status::Pending)]).unwrap();
    let three = [comment(252, &largest), comment(253, &largest), comment(254, &largest)];
    assert!(matches!(doc.apply(&agent(), NOW, &three), Err(EditError::TooLarge { .. })));

    let say = |number: usize| Edit::AddComment {
        id: CommentId::new(UnixMillis(number as u64), [0; 10]),
        body: body("x"),
        reply_to: None,
        attachments: Vec::new(),
    };
    let rest: Vec<Edit> = (1..limits::COMMENTS_PER_TICKET_MAX).map(say).collect();
    for chunk in rest.chunks(50) {
        doc.apply(&agent(), NOW, chunk).unwrap();
    }
    let over = EditError::TooMany { what: "comments", count_max: limits::COMMENTS_PER_TICKET_MAX };
    assert_eq!(doc.apply(&agent(), NOW, &[say(9_999)]), Err(over));
    assert_eq!(doc.summary().unwrap().comment_count, limits::COMMENTS_PER_TICKET_MAX);
}

#[test]
fn too_many_operations_do_not_fit_one_change() {
    let (mut doc, _) = ticket_doc();
    let edits: Vec<Edit> = (0..100).map(|number| comment(number, "x")).collect();
    let before = doc.heads();
    assert!(matches!(doc.apply(&agent(), NOW, &edits), Err(EditError::TooLarge { .. })));
    assert_eq!(doc.heads(), before);
}
