//! What a connected device that does nothing costs the server's memory, against a bare quinn connection.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::Context as _;
use assist_crdt_model::Role;
use assist_daemon::store::ServerReads as _;
use assist_proto::address::Address;
use assist_tests::memory::Memory;
use quinn::{Connection, RecvStream, SendStream};

use crate::Bench;
use crate::floor::{bare_client, bare_server, serve_echo};
use crate::node::{Node, scratch};
use crate::peer::Peer;
use crate::people::Registry;
use crate::program::{Process, end, ready};
use crate::report::{Goal, Row, Unit};
use crate::work::Writer;

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for devices in DEVICES {
        rows.extend(rows_of(bench, usize::try_from(bench.scale.of(devices))?)?);
    }
    Ok(rows)
}

fn rows_of(bench: &Bench, count: usize) -> anyhow::Result<[Row; 2]> {
    let bare = bare_bytes(bench, count)?;
    let ours = our_bytes(bench, count)?;
    let kib = |bytes: f64| bytes / 1024.0;
    Ok([
        Row::one(NAME, format!("server memory for one of {count} idle devices"), Unit::Kib, kib(ours))
            .over(kib(bare))
            .goal(Goal::AtMost(1.3 * kib(bare))),
        Row::one(NAME, "  floor: bare quinn, the daemon's settings", Unit::Kib, kib(bare)),
    ])
}

/// Real members connect to a real server.
fn our_bytes(bench: &Bench, count: usize) -> anyhow::Result<f64> {
    let folder = scratch()?;
    let home = folder.path().join("s");
    let server = Node::new_server(&bench.runtime, &home)?;
    let registry = Registry::open(&home, server.store())?;
    let people = registry.enrol(Writer::new(23).dice(), Role::Customer, count + WARM_UP, server.store())?;
    let cursor = server.store().read()?.head()?;
    server.stop()?;
    let process = Process::server(&home)?;
    let address: Address = process.ready_line.parse()?;
    let address = address.hosts().first().context("an address has a host")?.socket_addr();
    let endpoint = bench.runtime.block_on(async { bare_client(6) })?;
    let connect = |people: &[crate::work::Person]| {
        bench.runtime.block_on(async {
            let mut peers = Vec::new();
            for person in people {
                let log = registry.project.log;
                peers.push(Peer::connect(&endpoint, address, person, registry.id(), log, cursor).await?);
            }
            anyhow::Ok(peers)
        })
    };
    let (first, rest) = people.split_at(WARM_UP);
    let warm = connect(first)?;
    let before = process.memory()?;
    let peers = connect(rest)?;
    let after = process.memory()?;
    drop((warm, peers));
    process.stop()?;
    Ok(growth(before, after, count))
}

/// The same number of connections to a process that only echoes.
fn bare_bytes(bench: &Bench, count: usize) -> anyhow::Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(BARE_SERVER);
    let (mut child, line) = ready(command)?;
    let measured = (|| {
        let address: SocketAddr = line.parse()?;
        let warm = connect_bare(bench, address, WARM_UP)?;
        let before = Memory::of(child.id())?;
        let connections = connect_bare(bench, address, count)?;
        let after = Memory::of(child.id())?;
        drop((warm, connections));
        Ok(growth(before, after, count))
    })();
    end(&mut child);
    measured
}

/// Each has opened its stream and was answered on it.
fn connect_bare(
    bench: &Bench,
    address: SocketAddr,
    count: usize,
) -> anyhow::Result<Vec<(Connection, SendStream, RecvStream)>> {
    bench.runtime.block_on(async {
        let endpoint = bare_client(7)?;
        let mut connections = Vec::new();
        for _ in 0..count {
            let connection = endpoint.connect(address, "assist")?.await?;
            let (mut send, mut receive) = connection.open_bi().await?;
            crate::floor::ask(&mut send, &mut receive).await?;
            connections.push((connection, send, receive));
        }
        anyhow::Ok(connections)
    })
}

fn growth(before: Memory, after: Memory, count: usize) -> f64 {
    after.anonymous_bytes.saturating_sub(before.anonymous_bytes) as f64 / count as f64
}

/// What the child process of the floor does: says where it listens, and echoes until it is killed.
pub(crate) fn serve_bare(bench: &Bench) -> anyhow::Result<()> {
    bench.runtime.block_on(async {
        let server = bare_server(0)?;
        println!("{}", server.local_addr()?);
        serve_echo(server).await;
        Ok(())
    })
}

/// The argument that makes this program the floor's server.
pub(crate) const BARE_SERVER: &str = "--bare-quinn-server";
const NAME: &str = "idle";
const DEVICES: [u64; 2] = [1_000, 5_000];
/// Tables and buffers that do not grow with each connection are there after these.
const WARM_UP: usize = 100;
