//! The storage of a device: for every project it has joined, documents, outbox, rows and drafts.

use std::collections::BTreeSet;

use assist_crdt_model::{ChangeHash, DeviceId, DocId, ProjectId, Role, TicketId, UnixMillis, UserId};
use serde::{Deserialize, Serialize};

use super::{
    Desktop, Kept, KeptKey, Mark, Mentions, PendingRead, ReadMark, Record, Seq, StoreResult, TicketRow,
};
use crate::certificate::{Signed, millis, role};
use crate::envelope::Envelope;
use crate::wire::blob::{BlobCode, BlobPlace};
use crate::wire::{ColdPosition, LogId, Member, id};

/// What a device stores. All calls of one turn see each other's writes and are durable together.
pub trait DeviceStore {
    /// All projects joined.
    fn memberships(&self) -> StoreResult<Vec<Membership>>;
    /// Writes one.
    fn put_membership(&mut self, membership: &Membership) -> StoreResult<()>;
    /// Forgets a project and everything of it.
    fn remove_project(&mut self, project: &ProjectId) -> StoreResult<()>;
    /// How far the device has come with a project.
    fn sync_state(&self, project: &ProjectId) -> StoreResult<SyncState>;
    /// Writes it.
    fn put_sync_state(&mut self, project: &ProjectId, state: &SyncState) -> StoreResult<()>;

    /// Adds an own change under the next position, which is returned.
    fn push_outbox(&mut self, project: &ProjectId, entry: &OutboxEntry) -> StoreResult<u64>;
    /// Writes an own change that waits anew, at its position.
    fn put_outbox(&mut self, project: &ProjectId, position: u64, entry: &OutboxEntry) -> StoreResult<()>;
    /// Takes an own change out.
    fn remove_outbox(&mut self, project: &ProjectId, position: u64) -> StoreResult<()>;
    /// Own changes from a position on, in the order in which they were made, at most `limit`.
    fn outbox(&self, project: &ProjectId, from: u64, limit: usize) -> StoreResult<Vec<(u64, OutboxEntry)>>;
    /// Own changes of one document, in order.
    fn outbox_of_doc(&self, project: &ProjectId, doc: DocId) -> StoreResult<Vec<(u64, OutboxEntry)>>;
    /// How many there are.
    fn outbox_count(&self, project: &ProjectId) -> StoreResult<u64>;
    /// The document of a change that this device made, whatever became of it.
    fn own_change(&self, project: &ProjectId, change: &ChangeHash) -> StoreResult<Option<DocId>>;

    /// Adds an admitted record to its document, behind those that are there.
    fn append_record(&mut self, project: &ProjectId, record: &Record) -> StoreResult<()>;
    /// All admitted records of a document, in the order of [`DeviceStore::append_record`].
    fn doc_records(&self, project: &ProjectId, doc: DocId) -> StoreResult<Vec<Record>>;
    /// Every document of which anything is here: admitted records, own changes, an unverified copy, or a row.
    fn docs(&self, project: &ProjectId) -> StoreResult<BTreeSet<DocId>>;
    /// Drops the admitted records of a document, which are about to be written anew, and nothing else.
    fn remove_records(&mut self, project: &ProjectId, doc: DocId) -> StoreResult<()>;
    /// Drops a document: its records, its unverified copy, what was put aside of it, and a ticket's row and
    /// marks. Own changes stay in the outbox: whoever drops a document has taken them out before.
    fn remove_doc(&mut self, project: &ProjectId, doc: DocId) -> StoreResult<()>;

    /// Puts a record aside that the gate refused although the server had admitted it. One that is there already stays
    /// as it is.
    fn put_quarantined(
        &mut self,
        project: &ProjectId,
        record: &Record,
        code: u16,
        detail: &str,
        now: UnixMillis,
    ) -> StoreResult<()>;
    /// How much of a project was put aside.
    fn quarantine(&self, project: &ProjectId) -> StoreResult<Quarantine>;
    /// Drops what was put aside, oldest first, until no more than `most` is left and nothing of before `since`.
    fn trim_quarantine(
        &mut self,
        project: &ProjectId,
        most: Quarantine,
        since: UnixMillis,
    ) -> StoreResult<()>;

    /// Stores a document as the server sent it, to be verified later. `records` is CBOR of `Vec<Record>`, several of
    /// them one behind the other where the document came in parts.
    fn put_unverified(&mut self, project: &ProjectId, doc: DocId, records: &[u8]) -> StoreResult<()>;
    /// Such a document.
    fn unverified(&self, project: &ProjectId, doc: DocId) -> StoreResult<Option<Vec<u8>>>;
    /// Forgets it, after it was verified or refused.
    fn remove_unverified(&mut self, project: &ProjectId, doc: DocId) -> StoreResult<()>;
    /// Some of them, at most `limit`.
    fn next_unverified(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<DocId>>;

    /// A ticket's row.
    fn row(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<TicketRow>>;
    /// Writes it, and its place in the orders of lists.
    fn put_row(&mut self, project: &ProjectId, row: &TicketRow) -> StoreResult<()>;
    /// Tickets whose rows are snoozed, the first to wake first, at most `limit`.
    fn snoozed(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<(UnixMillis, TicketId)>>;
    /// Drops it: the ticket was refused, or is no longer visible.
    fn remove_row(&mut self, project: &ProjectId, ticket: TicketId) -> StoreResult<()>;

    /// Place of the newest record of a ticket that this device's user wrote, among those that passed the gate.
    fn own_seq(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Seq>>;
    /// Writes it.
    fn put_own_seq(&mut self, project: &ProjectId, ticket: TicketId, seq: Seq) -> StoreResult<()>;

    /// A device certificate of the project, signed by a node; the signature was checked before it was stored.
    fn certificate(&self, project: &ProjectId, device: &DeviceId, serial: u32)
    -> StoreResult<Option<Signed>>;
    /// Keeps one.
    fn put_certificate(
        &mut self,
        project: &ProjectId,
        device: &DeviceId,
        serial: u32,
        certificate: &Signed,
    ) -> StoreResult<()>;
    /// Certificates of the project's nodes, by the root; their signatures were checked before they were stored.
    fn nodes(&self, project: &ProjectId) -> StoreResult<Vec<Signed>>;
    /// Keeps one, in place of an older one for the same node.
    fn put_node(&mut self, project: &ProjectId, node: &DeviceId, certificate: &Signed) -> StoreResult<()>;
    /// What its owner calls a device of the project, if this device was told.
    fn device_name(&self, project: &ProjectId, device: &DeviceId) -> StoreResult<Option<String>>;
    /// Writes it.
    fn put_device_name(&mut self, project: &ProjectId, device: &DeviceId, name: &str) -> StoreResult<()>;
    /// A person of the project.
    fn member(&self, project: &ProjectId, user: UserId) -> StoreResult<Option<Member>>;
    /// All known people of the project.
    fn members(&self, project: &ProjectId) -> StoreResult<Vec<Member>>;
    /// Writes one.
    fn put_member(&mut self, project: &ProjectId, member: &Member) -> StoreResult<()>;

    /// Writes a transfer; it takes the place of one of the same blob through the same document in the same direction.
    fn put_transfer(&mut self, project: &ProjectId, transfer: &Transfer) -> StoreResult<()>;
    /// Forgets one.
    fn remove_transfer(
        &mut self,
        project: &ProjectId,
        direction: Direction,
        place: BlobPlace,
    ) -> StoreResult<()>;
    /// All transfers of a project that are not done.
    fn transfers(&self, project: &ProjectId) -> StoreResult<Vec<Transfer>>;

    /// How far a ticket has been delivered.
    fn mark(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Mark>>;
    /// Writes it.
    fn put_mark(&mut self, project: &ProjectId, mark: &Mark) -> StoreResult<()>;

    /// Place of the newest record of a ticket that somebody else wrote, among those that passed the gate.
    fn others_seq(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Seq>>;
    /// Writes it.
    fn put_others_seq(&mut self, project: &ProjectId, ticket: TicketId, seq: Seq) -> StoreResult<()>;
    /// How far this device's user has read a ticket, on whichever device.
    fn own_read(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Seq>>;
    /// Writes it.
    fn put_own_read(&mut self, project: &ProjectId, ticket: TicketId, through: Seq) -> StoreResult<()>;
    /// Tickets with a row of which somebody else wrote more than this device's user has read.
    fn unread_count(&self, project: &ProjectId) -> StoreResult<u64>;
    /// Where the user is mentioned in a ticket; nowhere where nothing was written.
    fn mentions(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Mentions>;
    /// Writes it.
    fn put_mentions(&mut self, project: &ProjectId, ticket: TicketId, mentions: &Mentions)
    -> StoreResult<()>;
    /// Tickets with a row in which the user is mentioned where they have not read.
    fn mentioned_count(&self, project: &ProjectId) -> StoreResult<u64>;
    /// How far somebody has read a ticket, as the server told.
    fn read_mark(&self, project: &ProjectId, ticket: TicketId, user: UserId)
    -> StoreResult<Option<ReadMark>>;
    /// How far everybody has, by user.
    fn read_marks(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Vec<ReadMark>>;
    /// Writes one.
    fn put_read_mark(&mut self, project: &ProjectId, mark: &ReadMark) -> StoreResult<()>;
    /// What this device has still to tell of its user's reading, by ticket, at most `limit`.
    fn pending_reads(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<PendingRead>>;
    /// The one of a ticket.
    fn pending_read(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<PendingRead>>;
    /// Writes one, in the place of an earlier one of the ticket.
    fn put_pending_read(&mut self, project: &ProjectId, read: &PendingRead) -> StoreResult<()>;
    /// Drops the one of a ticket.
    fn remove_pending_read(&mut self, project: &ProjectId, ticket: TicketId) -> StoreResult<()>;

    /// What the server keeps for this device's user, as it last told.
    fn kept(&self, project: &ProjectId) -> StoreResult<Vec<Kept>>;
    /// Writes one, in the place of what is under its key.
    fn put_kept(&mut self, project: &ProjectId, kept: &Kept) -> StoreResult<()>;
    /// Drops what is under a key.
    fn remove_kept(&mut self, project: &ProjectId, key: &KeptKey) -> StoreResult<()>;
    /// What the user wants kept, or no longer, and the server has not confirmed.
    fn pending_kept(&self, project: &ProjectId) -> StoreResult<Vec<Kept>>;
    /// Writes one, in the place of what is under its key.
    fn put_pending_kept(&mut self, project: &ProjectId, kept: &Kept) -> StoreResult<()>;
    /// Drops what is under a key.
    fn remove_pending_kept(&mut self, project: &ProjectId, key: &KeptKey) -> StoreResult<()>;

    /// Projects that this device has asked to join by email, and is not in yet.
    fn pending_joins(&self) -> StoreResult<Vec<PendingJoin>>;
    /// Writes one.
    fn put_pending_join(&mut self, join: &PendingJoin) -> StoreResult<()>;
    /// Forgets one.
    fn remove_pending_join(&mut self, project: &ProjectId) -> StoreResult<()>;

    /// Keeps refused text; gives it the next id.
    fn put_draft(&mut self, draft: &Draft) -> StoreResult<DraftId>;
    /// One.
    fn draft(&self, id: DraftId) -> StoreResult<Option<Draft>>;
    /// All.
    fn drafts(&self) -> StoreResult<Vec<(DraftId, Draft)>>;
    /// Drops one.
    fn remove_draft(&mut self, id: DraftId) -> StoreResult<()>;
}

/// How much was put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quarantine {
    /// Records.
    pub count: u64,
    /// Bytes of their changes.
    pub size_bytes: u64,
}

impl Quarantine {
    /// Whether it is no more than this.
    pub const fn fits(self, most: Self) -> bool {
        self.count <= most.count && self.size_bytes <= most.size_bytes
    }
}

/// A joined project: who we are there and how it is reached. Changes seldom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The project.
    #[serde(with = "id")]
    pub project: ProjectId,
    /// What it is called.
    pub name: String,
    /// The address as it was pasted, with the hosts that the server says are its own now.
    pub address: String,
    /// The node that was last proven to belong to the project.
    #[serde(with = "id")]
    pub node: DeviceId,
    /// Serial of its certificate.
    pub node_serial: u32,
    /// We.
    #[serde(with = "id")]
    pub user: UserId,
    /// What we may do, as the server last said.
    #[serde(with = "role")]
    pub role: Role,
    /// What we call this device.
    pub device_name: String,
    /// Serial of our certificate.
    pub serial: u32,
    /// Our certificate.
    pub certificate: Signed,
    /// From which the actor of our next change is derived.
    pub incarnation: u32,
    /// The user's own switch for working offline.
    pub is_paused: bool,
    /// When we joined.
    #[serde(with = "millis")]
    pub joined_at: UnixMillis,
    /// The user's own switch: what they read here is told to their own devices alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads_are_private: bool,
    /// The user's own choice of what this device shows on its desktop.
    #[serde(default, skip_serializing_if = "Desktop::is_default")]
    pub desktop: Desktop,
}

/// How far a device has come with a project. Changes with every frame.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SyncState {
    /// The log that the positions are of; `None` before the first session.
    #[serde(with = "id::opt", default)]
    pub log: Option<LogId>,
    /// Everything up to here is stored.
    pub cursor: Seq,
    /// The same for marks.
    pub mark_cursor: u64,
    /// A cold start that has not ended.
    pub cold: Option<ColdStart>,
    /// When the last session was in step with the server, in milliseconds.
    pub synced_at_millis: Option<u64>,
    /// The largest blob that the server takes, as it last said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob_bytes_max: Option<u64>,
    /// Which version of what the server keeps for the user is here; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept_version: u64,
    /// The server has started another log, and not all that is here knows so yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_doubted: bool,
    /// There may be records here that the present log does not have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_former: bool,
    /// The files that are here were not all offered to the server since it was restored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_unoffered: bool,
    /// Documents that were damaged here and are asked for again; at most [`crate::limits::LACKING_DOCS_MAX`].
    #[serde(
        serialize_with = "id::list::serialize",
        deserialize_with = "id::list::at_most::<{ crate::limits::LACKING_DOCS_MAX }, _, _>",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub lacking: Vec<DocId>,
    /// By which names all that is here was looked through for mentions ([`crate::mention::Names::token_of`]).
    #[serde(with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub names_token: Option<[u8; 16]>,
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A cold start that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColdStart {
    /// How far it has come.
    pub position: ColdPosition,
    /// How many tickets the server announced.
    pub tickets: u64,
}

/// An own change that the server has not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Its hash.
    #[serde(rename = "h", with = "id")]
    pub change: ChangeHash,
    /// When it was made.
    #[serde(rename = "t", with = "millis")]
    pub made_at: UnixMillis,
    /// What is sent.
    #[serde(rename = "e")]
    pub envelope: Envelope,
    /// Until when it is held back. There for as long as the change has certainly not left this device: it is taken
    /// off, and that is durable, before the change leaves for the first time.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none", with = "millis::opt")]
    pub held_until: Option<UnixMillis>,
}

/// Which way a blob goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// To the server.
    #[serde(rename = "s")]
    Send,
    /// From it.
    #[serde(rename = "f")]
    Fetch,
}

/// Why a transfer is made. The order is the order in which they are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TransferCause {
    /// A person attached the file, or asked for it, and waits.
    #[serde(rename = "a")]
    Asked,
    /// A picture of a ticket that is worked on: whoever opens the ticket looks at it.
    #[serde(rename = "p")]
    Picture,
    /// Another file of a ticket that is worked on.
    #[serde(rename = "o")]
    Other,
    /// A server that was restored may have lost the file. It is sent if it is here and not there.
    #[serde(rename = "l")]
    Lost,
}

/// A blob that is to be sent or fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Which way.
    #[serde(rename = "d")]
    pub direction: Direction,
    /// Which blob, through which document.
    #[serde(rename = "w")]
    pub place: BlobPlace,
    /// As the document says.
    #[serde(rename = "s")]
    pub size_bytes: u64,
    /// Why.
    #[serde(rename = "y")]
    pub cause: TransferCause,
    /// What the server said to the last try, if it said no.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<BlobCode>,
}

/// A project that this device has asked to join by email. It is not proven yet that who answered is the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingJoin {
    /// The project, as the address or the server named it.
    #[serde(with = "id")]
    pub project: ProjectId,
    /// What the server says that it is called.
    pub name: String,
    /// The address as it was pasted, with the project.
    pub address: String,
    /// Where the code was mailed to.
    pub email: String,
    /// What this device is to be called.
    pub device_name: String,
    /// What whoever opens the mailed link on another device is to type there.
    pub check: String,
    /// When the code was asked for, by this device's clock.
    #[serde(with = "millis")]
    pub asked_at: UnixMillis,
    /// Whether the address is proven and the device waits to be approved.
    pub is_waiting: bool,
}

impl Draft {
    /// The code of what its author took back: nobody refused it.
    pub const TAKEN_BACK: u16 = 0;
}

/// Position of a draft on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DraftId(pub u64);

/// What a person wrote and the server refused: kept until they discard it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The project.
    #[serde(with = "id")]
    pub project: ProjectId,
    /// The document.
    #[serde(with = "id")]
    pub doc: DocId,
    /// The refused change.
    #[serde(with = "id")]
    pub change: ChangeHash,
    /// What it did, one entry an edit.
    pub edits: Vec<crate::hub::WireEdit>,
    /// [`assist_crdt_model::RejectCode::number`], or [`Self::TAKEN_BACK`].
    pub code: u16,
    /// Why, for people.
    pub reason: String,
    /// When it was written.
    #[serde(with = "millis")]
    pub made_at: UnixMillis,
    /// When this device heard that it was refused, by its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis::opt")]
    pub refused_at: Option<UnixMillis>,
}
