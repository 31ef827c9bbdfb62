//! A device that was offline comes back: with a thousand tickets of its own, and with nothing new at all.

use anyhow::{Context as _, ensure};
use assist_crdt_model::ProjectId;
use assist_daemon::store::{DeviceReads as _, ServerReads as _};
use assist_proto::api::{comment, ticket, user};

use crate::Bench;
use crate::measure::{process_cpu, timed};
use crate::node::{Node, scratch};
use crate::relay::relay;
use crate::report::{Goal, Row, millis};
use crate::work::{BODY_CHARS, CHANGES_PER_TICKET, COMMENT_CHARS, Writer};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut rows = with_news(bench)?;
    rows.extend(crate::quiet::run(bench)?);
    Ok(rows)
}

/// Tickets that were made offline, until the agent's device has them all.
fn with_news(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let tickets = bench.scale.of(1_000);
    let folder = scratch()?;
    let server = Node::new_server(&bench.runtime, &folder.path().join("s"))?;
    let customer = Node::device(&bench.runtime, &folder.path().join("c"))?;
    let agent = Node::device(&bench.runtime, &folder.path().join("a"))?;
    let project = customer.join(&server, user::Role::Customer, "Carla")?;
    agent.join(&server, user::Role::Agent, "Amir")?;
    customer.pause()?;
    let (filed, ()) = timed(|| file(&customer, tickets))?;
    let payload_bytes = outbox_bytes(&customer, &project)?;
    let head = server.store().read()?.head()?.0 + tickets * CHANGES_PER_TICKET;

    let floor = relay(&bench.runtime, folder.path(), payload_bytes, tickets.div_ceil(FRAME_TICKETS))?;
    let cpu_before = process_cpu();
    let (agent_has_all, ()) = timed(|| {
        customer.resume()?;
        agent.until("all tickets at the agent", |view| Ok(view.sync(&project).cursor.0 >= head))
    })?;
    let cpu = process_cpu() - cpu_before;
    customer.until("all acknowledged", |view| Ok(view.reader.outbox_count(&project)? == 0))?;
    check(&agent, &project, tickets)?;
    for node in [customer, agent, server] {
        node.stop()?;
    }
    let changes = tickets * CHANGES_PER_TICKET;
    Ok(vec![
        Row::time(NAME, format!("{tickets} tickets made offline until the agent has all"), agent_has_all)
            .over(millis(floor))
            .goal(Goal::AtMost(1_000.0)),
        Row::time(NAME, "  CPU of all three daemons", cpu),
        Row::time(NAME, "  the same for one change", cpu / u32::try_from(changes)?),
        Row::time(NAME, "  floor: same bytes by quinn and redb, no checks", floor),
        Row::time(NAME, "  before: filing one change offline, 8 at a time", filed / u32::try_from(changes)?),
    ])
}

/// Files tickets with three comments each through the API, from several front ends at once.
fn file(customer: &Node<'_>, tickets: u64) -> anyhow::Result<()> {
    let share = tickets.div_ceil(FRONT_ENDS);
    std::thread::scope(|scope| {
        let filers: Vec<_> = (0..FRONT_ENDS)
            .map(|number| {
                let count = share.min(tickets.saturating_sub(number * share));
                scope.spawn(move || file_some(customer, number, count))
            })
            .collect();
        filers
            .into_iter()
            .try_for_each(|filer| filer.join().map_err(|_| anyhow::anyhow!("a filer failed"))?)
    })
}

fn file_some(customer: &Node<'_>, seed: u64, count: u64) -> anyhow::Result<()> {
    let mut client = customer.client()?;
    let mut writer = Writer::new(seed);
    for _ in 0..count {
        let (title, body) = (writer.title(), writer.text(BODY_CHARS));
        let filed = client.call(&ticket::Create { title, body, ..ticket::Create::default() })?;
        for _ in 0..3 {
            let (ticket, body) = (filed.ticket.id.clone(), writer.text(COMMENT_CHARS));
            client.call(&comment::Add { ticket, body, ..comment::Add::default() })?;
        }
    }
    Ok(())
}

fn outbox_bytes(customer: &Node<'_>, project: &ProjectId) -> anyhow::Result<u64> {
    let outbox = customer.store().read()?.outbox(project, 0, usize::MAX)?;
    // Beside the change: signature, device and document.
    Ok(outbox.iter().map(|(_, entry)| entry.envelope.change.len() as u64 + 64 + 32 + 17).sum())
}

/// All of it arrived, and all of it passed the gate.
fn check(agent: &Node<'_>, project: &ProjectId, tickets: u64) -> anyhow::Result<()> {
    let reader = agent.store().read()?;
    let contents = reader.contents(project)?;
    ensure!(contents.rows == tickets, "the agent lists {} of {tickets} tickets", contents.rows);
    ensure!(contents.unverified == 0, "{} documents are not verified", contents.unverified);
    ensure!(reader.quarantined(project)?.is_empty(), "the gate refused something");
    let page = reader.list_rows(&Default::default(), Default::default(), crate::first_rows(1))?;
    let row = page.rows.first().context("no row")?;
    ensure!(row.1.comment_count == 3, "a ticket has {} comments", row.1.comment_count);
    Ok(())
}

const NAME: &str = "reconnect";
const FRONT_ENDS: u64 = 8;
/// Tickets in a frame of the floor.
const FRAME_TICKETS: u64 = 128;
