//! What every store must do, whatever it is made of: one list of checks for the store in memory and the one on disk.
//!
//! A check gets an empty store inside an open turn and panics where the contract is broken. After a call that the
//! contract refuses it makes no more writes, because a refused write voids the turn.

#![expect(clippy::unwrap_used, reason = "a check fails by panicking, as a test does")]

mod device;
mod server;

use assist_crdt_model::{
    Actor, Author, Body, DeviceId, Doc, DocId, Edit, ProjectId, Role, ScannedChange, TicketId, Title,
    UnixMillis, UserId,
};
use assist_proto::envelope::Envelope;
use assist_proto::store::{DeviceStore, OutboxEntry, Record, Seq, ServerStore};
use ed25519_dalek::SigningKey;

/// A check with the promise that it holds a store to.
pub type Check<S> = (&'static str, fn(&mut S));

/// What a server's store must do.
pub const SERVER: &[Check<dyn ServerStore>] = server::CHECKS;

/// What a device's store must do.
pub const DEVICE: &[Check<dyn DeviceStore>] = device::CHECKS;

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

fn project(number: u8) -> ProjectId {
    ProjectId::from_bytes([number; 32])
}

fn ticket(number: u8) -> TicketId {
    TicketId::from_bytes([number; 16])
}

fn user(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn device() -> DeviceId {
    DeviceId::from_bytes(key().verifying_key().to_bytes())
}

/// A signed change that no other text gives. It stands in for any change of the document.
fn envelope(doc: DocId, text: &str) -> Envelope {
    let author = Author { user: user(1), role: Role::Customer, actor: Actor::derive(&device(), 0) };
    let edit =
        Edit::CreateTicket { requester: user(1), title: Title::parse(text).unwrap(), body: Body::default() };
    let change = Doc::new(DocId::Ticket(ticket(1))).apply(&author, NOW, &[edit]).unwrap();
    Envelope::sign(&key(), &project(1), doc, 0, change)
}

fn record(seq: u64, doc: DocId, text: &str) -> Record {
    Record { seq: Seq(seq), admitted_at: NOW, serial: 1, number: None, envelope: envelope(doc, text) }
}

fn outbox_entry(doc: DocId, text: &str) -> OutboxEntry {
    let envelope = envelope(doc, text);
    let change = ScannedChange::scan(&envelope.change).unwrap().hash();
    OutboxEntry { change, made_at: NOW, envelope, held_until: None }
}
