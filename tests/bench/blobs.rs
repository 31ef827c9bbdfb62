//! Attachments from device to device through the server, against a bare stream; and live comments while they go.
//!
//! The clock runs from before the comment that names the file until all of it is checked and durable at the agent, who
//! asks for it as soon as the comment is there. The server stores it whole in between and gives it on only then, so two
//! hops follow each other, with three disks and four checks; the bare stream has one hop, and nothing else.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use assist_proto::api::attachment::{Attach, BlobState, Fetch, List};
use assist_proto::api::{comment, user};
use assist_proto::client::Client;
use tokio::runtime::Runtime;

use crate::Bench;
use crate::floor::{bare_client, bare_server};
use crate::live::Wire;
use crate::measure::{Spread, process_cpu};
use crate::node::{Node, PATIENCE, scratch};
use crate::report::{Goal, Row, Unit, millis};
use crate::work::Writer;

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let size_bytes = usize::try_from(bench.scale.of(SIZE_BYTES))?;
    let folder = scratch()?;
    let server = Node::new_server(&bench.runtime, &folder.path().join("s"))?;
    let customer = Node::device(&bench.runtime, &folder.path().join("c"))?;
    let agent = Node::device(&bench.runtime, &folder.path().join("a"))?;
    customer.join(&server, user::Role::Customer, "Carla")?;
    agent.join(&server, user::Role::Agent, "Amir")?;
    let mut wire = Wire::open(&customer, &agent)?;
    let tickets = wire.file_tickets(TICKETS)?;
    let mut files = Files::open(&customer, &agent, &tickets[0], size_bytes)?;
    files.pass()?;

    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    let (mut bare_cpu, mut our_cpu) = (Duration::ZERO, Duration::ZERO);
    // In turns, so that whatever else the machine does falls on both.
    for _ in 0..ROUNDS {
        let (time, cpu) = with_cpu(|| bare_stream(&bench.runtime, size_bytes))?;
        bare.push(time);
        bare_cpu += cpu;
        let (time, cpu) = with_cpu(|| files.pass())?;
        ours.push(time);
        our_cpu += cpu;
    }
    let (bare, ours) = (Spread::of(bare), Spread::of(ours));
    let idle = comments(&mut wire, &tickets[1..])?;
    let (busy, passes) = while_files_pass(&mut files, || comments(&mut wire, &tickets[1..]))?;
    for node in [customer, agent, server] {
        node.stop()?;
    }
    let rate = |time: Duration| size_bytes as f64 / time.as_secs_f64();
    let (bare_rate, our_rate) = (rate(bare.p50), rate(ours.p50));
    let megabytes = size_bytes / 1_000_000;
    Ok(vec![
        Row::one(
            NAME,
            format!("{megabytes} MB: device to device, bytes a second"),
            Unit::PerSecond,
            our_rate,
        )
        .over(bare_rate)
        .goal(Goal::AtLeast(0.5 * bare_rate)),
        Row::one(NAME, "  floor: one bare quinn stream, bytes a second", Unit::PerSecond, bare_rate),
        Row::time(NAME, "  CPU for one file of all three daemons", our_cpu / ROUNDS)
            .over(millis(bare_cpu / ROUNDS)),
        Row::time(NAME, "  CPU for one bare stream, both ends", bare_cpu / ROUNDS),
        Row::spread(NAME, "live comment while files pass on the same links", &busy)
            .over(millis(idle.p50))
            .goal(Goal::AtMost(2.0 * millis(idle.p50))),
        Row::spread(NAME, "  floor: the same while nothing else happens", &idle),
        Row::one(NAME, "  files that passed meanwhile", Unit::Count, f64::from(passes)),
    ])
}

/// Sends files from one device to the other, each of new bytes.
struct Files {
    customer: Client,
    agent: Client,
    ticket: String,
    bytes: Vec<u8>,
    passed: u64,
}

impl Files {
    fn open(customer: &Node<'_>, agent: &Node<'_>, ticket: &str, size_bytes: usize) -> anyhow::Result<Self> {
        let mut bytes = vec![0; size_bytes];
        let mut dice = Writer::new(31);
        for part in bytes.chunks_mut(64) {
            let random = dice.dice().bytes::<64>();
            part.copy_from_slice(&random[..part.len()]);
        }
        let (customer, agent) = (customer.client()?, agent.client()?);
        Ok(Self { customer, agent, ticket: ticket.to_owned(), bytes, passed: 0 })
    }

    /// Attaches one, and returns how long it took until the agent had all of it.
    fn pass(&mut self) -> anyhow::Result<Duration> {
        self.passed += 1;
        self.bytes[..8].copy_from_slice(&self.passed.to_le_bytes());
        let blob = self.customer.put_blob(&self.bytes[..])?.blob;
        let mut events = self.agent.events(None)?;
        let attach = Attach { blob: blob.clone(), name: format!("{}.bin", self.passed), media_type: None };
        let attachments = vec![attach];
        let add = comment::Add { ticket: self.ticket.clone(), attachments, ..comment::Add::default() };
        let began = Instant::now();
        self.customer.call(&add)?;
        let mut is_asked_for = false;
        loop {
            let list = List { project: None, ticket: self.ticket.clone() };
            let listed = self.agent.call(&list)?.attachments;
            match listed.iter().find(|it| it.blob == blob) {
                Some(attachment) if attachment.state == BlobState::Here => return Ok(began.elapsed()),
                Some(_) if !is_asked_for => {
                    let (ticket, blob) = (self.ticket.clone(), blob.clone());
                    self.agent.call(&Fetch { project: None, ticket, blob })?;
                    is_asked_for = true;
                }
                _ => {}
            }
            events.next_within(PATIENCE)?.context("the file never came")?;
        }
    }
}

fn with_cpu<T>(run: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Duration)> {
    let before = process_cpu();
    Ok((run()?, process_cpu() - before))
}

fn comments(wire: &mut Wire, tickets: &[String]) -> anyhow::Result<Spread> {
    let comments = (0..COMMENTS).map(|number| Ok(wire.comment(&tickets[number % tickets.len()])?.1));
    Ok(Spread::of(comments.collect::<anyhow::Result<_>>()?))
}

/// Does something while one file after the other passes; says how many did.
fn while_files_pass<T>(
    files: &mut Files,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, u32)> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let passing = scope.spawn(|| {
            let mut passes = 0;
            while !is_over.load(Ordering::Relaxed) {
                files.pass()?;
                passes += 1;
            }
            anyhow::Ok(passes)
        });
        let outcome = work();
        is_over.store(true, Ordering::Relaxed);
        let passes = passing.join().map_err(|_| anyhow::anyhow!("the files failed"))??;
        Ok((outcome?, passes))
    })
}

/// As many bytes on one stream of a connection with the daemon's settings, until the other side has read them all.
fn bare_stream(runtime: &Runtime, size_bytes: usize) -> anyhow::Result<Duration> {
    let (server, client) = {
        let _inside = runtime.enter();
        (bare_server(0)?, bare_client(9)?)
    };
    let address: SocketAddr = server.local_addr()?;
    runtime.block_on(async {
        let reading = tokio::spawn(async move {
            let connection = server.accept().await.context("nobody came")?.await?;
            let (mut send, mut receive) = connection.accept_bi().await?;
            let mut left = size_bytes;
            while left > 0 {
                let chunk = receive.read_chunk(left.min(PART_BYTES), true).await?.context("too few bytes")?;
                left -= chunk.bytes.len();
            }
            send.write_all(&[1]).await?;
            connection.closed().await;
            anyhow::Ok(())
        });
        let connection = client.connect(address, "assist")?.await?;
        let (mut send, mut receive) = connection.open_bi().await?;
        let part = vec![7; PART_BYTES];
        let began = Instant::now();
        let mut left = size_bytes;
        while left > 0 {
            let size = left.min(PART_BYTES);
            send.write_all(&part[..size]).await?;
            left -= size;
        }
        receive.read_exact(&mut [0]).await?;
        let time = began.elapsed();
        connection.close(0_u32.into(), b"");
        reading.await??;
        Ok(time)
    })
}

const NAME: &str = "blobs";
/// As the goal says.
const SIZE_BYTES: u64 = 100_000_000;
/// What the daemons write at a time, too.
const PART_BYTES: usize = 256 * 1024;
const TICKETS: usize = 10;
const ROUNDS: u32 = 5;
const COMMENTS: usize = 200;
