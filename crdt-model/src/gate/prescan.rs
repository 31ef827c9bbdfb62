//! Taking a foreign chunk apart: everything that can be told from the bytes alone, without a document.
//!
//! This replaces Automerge's parser for what comes from elsewhere. It reads only the shapes that our edits have,
//! every length and reference in it is bounded, and it cannot panic: what it lets through is a plain change with a
//! right checksum, a bounded number of operations, and references only to actors that it names.
//!
//! Layout of a chunk (all integers LEB128):
//! ```text
//! magic 85 6f 4a 83 | checksum: 4 | type: 1 | length | body
//! body: deps (count, 32 each) | actor (length, bytes) | seq | start_op | time (signed) | message (length, bytes)
//!       | other actors (count, length, bytes) | columns (count, then spec and length of each) | column bytes
//! ```

use automerge::ActorId;
use automerge::legacy::Op;
use sha2::{Digest as _, Sha256};

use crate::actor::Actor;
use crate::gate::Rejection;
use crate::gate::columns::Columns;
use crate::gate::input::{Input, expect, malformed, too_large};
use crate::ids::{ChangeHash, UnixMillis};
use crate::{limits, schema};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHECKSUM_BYTES: usize = 4;
const CHANGE_CHUNK: u8 = 1;

/// What a change says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Sorted, each once.
    pub(crate) deps: Vec<ChangeHash>,
    pub(crate) actor: Actor,
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) at: UnixMillis,
}

/// Takes a chunk apart into its hash, header and operations.
pub(crate) fn scan(bytes: &[u8]) -> Result<(ChangeHash, Header, Vec<Op>), Rejection> {
    let (hash, body) = open(bytes)?;
    let (header, ops) = scan_body(body)?;
    Ok((hash, header, ops))
}

/// The hash of a chunk that came as it was made, and its body.
pub(crate) fn open(bytes: &[u8]) -> Result<(ChangeHash, Input<'_>), Rejection> {
    if bytes.len() > limits::CHANGE_BYTES_MAX {
        return Err(too_large("bytes of a change", limits::CHANGE_BYTES_MAX as u64));
    }
    let mut input = Input { bytes };
    expect(input.take(MAGIC.len())? == MAGIC, "the magic bytes are missing")?;
    let checksum = input.take(CHECKSUM_BYTES)?;
    let hashed = input.bytes;
    expect(input.take(1)? == [CHANGE_CHUNK], "not a plain change chunk")?;
    expect(input.length()? == input.bytes.len(), "the chunk has another length than it says")?;
    let hash = ChangeHash::from_bytes(Sha256::digest(hashed).into());
    expect(hash.as_bytes().starts_with(checksum), "the checksum is wrong")?;
    Ok((hash, input))
}

fn scan_body(mut input: Input<'_>) -> Result<(Header, Vec<Op>), Rejection> {
    let deps = read_deps(&mut input)?;
    let actor = read_actor(&mut input)?;
    let seq = input.unsigned()?;
    let start_op = input.unsigned()?;
    let at = schema::millis_from_timestamp(input.signed()?);
    let at = at.ok_or_else(|| malformed("the time is out of bounds"))?;
    expect(input.length()? == 0, "a message, which no edit has")?;
    let actors = read_other_actors(&mut input, actor)?;
    let columns = Columns::read(&mut input)?;
    expect(input.bytes.is_empty(), "there are bytes behind the columns")?;
    let ops = columns.ops(&actors)?;
    if start_op == 0 || start_op.saturating_add(ops.len() as u64) > limits::OP_COUNTER_MAX {
        return Err(too_large("an operation counter", limits::OP_COUNTER_MAX));
    }
    Ok((Header { deps, actor, seq, start_op, at }, ops))
}

fn read_deps(input: &mut Input<'_>) -> Result<Vec<ChangeHash>, Rejection> {
    let count = input.length()?;
    if count > limits::DEPS_PER_CHANGE_MAX {
        return Err(too_large("dependencies", limits::DEPS_PER_CHANGE_MAX as u64));
    }
    let mut deps = Vec::with_capacity(count);
    for _ in 0..count {
        let dep = ChangeHash::from_slice(input.take(ChangeHash::SIZE)?);
        deps.push(dep.ok_or_else(|| malformed("a dependency is no hash"))?);
    }
    expect(deps.is_sorted_by(|a, b| a < b), "the dependencies are not sorted")?;
    Ok(deps)
}

/// Reads the table that operations refer to, with the change's own actor before it.
fn read_other_actors(input: &mut Input<'_>, own: Actor) -> Result<Vec<ActorId>, Rejection> {
    let count = input.length()?;
    if count > limits::OTHER_ACTORS_PER_CHANGE_MAX {
        return Err(too_large("other actors", limits::OTHER_ACTORS_PER_CHANGE_MAX as u64));
    }
    let mut actors = Vec::with_capacity(count + 1);
    actors.push(ActorId::from(own.as_bytes()));
    for _ in 0..count {
        actors.push(ActorId::from(read_actor(input)?.as_bytes()));
    }
    Ok(actors)
}

fn read_actor(input: &mut Input<'_>) -> Result<Actor, Rejection> {
    let size = input.length()?;
    Actor::from_slice(input.take(size)?).ok_or_else(|| malformed("an actor has another size than ours"))
}
