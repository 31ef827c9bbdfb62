//! Every project's documents, outbox and rows, and the drafts.

use assist_crdt_model::{BlobHash, ChangeHash, DocId, ProjectId, Role, Status, UnixMillis};
use assist_proto::certificate::Signed;
use assist_proto::store::{
    ColdStart, Desktop, DeviceStore, Direction, Draft, DraftId, Follow, Kept, KeptFollow, KeptView, Mark,
    Membership, Mentions, OutboxEntry, PendingJoin, PendingRead, Quarantine, ReadMark, Record, Seq,
    SyncState, TicketRow, Transfer, TransferCause,
};
use assist_proto::wire::blob::{BlobCode, BlobPlace};
use assist_proto::wire::{ColdPosition, Member};

use super::{Check, NOW, device, outbox_entry, project, record, ticket, user};

type Store = dyn DeviceStore;

pub(super) const CHECKS: &[Check<Store>] = &[
    ("an empty store has nothing", an_empty_store_has_nothing),
    ("projects are apart", projects_are_apart),
    ("a project that is left leaves nothing", a_project_that_is_left_leaves_nothing),
    ("the outbox keeps its order", the_outbox_keeps_its_order),
    ("a position in the outbox is used once", a_position_in_the_outbox_is_used_once),
    ("an own change is known for good", an_own_change_is_known_for_good),
    ("the outbox is read by document", the_outbox_is_read_by_document),
    ("records keep the order of their arrival", records_keep_the_order_of_their_arrival),
    ("an unverified document waits until it is removed", an_unverified_document_waits_until_it_is_removed),
    ("an own change is written anew at its place", an_own_change_is_written_anew_at_its_place),
    ("a row is written and removed", a_row_is_written_and_removed),
    ("snoozed rows are listed by when they wake", snoozed_rows_are_listed_by_when_they_wake),
    ("the place of an own record outlives the row", the_place_of_an_own_record_outlives_the_row),
    ("what is written again is replaced", what_is_written_again_is_replaced),
    ("a pending join is kept until it is removed", a_pending_join_is_kept_until_it_is_removed),
    ("a transfer is kept until it is removed", a_transfer_is_kept_until_it_is_removed),
    ("a document is dropped whole", a_document_is_dropped_whole),
    ("what was put aside goes oldest first", what_was_put_aside_goes_oldest_first),
    ("what is unread is counted", what_is_unread_is_counted),
    ("where the user is newly mentioned is counted", where_the_user_is_newly_mentioned_is_counted),
    ("an own read waits until it is removed", an_own_read_waits_until_it_is_removed),
    ("a read mark goes with its ticket", a_read_mark_goes_with_its_ticket),
    ("what is kept has one value under each key", what_is_kept_has_one_value_under_each_key),
    ("a draft's id is used once", a_drafts_id_is_used_once),
];

const DOC: DocId = DocId::Project;

fn doc(number: u8) -> DocId {
    DocId::Ticket(ticket(number))
}

fn signed(byte: u8) -> Signed {
    Signed { payload: vec![byte; 3], signature: [byte; 64] }
}

fn membership(project: ProjectId) -> Membership {
    Membership {
        project,
        name: "mycelium".to_owned(),
        address: "5ab::1".to_owned(),
        node: device(),
        node_serial: 1,
        user: user(1),
        role: Role::Agent,
        device_name: "laptop".to_owned(),
        serial: 1,
        certificate: signed(1),
        incarnation: 1,
        is_paused: false,
        joined_at: NOW,
        reads_are_private: false,
        desktop: Desktop::default(),
    }
}

fn sync_state(cursor: u64) -> SyncState {
    let position = ColdPosition { at: Seq(9), before: Seq(4) };
    SyncState {
        lacking: vec![DocId::Project],
        log: Some([1; 16]),
        cursor: Seq(cursor),
        mark_cursor: 2,
        cold: Some(ColdStart { position, tickets: 5 }),
        synced_at_millis: Some(NOW.0),
        blob_bytes_max: Some(7),
        kept_version: 8,
        is_doubted: false,
        has_former: false,
        has_unoffered: false,
        names_token: None,
    }
}

fn row(number: u8, title: &str) -> TicketRow {
    TicketRow {
        ticket: ticket(number),
        number: None,
        requester: user(1),
        title: title.to_owned(),
        status: Status::Open,
        assignee: None,
        priority: None,
        snoozed_until_millis: None,
        merged_into: None,
        labels: Vec::new(),
        created_at: NOW,
        updated_at: NOW,
        comment_count: 0,
        has_conflict: false,
        last_seq: Seq::ZERO,
    }
}

fn member(name: &str) -> Member {
    Member { user: user(1), name: name.to_owned(), role: Role::Agent, email: None }
}

fn draft(project: ProjectId, reason: &str) -> Draft {
    Draft {
        project,
        doc: DOC,
        change: ChangeHash::from_bytes([1; 32]),
        edits: Vec::new(),
        code: 21,
        reason: reason.to_owned(),
        made_at: NOW,
        refused_at: None,
    }
}

fn transfer(number: u8, direction: Direction) -> Transfer {
    let place = BlobPlace { doc: doc(1), blob: BlobHash::from_bytes([number; 32]) };
    Transfer { direction, place, size_bytes: 7, cause: TransferCause::Other, refused: None }
}

fn a_transfer_is_kept_until_it_is_removed(store: &mut Store) {
    let here = project(1);
    let (send, fetch) = (transfer(1, Direction::Send), transfer(1, Direction::Fetch));
    for transfer in [&send, &fetch, &transfer(2, Direction::Fetch)] {
        store.put_transfer(&here, transfer).unwrap();
    }
    let refused = Transfer { refused: Some(BlobCode::Absent), ..send.clone() };
    store.put_transfer(&here, &refused).unwrap();
    store.remove_transfer(&here, Direction::Fetch, fetch.place).unwrap();
    let left = store.transfers(&here).unwrap();
    assert_eq!(left.len(), 2);
    assert!(left.contains(&refused) && left.contains(&transfer(2, Direction::Fetch)), "{left:?}");
    assert_eq!(store.transfers(&project(2)).unwrap(), []);
}

/// Writes one of everything.
fn fill(store: &mut Store, project: ProjectId) {
    store.put_membership(&membership(project)).unwrap();
    store.put_sync_state(&project, &sync_state(1)).unwrap();
    store.push_outbox(&project, &outbox_entry(DOC, "own")).unwrap();
    store.append_record(&project, &record(1, DOC, "foreign")).unwrap();
    store.put_quarantined(&project, &record(2, DOC, "bad"), 21, "not allowed", NOW).unwrap();
    store.put_unverified(&project, doc(1), b"records").unwrap();
    store.put_transfer(&project, &transfer(1, Direction::Send)).unwrap();
    store.put_row(&project, &row(1, "a ticket")).unwrap();
    store.put_own_seq(&project, ticket(1), Seq(1)).unwrap();
    store.put_certificate(&project, &device(), 1, &signed(1)).unwrap();
    store.put_node(&project, &device(), &signed(2)).unwrap();
    store.put_device_name(&project, &device(), "desk").unwrap();
    store.put_member(&project, &member("Ada")).unwrap();
    store.put_mark(&project, &Mark::new(ticket(1))).unwrap();
    store.put_draft(&draft(project, "refused")).unwrap();
}

fn assert_empty(store: &mut Store, project: ProjectId) {
    assert!(store.memberships().unwrap().iter().all(|membership| membership.project != project));
    assert_eq!(store.sync_state(&project).unwrap(), SyncState::default());
    assert_eq!(store.outbox(&project, 0, 10).unwrap(), []);
    assert_eq!(store.outbox_of_doc(&project, DOC).unwrap(), []);
    assert_eq!(store.outbox_count(&project).unwrap(), 0);
    assert_eq!(store.own_change(&project, &outbox_entry(DOC, "own").change).unwrap(), None);
    assert_eq!(store.doc_records(&project, DOC).unwrap(), []);
    assert_eq!(store.unverified(&project, doc(1)).unwrap(), None);
    assert_eq!(store.next_unverified(&project, 10).unwrap(), []);
    assert_eq!(store.row(&project, ticket(1)).unwrap(), None);
    assert_eq!(store.certificate(&project, &device(), 1).unwrap(), None);
    assert_eq!(store.nodes(&project).unwrap(), []);
    assert_eq!(store.device_name(&project, &device()).unwrap(), None);
    assert_eq!(store.member(&project, user(1)).unwrap(), None);
    assert_eq!(store.members(&project).unwrap(), []);
    assert_eq!(store.mark(&project, ticket(1)).unwrap(), None);
    assert_eq!(store.transfers(&project).unwrap(), []);
    assert!(store.drafts().unwrap().iter().all(|(_, draft)| draft.project != project));
}

fn assert_filled(store: &mut Store, project: ProjectId) {
    assert!(store.memberships().unwrap().contains(&membership(project)));
    assert_eq!(store.sync_state(&project).unwrap(), sync_state(1));
    let own = outbox_entry(DOC, "own");
    let outbox = store.outbox(&project, 0, 10).unwrap();
    assert_eq!(outbox.iter().map(|(_, entry)| entry).collect::<Vec<_>>(), [&own]);
    assert_eq!(store.outbox_of_doc(&project, DOC).unwrap(), outbox);
    assert_eq!(store.outbox_count(&project).unwrap(), 1);
    assert_eq!(store.own_change(&project, &own.change).unwrap(), Some(DOC));
    assert_eq!(store.doc_records(&project, DOC).unwrap(), [record(1, DOC, "foreign")]);
    assert_eq!(store.unverified(&project, doc(1)).unwrap().as_deref(), Some(b"records".as_slice()));
    assert_eq!(store.next_unverified(&project, 10).unwrap(), [doc(1)]);
    assert_eq!(store.row(&project, ticket(1)).unwrap(), Some(row(1, "a ticket")));
    assert_eq!(store.certificate(&project, &device(), 1).unwrap(), Some(signed(1)));
    assert_eq!(store.nodes(&project).unwrap(), [signed(2)]);
    assert_eq!(store.device_name(&project, &device()).unwrap().as_deref(), Some("desk"));
    assert_eq!(store.member(&project, user(1)).unwrap(), Some(member("Ada")));
    assert_eq!(store.members(&project).unwrap(), [member("Ada")]);
    assert_eq!(store.mark(&project, ticket(1)).unwrap(), Some(Mark::new(ticket(1))));
    assert!(store.drafts().unwrap().iter().any(|(_, kept)| *kept == draft(project, "refused")));
}

fn an_empty_store_has_nothing(store: &mut Store) {
    assert_eq!(store.memberships().unwrap(), []);
    assert_eq!(store.drafts().unwrap(), []);
    assert_empty(store, project(1));
}

fn projects_are_apart(store: &mut Store) {
    fill(store, project(2));
    assert_filled(store, project(2));
    assert_empty(store, project(1));
    assert_empty(store, project(3));
}

fn a_project_that_is_left_leaves_nothing(store: &mut Store) {
    for number in 1..=3 {
        fill(store, project(number));
    }
    store.remove_project(&project(2)).unwrap();
    store.remove_project(&project(9)).unwrap();
    assert_empty(store, project(2));
    assert_filled(store, project(1));
    assert_filled(store, project(3));
    fill(store, project(2));
    assert_filled(store, project(2));
}

fn the_outbox_keeps_its_order(store: &mut Store) {
    let id = project(1);
    let entries = ["b", "a", "c"].map(|text| outbox_entry(doc(1), text));
    let positions = entries.each_ref().map(|entry| store.push_outbox(&id, entry).unwrap());
    assert!(positions.is_sorted_by(|before, after| before < after), "{positions:?}");
    let all: Vec<_> = positions.into_iter().zip(entries).collect();
    assert_eq!(store.outbox(&id, 0, 10).unwrap(), all);
    assert_eq!(store.outbox(&id, 0, 2).unwrap(), all[..2]);
    assert_eq!(store.outbox(&id, positions[1], 10).unwrap(), all[1..]);
    assert_eq!(store.outbox(&id, positions[1] + 1, 10).unwrap(), all[2..]);
    assert_eq!(store.outbox(&id, u64::MAX, 10).unwrap(), []);
    assert_eq!(store.outbox_count(&id).unwrap(), 3);
}

fn a_position_in_the_outbox_is_used_once(store: &mut Store) {
    let id = project(1);
    let first = store.push_outbox(&id, &outbox_entry(doc(1), "a")).unwrap();
    store.remove_outbox(&id, first).unwrap();
    store.remove_outbox(&id, first).unwrap();
    assert_eq!(store.outbox(&id, 0, 10).unwrap(), []);
    assert_eq!(store.outbox_count(&id).unwrap(), 0);
    let second = store.push_outbox(&id, &outbox_entry(doc(1), "b")).unwrap();
    assert!(second > first, "{first} was used again");
    assert_eq!(store.outbox_count(&id).unwrap(), 1);
}

fn an_own_change_is_known_for_good(store: &mut Store) {
    let id = project(1);
    let entry = outbox_entry(doc(1), "a");
    let position = store.push_outbox(&id, &entry).unwrap();
    store.remove_outbox(&id, position).unwrap();
    assert_eq!(store.own_change(&id, &entry.change).unwrap(), Some(doc(1)));
    assert_eq!(store.own_change(&project(2), &entry.change).unwrap(), None);
}

fn the_outbox_is_read_by_document(store: &mut Store) {
    let id = project(1);
    let one = outbox_entry(doc(1), "a");
    let two = outbox_entry(doc(2), "b");
    let three = outbox_entry(doc(1), "c");
    let at = [&one, &two, &three].map(|entry| store.push_outbox(&id, entry).unwrap());
    assert_eq!(store.outbox_of_doc(&id, doc(1)).unwrap(), [(at[0], one), (at[2], three.clone())]);
    store.remove_outbox(&id, at[0]).unwrap();
    assert_eq!(store.outbox_of_doc(&id, doc(1)).unwrap(), [(at[2], three)]);
    assert_eq!(store.outbox_of_doc(&id, doc(2)).unwrap(), [(at[1], two)]);
    assert_eq!(store.outbox_of_doc(&id, doc(3)).unwrap(), []);
}

fn an_own_change_is_written_anew_at_its_place(store: &mut Store) {
    let id = project(1);
    let entries = [outbox_entry(doc(1), "a"), outbox_entry(doc(1), "b")];
    let at = entries.each_ref().map(|entry| store.push_outbox(&id, entry).unwrap());
    let held = OutboxEntry { held_until: Some(UnixMillis(9)), ..entries[0].clone() };
    store.put_outbox(&id, at[0], &held).unwrap();
    let [_, second] = entries;
    let wanted = [(at[0], held), (at[1], second)];
    assert_eq!(store.outbox(&id, 0, 9).unwrap(), wanted);
    assert_eq!(store.outbox_of_doc(&id, doc(1)).unwrap(), wanted);
    assert_eq!(store.outbox_count(&id).unwrap(), 2);
}

fn records_keep_the_order_of_their_arrival(store: &mut Store) {
    let id = project(1);
    // An own change may be acknowledged after later ones of others were read.
    let records = [record(5, doc(1), "a"), record(3, doc(1), "b"), record(9, doc(1), "c")];
    store.append_record(&id, &records[0]).unwrap();
    store.append_record(&id, &record(4, doc(2), "d")).unwrap();
    store.append_record(&id, &records[1]).unwrap();
    store.append_record(&id, &records[2]).unwrap();
    assert_eq!(store.doc_records(&id, doc(1)).unwrap(), records);
    assert_eq!(store.doc_records(&id, doc(2)).unwrap(), [record(4, doc(2), "d")]);
}

fn an_unverified_document_waits_until_it_is_removed(store: &mut Store) {
    let id = project(1);
    for number in 1..=3 {
        store.put_unverified(&id, doc(number), &[number]).unwrap();
    }
    store.put_unverified(&id, doc(2), b"again").unwrap();
    assert_eq!(store.unverified(&id, doc(2)).unwrap().as_deref(), Some(b"again".as_slice()));
    assert_eq!(store.next_unverified(&id, 2).unwrap().len(), 2);
    store.remove_unverified(&id, doc(1)).unwrap();
    store.remove_unverified(&id, doc(1)).unwrap();
    assert_eq!(store.unverified(&id, doc(1)).unwrap(), None);
    let mut left = store.next_unverified(&id, 10).unwrap();
    left.sort();
    assert_eq!(left, [doc(2), doc(3)]);
}

fn a_row_is_written_and_removed(store: &mut Store) {
    let id = project(1);
    store.put_row(&id, &row(1, "before")).unwrap();
    store.put_row(&id, &row(1, "after")).unwrap();
    assert_eq!(store.row(&id, ticket(1)).unwrap(), Some(row(1, "after")));
    store.remove_row(&id, ticket(1)).unwrap();
    store.remove_row(&id, ticket(1)).unwrap();
    assert_eq!(store.row(&id, ticket(1)).unwrap(), None);
}

fn snoozed_rows_are_listed_by_when_they_wake(store: &mut Store) {
    let id = project(1);
    let until =
        |number: u8, until: Option<u64>| TicketRow { snoozed_until_millis: until, ..row(number, "a ticket") };
    for (number, at) in [(1, Some(30)), (2, None), (3, Some(10)), (4, Some(20)), (5, Some(10))] {
        store.put_row(&id, &until(number, at)).unwrap();
    }
    let first = (UnixMillis(10), ticket(3));
    assert_eq!(store.snoozed(&id, 1).unwrap(), [first]);
    store.put_row(&id, &until(5, None)).unwrap();
    store.put_row(&id, &until(4, Some(5))).unwrap();
    store.remove_row(&id, ticket(1)).unwrap();
    assert_eq!(store.snoozed(&id, 9).unwrap(), [(UnixMillis(5), ticket(4)), first]);
    assert_eq!(store.snoozed(&project(2), 9).unwrap(), []);
    store.remove_project(&id).unwrap();
    assert_eq!(store.snoozed(&id, 9).unwrap(), []);
}

fn the_place_of_an_own_record_outlives_the_row(store: &mut Store) {
    let id = project(1);
    let own = |store: &Store, number| store.own_seq(&id, ticket(number)).unwrap();
    assert_eq!(own(store, 1), None);
    store.put_own_seq(&id, ticket(1), Seq(3)).unwrap();
    assert_eq!((own(store, 1), own(store, 2)), (Some(Seq(3)), None));
    store.put_row(&id, &row(1, "a ticket")).unwrap();
    store.put_mark(&id, &Mark::new(ticket(1))).unwrap();
    store.put_own_seq(&id, ticket(1), Seq(7)).unwrap();
    assert_eq!(store.row(&id, ticket(1)).unwrap(), Some(row(1, "a ticket")));
    assert_eq!(store.mark(&id, ticket(1)).unwrap(), Some(Mark::new(ticket(1))));
    store.remove_row(&id, ticket(1)).unwrap();
    assert_eq!(own(store, 1), Some(Seq(7)));
    store.remove_project(&id).unwrap();
    assert_eq!(own(store, 1), None);
}

fn what_is_written_again_is_replaced(store: &mut Store) {
    let id = project(1);
    fill(store, id);
    let paused = Membership { is_paused: true, ..membership(id) };
    store.put_membership(&paused).unwrap();
    assert_eq!(store.memberships().unwrap(), [paused]);
    store.put_sync_state(&id, &SyncState { cold: None, ..sync_state(8) }).unwrap();
    assert_eq!(store.sync_state(&id).unwrap(), SyncState { cold: None, ..sync_state(8) });
    store.put_member(&id, &member("Grace")).unwrap();
    assert_eq!(store.members(&id).unwrap(), [member("Grace")]);
    store.put_node(&id, &device(), &signed(3)).unwrap();
    assert_eq!(store.nodes(&id).unwrap(), [signed(3)]);
    store.put_device_name(&id, &device(), "shelf").unwrap();
    assert_eq!(store.device_name(&id, &device()).unwrap().as_deref(), Some("shelf"));
    store.put_certificate(&id, &device(), 2, &signed(2)).unwrap();
    let certificates = [1, 2, 3].map(|serial| store.certificate(&id, &device(), serial).unwrap());
    assert_eq!(certificates, [Some(signed(1)), Some(signed(2)), None]);
    let mark = Mark { team: Seq(7), ..Mark::new(ticket(1)) };
    store.put_mark(&id, &mark).unwrap();
    assert_eq!(store.mark(&id, ticket(1)).unwrap(), Some(mark));
}

fn what_is_kept_has_one_value_under_each_key(store: &mut Store) {
    let id = project(1);
    let follow = |number, follow| Kept::Follow(KeptFollow { ticket: ticket(number), follow: Some(follow) });
    let view = |query: Option<&str>| {
        Kept::View(KeptView { name: "crashes".to_owned(), query: query.map(str::to_owned) })
    };
    assert_eq!(store.kept(&id).unwrap(), []);
    for kept in [follow(1, Follow::Following), view(Some("is:open")), follow(1, Follow::Muted)] {
        store.put_kept(&id, &kept).unwrap();
    }
    // Of what is to be told, a removal is something.
    store.put_pending_kept(&id, &view(None)).unwrap();
    assert_eq!(store.kept(&id).unwrap(), [follow(1, Follow::Muted), view(Some("is:open"))]);
    assert_eq!(store.pending_kept(&id).unwrap(), [view(None)]);
    store.remove_pending_kept(&id, &view(None).key()).unwrap();
    store.remove_kept(&id, &follow(1, Follow::Muted).key()).unwrap();
    assert_eq!(store.pending_kept(&id).unwrap(), []);
    assert_eq!(store.kept(&id).unwrap(), [view(Some("is:open"))]);
    assert_eq!(store.kept(&project(2)).unwrap(), []);
    store.remove_project(&id).unwrap();
    assert_eq!(store.kept(&id).unwrap(), []);
}

fn a_pending_join_is_kept_until_it_is_removed(store: &mut Store) {
    let of = |number| PendingJoin {
        project: project(number),
        name: "mycelium".to_owned(),
        address: "5ab::1".to_owned(),
        email: "alice@example.org".to_owned(),
        device_name: "laptop".to_owned(),
        check: "7k1m".to_owned(),
        asked_at: NOW,
        is_waiting: false,
    };
    assert_eq!(store.pending_joins().unwrap(), []);
    store.put_pending_join(&of(2)).unwrap();
    store.put_pending_join(&of(1)).unwrap();
    let waiting = PendingJoin { is_waiting: true, ..of(2) };
    store.put_pending_join(&waiting).unwrap();
    assert_eq!(store.pending_joins().unwrap(), [of(1), waiting]);
    // It is no membership yet, and not forgotten with one.
    store.remove_project(&project(2)).unwrap();
    store.remove_pending_join(&project(1)).unwrap();
    store.remove_pending_join(&project(1)).unwrap();
    assert_eq!(store.pending_joins().unwrap().len(), 1);
}

fn a_document_is_dropped_whole(store: &mut Store) {
    let project = project(1);
    for number in [1, 2] {
        store.append_record(&project, &record(number, doc(1), &format!("change {number}"))).unwrap();
    }
    store.append_record(&project, &record(3, doc(2), "another's")).unwrap();
    for number in [1, 2] {
        store.put_unverified(&project, doc(number), b"as it came").unwrap();
        store.put_row(&project, &row(number, "a ticket")).unwrap();
        let mark = Mark { team: Seq(1), ..Mark::new(ticket(number)) };
        store.put_mark(&project, &mark).unwrap();
        let bad = record(number.into(), doc(number), "bad");
        store.put_quarantined(&project, &bad, 21, "not allowed", NOW).unwrap();
    }
    store.push_outbox(&project, &outbox_entry(doc(3), "unsent")).unwrap();
    store.put_unverified(&project, DocId::Notes(ticket(1)), b"notes").unwrap();
    let notes = DocId::Notes(ticket(1));
    assert_eq!(store.docs(&project).unwrap(), [doc(1), doc(2), doc(3), notes].into());

    store.remove_doc(&project, doc(1)).unwrap();
    store.remove_doc(&project, doc(1)).unwrap();
    assert_eq!(store.docs(&project).unwrap(), [doc(2), doc(3), notes].into());
    assert_eq!(store.doc_records(&project, doc(1)).unwrap(), []);
    assert_eq!(store.unverified(&project, doc(1)).unwrap(), None);
    assert_eq!(store.row(&project, ticket(1)).unwrap(), None);
    assert_eq!(store.mark(&project, ticket(1)).unwrap(), None);
    assert_eq!(store.quarantine(&project).unwrap().count, 1);
    assert_eq!(store.doc_records(&project, doc(2)).unwrap().len(), 1);
    assert!(store.row(&project, ticket(2)).unwrap().is_some());

    // It may come again.
    store.append_record(&project, &record(1, doc(1), "change 1")).unwrap();
    assert_eq!(store.doc_records(&project, doc(1)).unwrap().len(), 1);
}

fn what_was_put_aside_goes_oldest_first(store: &mut Store) {
    let project = project(1);
    let at = |minutes: u64| UnixMillis(NOW.0 + minutes * 60_000);
    let bad: Vec<Record> = (1..=4).map(|seq| record(seq, doc(1), &format!("bad {seq}"))).collect();
    for (minutes, record) in (1..).zip(&bad) {
        store.put_quarantined(&project, record, 21, "not allowed", at(minutes)).unwrap();
        store.put_quarantined(&project, record, 21, "not allowed", at(99)).unwrap();
    }
    let size = |records: &[Record]| Quarantine {
        count: records.len() as u64,
        size_bytes: records.iter().map(|record| record.envelope.change.len() as u64).sum(),
    };
    assert_eq!(store.quarantine(&project).unwrap(), size(&bad));
    let all = Quarantine { count: 10, size_bytes: 1 << 20 };
    store.trim_quarantine(&project, all, at(1)).unwrap();
    assert_eq!(store.quarantine(&project).unwrap(), size(&bad));
    store.trim_quarantine(&project, all, at(2)).unwrap();
    assert_eq!(store.quarantine(&project).unwrap(), size(&bad[1..]));
    store.trim_quarantine(&project, Quarantine { count: 2, ..all }, at(0)).unwrap();
    assert_eq!(store.quarantine(&project).unwrap(), size(&bad[2..]));
    let one = size(&bad[3..]);
    store.trim_quarantine(&project, Quarantine { count: 10, ..one }, at(0)).unwrap();
    assert_eq!(store.quarantine(&project).unwrap(), one);
    store.trim_quarantine(&project, Quarantine::default(), at(0)).unwrap();
    assert_eq!(store.quarantine(&project).unwrap(), Quarantine::default());
}

fn a_drafts_id_is_used_once(store: &mut Store) {
    let drafts = ["first", "second"].map(|reason| draft(project(1), reason));
    let ids = drafts.each_ref().map(|draft| store.put_draft(draft).unwrap());
    assert_eq!(store.draft(ids[0]).unwrap(), Some(drafts[0].clone()));
    assert_eq!(store.drafts().unwrap(), Vec::from_iter(ids.into_iter().zip(drafts)));
    store.remove_draft(ids[1]).unwrap();
    store.remove_draft(ids[1]).unwrap();
    assert_eq!(store.draft(ids[1]).unwrap(), None);
    let third = store.put_draft(&draft(project(1), "third")).unwrap();
    assert!(third > ids[1], "{third:?} was used again");
    assert_eq!(store.draft(DraftId(u64::MAX)).unwrap(), None);
}

fn read_mark(number: u8, by: u8, through: u64) -> ReadMark {
    let (is_team, private_through) = (by == 2, (by == 3).then_some(Seq(through + 1)));
    ReadMark {
        ticket: ticket(number),
        user: user(by),
        through: Seq(through),
        at: NOW,
        is_team,
        private_through,
    }
}

fn what_is_unread_is_counted(store: &mut Store) {
    let (id, other) = (project(1), project(2));
    let count = |store: &Store| [id, other].map(|id| store.unread_count(&id).unwrap());
    assert_eq!(count(store), [0, 0]);
    store.put_others_seq(&id, ticket(1), Seq(5)).unwrap();
    assert_eq!(count(store), [0, 0], "without a row there is nothing to show");
    store.put_row(&id, &row(1, "t")).unwrap();
    store.put_row(&id, &row(2, "t")).unwrap();
    assert_eq!(count(store), [1, 0]);
    store.put_others_seq(&id, ticket(2), Seq(6)).unwrap();
    store.put_row(&id, &row(2, "t")).unwrap();
    assert_eq!(count(store), [2, 0]);
    store.put_own_read(&id, ticket(1), Seq(4)).unwrap();
    assert_eq!(count(store), [2, 0], "not read to the end");
    store.put_own_read(&id, ticket(1), Seq(5)).unwrap();
    assert_eq!((count(store), store.own_read(&id, ticket(1)).unwrap()), ([1, 0], Some(Seq(5))));
    store.put_own_seq(&id, ticket(1), Seq(7)).unwrap();
    assert_eq!(count(store), [1, 0], "what one wrote oneself is not unread");
    store.put_others_seq(&id, ticket(1), Seq(8)).unwrap();
    assert_eq!((count(store), store.others_seq(&id, ticket(1)).unwrap()), ([2, 0], Some(Seq(8))));
    store.remove_row(&id, ticket(1)).unwrap();
    assert_eq!(count(store), [1, 0]);
    store.put_row(&id, &row(1, "t")).unwrap();
    store.remove_doc(&id, doc(1)).unwrap();
    store.remove_doc(&id, doc(2)).unwrap();
    assert_eq!(count(store), [0, 0]);
    assert_eq!(store.own_read(&id, ticket(1)).unwrap(), None);
}

fn where_the_user_is_newly_mentioned_is_counted(store: &mut Store) {
    let (id, other) = (project(1), project(2));
    let count = |store: &Store| [id, other].map(|id| store.mentioned_count(&id).unwrap());
    let none = Mentions::default();
    assert_eq!((store.mentions(&id, ticket(1)).unwrap(), count(store)), (none, [0, 0]));
    let mentions = Mentions { in_comments: Seq(5), ..none };
    store.put_mentions(&id, ticket(1), &mentions).unwrap();
    assert_eq!(count(store), [0, 0], "without a row there is nothing to show");
    store.put_row(&id, &row(1, "t")).unwrap();
    store.put_row(&id, &row(2, "t")).unwrap();
    assert_eq!((store.mentions(&id, ticket(1)).unwrap(), count(store)), (mentions, [1, 0]));
    store.put_own_read(&id, ticket(1), Seq(4)).unwrap();
    assert_eq!(count(store), [1, 0], "not read so far");
    store.put_own_read(&id, ticket(1), Seq(5)).unwrap();
    assert_eq!(count(store), [0, 0]);
    let noted = Mentions { in_notes: Seq(7), notes_read: Seq(3), ..mentions };
    store.put_mentions(&id, ticket(1), &noted).unwrap();
    store.put_mentions(&id, ticket(2), &Mentions { in_notes: Seq(7), notes_read: Seq(7), ..none }).unwrap();
    assert_eq!((store.mentions(&id, ticket(1)).unwrap(), count(store)), (noted, [1, 0]), "a note");
    store.put_own_read(&id, ticket(1), Seq(8)).unwrap();
    assert_eq!(count(store), [0, 0], "who read a later comment had the note");
    store.put_mentions(&id, ticket(1), &Mentions { in_comments: Seq(9), ..none }).unwrap();
    store.remove_row(&id, ticket(1)).unwrap();
    assert_eq!(count(store), [0, 0]);
    store.put_row(&id, &row(1, "t")).unwrap();
    assert_eq!(count(store), [1, 0], "it outlives the row");
    store.remove_doc(&id, doc(1)).unwrap();
    assert_eq!((store.mentions(&id, ticket(1)).unwrap(), count(store)), (none, [0, 0]));
}

fn an_own_read_waits_until_it_is_removed(store: &mut Store) {
    let (id, other) = (project(1), project(2));
    let read = |number, through| PendingRead {
        ticket: ticket(number),
        through: Seq(through),
        at: NOW,
        is_private: number == 2,
    };
    for pending in [read(2, 4), read(1, 3), read(1, 5)] {
        store.put_pending_read(&id, &pending).unwrap();
    }
    assert_eq!(store.pending_reads(&id, 9).unwrap(), [read(1, 5), read(2, 4)]);
    assert_eq!(store.pending_reads(&id, 1).unwrap(), [read(1, 5)]);
    assert_eq!(store.pending_read(&id, ticket(2)).unwrap(), Some(read(2, 4)));
    assert_eq!(store.pending_reads(&other, 9).unwrap(), []);
    store.remove_pending_read(&id, ticket(1)).unwrap();
    store.remove_pending_read(&other, ticket(2)).unwrap();
    assert_eq!(store.pending_reads(&id, 9).unwrap(), [read(2, 4)]);
    store.remove_doc(&id, doc(2)).unwrap();
    assert_eq!(store.pending_read(&id, ticket(2)).unwrap(), None);
}

fn a_read_mark_goes_with_its_ticket(store: &mut Store) {
    let id = project(1);
    for mark in [read_mark(1, 3, 1), read_mark(1, 2, 4), read_mark(2, 2, 9), read_mark(1, 3, 5)] {
        store.put_read_mark(&id, &mark).unwrap();
    }
    assert_eq!(store.read_marks(&id, ticket(1)).unwrap(), [read_mark(1, 2, 4), read_mark(1, 3, 5)]);
    assert_eq!(store.read_mark(&id, ticket(1), user(3)).unwrap(), Some(read_mark(1, 3, 5)));
    assert_eq!(store.read_marks(&project(2), ticket(1)).unwrap(), []);
    store.remove_doc(&id, doc(1)).unwrap();
    assert_eq!(store.read_marks(&id, ticket(1)).unwrap(), []);
    assert_eq!(store.read_marks(&id, ticket(2)).unwrap(), [read_mark(2, 2, 9)]);
    store
        .put_pending_read(
            &id,
            &PendingRead { ticket: ticket(2), through: Seq(1), at: NOW, is_private: false },
        )
        .unwrap();
    store.remove_project(&id).unwrap();
    assert_eq!(store.read_marks(&id, ticket(2)).unwrap(), []);
    assert_eq!(store.pending_reads(&id, 9).unwrap(), []);
}
