//! The reference: a ticket as registers in plain Rust, told from the documents and not from the code. It shares
//! nothing with the gate but the names of the verdicts.
//!
//! A register is an object and a key. It holds every write of its past that no other write of that past replaces;
//! the one with the highest (counter, actor) wins.

use std::collections::BTreeMap;

use assist_crdt_model::RejectCode;

/// The id of an operation: Lamport counter, then actor.
pub(crate) type OpKey = (u64, [u8; 16]);

/// A set of changes, by their number in the document.
pub(crate) type Past = u128;

/// Where a write goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Obj {
    Root,
    Made(OpKey),
}

/// What a write puts there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Val {
    Map,
    Gone,
    None,
    True,
    Text(String),
    Bytes(Vec<u8>),
    Uint(u64),
    Time(i64),
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) obj: Obj,
    pub(crate) key: String,
    pub(crate) val: Val,
    /// Sorted.
    pub(crate) replaces: Vec<OpKey>,
}

/// What stands in a change beside its operations.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) actor: [u8; 16],
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    /// Numbers of changes; one that is not there stands for a change that nobody has.
    pub(crate) deps: Vec<usize>,
}

/// A change that was admitted.
#[derive(Debug, Clone)]
struct Admitted {
    head: Head,
    /// With itself.
    past: Past,
    max_op: u64,
}

/// The facts that a first change fixes.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) requester: [u8; 16],
    pub(crate) labels: Obj,
    pub(crate) comments: Obj,
}

/// One write in its register.
#[derive(Debug, Clone)]
struct Entry {
    change: usize,
    id: OpKey,
    val: Val,
    replaces: Vec<OpKey>,
}

/// A document as the reference sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    changes: Vec<Admitted>,
    registers: BTreeMap<(Obj, String), Vec<Entry>>,
    root: Option<Root>,
}

impl Model {
    pub(crate) const fn len(&self) -> usize {
        self.changes.len()
    }

    pub(crate) const fn root(&self) -> Option<&Root> {
        self.root.as_ref()
    }

    /// All changes.
    pub(crate) const fn all(&self) -> Past {
        (1 << self.changes.len()) - 1
    }

    /// What somebody saw who saw these changes.
    pub(crate) fn past_of(&self, changes: impl IntoIterator<Item = usize>) -> Past {
        changes.into_iter().filter_map(|change| self.changes.get(change)).fold(0, |past, it| past | it.past)
    }

    /// The changes of a past that no other of it saw.
    pub(crate) fn tips(&self, past: Past) -> Vec<usize> {
        let is_tip = |change: &usize| {
            let seen_by = |other: usize| other != *change && has(self.changes[other].past, *change);
            !members(past).any(seen_by)
        };
        members(past).filter(is_tip).collect()
    }

    /// The actor's last change.
    pub(crate) fn last_of(&self, actor: [u8; 16]) -> Option<usize> {
        (0..self.len())
            .filter(|change| self.changes[*change].head.actor == actor)
            .max_by_key(|change| self.changes[*change].head.seq)
    }

    /// The number that the actor's next change has.
    pub(crate) fn next_seq(&self, actor: [u8; 16]) -> u64 {
        self.last_of(actor).map_or(1, |last| self.changes[last].head.seq + 1)
    }

    /// The counter at which a change goes on that saw this.
    pub(crate) fn next_op(&self, past: Past) -> u64 {
        members(past).map(|change| self.changes[change].max_op).max().unwrap_or(0) + 1
    }

    /// What a register holds in a past, the winner last, and which change wrote it.
    pub(crate) fn register(&self, past: Past, obj: &Obj, key: &str) -> Vec<(OpKey, Val, usize)> {
        let Some(entries) = self.registers.get(&(obj.clone(), key.to_owned())) else { return Vec::new() };
        let seen: Vec<&Entry> = entries.iter().filter(|entry| has(past, entry.change)).collect();
        let mut held: Vec<(OpKey, Val, usize)> = seen
            .iter()
            .filter(|entry| entry.val != Val::Gone)
            .filter(|entry| !seen.iter().any(|other| other.replaces.contains(&entry.id)))
            .map(|entry| (entry.id, entry.val.clone(), entry.change))
            .collect();
        held.sort_by_key(|(id, ..)| *id);
        held
    }

    /// The keys of an object that hold something in a past.
    pub(crate) fn keys(&self, past: Past, obj: &Obj) -> Vec<String> {
        let from = (obj.clone(), String::new());
        let of_obj = self.registers.range(from..).take_while(|((found, _), _)| found == obj);
        let keys = of_obj.map(|((_, key), _)| key.clone());
        keys.filter(|key| !self.register(past, obj, key).is_empty()).collect()
    }

    /// Judges a header: the first rule that it breaks, and what its author saw if none.
    pub(crate) fn judge_head(&self, head: &Head, author_actor: [u8; 16]) -> Result<Past, RejectCode> {
        if head.actor != author_actor {
            return Err(RejectCode::WrongActor);
        }
        if head.deps.iter().any(|dep| *dep >= self.len()) {
            return Err(RejectCode::MissingDep);
        }
        if head.seq != self.next_seq(head.actor) {
            return Err(RejectCode::WrongSeq);
        }
        let past = self.past_of(head.deps.iter().copied());
        if self.last_of(head.actor).is_some_and(|last| !has(past, last)) {
            return Err(RejectCode::WrongDeps);
        }
        if head.deps.is_empty() && self.len() > 0 {
            return Err(RejectCode::AlreadyThere);
        }
        let tips = self.tips(past);
        if tips.len() != head.deps.len() || !head.deps.iter().all(|dep| tips.contains(dep)) {
            return Err(RejectCode::WrongDeps);
        }
        if head.start_op != self.next_op(past) {
            return Err(RejectCode::WrongStartOp);
        }
        Ok(past)
    }

    /// Takes in a change that was judged good.
    pub(crate) fn admit(&mut self, head: Head, writes: Vec<Write>, root: Root) {
        let number = self.len();
        let past = self.past_of(head.deps.iter().copied()) | 1 << number;
        let max_op = head.start_op + writes.len() as u64 - 1;
        for (write, counter) in writes.into_iter().zip(head.start_op..) {
            let entry =
                Entry { change: number, id: (counter, head.actor), val: write.val, replaces: write.replaces };
            self.registers.entry((write.obj, write.key)).or_default().push(entry);
        }
        self.changes.push(Admitted { head, past, max_op });
        self.root.get_or_insert(root);
    }
}

/// The numbers in a set.
pub(crate) fn members(past: Past) -> impl Iterator<Item = usize> {
    (0..Past::BITS as usize)
        .take_while(move |number| past >> number != 0)
        .filter(move |number| has(past, *number))
}

pub(crate) const fn has(past: Past, change: usize) -> bool {
    past >> change & 1 == 1
}

/// Compares what came with what an honest program would have written: the first difference decides.
pub(crate) fn judge_writes(found: &[Write], honest: &[Write]) -> Result<(), RejectCode> {
    for (found, honest) in found.iter().zip(honest) {
        let is_put = |val: &Val| !matches!(val, Val::Map | Val::Gone);
        let is_same_kind = found.val == honest.val || is_put(&found.val) && is_put(&honest.val);
        if found.obj != honest.obj || found.key != honest.key || !is_same_kind {
            return Err(RejectCode::NotAnEdit);
        }
        if found.val != honest.val {
            return Err(RejectCode::BadValue);
        }
        if found.replaces != honest.replaces {
            return Err(RejectCode::WrongPred);
        }
    }
    if found.len() == honest.len() { Ok(()) } else { Err(RejectCode::NotAnEdit) }
}
