//! Does a change's header follow from the history that the document has? An honest author has one answer to each
//! of these: which change is its next, what it saw, where its operation counter stands.

use std::num::NonZeroU64;

use crate::actor::Author;
use crate::doc::Graph;
use crate::gate::prescan::Header;
use crate::gate::{RejectCode, Rejection};
use crate::ids::ChangeHash;
use crate::limits;

/// Checks a header and returns the counter of the change's first operation.
pub(crate) fn check(
    graph: &Graph,
    hash: ChangeHash,
    header: &Header,
    author: &Author,
) -> Result<NonZeroU64, Rejection> {
    let refuse = |code, detail: String| Err(Rejection { code, detail });
    if graph.contains(&hash) {
        return refuse(RejectCode::AlreadyThere, "the change is there already".to_owned());
    }
    if header.actor != author.actor {
        return refuse(RejectCode::WrongActor, "the actor is not the author's".to_owned());
    }
    // Before the sequence number: a change that came before its forerunner may come again.
    if let Some(missing) = header.deps.iter().find(|dep| !graph.contains(dep)) {
        return refuse(RejectCode::MissingDep, format!("the change {missing} is not there"));
    }
    if graph.len() >= limits::CHANGES_PER_DOC_MAX {
        return refuse(RejectCode::TooLarge, format!("at most {} changes", limits::CHANGES_PER_DOC_MAX));
    }
    let last = graph.last_of(&author.actor);
    let seq = last.map_or(0, |(seq, _)| seq) + 1;
    if header.seq != seq {
        return refuse(RejectCode::WrongSeq, format!("the actor's next change is {seq}, not {}", header.seq));
    }
    if last.is_some_and(|(_, own)| !graph.is_seen_at(&own, &header.deps)) {
        return refuse(
            RejectCode::WrongDeps,
            "the author's own last change is not among its past".to_owned(),
        );
    }
    if header.deps.is_empty() && graph.len() > 0 {
        return refuse(RejectCode::AlreadyThere, "the document has its first change already".to_owned());
    }
    if graph.has_redundant(&header.deps) {
        return refuse(RejectCode::WrongDeps, "a dependency comes before another".to_owned());
    }
    let start_op = NonZeroU64::MIN.saturating_add(graph.max_op_at(&header.deps));
    if header.start_op != start_op.get() {
        let detail = format!("the first operation is {start_op}, not {}", header.start_op);
        return refuse(RejectCode::WrongStartOp, detail);
    }
    Ok(start_op)
}
