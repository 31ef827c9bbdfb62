//! What goes between peers: one closed enum of messages, CBOR in length-prefixed frames (`docs/wire.md`).
//!
//! Field names on the wire are the short ones; they and the variant names are promises, changed only by adding.

pub mod admission;
pub mod ask;
pub mod blob;
pub mod codec;
pub mod give_back;
pub mod health;
pub mod id;
pub mod join;
pub mod kept;
pub(crate) mod list;
pub mod presence;

use assist_crdt_model::{ChangeHash, DeviceId, DocId, ProjectId, Role, UnixMillis, UserId};
use serde::{Deserialize, Serialize};

use crate::certificate::{Signed, millis, role};
use crate::envelope::{Envelope, RefusedEnvelope, VerifiedEnvelope};
use crate::limits;
use crate::store::{Mark, PendingRead, ReadMark, Record, Seq, TicketRow, Visibility};

use ask::{Answer, Ask};
use blob::BlobsHere;
use codec::DecodeError;
use give_back::{GiveBack, Vouchers};
use join::{CodeSent, Confirm, Confirmed, DeviceNews, RequestCode, Waiting};
use kept::{Keep, KeptNews};
use list::List;
use presence::{PresenceNews, Present};

/// The version that this crate speaks. A peer with another major version is refused with [`RefusedCode::Version`].
pub const PROTOCOL_VERSION: u16 = 1;

/// A position in nothing but one log: new whenever a server starts a new one.
pub type LogId = [u8; 16];

/// One message. A device opens the stream and speaks first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerMessage {
    /// Device: who I am for, and how far I have come.
    #[serde(rename = "hello")]
    Hello(Hello),
    /// Device: make me a member, here is the code.
    #[serde(rename = "enroll")]
    Enroll(Enroll),
    /// Device: mail a one-time code to this address.
    #[serde(rename = "request-code")]
    RequestCode(RequestCode),
    /// Device: here is the mailed code; or, without one, is it my turn now?
    #[serde(rename = "confirm")]
    Confirm(Confirm),
    /// Device: changes of mine that you have not acknowledged. May follow `Hello` at once.
    #[serde(rename = "push")]
    Push(Push),
    /// Device: changes of anybody that another log of yours had, and this one has not.
    #[serde(rename = "give-back")]
    GiveBack(GiveBack),
    /// Device: everything up to here is durable with me.
    #[serde(rename = "seen")]
    Seen(Seen),
    /// Device: this was shown to my user.
    #[serde(rename = "read")]
    Read(Read),
    /// Device: this is to be kept for my user.
    #[serde(rename = "keep")]
    Keep(Keep),
    /// Device: who is here, and looks at what.
    #[serde(rename = "present")]
    Present(Present),
    /// Device: send me these documents whole.
    #[serde(rename = "fetch")]
    Fetch(Fetch),
    /// Device: a question or a wish about people, devices and tickets.
    #[serde(rename = "ask")]
    Ask(Ask),
    /// Server: you are in.
    #[serde(rename = "welcome")]
    Welcome(Welcome),
    /// Server: you are not, and the link closes.
    #[serde(rename = "refused")]
    Refused(Refused),
    /// Server: you are a member now.
    #[serde(rename = "enrolled")]
    Enrolled(Enrolled),
    /// Server: a code is on its way, if the address takes mail.
    #[serde(rename = "code-sent")]
    CodeSent(CodeSent),
    /// Server: the address is proven, and somebody must let the device in.
    #[serde(rename = "waiting")]
    Waiting(Waiting),
    /// Server: the other device that you confirmed is as good as in.
    #[serde(rename = "confirmed")]
    Confirmed(Confirmed),
    /// Server: a device of yours is new, or wants to be.
    #[serde(rename = "device-news")]
    DeviceNews(DeviceNews),
    /// Server: the people and devices that the next messages speak of.
    #[serde(rename = "introduce")]
    Introduce(Introduce),
    /// Server: what became of your changes.
    #[serde(rename = "verdicts")]
    Verdicts(Verdicts),
    /// Server: the log from your cursor on, as far as you may see it.
    #[serde(rename = "records")]
    Records(Records),
    /// Server: you have nothing yet; rows and documents follow.
    #[serde(rename = "cold")]
    ColdStart(ColdStart),
    /// Server: list rows, a page of them.
    #[serde(rename = "rows")]
    Rows(Rows),
    /// Server: documents, a page of them.
    #[serde(rename = "docs")]
    Docs(Docs),
    /// Server: how far tickets have been delivered and read.
    #[serde(rename = "marks")]
    Marks(Marks),
    /// Server: what is kept for your user.
    #[serde(rename = "kept")]
    Kept(KeptNews),
    /// Server: who else is there.
    #[serde(rename = "presence")]
    PresenceNews(PresenceNews),
    /// Server: what came of an ask.
    #[serde(rename = "answer")]
    Answer(Answer),
    /// Server: blobs have come that you may fetch.
    #[serde(rename = "blobs")]
    BlobsHere(BlobsHere),
}

/// First message of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`].
    #[serde(rename = "v")]
    pub version: u16,
    /// Which project.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// The log that the cursor is of.
    #[serde(rename = "l", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogId>,
    /// Everything up to here is durable with me.
    #[serde(rename = "c")]
    pub cursor: Seq,
    /// The same for marks.
    #[serde(rename = "m")]
    pub mark_cursor: u64,
    /// Where a cold start was broken off.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub cold: Option<ColdPosition>,
    /// Serial of the node certificate that I hold, 0 for none.
    #[serde(rename = "n")]
    pub node_serial: u32,
    /// Serial of the device certificate that I hold, 0 for none.
    #[serde(rename = "s")]
    pub serial: u32,
    /// Which version of what is kept for my user I have, 0 for none.
    #[serde(rename = "w", default, skip_serializing_if = "is_zero")]
    pub kept_version: u64,
    /// My certificate: a server that was restored from a backup may have forgotten me.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Signed>,
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How far a cold start has come: documents are sent by last activity, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColdPosition {
    /// The head of the log when it began: the tail follows from there.
    #[serde(rename = "a")]
    pub at: Seq,
    /// Documents whose last record is before this are still to come.
    #[serde(rename = "b")]
    pub before: Seq,
}

/// First message of a device that is no member yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enroll {
    /// [`PROTOCOL_VERSION`].
    #[serde(rename = "v")]
    pub version: u16,
    /// The project that the address named; absent for a bare overlay address.
    #[serde(rename = "p", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The one-time code as the person typed it.
    #[serde(rename = "c")]
    pub code: String,
    /// What the person is called.
    #[serde(rename = "n")]
    pub name: String,
    /// Where mail reaches the person.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What the person calls the device.
    #[serde(rename = "d")]
    pub device_name: String,
}

/// Signed changes on their way to the server, in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// The project that the signatures are for.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// At most [`limits::PUSH_ENVELOPES_MAX`].
    #[serde(rename = "e", deserialize_with = "list::at_most::<{ limits::PUSH_ENVELOPES_MAX }, _, _>")]
    pub envelopes: Vec<Envelope>,
}

/// A device's report after its commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Everything up to here is durable with me.
    #[serde(rename = "c")]
    pub cursor: Seq,
}

/// A device's report of what its user read. It is told again in the next session, until the mark comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// At most [`limits::READS_PER_FRAME_MAX`].
    #[serde(rename = "r", deserialize_with = "list::at_most::<{ limits::READS_PER_FRAME_MAX }, _, _>")]
    pub reads: Vec<PendingRead>,
}

/// A device asks for whole documents, because its own copy went back in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// At most [`limits::FETCH_DOCS_MAX`].
    #[serde(
        rename = "d",
        serialize_with = "id::list::serialize",
        deserialize_with = "id::list::at_most::<{ limits::FETCH_DOCS_MAX }, _, _>"
    )]
    pub docs: Vec<DocId>,
}

/// The server's answer to a member's [`Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`PROTOCOL_VERSION`] of the server.
    #[serde(rename = "v")]
    pub version: u16,
    /// The log that all positions are of.
    #[serde(rename = "l", with = "id")]
    pub log: LogId,
    /// Its head now.
    #[serde(rename = "h")]
    pub head: Seq,
    /// The node's certificate, unless the device holds it.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Signed>,
    /// The device's certificate, unless the device holds it.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Signed>,
    /// The server's clock.
    #[serde(rename = "t", with = "millis")]
    pub now: UnixMillis,
    /// The largest blob that the server takes.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub blob_bytes_max: Option<u64>,
    /// Where the project's servers are reached: a `ServerHosts` of the node, if it knows.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Signed>,
    /// Documents of which the server lost something: the device is asked to push them whole. At most
    /// [`limits::FETCH_DOCS_MAX`].
    #[serde(
        rename = "w",
        default,
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "id::list::serialize",
        deserialize_with = "id::list::at_most::<{ limits::FETCH_DOCS_MAX }, _, _>"
    )]
    pub wanted: Vec<DocId>,
}

/// Why a peer is turned away. Numbers are wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u16", from = "u16")]
pub enum RefusedCode {
    /// Another protocol version.
    Version,
    /// Not this server's project.
    Project,
    /// The device is not on the roster, or no longer.
    Device,
    /// The code is wrong, used or expired: one answer for all three.
    Code,
    /// Too many tries.
    TooMany,
    /// The name or email cannot be taken.
    Identity,
    /// The peer broke the protocol.
    Protocol,
    /// The server cannot serve now: full, stopping.
    Unavailable,
    /// A code of a later version.
    Other(u16),
}

impl From<RefusedCode> for u16 {
    fn from(code: RefusedCode) -> Self {
        match code {
            RefusedCode::Version => 1,
            RefusedCode::Project => 2,
            RefusedCode::Device => 3,
            RefusedCode::Code => 4,
            RefusedCode::TooMany => 5,
            RefusedCode::Identity => 6,
            RefusedCode::Protocol => 7,
            RefusedCode::Unavailable => 8,
            RefusedCode::Other(number) => number,
        }
    }
}

impl From<u16> for RefusedCode {
    fn from(number: u16) -> Self {
        match number {
            1 => Self::Version,
            2 => Self::Project,
            3 => Self::Device,
            4 => Self::Code,
            5 => Self::TooMany,
            6 => Self::Identity,
            7 => Self::Protocol,
            8 => Self::Unavailable,
            other => Self::Other(other),
        }
    }
}

/// The last message of a session that the server ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// For machines.
    #[serde(rename = "c")]
    pub code: RefusedCode,
    /// For people: what to do.
    #[serde(rename = "r")]
    pub reason: String,
}

/// What a new member needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The project.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// What it is called.
    #[serde(rename = "n")]
    pub project_name: String,
    /// By the root: the peer is a node of the project.
    #[serde(rename = "o")]
    pub node: Signed,
    /// By the node: the device belongs to the person.
    #[serde(rename = "k")]
    pub certificate: Signed,
    /// The person.
    #[serde(rename = "m")]
    pub member: Member,
}

/// A person of a project, as far as the reader may know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Allotted by the server.
    #[serde(rename = "u", with = "id")]
    pub user: UserId,
    /// What they are called.
    #[serde(rename = "n")]
    pub name: String,
    /// What they may do now.
    #[serde(rename = "r", with = "role")]
    pub role: Role,
    /// Only for the team and the person.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Comes before whatever speaks of these people and devices for the first time in a session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Introduce {
    /// Device certificates by the node.
    #[serde(rename = "k")]
    pub certificates: Vec<Signed>,
    /// People.
    #[serde(rename = "m")]
    pub members: Vec<Member>,
    /// Names of devices: for the team and the device's user.
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<NamedDevice>,
}

/// What its owner calls a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedDevice {
    /// Which.
    #[serde(rename = "k", with = "id")]
    pub device: DeviceId,
    /// For people; nobody signs it.
    #[serde(rename = "n")]
    pub name: String,
}

/// What became of pushed changes. Each change gets exactly one; the same again if it is pushed again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verdicts {
    /// Durable on the server.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub acks: Vec<Ack>,
    /// Refused, most of them for good.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedChange>,
}

/// An admitted change's place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Which change.
    #[serde(rename = "h", with = "id")]
    pub change: ChangeHash,
    /// Which document.
    #[serde(rename = "d", with = "id")]
    pub doc: DocId,
    /// Where.
    #[serde(rename = "s")]
    pub seq: Seq,
    /// When, by the server's clock.
    #[serde(rename = "t", with = "millis")]
    pub admitted_at: UnixMillis,
    /// The certificate of the author's device then.
    #[serde(rename = "k")]
    pub serial: u32,
    /// The ticket's number, if the change filed it.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
}

/// A change that was not admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedChange {
    /// Which change.
    #[serde(rename = "h", with = "id")]
    pub change: ChangeHash,
    /// [`assist_crdt_model::RejectCode::number`].
    #[serde(rename = "c")]
    pub code: u16,
    /// For people.
    #[serde(rename = "r")]
    pub detail: String,
    /// With [`assist_crdt_model::RejectCode::OverQuota`]: pushed again after so long it may be taken.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub wait_millis: Option<u64>,
    /// With the same: why, if it is not that too much was pushed.
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<HoldCause>,
}

/// Why a server takes nothing new for now. Numbers are wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u16", from = "u16")]
pub enum HoldCause {
    /// Too much was pushed in a short time.
    Quota,
    /// The server's disk is nearly full.
    DiskFull,
    /// A cause of a later version.
    Other(u16),
}

impl From<HoldCause> for u16 {
    fn from(cause: HoldCause) -> Self {
        match cause {
            HoldCause::Quota => 1,
            HoldCause::DiskFull => 2,
            HoldCause::Other(number) => number,
        }
    }
}

impl From<u16> for HoldCause {
    fn from(number: u16) -> Self {
        match number {
            1 => Self::Quota,
            2 => Self::DiskFull,
            other => Self::Other(other),
        }
    }
}

/// A run of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// The project that the signatures are for.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// In the log's order, at most [`limits::RECORDS_PER_FRAME_MAX`].
    #[serde(rename = "i", deserialize_with = "list::at_most::<{ limits::RECORDS_PER_FRAME_MAX }, _, _>")]
    pub items: Vec<Item>,
}

/// One entry of the log as a device sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// Somebody's change.
    #[serde(rename = "r")]
    Record(Record),
    /// The device's own change, which it has.
    #[serde(rename = "o")]
    Own(Ack),
    /// Everything up to here has been sent or told.
    #[serde(rename = "t")]
    Through(Seq),
    /// The device's user may see the document from here on. It is asked for whole.
    #[serde(rename = "g")]
    Granted(DocPlace),
    /// The device's user may not see the document any more: it goes from the device.
    #[serde(rename = "x")]
    Revoked(DocPlace),
}

impl Item {
    /// Its place in the log.
    pub const fn seq(&self) -> Seq {
        match self {
            Self::Record(record) => record.seq,
            Self::Own(ack) => ack.seq,
            Self::Through(seq) => *seq,
            Self::Granted(place) | Self::Revoked(place) => place.seq,
        }
    }
}

/// A place of the log that speaks of a document and has no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocPlace {
    /// Where.
    #[serde(rename = "q")]
    pub seq: Seq,
    /// Which document.
    #[serde(rename = "d", with = "id")]
    pub doc: DocId,
}

/// A cold start begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColdStart {
    /// The log's head now: the tail follows from there.
    #[serde(rename = "a")]
    pub at: Seq,
    /// How many tickets will come.
    #[serde(rename = "n")]
    pub tickets: u64,
}

/// A page of list rows: claims of the server, good enough to show until the documents are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// [`codec::encode_page`] of `Vec<TicketRow>`, at most [`limits::ROWS_PER_PAGE_MAX`].
    #[serde(rename = "z", with = "serde_bytes")]
    pub page: Vec<u8>,
}

/// A page of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Docs {
    /// [`codec::encode_page`] of `Vec<PagedDoc>`, at most [`limits::DOCS_PER_PAGE_MAX`].
    #[serde(rename = "z", with = "serde_bytes")]
    pub page: Vec<u8>,
    /// Documents whose last record is before this are still to come. Absent where the page is not the end of a step
    /// of a cold start: in answers to [`Fetch`], and where more of the last document follows in the next page.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// With `before`: the cold start is over, everything up to its `at` has been sent. Without: the document that
    /// was asked for by [`Fetch`] is whole.
    #[serde(rename = "f", default)]
    pub is_last: bool,
}

/// A document: all its records, or, where they do not fit one page, those that follow the last page's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagedDoc {
    /// Which.
    #[serde(rename = "d", with = "id")]
    pub doc: DocId,
    /// [`codec::encode`] of `Vec<Record>`: stored as it is, looked into later.
    #[serde(rename = "r", with = "serde_bytes")]
    pub records: Vec<u8>,
}

/// News of deliveries, and of who has read what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// The device's new mark cursor.
    #[serde(rename = "c")]
    pub mark_cursor: u64,
    /// At most [`limits::MARKS_PER_FRAME_MAX`].
    #[serde(rename = "m", deserialize_with = "list::at_most::<{ limits::MARKS_PER_FRAME_MAX }, _, _>")]
    pub marks: Vec<Mark>,
    /// At most [`limits::MARKS_PER_FRAME_MAX`].
    #[serde(
        rename = "r",
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list::at_most::<{ limits::MARKS_PER_FRAME_MAX }, _, _>"
    )]
    pub reads: Vec<ReadMark>,
}

/// A message after everything was checked that needs no state: decoded, counted, signatures verified.
///
/// Made by [`receive`] on whichever core is free, so that the hub's thread only decides.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one for a frame, and it is moved a few times")]
pub enum Received {
    /// A [`Push`].
    Push {
        /// The project that the signatures are for.
        project: ProjectId,
        /// In order.
        envelopes: Vec<Result<VerifiedEnvelope, Box<RefusedEnvelope>>>,
    },
    /// A [`GiveBack`].
    GiveBack {
        /// The project that the signatures are for.
        project: ProjectId,
        /// Who the authors are.
        vouchers: Box<Vouchers>,
        /// In order, each with its place in the former log.
        items: Vec<(Ack, Result<VerifiedEnvelope, Box<RefusedEnvelope>>)>,
    },
    /// A [`Records`].
    Records {
        /// The project that the signatures are for.
        project: ProjectId,
        /// In order.
        items: Vec<ReceivedItem>,
    },
    /// A [`Rows`], inflated.
    Rows(Vec<TicketRow>),
    /// A [`Docs`], inflated.
    Docs {
        /// The documents.
        docs: Vec<PagedDoc>,
        /// See [`Docs::before`].
        before: Option<Seq>,
        /// See [`Docs::is_last`].
        is_last: bool,
    },
    /// Any other.
    Message(PeerMessage),
}

impl Received {
    /// How many changes it has a hub judge.
    pub fn change_count(&self) -> usize {
        match self {
            Self::Push { envelopes, .. } => envelopes.len(),
            Self::GiveBack { items, .. } => items.len(),
            Self::Records { items, .. } => items.len(),
            // They are stored as they are, and looked into later.
            Self::Rows(_) | Self::Docs { .. } | Self::Message(_) => 0,
        }
    }
}

/// An [`Item`] with its signature checked.
#[derive(Debug, Clone, PartialEq)]
pub enum ReceivedItem {
    /// Somebody's change; the record's envelope is inside.
    Record {
        /// Its place.
        place: Ack,
        /// The envelope, or why it is not believed.
        envelope: Box<Result<VerifiedEnvelope, Box<RefusedEnvelope>>>,
    },
    /// The device's own change.
    Own(Ack),
    /// Everything up to here has been sent or told.
    Through(Seq),
    /// What became of the user's right to see a document.
    Visibility {
        /// Where, and which document.
        place: DocPlace,
        /// What.
        change: Visibility,
    },
}

impl ReceivedItem {
    /// Its place in the log.
    pub const fn seq(&self) -> Seq {
        match self {
            Self::Record { place, .. } | Self::Own(place) => place.seq,
            Self::Through(seq) => *seq,
            Self::Visibility { place, .. } => place.seq,
        }
    }
}

/// Encodes a message as the payload of one frame.
pub fn encode(message: &PeerMessage) -> Vec<u8> {
    codec::encode(message)
}

/// Takes the payload of one frame apart and verifies every signature in it. Whoever cut the frame has bounded its
/// length by [`limits::FRAME_BYTES_MAX`].
///
/// # Errors
/// When it is no message within the limits; single bad envelopes are not an error of the message.
pub fn receive(frame: &[u8]) -> Result<Received, DecodeError> {
    Ok(match codec::decode("message", frame)? {
        PeerMessage::Push(Push { project, envelopes }) => {
            let envelopes = envelopes.into_iter().map(|envelope| envelope.verify(&project)).collect();
            Received::Push { project, envelopes }
        }
        PeerMessage::GiveBack(GiveBack { project, vouchers, records }) => {
            let items = records.into_iter().map(|record| receive_record(record, &project)).collect();
            Received::GiveBack { project, vouchers: Box::new(vouchers), items }
        }
        PeerMessage::Records(Records { project, items }) => {
            let items = items.into_iter().map(|item| receive_item(item, &project)).collect();
            Received::Records { project, items }
        }
        PeerMessage::Rows(Rows { page }) => {
            let rows: List<_, { limits::ROWS_PER_PAGE_MAX }> = codec::decode_page("page of rows", &page)?;
            Received::Rows(rows.0)
        }
        PeerMessage::Docs(Docs { page, before, is_last }) => {
            let docs: List<_, { limits::DOCS_PER_PAGE_MAX }> =
                codec::decode_page("page of documents", &page)?;
            Received::Docs { docs: docs.0, before, is_last }
        }
        other => Received::Message(other),
    })
}

fn receive_item(item: Item, project: &ProjectId) -> ReceivedItem {
    match item {
        Item::Own(ack) => ReceivedItem::Own(ack),
        Item::Through(seq) => ReceivedItem::Through(seq),
        Item::Granted(place) => ReceivedItem::Visibility { place, change: Visibility::Granted },
        Item::Revoked(place) => ReceivedItem::Visibility { place, change: Visibility::Revoked },
        Item::Record(record) => {
            let (place, envelope) = receive_record(record, project);
            ReceivedItem::Record { place, envelope: Box::new(envelope) }
        }
    }
}

fn receive_record(
    record: Record,
    project: &ProjectId,
) -> (Ack, Result<VerifiedEnvelope, Box<RefusedEnvelope>>) {
    let Record { seq, admitted_at, serial, number, envelope } = record;
    let doc = envelope.doc;
    let envelope = envelope.verify(project);
    let change = match &envelope {
        Ok(verified) => verified.hash(),
        Err(refused) => refused.hash.unwrap_or(ChangeHash::from_bytes([0; 32])),
    };
    (Ack { change, doc, seq, admitted_at, serial, number }, envelope)
}

#[cfg(test)]
mod tests;
