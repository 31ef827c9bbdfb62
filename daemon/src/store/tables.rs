//! Every table of the store: its key, its value, who writes it. `docs/storage.md` tells the same at length.
//!
//! All integers are big-endian, so that the order of keys is the order of numbers. Ids are their raw bytes.
//! `scope` is two bytes: 0 is the server role, every project that the device has joined has its own number.
//! Keys stand in the file as they are; values are sealed ([`super::seal`]). So a key never holds what a person
//! wrote: no title, no name, no email.

use assist_crdt_model::{BlobHash, ChangeHash, DeviceId, DocId, TicketId, UserId};
use assist_proto::store::{Audience, Seq};
use redb::TableDefinition;

/// Bytes to bytes: order and meaning of both are this module's business, not the engine's.
pub(crate) type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident = $name:literal, $what:literal;)+) => {
        /// A table. The order of the variants means nothing; the names are format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Table { $($(#[$doc])* $table),+ }

        impl Table {
            /// All of them.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$table),+];

            /// Its name in the file. Bound into every seal: a value moved to another table does not open.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$table => $name),+ }
            }

            /// What one of its values is, for messages.
            pub(crate) const fn what(self) -> &'static str {
                match self { $(Self::$table => $what),+ }
            }
        }
    };
}

tables! {
    // -- The file itself --

    /// `store`: random id of the store, 16 bytes. Written once; opening it proves that the key is the right one.
    /// `journal`: number of the last frame of the journal whose changes are here (8).
    /// `row-state`: number of the state that `rows` is in (8).
    /// `search`: id of the search index that is believed (16), its number (8).
    Meta = "meta", "store id";
    /// project (32): its scope (2). Written by the first call that stores something of the project.
    Scopes = "scopes", "number of a project";
    /// scope, which (1), a user for counts of tickets: number (8). Which is a [`Counter`]; the team is no user.
    Counters = "counters", "counter";

    // -- Both roles --

    /// scope, doc (17): for each pack of the document its number (4) and the index of its first record (4).
    Docs = "docs", "packs of a document";
    /// scope, number (4): a pack of records ([`super::packs`]).
    Packs = "packs", "records of a document";
    /// scope, device (32), serial (4): CBOR of the signed device certificate.
    Certificates = "certificates", "device certificate";

    // -- Server role --

    /// empty: CBOR of [`assist_proto::store::ServerProject`].
    ServerProject = "server-project", "project of the server";
    /// block of 64 places (8): for each place its doc (17) and the index of the record in it (4), or what became of a
    /// reader's right to see the doc ([`super::log`]).
    Log = "log", "log";
    /// user (16), block of 1,024 places (8): offsets (2) of those that the customer may see ([`super::log`]).
    LogOf = "log-of", "log of a customer";
    /// doc (17), lost place (8): when its record was admitted (8). A document cannot be read from some pack on.
    Lost = "lost", "place of a lost record";
    /// doc (17): the newest place (8) where a document that had been damaged was whole again.
    Whole = "whole", "place of a mended document";
    /// doc (17), number (4): empty. A pack that was set aside: kept until the document is whole again.
    SetAside = "set-aside", "pack that was set aside";
    /// first half of the change hash (16): a verdict ([`super::verdicts`]).
    Verdicts = "verdicts", "verdict on a change";
    /// slot (4): the key of a refusal among the verdicts. A new one takes the place of the oldest.
    RejectionRing = "rejection-ring", "refusal to be forgotten";
    /// block of 32 entries (8): the entries of the admission log, deflated ([`super::admissions`]).
    Admissions = "admissions", "admission log";
    /// empty: CBOR of the signed end of the admission log.
    AdmissionHead = "admission-head", "end of the admission log";
    /// ticket (16): row, mark and members ([`super::entry`]).
    Tickets = "tickets", "ticket";
    /// ticket (16), with whom (17): CBOR of [`assist_proto::store::Share`]. With whom: 0 and a user (16), or 1 and the
    /// keyed hash of an email (16).
    Shares = "shares", "share of a ticket";
    /// keyed hash of an email that was nobody's (16), ticket (16): empty.
    SharesByEmail = "shares-by-email", "share with an email";
    /// number (4): empty. A ticket that was given back has it, and the counter is not there yet.
    ClaimedNumbers = "claimed-numbers", "number of a ticket";
    /// last seq (8), ticket (16): empty.
    Activity = "activity", "activity of a ticket";
    /// user (16), last seq (8), ticket (16): empty. The same for each of its members.
    ActivityOf = "activity-of", "activity of a member's ticket";
    /// user (16): CBOR of [`assist_proto::store::User`].
    Users = "users", "user";
    /// keyed hash of the email (16): user (16).
    Emails = "emails", "email of a user";
    /// device (32): CBOR of [`assist_proto::store::Device`].
    Devices = "devices", "device";
    /// hash of the code (32): CBOR of [`assist_proto::store::Invite`].
    Invites = "invites", "invitation";
    /// device (32): CBOR of [`assist_proto::store::MailedCode`].
    MailedCodes = "mailed-codes", "mailed code";
    /// device (32): CBOR of [`assist_proto::store::WaitingDevice`].
    WaitingDevices = "waiting-devices", "waiting device";
    /// empty for the team, else user (16): seen (8), marked (8).
    Watermarks = "watermarks", "watermark";
    /// position (8): ticket (16). The marks in the order in which they were written.
    MarkOrder = "mark-order", "order of marks";
    /// user (16), position (8): empty. The same for each member of the ticket.
    MarkOrderOf = "mark-order-of", "order of a customer's marks";
    /// blob (32), doc (17): empty. A blob came through a document that names it, whole.
    Blobs = "blobs", "blob of a document";
    /// ticket (16), user (16): position in the order (8) and a read mark ([`super::reads`]).
    ReadMarks = "read-marks", "read mark";
    /// position (8): ticket (16), user (16). The read marks in the order in which they were written; positions are
    /// given together with those of the other marks.
    ReadOrder = "read-order", "order of read marks";
    /// member (16), position (8): empty. The same for each member of the ticket.
    ReadOrderOf = "read-order-of", "order of a customer's read marks";

    /// user (16): number of the last change of what is kept for them (8).
    /// user (16), 1 and a ticket (16), or 2 and the keyed hash of a view's name (16), or 3 and nothing (16): CBOR of
    /// [`assist_proto::store::Kept`].
    Kept = "kept", "what is kept for a user";
    /// user (16): CBOR of [`assist_proto::store::Away`].
    Aways = "aways", "member who is away";

    // -- Device role --

    /// project (32): CBOR of [`assist_proto::store::Membership`].
    Memberships = "memberships", "membership";
    /// scope: CBOR of [`assist_proto::store::SyncState`].
    SyncStates = "sync-states", "state of the sync";
    /// scope, position (8): CBOR of [`assist_proto::store::OutboxEntry`].
    Outbox = "outbox", "change to be sent";
    /// scope, doc (17), position (8): empty.
    OutboxDocs = "outbox-docs", "change to be sent of a document";
    /// scope, change hash (32): doc (17). All changes made here.
    OwnChanges = "own-changes", "own change";
    /// scope, doc (17), seq (8): CBOR of a [`super::quarantine::Quarantined`].
    Quarantine = "quarantine", "quarantined record";
    /// scope, position (8): doc (17), seq (8), bytes of the change (8), time (8). What was put aside, oldest first.
    QuarantineOrder = "quarantine-order", "order of quarantined records";
    /// scope, doc (17): CBOR of the document's records, deflated.
    Unverified = "unverified", "unverified document";
    /// scope, direction (1; 0 sends, 1 fetches), doc (17), blob (32): CBOR of [`assist_proto::store::Transfer`].
    Transfers = "transfers", "transfer of a blob";
    /// scope, ticket (16): row, mark and mentions ([`super::entry`]).
    Rows = "rows", "list row";
    /// scope, ticket (16), user (16): a read mark ([`super::reads`]).
    Readers = "readers", "read mark";
    /// scope, ticket (16): through (8), at (8), flags (1): 2 is private. Own reads that the server has not confirmed.
    PendingReads = "pending-reads", "read to be told";
    /// scope, what (17): CBOR of [`assist_proto::store::Kept`], as the server has it. What is as in `kept`.
    OwnKept = "own-kept", "what is kept for the user";
    /// scope, what (17): the same, not confirmed by the server.
    PendingKept = "pending-kept", "what is to be kept";
    /// scope, last activity (8), ticket (16): empty. Read backwards by most lists.
    RowOrder = "row-order", "place of a list row";
    /// scope, until when (8), ticket (16): empty. Tickets that are asleep.
    RowSnoozes = "row-snoozes", "snooze of a ticket";
    /// scope, ticket number (4), ticket (16): empty.
    RowNumbers = "row-numbers", "number of a ticket";
    /// scope, ticket (16), or scope alone for a project that was left: number of the change (8). What the search index
    /// does not have yet ([`super::unindexed`]).
    Unindexed = "unindexed", "text to be indexed";
    /// scope, node (32): CBOR of the signed node certificate.
    Nodes = "nodes", "node certificate";
    /// scope, device (32): what its owner calls it, UTF-8.
    DeviceNames = "device-names", "name of a device";
    /// scope, user (16): CBOR of [`assist_proto::wire::Member`].
    Members = "members", "member";
    /// project (32): CBOR of [`assist_proto::store::PendingJoin`].
    PendingJoins = "pending-joins", "pending join";
    /// id (8): CBOR of [`assist_proto::store::Draft`].
    Drafts = "drafts", "draft";
}

impl Table {
    /// Whether its values are cut into pieces ([`PIECE_SIZE`]) that stand under the key and their number (2): the
    /// engine's pages of 4 KB would stay half empty with values of 1 to 4 KB.
    pub(crate) const fn is_in_pieces(self) -> bool {
        matches!(self, Self::Packs | Self::Unverified | Self::Admissions)
    }

    /// Whether it came with a later version of the same format: an older store has none.
    pub(crate) const fn may_be_missing(self) -> bool {
        matches!(
            self,
            Self::AdmissionHead
                | Self::Admissions
                | Self::Aways
                | Self::Blobs
                | Self::ClaimedNumbers
                | Self::DeviceNames
                | Self::Docs
                | Self::Kept
                | Self::Lost
                | Self::MailedCodes
                | Self::Nodes
                | Self::OwnKept
                | Self::PendingJoins
                | Self::PendingKept
                | Self::PendingReads
                | Self::QuarantineOrder
                | Self::ReadMarks
                | Self::ReadOrder
                | Self::ReadOrderOf
                | Self::Readers
                | Self::RejectionRing
                | Self::RowSnoozes
                | Self::SetAside
                | Self::Shares
                | Self::SharesByEmail
                | Self::Transfers
                | Self::Unindexed
                | Self::WaitingDevices
                | Self::Whole
        )
    }

    /// How the engine knows it.
    pub(crate) const fn definition(self) -> Definition {
        TableDefinition::new(self.name())
    }
}

/// The one table with plain values: `format` (6): the format version (4). Readable before the key is known, so
/// that a store of a newer version is told from one with another key.
pub(crate) const FORMAT: Definition = TableDefinition::new("format");
/// Its only key.
pub(crate) const FORMAT_KEY: &[u8] = b"format";
/// The key of [`Table::Meta`] that tells the store's id.
pub(crate) const STORE_ID_KEY: &[u8] = b"store";
/// The key of [`Table::Meta`] that tells the number of the state that [`Table::Rows`] is in.
pub(crate) const ROWS_KEY: &[u8] = b"row-state";
/// The key of [`Table::Meta`] that tells the number of the last frame of the journal whose changes are here.
pub(crate) const APPLIED_KEY: &[u8] = b"journal";

/// Bytes of a piece of a long value, after sealing: four of them and their keys fill a page.
pub(crate) const PIECE_SIZE: usize = 984;
/// Bytes by which the key of a piece is longer.
pub(crate) const PIECE_NUMBER_SIZE: usize = 2;

/// The key of a piece.
pub(crate) fn piece_key(key: &[u8], number: usize) -> Vec<u8> {
    let number = u16::try_from(number).expect("values are bounded by limits of the protocol");
    [key, &number.to_be_bytes()].concat()
}

/// What [`Table::Counters`] counts. The numbers are format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    /// The scope that the next new project gets.
    NextScope = 1,
    /// Tickets that an audience of the server may see.
    Tickets = 2,
    /// The ticket number given last.
    TicketNumber = 3,
    /// Position of the newest mark.
    MarkHead = 4,
    /// Rows of a scope.
    Rows = 5,
    /// Entries of a scope's outbox.
    Outbox = 6,
    /// Position that the next entry of a scope's outbox gets.
    NextOutbox = 7,
    /// The id that the next draft gets.
    NextDraft = 8,
    /// Documents of a scope that have records.
    Documents = 9,
    /// Documents of a scope that came whole and are not verified yet.
    Unverified = 10,
    /// The number that the next pack of a scope gets.
    Packs = 11,
    /// Records that a scope has put aside.
    Quarantined = 12,
    /// Bytes of their changes.
    QuarantinedBytes = 13,
    /// Position that the next one gets.
    NextQuarantined = 14,
    /// Refusals that a server ever remembered.
    Rejections = 15,
    /// Unread tickets of a scope.
    Unread = 16,
    /// Changes of what can be found by search.
    TextChanges = 17,
    /// Tickets of a scope in which the user is mentioned where they have not read.
    Mentioned = 18,
}

/// Bytes of a scope in a key.
pub(crate) const SCOPE_SIZE: usize = 2;

/// Number of a project in this file: keys stay short. Never used again after its project was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Scope(pub(crate) u16);

impl Scope {
    /// The server role.
    pub(crate) const SERVER: Self = Self(0);
}

/// A part of a key.
pub(crate) trait KeyPart {
    /// Writes the part's bytes behind those that are there.
    fn write(&self, key: &mut Vec<u8>);
}

/// Joins parts to a key.
macro_rules! key {
    ($($part:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "some keys are empty")]
        let mut key: Vec<u8> = Vec::with_capacity(64);
        $($crate::store::tables::KeyPart::write(&$part, &mut key);)*
        key
    }};
}
pub(crate) use key;

impl KeyPart for Scope {
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.0.to_be_bytes());
    }
}

impl KeyPart for Seq {
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.0.to_be_bytes());
    }
}

impl KeyPart for u64 {
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.to_be_bytes());
    }
}

impl KeyPart for u32 {
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.to_be_bytes());
    }
}

impl KeyPart for DocId {
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.to_bytes());
    }
}

impl KeyPart for Counter {
    fn write(&self, key: &mut Vec<u8>) {
        key.push(*self as u8);
    }
}

impl KeyPart for Audience {
    fn write(&self, key: &mut Vec<u8>) {
        if let Self::Customer(user) = self {
            user.write(key);
        }
    }
}

macro_rules! byte_key_parts {
    ($($id:ty),+) => {$(
        impl KeyPart for $id {
            fn write(&self, key: &mut Vec<u8>) {
                key.extend_from_slice(self.as_bytes());
            }
        }
    )+};
}
byte_key_parts!(BlobHash, TicketId, UserId, DeviceId, ChangeHash, assist_crdt_model::ProjectId);

impl<const N: usize> KeyPart for [u8; N] {
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self);
    }
}

/// Keys from one to before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first.
    pub(crate) start: Vec<u8>,
    /// Behind the last; `None` for the end of the table.
    pub(crate) end: Option<Vec<u8>>,
}

impl Span {
    /// All keys that begin with these bytes.
    pub(crate) fn prefix(prefix: Vec<u8>) -> Self {
        let end = successor(&prefix);
        Self { start: prefix, end }
    }

    /// Keys of the prefix from `start` on.
    pub(crate) fn prefix_from(prefix: &[u8], start: Vec<u8>) -> Self {
        Self { start, end: successor(prefix) }
    }

    /// Whether the key is in it.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && self.end.as_ref().is_none_or(|end| key < end.as_slice())
    }
}

/// The first key behind all that begin with the prefix; `None` if that is the end.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}
