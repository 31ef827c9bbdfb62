//! Each hostile shape gets its verdict, at a bounded price; and each does harm where there is no gate.

use std::alloc::System;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use assist_crdt_model::{Author, CommentId, Edit, RejectCode, ScannedChange};
use assist_forge::chunk::deflate_bomb;
use assist_forge::meter::{Meter, peak_bytes};
use assist_proto::envelope::Envelope;
use automerge::{Automerge, Change};
use rustix::time::{ClockId, clock_gettime};

use super::{Actor, Bed, Harm, INCARNATION, SHAPES, Shape, comment, shapes};

#[global_allocator]
static METER: Meter<System> = Meter(System);

/// What judging one change may take beside the change itself.
const JUDGING_BYTES_MAX: usize = 16 << 20;

/// On a core: other work on the machine does not count. Unoptimised code gets more time than what is shipped.
const JUDGING_TIME_MAX: Duration = Duration::from_millis(50);

fn cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// Every variant is refused with this code, cheaply, and nobody else notices.
fn check(name: &str, code: RejectCode, make: fn(&Bed) -> Vec<Envelope>) {
    let bed = Bed::new();
    let honest = bed.sign(&bed.customer, bed.next(&bed.customer, comment(80, 200)).bytes);
    let mut doc = bed.doc.clone();
    let before = (doc.heads(), doc.save());
    let envelopes = make(&bed);
    assert!(!envelopes.is_empty());
    for envelope in envelopes {
        let began = cpu_time();
        let (peak, verdict) = peak_bytes(|| bed.judge(&mut doc, envelope));
        let taken = cpu_time() - began;
        let rejection = verdict.expect_err(name);
        assert_eq!(rejection.code, code, "{name}: {rejection}");
        assert!(peak <= JUDGING_BYTES_MAX, "{name}: {peak} bytes");
        assert!(taken <= JUDGING_TIME_MAX, "{name}: {taken:?}");
        assert_eq!((doc.heads(), doc.save()), before, "{name}");
    }
    bed.judge(&mut doc, honest).unwrap();
}

macro_rules! one_test_each {
    ($($name:ident $harm:ident $code:ident;)+) => {
        $(#[test]
        fn $name() {
            check(stringify!($name), RejectCode::$code, shapes::$name);
        })+
    };
}

crate::for_each_hostile_shape!(one_test_each);

/// What bare Automerge does with a change, on a document of its own.
fn harm_of(bed: &Bed, envelope: &Envelope) -> Option<Harm> {
    let applied = catch_unwind(AssertUnwindSafe(|| {
        let mut bare = Automerge::load(&bed.doc.save()).unwrap();
        let taken = Change::try_from(envelope.change.as_slice()).ok();
        taken.and_then(|change| bare.apply_changes([change]).ok()).map(|()| bare.save())
    }));
    match applied {
        Err(_panic) => Some(Harm::Panics),
        Ok(None) => None,
        Ok(Some(saved)) => match catch_unwind(AssertUnwindSafe(|| Automerge::load(&saved).is_ok())) {
            Ok(true) => None,
            _ => Some(Harm::NeverLoadsAgain),
        },
    }
}

#[test]
fn shapes_that_break_automerge_do_break_it() {
    let bed = Bed::new();
    let honest = bed.sign(&bed.agent, bed.next(&bed.agent, comment(80, 200)).bytes);
    assert_eq!(harm_of(&bed, &honest), None);
    let breaks = |shape: &&Shape| matches!(shape.harm, Harm::Panics | Harm::NeverLoadsAgain);
    for shape in SHAPES.iter().filter(breaks) {
        let found: Vec<Option<Harm>> =
            (shape.make)(&bed).iter().map(|envelope| harm_of(&bed, envelope)).collect();
        assert!(found.contains(&Some(shape.harm)), "{}: {found:?}", shape.name);
    }
}

#[test]
fn the_bomb_is_one() {
    let bomb = deflate_bomb(24 << 20);
    let (peak, _) = peak_bytes(|| catch_unwind(|| drop(Change::try_from(bomb.as_slice()))));
    assert!(peak >= 24 << 20, "inflated to {peak} bytes");
}

#[test]
fn orphans_by_the_thousand_leave_nothing_behind() {
    let bed = Bed::new();
    let mut doc = bed.doc.clone();
    let orphan = shapes::orphan(&bed).remove(0);
    let saved = doc.save();
    let (peak, ()) = peak_bytes(|| {
        for number in 0_u32..20_000 {
            let bytes = assist_forge::forge(&orphan.change, |change| {
                change.deps[0].0[..4].copy_from_slice(&number.to_be_bytes());
            });
            let change = ScannedChange::scan(&bytes).unwrap();
            let rejection = doc.admit(&change, &bed.agent.author).unwrap_err();
            assert_eq!(rejection.code, RejectCode::MissingDep);
        }
    });
    assert!(peak < 64 * 1024, "{peak} bytes");
    assert_eq!(doc.save(), saved);
}

#[test]
fn thousand_heads_of_one_device_stop_nobody() {
    const HEADS: u32 = 1_000;
    let bed = Bed::new();
    let mut doc = bed.doc.clone();
    for incarnation in 1..=HEADS {
        let author =
            Author { actor: Actor::derive(&bed.colleague.device(), incarnation), ..bed.colleague.author };
        let mut id = [250; 16];
        id[..4].copy_from_slice(&incarnation.to_be_bytes());
        let change = crowd_change(&bed, &author, id);
        doc.admit(&ScannedChange::scan(&change).unwrap(), &author).unwrap();
    }
    assert_eq!(doc.heads().len(), HEADS as usize);
    let began = cpu_time();
    let (peak, made) = peak_bytes(|| doc.apply(&bed.customer.author, super::NOW, &[comment(80, 200)]));
    made.unwrap();
    assert!(doc.heads().len() < HEADS as usize);
    assert!(peak <= JUDGING_BYTES_MAX, "{peak} bytes");
    assert!(cpu_time() - began <= Duration::from_secs(1));
}

fn crowd_change(bed: &Bed, author: &Author, id: [u8; 16]) -> Vec<u8> {
    let (id, body) = (CommentId::from_bytes(id), super::text(20));
    let edit = Edit::AddComment { id, body, reply_to: None, attachments: Vec::new() };
    bed.doc.clone().apply(author, super::NOW, &[edit]).unwrap().bytes
}

#[test]
fn the_bed_is_the_reference_ticket() {
    let bed = Bed::new();
    assert_eq!(bed.doc.change_count(), 25);
    assert_eq!(bed.doc.ticket().unwrap().comments.len(), 20);
    assert_eq!(bed.stored.len(), 25);
    let envelope = bed.sign(&bed.agent, bed.next(&bed.agent, comment(80, 200)).bytes);
    assert_eq!(envelope.incarnation, INCARNATION);
    bed.judge(&mut bed.doc.clone(), envelope).unwrap();
}
