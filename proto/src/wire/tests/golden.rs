//! The bytes of every message and of every stored value, against fixtures that are never edited.
//!
//! A test that fails here means that peers or stores of a released version no longer understand this one. Add a
//! field as optional, or add a message; a new sample is written with `ASSIST_WRITE_FIXTURES=1`.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;

use assist_crdt_model::{
    Attachment, BlobHash, Body, Edit, Label, Priority, ProjectName, Reason, RejectCode, Status, TicketId,
    Title,
};
use ciborium::Value;
use serde::de::DeserializeOwned;

use super::super::join::OtherDevice;
use super::super::presence::{Doing, People, PresentPerson, TicketPresence, View};
use super::super::*;
use super::{asks, blobs};
use crate::hub::WireEdit;
use crate::samples::*;
use crate::store::{
    Away, ColdStart as ColdStartState, Desktop, Device, Draft, Follow, Invite, Kept, KeptFollow, KeptMails,
    KeptView, MailedCode, Mails, Membership, OutboxEntry, PendingJoin, QuietHours, ServerProject, Share,
    ShareWith, Shown, SyncState, User, WaitingDevice, Watermarks,
};

/// A value with the name of its fixture.
pub(super) struct Golden {
    name: &'static str,
    bytes: Vec<u8>,
    reads_back: ReadsBack,
}

/// Whether bytes read as the value. Closures, because each value is of another type.
type ReadsBack = Box<dyn Fn(&[u8]) -> bool>;

pub(super) fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(
    name: &'static str,
    value: T,
) -> Golden {
    let bytes = codec::encode(&value);
    let reads_back =
        Box::new(move |bytes: &[u8]| codec::decode::<T>("golden value", bytes).unwrap() == value);
    Golden { name, bytes, reads_back }
}

#[test]
fn every_value_has_the_bytes_that_it_always_had() {
    for golden in goldens() {
        let fixture = fixture(&format!("{}.hex", golden.name), || golden.bytes.clone());
        assert_eq!(golden.bytes, fixture, "{}: now {:02x?}", golden.name, golden.bytes);
    }
}

#[test]
fn every_fixture_reads_as_the_value_that_it_was_made_of() {
    for golden in goldens() {
        let fixture = fixture(&format!("{}.hex", golden.name), || golden.bytes.clone());
        assert!((golden.reads_back)(&fixture), "{}", golden.name);
    }
}

#[test]
fn no_fixture_is_forgotten() {
    let used: BTreeSet<String> = goldens().iter().map(|golden| format!("{}.hex", golden.name)).collect();
    let file_name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut there: BTreeSet<String> = fs::read_dir(fixtures()).unwrap().map(file_name).collect();
    for input in ["change.hex", "page-rows.hex", "page-docs.hex", "admission-log.hex"] {
        there.remove(input);
    }
    assert_eq!(there, used);
}

/// Compressed bytes may change with the compressor; that old ones are read may not.
#[test]
fn a_page_of_the_first_version_is_still_read() {
    let page = fixture("page-rows.hex", || codec::encode_page(&vec![row()]));
    assert_eq!(codec::decode_page::<Vec<TicketRow>>("page", &page).unwrap(), [row()]);
    let page = fixture("page-docs.hex", || codec::encode_page(&vec![paged_doc()]));
    assert_eq!(codec::decode_page::<Vec<PagedDoc>>("page", &page).unwrap(), [paged_doc()]);
}

/// Bytes as an array of integers would take twice the room, and other readers would not take them for bytes.
#[test]
fn bytes_travel_as_byte_strings_and_structs_as_maps_of_names() {
    for golden in goldens() {
        check_shape(golden.name, &ciborium::from_reader(golden.bytes.as_slice()).unwrap());
    }
}

fn check_shape(name: &str, value: &Value) {
    match value {
        Value::Array(items) => {
            assert!(!matches!(items.first(), Some(Value::Integer(_))), "{name}: a list of integers");
            items.iter().for_each(|item| check_shape(name, item));
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                assert!(matches!(key, Value::Text(_)), "{name}: a field without a name");
                check_shape(name, value);
            }
        }
        Value::Integer(_) | Value::Bytes(_) | Value::Text(_) | Value::Bool(_) | Value::Null => {}
        other => panic!("{name}: {other:?} is of a kind that the wire does not use"),
    }
}

#[test]
fn refusal_codes_keep_their_numbers() {
    use RefusedCode::{Code, Device, Identity, Other, Project, Protocol, TooMany, Unavailable, Version};
    let known = [Version, Project, Device, Code, TooMany, Identity, Protocol, Unavailable, Other(9)];
    for (number, code) in (1..).zip(known) {
        assert_eq!((u16::from(code), RefusedCode::from(number)), (number, code));
    }
}

#[test]
fn a_field_of_a_later_version_is_passed_over() {
    let Value::Map(mut fields) = Value::serialized(&hello()).unwrap() else { panic!("a struct is a map") };
    let later = Value::Map(vec![(Value::Text("deep".into()), Value::Array(vec![Value::Null; 3]))]);
    fields.push((Value::Text("later".into()), later));
    let bytes = codec::encode(&Value::Map(fields));
    assert_eq!(codec::decode::<Hello>("hello", &bytes).unwrap(), hello());
}

/// The fixture's name; a new message does not compile without one.
fn name_of(message: &PeerMessage) -> &'static str {
    match message {
        PeerMessage::Hello(hello) if hello.certificate.is_some() => "message-hello-certificate",
        PeerMessage::Hello(hello) if hello.kept_version > 0 => "message-hello-kept",
        PeerMessage::Hello(hello) if hello.log.is_none() => "message-hello-first",
        PeerMessage::Hello(_) => "message-hello",
        PeerMessage::Enroll(enroll) if enroll.project.is_none() => "message-enroll-bare",
        PeerMessage::Enroll(_) => "message-enroll",
        PeerMessage::Push(_) => "message-push",
        PeerMessage::Seen(_) => "message-seen",
        PeerMessage::Read(_) => "message-read",
        PeerMessage::Keep(_) => "message-keep",
        PeerMessage::Kept(news) if news.is_whole => "message-kept-whole",
        PeerMessage::Kept(_) => "message-kept",
        PeerMessage::Present(_) => "message-present",
        PeerMessage::PresenceNews(news) if news.is_answer => "message-presence-answer",
        PeerMessage::PresenceNews(_) => "message-presence",
        PeerMessage::GiveBack(_) => "message-give-back",
        PeerMessage::Fetch(_) => "message-fetch",
        PeerMessage::Welcome(welcome) if !welcome.wanted.is_empty() => "message-welcome-wanted",
        PeerMessage::Welcome(welcome) if welcome.hosts.is_some() => "message-welcome-hosts",
        PeerMessage::Welcome(welcome) if welcome.blob_bytes_max.is_some() => "message-welcome-blobs",
        PeerMessage::Welcome(welcome) if welcome.node.is_none() => "message-welcome-again",
        PeerMessage::Welcome(_) => "message-welcome",
        PeerMessage::Refused(_) => "message-refused",
        PeerMessage::Enrolled(_) => "message-enrolled",
        PeerMessage::Introduce(it) if it.devices.is_empty() => "message-introduce",
        PeerMessage::Introduce(_) => "message-introduce-devices",
        PeerMessage::Verdicts(verdicts) if verdicts.rejected[0].cause.is_some() => "message-verdicts-full",
        PeerMessage::Verdicts(verdicts) if verdicts.acks.is_empty() => "message-verdicts-quota",
        PeerMessage::Verdicts(_) => "message-verdicts",
        PeerMessage::Records(records) if matches!(records.items[0], Item::Granted(_)) => {
            "message-records-visibility"
        }
        PeerMessage::Records(_) => "message-records",
        PeerMessage::ColdStart(_) => "message-cold",
        PeerMessage::Rows(_) => "message-rows",
        PeerMessage::Docs(docs) if docs.is_last => "message-docs-last",
        PeerMessage::Docs(_) => "message-docs",
        PeerMessage::Marks(marks) if marks.reads.is_empty() => "message-marks",
        PeerMessage::Marks(_) => "message-marks-read",
        PeerMessage::RequestCode(request) if request.project.is_none() => "message-request-code-bare",
        PeerMessage::RequestCode(_) => "message-request-code",
        PeerMessage::Confirm(confirm) if confirm.code.is_none() => "message-confirm-again",
        PeerMessage::Confirm(confirm) if confirm.other.is_some() => "message-confirm-other",
        PeerMessage::Confirm(_) => "message-confirm",
        PeerMessage::CodeSent(_) => "message-code-sent",
        PeerMessage::Waiting(_) => "message-waiting",
        PeerMessage::Confirmed(_) => "message-confirmed",
        PeerMessage::DeviceNews(_) => "message-device-news",
        PeerMessage::BlobsHere(_) => "message-blobs",
        PeerMessage::Ask(_) | PeerMessage::Answer(_) => unreachable!("asks are named where they are made"),
    }
}

fn goldens() -> Vec<Golden> {
    let plain = plain_messages().into_iter().map(|message| (name_of(&message), message));
    let messages = plain.chain(asks::samples()).map(|(name, message)| golden(name, message));
    messages
        .chain(parts())
        .chain(blobs::goldens())
        .chain(stored_by_servers())
        .chain(stored_by_devices())
        .chain(settings_of_users())
        .chain(stored_after_a_restoration())
        .chain(edits())
        .collect()
}

/// All messages; also the seeds of what the hostile tests mutate.
pub(super) fn messages() -> Vec<PeerMessage> {
    let asks = asks::samples().into_iter().map(|(_, message)| message);
    plain_messages().into_iter().chain(asks).collect()
}

fn plain_messages() -> Vec<PeerMessage> {
    let mut messages = messages_of_devices();
    messages.extend(messages_of_servers());
    messages.extend(messages_of_joining());
    messages
}

fn messages_of_devices() -> Vec<PeerMessage> {
    let enroll = Enroll {
        version: 1,
        project: Some(project()),
        code: "7k3m9pq2".into(),
        name: "Jos\u{e9}".into(),
        email: Some("jose@example.com".into()),
        device_name: "laptop".into(),
    };
    vec![
        PeerMessage::Hello(hello()),
        PeerMessage::Hello(Hello { log: None, cold: None, ..hello() }),
        PeerMessage::Hello(Hello { kept_version: 12, ..hello() }),
        PeerMessage::Hello(Hello { certificate: Some(signed_device()), ..hello() }),
        PeerMessage::GiveBack(GiveBack { project: project(), vouchers: vouchers(), records: vec![record()] }),
        PeerMessage::Enroll(Enroll { project: None, email: None, ..enroll.clone() }),
        PeerMessage::Enroll(enroll),
        PeerMessage::Push(Push { project: project(), envelopes: vec![envelope()] }),
        PeerMessage::Read(Read { reads: vec![pending_read()] }),
        PeerMessage::Keep(Keep { kept: vec![kept_follow(), kept_view()] }),
        PeerMessage::Present(Present { is_here: true, views: vec![view()], status: Some("at lunch".into()) }),
        PeerMessage::Seen(Seen { cursor: Seq(70_000) }),
        PeerMessage::Fetch(Fetch { docs: vec![doc(), DocId::Notes(ticket()), DocId::Project] }),
    ]
}

fn messages_of_joining() -> Vec<PeerMessage> {
    let request = RequestCode {
        version: 1,
        project: Some(project()),
        email: "jose@example.com".into(),
        name: Some("Jos\u{e9}".into()),
        device_name: "laptop".into(),
    };
    let confirm = Confirm { version: 1, project: project(), code: Some("7k3m9pq2".into()), other: None };
    let sent = CodeSent {
        project: project(),
        project_name: "mycelium".into(),
        check: "7k3m".into(),
        expires_at: NOW,
    };
    vec![
        PeerMessage::RequestCode(RequestCode { project: None, name: None, ..request.clone() }),
        PeerMessage::RequestCode(request),
        PeerMessage::Confirm(Confirm { code: None, ..confirm.clone() }),
        PeerMessage::Confirm(Confirm { other: Some(other_device()), ..confirm.clone() }),
        PeerMessage::Confirm(confirm),
        PeerMessage::CodeSent(sent),
        PeerMessage::Waiting(Waiting { project_name: "mycelium".into() }),
        PeerMessage::Confirmed(Confirmed { project_name: "mycelium".into(), is_waiting: true }),
        PeerMessage::DeviceNews(DeviceNews { devices: vec![asks::roster_device()] }),
    ]
}

fn named_device() -> NamedDevice {
    NamedDevice { device: device_id(&device_key()), name: "laptop".into() }
}

fn kept_follow() -> Kept {
    Kept::Follow(KeptFollow { ticket: ticket(), follow: Some(Follow::Muted) })
}

fn kept_view() -> Kept {
    Kept::View(KeptView { name: "crashes".into(), query: Some("is:open label:crash".into()) })
}

fn removed_view() -> Kept {
    Kept::View(KeptView { name: "crashes".into(), query: None })
}

fn other_device() -> OtherDevice {
    OtherDevice { device: device_id(&device_key()), check: "7k3m".into() }
}

fn messages_of_servers() -> Vec<PeerMessage> {
    let welcome = Welcome {
        version: 1,
        log: LOG,
        head: Seq(41),
        node: Some(signed_node()),
        certificate: Some(signed_device()),
        now: NOW,
        blob_bytes_max: None,
        hosts: None,
        wanted: Vec::new(),
    };
    let again = Welcome { node: None, certificate: None, ..welcome.clone() };
    let enrolled = Enrolled {
        project: project(),
        project_name: "mycelium".into(),
        node: signed_node(),
        certificate: signed_device(),
        member: member(),
    };
    let docs = Docs { page: b"a page".to_vec(), before: Some(Seq(12)), is_last: false };
    vec![
        PeerMessage::Welcome(again.clone()),
        PeerMessage::Welcome(Welcome { blob_bytes_max: Some(104_857_600), ..again.clone() }),
        PeerMessage::Welcome(Welcome { hosts: Some(signed_hosts()), ..again.clone() }),
        PeerMessage::Welcome(Welcome { wanted: vec![doc(), DocId::Project], ..again }),
        PeerMessage::Welcome(welcome),
        PeerMessage::Refused(Refused { code: RefusedCode::Code, reason: "ask for a new code".into() }),
        PeerMessage::Enrolled(enrolled),
        PeerMessage::Introduce(Introduce {
            certificates: vec![signed_device()],
            members: vec![member()],
            devices: Vec::new(),
        }),
        PeerMessage::Introduce(Introduce { devices: vec![named_device()], ..Introduce::default() }),
        PeerMessage::Verdicts(Verdicts { acks: vec![ack()], rejected: vec![rejected()] }),
        PeerMessage::Verdicts(Verdicts { acks: Vec::new(), rejected: vec![over_quota()] }),
        PeerMessage::Verdicts(Verdicts { acks: Vec::new(), rejected: vec![disk_full()] }),
        PeerMessage::Records(Records {
            project: project(),
            items: vec![Item::Granted(doc_place()), Item::Revoked(doc_place())],
        }),
        PeerMessage::Records(Records {
            project: project(),
            items: vec![Item::Record(record()), Item::Own(ack()), Item::Through(Seq(44))],
        }),
        PeerMessage::ColdStart(ColdStart { at: Seq(41), tickets: 10_000 }),
        PeerMessage::Rows(Rows { page: b"a page".to_vec() }),
        PeerMessage::Docs(docs.clone()),
        PeerMessage::Docs(Docs { before: None, is_last: true, ..docs }),
        PeerMessage::Marks(Marks { mark_cursor: 9, marks: vec![mark()], reads: Vec::new() }),
        PeerMessage::Marks(Marks { mark_cursor: 9, marks: Vec::new(), reads: vec![read_mark()] }),
        PeerMessage::Kept(KeptNews { version: 12, is_whole: true, kept: vec![kept_follow(), kept_view()] }),
        PeerMessage::Kept(KeptNews { version: 13, is_whole: false, kept: vec![removed_view()] }),
        PeerMessage::BlobsHere(BlobsHere { doc: doc(), blobs: vec![BlobHash::from_bytes([6; 32])] }),
        PeerMessage::PresenceNews(PresenceNews {
            tickets: vec![TicketPresence { ticket: ticket(), people: people() }],
            team: Some(people()),
            is_answer: false,
        }),
        PeerMessage::PresenceNews(PresenceNews { is_answer: true, ..PresenceNews::default() }),
    ]
}

/// What is inside pages, signatures and several messages.
fn parts() -> Vec<Golden> {
    vec![
        golden("envelope", envelope()),
        golden("envelope-epoch", Envelope { epoch: 3, ..envelope() }),
        golden("certificate-node", node_certificate()),
        golden("certificate-device", device_certificate()),
        golden("server-hosts", server_hosts()),
        golden("record", record()),
        golden("rows", vec![row(), plain_row()]),
        golden("row-merged", merged_row()),
        golden("docs", vec![paged_doc()]),
    ]
}

/// The structs inside messages, each with all its fields, by the names that `docs/wire.md` gives them.
pub(super) fn examples() -> Vec<(&'static str, Vec<u8>)> {
    let mut examples = asks::examples();
    examples.extend(blobs::examples());
    examples.extend([
        ("signed", codec::encode(&signed_node())),
        ("vouchers", codec::encode(&vouchers())),
        ("node-certificate", codec::encode(&node_certificate())),
        ("device-certificate", codec::encode(&device_certificate())),
        ("server-hosts", codec::encode(&server_hosts())),
        ("envelope", codec::encode(&Envelope { epoch: 3, ..envelope() })),
        ("cold-position", codec::encode(&ColdPosition { at: Seq(41), before: Seq(12) })),
        ("member", codec::encode(&member())),
        ("named-device", codec::encode(&named_device())),
        ("ack", codec::encode(&ack())),
        ("rejected", codec::encode(&disk_full())),
        ("record", codec::encode(&record())),
        ("row", codec::encode(&merged_row())),
        ("other-device", codec::encode(&other_device())),
        ("paged-doc", codec::encode(&paged_doc())),
        ("mark", codec::encode(&mark())),
        ("view", codec::encode(&view())),
        ("ticket-presence", codec::encode(&TicketPresence { ticket: ticket(), people: people() })),
        ("people", codec::encode(&people())),
        ("person", codec::encode(&people().named[0])),
        ("read-mark", codec::encode(&ReadMark { private_through: Some(Seq(43)), ..read_mark() })),
        ("pending-read", codec::encode(&PendingRead { is_private: true, ..pending_read() })),
        ("doc-place", codec::encode(&doc_place())),
        ("follow", codec::encode(&KeptFollow { ticket: ticket(), follow: Some(Follow::Following) })),
        ("mails", codec::encode(&KeptMails { mails: Some(Mails::Off) })),
        ("saved-view", codec::encode(&KeptView { name: "a".into(), query: Some("is:open".into()) })),
    ]);
    examples
}

fn stored_by_servers() -> Vec<Golden> {
    let server_project = ServerProject {
        project: project(),
        name: "mycelium".into(),
        log: LOG,
        node: signed_node(),
        node_serial: 1,
        restored_at_millis: None,
    };
    let user = User {
        user: user(),
        name: "Jos\u{e9}".into(),
        email: Some("jose@example.com".into()),
        role: Role::Agent,
        joined_at: NOW,
        removed_at_millis: None,
    };
    let removed = User { email: None, role: Role::Customer, removed_at_millis: Some(NOW.0), ..user.clone() };
    let device = Device {
        device: device_id(&device_key()),
        user: user.user,
        name: "laptop".into(),
        serial: 7,
        certificate: signed_device(),
        issued_at: NOW,
        is_revoked: false,
        last_seen_at: None,
        restored_serial: None,
    };
    let device_seen = Device { last_seen_at: Some(UnixMillis(NOW.0 + 7)), ..device.clone() };
    let user_id = user.user;
    let share = Share {
        with: ShareWith::Email("jose@example.com".into()),
        user: Some(user_id),
        by: user_id,
        at: NOW,
    };
    let invite = Invite {
        code_hash: [5; 32],
        role: Role::Admin,
        email: None,
        name: Some("Ada".into()),
        expires_at: NOW,
    };
    let mailed_code = MailedCode {
        device: device.device,
        email: "jose@example.com".into(),
        name: Some("Jos\u{e9}".into()),
        device_name: "laptop".into(),
        code_hash: [5; 32],
        check_hash: [6; 32],
        tries: 1,
        expires_at: NOW,
    };
    let waiting = WaitingDevice { device: device.device, user: user.user, name: "laptop".into(), since: NOW };
    let (news_after, mailed_at_millis) = (Seq(41), Some(NOW.0));
    let away = Away { user: user.user, since: NOW, news_after, mailed: 2, mailed_at_millis };
    vec![
        golden("server-project", server_project),
        golden("server-user", user),
        golden("server-user-removed", removed),
        golden("server-device", device),
        golden("server-device-seen", device_seen),
        golden("server-invite", invite),
        golden("server-mailed-code", mailed_code),
        golden("server-waiting-device", waiting),
        golden("server-share", share.clone()),
        golden("server-share-user", Share { with: ShareWith::User(user_id), user: None, ..share }),
        golden("server-away", away),
        golden("server-watermarks", Watermarks { seen: Seq(41), marked: Seq(40) }),
    ]
}

fn stored_after_a_restoration() -> Vec<Golden> {
    let project = ServerProject {
        project: project(),
        name: "mycelium".into(),
        log: LOG,
        node: signed_node(),
        node_serial: 1,
        restored_at_millis: Some(NOW.0),
    };
    let device = Device {
        device: device_id(&device_key()),
        user: user(),
        name: "laptop".into(),
        serial: 7,
        certificate: signed_device(),
        issued_at: NOW,
        is_revoked: false,
        last_seen_at: None,
        restored_serial: Some(3),
    };
    let position = ColdPosition { at: Seq(41), before: Seq(12) };
    let sync_state = SyncState {
        log: Some(LOG),
        cursor: Seq(41),
        mark_cursor: 9,
        cold: Some(ColdStartState { position, tickets: 10_000 }),
        synced_at_millis: Some(NOW.0),
        is_doubted: true,
        has_former: true,
        ..SyncState::default()
    };
    vec![
        golden("server-project-restored", project),
        golden("server-device-back", device),
        golden("device-sync-state-doubted", sync_state.clone()),
        golden("device-sync-state-named", SyncState { names_token: Some([7; 16]), ..sync_state.clone() }),
        golden("device-sync-state-lacking", SyncState { lacking: vec![doc()], ..sync_state.clone() }),
        golden("device-sync-state-unoffered", SyncState { has_unoffered: true, ..sync_state }),
        golden("device-transfer-lost", blobs::lost_transfer()),
    ]
}

fn membership() -> Membership {
    Membership {
        project: project(),
        name: "mycelium".into(),
        address: format!("assist://{}@203.0.113.7", project()),
        node: device_id(&node_key()),
        node_serial: 1,
        user: user(),
        role: Role::Customer,
        device_name: "laptop".into(),
        serial: 7,
        certificate: signed_device(),
        incarnation: INCARNATION,
        is_paused: true,
        joined_at: NOW,
        reads_are_private: false,
        desktop: Desktop::default(),
    }
}

fn settings_of_users() -> Vec<Golden> {
    let quiet = Some(QuietHours { from_minute: 22 * 60, to_minute: 7 * 60 });
    let desktop = Desktop { shown: Shown::Mentions, quiet };
    vec![
        golden("kept-mails", Kept::Mails(KeptMails { mails: Some(Mails::Off) })),
        golden("device-membership-desktop", Membership { desktop, ..membership() }),
    ]
}

fn stored_by_devices() -> Vec<Golden> {
    let pending_join = PendingJoin {
        project: project(),
        name: "mycelium".into(),
        address: format!("assist://{}@203.0.113.7", project()),
        email: "jose@example.com".into(),
        device_name: "laptop".into(),
        check: "7k3m".into(),
        asked_at: NOW,
        is_waiting: true,
    };
    let position = ColdPosition { at: Seq(41), before: Seq(12) };
    let sync_state = SyncState {
        log: Some(LOG),
        cursor: Seq(41),
        mark_cursor: 9,
        cold: Some(ColdStartState { position, tickets: 10_000 }),
        synced_at_millis: Some(NOW.0),
        ..SyncState::default()
    };
    let sync_state_kept = SyncState { kept_version: 12, ..sync_state.clone() };
    let sync_state_blobs = SyncState { blob_bytes_max: Some(104_857_600), ..sync_state.clone() };
    let draft = Draft {
        project: project(),
        doc: doc(),
        change: change_hash(),
        edits: vec![WireEdit::from(&Edit::SetStatus(Status::Closed))],
        code: 21,
        reason: "customers set no labels".into(),
        made_at: NOW,
        refused_at: None,
    };
    let draft_refused = Draft { refused_at: Some(UnixMillis(NOW.0 + 7)), ..draft.clone() };
    vec![
        golden("device-membership", membership()),
        golden("device-pending-join", pending_join),
        golden("device-sync-state-first", SyncState::default()),
        golden("device-sync-state", sync_state),
        golden("device-sync-state-blobs", sync_state_blobs),
        golden("device-sync-state-kept", sync_state_kept),
        golden("kept", vec![kept_follow(), kept_view()]),
        golden("device-transfer", blobs::transfer()),
        golden("device-transfer-refused", blobs::refused_transfer()),
        golden(
            "device-outbox-entry",
            OutboxEntry { change: change_hash(), made_at: NOW, envelope: envelope(), held_until: None },
        ),
        golden(
            "device-outbox-entry-held",
            OutboxEntry { change: change_hash(), made_at: NOW, envelope: envelope(), held_until: Some(NOW) },
        ),
        golden("device-draft", draft),
        golden("device-draft-refused", draft_refused),
    ]
}

/// Every edit in one list.
fn edits() -> Vec<Golden> {
    let label = || Label::parse("network").unwrap();
    let body = || Body::parse("It stops.\nThen it starts.").unwrap();
    let attachment = Attachment {
        blob: BlobHash::from_bytes([6; 32]),
        name: "node.log".into(),
        size_bytes: 4_096,
        media_type: "text/plain".into(),
    };
    let all = [
        Edit::CreateTicket { requester: user(), title: Title::parse("Stops").unwrap(), body: body() },
        Edit::SetTitle(Title::parse("Stops at night").unwrap()),
        Edit::SetBody(body()),
        Edit::SetStatus(Status::Pending),
        Edit::SetAssignee(Some(user())),
        Edit::SetAssignee(None),
        Edit::SetPriority(Some(Priority::Urgent)),
        Edit::SetPriority(None),
        Edit::SetSnoozedUntil(Some(NOW)),
        Edit::SetSnoozedUntil(None),
        Edit::AddLabel(label()),
        Edit::RemoveLabel(label()),
        Edit::AddComment {
            id: comment(),
            body: body(),
            reply_to: Some(comment()),
            attachments: vec![attachment],
        },
        Edit::AddComment { id: comment(), body: body(), reply_to: None, attachments: Vec::new() },
        Edit::EditComment { id: comment(), body: body() },
        Edit::DeleteComment(comment()),
        Edit::CreateProject(ProjectName::parse("mycelium").unwrap()),
        Edit::SetProjectName(ProjectName::parse("mycelium 2").unwrap()),
        Edit::DefineLabel { label: label(), description: body() },
        Edit::RetireLabel(label()),
        Edit::DefineCannedReply { name: label(), body: body() },
        Edit::RetireCannedReply(label()),
    ];
    let notes = [
        Edit::AddNote { id: comment(), body: body(), reply_to: None, attachments: Vec::new() },
        Edit::EditNote { id: comment(), body: body() },
        Edit::DeleteNote(comment()),
    ];
    let merges = [
        Edit::SetCloseReason(Some(Reason::parse("Answered").unwrap())),
        Edit::SetCloseReason(None),
        Edit::SetMergedInto(Some(ticket())),
        Edit::SetMergedInto(None),
        Edit::AddLink(ticket()),
        Edit::RemoveLink(ticket()),
    ];
    let stored = |edits: &[Edit]| edits.iter().map(WireEdit::from).collect::<Vec<_>>();
    vec![
        golden("edits", stored(&all)),
        golden("edits-notes", stored(&notes)),
        golden("edits-merges", stored(&merges)),
    ]
}

fn vouchers() -> Vouchers {
    Vouchers { nodes: vec![signed_node()], certificates: vec![signed_device()], members: vec![member()] }
}

fn hello() -> Hello {
    Hello {
        version: 1,
        project: project(),
        log: Some(LOG),
        cursor: Seq(41),
        mark_cursor: 9,
        cold: Some(ColdPosition { at: Seq(41), before: Seq(12) }),
        node_serial: 1,
        serial: 7,
        kept_version: 0,
        certificate: None,
    }
}

pub(super) fn member() -> Member {
    Member {
        user: user(),
        name: "Jos\u{e9}".into(),
        role: Role::Customer,
        email: Some("jose@example.com".into()),
    }
}

fn ack() -> Ack {
    Ack { change: change_hash(), doc: doc(), seq: Seq(42), admitted_at: NOW, serial: 7, number: Some(142) }
}

fn rejected() -> RejectedChange {
    RejectedChange {
        change: change_hash(),
        code: 21,
        detail: "customers set no labels".into(),
        wait_millis: None,
        cause: None,
    }
}

fn over_quota() -> RejectedChange {
    RejectedChange {
        change: change_hash(),
        code: RejectCode::OverQuota.number(),
        detail: "too much at once: it is tried again".into(),
        wait_millis: Some(60_000),
        cause: None,
    }
}

fn disk_full() -> RejectedChange {
    RejectedChange {
        detail: "the server's disk is nearly full".into(),
        cause: Some(HoldCause::DiskFull),
        ..over_quota()
    }
}

fn doc_place() -> DocPlace {
    DocPlace { seq: Seq(45), doc: doc() }
}

fn record() -> Record {
    Record { seq: Seq(42), admitted_at: NOW, serial: 7, number: Some(142), envelope: envelope() }
}

fn mark() -> Mark {
    Mark { ticket: ticket(), team: Seq(42), customers: Seq(40) }
}

fn view() -> View {
    View { ticket: ticket(), doing: Doing::Typing }
}

fn people() -> People {
    let status = Some("at lunch".into());
    People { count: 17, named: vec![PresentPerson { user: user(), doing: Doing::Viewing, status }] }
}

fn read_mark() -> ReadMark {
    ReadMark {
        ticket: ticket(),
        user: user(),
        through: Seq(42),
        at: NOW,
        is_team: true,
        private_through: None,
    }
}

fn pending_read() -> PendingRead {
    PendingRead { ticket: ticket(), through: Seq(42), at: NOW, is_private: false }
}

/// With everything that a row can have.
fn merged_row() -> TicketRow {
    TicketRow { merged_into: Some(TicketId::from_bytes([0x5a; 16])), ..row() }
}

/// With everything that the row of a ticket can have that was not merged into another.
fn row() -> TicketRow {
    TicketRow {
        ticket: ticket(),
        number: Some(142),
        requester: user(),
        title: "Node does not start".into(),
        status: Status::Open,
        assignee: Some(user()),
        priority: Some(Priority::High),
        snoozed_until_millis: Some(NOW.0),
        merged_into: None,
        labels: vec!["network".into(), "ui".into()],
        created_at: NOW,
        updated_at: NOW,
        comment_count: 3,
        has_conflict: true,
        last_seq: Seq(42),
    }
}

/// With nothing that a row can lack.
fn plain_row() -> TicketRow {
    TicketRow {
        number: None,
        assignee: None,
        priority: None,
        snoozed_until_millis: None,
        labels: Vec::new(),
        comment_count: 0,
        has_conflict: false,
        ..row()
    }
}

fn paged_doc() -> PagedDoc {
    PagedDoc { doc: doc(), records: codec::encode(&vec![record()]) }
}

const LOG: LogId = *b"a log of testing";
