//! Samples of what goes over blobs' streams, and of the transfers that a device remembers.

use assist_crdt_model::BlobHash;

use super::golden::{Golden, golden};
use crate::samples::{doc, project};
use crate::store::{Direction, Transfer, TransferCause};
use crate::wire::blob::{
    BlobCode, BlobPlace, BlobRefused, BlobReply, BlobRequest, FetchBlob, PieceList, SendFrom, StoreBlob,
};
use crate::wire::codec;

fn place() -> BlobPlace {
    BlobPlace { doc: doc(), blob: BlobHash::from_bytes([6; 32]) }
}

pub(super) fn transfer() -> Transfer {
    let (direction, cause) = (Direction::Send, TransferCause::Asked);
    Transfer { direction, place: place(), size_bytes: 300_000, cause, refused: None }
}

pub(super) fn refused_transfer() -> Transfer {
    let (direction, cause) = (Direction::Fetch, TransferCause::Picture);
    Transfer { direction, cause, refused: Some(BlobCode::Absent), ..transfer() }
}

pub(super) fn lost_transfer() -> Transfer {
    Transfer { cause: TransferCause::Lost, ..transfer() }
}

const LIST: [u8; 64] = [7; 64];

fn fetch() -> FetchBlob {
    FetchBlob { project: project(), place: place(), from: 1 }
}

fn store() -> StoreBlob {
    StoreBlob { project: project(), place: place(), size_bytes: 300_000, list: LIST.to_vec() }
}

fn piece_list() -> PieceList {
    PieceList { size_bytes: 300_000, list: LIST.to_vec() }
}

fn over_quota() -> BlobRefused {
    BlobRefused { code: BlobCode::Quota, wait_millis: Some(5_000) }
}

/// The structs, by the names that `docs/wire.md` gives them.
pub(super) fn examples() -> [(&'static str, Vec<u8>); 6] {
    [
        ("blob-place", codec::encode(&place())),
        ("fetch-blob", codec::encode(&fetch())),
        ("store-blob", codec::encode(&store())),
        ("piece-list", codec::encode(&piece_list())),
        ("send-from", codec::encode(&SendFrom { from: 1 })),
        ("blob-refused", codec::encode(&over_quota())),
    ]
}

pub(super) fn goldens() -> Vec<Golden> {
    vec![
        golden("blob-fetch", BlobRequest::Fetch(fetch())),
        golden("blob-store", BlobRequest::Store(store())),
        golden("blob-pieces", BlobReply::Pieces(piece_list())),
        golden("blob-send", BlobReply::Send(SendFrom { from: 1 })),
        golden("blob-stored", BlobReply::Stored),
        golden("blob-refused", BlobReply::Refused(BlobRefused::new(BlobCode::Absent))),
        golden("blob-refused-quota", BlobReply::Refused(over_quota())),
    ]
}

#[test]
fn codes_keep_their_numbers() {
    use BlobCode::{Absent, Busy, Full, Other, Protocol, Quota, TooLarge};
    for (number, code) in (1..).zip([Absent, TooLarge, Quota, Full, Busy, Protocol, Other(7)]) {
        assert_eq!((u16::from(code), BlobCode::from(number)), (number, code));
    }
}
