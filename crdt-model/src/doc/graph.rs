//! The shape of a document's history: who follows whom. Kept beside Automerge because the gate asks it questions
//! (last change of an actor, ancestors) that Automerge answers only by walking, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::actor::Actor;
use crate::ids::ChangeHash;

/// All changes of a document, by hash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    nodes: BTreeMap<ChangeHash, Node>,
    last_by_actor: BTreeMap<Actor, (u64, ChangeHash)>,
    heads: BTreeSet<ChangeHash>,
    first: Option<ChangeHash>,
}

/// What is kept of one change.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Who made it.
    pub(crate) actor: Actor,
    /// Its number among its actor's changes, from 1.
    pub(crate) seq: u64,
    /// The counter of its last operation. Higher than those of all its ancestors, which is what lets walks stop.
    pub(crate) max_op: u64,
    /// What its author saw.
    pub(crate) deps: Box<[ChangeHash]>,
}

impl Graph {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn contains(&self, change: &ChangeHash) -> bool {
        self.nodes.contains_key(change)
    }

    /// Returns the change that all others follow; `None` while there is none.
    pub(crate) fn first(&self) -> Option<ChangeHash> {
        self.first
    }

    /// Sorted.
    pub(crate) fn heads(&self) -> &BTreeSet<ChangeHash> {
        &self.heads
    }

    /// Tells whether these sorted hashes are the heads.
    pub(crate) fn heads_are(&self, sorted: &[ChangeHash]) -> bool {
        self.heads.len() == sorted.len() && self.heads.iter().eq(sorted)
    }

    /// Returns the actor's last sequence number and change; `None` if it has made none.
    pub(crate) fn last_of(&self, actor: &Actor) -> Option<(u64, ChangeHash)> {
        self.last_by_actor.get(actor).copied()
    }

    /// Returns the highest operation counter that a reader of these changes has seen.
    pub(crate) fn max_op_at(&self, changes: &[ChangeHash]) -> u64 {
        changes.iter().filter_map(|hash| self.nodes.get(hash)).map(|node| node.max_op).max().unwrap_or(0)
    }

    /// Returns what the heads will be with this change.
    pub(crate) fn heads_with(&self, change: ChangeHash, node: &Node) -> BTreeSet<ChangeHash> {
        let mut heads = self.heads.clone();
        for dep in &node.deps {
            heads.remove(dep);
        }
        heads.insert(change);
        heads
    }

    /// Adds a change whose dependencies are all there.
    pub(crate) fn insert(&mut self, change: ChangeHash, node: Node) {
        self.heads = self.heads_with(change, &node);
        self.first.get_or_insert(change);
        self.last_by_actor.insert(node.actor, (node.seq, change));
        self.nodes.insert(change, node);
    }

    /// Tells whether `ancestor` is one of `changes` or came before one of them.
    pub(crate) fn is_seen_at(&self, ancestor: &ChangeHash, changes: &[ChangeHash]) -> bool {
        if changes.contains(ancestor) {
            return true;
        }
        let Some(floor) = self.nodes.get(ancestor).map(|node| node.max_op) else {
            return false;
        };
        self.walk_back(changes, floor, |hash| hash == ancestor)
    }

    /// Tells whether one of `changes` came before another of them: an honest author names only the last ones.
    pub(crate) fn has_redundant(&self, changes: &[ChangeHash]) -> bool {
        if changes.len() < 2 {
            return false;
        }
        let max_ops = changes.iter().filter_map(|hash| self.nodes.get(hash)).map(|node| node.max_op);
        let floor = max_ops.min().unwrap_or(0);
        let wanted: BTreeSet<&ChangeHash> = changes.iter().collect();
        self.walk_back(changes, floor, |hash| wanted.contains(hash))
    }

    /// Visits the proper ancestors of `changes` with operations at or above `floor`, until one is `found`.
    fn walk_back(&self, changes: &[ChangeHash], floor: u64, found: impl Fn(&ChangeHash) -> bool) -> bool {
        let mut visited: BTreeSet<&ChangeHash> = BTreeSet::new();
        let mut pending: Vec<&ChangeHash> = changes.iter().collect();
        while let Some(hash) = pending.pop() {
            let Some(node) = self.nodes.get(hash) else { continue };
            for dep in &node.deps {
                let is_above = self.nodes.get(dep).is_some_and(|parent| parent.max_op >= floor);
                if !is_above || !visited.insert(dep) {
                    continue;
                }
                if found(dep) {
                    return true;
                }
                pending.push(dep);
            }
        }
        false
    }
}
