//! Changes in the right place that say what no edit says, or what the author did not see.

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType, SortedVec};
use automerge::{ActorId, ObjType, ScalarValue};

use super::{check_refused, forge};
use crate::fixtures::{
    DOC, admit, agent, body, colleague, comment, comment_id, create, customer, label, log_file, ticket_doc,
    title,
};
use crate::{Doc, Edit, NewChange, RejectCode, Status, TicketId, UnixMillis};

const NOW: UnixMillis = UnixMillis(2_000);

fn next(doc: &Doc, edit: Edit) -> NewChange {
    doc.clone().apply(&agent(), NOW, &[edit]).unwrap()
}

fn close() -> Edit {
    Edit::SetStatus(Status::Closed)
}

fn put(name: &str, value: impl Into<ScalarValue>) -> Op {
    let (action, key) = (OpType::Put(value.into()), Key::Map(name.into()));
    Op { action, obj: ObjectId::Root, key, pred: SortedVec::new(), insert: false }
}

/// The id of the operation with this counter in the change that made the ticket.
fn by_customer(counter: u64) -> OpId {
    OpId(counter, ActorId::from(customer().actor.as_bytes()))
}

// The order in which a ticket's first change writes.
const TITLE_OP: u64 = 6;
const STATUS_OP: u64 = 8;

#[test]
fn a_predecessor_of_another_key_is_refused() {
    let (mut doc, _) = ticket_doc();
    let bytes = forge(&next(&doc, close()), |change| {
        change.operations[0].pred = vec![by_customer(TITLE_OP)].into();
    });
    check_refused(&mut doc, &bytes, &agent(), RejectCode::WrongPred);
}

#[test]
fn an_unknown_key_that_removes_a_known_one_is_refused() {
    let (mut doc, _) = ticket_doc();
    let bytes = forge(&next(&doc, close()), |change| change.operations[0].key = Key::Map("zzz".into()));
    check_refused(&mut doc, &bytes, &agent(), RejectCode::NotAnEdit);
}

#[test]
fn predecessors_other_than_what_the_author_saw_are_refused() {
    let (mut doc, _) = ticket_doc();
    let unknown = OpId(3, ActorId::from([9; 16]));
    let wrong: [Vec<OpId>; 4] =
        [vec![], vec![by_customer(999)], vec![unknown], vec![by_customer(STATUS_OP), by_customer(TITLE_OP)]];
    for pred in wrong {
        let bytes = forge(&next(&doc, close()), |change| change.operations[0].pred = pred.into());
        check_refused(&mut doc, &bytes, &agent(), RejectCode::WrongPred);
    }
}

#[test]
fn predecessors_are_those_of_what_was_seen_and_not_of_what_is_there() {
    let (mut doc, _) = ticket_doc();
    let mut behind = doc.clone();
    doc.apply(&customer(), NOW, &[close()]).unwrap();
    let honest = behind.apply(&agent(), NOW, &[Edit::SetStatus(Status::Pending)]).unwrap();
    let omniscient = forge(&honest, |change| {
        let seen_now = OpId(11, ActorId::from(customer().actor.as_bytes()));
        change.operations[0].pred = vec![seen_now].into();
    });
    check_refused(&mut doc, &omniscient, &agent(), RejectCode::WrongPred);
    admit(&mut doc, &honest.bytes, &agent()).unwrap();
    assert_eq!(doc.ticket().unwrap().conflicts.len(), 1);
}

#[test]
fn a_deletion_of_nothing_is_refused() {
    let (mut doc, _) = ticket_doc();
    let bytes = forge(&next(&doc, Edit::AddLabel(label("x"))), |change| {
        change.operations[0].action = OpType::Delete;
    });
    check_refused(&mut doc, &bytes, &agent(), RejectCode::NotAnEdit);
}

#[test]
fn a_deletion_of_a_field_or_a_container_is_refused() {
    let (mut doc, _) = ticket_doc();
    for (name, counter) in [("status", STATUS_OP), ("title", TITLE_OP), ("requester", 4), ("comments", 10)] {
        let bytes = forge(&next(&doc, close()), |change| {
            let op = &mut change.operations[0];
            (op.key, op.action) = (Key::Map(name.into()), OpType::Delete);
            op.pred = vec![by_customer(counter)].into();
        });
        let rejection = admit(&mut doc, &bytes, &agent()).unwrap_err();
        assert!(matches!(rejection.code, RejectCode::NotAnEdit | RejectCode::BadValue), "{rejection}");
    }
}

#[test]
fn operations_on_missing_objects_are_refused() {
    let (mut doc, _) = ticket_doc();
    let unknown_actor = OpId(3, ActorId::from([9; 16]));
    // Not made yet, made by nobody, a scalar.
    for obj in [by_customer(999), unknown_actor, by_customer(STATUS_OP)] {
        let bytes = forge(&next(&doc, comment(1, "Hello")), |change| {
            change.operations.truncate(1);
            change.operations[0].obj = ObjectId::Id(obj);
        });
        check_refused(&mut doc, &bytes, &agent(), RejectCode::NoSuchTarget);
    }
}

#[test]
fn operations_of_an_attachments_maps_are_refused_outside_their_comment() {
    let (mut doc, _) = ticket_doc();
    let with_file = Edit::AddComment {
        id: comment_id(1),
        body: body("See."),
        reply_to: None,
        attachments: vec![log_file()],
    };
    let made = doc.apply(&agent(), NOW, &[with_file]).unwrap();
    let first = automerge::Change::try_from(made.bytes.as_slice()).unwrap().start_op().get();
    for counter in [first + 4, first + 5] {
        let bytes = forge(&next(&doc, close()), |change| {
            let mut op = put("name", "other.txt");
            op.obj = ObjectId::Id(OpId(counter, ActorId::from(agent().actor.as_bytes())));
            change.operations = vec![op];
        });
        check_refused(&mut doc, &bytes, &agent(), RejectCode::NotAnEdit);
    }
}

#[test]
fn more_or_fewer_operations_than_an_edit_needs_are_refused() {
    let (mut doc, _) = ticket_doc();
    let honest = next(&doc, comment(1, "Hello"));
    let count = automerge::Change::try_from(honest.bytes.as_slice()).unwrap().len();
    for index in 0..count {
        let bytes = forge(&honest, |change| drop(change.operations.remove(index)));
        admit(&mut doc, &bytes, &agent()).unwrap_err();
    }
    let bytes = forge(&honest, |change| change.operations.push(put("zzz", 1_u64)));
    check_refused(&mut doc, &bytes, &agent(), RejectCode::NotAnEdit);
    let bytes = forge(&honest, |change| {
        let mut op = put("zzz", 1_u64);
        op.obj = change.operations[1].obj.clone();
        change.operations.push(op);
    });
    check_refused(&mut doc, &bytes, &agent(), RejectCode::NotAnEdit);
    let bytes = forge(&honest, |change| change.operations.swap(1, 2));
    admit(&mut doc, &bytes, &agent()).unwrap_err();
}

#[test]
fn an_edit_that_says_what_is_so_already_is_refused() {
    let (mut doc, _) = ticket_doc();
    let bytes = forge(&next(&doc, close()), |change| {
        change.operations[0].action = OpType::Put("open".into());
    });
    check_refused(&mut doc, &bytes, &agent(), RejectCode::NotAnEdit);
}

#[test]
fn immutable_fields_stay() {
    let (mut doc, _) = ticket_doc();
    for (name, counter) in
        [("v", 1), ("kind", 2), ("id", 3), ("requester", 4), ("created_at", 5), ("labels", 9)]
    {
        let bytes = forge(&next(&doc, close()), |change| {
            let mut op = put(name, "changed");
            op.pred = vec![by_customer(counter)].into();
            change.operations = vec![op];
        });
        check_refused(&mut doc, &bytes, &agent(), RejectCode::NotAnEdit);
    }
    let bytes = forge(&next(&doc, close()), |change| {
        let mut op = put("comments", 0_u64);
        op.action = OpType::Make(ObjType::Map);
        op.pred = vec![by_customer(10)].into();
        change.operations = vec![op];
    });
    check_refused(&mut doc, &bytes, &agent(), RejectCode::NotAnEdit);
}

#[test]
fn values_out_of_bounds_are_refused() {
    let (mut doc, _) = ticket_doc();
    let long = "x".repeat(81);
    let set_title = |text: &str| {
        forge(&next(&doc, Edit::SetTitle(title("x"))), |change| {
            change.operations[0].action = OpType::Put(text.into());
        })
    };
    let titles = ["", " padded ", &long].map(set_title);
    for bytes in titles {
        check_refused(&mut doc, &bytes, &agent(), RejectCode::BadValue);
    }
    let wrong: [ScalarValue; 4] =
        ["paused".into(), ScalarValue::Null, ScalarValue::Uint(3), ScalarValue::Bytes(vec![1])];
    for value in wrong {
        let bytes = forge(&next(&doc, close()), |change| change.operations[0].action = OpType::Put(value));
        check_refused(&mut doc, &bytes, &agent(), RejectCode::BadValue);
    }
    let bytes = forge(&next(&doc, Edit::SetAssignee(Some(agent().user))), |change| {
        change.operations[0].action = OpType::Put(ScalarValue::Bytes(vec![1; 15]));
    });
    check_refused(&mut doc, &bytes, &agent(), RejectCode::BadValue);
    let bytes = forge(&next(&doc, Edit::AddLabel(label("x"))), |change| {
        change.operations[0].key = Key::Map(" x".into());
    });
    check_refused(&mut doc, &bytes, &agent(), RejectCode::NotAnEdit);
    let bytes = forge(&next(&doc, Edit::AddLabel(label("x"))), |change| {
        change.operations[0].action = OpType::Put("yes".into());
    });
    check_refused(&mut doc, &bytes, &agent(), RejectCode::BadValue);
}

#[test]
fn a_ticket_under_another_id_or_version_is_refused() {
    let other = crate::DocId::Ticket(TicketId::from_bytes([8; 16]));
    let first = Doc::new(other).apply(&customer(), NOW, &[create()]).unwrap();
    check_refused(&mut Doc::new(DOC), &first.bytes, &customer(), RejectCode::BadValue);
    let (_, first) = ticket_doc();
    let bytes = forge(&first, |change| change.operations[0].action = OpType::Put(ScalarValue::Uint(2)));
    check_refused(&mut Doc::new(DOC), &bytes, &customer(), RejectCode::BadValue);
    check_refused(&mut Doc::new(crate::DocId::Project), &first.bytes, &customer(), RejectCode::NotAnEdit);
    let notes = crate::DocId::Notes(crate::fixtures::TICKET);
    check_refused(&mut Doc::new(notes), &first.bytes, &customer(), RejectCode::NotAnEdit);
}

#[test]
fn a_time_in_the_text_that_is_not_the_changes_is_refused() {
    let (_, first) = ticket_doc();
    let bytes = forge(&first, |change| change.time += 1);
    check_refused(&mut Doc::new(DOC), &bytes, &customer(), RejectCode::BadValue);
}

#[test]
fn a_comment_in_anothers_name_is_refused() {
    let (mut doc, _) = ticket_doc();
    let bytes = forge(&next(&doc, comment(1, "I resign.")), |change| {
        change.operations[1].action = OpType::Put(ScalarValue::Bytes(customer().user.as_bytes().to_vec()));
    });
    check_refused(&mut doc, &bytes, &agent(), RejectCode::BadValue);
}

#[test]
fn a_ticket_in_anothers_name_is_refused() {
    let (_, first) = ticket_doc();
    let bytes = forge(&first, |change| {
        change.operations[3].action = OpType::Put(ScalarValue::Bytes(colleague().user.as_bytes().to_vec()));
    });
    check_refused(&mut Doc::new(DOC), &bytes, &customer(), RejectCode::NotAllowed);
}

#[test]
fn a_comment_id_is_used_once_even_by_those_who_did_not_see_it() {
    let (mut doc, _) = ticket_doc();
    let blind = next(&doc, comment(1, "Second"));
    doc.apply(&customer(), NOW, &[comment(1, "First")]).unwrap();
    check_refused(&mut doc, &blind.bytes, &agent(), RejectCode::AlreadyThere);
}

#[test]
fn a_reply_to_a_comment_that_its_author_did_not_see_is_refused() {
    let (mut doc, _) = ticket_doc();
    let mut seeing = doc.clone();
    seeing.apply(&customer(), NOW, &[comment(1, "First")]).unwrap();
    let reply = |to| Edit::AddComment {
        id: comment_id(2),
        body: body("?"),
        reply_to: Some(comment_id(to)),
        attachments: Vec::new(),
    };
    let honest = next(&seeing, reply(1));
    let bytes = forge(&honest, |change| {
        change.operations[4].action = OpType::Put(ScalarValue::Bytes(comment_id(3).as_bytes().to_vec()));
    });
    check_refused(&mut seeing, &bytes, &agent(), RejectCode::NoSuchTarget);
    check_refused(&mut doc, &honest.bytes, &agent(), RejectCode::MissingDep);
    admit(&mut seeing, &honest.bytes, &agent()).unwrap();
}

#[test]
fn a_losing_write_is_judged_like_a_winning_one() {
    let (mut doc, _) = ticket_doc();
    let mut behind = doc.clone();
    // The agent's value wins by its higher counter; what the customer writes beside it hardly shows.
    doc.apply(&agent(), NOW, &[comment(1, "Hm"), Edit::SetStatus(Status::Pending)]).unwrap();
    let close = behind.apply(&customer(), NOW, &[close()]).unwrap();
    let bytes = forge(&close, |change| change.operations[0].action = OpType::Put("resolved".into()));
    check_refused(&mut doc, &bytes, &customer(), RejectCode::NotAllowed);
}
