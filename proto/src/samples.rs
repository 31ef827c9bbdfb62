//! Fixed keys and values for the tests of this crate. Golden bytes are made of them: never changed, only added to.

use std::path::PathBuf;
use std::{env, fs};

use assist_crdt_model::{
    Actor, Author, Body, ChangeHash, CommentId, DeviceId, Doc, DocId, Edit, NewChange, ProjectId, Role,
    ScannedChange, TicketId, Title, UnixMillis, UserId,
};
use ed25519_dalek::SigningKey;

use crate::certificate::{DeviceCertificate, NodeCertificate, ServerHosts, Signed};
use crate::envelope::Envelope;

pub(crate) const INCARNATION: u32 = 2;
pub(crate) const NOW: UnixMillis = UnixMillis(1_790_000_000_123);

pub(crate) fn root_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

pub(crate) fn node_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

pub(crate) fn device_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// A key that nobody vouches for.
pub(crate) fn stranger_key() -> SigningKey {
    SigningKey::from_bytes(&[4; 32])
}

pub(crate) fn project() -> ProjectId {
    ProjectId::from_bytes(root_key().verifying_key().to_bytes())
}

pub(crate) fn device_id(key: &SigningKey) -> DeviceId {
    DeviceId::from_bytes(key.verifying_key().to_bytes())
}

pub(crate) fn user() -> UserId {
    UserId::from_bytes(*b"a user of tests.")
}

pub(crate) fn ticket() -> TicketId {
    TicketId::from_bytes(*b"a ticket of test")
}

pub(crate) fn comment() -> CommentId {
    CommentId::new(NOW, *b"ten random")
}

pub(crate) fn doc() -> DocId {
    DocId::Ticket(ticket())
}

/// The change that files a ticket. It is read from a fixture, so that the golden bytes of what goes around a change
/// do not hang on how the model composes one.
pub(crate) fn change() -> NewChange {
    let bytes = fixture("change.hex", || {
        let author = Author {
            user: user(),
            role: Role::Customer,
            actor: Actor::derive(&device_id(&device_key()), INCARNATION),
        };
        let edit = Edit::CreateTicket {
            requester: user(),
            title: Title::parse("Node does not start").unwrap(),
            body: Body::parse("It stops with \"no route\".").unwrap(),
        };
        Doc::new(doc()).apply(&author, NOW, &[edit]).unwrap().bytes
    });
    NewChange { hash: ScannedChange::scan(&bytes).unwrap().hash(), bytes }
}

pub(crate) fn change_hash() -> ChangeHash {
    change().hash
}

pub(crate) fn envelope() -> Envelope {
    Envelope::sign(&device_key(), &project(), doc(), INCARNATION, change())
}

pub(crate) fn node_certificate() -> NodeCertificate {
    NodeCertificate { project: project(), node: device_id(&node_key()), serial: 1, issued_at: NOW }
}

pub(crate) fn device_certificate() -> DeviceCertificate {
    DeviceCertificate {
        project: project(),
        user: user(),
        role: Role::Customer,
        device: device_id(&device_key()),
        serial: 7,
        issued_at: NOW,
        not_after: UnixMillis(NOW.0 + 1_000),
    }
}

pub(crate) fn server_hosts() -> ServerHosts {
    let hosts = vec!["[514:74ce:dd13:296f:ada7:4d2e:9335:acac]:9470".to_owned(), "192.0.2.7:9470".to_owned()];
    ServerHosts { project: project(), node: device_id(&node_key()), issued_at: NOW, hosts }
}

pub(crate) fn signed_hosts() -> Signed {
    Signed::sign(&node_key(), &server_hosts())
}

pub(crate) fn signed_node() -> Signed {
    Signed::sign(&root_key(), &node_certificate())
}

pub(crate) fn signed_device() -> Signed {
    Signed::sign(&node_key(), &device_certificate())
}

/// Points of an order that divides 8: with them as keys, one signature holds for every message.
pub(crate) fn small_order_keys() -> Vec<[u8; 32]> {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut order_2 = [0xff; 32];
    (order_2[0], order_2[31]) = (0xec, 0x7f);
    let order_4 = [0; 32];
    let order_8 = bytes_from_hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
    vec![identity, order_2, order_4, order_8.try_into().unwrap()]
}

/// With this signature (R = B, S = 1) the equation S*B = R + k*A holds for the key A = 0, whatever was signed.
pub(crate) fn signature_for_the_identity() -> [u8; 64] {
    let mut signature = [0x66; 64];
    signature[0] = 0x58;
    signature[32..].fill(0);
    signature[32] = 1;
    signature
}

/// Reads golden bytes. With `ASSIST_WRITE_FIXTURES` set, one that is missing is written; one that is there is a
/// promise and never overwritten.
pub(crate) fn fixture(name: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = fixtures().join(name);
    if env::var_os("ASSIST_WRITE_FIXTURES").is_some() && !path.exists() {
        fs::create_dir_all(fixtures()).unwrap();
        fs::write(&path, hex_from_bytes(&make())).unwrap();
    }
    match fs::read_to_string(&path) {
        Ok(hex) => bytes_from_hex(&hex),
        Err(error) => panic!("{}: {error}; set ASSIST_WRITE_FIXTURES=1 to write it", path.display()),
    }
}

pub(crate) fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/v1/wire")
}

fn hex_from_bytes(bytes: &[u8]) -> String {
    let line = |chunk: &[u8]| chunk.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n";
    bytes.chunks(32).map(line).collect()
}

fn bytes_from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|char| char.to_digit(16)?.try_into().ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
