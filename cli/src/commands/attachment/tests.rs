//! Saving: nothing is overwritten, nothing lies outside the folder.

use std::fs;
use std::os::unix::fs::symlink;

use super::saving::new_file;
use super::size_words;

#[test]
fn a_saved_file_takes_the_place_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.txt"), "old").unwrap();
    symlink(at("nowhere"), at("a (2).txt")).unwrap();
    let (path, _file) = new_file(folder.path(), "a.txt").unwrap();
    assert_eq!(path, at("a (3).txt"));
    assert_eq!(fs::read_to_string(at("a.txt")).unwrap(), "old");
    assert!(!at("nowhere").exists(), "links are not followed");
}

#[test]
fn hostile_labels_stay_in_the_folder() {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let mut dice = 1_u64;
    let parts = ["..", "/", "\\", ".", "~", "\0", "\n", "\u{202e}", "etc", "CON", " ", "-", ":", "\u{2215}"];
    for _ in 0..10_000 {
        let mut label = String::new();
        for _ in 0..dice % 7 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            label.push_str(parts[(dice >> 33) as usize % parts.len()]);
        }
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (path, _file) = new_file(&inner, &label).unwrap();
        assert_eq!(path.parent(), Some(inner.as_path()), "{label:?}");
        fs::remove_file(path).unwrap();
    }
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1, "nothing beside the folder");
    assert_eq!(fs::read_dir(&inner).unwrap().count(), 0);
}

#[test]
fn sizes_are_told_as_people_tell_them() {
    assert_eq!(size_words(0), "0 B");
    assert_eq!(size_words(1_536), "1.5 KiB");
    assert_eq!(size_words(100 * 1024 * 1024), "100.0 MiB");
}
