//! A daemon with many tickets starts: after it was stopped, and after it was killed. And what it holds then.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use assist_proto::api::{comment, server, ticket};
use assist_tests::memory::Memory;

use crate::Bench;
use crate::measure::Spread;
use crate::node::scratch;
use crate::prepared::Prepared;
use crate::program::Process;
use crate::report::{Goal, Row, Unit};
use crate::search::until_complete;
use crate::work::{COMMENT_CHARS, Writer};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let tickets = bench.scale.of(100_000);
    let prepared = Prepared::with(bench, tickets)?;
    let folder = scratch()?;
    let (agent, empty, at_server) =
        (folder.path().join("a"), folder.path().join("e"), folder.path().join("s"));
    prepared.copy_agent(&agent)?;
    prepared.copy_server(&at_server)?;
    // Its index is made once, not at each start.
    let process = Process::device(&agent)?;
    until_complete(&process)?;
    process.stop()?;
    let mut bare = Vec::new();
    let mut clean = Vec::new();
    let mut killed = Vec::new();
    let mut writer = Writer::new(19);
    for _ in 0..STARTS {
        let (time, process) = first_list(&empty, 0)?;
        bare.push(time);
        process.stop()?;
        let (time, process) = first_list(&agent, tickets)?;
        clean.push(time);
        write(&process, &mut writer)?;
        process.kill()?;
        let (time, process) = first_list(&agent, tickets)?;
        killed.push(time);
        process.stop()?;
    }
    let (first, used) = memory_in_use(&agent, tickets)?;
    let serving = server_memory(&at_server)?;
    let mb = |bytes: u64| bytes as f64 / 1e6;
    let [server_disk, device_disk] = prepared.disk_bytes()?.map(|bytes| bytes as f64 / tickets as f64);
    let bare = Spread::of(bare);
    let floor = crate::report::millis(bare.p50);
    Ok(vec![
        Row::spread(NAME, format!("{tickets} tickets: clean stop -> first list"), &Spread::of(clean))
            .over(floor)
            .goal(Goal::AtMost(50.0)),
        Row::spread(NAME, "kill -9 -> first list", &Spread::of(killed)).over(floor).goal(Goal::AtMost(150.0)),
        Row::spread(NAME, "  floor: the same with an empty folder", &bare),
        Row::one(NAME, "device: resident after the first list", Unit::Mb, mb(first.resident_bytes)),
        Row::one(NAME, "device: resident after 100 pages, 300 tickets", Unit::Mb, mb(used.resident_bytes))
            .goal(Goal::AtMost(150.0)),
        Row::one(NAME, "  of it anonymous", Unit::Mb, mb(used.anonymous_bytes)),
        Row::one(NAME, "server: resident after start", Unit::Mb, mb(serving.resident_bytes))
            .goal(Goal::AtMost(150.0)),
        Row::one(NAME, "device: disk for one ticket", Unit::Bytes, device_disk).goal(Goal::AtMost(3_000.0)),
        Row::one(NAME, "server: disk for one ticket", Unit::Bytes, server_disk).goal(Goal::AtMost(3_000.0)),
    ])
}

/// From before the process is there until a front end has a page of rows.
fn first_list(home: &Path, tickets: u64) -> anyhow::Result<(Duration, Process)> {
    let began = Instant::now();
    let process = Process::device(home)?;
    let page = process.call(&ticket::List::default())?;
    let time = began.elapsed();
    ensure!(page.total == tickets, "the list has {} rows", page.total);
    Ok((time, process))
}

/// Something that must not be lost, so that the end that follows is not a clean one.
fn write(process: &Process, writer: &mut Writer) -> anyhow::Result<()> {
    let mut client = process.client()?;
    let page = client.call(&ticket::List { limit: Some(1), ..ticket::List::default() })?;
    for row in page.tickets {
        let body = writer.text(COMMENT_CHARS);
        client.call(&comment::Add { ticket: row.id, body, ..comment::Add::default() })?;
    }
    Ok(())
}

/// What a device holds after its first list, and after some use.
fn memory_in_use(home: &Path, tickets: u64) -> anyhow::Result<(Memory, Memory)> {
    let (_, process) = first_list(home, tickets)?;
    let first = process.memory()?;
    let mut client = process.client()?;
    let mut cursor = None;
    let mut opened = 0;
    for _ in 0..PAGES {
        let page = client.call(&ticket::List { cursor, limit: Some(100), ..ticket::List::default() })?;
        for row in page.tickets.iter().take(3) {
            let ticket = row.id.clone();
            client.call(&ticket::Get { ticket, ..ticket::Get::default() })?;
            opened += 1;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    ensure!(opened > 0, "no ticket could be opened");
    let used = process.memory()?;
    process.stop()?;
    Ok((first, used))
}

fn server_memory(home: &Path) -> anyhow::Result<Memory> {
    let process = Process::server(home)?;
    process.call(&server::GetStatus {})?;
    let memory = process.memory()?;
    process.stop()?;
    Ok(memory)
}

const NAME: &str = "start";
const STARTS: usize = 7;
const PAGES: usize = 100;
