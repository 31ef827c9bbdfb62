//! Pieces add up to the plain hash; nothing else passes for them.

use proptest::prelude::*;

use super::*;

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8 ^ (at / PIECE_BYTES) as u8).collect()
}

fn pieces_of(bytes: &[u8]) -> Pieces {
    let mut maker = PiecesMaker::new();
    maker.update(bytes);
    maker.finish().unwrap()
}

fn piece<'a>(pieces: &Pieces, bytes: &'a [u8], index: u32) -> &'a [u8] {
    let range = pieces.range(index);
    &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
}

#[test]
fn a_blobs_hash_is_the_plain_hash_of_its_bytes() {
    let edge = PIECE_BYTES;
    for size in [0, 1, 1_024, edge - 1, edge, edge + 1, 2 * edge, 3 * edge, 5 * edge + 7, 8 * edge] {
        let bytes = bytes(size);
        let pieces = pieces_of(&bytes);
        assert_eq!(pieces.blob().as_bytes(), blake3::hash(&bytes).as_bytes(), "{size} bytes");
        assert_eq!(Pieces::from_list(pieces.blob(), size as u64, &pieces.list()), Ok(pieces.clone()));
        for index in 0..pieces.count() {
            pieces.check(index, piece(&pieces, &bytes, index)).unwrap();
        }
    }
}

#[test]
fn a_list_that_does_not_add_up_is_refused() {
    let bytes = bytes(3 * PIECE_BYTES + 1);
    let pieces = pieces_of(&bytes);
    let (blob, size) = (pieces.blob(), pieces.size_bytes());
    let mut list = pieces.list();
    list[40] ^= 1;
    assert_eq!(Pieces::from_list(blob, size, &list), Err(BlobError::WrongList));
    assert_eq!(Pieces::from_list(blob, size, &pieces.list()[32..]), Err(BlobError::WrongList));
    assert_eq!(Pieces::from_list(blob, size, &pieces.list()[1..]), Err(BlobError::WrongList));
    assert_eq!(Pieces::from_list(blob, BLOB_BYTES_MAX + 1, &[]), Err(BlobError::TooLarge));
    assert_eq!(Pieces::from_list(blob, PIECE_BYTES as u64, &[0; 32]), Err(BlobError::WrongList));
}

#[test]
fn no_piece_passes_with_other_bytes() {
    let bytes = bytes(2 * PIECE_BYTES + 100);
    let pieces = pieces_of(&bytes);
    let mut wrong = piece(&pieces, &bytes, 1).to_vec();
    wrong[9] ^= 1;
    assert_eq!(pieces.check(1, &wrong), Err(BlobError::WrongPiece { index: 1 }));
    assert!(pieces.check(0, piece(&pieces, &bytes, 1)).is_err(), "in another's place");
    assert!(pieces.check(2, &bytes[..100]).is_err());
    assert!(pieces.check(2, piece(&pieces, &bytes, 1)).is_err(), "too long");
    assert!(pieces.check(3, &[]).is_err(), "there is none");
}

proptest! {
    #[test]
    fn however_the_bytes_come_the_pieces_are_the_same(
        size in 0..3 * PIECE_BYTES,
        cut in 1..PIECE_BYTES,
    ) {
        let bytes = bytes(size);
        let mut maker = PiecesMaker::new();
        bytes.chunks(cut).for_each(|part| maker.update(part));
        prop_assert_eq!(maker.finish().unwrap(), pieces_of(&bytes));
    }

    #[test]
    fn any_list_is_answered(size in 0..4 * BLOB_BYTES_MAX, list in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Pieces::from_list(BlobHash::from_bytes([1; 32]), size, &list).is_err());
    }
}
