//! The log, the roster and the deliveries.

use assist_crdt_model::{
    BlobHash, ChangeHash, DeviceId, DocId, Role, ScannedChange, Status, UnixMillis, UserId,
};
use assist_proto::certificate::Signed;
use assist_proto::store::{
    Audience, Away, Device, EntryKind, Follow, Invite, Kept, KeptFollow, KeptView, LogEntry, MailedCode,
    Mark, ReadMark, Record, Seq, ServerProject, ServerStore, Share, ShareWith, StoredVerdict, TicketRow,
    User, Visibility, WaitingDevice, Watermarks,
};
use assist_proto::wire::blob::BlobPlace;

use super::{Check, NOW, device, project, record, ticket, user};

type Store = dyn ServerStore;

pub(super) const CHECKS: &[Check<Store>] = &[
    ("an empty store has nothing", an_empty_store_has_nothing),
    ("the project is kept", the_project_is_kept),
    ("a record takes the next place", a_record_takes_the_next_place),
    ("a record out of place is refused", a_record_out_of_place_is_refused),
    ("a reader sees its part of the log", a_reader_sees_its_part_of_the_log),
    ("the log is read in pieces", the_log_is_read_in_pieces),
    ("a place leads to its record", a_place_leads_to_its_record),
    ("a verdict is remembered", a_verdict_is_remembered),
    ("the oldest refusals are forgotten", the_oldest_refusals_are_forgotten),
    ("the admission log grows at its end alone", the_admission_log_grows_at_its_end_alone),
    ("an entry of the admission log out of place is refused", an_admission_out_of_place_is_refused),
    ("tickets are listed by activity", tickets_are_listed_by_activity),
    ("a customer lists their own tickets", a_customer_lists_their_own_tickets),
    ("a member who goes loses the ticket", a_member_who_goes_loses_the_ticket),
    ("visibility has a place of its own", visibility_has_a_place_of_its_own),
    ("a share is with one person", a_share_is_with_one_person),
    ("a blob comes through each document by itself", a_blob_comes_through_each_document_by_itself),
    ("ticket numbers rise by one", ticket_numbers_rise_by_one),
    ("an email has one owner", an_email_has_one_owner),
    ("a taken email is refused", a_taken_email_is_refused),
    ("old certificates are kept", old_certificates_are_kept),
    ("an invitation is used up", an_invitation_is_used_up),
    ("a device has one mailed code", a_device_has_one_mailed_code),
    ("devices wait until they are let in", devices_wait_until_they_are_let_in),
    ("each audience has its watermark", each_audience_has_its_watermark),
    ("a mark moves behind all others", a_mark_moves_behind_all_others),
    ("a reader sees the marks of its tickets", a_reader_sees_the_marks_of_its_tickets),
    ("read marks share the order of the others", read_marks_share_the_order_of_the_others),
    ("each user has what is kept for them", each_user_has_what_is_kept_for_them),
    ("members who are away are remembered", members_who_are_away_are_remembered),
    ("read marks come and go with membership", read_marks_come_and_go_with_membership),
];

const ALICE: UserId = UserId::from_bytes([0xa1; 16]);
const BOB: UserId = UserId::from_bytes([0xb0; 16]);
const OF_ALICE: Audience = Audience::Customer(ALICE);
const OF_BOB: Audience = Audience::Customer(BOB);

fn doc(number: u8) -> DocId {
    DocId::Ticket(ticket(number))
}

fn signed(byte: u8) -> Signed {
    Signed { payload: vec![byte; 3], signature: [byte; 64] }
}

fn row(number: u8, last_seq: u64) -> TicketRow {
    TicketRow {
        ticket: ticket(number),
        number: Some(number.into()),
        requester: ALICE,
        title: format!("ticket {number}"),
        status: Status::Open,
        assignee: None,
        priority: None,
        snoozed_until_millis: None,
        merged_into: None,
        labels: vec!["network".to_owned()],
        created_at: NOW,
        updated_at: NOW,
        comment_count: 0,
        has_conflict: false,
        last_seq: Seq(last_seq),
    }
}

fn person(user: UserId, email: Option<&str>) -> User {
    User {
        user,
        name: "a person".to_owned(),
        email: email.map(str::to_owned),
        role: Role::Agent,
        joined_at: NOW,
        removed_at_millis: None,
    }
}

fn seqs(entries: &[LogEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq.0).collect()
}

fn change_of(record: &Record) -> ChangeHash {
    ScannedChange::scan(&record.envelope.change).unwrap().hash()
}

fn an_empty_store_has_nothing(store: &mut Store) {
    assert_eq!(store.project().unwrap(), None);
    assert_eq!(store.head().unwrap(), Seq::ZERO);
    assert_eq!(store.log_after(Audience::Team, Seq::ZERO, 10).unwrap(), []);
    assert_eq!(store.doc_records(doc(1)).unwrap(), []);
    assert_eq!(store.verdict(&ChangeHash::from_bytes([1; 32])).unwrap(), None);
    assert_eq!(store.ticket(ticket(1)).unwrap(), None);
    assert_eq!(store.tickets_by_activity(Audience::Team, Seq::MAX, 10).unwrap(), []);
    assert_eq!(store.ticket_count(Audience::Team).unwrap(), 0);
    assert_eq!(
        (store.users().unwrap(), store.devices().unwrap(), store.invites().unwrap()),
        (vec![], vec![], vec![])
    );
    assert_eq!((store.mailed_codes().unwrap(), store.waiting_devices().unwrap()), (vec![], vec![]));
    assert_eq!(store.watermark(Audience::Team).unwrap(), Watermarks::default());
    assert_eq!((store.mark(ticket(1)).unwrap(), store.mark_head().unwrap()), (None, 0));
    assert_eq!(store.marks_after(Audience::Team, 0, 10).unwrap(), []);
}

fn the_admission_log_grows_at_its_end_alone(store: &mut Store) {
    assert_eq!(store.admission_head().unwrap(), None);
    assert_eq!(store.admissions(1, 10).unwrap(), Vec::<Vec<u8>>::new());
    // Of many sizes, over several blocks of any store.
    let entry = |number: u64| vec![number as u8; 20 + (number as usize * 7) % 150];
    let mut next = 1;
    for count in [1_u64, 2, 30, 1, 64, 100, 1] {
        let entries: Vec<Vec<u8>> = (next..next + count).map(entry).collect();
        store.append_admissions(next, &entries, &signed(count as u8)).unwrap();
        next += count;
        assert_eq!(store.admission_head().unwrap(), Some(signed(count as u8)));
    }
    let all: Vec<Vec<u8>> = (1..next).map(entry).collect();
    assert_eq!(store.admissions(1, usize::MAX).unwrap(), all);
    assert_eq!(store.admissions(next - 1, 10).unwrap(), [entry(next - 1)]);
    assert_eq!(store.admissions(next, 10).unwrap(), Vec::<Vec<u8>>::new());
    assert_eq!(store.admissions(1, 0).unwrap(), Vec::<Vec<u8>>::new());
    for first in [1, 31, 32, 33, 64, 65, 100] {
        let expected: Vec<Vec<u8>> = (first..first + 40).map(entry).collect();
        assert_eq!(store.admissions(first, 40).unwrap(), expected, "from {first} on");
    }
}

fn an_admission_out_of_place_is_refused(store: &mut Store) {
    store.append_admissions(1, &[vec![1], vec![2]], &signed(1)).unwrap();
    assert!(store.append_admissions(2, &[vec![3]], &signed(2)).is_err(), "it is there already");
    assert!(store.append_admissions(4, &[vec![3]], &signed(2)).is_err(), "one is left out");
}

fn the_project_is_kept(store: &mut Store) {
    let project = ServerProject {
        project: project(1),
        name: "mycelium".to_owned(),
        log: [3; 16],
        node: signed(1),
        node_serial: 1,
        restored_at_millis: None,
    };
    store.put_project(&project).unwrap();
    let moved = ServerProject { node_serial: 2, ..project };
    store.put_project(&moved).unwrap();
    assert_eq!(store.project().unwrap(), Some(moved));
}

fn a_record_takes_the_next_place(store: &mut Store) {
    store.append(&record(1, doc(1), "one"), &[]).unwrap();
    assert_eq!(store.head().unwrap(), Seq(1));
    store.append(&record(2, doc(1), "two"), &[]).unwrap();
    assert_eq!(store.head().unwrap(), Seq(2));
}

fn a_record_out_of_place_is_refused(store: &mut Store) {
    store.append(&record(1, doc(1), "one"), &[]).unwrap();
    for seq in [0, 1, 3] {
        assert!(store.append(&record(seq, doc(1), "two"), &[]).is_err(), "at {seq}");
    }
    assert_eq!(store.head().unwrap(), Seq(1));
    assert_eq!(store.doc_records(doc(1)).unwrap().len(), 1);
}

fn a_reader_sees_its_part_of_the_log(store: &mut Store) {
    store.append(&record(1, DocId::Project, "everybody's"), &[ALICE, BOB]).unwrap();
    store.append(&record(2, doc(1), "alice's"), &[ALICE]).unwrap();
    store.append(&record(3, DocId::Notes(ticket(1)), "the team's"), &[]).unwrap();
    store.append(&record(4, doc(2), "bob's"), &[BOB]).unwrap();
    let all = |audience| seqs(&store.log_after(audience, Seq::ZERO, 10).unwrap());
    assert_eq!(all(Audience::Team), [1, 2, 3, 4]);
    assert_eq!(all(OF_ALICE), [1, 2]);
    assert_eq!(all(OF_BOB), [1, 4]);
    assert_eq!(all(Audience::Customer(user(0))), [0; 0]);
    assert_eq!(all(Audience::Customer(user(u8::MAX))), [0; 0]);
}

fn the_log_is_read_in_pieces(store: &mut Store) {
    for seq in 1..=5 {
        store.append(&record(seq, doc(1), &format!("change {seq}")), &[ALICE]).unwrap();
    }
    for audience in [Audience::Team, OF_ALICE] {
        let piece = |after, limit| seqs(&store.log_after(audience, Seq(after), limit).unwrap());
        assert_eq!(piece(0, 2), [1, 2]);
        assert_eq!(piece(2, 2), [3, 4]);
        assert_eq!(piece(4, 2), [5]);
        assert_eq!(piece(5, 2), [0; 0]);
        assert_eq!(piece(u64::MAX, 2), [0; 0]);
        assert_eq!(piece(0, 0), [0; 0]);
    }
}

fn a_place_leads_to_its_record(store: &mut Store) {
    let records = [
        record(1, doc(1), "one"),
        record(2, doc(2), "two"),
        record(3, doc(1), "three"),
        record(4, doc(1), "four"),
    ];
    for record in &records {
        store.append(record, &[]).unwrap();
    }
    let entries = store.log_after(Audience::Team, Seq::ZERO, 10).unwrap();
    let read: Vec<Record> = entries.iter().map(|entry| store.record(entry).unwrap()).collect();
    assert_eq!(read, records);
    let [one, two, three, four] = records;
    assert_eq!(store.doc_records(doc(1)).unwrap(), [one, three, four]);
    assert_eq!(store.doc_records(doc(2)).unwrap(), [two]);
}

fn a_verdict_is_remembered(store: &mut Store) {
    let record = record(1, doc(1), "one");
    store.append(&record, &[]).unwrap();
    let refused = ChangeHash::from_bytes([9; 32]);
    store.put_rejection(&refused, 21, "not for customers", 10).unwrap();
    let Some(StoredVerdict::Admitted(entry)) = store.verdict(&change_of(&record)).unwrap() else {
        panic!("an admitted change has its place");
    };
    assert_eq!(store.record(&entry).unwrap(), record);
    let expected = StoredVerdict::Rejected { code: 21, detail: "not for customers".to_owned() };
    assert_eq!(store.verdict(&refused).unwrap(), Some(expected));
}

fn the_oldest_refusals_are_forgotten(store: &mut Store) {
    let record = record(1, doc(1), "one");
    store.append(&record, &[]).unwrap();
    let refused = |number| ChangeHash::from_bytes([number; 32]);
    for number in 1..=7 {
        store.put_rejection(&refused(number), 21, "not for customers", 3).unwrap();
    }
    let kept: Vec<u8> =
        (1..=7).filter(|number| store.verdict(&refused(*number)).unwrap().is_some()).collect();
    assert_eq!(kept, [5, 6, 7]);
    assert!(matches!(store.verdict(&change_of(&record)).unwrap(), Some(StoredVerdict::Admitted(_))));
}

fn tickets_are_listed_by_activity(store: &mut Store) {
    for (number, last_seq) in [(1, 10), (2, 20), (3, 30)] {
        store.put_ticket(&row(number, last_seq)).unwrap();
    }
    store.put_ticket(&row(1, 40)).unwrap();
    let list = |before, limit| {
        let rows = store.tickets_by_activity(Audience::Team, before, limit).unwrap();
        rows.iter().map(|row| row.last_seq.0).collect::<Vec<_>>()
    };
    assert_eq!(list(Seq::MAX, 10), [40, 30, 20]);
    assert_eq!(list(Seq(30), 10), [20]);
    assert_eq!(list(Seq(31), 1), [30]);
    assert_eq!(list(Seq(20), 10), [0; 0]);
    assert_eq!(store.ticket_count(Audience::Team).unwrap(), 3);
    assert_eq!(store.ticket(ticket(1)).unwrap(), Some(row(1, 40)));
}

fn a_customer_lists_their_own_tickets(store: &mut Store) {
    for (number, last_seq) in [(1, 10), (2, 20), (3, 30)] {
        store.put_ticket(&row(number, last_seq)).unwrap();
    }
    for number in [1, 3] {
        store.put_member_of(ticket(number), ALICE).unwrap();
        store.put_member_of(ticket(number), ALICE).unwrap();
    }
    store.put_member_of(ticket(3), BOB).unwrap();
    assert_eq!(store.members_of(ticket(1)).unwrap(), [ALICE]);
    assert_eq!(store.members_of(ticket(2)).unwrap(), []);
    assert_eq!(store.members_of(ticket(3)).unwrap(), [ALICE, BOB]);
    let of_alice = store.tickets_by_activity(OF_ALICE, Seq::MAX, 10).unwrap();
    assert_eq!(of_alice, [row(3, 30), row(1, 10)]);
    assert_eq!(store.tickets_by_activity(OF_ALICE, Seq(30), 10).unwrap(), [row(1, 10)]);
    let counts = [Audience::Team, OF_ALICE, OF_BOB].map(|audience| store.ticket_count(audience).unwrap());
    assert_eq!(counts, [3, 2, 1]);
    store.put_ticket(&row(1, 40)).unwrap();
    let of_alice = store.tickets_by_activity(OF_ALICE, Seq::MAX, 10).unwrap();
    assert_eq!(of_alice, [row(1, 40), row(3, 30)]);
}

fn a_member_who_goes_loses_the_ticket(store: &mut Store) {
    for number in [1, 2] {
        store.put_ticket(&row(number, number.into())).unwrap();
        store.put_member_of(ticket(number), ALICE).unwrap();
        store.put_mark(&mark(number, 1)).unwrap();
    }
    store.put_member_of(ticket(1), BOB).unwrap();
    store.remove_member_of(ticket(1), ALICE).unwrap();
    store.remove_member_of(ticket(1), ALICE).unwrap();
    assert_eq!(store.members_of(ticket(1)).unwrap(), [BOB]);
    assert_eq!(store.tickets_by_activity(OF_ALICE, Seq::MAX, 10).unwrap(), [row(2, 2)]);
    assert_eq!(store.ticket_count(OF_ALICE).unwrap(), 1);
    let marks = |audience| {
        let marks = store.marks_after(audience, 0, 10).unwrap();
        marks.into_iter().map(|(_, mark)| mark).collect::<Vec<_>>()
    };
    assert_eq!((marks(OF_ALICE), marks(OF_BOB)), (vec![mark(2, 1)], vec![mark(1, 1)]));
    store.put_ticket(&row(1, 30)).unwrap();
    store.put_mark(&mark(1, 2)).unwrap();
    assert_eq!(store.tickets_by_activity(OF_ALICE, Seq::MAX, 10).unwrap(), [row(2, 2)]);
    store.put_member_of(ticket(1), ALICE).unwrap();
    assert_eq!(store.tickets_by_activity(OF_ALICE, Seq::MAX, 10).unwrap(), [row(1, 30), row(2, 2)]);
    assert_eq!(store.marks_after(OF_ALICE, 0, 10).unwrap().len(), 2);
}

fn visibility_has_a_place_of_its_own(store: &mut Store) {
    store.append(&record(1, doc(1), "one"), &[ALICE]).unwrap();
    assert_eq!(store.append_visibility(doc(1), BOB, Visibility::Granted).unwrap(), Seq(2));
    assert_eq!(store.head().unwrap(), Seq(2));
    store.append(&record(3, doc(1), "three"), &[ALICE, BOB]).unwrap();
    assert_eq!(store.append_visibility(doc(1), BOB, Visibility::Revoked).unwrap(), Seq(4));
    let kinds = |audience| {
        let entries = store.log_after(audience, Seq::ZERO, 10).unwrap();
        entries.into_iter().map(|entry| (entry.seq.0, entry.doc, entry.kind)).collect::<Vec<_>>()
    };
    let place = |seq, kind| (seq, doc(1), kind);
    let record = |index| EntryKind::Record { index };
    let (granted, revoked) =
        (EntryKind::Visibility(Visibility::Granted), EntryKind::Visibility(Visibility::Revoked));
    assert_eq!(kinds(OF_BOB), [place(2, granted), place(3, record(1)), place(4, revoked)]);
    assert_eq!(kinds(OF_ALICE), [place(1, record(0)), place(3, record(1))]);
    let all = [place(1, record(0)), place(2, granted), place(3, record(1)), place(4, revoked)];
    assert_eq!(kinds(Audience::Team), all);
    assert_eq!(store.doc_records(doc(1)).unwrap().len(), 2);
    let entry = LogEntry { seq: Seq(2), doc: doc(1), kind: granted };
    assert!(store.record(&entry).is_err());
}

fn a_share_is_with_one_person(store: &mut Store) {
    let share = |with| Share { with, user: None, by: ALICE, at: NOW };
    let by_email = share(ShareWith::Email("bob@example.com".to_owned()));
    let by_id = Share { user: Some(BOB), ..share(ShareWith::User(BOB)) };
    store.put_share(ticket(1), &by_email).unwrap();
    store.put_share(ticket(2), &by_email).unwrap();
    store.put_share(ticket(1), &by_id).unwrap();
    store.put_share(ticket(1), &by_id).unwrap();
    let shares = |number| {
        let mut shares = store.shares_of(ticket(number)).unwrap();
        shares.sort_by(|a, b| a.with.cmp(&b.with));
        shares
    };
    assert_eq!(shares(1), [by_id.clone(), by_email.clone()]);
    assert_eq!(shares(2), std::slice::from_ref(&by_email));
    assert_eq!(store.tickets_shared_with("bob@example.com").unwrap(), [ticket(1), ticket(2)]);
    assert_eq!(store.tickets_shared_with("carol@example.com").unwrap(), []);

    let known = Share { user: Some(BOB), ..by_email.clone() };
    store.put_share(ticket(1), &known).unwrap();
    assert_eq!(store.tickets_shared_with("bob@example.com").unwrap(), [ticket(2)]);
    store.remove_share(ticket(2), &by_email.with).unwrap();
    store.remove_share(ticket(2), &by_email.with).unwrap();
    store.remove_share(ticket(1), &by_id.with).unwrap();
    assert_eq!(store.tickets_shared_with("bob@example.com").unwrap(), []);
    assert_eq!(store.shares_of(ticket(1)).unwrap(), [known]);
    assert_eq!(store.shares_of(ticket(2)).unwrap(), []);
}

fn a_blob_comes_through_each_document_by_itself(store: &mut Store) {
    let place = |doc: DocId, blob: u8| BlobPlace { doc, blob: BlobHash::from_bytes([blob; 32]) };
    let (one, other) = (DocId::Ticket(ticket(1)), DocId::Notes(ticket(1)));
    assert!(!store.has_blob(place(one, 7)).unwrap());
    for at in [place(one, 7), place(other, 7), place(one, 8), place(one, 7)] {
        store.put_blob(at).unwrap();
    }
    assert!(store.has_blob(place(one, 7)).unwrap() && store.has_blob(place(other, 7)).unwrap());
    assert!(!store.has_blob(place(other, 8)).unwrap());
    let mut docs = store.docs_of_blob(&place(one, 7).blob, 10).unwrap();
    docs.sort_unstable();
    let mut both = [one, other];
    both.sort_unstable();
    assert_eq!(docs, both);
    assert_eq!(store.docs_of_blob(&place(one, 7).blob, 1).unwrap().len(), 1);
    assert_eq!(store.docs_of_blob(&place(one, 9).blob, 10).unwrap(), []);
}

fn ticket_numbers_rise_by_one(store: &mut Store) {
    let numbers = [(); 3].map(|()| store.take_ticket_number().unwrap());
    assert_eq!(numbers, [1, 2, 3]);
}

fn an_email_has_one_owner(store: &mut Store) {
    let alice = person(ALICE, Some("alice@example.com"));
    store.put_user(&alice).unwrap();
    store.put_user(&person(BOB, None)).unwrap();
    store.put_user(&alice).unwrap();
    assert_eq!(store.user(ALICE).unwrap(), Some(alice.clone()));
    assert_eq!(store.user_by_email("alice@example.com").unwrap(), Some(alice));
    assert_eq!(store.user_by_email("bob@example.com").unwrap(), None);
    store.put_user(&person(ALICE, Some("alice@example.org"))).unwrap();
    assert_eq!(store.user_by_email("alice@example.com").unwrap(), None);
    let bob = person(BOB, Some("alice@example.com"));
    store.put_user(&bob).unwrap();
    assert_eq!(store.user_by_email("alice@example.com").unwrap(), Some(bob.clone()));
    assert_eq!(store.users().unwrap(), [person(ALICE, Some("alice@example.org")), bob]);
}

fn a_taken_email_is_refused(store: &mut Store) {
    store.put_user(&person(ALICE, Some("alice@example.com"))).unwrap();
    assert!(store.put_user(&person(BOB, Some("alice@example.com"))).is_err());
    assert_eq!(store.user_by_email("alice@example.com").unwrap().map(|user| user.user), Some(ALICE));
}

fn old_certificates_are_kept(store: &mut Store) {
    let first = Device {
        device: device(),
        user: ALICE,
        name: "laptop".to_owned(),
        serial: 1,
        certificate: signed(1),
        issued_at: NOW,
        is_revoked: false,
        last_seen_at: None,
        restored_serial: None,
    };
    let second = Device { serial: 2, certificate: signed(2), is_revoked: true, ..first.clone() };
    store.put_device(&first).unwrap();
    store.put_device(&second).unwrap();
    assert_eq!(store.device(&device()).unwrap(), Some(second.clone()));
    assert_eq!(store.certificate(&device(), 1).unwrap(), Some(signed(1)));
    assert_eq!(store.certificate(&device(), 2).unwrap(), Some(signed(2)));
    assert_eq!(store.certificate(&device(), 3).unwrap(), None);
    assert_eq!(store.device(&DeviceId::from_bytes([0; 32])).unwrap(), None);
    assert_eq!(store.devices().unwrap(), [second]);
}

fn an_invitation_is_used_up(store: &mut Store) {
    let invite = Invite { code_hash: [5; 32], role: Role::Agent, email: None, name: None, expires_at: NOW };
    let other = Invite { code_hash: [6; 32], ..invite.clone() };
    store.put_invite(&invite).unwrap();
    store.put_invite(&other).unwrap();
    assert_eq!(store.invite(&[5; 32]).unwrap(), Some(invite.clone()));
    assert_eq!(store.invites().unwrap(), [invite, other.clone()]);
    store.remove_invite(&[5; 32]).unwrap();
    store.remove_invite(&[5; 32]).unwrap();
    assert_eq!(store.invite(&[5; 32]).unwrap(), None);
    assert_eq!(store.invites().unwrap(), [other]);
}

fn a_device_has_one_mailed_code(store: &mut Store) {
    let of = |byte: u8| MailedCode {
        device: DeviceId::from_bytes([byte; 32]),
        email: "alice@example.org".to_owned(),
        name: Some("Alice".to_owned()),
        device_name: "laptop".to_owned(),
        code_hash: [byte; 32],
        check_hash: [7; 32],
        tries: 0,
        expires_at: NOW,
    };
    let tried = MailedCode { tries: 2, ..of(1) };
    store.put_mailed_code(&of(2)).unwrap();
    store.put_mailed_code(&of(1)).unwrap();
    store.put_mailed_code(&tried).unwrap();
    assert_eq!(store.mailed_code(&of(1).device).unwrap(), Some(tried.clone()));
    assert_eq!(store.mailed_codes().unwrap(), [tried, of(2)]);
    store.remove_mailed_code(&of(1).device).unwrap();
    store.remove_mailed_code(&of(1).device).unwrap();
    assert_eq!(store.mailed_code(&of(1).device).unwrap(), None);
    assert_eq!(store.mailed_codes().unwrap(), [of(2)]);
}

fn devices_wait_until_they_are_let_in(store: &mut Store) {
    let of = |byte: u8| WaitingDevice {
        device: DeviceId::from_bytes([byte; 32]),
        user: ALICE,
        name: "phone".to_owned(),
        since: NOW,
    };
    store.put_waiting_device(&of(2)).unwrap();
    store.put_waiting_device(&of(1)).unwrap();
    assert_eq!(store.waiting_device(&of(2).device).unwrap(), Some(of(2)));
    assert_eq!(store.waiting_devices().unwrap(), [of(1), of(2)]);
    store.remove_waiting_device(&of(2).device).unwrap();
    assert_eq!(store.waiting_device(&of(2).device).unwrap(), None);
    assert_eq!(store.waiting_devices().unwrap(), [of(1)]);
}

fn each_audience_has_its_watermark(store: &mut Store) {
    let watermarks = |seen| Watermarks { seen: Seq(seen), marked: Seq(1) };
    store.put_watermark(Audience::Team, watermarks(5)).unwrap();
    store.put_watermark(OF_ALICE, watermarks(6)).unwrap();
    store.put_watermark(OF_ALICE, watermarks(7)).unwrap();
    assert_eq!(store.watermark(Audience::Team).unwrap(), watermarks(5));
    assert_eq!(store.watermark(OF_ALICE).unwrap(), watermarks(7));
    assert_eq!(store.watermark(OF_BOB).unwrap(), Watermarks::default());
}

fn mark(number: u8, team: u64) -> Mark {
    Mark { ticket: ticket(number), team: Seq(team), customers: Seq::ZERO }
}

fn a_mark_moves_behind_all_others(store: &mut Store) {
    store.put_mark(&mark(1, 10)).unwrap();
    let after_one = store.mark_head().unwrap();
    store.put_mark(&mark(2, 20)).unwrap();
    let after_two = store.mark_head().unwrap();
    store.put_mark(&mark(1, 30)).unwrap();
    assert_eq!(store.mark(ticket(1)).unwrap(), Some(mark(1, 30)));
    let all = store.marks_after(Audience::Team, 0, 10).unwrap();
    assert_eq!(all, [(after_two, mark(2, 20)), (store.mark_head().unwrap(), mark(1, 30))]);
    assert!(0 < after_one && after_one < after_two && after_two < store.mark_head().unwrap());
    assert_eq!(store.marks_after(Audience::Team, 0, 1).unwrap(), all[..1]);
    assert_eq!(store.marks_after(Audience::Team, after_one, 10).unwrap(), all);
    assert_eq!(store.marks_after(Audience::Team, after_two, 10).unwrap(), all[1..]);
    assert_eq!(store.marks_after(Audience::Team, store.mark_head().unwrap(), 10).unwrap(), []);
}

fn a_reader_sees_the_marks_of_its_tickets(store: &mut Store) {
    for number in [1, 2, 3] {
        store.put_ticket(&row(number, number.into())).unwrap();
    }
    store.put_member_of(ticket(1), ALICE).unwrap();
    store.put_member_of(ticket(3), ALICE).unwrap();
    for number in [1, 2, 3] {
        store.put_mark(&mark(number, 1)).unwrap();
    }
    store.put_mark(&mark(1, 2)).unwrap();
    let marks = |audience, limit| {
        let marks = store.marks_after(audience, 0, limit).unwrap();
        marks.into_iter().map(|(_, mark)| mark).collect::<Vec<_>>()
    };
    assert_eq!(marks(Audience::Team, 10), [mark(2, 1), mark(3, 1), mark(1, 2)]);
    assert_eq!(marks(OF_ALICE, 10), [mark(3, 1), mark(1, 2)]);
    assert_eq!(marks(OF_ALICE, 1), [mark(3, 1)]);
    assert_eq!(marks(OF_BOB, 10), []);
}

fn read_mark(number: u8, user: UserId, through: u64) -> ReadMark {
    let (is_team, private_through) = (user == BOB, (through == 1).then_some(Seq(7)));
    ReadMark { ticket: ticket(number), user, through: Seq(through), at: NOW, is_team, private_through }
}

fn read_marks_share_the_order_of_the_others(store: &mut Store) {
    store.put_mark(&mark(1, 10)).unwrap();
    store.put_read_mark(&read_mark(1, BOB, 1)).unwrap();
    let before = store.mark_head().unwrap();
    store.put_read_mark(&read_mark(1, ALICE, 2)).unwrap();
    store.put_mark(&mark(2, 20)).unwrap();
    store.put_read_mark(&read_mark(1, BOB, 3)).unwrap();
    let head = store.mark_head().unwrap();
    assert_eq!(head, before + 3);
    let all = store.read_marks_after(Audience::Team, 0, 9).unwrap();
    assert_eq!(all, [(before + 1, read_mark(1, ALICE, 2)), (head, read_mark(1, BOB, 3))]);
    assert_eq!(store.read_marks_after(Audience::Team, 0, 1).unwrap(), all[..1]);
    assert_eq!(store.read_marks_after(Audience::Team, before + 1, 9).unwrap(), all[1..]);
    assert_eq!(store.read_marks_after(Audience::Team, head, 9).unwrap(), []);
    assert_eq!(store.read_marks_after(OF_ALICE, 0, 9).unwrap(), [], "not hers to see");
    assert_eq!(store.marks_after(Audience::Team, before, 9).unwrap(), [(before + 2, mark(2, 20))]);
    assert_eq!(store.read_mark(ticket(1), BOB).unwrap(), Some(read_mark(1, BOB, 3)));
    assert_eq!(store.read_mark(ticket(2), BOB).unwrap(), None);
    assert_eq!(store.read_marks_of(ticket(1)).unwrap(), [read_mark(1, ALICE, 2), read_mark(1, BOB, 3)]);
}

fn each_user_has_what_is_kept_for_them(store: &mut Store) {
    let follow = |follow| Kept::Follow(KeptFollow { ticket: ticket(1), follow });
    let view = Kept::View(KeptView { name: "crashes".to_owned(), query: Some("is:open".to_owned()) });
    let kept = |store: &Store, user| {
        let (version, all) = store.kept(user).unwrap();
        (version, all.iter().cloned().collect::<Vec<_>>())
    };
    assert_eq!(kept(store, ALICE), (0, vec![]));
    store.put_kept(ALICE, 1, &follow(Some(Follow::Muted))).unwrap();
    store.put_kept(ALICE, 2, &view).unwrap();
    store.put_kept(BOB, 1, &follow(Some(Follow::Following))).unwrap();
    assert_eq!(kept(store, ALICE), (2, vec![follow(Some(Follow::Muted)), view.clone()]));
    store.put_kept(ALICE, 3, &follow(None)).unwrap();
    assert_eq!(kept(store, ALICE), (3, vec![view]));
    store.remove_all_kept(ALICE).unwrap();
    assert_eq!(kept(store, ALICE), (0, vec![]));
    assert_eq!(kept(store, BOB), (1, vec![follow(Some(Follow::Following))]));
}

fn members_who_are_away_are_remembered(store: &mut Store) {
    let away = |user, mailed| Away {
        user,
        since: UnixMillis(1_000),
        news_after: Seq(7),
        mailed,
        mailed_at_millis: (mailed > 0).then_some(2_000),
    };
    assert_eq!(store.aways().unwrap(), []);
    store.put_away(&away(BOB, 0)).unwrap();
    store.put_away(&away(ALICE, 0)).unwrap();
    store.put_away(&away(ALICE, 1)).unwrap();
    assert_eq!(store.aways().unwrap(), [away(ALICE, 1), away(BOB, 0)]);
    store.remove_away(ALICE).unwrap();
    store.remove_away(ALICE).unwrap();
    assert_eq!(store.aways().unwrap(), [away(BOB, 0)]);
}

fn read_marks_come_and_go_with_membership(store: &mut Store) {
    let seen = |store: &Store| {
        let marks = store.read_marks_after(OF_ALICE, 0, 9).unwrap();
        marks.into_iter().map(|(_, mark)| mark).collect::<Vec<_>>()
    };
    store.put_ticket(&row(1, 1)).unwrap();
    store.put_read_mark(&read_mark(1, BOB, 2)).unwrap();
    store.put_read_mark(&read_mark(2, BOB, 2)).unwrap();
    assert_eq!(seen(store), []);
    store.put_member_of(ticket(1), ALICE).unwrap();
    assert_eq!(seen(store), [read_mark(1, BOB, 2)]);
    store.put_read_mark(&read_mark(1, ALICE, 3)).unwrap();
    store.put_read_mark(&read_mark(1, BOB, 4)).unwrap();
    assert_eq!(seen(store), [read_mark(1, ALICE, 3), read_mark(1, BOB, 4)]);
    store.remove_member_of(ticket(1), ALICE).unwrap();
    store.put_read_mark(&read_mark(1, BOB, 5)).unwrap();
    assert_eq!(seen(store), []);
    store.put_member_of(ticket(1), ALICE).unwrap();
    assert_eq!(seen(store), [read_mark(1, ALICE, 3), read_mark(1, BOB, 5)], "each once");
}
