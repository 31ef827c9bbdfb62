//! From the reference's operations to the bytes of a change, with Automerge's own encoder.

use assist_crdt_model::ChangeHash;
use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Change, ExpandedChange, ObjType, ScalarValue};

use super::model::{Head, Obj, OpKey, Val, Write};

/// What a change has that no change of ours has: refused from the bytes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oddity {
    Message,
    /// Automerge's author footer.
    Footer,
    /// The most dependencies that are allowed, and one more.
    CrowdOfDeps,
}

/// Encodes; `hashes` are those of the document's changes by number, and of others behind them.
pub(crate) fn encode(
    head: &Head,
    writes: &[Write],
    hashes: &[ChangeHash],
    oddity: Option<Oddity>,
) -> Vec<u8> {
    let mut deps: Vec<[u8; 32]> = head.deps.iter().map(|dep| hash_of(hashes, *dep)).collect();
    if oddity == Some(Oddity::CrowdOfDeps) {
        deps = (0..65).map(|number| [number; 32]).collect();
    }
    deps.sort_unstable();
    deps.dedup();
    let change = ExpandedChange {
        operations: writes.iter().map(op).collect(),
        actor_id: ActorId::from(head.actor),
        hash: None,
        seq: head.seq,
        start_op: head.start_op.try_into().unwrap(),
        time: head.time,
        message: (oddity == Some(Oddity::Message)).then(|| "hello".to_owned()),
        deps: deps.into_iter().map(automerge::ChangeHash).collect(),
        extra_bytes: if oddity == Some(Oddity::Footer) { vec![1, 3, 1, 2, 3] } else { Vec::new() },
        author: None,
    };
    Change::from(change).raw_bytes().to_vec()
}

/// A number beyond the document's changes stands for one that nobody has.
fn hash_of(hashes: &[ChangeHash], number: usize) -> [u8; 32] {
    hashes.get(number).map_or([number as u8; 32], |hash| *hash.as_bytes())
}

fn op(write: &Write) -> Op {
    Op {
        action: match &write.val {
            Val::Map => OpType::Make(ObjType::Map),
            Val::Gone => OpType::Delete,
            Val::None => OpType::Put(ScalarValue::Null),
            Val::True => OpType::Put(ScalarValue::Boolean(true)),
            Val::Text(text) => OpType::Put(text.as_str().into()),
            Val::Bytes(bytes) => OpType::Put(ScalarValue::Bytes(bytes.clone())),
            Val::Uint(number) => OpType::Put(ScalarValue::Uint(*number)),
            Val::Time(at) => OpType::Put(ScalarValue::Timestamp(*at)),
        },
        obj: match &write.obj {
            Obj::Root => ObjectId::Root,
            Obj::Made(id) => ObjectId::Id(op_id(id)),
        },
        key: Key::Map(write.key.as_str().into()),
        pred: write.replaces.iter().map(op_id).collect(),
        insert: false,
    }
}

fn op_id((counter, actor): &OpKey) -> OpId {
    OpId(*counter, ActorId::from(*actor))
}
