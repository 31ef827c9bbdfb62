//! The cache beside the blobs: bounded, believed only with its hash, never outliving its blob.

use std::time::Duration;

use assist_proto::limits::BLOB_BYTES_MAX;

use super::*;

fn folder() -> (tempfile::TempDir, BlobFolder) {
    let home = tempfile::tempdir().unwrap();
    let folder = BlobFolder::open(&home.path().join("blobs")).unwrap();
    (home, folder)
}

fn take(folder: &BlobFolder, bytes: &[u8]) -> BlobHash {
    let mut intake = folder.take_in(BLOB_BYTES_MAX).unwrap();
    intake.write(bytes).unwrap();
    intake.finish().unwrap().blob()
}

/// Thumbnails with a helper that only talks.
fn with_helper(home: &Path, folder: &BlobFolder, script: &str) -> Thumbnails {
    use std::os::unix::fs::PermissionsExt as _;
    let program = home.join("helper");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    Thumbnails::with_program(folder.clone(), program)
}

const TALKS: &str = r"printf '\211PNG\r\n\032\nsmall'";

#[tokio::test]
async fn what_was_made_is_kept_until_its_blob_goes_and_made_again_if_it_is_damaged() {
    let (home, folder) = folder();
    let blob = take(&folder, b"a picture");
    let thumbnails = with_helper(home.path(), &folder, TALKS);
    let png = thumbnails.of(blob).await.unwrap();
    assert_eq!(&png[..], b"\x89PNG\r\n\x1a\nsmall");
    // Nobody to ask any more: what comes is what was kept.
    let idle = with_helper(home.path(), &folder, "exit 1");
    assert_eq!(idle.of(blob).await.unwrap(), png);
    let path = folder.thumbnail_path(blob);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    let talks = with_helper(home.path(), &folder, TALKS);
    assert_eq!(talks.of(blob).await.unwrap(), png, "a damaged one is not believed");
    folder.remove(blob).unwrap();
    assert!(!path.exists());
    assert!(
        matches!(talks.of(blob).await, Err(ThumbnailFault::Blob(fault)) if matches!(*fault, BlobFault::Missing))
    );
}

#[tokio::test]
async fn helper_that_fails_or_lies_is_not_believed_and_not_asked_twice() {
    let (home, folder) = folder();
    for (script, count) in [("kill -9 $$", 1), ("exit 0", 2), ("printf '<svg/>'", 3), ("yes", 4)] {
        let blob = take(&folder, script.as_bytes());
        let counted = format!("echo >> {}\n{script}", home.path().join("count").display());
        let thumbnails = with_helper(home.path(), &folder, &counted);
        for _ in 0..3 {
            assert!(matches!(thumbnails.of(blob).await, Err(ThumbnailFault::Refused)), "{script}");
        }
        let asked = fs::read_to_string(home.path().join("count")).unwrap().lines().count();
        assert_eq!(asked, count, "{script}");
    }
    let blob = take(&folder, b"text");
    let thumbnails = with_helper(home.path(), &folder, "exit 40");
    let fault = thumbnails.of(blob).await.unwrap_err();
    assert!(matches!(fault, ThumbnailFault::Picture(ShrinkError::NoPicture)));
}

/// Time stands still while anything runs, and jumps when only clocks are waited for.
#[tokio::test(start_paused = true)]
async fn helper_that_never_ends_is_killed() {
    let (home, folder) = folder();
    let blob = take(&folder, b"slow");
    let thumbnails = with_helper(home.path(), &folder, "while :; do :; done");
    assert!(matches!(thumbnails.of(blob).await, Err(ThumbnailFault::Refused)));
    let is_helper = |process: &fs::DirEntry| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&home.path().display().to_string())
    };
    let runs = || fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(|process| is_helper(&process));
    assert!((0..10_000).any(|_| !runs()), "it still runs");
}

#[test]
fn the_oldest_make_room() {
    let (_home, folder) = folder();
    let paths: Vec<PathBuf> = (0..20).map(|n| folder.thumbnail_path(BlobHash::from_bytes([n; 32]))).collect();
    let png = vec![7; usize::try_from(THUMBNAIL_BYTES_MAX).unwrap()];
    for (age, path) in paths.iter().rev().enumerate().map(|(age, path)| (age as u64, path)) {
        keep(path, &png).unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age);
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
    let left: Vec<bool> = paths.iter().map(|path| path.exists()).collect();
    let sum: u64 = paths.iter().filter_map(|path| fs::metadata(path).ok()).map(|it| it.len()).sum();
    assert!(sum <= THUMBNAILS_KEPT_BYTES_MAX + THUMBNAIL_BYTES_MAX, "{sum}");
    assert!(left[0], "the one that came last is there: {left:?}");
}
