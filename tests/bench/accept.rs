//! What it costs a server to take a change: alone on the CPU's clock, and from 64 writers at once over QUIC.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use assist_crdt_model::{Doc, DocId, ProjectId, ProjectName, Role, TicketId, Title, UnixMillis};
use assist_daemon::store::{ServerReads as _, Store, StoreKey, StoreOptions};
use assist_proto::envelope::Envelope;
use assist_proto::hub::{Action, LinkId, ServerHub, ServerInput, initialise_server};
use assist_proto::store::{Seq, ServerStore};
use assist_proto::wire::{self, Hello, PROTOCOL_VERSION, PeerMessage, Push, codec};
use ed25519_dalek::SigningKey;
use tokio::task::JoinSet;

use crate::Bench;
use crate::floor::{GROUP_WRITERS, bare_client, group_commit_rate};
use crate::measure::{Spread, process_cpu, thread_cpu, unix_millis};
use crate::node::{Node, scratch};
use crate::peer::Peer;
use crate::people::{Registry, SERIAL};
use crate::report::{Goal, Row, Unit, millis};
use crate::work::{Person, Writer, change};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut rows = alone()?;
    rows.extend(at_once(bench)?);
    Ok(rows)
}

/// One change after the other through a server's hub and store, on this thread: no transport, no waiting.
fn alone() -> anyhow::Result<Vec<Row>> {
    let folder = scratch()?;
    let mut desk = Desk::open(&folder.path().join("store"))?;
    desk.file_tickets(TICKETS)?;
    let mut single = Steps::default();
    for _ in 0..SINGLES {
        desk.take(1, &mut single)?;
    }
    let mut batch = Steps::default();
    for _ in 0..BATCHES {
        desk.take(BATCH, &mut batch)?;
    }
    let rest = |name: &str, times: Vec<Duration>| Row::spread(NAME, name, &Spread::of(times));
    Ok(vec![
        rest("CPU: signature, gate, store, commit of one change", single.totals()).goal(Goal::AtMost(0.3)),
        rest("  of it decoding, scan, signature", single.received),
        rest("  of it gate, records, rows", single.handled),
        rest("  of it commit", single.committed),
        rest("CPU: one change of 64 in one turn", batch.totals().into_iter().map(|time| time / 64).collect()),
    ])
}

/// What a turn's steps cost, one entry a turn.
#[derive(Default)]
struct Steps {
    received: Vec<Duration>,
    handled: Vec<Duration>,
    committed: Vec<Duration>,
}

impl Steps {
    fn totals(&self) -> Vec<Duration> {
        let sums = self.received.iter().zip(&self.handled).zip(&self.committed);
        sums.map(|((received, handled), committed)| *received + *handled + *committed).collect()
    }
}

/// A server without a daemon around it, and somebody who writes to it.
struct Desk {
    store: Store,
    hub: ServerHub,
    project: ProjectId,
    customer: Person,
    writer: Writer,
    docs: Vec<Doc>,
    made: u64,
}

impl Desk {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let store = Store::open(path, &StoreKey::from_bytes([9; 32]), StoreOptions::default())?;
        let now = UnixMillis(unix_millis());
        let (root, node) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let mut turn = store.begin_turn()?;
        let name = ProjectName::parse("bench")?;
        let project = initialise_server(now, &root, &node, &name, [3; 32], &mut turn)?;
        turn.commit()?;
        let mut writer = Writer::new(11);
        let registry = Registry::of(project, node.clone());
        let customer =
            registry.enrol(writer.dice(), Role::Customer, 1, &store)?.pop().context("one was asked for")?;
        let turn = store.begin_turn()?;
        let hub = ServerHub::open(node, [4; 32], &turn)?.context("the project was made above")?;
        drop(turn);
        let mut desk =
            Self { store, hub, project: registry.id(), customer, writer, docs: Vec::new(), made: 0 };
        desk.greet(&registry)?;
        Ok(desk)
    }

    fn greet(&mut self, registry: &Registry) -> anyhow::Result<()> {
        let now = UnixMillis(unix_millis());
        let mut turn = self.store.begin_turn()?;
        let head = as_server(&turn).head()?;
        let hello = Hello {
            version: PROTOCOL_VERSION,
            project: registry.id(),
            log: Some(registry.project.log),
            cursor: head,
            mark_cursor: 0,
            cold: None,
            node_serial: 1,
            serial: SERIAL,
            kept_version: 0,
            certificate: None,
        };
        let message = Box::new(wire::receive(&wire::encode(&PeerMessage::Hello(hello)))?);
        self.hub.handle(now, ServerInput::Opened { link: LINK, peer: self.customer.device() }, &mut turn)?;
        self.hub.handle(now, ServerInput::Received { link: LINK, message }, &mut turn)?;
        self.hub.finish_turn(&mut turn)?;
        turn.commit()?;
        self.hub.take_actions();
        Ok(())
    }

    /// Tickets with three comments each: what is measured comes on top.
    fn file_tickets(&mut self, count: usize) -> anyhow::Result<()> {
        for _ in 0..count {
            let ticket = TicketId::from_bytes(self.writer.dice().bytes());
            let mut doc = Doc::new(DocId::Ticket(ticket));
            let title = Title::parse(&self.writer.title())?;
            let body = assist_crdt_model::Body::parse(self.writer.text(crate::work::BODY_CHARS))?;
            let requester = self.customer.user;
            let create = assist_crdt_model::Edit::CreateTicket { requester, title, body };
            let envelope = change(&mut doc, &self.project, &self.customer, unix_millis(), create)?;
            self.docs.push(doc);
            self.push(vec![envelope], &mut Steps::default())?;
        }
        for _ in 0..3 * count {
            self.take(1, &mut Steps::default())?;
        }
        Ok(())
    }

    /// Lets the server take so many comments, each on another ticket, in one turn.
    fn take(&mut self, comments: usize, steps: &mut Steps) -> anyhow::Result<()> {
        let envelopes = (0..comments).map(|_| self.comment()).collect::<anyhow::Result<Vec<_>>>()?;
        self.push(envelopes, steps)
    }

    fn comment(&mut self) -> anyhow::Result<Envelope> {
        let at = usize::try_from(self.made)? % self.docs.len();
        self.made += 1;
        let now = unix_millis();
        let comment = self.writer.comment(now)?;
        change(&mut self.docs[at], &self.project, &self.customer, now, comment)
    }

    fn push(&mut self, envelopes: Vec<Envelope>, steps: &mut Steps) -> anyhow::Result<()> {
        let count = envelopes.len();
        let frame = wire::encode(&PeerMessage::Push(Push { project: self.project, envelopes }));
        let now = UnixMillis(unix_millis());
        let began = thread_cpu();
        let message = Box::new(wire::receive(&frame)?);
        let received = thread_cpu();
        let mut turn = self.store.begin_turn()?;
        self.hub.handle(now, ServerInput::Received { link: LINK, message }, &mut turn)?;
        self.hub.finish_turn(&mut turn)?;
        let handled = thread_cpu();
        turn.commit()?;
        let actions = self.hub.take_actions();
        let committed = thread_cpu();
        steps.received.push(received - began);
        steps.handled.push(handled - received);
        steps.committed.push(committed - handled);
        let acks: usize = actions.iter().map(acks_in).sum();
        ensure!(acks == count, "{acks} of {count} changes were admitted");
        Ok(())
    }
}

fn acks_in(action: &Action) -> usize {
    let Action::Send { frame, .. } = action else { return 0 };
    match codec::decode::<PeerMessage>("message", frame) {
        Ok(PeerMessage::Verdicts(verdicts)) => verdicts.acks.len(),
        _ => 0,
    }
}

/// Sixty-four customers, each of whom waits for an answer before sending the next change.
fn at_once(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let folder = scratch()?;
    let floor = || group_commit_rate(&folder.path().join("floor"), GROUP_WRITERS, Duration::from_secs(2));
    let floor_before = floor()?;
    std::fs::remove_file(folder.path().join("floor"))?;
    let server = Node::new_server(&bench.runtime, &folder.path().join("s"))?;
    let registry = Registry::open(server.home(), server.store())?;
    let mut writer = Writer::new(13);
    let people =
        registry.enrol(writer.dice(), Role::Customer, usize::try_from(GROUP_WRITERS)?, server.store())?;
    let mut jobs = Vec::new();
    for person in people {
        let mut envelopes = |tickets: u64| -> anyhow::Result<Vec<Envelope>> {
            let mut all = Vec::new();
            for _ in 0..tickets {
                all.extend(writer.ticket(&registry.id(), &person, &person)?.envelopes);
            }
            Ok(all)
        };
        let (warm_up, work) = (envelopes(bench.scale.of(WARM_UP))?, envelopes(bench.scale.of(WORK))?);
        jobs.push(Job { person, warm_up, work });
    }
    let total: usize = jobs.iter().map(|job| job.work.len()).sum();
    let cursor = server.store().read()?.head()?;
    let (time, cpu) = bench.runtime.block_on(write_all(server.listening()?, &registry, cursor, jobs))?;
    server.stop()?;
    let floor = (floor_before + floor()?) / 2.0;
    let rate = total as f64 / time.as_secs_f64();
    Ok(vec![
        Row::one(NAME, "durable changes over QUIC, 64 writers", Unit::PerSecond, rate)
            .over(floor)
            .goal(Goal::AtLeast(floor / 3.0)),
        Row::one(NAME, "  floor: redb group commit of 64 writers", Unit::PerSecond, floor),
        Row::one(NAME, "  CPU of one change, both ends", Unit::Millis, millis(cpu) / total as f64),
    ])
}

/// What one customer writes.
struct Job {
    person: Person,
    /// Before the clock runs: a server that has just started fills its memory.
    warm_up: Vec<Envelope>,
    work: Vec<Envelope>,
}

/// Gives the time that all the work took, and the CPU of both ends.
async fn write_all(
    address: std::net::SocketAddr,
    registry: &Registry,
    cursor: Seq,
    jobs: Vec<Job>,
) -> anyhow::Result<(Duration, Duration)> {
    let endpoint = bare_client(5)?;
    let (id, log) = (registry.id(), registry.project.log);
    let mut writers = Vec::new();
    for job in jobs {
        let peer = Peer::connect(&endpoint, address, &job.person, id, log, cursor).await?;
        writers.push((peer, job));
    }
    let writers = push_all(writers, |job| std::mem::take(&mut job.warm_up)).await?;
    let (began, cpu_before) = (Instant::now(), process_cpu());
    let writers = push_all(writers, |job| std::mem::take(&mut job.work)).await?;
    let spent = (began.elapsed(), process_cpu() - cpu_before);
    drop(writers); // Still connected while the clock ran.
    Ok(spent)
}

/// Has all of them write at once, and gives them back.
async fn push_all(
    writers: Vec<(Peer, Job)>,
    part: fn(&mut Job) -> Vec<Envelope>,
) -> anyhow::Result<Vec<(Peer, Job)>> {
    let mut tasks = JoinSet::new();
    for (mut peer, mut job) in writers {
        tasks.spawn(async move {
            for envelope in part(&mut job) {
                peer.push(envelope).await?;
            }
            anyhow::Ok((peer, job))
        });
    }
    let mut done = Vec::new();
    while let Some(task) = tasks.join_next().await {
        done.push(task??);
    }
    Ok(done)
}

fn as_server(turn: &assist_daemon::store::Turn) -> &dyn ServerStore {
    turn
}

const NAME: &str = "accept";
const LINK: LinkId = LinkId(1);
/// Few enough that all documents stay in memory.
const TICKETS: usize = 128;
const SINGLES: usize = 500;
const BATCH: usize = 64;
const BATCHES: usize = 10;
/// Tickets of each of the 64 before the clock runs, and while it does: a few seconds.
const WARM_UP: u64 = 16;
const WORK: u64 = 80;
