//! Does a change's header follow from the history that the document has? An honest author has one answer to each
//! of these: which change is its next, what it saw, where its operation counter stands.

use std::num::NonZeroU64;

use crate::actor::Author;
use crate::doc::Graph;
use crate::gate::prescan::Header;
use crate::gate::{RejectCode, Rejection};
use crate::ids::ChangeHash;
use crate::limits;
use crate::schema::Kind;

/// Checks the header of a change to a document of some kind, and returns the counter of its first operation.
pub(crate) fn check(
    kind: Kind,
    graph: &Graph,
    hash: ChangeHash,
    header: &Header,
    author: &Author,
) -> Result<NonZeroU64, Rejection> {
    let claim = Claim { kind, graph, hash, header, author };
    claim.is_new()?;
    claim.is_by_its_author()?;
    // Before the sequence number: a change that came before its forerunner may come again.
    claim.follows_what_is_there()?;
    claim.finds_room()?;
    claim.is_its_actors_next()?;
    claim.saw_its_actors_last()?;
    claim.does_not_begin_again()?;
    claim.names_no_dependency_twice()?;
    claim.counts_on_from_what_it_saw()
}

/// What a header says, beside what there is. Each method is one rule, and refuses for one reason.
struct Claim<'a> {
    kind: Kind,
    graph: &'a Graph,
    hash: ChangeHash,
    header: &'a Header,
    author: &'a Author,
}

impl Claim<'_> {
    /// A change that is there would be applied twice; Automerge passes over it, our own books would not.
    fn is_new(&self) -> Result<(), Rejection> {
        if !self.graph.contains(&self.hash) {
            return Ok(());
        }
        refuse(RejectCode::AlreadyThere, "the change is there already")
    }

    /// Who signed is who writes: under another actor a device could speak for somebody else, or spoil their
    /// sequence for good.
    fn is_by_its_author(&self) -> Result<(), Rejection> {
        if self.header.actor == self.author.actor {
            return Ok(());
        }
        refuse(RejectCode::WrongActor, "the actor is not the author's")
    }

    /// Automerge would queue an orphan without limit and write it into every save. Whoever sent it may send it
    /// again behind what it follows.
    fn follows_what_is_there(&self) -> Result<(), Rejection> {
        match self.header.deps.iter().find(|dep| !self.graph.contains(dep)) {
            None => Ok(()),
            Some(missing) => refuse(RejectCode::MissingDep, format!("the change {missing} is not there")),
        }
    }

    /// A document that anybody could grow without end could not be loaded one day.
    fn finds_room(&self) -> Result<(), Rejection> {
        if self.graph.len() < limits::CHANGES_PER_DOC_MAX {
            return Ok(());
        }
        refuse(RejectCode::TooLarge, format!("at most {} changes", limits::CHANGES_PER_DOC_MAX))
    }

    /// A gap makes Automerge panic; a number used twice keeps the document from ever loading again.
    fn is_its_actors_next(&self) -> Result<(), Rejection> {
        let next = self.graph.last_of(&self.author.actor).map_or(0, |(seq, _)| seq) + 1;
        if self.header.seq == next {
            return Ok(());
        }
        refuse(RejectCode::WrongSeq, format!("the actor's next change is {next}, not {}", self.header.seq))
    }

    /// An actor's changes are one line: without its own last change in its past, its operation ids could come twice.
    fn saw_its_actors_last(&self) -> Result<(), Rejection> {
        match self.graph.last_of(&self.author.actor) {
            Some((_, own)) if !self.graph.is_seen_at(&own, &self.header.deps) => {
                refuse(RejectCode::WrongDeps, "the author's own last change is not among its past")
            }
            _ => Ok(()),
        }
    }

    /// Only a document's first change saw nothing: a second beginning would make its containers twice. Notes have
    /// none.
    fn does_not_begin_again(&self) -> Result<(), Rejection> {
        if !self.header.deps.is_empty() || self.graph.len() == 0 || self.kind == Kind::Notes {
            return Ok(());
        }
        refuse(RejectCode::AlreadyThere, "the document has its first change already")
    }

    /// An honest author names only the last of what it saw. One past has one spelling, so its size tells of how
    /// many were apart, and not of how much somebody chose to list.
    fn names_no_dependency_twice(&self) -> Result<(), Rejection> {
        if !self.graph.has_redundant(&self.header.deps) {
            return Ok(());
        }
        refuse(RejectCode::WrongDeps, "a dependency comes before another")
    }

    /// Counters too low break the order of writes and the next load; counters too high use up the numbers.
    fn counts_on_from_what_it_saw(&self) -> Result<NonZeroU64, Rejection> {
        let start_op = NonZeroU64::MIN.saturating_add(self.graph.max_op_at(&self.header.deps));
        if self.header.start_op == start_op.get() {
            return Ok(start_op);
        }
        let detail = format!("the first operation is {start_op}, not {}", self.header.start_op);
        refuse(RejectCode::WrongStartOp, detail)
    }
}

fn refuse<T>(code: RejectCode, detail: impl Into<String>) -> Result<T, Rejection> {
    Err(Rejection { code, detail: detail.into() })
}
