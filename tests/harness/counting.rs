//! Stores that count how often a machine reads a whole document or looks somebody up, and pass everything on.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use assist_crdt_model::{BlobHash, ChangeHash, DeviceId, DocId, ProjectId, TicketId, UnixMillis, UserId};
use assist_proto::certificate::Signed;
use assist_proto::store::{
    Audience, Away, Device, DeviceStore, Direction, Draft, DraftId, Invite, Kept, KeptAll, KeptKey, LogEntry,
    MailedCode, Mark, Membership, Mentions, OutboxEntry, PendingJoin, PendingRead, Quarantine, ReadMark,
    Record, Seq, ServerProject, ServerStore, Share, ShareWith, StoreResult, StoredVerdict, SyncState,
    TicketRow, Transfer, User, Visibility, WaitingDevice, Watermarks,
};
use assist_proto::wire::Member;
use assist_proto::wire::blob::BlobPlace;

/// A device's store.
pub struct CountingDevice<'a> {
    inner: &'a mut dyn DeviceStore,
    /// Documents read.
    pub opened: Cell<u64>,
}

/// A server's store.
pub struct CountingServer<'a> {
    inner: &'a mut dyn ServerStore,
    /// Documents read.
    pub opened: Cell<u64>,
    /// Reads of people, devices and invitations.
    pub looked_up: Cell<u64>,
}

impl<'a> CountingDevice<'a> {
    /// Begins at 0.
    pub fn new(inner: &'a mut dyn DeviceStore) -> Self {
        Self { inner, opened: Cell::new(0) }
    }
}

impl<'a> CountingServer<'a> {
    /// Begins at 0.
    pub fn new(inner: &'a mut dyn ServerStore) -> Self {
        Self { inner, opened: Cell::new(0), looked_up: Cell::new(0) }
    }
}

/// `reads` and `writes` are passed on, `opens` and `looks` are counted too.
macro_rules! pass_on {
    () => {};
    (reads $name:ident($($arg:ident: $type:ty),* $(,)?) -> $result:ty; $($rest:tt)*) => {
        fn $name(&self, $($arg: $type),*) -> StoreResult<$result> { self.inner.$name($($arg),*) }
        pass_on! { $($rest)* }
    };
    (opens $name:ident($($arg:ident: $type:ty),* $(,)?) -> $result:ty; $($rest:tt)*) => {
        fn $name(&self, $($arg: $type),*) -> StoreResult<$result> {
            self.opened.update(|count| count + 1);
            self.inner.$name($($arg),*)
        }
        pass_on! { $($rest)* }
    };
    (looks $name:ident($($arg:ident: $type:ty),*) -> $result:ty; $($rest:tt)*) => {
        fn $name(&self, $($arg: $type),*) -> StoreResult<$result> {
            self.looked_up.update(|count| count + 1);
            self.inner.$name($($arg),*)
        }
        pass_on! { $($rest)* }
    };
    (writes $name:ident($($arg:ident: $type:ty),* $(,)?) -> $result:ty; $($rest:tt)*) => {
        fn $name(&mut self, $($arg: $type),*) -> StoreResult<$result> { self.inner.$name($($arg),*) }
        pass_on! { $($rest)* }
    };
}

impl DeviceStore for CountingDevice<'_> {
    pass_on! {
        reads memberships() -> Vec<Membership>;
        writes put_membership(membership: &Membership) -> ();
        writes remove_project(project: &ProjectId) -> ();
        reads sync_state(project: &ProjectId) -> SyncState;
        writes put_sync_state(project: &ProjectId, state: &SyncState) -> ();
        writes push_outbox(project: &ProjectId, entry: &OutboxEntry) -> u64;
        writes put_outbox(project: &ProjectId, position: u64, entry: &OutboxEntry) -> ();
        writes remove_outbox(project: &ProjectId, position: u64) -> ();
        reads outbox(project: &ProjectId, from: u64, limit: usize) -> Vec<(u64, OutboxEntry)>;
        reads outbox_of_doc(project: &ProjectId, doc: DocId) -> Vec<(u64, OutboxEntry)>;
        reads outbox_count(project: &ProjectId) -> u64;
        reads own_change(project: &ProjectId, change: &ChangeHash) -> Option<DocId>;
        reads own_seq(project: &ProjectId, ticket: TicketId) -> Option<Seq>;
        writes put_own_seq(project: &ProjectId, ticket: TicketId, seq: Seq) -> ();
        writes append_record(project: &ProjectId, record: &Record) -> ();
        opens doc_records(project: &ProjectId, doc: DocId) -> Vec<Record>;
        reads docs(project: &ProjectId) -> BTreeSet<DocId>;
        writes remove_records(project: &ProjectId, doc: DocId) -> ();
        writes remove_doc(project: &ProjectId, doc: DocId) -> ();
        writes put_quarantined(
            project: &ProjectId,
            record: &Record,
            code: u16,
            detail: &str,
            now: UnixMillis,
        ) -> ();
        reads quarantine(project: &ProjectId) -> Quarantine;
        writes trim_quarantine(project: &ProjectId, most: Quarantine, since: UnixMillis) -> ();
        writes put_unverified(project: &ProjectId, doc: DocId, records: &[u8]) -> ();
        opens unverified(project: &ProjectId, doc: DocId) -> Option<Vec<u8>>;
        writes remove_unverified(project: &ProjectId, doc: DocId) -> ();
        reads next_unverified(project: &ProjectId, limit: usize) -> Vec<DocId>;
        reads row(project: &ProjectId, ticket: TicketId) -> Option<TicketRow>;
        writes put_row(project: &ProjectId, row: &TicketRow) -> ();
        reads snoozed(project: &ProjectId, limit: usize) -> Vec<(UnixMillis, TicketId)>;
        writes remove_row(project: &ProjectId, ticket: TicketId) -> ();
        reads certificate(project: &ProjectId, device: &DeviceId, serial: u32) -> Option<Signed>;
        writes put_certificate(project: &ProjectId, device: &DeviceId, serial: u32, certificate: &Signed) -> ();
        reads nodes(project: &ProjectId) -> Vec<Signed>;
        writes put_node(project: &ProjectId, node: &DeviceId, certificate: &Signed) -> ();
        reads device_name(project: &ProjectId, device: &DeviceId) -> Option<String>;
        writes put_device_name(project: &ProjectId, device: &DeviceId, name: &str) -> ();
        reads member(project: &ProjectId, user: UserId) -> Option<Member>;
        reads members(project: &ProjectId) -> Vec<Member>;
        writes put_member(project: &ProjectId, member: &Member) -> ();
        reads mark(project: &ProjectId, ticket: TicketId) -> Option<Mark>;
        writes put_mark(project: &ProjectId, mark: &Mark) -> ();
        writes put_transfer(project: &ProjectId, transfer: &Transfer) -> ();
        writes remove_transfer(project: &ProjectId, direction: Direction, place: BlobPlace) -> ();
        reads transfers(project: &ProjectId) -> Vec<Transfer>;
        reads others_seq(project: &ProjectId, ticket: TicketId) -> Option<Seq>;
        writes put_others_seq(project: &ProjectId, ticket: TicketId, seq: Seq) -> ();
        reads own_read(project: &ProjectId, ticket: TicketId) -> Option<Seq>;
        writes put_own_read(project: &ProjectId, ticket: TicketId, through: Seq) -> ();
        reads unread_count(project: &ProjectId) -> u64;
        reads mentions(project: &ProjectId, ticket: TicketId) -> Mentions;
        writes put_mentions(project: &ProjectId, ticket: TicketId, mentions: &Mentions) -> ();
        reads mentioned_count(project: &ProjectId) -> u64;
        reads read_mark(project: &ProjectId, ticket: TicketId, user: UserId) -> Option<ReadMark>;
        reads read_marks(project: &ProjectId, ticket: TicketId) -> Vec<ReadMark>;
        writes put_read_mark(project: &ProjectId, mark: &ReadMark) -> ();
        reads pending_reads(project: &ProjectId, limit: usize) -> Vec<PendingRead>;
        reads pending_read(project: &ProjectId, ticket: TicketId) -> Option<PendingRead>;
        writes put_pending_read(project: &ProjectId, read: &PendingRead) -> ();
        writes remove_pending_read(project: &ProjectId, ticket: TicketId) -> ();
        reads kept(project: &ProjectId) -> Vec<Kept>;
        writes put_kept(project: &ProjectId, kept: &Kept) -> ();
        writes remove_kept(project: &ProjectId, key: &KeptKey) -> ();
        reads pending_kept(project: &ProjectId) -> Vec<Kept>;
        writes put_pending_kept(project: &ProjectId, kept: &Kept) -> ();
        writes remove_pending_kept(project: &ProjectId, key: &KeptKey) -> ();
        reads pending_joins() -> Vec<PendingJoin>;
        writes put_pending_join(join: &PendingJoin) -> ();
        writes remove_pending_join(project: &ProjectId) -> ();
        writes put_draft(draft: &Draft) -> DraftId;
        reads draft(id: DraftId) -> Option<Draft>;
        reads drafts() -> Vec<(DraftId, Draft)>;
        writes remove_draft(id: DraftId) -> ();
    }
}

impl ServerStore for CountingServer<'_> {
    pass_on! {
        reads project() -> Option<ServerProject>;
        writes put_project(project: &ServerProject) -> ();
        reads head() -> Seq;
        writes append(record: &Record, readers: &[UserId]) -> ();
        writes append_visibility(doc: DocId, user: UserId, change: Visibility) -> Seq;
        reads log_after(audience: Audience, after: Seq, limit: usize) -> Vec<LogEntry>;
        opens record(entry: &LogEntry) -> Record;
        opens doc_records(doc: DocId) -> Vec<Record>;
        writes set_aside(doc: DocId) -> Vec<Seq>;
        writes put_lost(doc: DocId, seq: Seq, admitted_at: UnixMillis) -> ();
        reads lost_at(doc: DocId, seq: Seq) -> Option<UnixMillis>;
        reads is_lost(doc: DocId) -> bool;
        reads mending() -> BTreeMap<DocId, Option<Seq>>;
        writes put_back(record: &Record) -> ();
        writes append_whole(doc: DocId, readers: &[UserId]) -> Seq;
        reads verdict(change: &ChangeHash) -> Option<StoredVerdict>;
        writes put_rejection(change: &ChangeHash, code: u16, detail: &str, most: u32) -> ();
        reads admission_head() -> Option<Signed>;
        writes append_admissions(first: u64, entries: &[Vec<u8>], head: &Signed) -> ();
        reads admissions(first: u64, limit: usize) -> Vec<Vec<u8>>;
        reads ticket(ticket: TicketId) -> Option<TicketRow>;
        writes put_ticket(row: &TicketRow) -> ();
        writes take_ticket_number() -> u32;
        reads members_of(ticket: TicketId) -> Vec<UserId>;
        writes put_member_of(ticket: TicketId, user: UserId) -> ();
        writes remove_member_of(ticket: TicketId, user: UserId) -> ();
        reads shares_of(ticket: TicketId) -> Vec<Share>;
        writes put_share(ticket: TicketId, share: &Share) -> ();
        writes remove_share(ticket: TicketId, with: &ShareWith) -> ();
        reads tickets_shared_with(email: &str) -> Vec<TicketId>;
        reads tickets_by_activity(audience: Audience, before: Seq, limit: usize) -> Vec<TicketRow>;
        reads ticket_count(audience: Audience) -> u64;
        writes put_blob(place: BlobPlace) -> ();
        reads has_blob(place: BlobPlace) -> bool;
        reads docs_of_blob(blob: &BlobHash, limit: usize) -> Vec<DocId>;
        looks user(user: UserId) -> Option<User>;
        looks user_by_email(email: &str) -> Option<User>;
        writes put_user(user: &User) -> ();
        looks users() -> Vec<User>;
        looks device(device: &DeviceId) -> Option<Device>;
        writes put_device(device: &Device) -> ();
        looks devices() -> Vec<Device>;
        reads certificate(device: &DeviceId, serial: u32) -> Option<Signed>;
        reads certificates_of(device: &DeviceId) -> Vec<(u32, Signed)>;
        writes put_certificate(device: &DeviceId, serial: u32, certificate: &Signed) -> ();
        writes claim_ticket_number(number: u32) -> bool;
        looks invite(code_hash: &[u8; 32]) -> Option<Invite>;
        writes put_invite(invite: &Invite) -> ();
        writes remove_invite(code_hash: &[u8; 32]) -> ();
        looks invites() -> Vec<Invite>;
        reads mailed_code(device: &DeviceId) -> Option<MailedCode>;
        writes put_mailed_code(code: &MailedCode) -> ();
        writes remove_mailed_code(device: &DeviceId) -> ();
        reads mailed_codes() -> Vec<MailedCode>;
        looks waiting_device(device: &DeviceId) -> Option<WaitingDevice>;
        writes put_waiting_device(waiting: &WaitingDevice) -> ();
        writes remove_waiting_device(device: &DeviceId) -> ();
        looks waiting_devices() -> Vec<WaitingDevice>;
        reads watermark(audience: Audience) -> Watermarks;
        writes put_watermark(audience: Audience, watermarks: Watermarks) -> ();
        reads mark(ticket: TicketId) -> Option<Mark>;
        writes put_mark(mark: &Mark) -> ();
        reads marks_after(audience: Audience, after: u64, limit: usize) -> Vec<(u64, Mark)>;
        reads mark_head() -> u64;
        reads read_mark(ticket: TicketId, user: UserId) -> Option<ReadMark>;
        reads read_marks_of(ticket: TicketId) -> Vec<ReadMark>;
        writes put_read_mark(mark: &ReadMark) -> ();
        reads kept(user: UserId) -> (u64, KeptAll);
        writes put_kept(user: UserId, version: u64, kept: &Kept) -> ();
        writes remove_all_kept(user: UserId) -> ();
        reads aways() -> Vec<Away>;
        writes put_away(away: &Away) -> ();
        writes remove_away(user: UserId) -> ();
        reads read_marks_after(audience: Audience, after: u64, limit: usize) -> Vec<(u64, ReadMark)>;
    }
}
