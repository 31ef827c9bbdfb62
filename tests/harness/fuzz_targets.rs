//! What is fuzzed: every door through which bytes of others come in, as plain functions over any bytes. They are run
//! by cargo-fuzz (`tests/fuzz`) and, on the committed corpora and mutations of them, by a test.
//!
//! A target panics if what it tries does, or if a promise about its result is broken. It never cares whether bytes
//! are refused.

use std::cell::RefCell;
use std::str::{self, FromStr};
use std::sync::Arc;

use assist_cli::neutral;
use assist_crdt_model::{
    BlobHash, CommentId, DeviceId, Doc, ProjectId, ScannedChange, TicketId, UserId, limits as model_limits,
};
use assist_daemon::api_server::{Dispatcher, Handle};
use assist_daemon::net::take_frame;
use assist_forge::chunk::seal;
use assist_proto::address::{Address, Host};
use assist_proto::api::{ApiError, Method, limits as api_limits};
use assist_proto::for_each_method;
use assist_proto::hub::spelled;
use assist_proto::limits;
use assist_proto::link::Link;
use assist_proto::query::Query;
use assist_proto::wire::{self, PeerMessage, codec};
use automerge::Automerge;
use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;
use tokio::runtime::{Builder, Runtime};

use crate::hostile::Bed;

/// One door.
#[derive(Clone, Copy)]
pub struct Target {
    /// Of its corpus and its program.
    pub name: &'static str,
    /// Tries it.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "frames", run: frames },
    Target { name: "message", run: message },
    Target { name: "scan", run: scan },
    Target { name: "gate", run: gate },
    Target { name: "address", run: address },
    Target { name: "query", run: query },
    Target { name: "request", run: request },
    Target { name: "printer", run: printer },
];

/// A stream of frames: however the network cuts it, the same frames come out, and each is a message or refused.
pub fn frames(bytes: &[u8]) {
    let whole = frames_of(bytes, bytes.len().max(1));
    let pieces = frames_of(bytes, 7);
    assert_eq!(whole, pieces);
    for frame in whole.0 {
        wire::receive(&frame).ok(); // It is enough that it answers.
    }
}

/// The frames of a stream that comes in pieces, and whether the rest was refused.
fn frames_of(bytes: &[u8], piece_bytes: usize) -> (Vec<Bytes>, bool) {
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in bytes.chunks(piece_bytes) {
        buffer.extend_from_slice(piece);
        loop {
            match take_frame(&mut buffer, limits::FRAME_BYTES_MAX) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

/// A query of a list: it is one, or what is wrong with it has a place in it.
pub fn query(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Query::parse(text) {
        Ok(query) => {
            for term in &query.terms {
                assert!(text.get(term.span.clone()).is_some_and(|place| !place.is_empty()));
            }
        }
        Err(error) => {
            assert!(text.get(error.span.clone()).is_some(), "{error:?}");
            assert!(error.point_at(text).lines().count() == 2);
        }
    }
}

/// The payload of one frame: what is read as a message is written so that it reads as the same again.
pub fn message(bytes: &[u8]) {
    wire::receive(bytes).ok(); // It is enough that it answers.
    if let Ok(message) = codec::decode::<PeerMessage>("message", bytes) {
        let again = codec::decode::<PeerMessage>("message", &wire::encode(&message));
        assert_eq!(again.expect("what we write we read"), message);
    }
}

/// A change's bytes, as they are and as the body of a chunk with a right checksum.
pub fn scan(bytes: &[u8]) {
    for chunk in [bytes.to_vec(), seal(PLAIN_CHANGE, bytes)] {
        let Ok(scanned) = ScannedChange::scan(&chunk) else { continue };
        assert_eq!(scanned.bytes(), chunk);
        assert!(scanned.deps().len() <= model_limits::DEPS_PER_CHANGE_MAX);
        assert!(scanned.at().0 <= model_limits::VALUE_TIMES_MAX);
        assert_eq!(ScannedChange::scan(&chunk).expect("the same bytes, the same answer"), scanned);
    }
}

const PLAIN_CHANGE: u8 = 1;

/// Who signs, and the body of a change, which gets a right checksum and signature: what is let in loads again.
pub fn gate(bytes: &[u8]) {
    let Some((who, body)) = bytes.split_first() else { return };
    BED.with(|bed| {
        let member = [&bed.customer, &bed.colleague, &bed.agent, &bed.admin][usize::from(who % 4)];
        let envelope = bed.sign(member, seal(PLAIN_CHANGE, body));
        let change = envelope.change.clone();
        let mut doc = bed.doc.clone();
        if bed.judge(&mut doc, envelope).is_err() {
            assert_eq!(doc.heads(), bed.doc.heads());
            return;
        }
        let stored = bed.stored.iter().map(Vec::as_slice).chain([change.as_slice()]);
        let loaded = Doc::load(doc.id(), stored).expect("what was let in loads");
        assert_eq!((loaded.heads(), loaded.ticket()), (doc.heads(), doc.ticket()));
        Automerge::load(&doc.save()).expect("any Automerge loads what we save");
    });
}

/// What people paste and type: addresses, links, codes, ids. What is understood is written as it would be read again.
pub fn address(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    reads_again::<Address>(text);
    reads_again::<Host>(text);
    reads_again::<Link>(text);
    reads_again::<ProjectId>(text);
    reads_again::<DeviceId>(text);
    reads_again::<UserId>(text);
    reads_again::<TicketId>(text);
    reads_again::<CommentId>(text);
    reads_again::<BlobHash>(text);
    let code = spelled(text);
    assert!(code.len() <= limits::CODE_CHARS + 1 && code.chars().all(|it| it.is_ascii_alphanumeric()));
    assert_eq!(spelled(&code), code);
}

fn reads_again<T: FromStr + ToString + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let written = value.to_string();
        assert!(written.parse::<T>().is_ok_and(|again| again == value), "{written:?} from {text:?}");
    }
}

/// The body of a call at the local socket: the answer is JSON within its bound, or there is none to give.
pub fn request(bytes: &[u8]) {
    let bytes = bytes.get(..api_limits::REQUEST_BYTES_MAX).unwrap_or(bytes);
    let answer = DESK.with_borrow(|(runtime, desk)| runtime.block_on(desk.answer(bytes)));
    if let Some(answer) = answer {
        assert!(answer.len() <= api_limits::REPLY_BYTES_MAX + bytes.len() + ENVELOPE_BYTES);
        let text = str::from_utf8(&answer).expect("an answer is text");
        // Not as a value: the caller's own id comes back as it was, be it a number that no type here holds.
        serde_json::from_str::<IgnoredAny>(text).expect("an answer is JSON");
    }
}

/// What stands around an answer.
const ENVELOPE_BYTES: usize = 1024;

/// Text of others on a terminal: nothing is left that a terminal obeys, and what is harmless is left alone.
pub fn printer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let line = neutral::line(&text);
    assert!(!line.chars().any(neutral::is_harmful), "{line:?}");
    assert_eq!(neutral::line(&line), line);
    let block = neutral::block(&text);
    let is_left = |character: char| matches!(character, '\n' | '\t');
    assert!(block.chars().all(|it| is_left(it) || !neutral::is_harmful(it)), "{block:?}");
    assert_eq!(neutral::block(&block), block);
}

thread_local! {
    static BED: Bed = Bed::new();
    static DESK: RefCell<(Runtime, Dispatcher<Nobody>)> = RefCell::new((
        Builder::new_current_thread().enable_time().build().expect("a runtime of one thread"),
        Dispatcher::new(Arc::new(Nobody), "fuzz".to_owned()),
    ));
}

/// Understands every call, and can do nothing.
struct Nobody;

macro_rules! understand {
    // The table describes itself, whoever stands behind it.
    ("rpc.discover" $params:ty) => {};
    ($name:tt $params:ty) => {
        impl Handle<$params> for Nobody {
            async fn handle(&self, _params: $params) -> Result<<$params as Method>::Result, ApiError> {
                Err(ApiError::internal("nobody", "nobody is here"))
            }
        }
    };
}

macro_rules! understand_all {
    ($($name:tt $access:ident $params:ty => $result:ty: $summary:literal;)+) => {
        $(understand!($name $params);)+
    };
}

for_each_method!(understand_all);
