//! What a sweep takes, what it leaves, and that nothing that comes meanwhile is lost to it.

use assist_crdt_model::{ChangeHash, CommentId, DocId, ProjectId, TicketId, UnixMillis};
use assist_proto::hub::{WireAttachment, WireEdit};
use assist_proto::limits::BLOB_BYTES_MAX;
use assist_proto::store::{DeviceStore as _, Draft, ServerStore as _};
use assist_proto::wire::blob::BlobPlace;

use super::*;
use crate::driver::read_clock;
use crate::store::{StoreKey, StoreOptions};

const TICKET: DocId = DocId::Ticket(TicketId::from_bytes([1; 16]));

struct Place {
    _home: tempfile::TempDir,
    folder: BlobFolder,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = BlobFolder::open(&home.path().join("blobs")).unwrap();
        let key = StoreKey::from_bytes([5; 32]);
        let store = Store::open(&home.path().join("store"), &key, StoreOptions::default()).unwrap();
        Self { _home: home, folder, store }
    }

    fn upload(&self, bytes: &[u8]) -> BlobHash {
        let mut intake = self.folder.take_in(BLOB_BYTES_MAX).unwrap();
        intake.write(bytes).unwrap();
        intake.finish().unwrap().blob()
    }

    /// As it is once a comment names it, or it was fetched.
    fn kept(&self, bytes: &[u8]) -> BlobHash {
        let blob = self.upload(bytes);
        self.folder.uploads_are_named([blob]);
        blob
    }

    fn has(&self, blob: BlobHash) -> bool {
        self.folder.size_of(blob).unwrap().is_some()
    }

    fn sweep(&self, listing: Listing, keeper: Keeper, age: Duration) -> Swept {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(read_clock().0);
        sweep(&self.folder, listing, &self.store, keeper, now + age).unwrap()
    }

    fn sweep_all(&self, keeper: Keeper) -> Swept {
        self.sweep(list(&self.folder).unwrap(), keeper, Duration::ZERO)
    }
}

#[test]
fn what_nothing_names_goes_with_all_that_was_made_of_it() {
    let place = Place::new();
    let blob = place.kept(&vec![7; 600_000]);
    std::fs::write(place.folder.thumbnail_path(blob), "small").unwrap();
    assert_eq!(place.sweep_all(Keeper::Device), Swept { blobs: 1, partials: 0 });
    assert!(!place.has(blob) && !place.folder.thumbnail_path(blob).exists());
    assert_eq!(place.sweep_all(Keeper::Device), Swept::default());
}

#[test]
fn upload_is_kept_for_a_day_in_which_it_may_be_named() {
    let place = Place::new();
    let blob = place.upload(b"to be named");
    assert_eq!(place.sweep_all(Keeper::Device), Swept::default());
    place.sweep(list(&place.folder).unwrap(), Keeper::Device, UPLOAD_KEPT + Duration::from_secs(60));
    assert!(!place.has(blob));
}

#[test]
fn file_of_a_refused_comment_stays_until_its_draft_goes() {
    let place = Place::new();
    let (named, other) = (place.kept(b"kept in a draft"), place.kept(b"nobody's"));
    let attachment =
        WireAttachment { blob: named, name: "a.txt".into(), size_bytes: 15, media_type: "text/plain".into() };
    let edit = WireEdit::AddComment {
        id: CommentId::from_bytes([1; 16]),
        body: String::new(),
        reply_to: None,
        attachments: vec![attachment],
    };
    let draft = Draft {
        project: ProjectId::from_bytes([3; 32]),
        doc: TICKET,
        change: ChangeHash::from_bytes([4; 32]),
        edits: vec![edit],
        code: 1,
        reason: "no".into(),
        made_at: UnixMillis(1),
        refused_at: None,
    };
    let mut turn = place.store.begin_turn().unwrap();
    let id = turn.put_draft(&draft).unwrap();
    turn.commit().unwrap();
    place.sweep_all(Keeper::Device);
    assert_eq!((place.has(named), place.has(other)), (true, false));
    let mut turn = place.store.begin_turn().unwrap();
    turn.remove_draft(id).unwrap();
    turn.commit().unwrap();
    place.sweep_all(Keeper::Device);
    assert!(!place.has(named));
}

#[test]
fn server_keeps_what_came_through_a_document_and_parts_that_are_young() {
    let place = Place::new();
    let (named, other) = (place.kept(b"came through a ticket"), place.kept(b"was never finished"));
    let mut turn = place.store.begin_turn().unwrap();
    turn.put_blob(BlobPlace { doc: TICKET, blob: named }).unwrap();
    turn.commit().unwrap();
    let partial = BlobPlace { doc: TICKET, blob: BlobHash::from_bytes([8; 32]) };
    std::fs::write(place.folder.partial_path(partial), "half").unwrap();
    assert_eq!(place.sweep_all(Keeper::Server), Swept { blobs: 1, partials: 0 });
    assert_eq!((place.has(named), place.has(other)), (true, false));
    let listing = list(&place.folder).unwrap();
    let swept = place.sweep(listing, Keeper::Server, PARTIAL_KEPT + Duration::from_secs(60));
    assert_eq!(swept, Swept { blobs: 0, partials: 1 });
    assert!(place.has(named));
}

#[test]
fn what_comes_while_a_sweep_runs_is_safe_from_it() {
    let place = Place::new();
    let blob = place.kept(b"nobody's, and somebody's again");
    let listing = list(&place.folder).unwrap();
    // Its mark is looked at only by the next sweep; this one knows that it came.
    assert_eq!(place.kept(b"nobody's, and somebody's again"), blob);
    assert_eq!(place.sweep(listing, Keeper::Device, Duration::ZERO), Swept::default());
    assert!(place.has(blob));
}

#[test]
fn part_that_is_written_to_stays_and_one_that_nobody_goes_on_with_goes() {
    let place = Place::new();
    let bytes = vec![7; 600_000];
    let mut maker = assist_proto::blob::PiecesMaker::new();
    maker.update(&bytes);
    let pieces = maker.finish().unwrap();
    let here = BlobPlace { doc: TICKET, blob: pieces.blob() };
    let partial = place.folder.resume(here, pieces).unwrap();
    assert_eq!(place.sweep_all(Keeper::Device), Swept::default());
    drop(partial);
    assert_eq!(place.sweep_all(Keeper::Device), Swept { blobs: 0, partials: 1 });
}

#[test]
fn hashes_are_found_in_bytes_as_text_and_as_they_are() {
    let blobs: Vec<BlobHash> = (1..=4).map(|n| BlobHash::from_bytes([n; 32])).collect();
    let mut names = Names::of(&blobs.iter().copied().collect());
    names.strike(&[b"ab".as_slice(), blobs[0].to_string().as_bytes(), b"c"].concat());
    names.strike(&[b"x".as_slice(), blobs[1].as_bytes()].concat());
    names.strike(&blobs[2].as_bytes()[..31]);
    names.strike(&blobs[3].to_string().as_bytes()[1..]);
    assert_eq!(names.left().into_iter().collect::<Vec<_>>(), blobs[2..]);
}
