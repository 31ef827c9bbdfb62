//! The operations of a chunk, from the columns in which they are encoded.
//!
//! Columns are run-length encoded, and a run's length is a number that anybody can write: a change of 119 bytes can
//! stand for a million operations. So rows are counted before they are made.
//!
//! ```text
//! a column of runs: length (signed), then: the value if positive, so many values if negative,
//!                   the count of nulls if zero
//! ```

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType, SortedVec};
use automerge::{ActorId, ObjType, ScalarValue};

use crate::gate::Rejection;
use crate::gate::input::{Input, expect, malformed, too_large};
use crate::limits;

/// The columns that our edits have. Others (list elements, marks, deflated ones) no edit writes.
#[derive(Default)]
pub(crate) struct Columns<'a> {
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

/// How many columns there are at most.
const COLUMNS_MAX: usize = 10;

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

impl<'a> Columns<'a> {
    /// Reads the list of columns and cuts their bytes out.
    pub(crate) fn read(input: &mut Input<'a>) -> Result<Self, Rejection> {
        let mut columns = Self::default();
        let mut specs = [(0, 0); COLUMNS_MAX];
        let count = input.length()?;
        let specs = specs.get_mut(..count).ok_or_else(|| malformed("a column that no edit has"))?;
        for spec in specs.iter_mut() {
            *spec = (input.unsigned()?, input.length()?);
        }
        expect(specs.is_sorted_by(|a, b| a.0 < b.0), "the columns are out of order")?;
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

    /// Decodes the operations. The change's own actor is the first of `actors`.
    pub(crate) fn ops(&self, actors: &[ActorId]) -> Result<Vec<Op>, Rejection> {
        let actions = rows(self.action, Input::unsigned)?;
        if actions.len() as u64 > limits::OPS_PER_CHANGE_MAX {
            return Err(too_large("operations", limits::OPS_PER_CHANGE_MAX));
        }
        self.check_nothing_is_inserted(actions.len())?;
        let keys = rows(self.key, Input::text)?;
        let mut values = self.values()?;
        let objects = self.objects(actors, actions.len())?;
        let preds = self.preds(actors)?;
        let lengths = [keys.len(), values.len(), objects.len(), preds.len()];
        let is_even = lengths.into_iter().all(|length| length == actions.len());
        expect(is_even && !actions.is_empty(), "the columns differ in length")?;

        let rest = objects.into_iter().zip(preds).zip(values.drain(..));
        let op = |((action, key), ((obj, pred), value)): ((Option<u64>, Option<&str>), _)| {
            let key = Key::Map(key.ok_or_else(|| malformed("a key is missing"))?.into());
            Ok(Op { action: op_type(action, value)?, obj, key, pred, insert: false })
        };
        actions.into_iter().zip(keys).zip(rest).map(op).collect()
    }

    /// There are no lists. The column holds the count of falses, then of trues, and so on.
    fn check_nothing_is_inserted(&self, op_count: usize) -> Result<(), Rejection> {
        let mut input = Input { bytes: self.insert };
        let is_all_false = input.length()? == op_count && input.bytes.is_empty();
        expect(is_all_false, "an insertion, which no edit has")
    }

    fn values(&self) -> Result<Vec<ScalarValue>, Rejection> {
        let mut raw = Input { bytes: self.value };
        let metas = rows(self.value_meta, Input::unsigned)?;
        let values: Result<Vec<ScalarValue>, Rejection> = metas
            .into_iter()
            .map(|meta| read_value(meta.ok_or_else(|| malformed("a value is missing"))?, &mut raw))
            .collect();
        expect(raw.bytes.is_empty(), "the value columns differ in length")?;
        values
    }

    fn objects(&self, actors: &[ActorId], op_count: usize) -> Result<Vec<ObjectId>, Rejection> {
        let named = rows(self.obj_actor, Input::unsigned)?;
        let counters = rows(self.obj_counter, Input::unsigned)?;
        expect(named.len() == counters.len(), "the object columns differ in length")?;
        if named.is_empty() {
            // All of them are the root.
            return Ok(vec![ObjectId::Root; op_count]);
        }
        let object = |(actor, counter)| match (actor, counter) {
            (None, None) => Ok(ObjectId::Root),
            (Some(actor), Some(counter)) => op_id(actors, actor, counter).map(ObjectId::Id),
            _ => Err(malformed("half an object id")),
        };
        named.into_iter().zip(counters).map(object).collect()
    }

    fn preds(&self, actors: &[ActorId]) -> Result<Vec<SortedVec<OpId>>, Rejection> {
        let counts = rows(self.pred_count, Input::unsigned)?;
        let named = rows(self.pred_actor, Input::unsigned)?;
        let steps = rows(self.pred_counter, Input::signed)?;
        expect(named.len() == steps.len(), "the predecessor columns differ in length")?;
        let mut counter: i64 = 0;
        let mut ids = named.into_iter().zip(steps).map(|(actor, step)| {
            let (actor, step) = actor.zip(step).ok_or_else(|| malformed("a predecessor is missing"))?;
            counter = counter.saturating_add(step);
            let counter = u64::try_from(counter).map_err(|_| malformed("a counter is negative"))?;
            op_id(actors, actor, counter)
        });
        let mut preds = Vec::with_capacity(counts.len());
        for count in counts {
            let count = count.ok_or_else(|| malformed("a count of predecessors is missing"))?;
            let mut pred = Vec::new();
            for _ in 0..count {
                pred.push(ids.next().ok_or_else(|| malformed("the predecessor columns differ in length"))??);
            }
            preds.push(pred.into());
        }
        expect(ids.next().is_none(), "the predecessor columns differ in length")?;
        Ok(preds)
    }
}

fn op_id(actors: &[ActorId], actor: u64, counter: u64) -> Result<OpId, Rejection> {
    expect((1..=limits::OP_COUNTER_MAX).contains(&counter), "a counter is out of bounds")?;
    let actor = usize::try_from(actor).ok().and_then(|index| actors.get(index));
    Ok(OpId(counter, actor.ok_or_else(|| malformed("an actor that is not named"))?.clone()))
}

fn op_type(action: Option<u64>, value: ScalarValue) -> Result<OpType, Rejection> {
    match (action, value) {
        (Some(MAKE_MAP), ScalarValue::Null) => Ok(OpType::Make(ObjType::Map)),
        (Some(PUT), value) => Ok(OpType::Put(value)),
        (Some(DELETE), ScalarValue::Null) => Ok(OpType::Delete),
        _ => Err(malformed("an action that no edit has")),
    }
}

fn read_value(meta: u64, raw: &mut Input<'_>) -> Result<ScalarValue, Rejection> {
    let size = usize::try_from(meta >> 4).map_err(|_| malformed("a value is too large"))?;
    let mut input = Input { bytes: raw.take(size)? };
    let value = match meta & 0xf {
        NULL => ScalarValue::Null,
        TRUE => ScalarValue::Boolean(true),
        UNSIGNED => ScalarValue::Uint(input.unsigned()?),
        TEXT => ScalarValue::Str(input.rest_as_text()?.into()),
        BYTES => ScalarValue::Bytes(input.take(size)?.to_vec()),
        TIMESTAMP => ScalarValue::Timestamp(input.signed()?),
        _ => return Err(malformed("a value that no edit has")),
    };
    expect(input.bytes.is_empty(), "a value has another size than it says")?;
    Ok(value)
}

/// Decodes a column of runs.
fn rows<'a, T: Clone>(
    column: &'a [u8],
    read: impl Fn(&mut Input<'a>) -> Result<T, Rejection>,
) -> Result<Vec<Option<T>>, Rejection> {
    let mut input = Input { bytes: column };
    let mut rows = Vec::new();
    while !input.bytes.is_empty() {
        let length = input.signed()?;
        let count = if length == 0 { input.unsigned()? } else { length.unsigned_abs() };
        let total = count.saturating_add(rows.len() as u64);
        if total > ROWS_MAX {
            return Err(too_large("rows of a column", ROWS_MAX));
        }
        // The cast is exact: the total is small.
        let total = total as usize;
        match length {
            0 => rows.resize(total, None),
            1.. => rows.resize(total, Some(read(&mut input)?)),
            _ => {
                while rows.len() < total {
                    rows.push(Some(read(&mut input)?));
                }
            }
        }
    }
    Ok(rows)
}
