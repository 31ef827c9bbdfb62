//! Changes that passed the gate but wait to be applied, so that a whole document is applied at once.
//!
//! Applying is the dearest step, and its cost is mostly one of calls. As long as every change saw all changes before
//! it, the document is a plain map in which the last write counts, and what a change wrote can be told without
//! Automerge. The first change that did not see everything ends that: the waiting ones are applied before it.

use std::collections::HashMap;

use automerge::Change;
use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};

use crate::doc::view::{Held, Slot};

/// The waiting changes and what they wrote.
#[derive(Default)]
pub(crate) struct Ahead {
    changes: Vec<Change>,
    /// By object and key: the last write, or `None` after a deletion.
    written: HashMap<ObjectId, HashMap<String, Option<(OpId, Held)>>>,
    /// Where the maps that they made stand.
    places: HashMap<OpId, (ObjectId, String)>,
}

impl Ahead {
    /// Appends a change that saw all before it.
    pub(crate) fn push(&mut self, change: Change, ops: &[Op]) {
        let actor = change.actor_id().clone();
        for (op, counter) in ops.iter().zip(change.start_op().get()..) {
            let Key::Map(name) = &op.key else { continue };
            let id = OpId(counter, actor.clone());
            let held = match &op.action {
                OpType::Put(value) => Some((id, Held::Scalar(value.clone()))),
                OpType::Make(_) => {
                    self.places.insert(id.clone(), (op.obj.clone(), name.to_string()));
                    Some((id, Held::Map))
                }
                _ => None,
            };
            self.written.entry(op.obj.clone()).or_default().insert(name.to_string(), held);
        }
        self.changes.push(change);
    }

    /// Takes the changes out, to apply them.
    pub(crate) fn take(&mut self) -> Vec<Change> {
        self.written.clear();
        self.places.clear();
        std::mem::take(&mut self.changes)
    }

    /// Returns what a key holds, if a waiting change decided it.
    pub(crate) fn slot(&self, obj: &ObjectId, key: &str) -> Option<Slot> {
        match self.written.get(obj).and_then(|keys| keys.get(key)) {
            Some(held) => Some(held.iter().cloned().collect()),
            // A new map holds nothing else.
            None => self.is_new(obj).then(Slot::new),
        }
    }

    /// Returns the keys that waiting changes wrote in a map, and whether they are there now.
    pub(crate) fn keys(&self, obj: &ObjectId) -> impl Iterator<Item = (&str, bool)> {
        self.written.get(obj).into_iter().flatten().map(|(key, held)| (key.as_str(), held.is_some()))
    }

    pub(crate) fn place_of(&self, obj: &OpId) -> Option<(ObjectId, String)> {
        self.places.get(obj).cloned()
    }

    pub(crate) fn is_new(&self, obj: &ObjectId) -> bool {
        matches!(obj, ObjectId::Id(id) if self.places.contains_key(id))
    }
}
