//! The fuzz targets on a stable toolchain: everything in the committed corpora, and mutations of it.
//!
//! ```text
//! FUZZ_MUTATIONS=1000000 cargo test --release -p assist-tests --test it fuzz
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use assist_forge::{Dice, damage};
use assist_tests::fuzz_targets::{TARGETS, Target};

/// Of each target; the corpora themselves come on top.
const MUTATIONS: usize = 10_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = folder().join("corpus").join(target.name);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "{} has nothing to begin with", folder.display());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Runs a target and shows the bytes if it fails.
fn run(target: &Target, bytes: &[u8]) {
    let shown = || bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    catch_unwind(|| (target.run)(bytes)).unwrap_or_else(|_| panic!("{} fails on {}", target.name, shown()));
}

/// A few damages to one of the corpus, now and then with a piece of another.
fn mutated(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = dice.pick(corpus).clone();
    if dice.one_in(4) {
        let other = dice.pick(corpus);
        let (at, from) = (dice.below(bytes.len() + 1), dice.below(other.len() + 1));
        bytes.splice(at.., other[from..].iter().copied());
    }
    for _ in 0..dice.below(4) {
        damage(&mut bytes, dice);
    }
    bytes
}

#[test]
fn every_target_withstands_its_corpus_and_mutations_of_it() {
    let mutations = match std::env::var("FUZZ_MUTATIONS") {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => MUTATIONS,
    };
    let replay = |target: &'static Target| {
        move || {
            let corpus = corpus(target);
            corpus.iter().for_each(|bytes| run(target, bytes));
            let mut dice = Dice::new(1);
            (0..mutations).for_each(|_| run(target, &mutated(&corpus, &mut dice)));
        }
    };
    let workers: Vec<_> = TARGETS.iter().map(|target| thread::spawn(replay(target))).collect();
    for (target, worker) in TARGETS.iter().zip(workers) {
        worker.join().unwrap_or_else(|_| panic!("{} fails, see above", target.name));
    }
}

#[test]
fn every_target_has_its_program_and_every_program_its_target() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let stems = |under: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(folder().join(under)).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        entries.map(|entry| stem(entry.unwrap().path())).collect()
    };
    assert_eq!(stems("fuzz_targets"), names);
    assert_eq!(stems("corpus"), names);
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for name in &names {
        let program = fs::read_to_string(folder().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("fuzz_targets::{name}(")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
