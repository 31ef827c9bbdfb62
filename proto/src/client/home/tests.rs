//! Which folder is meant.

use std::path::{Path, PathBuf};

use super::Home;

#[test]
fn a_given_folder_wins_and_everything_lies_below_it() {
    let home = Home::locate(Some(PathBuf::from("/srv/assist"))).unwrap();
    assert_eq!(home.folder(), Path::new("/srv/assist"));
    assert_eq!(home.socket(), Path::new("/srv/assist/run/assistd.sock"));
    assert_eq!(home.lock_file(), Path::new("/srv/assist/lock"));
    assert_eq!(home.log_file(), Path::new("/srv/assist/assistd.log"));
}

#[test]
fn a_relative_folder_counts_from_the_current_one() {
    let home = Home::locate(Some(PathBuf::from("here"))).unwrap();
    assert_eq!(home.folder(), std::env::current_dir().unwrap().join("here"));
}

#[test]
fn an_empty_folder_is_none_given() {
    let home = Home::locate(Some(PathBuf::new())).unwrap();
    assert!(home.folder().is_absolute());
    assert!(home.folder().ends_with("hero-assistance"), "{}", home.folder().display());
}
