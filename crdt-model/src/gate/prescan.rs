//! The first look at a foreign chunk: everything that can be told from the bytes alone, in one pass that allocates
//! nothing but the header. After it, the chunk is a plain change with a right checksum, a bounded number of
//! operations, and references only to actors that it names.
//!
//! This is what stands between the network and Automerge's parser: there a change of 119 bytes can stand for a
//! million operations, because the columns are run-length encoded and nothing bounds the sum of the runs.
//!
//! Layout of a chunk (all integers LEB128):
//! ```text
//! magic 85 6f 4a 83 | checksum: 4 | type: 1 | length | body
//! body: deps (count, 32 each) | actor (length, bytes) | seq | start_op | time (signed) | message (length, bytes)
//!       | other actors (count, length, bytes) | columns (count, then spec and length of each) | column bytes
//! ```

use sha2::{Digest as _, Sha256};

use crate::actor::Actor;
use crate::gate::{RejectCode, Rejection};
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

/// Scans a chunk and returns its hash and header.
pub(crate) fn scan(bytes: &[u8]) -> Result<(ChangeHash, Header), Rejection> {
    if bytes.len() > limits::CHANGE_BYTES_MAX {
        return Err(too_large("a change", limits::CHANGE_BYTES_MAX as u64));
    }
    let mut input = Input { bytes };
    if input.take(MAGIC.len())? != MAGIC {
        return Err(malformed("the magic bytes are missing"));
    }
    let checksum = input.take(CHECKSUM_BYTES)?;
    let hashed = input.bytes;
    if input.take(1)? != [CHANGE_CHUNK] {
        return Err(malformed("not a plain change chunk"));
    }
    if input.length()? != input.bytes.len() {
        return Err(malformed("the chunk has another length than it says"));
    }
    let hash = ChangeHash::from_bytes(Sha256::digest(hashed).into());
    if hash.as_bytes()[..CHECKSUM_BYTES] != *checksum {
        return Err(malformed("the checksum is wrong"));
    }
    Ok((hash, scan_body(input)?))
}

fn scan_body(mut input: Input<'_>) -> Result<Header, Rejection> {
    let deps = read_deps(&mut input)?;
    let actor = read_actor(&mut input)?;
    let seq = input.unsigned()?;
    let start_op = input.unsigned()?;
    let time = input.signed()?;
    let at = schema::millis_from_timestamp(time).ok_or_else(|| malformed("the time is out of bounds"))?;
    if input.length()? != 0 {
        return Err(malformed("no edit has a message"));
    }
    let other_actors = input.length()?;
    if other_actors > limits::OTHER_ACTORS_PER_CHANGE_MAX {
        return Err(too_large("other actors", limits::OTHER_ACTORS_PER_CHANGE_MAX as u64));
    }
    for _ in 0..other_actors {
        read_actor(&mut input)?;
    }
    let columns = Columns::read(&mut input)?;
    if !input.bytes.is_empty() {
        return Err(malformed("there are bytes behind the columns"));
    }
    let op_count = columns.check(other_actors as u64 + 1)?;
    if start_op == 0 || start_op.saturating_add(op_count) > limits::OP_COUNTER_MAX {
        return Err(too_large("an operation counter", limits::OP_COUNTER_MAX));
    }
    Ok(Header { deps, actor, seq, start_op, at })
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
    if deps.is_sorted_by(|a, b| a < b) { Ok(deps) } else { Err(malformed("the dependencies are not sorted")) }
}

fn read_actor(input: &mut Input<'_>) -> Result<Actor, Rejection> {
    let size = input.length()?;
    Actor::from_slice(input.take(size)?).ok_or_else(|| malformed("an actor has another size than ours"))
}

/// The columns that our edits have. Others (list elements, marks, deflated ones) no edit writes.
#[derive(Default)]
struct Columns<'a> {
    obj_actor: &'a [u8],
    obj_counter: &'a [u8],
    key: &'a [u8],
    insert: &'a [u8],
    action: &'a [u8],
    value_meta: &'a [u8],
    value: &'a [u8],
    pred_count: &'a [u8],
    pred_actor: &'a [u8],
    pred_counter: &'a [u8],
}

impl<'a> Columns<'a> {
    fn read(input: &mut Input<'a>) -> Result<Self, Rejection> {
        let mut columns = Self::default();
        let mut specs = [(0, 0); 10];
        let count = input.length()?;
        let specs = specs.get_mut(..count).ok_or_else(|| malformed("a column that no edit has"))?;
        for spec in specs.iter_mut() {
            *spec = (input.unsigned()?, input.length()?);
        }
        if !specs.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(malformed("the columns are out of order"));
        }
        for (spec, size) in specs.iter() {
            // A specification is the column's id, then a bit for deflate, then three bits for the type.
            let column = match spec {
                0x01 => &mut columns.obj_actor,
                0x02 => &mut columns.obj_counter,
                0x15 => &mut columns.key,
                0x34 => &mut columns.insert,
                0x42 => &mut columns.action,
                0x56 => &mut columns.value_meta,
                0x57 => &mut columns.value,
                0x70 => &mut columns.pred_count,
                0x71 => &mut columns.pred_actor,
                0x73 => &mut columns.pred_counter,
                _ => return Err(malformed("a column that no edit has")),
            };
            *column = input.take(*size)?;
        }
        Ok(columns)
    }

    /// Checks that the columns agree on the number of operations, and returns it.
    fn check(&self, actor_count: u64) -> Result<u64, Rejection> {
        let op_count = runs(self.action, Input::unsigned, |_, action| match action {
            Some(MAKE_MAP | PUT | DELETE) => Ok(()),
            _ => Err(malformed("an action that no edit has")),
        })?;
        if op_count > limits::OPS_PER_CHANGE_MAX {
            return Err(too_large("operations", limits::OPS_PER_CHANGE_MAX));
        }
        let keys = runs(self.key, Input::text, |_, key| expect(key.is_some(), "a key is missing"))?;
        let counts = [keys, self.check_inserts()?, self.check_values()?, self.check_preds(actor_count)?];
        let is_even = counts.iter().all(|count| *count == op_count);
        expect(op_count > 0 && is_even, "the columns differ in length")?;
        self.check_objects(op_count, actor_count)?;
        Ok(op_count)
    }

    fn check_objects(&self, op_count: u64, actor_count: u64) -> Result<(), Rejection> {
        let actors = runs(self.obj_actor, Input::unsigned, |_, actor| {
            expect(actor.is_none_or(|index| index < actor_count), "an object of an unnamed actor")
        })?;
        let counters = runs(self.obj_counter, Input::unsigned, |_, counter| {
            let is_sane = counter.is_none_or(|counter| (1..=limits::OP_COUNTER_MAX).contains(&counter));
            expect(is_sane, "an object's counter is out of bounds")
        })?;
        // Nulls stand for the root; if there are only nulls, the columns are left out.
        let is_even = actors == counters && (actors == op_count || actors == 0);
        expect(is_even, "the object columns differ in length")
    }

    /// Nothing is ever inserted: there are no lists.
    fn check_inserts(&self) -> Result<u64, Rejection> {
        let mut input = Input { bytes: self.insert };
        let count = input.unsigned()?;
        expect(input.bytes.is_empty(), "an insertion, which no edit has")?;
        Ok(count)
    }

    fn check_values(&self) -> Result<u64, Rejection> {
        let mut size_bytes: u64 = 0;
        let count = runs(self.value_meta, Input::unsigned, |count, meta| {
            let meta = meta.ok_or_else(|| malformed("a value is missing"))?;
            size_bytes = size_bytes.saturating_add(count.saturating_mul(meta >> 4));
            let is_known = matches!(meta & 0xf, NULL | TRUE | UNSIGNED | TEXT | BYTES | TIMESTAMP);
            expect(is_known, "a value that no edit has")
        })?;
        expect(size_bytes == self.value.len() as u64, "the value columns differ in length")?;
        Ok(count)
    }

    fn check_preds(&self, actor_count: u64) -> Result<u64, Rejection> {
        let pred_max = limits::PREDS_PER_CHANGE_MAX;
        let mut pred_count: u64 = 0;
        let count = runs(self.pred_count, Input::unsigned, |count, preds| {
            let preds = preds.ok_or_else(|| malformed("a count of predecessors is missing"))?;
            pred_count = pred_count.saturating_add(count.saturating_mul(preds));
            if pred_count > pred_max { Err(too_large("predecessors", pred_max)) } else { Ok(()) }
        })?;
        let actors = runs(self.pred_actor, Input::unsigned, |_, actor| {
            expect(actor.is_some_and(|index| index < actor_count), "a predecessor of an unnamed actor")
        })?;
        let mut counter: i64 = 0;
        let counters = runs(self.pred_counter, Input::signed, |count, delta| {
            let delta = delta.ok_or_else(|| malformed("a predecessor is missing"))?;
            // The extremes of a run of equal steps are its ends.
            let first = counter.saturating_add(delta);
            counter = counter.saturating_add(delta.saturating_mul(count as i64));
            let is_sane =
                |at: i64| u64::try_from(at).is_ok_and(|at| (1..=limits::OP_COUNTER_MAX).contains(&at));
            expect(is_sane(first) && is_sane(counter), "a predecessor's counter is out of bounds")
        })?;
        expect(actors == pred_count && counters == pred_count, "the predecessor columns differ in length")?;
        Ok(count)
    }
}

/// The most rows that any column may have.
const ROWS_MAX: u64 = if limits::PREDS_PER_CHANGE_MAX > limits::OPS_PER_CHANGE_MAX {
    limits::PREDS_PER_CHANGE_MAX
} else {
    limits::OPS_PER_CHANGE_MAX
};

// Actions.
const MAKE_MAP: u64 = 0;
const PUT: u64 = 1;
const DELETE: u64 = 3;

// Types of values, the low four bits of their metadata; above them stands the size.
const NULL: u64 = 0;
const TRUE: u64 = 2;
const UNSIGNED: u64 = 3;
const TEXT: u64 = 6;
const BYTES: u64 = 7;
const TIMESTAMP: u64 = 9;

/// Walks a run-length encoded column: hands each run (its length, its value or none for nulls) to `each` and
/// returns the sum of the lengths, which is bounded before anything acts on it.
fn runs<'a, T>(
    column: &'a [u8],
    read: impl Fn(&mut Input<'a>) -> Result<T, Rejection>,
    mut each: impl FnMut(u64, Option<T>) -> Result<(), Rejection>,
) -> Result<u64, Rejection> {
    let mut input = Input { bytes: column };
    let mut total: u64 = 0;
    while !input.bytes.is_empty() {
        let length = input.signed()?;
        let count = if length == 0 { input.unsigned()? } else { length.unsigned_abs() };
        total = total.saturating_add(count);
        if total > ROWS_MAX {
            return Err(too_large("rows of a column", ROWS_MAX));
        }
        match length {
            0 => each(count, None)?,
            1.. => each(count, Some(read(&mut input)?))?,
            // A literal run: that many single values follow.
            _ => (0..count).try_for_each(|_| each(1, Some(read(&mut input)?)))?,
        }
    }
    Ok(total)
}

/// Bytes still to be read.
#[derive(Clone, Copy)]
struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, size: usize) -> Result<&'a [u8], Rejection> {
        let (taken, rest) = self.bytes.split_at_checked(size).ok_or_else(|| malformed("the chunk is cut"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Rejection> {
        self.take(1).map(|byte| byte[0])
    }

    fn unsigned(&mut self) -> Result<u64, Rejection> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            expect(bits << shift >> shift == bits, "an integer is too large")?;
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed("an integer is too large"))
    }

    fn signed(&mut self) -> Result<i64, Rejection> {
        let mut value: i64 = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            // The tenth byte has room for the sign only.
            expect(shift < 63 || byte == 0 || byte == 0x7f, "an integer is too large")?;
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let is_negative = byte & 0x40 != 0;
                let used = shift + 7;
                return Ok(if is_negative && used < u64::BITS { value | (-1 << used) } else { value });
            }
        }
        Err(malformed("an integer is too large"))
    }

    fn length(&mut self) -> Result<usize, Rejection> {
        usize::try_from(self.unsigned()?).map_err(|_| malformed("a length is too large"))
    }

    fn text(&mut self) -> Result<&'a [u8], Rejection> {
        let size = self.length()?;
        self.take(size)
    }
}

fn expect(holds: bool, otherwise: &str) -> Result<(), Rejection> {
    if holds { Ok(()) } else { Err(malformed(otherwise)) }
}

fn malformed(detail: &str) -> Rejection {
    Rejection { code: RejectCode::Malformed, detail: detail.to_owned() }
}

fn too_large(what: &str, max: u64) -> Rejection {
    Rejection { code: RejectCode::TooLarge, detail: format!("{what}: at most {max}") }
}
