//! A comment on its way from the customer's daemon to the agent's, live, through a server that stores it first.
//!
//! The clock runs from before the call at the customer's socket until the agent's front end has the event in its
//! hands: both sockets and the agent's own durable commit are inside, though the goal does not count them.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use assist_proto::api::events::News;
use assist_proto::api::{comment, ticket, user};
use assist_proto::client::{Client, EventStream};

use crate::Bench;
use crate::floor::{Commits, Echo, path_millis};
use crate::measure::{Spread, process_cpu};
use crate::node::{Node, PATIENCE, scratch};
use crate::report::{Goal, Row, millis};
use crate::work::{BODY_CHARS, COMMENT_CHARS, Writer};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let folder = scratch()?;
    let server = Node::new_server(&bench.runtime, &folder.path().join("s"))?;
    let customer = Node::device(&bench.runtime, &folder.path().join("c"))?;
    let agent = Node::device(&bench.runtime, &folder.path().join("a"))?;
    customer.join(&server, user::Role::Customer, "Carla")?;
    agent.join(&server, user::Role::Agent, "Amir")?;

    let mut floor =
        Floor { echo: Echo::start(&bench.runtime)?, commits: Commits::open(&folder.path().join("f"))? };
    let mut wire = Wire::open(&customer, &agent)?;
    let tickets = wire.file_tickets(TICKETS)?;
    wire.comment(&tickets[0])?;

    let (mut live, mut accepted, mut trips, mut commits) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut cpu = Duration::ZERO;
    // In turns, so that whatever else the machine does falls on both.
    for _ in 0..ROUNDS {
        trips.extend(floor.echo.round_trips(COMMENTS_PER_ROUND)?);
        commits.extend(floor.commits.run(COMMENTS_PER_ROUND)?);
        let cpu_before = process_cpu();
        for number in 0..COMMENTS_PER_ROUND {
            let (at_customer, at_agent) = wire.comment(&tickets[number % tickets.len()])?;
            accepted.push(at_customer);
            live.push(at_agent);
        }
        cpu += process_cpu() - cpu_before;
    }
    let (live, accepted) = (Spread::of(live), Spread::of(accepted));
    let (trip, commit) = (Spread::of(trips), Spread::of(commits));
    let least = path_millis(&trip, &commit, 2);
    for node in [customer, agent, server] {
        node.stop()?;
    }
    let cpu_each = cpu / u32::try_from(ROUNDS * COMMENTS_PER_ROUND)?;
    Ok(vec![
        Row::spread(NAME, "comment: call at customer -> event at agent", &live)
            .over(least)
            .goal(Goal::AtMost(1.5 * least)),
        Row::spread(NAME, "  of it until the customer's call returns", &accepted).over(millis(commit.p50)),
        Row::spread(NAME, "  floor: bare quinn round trip", &trip),
        Row::spread(NAME, "  floor: redb durable commit", &commit),
        Row::time(NAME, "  CPU of all three daemons and this program", cpu_each),
    ])
}

struct Floor<'a> {
    echo: Echo<'a>,
    commits: Commits,
}

/// Both ends of what is measured.
pub(crate) struct Wire {
    customer: Client,
    events: EventStream,
    writer: Writer,
}

impl Wire {
    pub(crate) fn open(customer: &Node<'_>, agent: &Node<'_>) -> anyhow::Result<Self> {
        let events = agent.client()?.events(None)?;
        Ok(Self { customer: customer.client()?, events, writer: Writer::new(1) })
    }

    /// Files tickets with three comments each, and waits until the agent has heard of all.
    pub(crate) fn file_tickets(&mut self, count: usize) -> anyhow::Result<Vec<String>> {
        let mut tickets = Vec::new();
        for _ in 0..count {
            let (title, body) = (self.writer.title(), self.writer.text(BODY_CHARS));
            let params = ticket::Create { title, body, ..ticket::Create::default() };
            let ticket = self.customer.call(&params)?.ticket.id;
            for _ in 0..3 {
                self.comment(&ticket)?;
            }
            tickets.push(ticket);
        }
        Ok(tickets)
    }

    /// Writes a comment; returns when the customer's daemon had it and when the agent's front end had it.
    pub(crate) fn comment(&mut self, ticket: &str) -> anyhow::Result<(Duration, Duration)> {
        let body = self.writer.text(COMMENT_CHARS);
        let params = comment::Add { ticket: ticket.to_owned(), body, ..comment::Add::default() };
        let began = Instant::now();
        let written = self.customer.call(&params)?;
        let accepted = began.elapsed();
        loop {
            let event = self.events.next_within(PATIENCE)?.context("the comment never reached the agent")?;
            match event.news {
                News::CommentAdded { comment, .. } if comment == written.comment => {
                    return Ok((accepted, began.elapsed()));
                }
                _ => {}
            }
        }
    }
}

const NAME: &str = "live";
/// Few enough to stay in memory at all three.
const TICKETS: usize = 100;
const ROUNDS: usize = 10;
const COMMENTS_PER_ROUND: usize = 50;
