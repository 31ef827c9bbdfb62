//! `assistd demo`: the product at work on one machine, with real daemons, keys, sockets and connections.
//!
//! Five processes: two servers, a customer's device and an agent's device that have each joined both projects, and
//! this one, which tells the story through the local API like any other front end.

mod cast;
mod narrator;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use assist_proto::api::ticket::{self, TicketRef};
use assist_proto::api::{comment, sync};
use clap::Args;

use cast::{Cast, Device};
use narrator::Narrator;

/// What a demonstration can be told.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Leave when the story is told, and clean up; fails if any step did.
    #[arg(long)]
    once: bool,
    /// Where to keep the data; a new folder among the system's temporary ones unless told.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// A text as people file it: the first line is the title, the rest the report.
struct Report(&'static str);

impl Report {
    fn title(&self) -> &'static str {
        self.0.lines().next().unwrap_or_default()
    }

    fn body(&self) -> &'static str {
        self.0.split_once('\n').map_or("", |(_, body)| body.trim())
    }
}

const LINK_FLAPS: Report = Report(include_str!("demo/reports/link_flaps.md"));
const FOUR_SCRIPTS: Report = Report(include_str!("demo/reports/four_scripts.md"));
const STACK_TRACE: Report = Report(include_str!("demo/reports/stack_trace.md"));
const LONG_LOG: Report = Report(include_str!("demo/reports/long_log.md"));
const IDEA: Report = Report(include_str!("demo/reports/idea.md"));
const ANSWER: &str = include_str!("demo/reports/answer.md");

/// Longer than anything in the story takes on a slow machine that is busy.
const STEP_MAX: Duration = Duration::from_secs(60);

/// Tells the story.
///
/// # Errors
/// At the first step that does not do what it says.
pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<()> {
    let mut narrator = Narrator::new()?;
    let mut cast = Cast::start(args.data.clone(), &mut narrator)?;
    let told = tell(&mut cast, &mut narrator);
    if let Err(error) = told {
        narrator
            .line(&format!("\nThis step failed. What the daemons logged is in {}.", cast.data().display()))?;
        return Err(error);
    }
    if args.once {
        let data = cast.stop()?;
        if args.data.is_none() {
            std::fs::remove_dir_all(data)?;
        }
        return narrator.line("\nEverything worked. Stopped and cleaned up.");
    }
    narrator.line(&cast.invitation_to_try())?;
    wait_for_interrupt()?;
    narrator.line("\nStopping. The data stays; start a daemon on any of its folders to look again.")?;
    cast.stop()?;
    Ok(())
}

fn tell(cast: &mut Cast, narrator: &mut Narrator) -> anyhow::Result<()> {
    let first = live(cast, narrator)?;
    servers_away(cast, narrator)?;
    answered(cast, narrator, &first)?;
    paused_and_both_write(cast, narrator, &first)
}

/// Online: a ticket is with the agent at once.
fn live(cast: &mut Cast, narrator: &mut Narrator) -> anyhow::Result<TicketRef> {
    narrator.chapter("Online: a ticket is with the agent at once")?;
    let ticket = file(cast, narrator, "mycelium", &LINK_FLAPS)?;
    follow(cast, narrator, &ticket)?;
    let seen = cast.agent.ticket(&ticket.id)?;
    ensure!(seen.body == LINK_FLAPS.body(), "the agent's text is not what the customer wrote");
    let number = seen.row.number.context("the server has numbered the ticket")?;
    narrator.step(&format!("The agent reads #{number}: {}", seen.row.title))?;
    Ok(ticket.reference)
}

/// Offline because the servers are gone: nothing is different for the customer.
fn servers_away(cast: &mut Cast, narrator: &mut Narrator) -> anyhow::Result<()> {
    narrator.chapter("Offline, because both servers are gone")?;
    narrator.timed("Both servers are stopped", || cast.stop_servers())?;
    cast.customer.until_connection(STEP_MAX, |state| state != sync::ConnectionState::Online)?;
    let scripts = file(cast, narrator, "mycelium", &FOUR_SCRIPTS)?;
    let trace = file(cast, narrator, "hero", &STACK_TRACE)?;
    let listed = cast.customer.tickets()?.len();
    narrator.step(&format!("The customer lists {listed} tickets, two of them only on this device"))?;
    narrator.timed("Both servers are started again", || cast.start_servers())?;
    for ticket in [&scripts, &trace] {
        follow(cast, narrator, ticket)?;
    }
    let arrived = cast.agent.ticket(&scripts.id)?;
    ensure!(arrived.body == FOUR_SCRIPTS.body(), "four scripts did not survive the way");
    narrator.step("At the agent, every script is as it was written")
}

/// The agent answers; the customer has it without asking.
fn answered(cast: &mut Cast, narrator: &mut Narrator, ticket: &TicketRef) -> anyhow::Result<()> {
    narrator.chapter("The agent answers")?;
    let written = narrator.timed("The agent writes a comment: saved here", || {
        cast.agent.call(&comment::Add {
            project: Some(ticket.project.clone()),
            ticket: ticket.id.clone(),
            body: ANSWER.to_owned(),
            reply_to: None,
            attachments: Vec::new(),
            hold_millis: None,
        })
    })?;
    let change = written.change.context("a comment is a change")?;
    cast.agent.states(narrator, &change, STEP_MAX)?;
    let at_customer = cast.customer.ticket(&ticket.id)?;
    let answer = at_customer.comments.last().context("the answer is at the customer")?;
    ensure!(answer.body == ANSWER, "the answer is not what the agent wrote");
    narrator.step(&format!(
        "The customer reads {}'s answer: \"{} ...\"",
        answer.author.name,
        first_words(&answer.body)
    ))
}

/// Offline by choice, and both sides change the title of one ticket meanwhile: a conflict that loses neither.
fn paused_and_both_write(cast: &mut Cast, narrator: &mut Narrator, ticket: &TicketRef) -> anyhow::Result<()> {
    narrator.chapter("Offline by choice: `assist sync pause`")?;
    narrator.timed("The customer pauses syncing", || cast.customer.call(&sync::Pause::default()))?;
    let log = file(cast, narrator, "hero", &LONG_LOG)?;
    let idea = file(cast, narrator, "hero", &IDEA)?;
    let theirs = "Drops all peers on networks with MTU 1380";
    let ours = "All peers drop every few minutes (hotel network)";
    retitle(&mut cast.customer, ticket, ours)?;
    narrator.step(&format!("The customer renames the first ticket: {ours:?}"))?;
    retitle(&mut cast.agent, ticket, theirs)?;
    narrator.step(&format!("Meanwhile the agent renames it, too:    {theirs:?}"))?;
    narrator.timed("The customer resumes syncing", || cast.customer.call(&sync::Resume::default()))?;
    for ticket in [&log, &idea] {
        follow(cast, narrator, ticket)?;
    }
    for device in [&mut cast.customer, &mut cast.agent] {
        let name = device.name().to_owned();
        let conflicts = device.until_conflict(&ticket.id, STEP_MAX)?;
        let titles = conflicts
            .iter()
            .find(|conflict| conflict.field == "title")
            .context("the title is in conflict")?;
        let values: Vec<&str> = titles.values.iter().map(|value| value.text.as_str()).collect();
        ensure!(values.contains(&ours) && values.contains(&theirs), "a title was lost: {values:?}");
        narrator.step(&format!("{name:9} sees both: {values:?}"))?;
    }
    retitle(&mut cast.agent, ticket, theirs)?;
    cast.customer.until_settled(&ticket.id, theirs, STEP_MAX)?;
    narrator.step(&format!("The agent settles it, and the customer sees {theirs:?}"))
}

/// A ticket that was just filed.
struct Filed {
    reference: TicketRef,
    id: String,
    change: String,
}

fn file(cast: &mut Cast, narrator: &mut Narrator, project: &str, report: &Report) -> anyhow::Result<Filed> {
    let label = format!("{project}: {:?} ({} bytes): saved here", report.title(), report.body().len());
    let written = narrator.timed(&label, || {
        cast.customer.call(&ticket::Create {
            project: Some(project.to_owned()),
            title: report.title().to_owned(),
            body: report.body().to_owned(),
            ..ticket::Create::default()
        })
    })?;
    let change = written.change.context("a new ticket is a change")?;
    Ok(Filed { id: written.ticket.id.clone(), reference: written.ticket, change })
}

/// Follows a ticket of the customer's to the server and to the agent.
fn follow(cast: &mut Cast, narrator: &mut Narrator, ticket: &Filed) -> anyhow::Result<()> {
    narrator.step(&format!("{}:", cast.customer.ticket(&ticket.id)?.row.title))?;
    cast.customer.states(narrator, &ticket.change, STEP_MAX)
}

fn retitle(device: &mut Device, ticket: &TicketRef, title: &str) -> anyhow::Result<()> {
    device.call(&ticket::Edit {
        project: Some(ticket.project.clone()),
        ticket: ticket.id.clone(),
        set: ticket::FieldValues { title: Some(title.to_owned()), ..ticket::FieldValues::default() },
        add_labels: Vec::new(),
        remove_labels: Vec::new(),
    })?;
    Ok(())
}

fn first_words(text: &str) -> String {
    text.split_whitespace().take(7).collect::<Vec<_>>().join(" ")
}

fn wait_for_interrupt() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(tokio::signal::ctrl_c())?)
}
