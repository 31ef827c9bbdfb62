//! What lies in the folder of blobs, after crashes, damage and links too.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use assist_crdt_model::{DocId, TicketId};

use super::*;

fn folder() -> (tempfile::TempDir, BlobFolder) {
    let home = tempfile::tempdir().unwrap();
    let folder = BlobFolder::open(&home.path().join("blobs")).unwrap();
    (home, folder)
}

fn noise(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut bytes);
    bytes
}

fn pieces(bytes: &[u8]) -> Pieces {
    let mut maker = PiecesMaker::new();
    maker.update(bytes);
    maker.finish().unwrap()
}

fn place(blob: BlobHash) -> BlobPlace {
    BlobPlace { doc: DocId::Ticket(TicketId::from_bytes([1; 16])), blob }
}

fn take(folder: &BlobFolder, bytes: &[u8]) -> BlobHash {
    let mut intake = folder.take_in(BLOB_BYTES_MAX).unwrap();
    intake.write(bytes).unwrap();
    intake.finish().unwrap().blob()
}

fn read(folder: &BlobFolder, blob: BlobHash) -> Result<Vec<u8>, BlobFault> {
    let reading = folder.read(blob)?;
    let mut bytes = Vec::new();
    for index in 0..reading.pieces().count() {
        bytes.extend(reading.piece(index)?);
    }
    Ok(bytes)
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

#[test]
fn what_is_taken_in_is_read_back_and_kept_once() {
    let (home, folder) = folder();
    let bytes = noise(2 * PIECE_BYTES + 77);
    let blob = take(&folder, &bytes);
    assert_eq!(take(&folder, &bytes), blob);
    assert_eq!(blob.as_bytes(), blake3::hash(&bytes).as_bytes());
    assert_eq!(folder.size_of(blob).unwrap(), Some(bytes.len() as u64));
    assert_eq!(read(&folder, blob).unwrap(), bytes);
    let found = files(home.path());
    assert_eq!(found.len(), 3, "the blob, the list of its pieces, the mark of the upload: {found:?}");
    for file in found {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let empty = take(&folder, b"");
    assert_eq!(read(&folder, empty).unwrap(), b"");
}

#[test]
fn nothing_stays_of_what_breaks_off_or_is_too_large() {
    let (home, folder) = folder();
    let mut intake = folder.take_in(10).unwrap();
    intake.write(b"12345").unwrap();
    assert!(matches!(intake.write(b"678901"), Err(BlobFault::TooLarge { bytes_max: 10 })));
    drop(intake);
    assert_eq!(files(home.path()), Vec::<PathBuf>::new());
}

#[test]
fn damage_and_links_are_noticed_when_they_are_read() {
    let (_home, folder) = folder();
    let bytes = noise(PIECE_BYTES + 100);
    let blob = take(&folder, &bytes);
    let path = folder.path_of(blob);
    let mut wrong = bytes.clone();
    wrong[PIECE_BYTES + 3] ^= 1;
    fs::write(&path, &wrong).unwrap();
    let reading = folder.read(blob).unwrap();
    reading.piece(0).unwrap();
    assert!(matches!(reading.piece(1), Err(BlobFault::Damaged)));
    fs::remove_file(list_path(&path)).unwrap();
    assert!(matches!(folder.read(blob), Err(BlobFault::Damaged)), "without its list it is hashed");
    fs::write(&path, &bytes[1..]).unwrap();
    assert!(matches!(folder.read(blob), Err(BlobFault::Damaged)));

    // A list that was tampered with is made again.
    fs::write(&path, &bytes).unwrap();
    fs::write(list_path(&path), [0; 64]).unwrap();
    assert_eq!(read(&folder, blob).unwrap(), bytes);

    let elsewhere = folder.path_of(take(&folder, b"elsewhere"));
    fs::remove_file(&path).unwrap();
    symlink(elsewhere, &path).unwrap();
    assert!(folder.read(blob).is_err());
    assert_eq!(folder.size_of(blob).unwrap(), None);
}

#[test]
fn a_blob_in_pieces_goes_on_at_the_first_that_is_missing_or_wrong() {
    let (home, folder) = folder();
    let bytes = noise(3 * PIECE_BYTES + 5);
    let pieces = pieces(&bytes);
    let at = place(pieces.blob());
    let piece = |index: usize| &bytes[index * PIECE_BYTES..bytes.len().min((index + 1) * PIECE_BYTES)];

    let mut partial = folder.resume(at, pieces.clone()).unwrap();
    assert!(matches!(folder.resume(at, pieces.clone()), Err(BlobFault::Busy)), "one at a time");
    partial.write(piece(0)).unwrap();
    assert!(partial.write(piece(2)).is_err(), "not the next");
    partial.write(piece(1)).unwrap();
    drop(partial);
    assert_eq!(folder.held(at), 2);

    // As a loss of power may leave it: a piece that is not what was written, and part of another.
    let path = folder.partial_path(at);
    let mut left = fs::read(&path).unwrap();
    left[PIECE_BYTES + 9] ^= 1;
    left.extend_from_slice(b"rest");
    fs::write(&path, left).unwrap();
    let again = BlobFolder::open(&home.path().join("blobs")).unwrap();
    let mut partial = again.resume(at, pieces.clone()).unwrap();
    assert_eq!(partial.next(), 1);
    for index in 1..4 {
        partial.write(piece(index)).unwrap();
    }
    partial.finish().unwrap();
    assert_eq!(read(&again, pieces.blob()).unwrap(), bytes);
    assert_eq!(again.held(at), 0, "it moved");

    let other = BlobPlace { doc: DocId::Notes(TicketId::from_bytes([1; 16])), ..at };
    assert_eq!(again.resume(other, pieces).unwrap().next(), 0, "another document has to bring it itself");
}

#[test]
fn a_removed_blob_is_gone() {
    let (home, folder) = folder();
    let blob = take(&folder, &noise(PIECE_BYTES * 2));
    folder.remove(blob).unwrap();
    folder.remove(blob).unwrap();
    assert!(matches!(folder.read(blob), Err(BlobFault::Missing)));
    assert_eq!(files(home.path()), Vec::<PathBuf>::new());
}
