//! People who mean harm, over real QUIC: a member whose device says whatever a test wants said, a crowd that holds
//! connections, and a look at what a process has to pay for it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use assist_crdt_model::{
    Actor, Author, Body, ChangeHash, CommentId, DeviceId, Doc, DocId, Edit, NewChange, ProjectId, Role,
    TicketId, Title, UnixMillis, UserId,
};
use assist_daemon::device_key::DeviceKey;
use assist_daemon::net::{NetLimits, client_config};
use assist_proto::address::Address;
use assist_proto::api::{server, user};
use assist_proto::certificate::DeviceCertificate;
use assist_proto::envelope::Envelope;
use assist_proto::wire::{Enroll, PROTOCOL_VERSION, PeerMessage, Push, Verdicts, codec};
use ed25519_dalek::SigningKey;
use quinn::{Connection, Endpoint};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::greeting::newcomer;
use crate::process::{DaemonProcess, PATIENCE};
use crate::stranger::Stranger;

/// Where a server listens.
pub fn port_of(server: &DaemonProcess) -> SocketAddr {
    server.call(&server::GetStatus {}).listening_on[0].parse().expect("an address")
}

/// A member by the roster, with no honest device.
pub struct Rogue {
    /// The connection, for saying anything.
    pub stranger: Stranger,
    /// The key of the device.
    pub key: SigningKey,
    /// Where it is a member.
    pub project: ProjectId,
    user: UserId,
}

impl Rogue {
    /// Enrols with the key of a seed, as a customer, and is welcomed.
    ///
    /// # Panics
    /// When the server does not take it.
    pub fn join(server: &DaemonProcess, seed: u8) -> Self {
        let project =
            server.ready_line().parse::<Address>().expect("an address").project().expect("a project");
        let code = server.invite(user::Role::Customer).code;
        let mut stranger = Stranger::connect(port_of(server), seed);
        stranger.tell(&PeerMessage::Enroll(Enroll {
            version: PROTOCOL_VERSION,
            project: Some(project),
            code,
            name: "Mallory".into(),
            email: None,
            device_name: "hand-made".into(),
        }));
        let Some(PeerMessage::Enrolled(enrolled)) = stranger.hear() else { panic!("it is not enrolled") };
        let certificate: DeviceCertificate =
            codec::decode("certificate", &enrolled.certificate.payload).expect("a certificate");
        stranger.tell(&PeerMessage::Hello(newcomer(project)));
        let welcome = stranger.hear();
        assert!(matches!(welcome, Some(PeerMessage::Welcome(_))), "{welcome:?}");
        let key = DeviceKey::from_secret(&[seed; 32]).signing_key().clone();
        Self { stranger, key, project, user: certificate.user }
    }

    /// The device.
    pub fn device(&self) -> DeviceId {
        DeviceId::from_bytes(self.key.verifying_key().to_bytes())
    }

    /// Its user as the author of changes, in an incarnation and a role, which may be a lie.
    pub fn author(&self, incarnation: u32, role: Role) -> Author {
        Author { user: self.user, role, actor: Actor::derive(&self.device(), incarnation) }
    }

    /// A new ticket of its own and the change that files it, signed.
    pub fn ticket(&self, number: u8) -> (Doc, Envelope) {
        let doc = DocId::Ticket(TicketId::from_bytes([number; 16]));
        let mut ticket = Doc::new(doc);
        let create = Edit::CreateTicket {
            requester: self.user,
            title: Title::parse("Nothing to see here").expect("a title"),
            body: Body::parse("Move on.").expect("a body"),
        };
        let change =
            ticket.apply(&self.author(INCARNATION, Role::Customer), NOW, &[create]).expect("an honest edit");
        let envelope = self.sign(doc, change);
        (ticket, envelope)
    }

    /// Signs a change in the usual incarnation.
    pub fn sign(&self, doc: DocId, change: NewChange) -> Envelope {
        Envelope::sign(&self.key, &self.project, doc, INCARNATION, change)
    }

    /// The same for bytes that nobody's device would write: what is signed is the hash that they should have.
    pub fn sign_bytes(&self, doc: DocId, bytes: Vec<u8>) -> Envelope {
        let scanned = assist_crdt_model::ScannedChange::scan(&bytes);
        let hash = scanned.map_or_else(|_| ChangeHash::from_bytes([7; 32]), |change| change.hash());
        self.sign(doc, NewChange { hash, bytes })
    }

    /// Pushes changes in one frame, and gives the verdicts.
    ///
    /// # Panics
    /// When the server ends the connection instead.
    pub fn push(&mut self, envelopes: Vec<Envelope>) -> Verdicts {
        self.stranger.tell(&PeerMessage::Push(Push { project: self.project, envelopes }));
        loop {
            match self.stranger.hear() {
                Some(PeerMessage::Verdicts(verdicts)) => return verdicts,
                Some(_) => {}
                None => panic!("the server hung up"),
            }
        }
    }
}

/// An honest comment as an edit.
pub fn comment(number: u64, text: &str) -> Edit {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    let body = Body::parse(text).expect("a text");
    Edit::AddComment { id: CommentId::from_bytes(id), body, reply_to: None, attachments: Vec::new() }
}

/// Connections from one address that say nothing, or half of something.
pub struct Crowd {
    runtime: Runtime,
    connections: Vec<Connection>,
    /// How many the server turned away at the door.
    pub turned_away: usize,
    _endpoint: Endpoint,
}

impl Crowd {
    /// Knocks `count` times from an address of this machine that nobody else uses. Every other connection says the
    /// beginning of a frame.
    pub fn gather(address: SocketAddr, count: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("threads");
        let source = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66)), 0);
        let (endpoint, connections, turned_away) = runtime.block_on(async {
            let endpoint = Endpoint::client(source).expect("a socket");
            let key = DeviceKey::from_secret(&[99; 32]);
            let config = client_config(&key, &NetLimits::default()).expect("settings");
            let (mut connections, mut turned_away) = (Vec::new(), 0);
            for number in 0..count {
                let connecting =
                    endpoint.connect_with(config.clone(), address, "assist").expect("it can be dialled");
                match timeout(PATIENCE, connecting).await.expect("an answer in time") {
                    Ok(connection) => {
                        if number % 2 == 0 {
                            let (mut send, _) = connection.open_bi().await.expect("a stream");
                            send.write_all(&[0, 0, 1]).await.ok(); // It may have been sent away meanwhile.
                            std::mem::forget(send); // Neither finished nor reset: that would be an answer.
                        }
                        connections.push(connection);
                    }
                    Err(_) => turned_away += 1,
                }
            }
            (endpoint, connections, turned_away)
        });
        Self { runtime, connections, turned_away, _endpoint: endpoint }
    }

    /// How many are let in and still there.
    pub fn standing(&self) -> usize {
        self.connections.iter().filter(|connection| connection.close_reason().is_none()).count()
    }

    /// Waits until all were sent away.
    ///
    /// # Panics
    /// When the server is more patient than it says.
    pub fn until_sent_away(&self) {
        self.runtime.block_on(async {
            for connection in &self.connections {
                timeout(Duration::from_secs(30), connection.closed()).await.expect("nobody stands for ever");
            }
        });
    }
}

/// What a process has in memory, as its system says.
pub struct Memory {
    pid: u32,
    before_kib: u64,
}

impl Memory {
    /// Takes the present as the beginning, and forgets the peak of before.
    pub fn of(server: &DaemonProcess) -> Self {
        let pid = server.pid();
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("the peak of one's own process");
        Self { pid, before_kib: kib(pid, "VmRSS:") }
    }

    /// How far the peak since then is above the beginning, in MiB.
    pub fn peak_growth_mib(&self) -> u64 {
        kib(self.pid, "VmHWM:").saturating_sub(self.before_kib) / 1024
    }
}

fn kib(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
    line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}

/// The incarnation that rogues write in, unless told.
pub const INCARNATION: u32 = 3;
/// The time that their changes say.
pub const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
