//! A new agent's device at a server with many tickets: from the call that joins until everything is there and verified.

use std::time::{Duration, Instant};

use anyhow::ensure;
use assist_crdt_model::{DeviceId, UnixMillis};
use assist_daemon::store::DeviceReads as _;
use assist_proto::api::{ticket, user};
use assist_proto::hub::{Action, LinkId, ServerHub, ServerInput};
use assist_proto::store::{Seq, ServerStore as _};
use assist_proto::wire::{self, Hello, PROTOCOL_VERSION, PeerMessage, Received};

use crate::Bench;
use crate::measure::{process_cpu, timed, unix_millis};
use crate::node::{Node, scratch};
use crate::people::Registry;
use crate::prepared::Prepared;
use crate::report::{Goal, Row, Unit};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let prepared = Prepared::with(bench, bench.scale.of(10_000))?;
    let facts = prepared.facts;
    let folder = scratch()?;
    prepared.copy_server(&folder.path().join("s"))?;
    let server = Node::server(&bench.runtime, &folder.path().join("s"))?;
    let agent = Node::device(&bench.runtime, &folder.path().join("a"))?;
    let (address, code) = server.invite(user::Role::Agent)?;
    let cpu_before = process_cpu();
    let began = Instant::now();
    agent.join_with(address, code, "Nina")?;
    let joined = began.elapsed();
    let project = agent.project()?;
    agent.until("all rows", |view| Ok(view.reader.contents(&project)?.rows >= facts.tickets))?;
    let page = agent.client()?.call(&ticket::List::default())?;
    let rows = began.elapsed();
    ensure!(page.total == facts.tickets, "the list has {} rows", page.total);
    agent.until("all documents", |view| Ok(view.is_in_step()))?;
    let documents = began.elapsed();
    agent.until("all verified", |view| Ok(view.reader.contents(&project)?.unverified == 0))?;
    let verified = began.elapsed();
    let cpu = process_cpu() - cpu_before;
    ensure!(agent.store().read()?.quarantined(&project)?.is_empty(), "the gate refused something");
    agent.stop()?;
    let (server_time, bytes) = sent_bytes(&server)?;
    server.stop()?;
    let least_bytes = facts.snapshot_bytes + facts.changes * 64;
    let tickets = facts.tickets;
    Ok(vec![
        Row::time(NAME, format!("{tickets} tickets: join -> list rows usable"), rows)
            .goal(Goal::AtMost(300.0)),
        Row::time(NAME, "  of it joining", joined),
        Row::time(NAME, "join -> all documents stored", documents).goal(Goal::AtMost(1_500.0)),
        Row::time(NAME, "join -> everything verified", verified).goal(Goal::AtMost(6_000.0)),
        Row::time(NAME, "  CPU of both daemons", cpu),
        Row::time(NAME, "  of it the server's part, alone", server_time),
        Row::one(NAME, "payload bytes (floor: snapshots + signatures)", Unit::Bytes, bytes as f64)
            .over(least_bytes as f64)
            .goal(Goal::AtMost(1.3 * least_bytes as f64)),
    ])
}

/// What the server's hub sends to a device that has nothing, without any transport; nothing is written.
fn sent_bytes(server: &Node<'_>) -> anyhow::Result<(Duration, u64)> {
    let registry = Registry::open(server.home(), server.store())?;
    let now = UnixMillis(unix_millis());
    let mut turn = server.store().begin_turn()?;
    // Any member of the team will do: the server's own node is one.
    let peer = DeviceId::from_bytes(registry.node.verifying_key().to_bytes());
    let Some(mut hub) = ServerHub::open(registry.node.clone(), [1; 32], &turn)? else {
        anyhow::bail!("no project")
    };
    let hello = Hello {
        version: PROTOCOL_VERSION,
        project: registry.id(),
        log: None,
        cursor: Seq::ZERO,
        mark_cursor: turn.mark_head()?,
        cold: None,
        node_serial: 1,
        serial: 1,
        kept_version: 0,
        certificate: None,
    };
    let received = wire::receive(&wire::encode(&PeerMessage::Hello(hello)))?;
    ensure!(matches!(received, Received::Message(_)), "a greeting is a message");
    timed(|| {
        let link = LinkId(1);
        hub.handle(now, ServerInput::Opened { link, peer }, &mut turn)?;
        hub.handle(now, ServerInput::Received { link, message: Box::new(received) }, &mut turn)?;
        let mut bytes = 0;
        loop {
            hub.finish_turn(&mut turn)?;
            let actions = hub.take_actions();
            let size_bytes = actions.iter().map(sent).sum::<usize>();
            if size_bytes == 0 {
                return Ok(bytes);
            }
            bytes += size_bytes as u64;
            hub.handle(now, ServerInput::Sent { link, size_bytes }, &mut turn)?;
        }
    })
}

fn sent(action: &Action) -> usize {
    match action {
        Action::Send { frame, .. } => frame.len(),
        _ => 0,
    }
}

const NAME: &str = "cold";
