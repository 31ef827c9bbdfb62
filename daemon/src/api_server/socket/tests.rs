//! Where the socket may stand, and who gets through to it.

use std::io::Read as _;
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};

use tempfile::TempDir;

use super::*;

#[tokio::test]
async fn socket_and_its_folder_are_for_their_owner_only() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("deep/run/assistd.sock");
    let socket = LocalSocket::bind(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    drop(socket);
    assert!(!path.exists());
}

#[tokio::test]
async fn dead_socket_file_is_replaced() {
    let (_home, path) = private_place();
    drop(StdListener::bind(&path).unwrap());
    assert!(path.exists(), "the file outlives its listener");
    let socket = LocalSocket::bind(&path).unwrap();
    let _caller = StdStream::connect(&path).unwrap();
    socket.accept().await.unwrap();
}

#[tokio::test]
async fn socket_that_answers_is_left_alone() {
    let (_home, path) = private_place();
    let living = StdListener::bind(&path).unwrap();
    assert!(matches!(LocalSocket::bind(&path), Err(BindError::InUse { path: named }) if named == path));
    StdStream::connect(&path).unwrap();
    drop(living);
}

#[tokio::test]
async fn other_files_are_refused_and_unharmed() {
    let (home, path) = private_place();
    fs::write(&path, "precious").unwrap();
    assert!(matches!(LocalSocket::bind(&path), Err(BindError::NotASocket { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");

    let (link, target) = (home.path().join("link.sock"), home.path().join("target.sock"));
    drop(StdListener::bind(&target).unwrap());
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(matches!(LocalSocket::bind(&link), Err(BindError::NotASocket { .. })));
    assert!(target.exists());
}

#[tokio::test]
async fn folder_that_is_open_to_others_is_refused() {
    for open in [0o755, 0o770, 0o701] {
        let (home, path) = private_place();
        fs::set_permissions(home.path(), Permissions::from_mode(open)).unwrap();
        let refused = LocalSocket::bind(&path);
        assert!(matches!(refused, Err(BindError::FolderOpenToOthers { mode, .. }) if mode == open));
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn path_too_long_for_the_system_is_refused_with_its_size() {
    let (home, _) = private_place();
    let path = home.path().join("x".repeat(PATH_BYTES_MAX));
    let size = path.as_os_str().len();
    assert!(
        matches!(LocalSocket::bind(&path), Err(BindError::PathTooLong { size_bytes, .. }) if size_bytes == size)
    );
}

#[tokio::test]
async fn another_user_is_dropped_unheard() {
    let (_home, path) = private_place();
    let mut socket = LocalSocket::bind(&path).unwrap();
    socket.pretend_owner(u32::MAX);
    let mut caller = StdStream::connect(&path).unwrap();
    tokio::select! {
        biased;
        accepted = socket.accept() => panic!("let in: {accepted:?}"),
        hung_up = tokio::task::spawn_blocking(move || caller.read(&mut [0])) => {
            assert_eq!(hung_up.unwrap().unwrap(), 0);
        }
    }
}

#[tokio::test]
async fn socket_of_a_successor_is_not_removed() {
    let (_home, path) = private_place();
    let socket = LocalSocket::bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let _successor = StdListener::bind(&path).unwrap();
    drop(socket);
    assert!(path.exists());
}

fn private_place() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
    let path = home.path().join("assistd.sock");
    (home, path)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}
