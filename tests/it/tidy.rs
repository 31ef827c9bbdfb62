//! Rules that the code keeps although no compiler asks for them: who may use whom, what may come in, how files look.
//!
//! Each rule says why when it is broken. A rule that cannot be kept is changed here, in a change of its own.

mod imports;
mod licences;
mod sources;
mod threats;

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the whole project.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A file's text, by its path from the root.
fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(&path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// The paths of all files with this ending, from the root, without what builds make.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && !is_hidden && entry.file_name() != "target" => folders.push(path),
                kind if kind.is_file() && path.extension().is_some_and(|it| it == ending) => found.push(path),
                _ => {}
            }
        }
    }
    assert!(!found.is_empty(), "no *.{ending} is found below {}", root().display());
    found.sort();
    found
}

/// Fails with everything that breaks a rule, and why the rule is there.
#[track_caller]
fn assert_none(broken: &[String], why: &str) {
    assert!(broken.is_empty(), "{why}:\n  {}", broken.join("\n  "));
}
