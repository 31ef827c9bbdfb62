//! Presence: from a front end that shows a ticket to the event at another's, and what a crowd costs the server.
//!
//! The clock runs from before the call at the agent's socket until the customer's front end has the event: both
//! sockets are inside, though the goal does not count them. Nothing is stored on the way. The crowd is of devices
//! that are nothing but connections, all looking at one ticket.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use assist_crdt_model::{Role, TicketId};
use assist_daemon::store::{DeviceReads as _, ServerReads as _};
use assist_proto::address::Address;
use assist_proto::api::events::News;
use assist_proto::api::presence::{List, Set, SetDoing};
use assist_proto::api::{ticket, user};
use assist_proto::client::{Client, EventStream};
use assist_proto::limits::PRESENCE_RENEW_MILLIS;
use assist_proto::wire::PeerMessage;
use assist_proto::wire::presence::{Doing, Present, View};

use crate::Bench;
use crate::floor::{Echo, bare_client};
use crate::measure::{Spread, cpu_of, timed};
use crate::node::{Node, PATIENCE, scratch};
use crate::peer::{Peer, Speaker};
use crate::people::Registry;
use crate::program::Process;
use crate::report::{Goal, Row, millis};
use crate::work::Writer;

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let folder = scratch()?;
    let server = Node::new_server(&bench.runtime, &folder.path().join("s"))?;
    let customer = Node::device(&bench.runtime, &folder.path().join("c"))?;
    let agent = Node::device(&bench.runtime, &folder.path().join("a"))?;
    customer.join(&server, user::Role::Customer, "Carla")?;
    agent.join(&server, user::Role::Agent, "Amir")?;
    let ticket = file(&customer, &agent)?;

    let mut echo = Echo::start(&bench.runtime)?;
    let mut pair = Pair::open(&agent, &customer, &ticket)?;
    pair.change(0)?;
    let (mut changes, mut trips) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        trips.extend(echo.round_trips(CHANGES_PER_ROUND)?);
        for number in 0..CHANGES_PER_ROUND {
            std::thread::sleep(BETWEEN);
            changes.push(pair.change(round * CHANGES_PER_ROUND + number + 1)?);
        }
    }
    let calls = Spread::of(pair.calls(CHANGES_PER_ROUND)?);
    let (changes, trip) = (Spread::of(changes), Spread::of(trips));
    let mut rows = vec![
        Row::spread(NAME, "presence: call at agent -> event at customer", &changes)
            .over(millis(trip.p50))
            .goal(Goal::AtMost(1.5 * millis(trip.p50))),
        Row::spread(NAME, "  floor: bare quinn round trip", &trip),
        Row::spread(NAME, "  one call at a front end's socket, for itself", &calls),
    ];
    for node in [customer, agent, server] {
        node.stop()?;
    }
    rows.extend(crowd(bench)?);
    Ok(rows)
}

fn file(customer: &Node<'_>, agent: &Node<'_>) -> anyhow::Result<String> {
    let params =
        ticket::Create { title: "It hums".into(), body: "All day.".into(), ..ticket::Create::default() };
    let ticket = customer.client()?.call(&params)?.ticket.id;
    let project = agent.project()?;
    agent.until("the ticket", |view| Ok(view.reader.contents(&project)?.rows > 0))?;
    Ok(ticket)
}

/// Both ends of what is measured.
struct Pair {
    agent: Client,
    customer: Client,
    events: EventStream,
    ticket: String,
}

impl Pair {
    fn open(agent: &Node<'_>, customer: &Node<'_>, ticket: &str) -> anyhow::Result<Self> {
        let events = customer.client()?.events(None)?;
        Ok(Self { agent: agent.client()?, customer: customer.client()?, events, ticket: ticket.to_owned() })
    }

    /// Asks the customer's daemon for what it has in memory.
    fn calls(&mut self, count: usize) -> anyhow::Result<Vec<Duration>> {
        let calls = (0..count).map(|_| Ok(timed(|| Ok(self.customer.call(&List::default())?))?.0));
        calls.collect()
    }

    /// Shows something else than before; returns when the customer's front end has heard of it.
    fn change(&mut self, number: usize) -> anyhow::Result<Duration> {
        // Whoever looks says so again.
        self.customer.call(&List::default())?;
        let doing = Some(if number.is_multiple_of(2) { SetDoing::Viewing } else { SetDoing::Typing });
        let params = Set { ticket: Some(self.ticket.clone()), doing, ..Set::default() };
        let began = Instant::now();
        self.agent.call(&params)?;
        loop {
            let event = self.events.next_within(PATIENCE)?.context("the customer was told nothing")?;
            match event.news {
                News::PresenceChanged { ticket: Some(ticket), .. } if ticket == self.ticket => {
                    return Ok(began.elapsed());
                }
                _ => {}
            }
        }
    }
}

/// A thousand of the team look at one ticket, and one of them begins and ends to write.
fn crowd(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let count = usize::try_from(bench.scale.of(VIEWERS))?;
    let folder = scratch()?;
    let home = folder.path().join("s");
    let server = Node::new_server(&bench.runtime, &home)?;
    let customer = Node::device(&bench.runtime, &folder.path().join("c"))?;
    customer.join(&server, user::Role::Customer, "Carla")?;
    let params =
        ticket::Create { title: "It hums".into(), body: "All day.".into(), ..ticket::Create::default() };
    let ticket: TicketId = customer.client()?.call(&params)?.ticket.id.parse()?;
    let project = customer.project()?;
    customer.until("an empty outbox", |view| Ok(view.reader.outbox_count(&project)? == 0))?;
    customer.stop()?;
    let registry = Registry::open(&home, server.store())?;
    let people = registry.enrol(Writer::new(29).dice(), Role::Agent, count, server.store())?;
    let cursor = server.store().read()?.head()?;
    server.stop()?;
    let process = Process::server(&home)?;
    let address: Address = process.ready_line.parse()?;
    let address = address.hosts().first().context("an address has a host")?.socket_addr();
    let (quiet, busy) = bench.runtime.block_on(async {
        let endpoint = bare_client(8)?;
        let (mut first, mut others) = (None, Vec::new());
        for person in &people {
            let log = registry.project.log;
            let peer = Peer::connect(&endpoint, address, person, registry.id(), log, cursor).await?;
            let (speaker, mut listener) = peer.split();
            tokio::spawn(async move { while listener.next().await.is_ok() {} });
            match first {
                None => first = Some(speaker),
                Some(_) => others.push(tokio::spawn(keep_looking(speaker, ticket))),
            }
        }
        let mut first = first.context("somebody looks")?;
        let quiet = spent(&process, &mut first, ticket, false).await?;
        let busy = spent(&process, &mut first, ticket, true).await?;
        others.iter().for_each(tokio::task::JoinHandle::abort);
        anyhow::Ok((quiet, busy))
    })?;
    process.stop()?;
    let each = busy.saturating_sub(quiet) / CROWD_CHANGES;
    Ok(vec![
        Row::time(NAME, format!("server CPU for one change told to {count} viewers"), each),
        Row::time(NAME, "  of it for one viewer", each / u32::try_from(count)?),
        Row::time(
            NAME,
            "  server CPU a second while all look and nothing changes",
            quiet / CROWD_CHANGES / 2,
        ),
    ])
}

async fn keep_looking(mut speaker: Speaker, ticket: TicketId) -> anyhow::Result<()> {
    loop {
        speaker.tell(&looks(ticket, Doing::Viewing)).await?;
        tokio::time::sleep(Duration::from_millis(PRESENCE_RENEW_MILLIS)).await;
    }
}

/// The server's CPU time while one viewer says something every two seconds: something else each time, or the same.
async fn spent(
    process: &Process,
    speaker: &mut Speaker,
    ticket: TicketId,
    is_new: bool,
) -> anyhow::Result<Duration> {
    let mut before = None;
    for number in 0..=CROWD_CHANGES {
        let doing = if is_new && number % 2 == 1 { Doing::Typing } else { Doing::Viewing };
        speaker.tell(&looks(ticket, doing)).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        if before.is_none() {
            before = Some(cpu_of(process.id())?);
        }
    }
    Ok(cpu_of(process.id())?.saturating_sub(before.unwrap_or_default()))
}

fn looks(ticket: TicketId, doing: Doing) -> PeerMessage {
    PeerMessage::Present(Present { is_here: true, views: vec![View { ticket, doing }], status: None })
}

const NAME: &str = "presence";
const ROUNDS: usize = 5;
const CHANGES_PER_ROUND: usize = 20;
/// Longer than a server waits between two news of one ticket: each change is the first of its kind.
const BETWEEN: Duration = Duration::from_millis(300);
const VIEWERS: u64 = 1_000;
const CROWD_CHANGES: u32 = 10;
