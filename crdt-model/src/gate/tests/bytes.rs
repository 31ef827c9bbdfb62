//! Shapes that are refused from the bytes alone, before Automerge sees them.

use assist_forge::chunk::column::{
    ACTION, INSERT, KEY, OBJ_ACTOR, OBJ_COUNTER, PRED_ACTOR, PRED_COUNT, PRED_COUNTER, VALUE, VALUE_META,
};
use assist_forge::chunk::{Chunk, leb, seal, signed_leb};
use automerge::Change;

use super::{check_refused, check_scan_refused};
use crate::fixtures::{agent, comment, ticket_doc};
use crate::{Edit, NewChange, RejectCode, ScannedChange, Status, UnixMillis, limits};

/// An agent's change of the status and a comment on a ticket.
fn honest() -> NewChange {
    let (mut doc, _) = ticket_doc();
    let edits = [Edit::SetStatus(Status::Closed), comment(1, "Done.")];
    doc.apply(&agent(), UnixMillis(2_000), &edits).unwrap()
}

#[track_caller]
fn check_twisted(code: RejectCode, twist: impl FnOnce(&mut Chunk)) {
    let mut chunk = Chunk::parse(&honest().bytes);
    twist(&mut chunk);
    check_scan_refused(&chunk.to_bytes(), code);
}

#[test]
fn the_chunk_writer_of_these_tests_writes_honest_chunks_too() {
    let honest = honest();
    assert_eq!(Chunk::parse(&honest.bytes).to_bytes(), honest.bytes);
    let scanned = ScannedChange::scan(&honest.bytes).unwrap();
    assert_eq!(scanned.hash(), honest.hash);
    assert_eq!(ScannedChange::hash_of(&honest.bytes), Ok(honest.hash));
    // Our reader and Automerge's see the same.
    let parsed = Change::try_from(honest.bytes.as_slice()).unwrap().decode();
    assert_eq!(scanned.ops(), parsed.operations);
}

#[test]
fn garbage_and_damage_are_refused() {
    let bytes = honest().bytes;
    check_scan_refused(b"", RejectCode::Malformed);
    check_scan_refused(b"garbage that is long enough to be something", RejectCode::Malformed);
    check_scan_refused(&vec![0; limits::CHANGE_BYTES_MAX + 1], RejectCode::TooLarge);
    for size in 0..bytes.len() {
        check_scan_refused(&bytes[..size], RejectCode::Malformed);
    }
    check_scan_refused(&[bytes.as_slice(), &[0]].concat(), RejectCode::Malformed);
}

#[test]
fn a_wrong_checksum_is_refused() {
    let mut bytes = honest().bytes;
    *bytes.last_mut().unwrap() ^= 1;
    check_scan_refused(&bytes, RejectCode::Malformed);
    assert_eq!(ScannedChange::hash_of(&bytes).unwrap_err().code, RejectCode::Malformed);
}

#[test]
fn other_chunks_than_plain_changes_are_refused() {
    let chunk = Chunk::parse(&honest().bytes);
    for kind in [0, 2, 3, 4, 255] {
        check_scan_refused(&Chunk { kind, ..chunk.clone() }.to_bytes(), RejectCode::Malformed);
    }
}

#[test]
fn a_deflated_column_is_refused() {
    const DEFLATED: u64 = 0b1000;
    check_twisted(RejectCode::Malformed, |chunk| {
        chunk.columns.iter_mut().find(|(spec, _)| *spec == VALUE).unwrap().0 |= DEFLATED;
    });
}

#[test]
fn a_million_operations_in_a_hundred_bytes_are_refused() {
    for count in [limits::OPS_PER_CHANGE_MAX as i64 + 1, 1_000_000, 10_000_000, i64::MAX] {
        let run = |value: &[u8]| [&signed_leb(count), value].concat();
        let columns = vec![
            (KEY, run(b"\x01k")),
            (INSERT, leb(count as u64)),
            (ACTION, run(&[1])),
            (VALUE_META, run(&[0])),
            (PRED_COUNT, run(&[0])),
        ];
        let bytes = Chunk { columns, ..Chunk::parse(&ticket_doc().1.bytes) }.to_bytes();
        assert!(bytes.len() < 130);
        check_scan_refused(&bytes, RejectCode::TooLarge);
    }
}

#[test]
fn long_runs_are_refused_in_every_column() {
    for spec in [OBJ_ACTOR, OBJ_COUNTER, KEY, ACTION, VALUE_META, PRED_COUNT, PRED_ACTOR, PRED_COUNTER] {
        check_twisted(RejectCode::TooLarge, |chunk| {
            let column = chunk.column(spec);
            column.extend(signed_leb(1_000_000_000));
            column.extend([1, 1]);
        });
        check_twisted(RejectCode::TooLarge, |chunk| {
            let nulls = [vec![0], leb(u64::MAX)].concat();
            chunk.column(spec).extend(nulls);
        });
    }
    check_twisted(RejectCode::Malformed, |chunk| *chunk.column(INSERT) = leb(1_000_000_000));
}

#[test]
fn more_predecessors_than_anyone_could_have_seen_are_refused() {
    check_twisted(RejectCode::Malformed, |chunk| {
        *chunk.column(PRED_COUNT) = [vec![5], leb(1 << 40)].concat()
    });
}

#[test]
fn insertions_are_refused() {
    check_twisted(RejectCode::Malformed, |chunk| *chunk.column(INSERT) = vec![1, 4]);
}

#[test]
fn actions_and_values_that_no_edit_has_are_refused() {
    // Lists, texts, counters, tables, marks.
    for action in [2, 4, 5, 6, 7, 8, u64::MAX] {
        check_twisted(RejectCode::Malformed, |chunk| {
            *chunk.column(ACTION) = [signed_leb(5), leb(action)].concat();
        });
    }
    // False, signed, float, counter, unknown.
    for kind in [1, 4, 5, 8, 10, 15] {
        check_twisted(RejectCode::Malformed, |chunk| {
            let meta = chunk.column(VALUE_META);
            let last = meta.last_mut().unwrap();
            *last = *last & 0xf0 | kind;
        });
    }
}

#[test]
fn columns_that_no_edit_has_are_refused() {
    // Key actor, key counter, expand, mark name, and one that nobody knows.
    for spec in [0x11, 0x13, 0x94, 0xa5, 0xff7] {
        check_twisted(RejectCode::Malformed, |chunk| {
            chunk.columns.push((spec, vec![]));
            chunk.columns.sort();
        });
    }
    check_twisted(RejectCode::Malformed, |chunk| chunk.columns.reverse());
    check_twisted(RejectCode::Malformed, |chunk| {
        let repeated = chunk.columns[0].clone();
        chunk.columns.insert(0, repeated);
    });
}

#[test]
fn columns_of_different_lengths_are_refused() {
    for spec in [KEY, INSERT, ACTION, VALUE_META, PRED_COUNT] {
        check_twisted(RejectCode::Malformed, |chunk| chunk.column(spec).clear());
    }
    check_twisted(RejectCode::Malformed, |chunk| chunk.columns.clear());
    check_twisted(RejectCode::Malformed, |chunk| *chunk.column(VALUE) = vec![0; 3]);
    check_twisted(RejectCode::Malformed, |chunk| chunk.column(OBJ_ACTOR).clear());
    check_twisted(RejectCode::Malformed, |chunk| chunk.column(PRED_ACTOR).clear());
}

#[test]
fn references_to_unnamed_actors_are_refused() {
    for spec in [OBJ_ACTOR, PRED_ACTOR] {
        check_twisted(RejectCode::Malformed, |chunk| {
            let column = chunk.column(spec);
            *column.last_mut().unwrap() = 9;
        });
    }
}

#[test]
fn counters_out_of_bounds_are_refused() {
    let run = |value: i64| [signed_leb(1), signed_leb(value)].concat();
    for counter in [0, -1, limits::OP_COUNTER_MAX as i64 + 1, i64::MAX, i64::MIN] {
        check_twisted(RejectCode::Malformed, |chunk| *chunk.column(PRED_COUNTER) = run(counter));
    }
    check_twisted(RejectCode::Malformed, |chunk| {
        let counters = [vec![0, 1], signed_leb(4), leb(1 << 33)].concat();
        *chunk.column(OBJ_COUNTER) = counters;
    });
    for start_op in [0, limits::OP_COUNTER_MAX, u64::from(u32::MAX) - 1, u64::MAX] {
        check_twisted(RejectCode::TooLarge, |chunk| chunk.start_op = start_op);
    }
}

#[test]
fn a_message_or_a_footer_is_refused() {
    check_twisted(RejectCode::Malformed, |chunk| chunk.message = b"hello".to_vec());
    // Automerge's author footer: at sequence number 2 it panics.
    check_twisted(RejectCode::Malformed, |chunk| chunk.extra = vec![1, 3, 1, 2, 3]);
}

#[test]
fn times_out_of_bounds_are_refused() {
    for time in [-1, i64::MIN, i64::MAX, limits::VALUE_TIMES_MAX as i64 + 1] {
        check_twisted(RejectCode::Malformed, |chunk| chunk.time = signed_leb(time));
    }
}

#[test]
fn too_many_or_unsorted_dependencies_are_refused() {
    check_twisted(RejectCode::TooLarge, |chunk| {
        chunk.deps = vec![vec![1; 32]; limits::DEPS_PER_CHANGE_MAX + 1]
    });
    check_twisted(RejectCode::Malformed, |chunk| chunk.deps = vec![vec![1; 32]; 2]);
    check_twisted(RejectCode::Malformed, |chunk| chunk.deps = vec![vec![2; 32], vec![1; 32]]);
    check_twisted(RejectCode::TooLarge, |chunk| {
        chunk.other_actors = vec![vec![1; 16]; limits::OTHER_ACTORS_PER_CHANGE_MAX + 1];
    });
}

#[test]
fn actors_of_another_size_are_refused() {
    for size in [0, 1, 15, 17, 100] {
        check_twisted(RejectCode::Malformed, |chunk| chunk.actor = vec![1; size]);
        check_twisted(RejectCode::Malformed, |chunk| chunk.other_actors.push(vec![1; size]));
    }
}

#[test]
fn integers_that_do_not_fit_are_refused() {
    let body = [vec![0], vec![0xff; 10]].concat();
    check_scan_refused(&seal(1, &body), RejectCode::Malformed);
    check_twisted(RejectCode::Malformed, |chunk| chunk.time = [vec![0x80; 9], vec![2]].concat());
}

#[test]
fn the_same_edits_in_another_encoding_are_refused() {
    let (mut doc, _) = ticket_doc();
    let forms: [fn(&mut Chunk); 4] = [
        // A run of equal actions as two runs.
        |chunk| {
            let puts = chunk.column(ACTION);
            assert_eq!(*puts, [0x7e, 1, 0, 3, 1]);
            *puts = vec![0x7e, 1, 0, 2, 1, 1, 1];
        },
        // A time in three bytes where two are enough.
        |chunk| chunk.time = vec![0xd0, 0x8f, 0x00],
        // An actor that is named but not used.
        |chunk| chunk.other_actors.push(vec![0xff; 16]),
        // A run of no nulls.
        |chunk| chunk.column(OBJ_ACTOR).extend([0, 0]),
    ];
    for form in forms {
        let mut chunk = Chunk::parse(&honest().bytes);
        form(&mut chunk);
        check_refused(&mut doc, &chunk.to_bytes(), &agent(), RejectCode::NotCanonical);
    }
    doc.admit(&ScannedChange::scan(&honest().bytes).unwrap(), &agent()).unwrap();
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    check_twisted(RejectCode::Malformed, |chunk| chunk.column(VALUE)[0] = 0xff);
    check_twisted(RejectCode::Malformed, |chunk| chunk.column(KEY)[2] = 0xff);
}
