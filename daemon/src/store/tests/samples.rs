//! Small things to store.

use assist_crdt_model::{
    Actor, Author, Body, ChangeHash, DeviceId, Doc, DocId, Edit, ProjectId, Role, Status, TicketId, Title,
    UnixMillis, UserId,
};
use assist_proto::envelope::Envelope;
use assist_proto::store::{OutboxEntry, Record, Seq, TicketRow};

use crate::store::verdicts::change_hash;
use crate::store::{Store, StoreKey};

pub(crate) fn key() -> StoreKey {
    StoreKey::from_bytes([7; 32])
}

pub(crate) fn memory_store() -> Store {
    Store::open_in_memory().unwrap()
}

pub(crate) fn project(number: u8) -> ProjectId {
    ProjectId::from_bytes([number; 32])
}

pub(crate) fn user(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

/// Tickets are spread over the keys as random ids are.
pub(crate) fn ticket(number: u64) -> TicketId {
    let hash = blake3::hash(&number.to_be_bytes());
    TicketId::from_slice(&hash.as_bytes()[..16]).unwrap()
}

/// Holds a real change: the first of a ticket with this text.
pub(crate) fn envelope(doc: DocId, text: &str) -> Envelope {
    let device = DeviceId::from_bytes([3; 32]);
    let author = Author { user: user(1), role: Role::Customer, actor: Actor::derive(&device, 0) };
    let edit = Edit::CreateTicket {
        requester: user(1),
        title: Title::parse("The node does not start").unwrap(),
        body: Body::parse(text).unwrap(),
    };
    let change = Doc::new(doc).apply(&author, UnixMillis(1), &[edit]).unwrap().bytes;
    Envelope { doc, device, incarnation: 0, epoch: 0, signature: signature(text), change }
}

pub(crate) fn change_hash_of(doc: DocId, text: &str) -> ChangeHash {
    change_hash(&envelope(doc, text).change).unwrap()
}

fn signature(text: &str) -> [u8; 64] {
    let mut signature = [0; 64];
    blake3::Hasher::new().update(text.as_bytes()).finalize_xof().fill(&mut signature);
    signature
}

pub(crate) fn record(seq: u64, doc: DocId, text: &str) -> Record {
    Record {
        seq: Seq(seq),
        admitted_at: UnixMillis(1_700_000_000_000 + seq),
        serial: 1,
        number: None,
        envelope: envelope(doc, text),
    }
}

pub(crate) fn outbox_entry(doc: DocId, text: &str) -> OutboxEntry {
    let envelope = envelope(doc, text);
    OutboxEntry {
        change: change_hash(&envelope.change).unwrap(),
        made_at: UnixMillis(5),
        envelope,
        held_until: None,
    }
}

pub(crate) fn row(number: u64) -> TicketRow {
    TicketRow {
        ticket: ticket(number),
        number: u32::try_from(number).ok(),
        requester: user(1),
        title: format!("Ticket {number}: the node does not start"),
        status: Status::Open,
        assignee: None,
        priority: None,
        snoozed_until_millis: None,
        merged_into: None,
        labels: vec!["network".into()],
        created_at: UnixMillis(1_000 + number),
        updated_at: UnixMillis(1_700_000_000_000 + number),
        comment_count: 3,
        has_conflict: false,
        last_seq: Seq(number),
    }
}
