//! Well-formed changes whose place in history is wrong. Automerge panics on some of these; others it takes, and
//! never loads the document again.

use super::{automerge_hash, check_refused, forge};
use crate::fixtures::{
    DOC, admin, admit, agent, body, colleague, comment, comment_id, customer, person, ticket_doc,
};
use crate::{Actor, Author, CommentId, Doc, Edit, NewChange, RejectCode, Role, Status, UnixMillis, limits};

const NOW: UnixMillis = UnixMillis(2_000);

/// A ticket with one change of the agent, and the agent's next change, which is not in it yet.
fn next_change() -> (Doc, NewChange) {
    let (mut doc, _) = ticket_doc();
    doc.apply(&agent(), NOW, &[comment(1, "Which version?")]).unwrap();
    let next = doc.clone().apply(&agent(), NOW, &[Edit::SetStatus(Status::Pending)]).unwrap();
    (doc, next)
}

#[test]
fn a_change_by_another_actor_than_the_authors_is_refused() {
    let (mut doc, next) = next_change();
    check_refused(&mut doc, &next.bytes, &person(9, Role::Agent), RejectCode::WrongActor);
}

#[test]
fn a_gap_in_the_sequence_is_refused() {
    let (mut doc, next) = next_change();
    for seq in [0, 1, 3, u64::MAX] {
        let bytes = forge(&next, |change| change.seq = seq);
        check_refused(&mut doc, &bytes, &agent(), RejectCode::WrongSeq);
    }
}

#[test]
fn an_actors_first_change_is_its_number_one() {
    let (mut doc, _) = ticket_doc();
    let first = doc.clone().apply(&agent(), NOW, &[comment(1, "Hello")]).unwrap();
    let bytes = forge(&first, |change| change.seq = 5);
    check_refused(&mut doc, &bytes, &agent(), RejectCode::WrongSeq);
}

#[test]
fn a_sequence_number_used_twice_is_refused() {
    let (mut doc, next) = next_change();
    let twin = doc.clone().apply(&agent(), NOW, &[comment(2, "Twin")]).unwrap();
    admit(&mut doc, &next.bytes, &agent()).unwrap();
    check_refused(&mut doc, &twin.bytes, &agent(), RejectCode::WrongSeq);
}

#[test]
fn a_change_that_is_there_already_is_refused() {
    let (mut doc, next) = next_change();
    admit(&mut doc, &next.bytes, &agent()).unwrap();
    check_refused(&mut doc, &next.bytes, &agent(), RejectCode::AlreadyThere);
}

#[test]
fn an_operation_counter_that_does_not_follow_is_refused() {
    let (mut doc, next) = next_change();
    let honest = automerge::Change::try_from(next.bytes.as_slice()).unwrap().start_op().get();
    // One's own counters again, too low, too high.
    for start_op in [1, 2, honest - 4, honest - 1, honest + 1, 1 << 20] {
        let bytes = forge(&next, |change| change.start_op = start_op.try_into().unwrap());
        check_refused(&mut doc, &bytes, &agent(), RejectCode::WrongStartOp);
    }
    let bytes = forge(&next, |change| change.start_op = (u64::from(u32::MAX) - 1).try_into().unwrap());
    check_refused(&mut doc, &bytes, &agent(), RejectCode::TooLarge);
}

#[test]
fn a_dependency_that_is_not_there_may_still_come() {
    let (mut doc, first) = ticket_doc();
    let early = doc.apply(&agent(), NOW, &[comment(1, "Which version?")]).unwrap();
    let late = doc.apply(&customer(), NOW, &[comment(2, "1.2")]).unwrap();
    let mut other = Doc::new(DOC);
    check_refused(&mut other, &late.bytes, &customer(), RejectCode::MissingDep);
    admit(&mut other, &first.bytes, &customer()).unwrap();
    check_refused(&mut other, &late.bytes, &customer(), RejectCode::MissingDep);
    admit(&mut other, &early.bytes, &agent()).unwrap();
    admit(&mut other, &late.bytes, &customer()).unwrap();
    assert_eq!(other.ticket(), doc.ticket());
}

#[test]
fn dependencies_without_ones_own_last_change_are_refused() {
    let (mut doc, next) = next_change();
    let bytes = forge(&next, |change| change.deps.clear());
    check_refused(&mut doc, &bytes, &agent(), RejectCode::WrongDeps);

    let (_, first) = ticket_doc();
    let bytes = forge(&next, |change| change.deps = vec![automerge_hash(first.hash)]);
    check_refused(&mut doc, &bytes, &agent(), RejectCode::WrongDeps);
}

#[test]
fn a_dependency_that_comes_before_another_is_refused() {
    let (mut doc, next) = next_change();
    let (_, first) = ticket_doc();
    let bytes = forge(&next, |change| change.deps.push(automerge_hash(first.hash)));
    check_refused(&mut doc, &bytes, &agent(), RejectCode::WrongDeps);
}

#[test]
fn a_second_beginning_is_refused() {
    let (mut doc, _) = ticket_doc();
    let mut rival = Doc::new(DOC);
    let create = Edit::CreateTicket {
        requester: colleague().user,
        title: crate::fixtures::title("Mine"),
        body: body(""),
    };
    let first = rival.apply(&colleague(), NOW, &[create]).unwrap();
    check_refused(&mut doc, &first.bytes, &colleague(), RejectCode::AlreadyThere);

    let labelled = doc.clone().apply(&agent(), NOW, &[Edit::AddLabel(crate::fixtures::label("x"))]).unwrap();
    let rootless = forge(&labelled, |change| {
        change.deps.clear();
        change.start_op = 1.try_into().unwrap();
    });
    check_refused(&mut doc, &rootless, &agent(), RejectCode::AlreadyThere);
}

#[test]
fn a_device_with_many_incarnations_keeps_nobody_from_writing() {
    let (mut doc, first) = ticket_doc();
    doc.apply(&customer(), NOW, &[comment(1, "Mine")]).unwrap();
    let (start, _) = ticket_doc();
    let device = crate::DeviceId::from_bytes([66; 32]);
    let heads = 3 * limits::DEPS_PER_CHANGE_MAX;
    for incarnation in 0..heads as u32 {
        let rogue = Author { actor: Actor::derive(&device, incarnation), ..colleague() };
        let id =
            CommentId::from_bytes([&[200; 12][..], &incarnation.to_be_bytes()].concat().try_into().unwrap());
        let edit = Edit::AddComment { id, body: body("Look"), reply_to: None, attachments: Vec::new() };
        let apart = start.clone().apply(&rogue, NOW, &[edit]).unwrap();
        admit(&mut doc, &apart.bytes, &rogue).unwrap();
    }
    assert_eq!(doc.heads().len(), heads + 1);

    // Everybody goes on, whatever they saw, and the heads become few.
    let mut other = doc.clone();
    let answer = doc.apply(&customer(), NOW, &[comment(2, "Still me")]).unwrap();
    assert!(doc.heads().len() < heads - 60);
    let last = Edit::EditComment { id: comment_id(2), body: body("Still me!") };
    let edits = [
        (customer(), last),
        (agent(), Edit::DeleteComment(comment_id(77))),
        (agent(), Edit::SetStatus(Status::Pending)),
        (agent(), comment(3, "Which version?")),
        (admin(), Edit::DeleteComment(comment_id(3))),
    ];
    admit(&mut other, &answer.bytes, &customer()).unwrap();
    for (author, edit) in edits {
        let is_possible = edit != Edit::DeleteComment(comment_id(77));
        let made = doc.apply(&author, NOW, &[edit]);
        assert_eq!(made.is_ok(), is_possible, "{made:?}");
        if let Ok(change) = made {
            admit(&mut other, &change.bytes, &author).unwrap();
        }
    }
    assert_eq!((doc.heads().len(), doc.heads()), (1, other.heads()));
    assert_eq!(doc.ticket(), other.ticket());
    assert!(doc.contains(&first.hash));
}

#[test]
fn an_author_may_have_seen_less_than_is_there() {
    let (mut doc, first) = ticket_doc();
    let mut behind = doc.clone();
    doc.apply(&customer(), NOW, &[comment(1, "More")]).unwrap();
    let late = behind.apply(&agent(), NOW, &[comment(2, "Hello")]).unwrap();
    admit(&mut doc, &late.bytes, &agent()).unwrap();
    // Having seen its own change, the agent must not forget it, although it never saw the customer's.
    let next = behind.apply(&agent(), NOW, &[comment(3, "Still there?")]).unwrap();
    let forgetful = forge(&next, |change| change.deps = vec![automerge_hash(first.hash)]);
    check_refused(&mut doc, &forgetful, &agent(), RejectCode::WrongDeps);
    admit(&mut doc, &next.bytes, &agent()).unwrap();
    assert_eq!(doc.ticket().unwrap().comments.len(), 3);
}
