//! What the gate lets in, and what not.

mod bytes;
mod header;
mod matrix;
mod meaning;
mod mutants;
mod roles;

use automerge::ExpandedChange;

use crate::fixtures::admit;
use crate::{Author, ChangeHash, Doc, NewChange, RejectCode, ScannedChange};

/// Rewrites an honest change: well formed and with a right checksum, but not what its author could have made.
fn forge(honest: &NewChange, twist: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    assist_forge::forge(&honest.bytes, twist)
}

/// Checks that the change is refused with this code, and that the document does not notice.
#[track_caller]
fn check_refused(doc: &mut Doc, bytes: &[u8], author: &Author, code: RejectCode) {
    let before = (doc.heads(), doc.save());
    let rejection = admit(doc, bytes, author).unwrap_err();
    assert_eq!(rejection.code, code, "{rejection}");
    assert_eq!((doc.heads(), doc.save()), before);
}

/// Checks that the scan alone refuses the bytes.
#[track_caller]
fn check_scan_refused(bytes: &[u8], code: RejectCode) {
    let rejection = ScannedChange::scan(bytes).unwrap_err();
    assert_eq!(rejection.code, code, "{rejection}");
}

fn automerge_hash(hash: ChangeHash) -> automerge::ChangeHash {
    automerge::ChangeHash(*hash.as_bytes())
}
