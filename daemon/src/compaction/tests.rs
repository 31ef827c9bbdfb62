//! What goes and what stays, and that a store is the same in less room.

use assist_crdt_model::{DocId, ProjectName, Status, TicketId};
use assist_proto::limits::BLOB_BYTES_MAX;
use assist_proto::store::{Audience, ServerStore as _, TicketRow};

use super::*;
use crate::daemon::init_server;
use crate::store::tests::samples;

const DAY_MILLIS: u64 = 24 * 3_600_000;
/// When the rows of the samples were last written to.
const THEN: u64 = 1_700_000_000_000;

struct Server {
    folder: tempfile::TempDir,
}

impl Server {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        init_server(&folder.path().join("home"), &ProjectName::parse("hero").unwrap()).unwrap();
        Self { folder }
    }

    fn home(&self) -> Home {
        Home::open(&self.folder.path().join("home")).unwrap()
    }

    fn store(&self) -> Store {
        backup::open_store(&self.folder.path().join("home")).unwrap()
    }

    fn blobs(&self) -> BlobFolder {
        BlobFolder::open(&self.folder.path().join("home/blobs")).unwrap()
    }

    fn put_blob(&self, bytes: &[u8], docs: &[DocId]) -> BlobHash {
        let folder = self.blobs();
        let mut intake = folder.take_in(BLOB_BYTES_MAX).unwrap();
        intake.write(bytes).unwrap();
        let blob = intake.finish().unwrap().blob();
        folder.uploads_are_named([blob]);
        let store = self.store();
        let mut turn = store.begin_turn().unwrap();
        docs.iter().for_each(|doc| turn.put_blob(BlobPlace { doc: *doc, blob }).unwrap());
        turn.commit().unwrap();
        store.close();
        blob
    }

    fn put_ticket(&self, number: u64, status: Status) -> TicketId {
        let row = TicketRow { status, ..samples::row(number) };
        let store = self.store();
        let mut turn = store.begin_turn().unwrap();
        turn.put_ticket(&row).unwrap();
        turn.commit().unwrap();
        store.close();
        row.ticket
    }

    fn run(&self, days: Option<u64>, later_days: u64) -> Compacted {
        let retention = Retention { delete_attachments_after_millis: days.map(|days| days * DAY_MILLIS) };
        run(&self.home(), retention, UnixMillis(THEN + 1_000 + later_days * DAY_MILLIS)).unwrap()
    }
}

#[test]
fn attachments_of_tickets_that_were_closed_long_ago_go_and_no_others() {
    let server = Server::new();
    let closed = server.put_ticket(1, Status::Closed);
    let open = server.put_ticket(2, Status::Open);
    let (comments, notes) = (DocId::Ticket(closed), DocId::Notes(closed));
    let old = server.put_blob(&[1; 70_000], &[comments]);
    let noted = server.put_blob(&[2; 300], &[notes]);
    let shared = server.put_blob(&[3; 5_000], &[comments, DocId::Ticket(open)]);
    let live = server.put_blob(&[4; 5_000], &[DocId::Ticket(open)]);

    for (days, later_days) in [(None, 10_000), (Some(30), 29)] {
        assert_eq!(server.run(days, later_days).attachments, 0, "{days:?} after {later_days}");
    }
    let done = server.run(Some(30), 30);
    assert_eq!((done.attachments, done.attachment_bytes), (2, 70_300));
    let there = [old, noted, shared, live].map(|blob| server.blobs().size_of(blob).unwrap().is_some());
    assert_eq!(there, [false, false, true, true]);
    let store = server.store();
    let turn = store.begin_turn().unwrap();
    assert!(!turn.has_blob(BlobPlace { doc: comments, blob: shared }).unwrap(), "not through that ticket");
    assert!(turn.has_blob(BlobPlace { doc: DocId::Ticket(open), blob: shared }).unwrap());
}

#[test]
fn store_that_was_emptied_is_written_anew_in_less_room_and_goes_on() {
    let server = Server::new();
    let store = server.store();
    for number in 0..3_000 {
        let mut turn = store.begin_turn().unwrap();
        let row = TicketRow { title: "x".repeat(4_000), ..samples::row(number) };
        turn.put_ticket(&row).unwrap();
        turn.commit().unwrap();
    }
    store.checkpoint().unwrap();
    for number in 0..3_000 {
        let mut turn = store.begin_turn().unwrap();
        turn.put_ticket(&samples::row(number)).unwrap();
        turn.commit().unwrap();
    }
    store.close();
    drop(store);
    let done = server.run(None, 0);
    assert!(done.store.after * 2 < done.store.before, "{done:?}");
    assert_eq!(std::fs::metadata(server.home().store()).unwrap().len(), done.store.after);
    let again = server.run(None, 0);
    assert!(again.store.after <= done.store.after, "{again:?}");

    let store = server.store();
    store.read().unwrap().verify().unwrap();
    assert_eq!(store.read().unwrap().ticket_count(Audience::Team).unwrap(), 3_000);
    let mut turn = store.begin_turn().unwrap();
    turn.put_ticket(&samples::row(3_000)).unwrap();
    turn.commit().unwrap();
    drop(store);
    let store = server.store();
    assert_eq!(store.read().unwrap().ticket_count(Audience::Team).unwrap(), 3_001, "its journal goes on");
}

#[test]
fn folder_without_a_server_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(&folder.path().join("home")).unwrap();
    DeviceKey::load_or_create(&home.device_key()).unwrap();
    let refused = run(&home, Retention::default(), UnixMillis(THEN));
    assert!(matches!(refused, Err(CompactionError::NoServer)), "{refused:?}");
}
