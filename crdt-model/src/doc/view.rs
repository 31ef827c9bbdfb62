//! Reading the document as an author saw it: at the current heads, a few unapplied changes ahead of them, or at the
//! dependencies of a change.

use automerge::legacy::{ObjectId, OpId};
use automerge::{Automerge, ObjId, ReadDoc as _, ScalarValue, Value};

use crate::doc::ahead::Ahead;
use crate::ids::ChangeHash;

/// A document as of some heads.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    automerge: &'a Automerge,
    when: When<'a>,
}

#[derive(Clone, Copy)]
enum When<'a> {
    /// As it is, which is several times cheaper to read than any past.
    Present,
    /// As it will be with these changes.
    Ahead(&'a Ahead),
    /// As of these heads.
    Past(&'a [automerge::ChangeHash]),
}

/// One of the values that a key holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Held {
    Map,
    Scalar(ScalarValue),
}

/// All values of a key with the operations that wrote them, in Lamport order: the last one wins.
pub(crate) type Slot = Vec<(OpId, Held)>;

impl<'a> View<'a> {
    pub(crate) fn present(automerge: &'a Automerge) -> Self {
        Self { automerge, when: When::Present }
    }

    pub(crate) fn ahead(automerge: &'a Automerge, ahead: &'a Ahead) -> Self {
        Self { automerge, when: When::Ahead(ahead) }
    }

    pub(crate) fn past(automerge: &'a Automerge, heads: &'a [automerge::ChangeHash]) -> Self {
        Self { automerge, when: When::Past(heads) }
    }

    /// Tells whether the present document has a key although this view is of the past (and was asked before).
    pub(crate) fn is_taken_now(&self, obj: &ObjectId, key: &str) -> bool {
        matches!(self.when, When::Past(_)) && !Self::present(self.automerge).slot(obj, key).is_empty()
    }

    /// Returns all values of a key; none if the object is not there.
    pub(crate) fn slot(&self, obj: &ObjectId, key: &str) -> Slot {
        if let When::Ahead(ahead) = self.when
            && let Some(slot) = ahead.slot(obj, key)
        {
            return slot;
        }
        let obj = exid_from_obj(obj);
        let found = match self.when {
            When::Present | When::Ahead(_) => self.automerge.get_all(&obj, key),
            When::Past(heads) => self.automerge.get_all_at(&obj, key, heads),
        };
        let held = |(value, id): (Value<'_>, ObjId)| Some((opid_from_exid(id)?, held_from_value(value)));
        found.unwrap_or_default().into_iter().filter_map(held).collect()
    }

    /// How many keys a map has.
    pub(crate) fn key_count(&self, obj: &ObjectId) -> usize {
        match self.when {
            When::Present => self.automerge.length(exid_from_obj(obj)),
            When::Ahead(ahead) => self.key_count_ahead(ahead, obj),
            When::Past(heads) => self.automerge.length_at(exid_from_obj(obj), heads),
        }
    }

    fn key_count_ahead(&self, ahead: &Ahead, obj: &ObjectId) -> usize {
        let now = Self::present(self.automerge);
        if ahead.is_new(obj) {
            return ahead.keys(obj).filter(|(_, is_there)| *is_there).count();
        }
        ahead.keys(obj).fold(now.key_count(obj), |count, (key, will_be_there)| {
            match (!now.slot(obj, key).is_empty(), will_be_there) {
                (false, true) => count + 1,
                (true, false) => count - 1,
                _ => count,
            }
        })
    }

    /// Returns the map that holds this one, and the key it stands under.
    pub(crate) fn place_of(&self, obj: &OpId) -> Option<(ObjectId, String)> {
        if let When::Ahead(ahead) = self.when
            && let Some(place) = ahead.place_of(obj)
        {
            return Some(place);
        }
        let obj = exid_from_obj(&ObjectId::Id(obj.clone()));
        let parent = self.automerge.parents(&obj).ok()?.next()?;
        match parent.prop {
            automerge::Prop::Map(key) => Some((obj_from_exid(parent.obj), key)),
            automerge::Prop::Seq(_) => None,
        }
    }
}

pub(crate) fn exid_from_obj(obj: &ObjectId) -> ObjId {
    match obj {
        ObjectId::Root => ObjId::Root,
        // The index is a hint that Automerge checks before it uses it.
        ObjectId::Id(OpId(counter, actor)) => ObjId::Id(*counter, actor.clone(), 0),
    }
}

pub(crate) fn obj_from_exid(id: ObjId) -> ObjectId {
    opid_from_exid(id).map_or(ObjectId::Root, ObjectId::Id)
}

fn opid_from_exid(id: ObjId) -> Option<OpId> {
    match id {
        ObjId::Root => None,
        ObjId::Id(counter, actor, _) => Some(OpId(counter, actor)),
    }
}

fn held_from_value(value: Value<'_>) -> Held {
    match value {
        Value::Object(_) => Held::Map,
        Value::Scalar(scalar) => Held::Scalar(scalar.into_owned()),
    }
}

/// Our hash type to Automerge's.
pub(crate) fn automerge_hash(hash: &ChangeHash) -> automerge::ChangeHash {
    automerge::ChangeHash(*hash.as_bytes())
}

/// Automerge's hash type to ours.
pub(crate) fn hash_from_automerge(hash: &automerge::ChangeHash) -> ChangeHash {
    ChangeHash::from_bytes(hash.0)
}
