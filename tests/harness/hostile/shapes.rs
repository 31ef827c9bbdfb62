//! The shapes themselves. Each begins with what an honest device makes and spoils one thing.

use assist_crdt_model::{
    Doc, DocId, Edit, Label, ProjectId, ScannedChange, Status, TicketId, UnixMillis, limits,
};
use assist_forge::chunk::column::{ACTION, INSERT, KEY, PRED_COUNT, VALUE, VALUE_META};
use assist_forge::chunk::{Chunk, deflate_bomb, leb, signed_leb};
use assist_forge::forge;
use assist_proto::envelope::Envelope;
use automerge::legacy::{Key, ObjectId, OpId, OpType};
use automerge::{ActorId, ExpandedChange, ScalarValue};

use super::{Bed, INCARNATION, Member, NOW, comment, filed_by};

// The order in which a ticket's first change writes: the title is its sixth operation.
const TITLE_OP: u64 = 6;

/// Where Automerge's counters end.
const COUNTER_END: u64 = u32::MAX as u64 - 1;

/// Spoils the agent's next change, which closes the ticket.
fn closing(bed: &Bed, twist: impl FnOnce(&mut ExpandedChange)) -> Vec<Envelope> {
    spoiled(bed, &bed.agent, Edit::SetStatus(Status::Closed), twist)
}

fn spoiled(bed: &Bed, member: &Member, edit: Edit, twist: impl FnOnce(&mut ExpandedChange)) -> Vec<Envelope> {
    vec![bed.sign(member, forge(&bed.next(member, edit).bytes, twist))]
}

/// The same past any encoder.
fn closing_chunk(bed: &Bed, twist: impl FnOnce(&mut Chunk)) -> Envelope {
    let mut chunk = Chunk::parse(&bed.next(&bed.agent, Edit::SetStatus(Status::Closed)).bytes);
    twist(&mut chunk);
    bed.sign(&bed.agent, chunk.to_bytes())
}

/// The id of an operation of the change that made the ticket.
fn first_op(bed: &Bed, counter: u64) -> OpId {
    OpId(counter, actor_of(&bed.customer))
}

fn actor_of(member: &Member) -> ActorId {
    ActorId::from(member.author.actor.as_bytes())
}

pub(super) fn gap_in_the_sequence(bed: &Bed) -> Vec<Envelope> {
    closing(bed, |change| change.seq += 1)
}

pub(super) fn first_change_numbered_five(bed: &Bed) -> Vec<Envelope> {
    spoiled(bed, &bed.admin, comment(90, 20), |change| change.seq = 5)
}

fn operation_on(bed: &Bed, obj: OpId) -> Vec<Envelope> {
    spoiled(bed, &bed.agent, comment(90, 20), |change| {
        change.operations.truncate(1);
        change.operations[0].obj = ObjectId::Id(obj);
    })
}

pub(super) fn operation_on_a_missing_object(bed: &Bed) -> Vec<Envelope> {
    operation_on(bed, first_op(bed, 999))
}

pub(super) fn operation_on_an_object_of_a_stranger(bed: &Bed) -> Vec<Envelope> {
    operation_on(bed, OpId(3, ActorId::from([9; 16])))
}

pub(super) fn operation_on_a_scalar(bed: &Bed) -> Vec<Envelope> {
    operation_on(bed, first_op(bed, TITLE_OP))
}

pub(super) fn author_footer(bed: &Bed) -> Vec<Envelope> {
    closing(bed, |change| change.extra_bytes = vec![1, 3, 1, 2, 3])
}

pub(super) fn deletion_of_nothing(bed: &Bed) -> Vec<Envelope> {
    let label = Label::parse("new").expect("a label");
    spoiled(bed, &bed.agent, Edit::AddLabel(label), |change| change.operations[0].action = OpType::Delete)
}

pub(super) fn operation_counter_too_low(bed: &Bed) -> Vec<Envelope> {
    let counter = |counter: u64| closing(bed, |change| change.start_op = counter.try_into().expect("not 0"));
    [1, 2, 20].into_iter().flat_map(counter).collect()
}

pub(super) fn own_operation_ids_again(bed: &Bed) -> Vec<Envelope> {
    // The agent's last change has one operation, right before the next one.
    closing(bed, |change| change.start_op = (change.start_op.get() - 1).try_into().expect("not 0"))
}

pub(super) fn predecessor_of_another_key(bed: &Bed) -> Vec<Envelope> {
    closing(bed, |change| change.operations[0].pred = vec![first_op(bed, TITLE_OP)].into())
}

pub(super) fn predecessor_that_is_not_there(bed: &Bed) -> Vec<Envelope> {
    let unknown = [first_op(bed, 999), OpId(3, ActorId::from([9; 16]))];
    let named = |pred: OpId| closing(bed, |change| change.operations[0].pred = vec![pred].into());
    unknown.into_iter().flat_map(named).collect()
}

pub(super) fn dependencies_emptied(bed: &Bed) -> Vec<Envelope> {
    closing(bed, |change| change.deps.clear())
}

pub(super) fn operation_counter_at_its_end(bed: &Bed) -> Vec<Envelope> {
    closing(bed, |change| change.start_op = COUNTER_END.try_into().expect("not 0"))
}

pub(super) fn sequence_number_used_twice(bed: &Bed) -> Vec<Envelope> {
    // As a device that was restored from a copy would: its last change again, with another content.
    let twin = bed.behind.clone().apply(&bed.agent.author, NOW, &[comment(90, 20)]);
    vec![bed.sign(&bed.agent, twin.expect("an honest edit").bytes)]
}

pub(super) fn unknown_key_that_removes_a_field(bed: &Bed) -> Vec<Envelope> {
    closing(bed, |change| change.operations[0].key = Key::Map("zzz".into()))
}

pub(super) fn field_that_removes_another_one(bed: &Bed) -> Vec<Envelope> {
    closing(bed, |change| {
        let mut pred: Vec<OpId> = change.operations[0].pred.iter().cloned().collect();
        pred.push(first_op(bed, TITLE_OP));
        change.operations[0].pred = pred.into();
    })
}

fn run_of_operations(bed: &Bed, count: i64) -> Vec<Envelope> {
    let run = |value: &[u8]| [&signed_leb(count), value].concat();
    let envelope = closing_chunk(bed, |chunk| {
        chunk.other_actors.clear();
        chunk.columns = vec![
            (KEY, run(b"\x01k")),
            (INSERT, leb(count.unsigned_abs())),
            (ACTION, run(&[1])),
            (VALUE_META, run(&[0])),
            (PRED_COUNT, run(&[0])),
        ];
    });
    assert!(envelope.change.len() < 160, "the point is that it is small");
    vec![envelope]
}

pub(super) fn million_operations(bed: &Bed) -> Vec<Envelope> {
    run_of_operations(bed, 1_000_000)
}

pub(super) fn ten_million_operations(bed: &Bed) -> Vec<Envelope> {
    run_of_operations(bed, 10_000_000)
}

pub(super) fn deflated_chunk(bed: &Bed) -> Vec<Envelope> {
    let bytes = deflate_bomb(24 << 20);
    assert!(bytes.len() < limits::CHANGE_BYTES_MAX, "it is refused for what it is, not for its size");
    vec![bed.sign(&bed.agent, bytes)]
}

pub(super) fn large_deflated_chunk(bed: &Bed) -> Vec<Envelope> {
    vec![bed.sign(&bed.agent, deflate_bomb(64 << 20))]
}

pub(super) fn deflated_column(bed: &Bed) -> Vec<Envelope> {
    const DEFLATED: u64 = 0b1000;
    vec![closing_chunk(bed, |chunk| {
        chunk.columns.iter_mut().find(|(spec, _)| *spec == VALUE).expect("it is there").0 |= DEFLATED;
    })]
}

pub(super) fn billion_predecessors(bed: &Bed) -> Vec<Envelope> {
    vec![closing_chunk(bed, |chunk| *chunk.column(PRED_COUNT) = [signed_leb(1), leb(1 << 30)].concat())]
}

pub(super) fn value_longer_than_the_change(bed: &Bed) -> Vec<Envelope> {
    const TEXT: u64 = 6;
    let sized = |size: u64| {
        closing_chunk(bed, |chunk| {
            *chunk.column(VALUE_META) = [signed_leb(1), leb(size << 4 | TEXT)].concat();
        })
    };
    [1 << 20, 1 << 40, (1 << 60) - 1].map(sized).into()
}

fn dependencies(bed: &Bed, count: u64) -> Vec<Envelope> {
    let numbered = |number: u64| [number.to_be_bytes().to_vec(), vec![0; 24]].concat();
    vec![closing_chunk(bed, |chunk| chunk.deps = (0..count).map(numbered).collect())]
}

pub(super) fn million_dependencies(bed: &Bed) -> Vec<Envelope> {
    dependencies(bed, 1_000_000)
}

pub(super) fn thousands_of_dependencies(bed: &Bed) -> Vec<Envelope> {
    dependencies(bed, 4_000)
}

pub(super) fn orphan(bed: &Bed) -> Vec<Envelope> {
    closing(bed, |change| change.deps = vec![automerge::ChangeHash([8; 32])])
}

pub(super) fn change_of_megabytes(bed: &Bed) -> Vec<Envelope> {
    vec![closing_chunk(bed, |chunk| *chunk.column(VALUE) = vec![b'x'; 8 << 20])]
}

pub(super) fn text_over_its_limit(bed: &Bed) -> Vec<Envelope> {
    let long = "x".repeat(limits::BODY_BYTES_MAX + 1);
    spoiled(bed, &bed.agent, comment(90, 20), |change| {
        change.operations[3].action = OpType::Put(long.as_str().into());
    })
}

pub(super) fn clock_at_its_ends(bed: &Bed) -> Vec<Envelope> {
    let at = |time: i64| closing(bed, |change| change.time = time);
    [-1, i64::MIN, i64::MAX, limits::VALUE_TIMES_MAX as i64 + 1].into_iter().flat_map(at).collect()
}

pub(super) fn value_time_at_its_ends(bed: &Bed) -> Vec<Envelope> {
    let until = |time: i64| {
        spoiled(bed, &bed.agent, Edit::SetSnoozedUntil(Some(UnixMillis(1))), |change| {
            change.operations[0].action = OpType::Put(ScalarValue::Timestamp(time));
        })
    };
    [-1, i64::MIN, i64::MAX, limits::VALUE_TIMES_MAX as i64 + 1].into_iter().flat_map(until).collect()
}

pub(super) fn signature_in_anothers_name(bed: &Bed) -> Vec<Envelope> {
    let change = bed.next(&bed.customer, comment(90, 20));
    let mut envelope = bed.sign(&bed.agent, change.bytes);
    envelope.device = bed.customer.device();
    vec![envelope]
}

pub(super) fn actor_of_another(bed: &Bed) -> Vec<Envelope> {
    let change = bed.next(&bed.customer, comment(90, 20));
    vec![bed.sign(&bed.agent, change.bytes)]
}

pub(super) fn comment_in_anothers_name(bed: &Bed) -> Vec<Envelope> {
    spoiled(bed, &bed.agent, comment(90, 20), |change| {
        let customer = bed.customer.author.user.as_bytes().to_vec();
        change.operations[1].action = OpType::Put(ScalarValue::Bytes(customer));
    })
}

/// Another ticket by the admin, and its first two changes.
fn other_ticket(bed: &Bed) -> (DocId, [assist_crdt_model::NewChange; 2]) {
    let id = DocId::Ticket(TicketId::from_bytes([8; 16]));
    let mut doc = Doc::new(id);
    let changes = [filed_by(&bed.admin), comment(90, 20)]
        .map(|edit| doc.apply(&bed.admin.author, NOW, &[edit]).expect("an honest edit"));
    (id, changes)
}

pub(super) fn change_moved_to_another_document(bed: &Bed) -> Vec<Envelope> {
    let (id, changes) = other_ticket(bed);
    let moved = |change| {
        let mut envelope = Envelope::sign(&bed.admin.key, &bed.project, id, INCARNATION, change);
        envelope.doc = bed.doc.id();
        envelope
    };
    changes.map(moved).into()
}

pub(super) fn change_of_another_document_signed_again(bed: &Bed) -> Vec<Envelope> {
    let (_, [_, second]) = other_ticket(bed);
    vec![bed.sign(&bed.admin, second.bytes)]
}

pub(super) fn beginning_of_another_document_signed_again(bed: &Bed) -> Vec<Envelope> {
    let (_, [first, _]) = other_ticket(bed);
    vec![bed.sign(&bed.admin, first.bytes)]
}

pub(super) fn change_of_another_project(bed: &Bed) -> Vec<Envelope> {
    let change = bed.next(&bed.agent, comment(90, 20));
    assert!(ScannedChange::scan(&change.bytes).is_ok(), "nothing is wrong with it but its place");
    let other = ProjectId::from_bytes([5; 32]);
    vec![Envelope::sign(&bed.agent.key, &other, bed.doc.id(), INCARNATION, change)]
}
