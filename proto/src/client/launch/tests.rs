//! Finding and starting the daemon.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::{
    LOG_BYTES_MAX, StartError, Unanswered, is_held, log_tail, open_log, prepare_folder, wait_for_holder,
    wait_until_gone, wait_until_it_answers,
};
use crate::client::Home;

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::locate(Some(folder.path().join("assist"))).unwrap();
    (folder, home)
}

#[test]
fn folders_made_for_the_daemon_are_for_the_user_alone() {
    let (_folder, home) = home();
    prepare_folder(&home).unwrap();
    for folder in [home.folder().to_owned(), home.run_folder()] {
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_daemon_that_dies_at_once_is_noticed_with_what_it_said() {
    let (_folder, home) = home();
    prepare_folder(&home).unwrap();
    fs::write(home.log_file(), "of an earlier run\n").unwrap();
    let (mut log, start) = open_log(&home.log_file()).unwrap();
    let child = Command::new("sh")
        .args(["-c", "echo the store is newer; exit 3"])
        .stdout(log.try_clone().unwrap())
        .spawn()
        .unwrap();
    let Err(Unanswered::Died(status)) = wait_until_it_answers(&home, child) else { panic!("it answered") };
    let error = StartError::Died { status, log_tail: log_tail(&mut log, start) };
    assert_eq!(
        error.to_string(),
        "the daemon ended at once with exit status: 3, saying:\nthe store is newer"
    );
}

#[test]
fn a_folder_is_held_as_long_as_its_lock_is() {
    let (_folder, home) = home();
    assert!(!is_held(&home).unwrap());
    prepare_folder(&home).unwrap();
    let lock = fs::File::create(home.lock_file()).unwrap();
    assert!(!is_held(&home).unwrap());
    lock.lock().unwrap();
    assert!(is_held(&home).unwrap());
    drop(lock);
    wait_until_gone(&home).unwrap();
    assert!(wait_for_holder(&home).unwrap().is_none());
}

#[test]
fn a_holder_that_comes_up_is_waited_for() {
    let (_folder, home) = home();
    prepare_folder(&home).unwrap();
    let lock = fs::File::create(home.lock_file()).unwrap();
    lock.lock().unwrap();
    let coming = std::thread::spawn({
        let socket = home.socket();
        move || std::os::unix::net::UnixListener::bind(socket).unwrap()
    });
    assert!(wait_for_holder(&home).unwrap().is_some());
    coming.join().unwrap();
}

#[test]
fn a_log_that_has_grown_is_put_aside() {
    let (_folder, home) = home();
    prepare_folder(&home).unwrap();
    let log = fs::File::create(home.log_file()).unwrap();
    log.set_len(LOG_BYTES_MAX + 1).unwrap();
    let (_, start) = open_log(&home.log_file()).unwrap();
    assert_eq!(start, 0);
    assert!(home.log_file().with_extension("log.1").exists());
}
