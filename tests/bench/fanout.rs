//! One change told to a crowd: from when its author sends it until a device of somebody else has it.
//!
//! The crowd is of agents' devices that are nothing but connections, all within this process: their decryption competes
//! with the server's for the same cores.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use assist_crdt_model::Role;
use assist_daemon::store::ServerReads as _;
use assist_proto::address::Address;
use assist_proto::envelope::Envelope;
use assist_proto::wire::PeerMessage;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Bench;
use crate::floor::bare_client;
use crate::measure::{Spread, cpu_of};
use crate::node::{Node, PATIENCE, scratch};
use crate::peer::{Listener, Peer, Speaker};
use crate::people::Registry;
use crate::program::Process;
use crate::report::Row;
use crate::work::{Person, Writer};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let count = usize::try_from(bench.scale.of(DEVICES))?;
    let folder = scratch()?;
    let home = folder.path().join("s");
    let server = Node::new_server(&bench.runtime, &home)?;
    let registry = Registry::open(&home, server.store())?;
    let mut writer = Writer::new(31);
    let agents = registry.enrol(writer.dice(), Role::Agent, count, server.store())?;
    let author = registry.enrol(writer.dice(), Role::Customer, 1, server.store())?;
    let author = author.into_iter().next().context("one was asked for")?;
    let mut changes = Vec::new();
    while changes.len() < CHANGES {
        changes.extend(writer.ticket(&registry.id(), &author, &author)?.envelopes);
    }
    let cursor = server.store().read()?.head()?;
    server.stop()?;
    let process = Process::server(&home)?;
    let address: Address = process.ready_line.parse()?;
    let address = address.hosts().first().context("an address has a host")?.socket_addr();
    let (times, last, cpu) = bench.runtime.block_on(async {
        let endpoint = bare_client(9)?;
        let connect = async |person: &Person| {
            Peer::connect(&endpoint, address, person, registry.id(), registry.project.log, cursor).await
        };
        let (tell, heard) = mpsc::channel(count);
        let (mut listeners, mut speakers) = (JoinSet::new(), Vec::new());
        for agent in &agents {
            let (speaker, listener) = connect(agent).await?.split();
            speakers.push(speaker);
            listeners.spawn(listen(listener, tell.clone()));
        }
        let mut author = connect(&author).await?;
        let cpu_before = cpu_of(process.id())?;
        let told = tell_all(&mut author, changes, heard, count).await?;
        let cpu = cpu_of(process.id())?.saturating_sub(cpu_before);
        drop::<Vec<Speaker>>(speakers);
        anyhow::Ok((told.0, told.1, cpu))
    })?;
    process.stop()?;
    let each = cpu / u32::try_from(last.len() * count)?;
    Ok(vec![
        Row::spread(
            NAME,
            format!("one change to {count} devices: sent -> a device has it"),
            &Spread::of(times),
        ),
        Row::spread(NAME, "  sent -> the last of them has it", &Spread::of(last)),
        Row::time(NAME, "  server CPU for one device", each),
    ])
}

/// Sends one change after the other, and returns when each device had each, and when the last of them had it.
async fn tell_all(
    author: &mut Peer,
    changes: Vec<Envelope>,
    mut heard: mpsc::Receiver<Instant>,
    count: usize,
) -> anyhow::Result<(Vec<Duration>, Vec<Duration>)> {
    let (mut times, mut last) = (Vec::new(), Vec::new());
    for change in changes {
        let began = Instant::now();
        author.push(change).await?;
        let mut slowest = Duration::ZERO;
        for _ in 0..count {
            let at = timeout(PATIENCE, heard.recv()).await.context("a device heard nothing")?;
            let took = at.context("all devices have gone")?.duration_since(began);
            slowest = slowest.max(took);
            times.push(took);
        }
        last.push(slowest);
    }
    Ok((times, last))
}

async fn listen(mut listener: Listener, tell: mpsc::Sender<Instant>) {
    while let Ok(message) = listener.next().await {
        if let PeerMessage::Records(records) = message
            && !records.items.is_empty()
            && tell.send(Instant::now()).await.is_err()
        {
            return;
        }
    }
}

const NAME: &str = "fanout";
const DEVICES: u64 = 1_000;
const CHANGES: usize = 100;
