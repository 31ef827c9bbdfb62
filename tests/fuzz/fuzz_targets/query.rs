//! Runs the target `query` of `tests/harness/fuzz_targets.rs` on what libfuzzer comes up with.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assist_tests::fuzz_targets::query(bytes));
