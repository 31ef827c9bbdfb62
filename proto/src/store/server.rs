//! The storage of a server: one project's log, roster and deliveries.

use std::collections::BTreeMap;

use assist_crdt_model::{
    BlobHash, ChangeHash, DeviceId, DocId, ProjectId, Role, TicketId, UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};

use super::{Away, Kept, KeptAll, Mark, ReadMark, Record, Seq, StoreResult, TicketRow};
use crate::certificate::{Signed, millis, role};
use crate::wire::blob::BlobPlace;
use crate::wire::{LogId, id};

/// What a server stores. All calls of one turn see each other's writes and are durable together.
pub trait ServerStore {
    /// The project that this server serves; `None` before it is initialised.
    fn project(&self) -> StoreResult<Option<ServerProject>>;
    /// Sets it.
    fn put_project(&mut self, project: &ServerProject) -> StoreResult<()>;

    /// Place of the newest record.
    fn head(&self) -> StoreResult<Seq>;
    /// Adds a record behind the head: its place must be the next, else nothing is written and the store is
    /// damaged. `readers` are those who may see it although they are not of the team.
    fn append(&mut self, record: &Record, readers: &[UserId]) -> StoreResult<()>;
    /// Adds an entry without a record behind the head, for one user alone, and gives its place: from there on they
    /// may see the document, or no longer.
    fn append_visibility(&mut self, doc: DocId, user: UserId, change: Visibility) -> StoreResult<Seq>;
    /// The log behind `after` as far as the audience may see it, oldest first, at most `limit` entries.
    fn log_after(&self, audience: Audience, after: Seq, limit: usize) -> StoreResult<Vec<LogEntry>>;
    /// The record at a place that has one.
    fn record(&self, entry: &LogEntry) -> StoreResult<Record>;
    /// All records of a document, oldest first; empty if there is none.
    fn doc_records(&self, doc: DocId) -> StoreResult<Vec<Record>>;

    /// Takes out of a document what cannot be read of it, with all behind, and gives the places that are lost by that:
    /// none if it can be read.
    fn set_aside(&mut self, doc: DocId) -> StoreResult<Vec<Seq>>;
    /// Remembers when the record at a lost place was admitted.
    fn put_lost(&mut self, doc: DocId, seq: Seq, admitted_at: UnixMillis) -> StoreResult<()>;
    /// When the record at a lost place was admitted; `None` for any other place.
    fn lost_at(&self, doc: DocId, seq: Seq) -> StoreResult<Option<UnixMillis>>;
    /// Whether anything of a document is lost.
    fn is_lost(&self, doc: DocId) -> StoreResult<bool>;
    /// Every document that was ever damaged: the place where it was whole again, or `None` while something is lost.
    fn mending(&self) -> StoreResult<BTreeMap<DocId, Option<Seq>>>;
    /// Puts a record back at its place, which must be lost, else the store is damaged.
    fn put_back(&mut self, record: &Record) -> StoreResult<()>;
    /// Adds an entry without a record behind the head, and gives its place: the document is whole again.
    fn append_whole(&mut self, doc: DocId, readers: &[UserId]) -> StoreResult<Seq>;

    /// What became of a change, if it was seen before.
    fn verdict(&self, change: &ChangeHash) -> StoreResult<Option<StoredVerdict>>;
    /// Remembers a refusal, and forgets the oldest when there are more than `most`. Admissions are remembered by
    /// [`ServerStore::append`], for ever.
    fn put_rejection(&mut self, change: &ChangeHash, code: u16, detail: &str, most: u32) -> StoreResult<()>;

    /// The end of the admission log as it was signed last; `None` before its first entry.
    fn admission_head(&self) -> StoreResult<Option<Signed>>;
    /// Adds entries behind the end of the admission log, with the new end: the first must have the next number, else
    /// nothing is written and the store is damaged. There is no call that takes one away.
    fn append_admissions(&mut self, first: u64, entries: &[Vec<u8>], head: &Signed) -> StoreResult<()>;
    /// The bytes of entries of the admission log from a number on, at most `limit`.
    fn admissions(&self, first: u64, limit: usize) -> StoreResult<Vec<Vec<u8>>>;

    /// A ticket's row.
    fn ticket(&self, ticket: TicketId) -> StoreResult<Option<TicketRow>>;
    /// Writes a ticket's row, and its place in the order of activity.
    fn put_ticket(&mut self, row: &TicketRow) -> StoreResult<()>;
    /// Takes the next ticket number: 1, 2, 3 ..., without those that were claimed.
    fn take_ticket_number(&mut self) -> StoreResult<u32>;
    /// Takes this ticket number, for a ticket that had it; `false` if another has it by now.
    fn claim_ticket_number(&mut self, number: u32) -> StoreResult<bool>;
    /// The members of a ticket: its requester, and with whom it was shared. The team sees it without.
    fn members_of(&self, ticket: TicketId) -> StoreResult<Vec<UserId>>;
    /// Makes somebody a member of a ticket.
    fn put_member_of(&mut self, ticket: TicketId, user: UserId) -> StoreResult<()>;
    /// Ends it.
    fn remove_member_of(&mut self, ticket: TicketId, user: UserId) -> StoreResult<()>;
    /// With whom a ticket was shared, and who shared it; the requester is not among them.
    fn shares_of(&self, ticket: TicketId) -> StoreResult<Vec<Share>>;
    /// Writes one; it takes the place of one with the same person.
    fn put_share(&mut self, ticket: TicketId, share: &Share) -> StoreResult<()>;
    /// Drops the one with this person.
    fn remove_share(&mut self, ticket: TicketId, with: &ShareWith) -> StoreResult<()>;
    /// Tickets that were shared with an address that nobody had shown to be theirs.
    fn tickets_shared_with(&self, email: &str) -> StoreResult<Vec<TicketId>>;
    /// Tickets that the audience may see whose last record is before `before`, newest activity first.
    fn tickets_by_activity(
        &self,
        audience: Audience,
        before: Seq,
        limit: usize,
    ) -> StoreResult<Vec<TicketRow>>;
    /// How many tickets the audience may see.
    fn ticket_count(&self, audience: Audience) -> StoreResult<u64>;

    /// Notes that a blob came through a document that names it, whole.
    fn put_blob(&mut self, place: BlobPlace) -> StoreResult<()>;
    /// Whether it did.
    fn has_blob(&self, place: BlobPlace) -> StoreResult<bool>;
    /// Documents that a blob came through, at most `limit`.
    fn docs_of_blob(&self, blob: &BlobHash, limit: usize) -> StoreResult<Vec<DocId>>;

    /// A person.
    fn user(&self, user: UserId) -> StoreResult<Option<User>>;
    /// A person by case-folded email.
    fn user_by_email(&self, email: &str) -> StoreResult<Option<User>>;
    /// Writes a person; the email, if any, must be free or theirs already.
    fn put_user(&mut self, user: &User) -> StoreResult<()>;
    /// All people, by id.
    fn users(&self) -> StoreResult<Vec<User>>;
    /// A device.
    fn device(&self, device: &DeviceId) -> StoreResult<Option<Device>>;
    /// Writes a device, and keeps its certificate under its serial.
    fn put_device(&mut self, device: &Device) -> StoreResult<()>;
    /// All devices, by id.
    fn devices(&self) -> StoreResult<Vec<Device>>;
    /// The certificate of a device by serial.
    fn certificate(&self, device: &DeviceId, serial: u32) -> StoreResult<Option<Signed>>;
    /// All of a device by serial, the newest last.
    fn certificates_of(&self, device: &DeviceId) -> StoreResult<Vec<(u32, Signed)>>;
    /// Keeps one, of whatever device.
    fn put_certificate(&mut self, device: &DeviceId, serial: u32, certificate: &Signed) -> StoreResult<()>;

    /// An invitation by the hash of its code.
    fn invite(&self, code_hash: &[u8; 32]) -> StoreResult<Option<Invite>>;
    /// Writes an invitation.
    fn put_invite(&mut self, invite: &Invite) -> StoreResult<()>;
    /// Uses an invitation up.
    fn remove_invite(&mut self, code_hash: &[u8; 32]) -> StoreResult<()>;
    /// All open invitations.
    fn invites(&self) -> StoreResult<Vec<Invite>>;

    /// The code that was mailed last for a device.
    fn mailed_code(&self, device: &DeviceId) -> StoreResult<Option<MailedCode>>;
    /// Writes it; it takes the place of an earlier one for the same device.
    fn put_mailed_code(&mut self, code: &MailedCode) -> StoreResult<()>;
    /// Uses it up.
    fn remove_mailed_code(&mut self, device: &DeviceId) -> StoreResult<()>;
    /// All of them, by device.
    fn mailed_codes(&self) -> StoreResult<Vec<MailedCode>>;

    /// A device that waits to be let in.
    fn waiting_device(&self, device: &DeviceId) -> StoreResult<Option<WaitingDevice>>;
    /// Writes one.
    fn put_waiting_device(&mut self, waiting: &WaitingDevice) -> StoreResult<()>;
    /// It waits no longer.
    fn remove_waiting_device(&mut self, device: &DeviceId) -> StoreResult<()>;
    /// All that wait, by device.
    fn waiting_devices(&self) -> StoreResult<Vec<WaitingDevice>>;

    /// How far the devices of the team, or of one customer, have come.
    fn watermark(&self, audience: Audience) -> StoreResult<Watermarks>;
    /// Writes it.
    fn put_watermark(&mut self, audience: Audience, watermarks: Watermarks) -> StoreResult<()>;
    /// A ticket's deliveries.
    fn mark(&self, ticket: TicketId) -> StoreResult<Option<Mark>>;
    /// Writes a ticket's deliveries and puts them behind all other marks.
    fn put_mark(&mut self, mark: &Mark) -> StoreResult<()>;
    /// Marks written behind `after` that the audience may see, oldest first, each with its position.
    fn marks_after(&self, audience: Audience, after: u64, limit: usize) -> StoreResult<Vec<(u64, Mark)>>;
    /// Position of the newest mark of either kind.
    fn mark_head(&self) -> StoreResult<u64>;

    /// How far somebody has read a ticket.
    fn read_mark(&self, ticket: TicketId, user: UserId) -> StoreResult<Option<ReadMark>>;
    /// How far everybody has, by user.
    fn read_marks_of(&self, ticket: TicketId) -> StoreResult<Vec<ReadMark>>;
    /// Writes one and puts it behind all other marks, of deliveries too: they share their positions.
    fn put_read_mark(&mut self, mark: &ReadMark) -> StoreResult<()>;
    /// Read marks written behind `after` of tickets that the audience may see, oldest first, each with its position.
    fn read_marks_after(
        &self,
        audience: Audience,
        after: u64,
        limit: usize,
    ) -> StoreResult<Vec<(u64, ReadMark)>>;

    /// What the server keeps for a user, with the number of its last change.
    fn kept(&self, user: UserId) -> StoreResult<(u64, KeptAll)>;
    /// Writes one thing, in the place of what is under its key, or takes that out; the version rises to this.
    fn put_kept(&mut self, user: UserId, version: u64, kept: &Kept) -> StoreResult<()>;
    /// Forgets all of a user.
    fn remove_all_kept(&mut self, user: UserId) -> StoreResult<()>;

    /// Members of whom no device was connected, by user.
    fn aways(&self) -> StoreResult<Vec<Away>>;
    /// Writes one.
    fn put_away(&mut self, away: &Away) -> StoreResult<()>;
    /// A device of theirs is there, or they are in the project no longer.
    fn remove_away(&mut self, user: UserId) -> StoreResult<()>;
}

/// Who reads: decides which part of the log there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Agents and admins: all tickets of the project.
    Team,
    /// A customer: the tickets they are a member of.
    Customer(UserId),
}

impl Audience {
    /// The audience of a user in a role.
    pub const fn new(user: UserId, role: Role) -> Self {
        if role.is_team() { Self::Team } else { Self::Customer(user) }
    }
}

/// The project of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerProject {
    /// Its root's public key.
    #[serde(with = "id")]
    pub project: ProjectId,
    /// What it was called at first; the project document has the present name.
    pub name: String,
    /// New whenever the log starts anew.
    #[serde(with = "id")]
    pub log: LogId,
    /// By the root, for this node's key.
    pub node: Signed,
    /// Serial of that certificate.
    pub node_serial: u32,
    /// When it was restored from a backup, in milliseconds, if it ever was: what was certified until then and is
    /// missing here may come back ([`crate::limits::RECOVERY_MILLIS`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_at_millis: Option<u64>,
}

/// One place of the log, without the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEntry {
    /// The place.
    pub seq: Seq,
    /// The document.
    pub doc: DocId,
    /// What stands there.
    pub kind: EntryKind,
}

/// What stands at a place of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A record.
    Record {
        /// Which of the document's records.
        index: u32,
    },
    /// The one who reads it may see the document from here on, or no longer. Only they, and the team, which takes no
    /// notice, read such an entry.
    Visibility(Visibility),
    /// A record that cannot be read any more, until somebody brings it back.
    Lost,
    /// All that was lost of the document is there again. Who came past a lost place lacks what stood there.
    Whole,
}

/// What became of a user's right to see a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// They may see it from here on, with all that was before.
    Granted,
    /// They may not any more.
    Revoked,
}

/// That a ticket was shared with somebody beside its requester.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Whom it was shared with, as the one who shared it named them.
    #[serde(rename = "w")]
    pub with: ShareWith,
    /// Who they are, once that is known.
    #[serde(rename = "u", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Who shared it.
    #[serde(rename = "b", with = "id")]
    pub by: UserId,
    /// When.
    #[serde(rename = "t", with = "millis")]
    pub at: UnixMillis,
}

/// How the person was named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ShareWith {
    /// By id.
    #[serde(rename = "u")]
    User(#[serde(with = "id")] UserId),
    /// By an address, case-folded. Whether anybody had it then, the share does not tell.
    #[serde(rename = "e")]
    Email(String),
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredVerdict {
    /// It is in the log.
    Admitted(LogEntry),
    /// It never will be.
    Rejected {
        /// [`assist_crdt_model::RejectCode::number`].
        code: u16,
        /// For people.
        detail: String,
    },
}

/// A person on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Random.
    #[serde(with = "id")]
    pub user: UserId,
    /// What they are called.
    pub name: String,
    /// Case-folded.
    pub email: Option<String>,
    /// What they may do now.
    #[serde(with = "role")]
    pub role: Role,
    /// When they joined.
    #[serde(with = "millis")]
    pub joined_at: UnixMillis,
    /// When they were taken out of the project, in milliseconds. What they wrote stays, so their name does: nothing
    /// else, and as a customer, who may do the least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at_millis: Option<u64>,
}

impl User {
    /// Whether they are in the project.
    pub const fn is_member(&self) -> bool {
        self.removed_at_millis.is_none()
    }
}

/// A device on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its key.
    #[serde(with = "id")]
    pub device: DeviceId,
    /// Whose it is.
    #[serde(with = "id")]
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    /// Serial of its present certificate.
    pub serial: u32,
    /// Its present certificate.
    pub certificate: Signed,
    /// When that was issued.
    #[serde(with = "millis")]
    pub issued_at: UnixMillis,
    /// Whether it was shut out.
    pub is_revoked: bool,
    /// When it was last connected, as far as was noted; see [`crate::limits::LAST_SEEN_STEP_MILLIS`].
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis::opt")]
    pub last_seen_at: Option<UnixMillis>,
    /// The serial that it had in the backup from which the server was restored, if it has another by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_serial: Option<u32>,
}

impl Device {
    /// Under which certificates changes of this device may have been lost: what was admitted under an earlier one
    /// was in the backup.
    pub fn first_lost_serial(&self) -> u32 {
        self.restored_serial.unwrap_or(self.serial)
    }
}

/// An invitation: whoever shows its code becomes a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// BLAKE3 of the code, keyed by the project: the code itself is never stored.
    #[serde(with = "id")]
    pub code_hash: [u8; 32],
    /// As what.
    #[serde(with = "role")]
    pub role: Role,
    /// If set, only for this person (by email): an existing user gets a further device.
    pub email: Option<String>,
    /// If set, the name that the person gets.
    pub name: Option<String>,
    /// After this the code is worth nothing.
    #[serde(with = "millis")]
    pub expires_at: UnixMillis,
}

/// A code that was mailed to an address, for the one device that asked. Whoever shows it has shown that the address
/// is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailedCode {
    /// The device that asked.
    #[serde(with = "id")]
    pub device: DeviceId,
    /// Where it was mailed to, case-folded.
    pub email: String,
    /// What the person calls themselves.
    pub name: Option<String>,
    /// What they call the device.
    pub device_name: String,
    /// BLAKE3 of the code, keyed by project and device: the code itself is never stored.
    #[serde(with = "id")]
    pub code_hash: [u8; 32],
    /// The same of what the asking device shows, for those who confirm on another one.
    #[serde(with = "id")]
    pub check_hash: [u8; 32],
    /// Wrong codes so far.
    pub tries: u32,
    /// After this the code is worth nothing.
    #[serde(with = "millis")]
    pub expires_at: UnixMillis,
}

/// A device whose person has shown that the address is theirs, which is not enough: somebody has to approve it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingDevice {
    /// Its key.
    #[serde(with = "id")]
    pub device: DeviceId,
    /// Whose it would be.
    #[serde(with = "id")]
    pub user: UserId,
    /// What it would be called.
    pub name: String,
    /// Since when it waits.
    #[serde(with = "millis")]
    pub since: UnixMillis,
}

/// How far a side has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Watermarks {
    /// A device of theirs holds everything up to here.
    pub seen: Seq,
    /// Up to here the marks have been written; the rest follows in later turns.
    pub marked: Seq,
}
