//! A change chunk taken apart and put together by hand, to write what no encoder would.

use sha2::{Digest as _, Sha256};

/// The parts of a chunk, none of them checked.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// 1 is a plain change.
    pub kind: u8,
    /// Of 32 bytes each, sorted.
    pub deps: Vec<Vec<u8>>,
    /// The author's.
    pub actor: Vec<u8>,
    /// Among the actor's changes, from 1.
    pub seq: u64,
    /// The counter of the first operation.
    pub start_op: u64,
    /// A signed LEB128, as it is written.
    pub time: Vec<u8>,
    /// Free text.
    pub message: Vec<u8>,
    /// Those that operations refer to beside the author.
    pub other_actors: Vec<Vec<u8>>,
    /// A specification and the column's bytes.
    pub columns: Vec<(u64, Vec<u8>)>,
    /// What follows the columns.
    pub extra: Vec<u8>,
}

impl Chunk {
    /// Takes an honest chunk apart.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut input = &bytes[8..];
        let kind = take(&mut input, 1)[0];
        let size = unsigned(&mut input);
        assert_eq!(size, input.len() as u64);
        let deps = (0..unsigned(&mut input)).map(|_| take(&mut input, 32)).collect();
        let actor = prefixed(&mut input);
        let seq = unsigned(&mut input);
        let start_op = unsigned(&mut input);
        let time_size = input.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let time = take(&mut input, time_size);
        let message = prefixed(&mut input);
        let other_actors = (0..unsigned(&mut input)).map(|_| prefixed(&mut input)).collect();
        let specs: Vec<_> =
            (0..unsigned(&mut input)).map(|_| (unsigned(&mut input), unsigned(&mut input))).collect();
        let columns = specs.into_iter().map(|(spec, size)| (spec, take(&mut input, size as usize))).collect();
        let extra = input.to_vec();
        Self { kind, deps, actor, seq, start_op, time, message, other_actors, columns, extra }
    }

    /// Puts it together, with a right length and checksum.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = leb(self.deps.len() as u64);
        body.extend(self.deps.concat());
        body.extend(with_prefix(&self.actor));
        body.extend(leb(self.seq));
        body.extend(leb(self.start_op));
        body.extend(&self.time);
        body.extend(with_prefix(&self.message));
        body.extend(leb(self.other_actors.len() as u64));
        body.extend(self.other_actors.iter().flat_map(|actor| with_prefix(actor)));
        body.extend(leb(self.columns.len() as u64));
        body.extend(
            self.columns.iter().flat_map(|(spec, data)| [leb(*spec), leb(data.len() as u64)].concat()),
        );
        body.extend(self.columns.iter().flat_map(|(_, data)| data));
        body.extend(&self.extra);
        seal(self.kind, &body)
    }

    /// Returns a column, which is there.
    pub fn column(&mut self, spec: u64) -> &mut Vec<u8> {
        &mut self.columns.iter_mut().find(|(known, _)| *known == spec).unwrap().1
    }
}

/// Wraps a body into a chunk with a right length and checksum.
pub fn seal(kind: u8, body: &[u8]) -> Vec<u8> {
    let hashed = [&[kind], leb(body.len() as u64).as_slice(), body].concat();
    let checksum = Sha256::digest(&hashed);
    [&[0x85, 0x6f, 0x4a, 0x83], &checksum[..4], &hashed].concat()
}

/// The columns that changes of maps and scalars have, by their specification.
pub mod column {
    /// Of an operation's object: who made it.
    pub const OBJ_ACTOR: u64 = 0x01;
    /// The object's counter.
    pub const OBJ_COUNTER: u64 = 0x02;
    /// Keys.
    pub const KEY: u64 = 0x15;
    /// Whether something is inserted.
    pub const INSERT: u64 = 0x34;
    /// What is done.
    pub const ACTION: u64 = 0x42;
    /// Type and size of each value.
    pub const VALUE_META: u64 = 0x56;
    /// The values.
    pub const VALUE: u64 = 0x57;
    /// How many predecessors each operation has.
    pub const PRED_COUNT: u64 = 0x70;
    /// Of each predecessor: who wrote it.
    pub const PRED_ACTOR: u64 = 0x71;
    /// The predecessor's counter.
    pub const PRED_COUNTER: u64 = 0x73;
}

/// A deflated change chunk, as Automerge accepts it, that inflates to so many bytes of nothing: 160 for each of its own.
pub fn deflate_bomb(inflated_bytes: usize) -> Vec<u8> {
    // One block of fixed codes: a zero, then "258 bytes as one back" again and again, then the end.
    let mut stream = Bits::default();
    stream.push(0b011, 3);
    stream.push_code(0b0011_0000, 8);
    for _ in 0..inflated_bytes / 258 {
        stream.push_code(0b1100_0101, 8);
        stream.push_code(0, 5);
    }
    stream.push_code(0, 7);
    let body = stream.bytes;
    // The checksum is of what is inflated: nobody gets as far as to see that it is wrong.
    [&[0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, DEFLATED_CHUNK], leb(body.len() as u64).as_slice(), &body].concat()
}

const DEFLATED_CHUNK: u8 = 2;

/// Bits in deflate's order: the lowest of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn push(&mut self, value: u32, size: usize) {
        for bit in (0..size).map(|at| (value >> at & 1) as u8) {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= bit << (self.used % 8);
            self.used += 1;
        }
    }

    /// Codes stand with their highest bit first.
    fn push_code(&mut self, code: u32, size: usize) {
        self.push(code.reverse_bits() >> (32 - size), size);
    }
}

/// Writes an unsigned LEB128.
pub fn leb(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Writes a signed LEB128.
pub fn signed_leb(mut value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = value as u8 & 0x7f;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

fn with_prefix(bytes: &[u8]) -> Vec<u8> {
    [&leb(bytes.len() as u64), bytes].concat()
}

fn unsigned(input: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(input, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn prefixed(input: &mut &[u8]) -> Vec<u8> {
    let size = unsigned(input) as usize;
    take(input, size)
}

fn take(input: &mut &[u8], size: usize) -> Vec<u8> {
    let (taken, rest) = input.split_at(size);
    *input = rest;
    taken.to_vec()
}
