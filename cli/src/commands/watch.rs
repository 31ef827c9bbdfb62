//! `watch`: what happens, as it happens.

use assist_proto::api::events::{Cause, Event, News, Reason};
use assist_proto::api::ticket::TicketRef;
use assist_proto::client::{Client, ClientError, EventStream};
use jiff::Zoned;

use super::ticket::name_of;
use super::word;
use crate::args::WatchArgs;
use crate::daemon_process::pause;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Format, Tone, neutral, paint, tab_separated};

/// Prints events until so many came, or for ever.
pub(crate) fn run(args: WatchArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    if matches!(invocation.output.format(), Format::Json(_)) {
        return Err(CliError::message(ErrorKind::Usage, "what never ends is no one JSON document")
            .hint("use `--jsonl`: a line of JSON for each event"));
    }
    invocation.output.check_fields::<Event>()?;
    let project = project_id(invocation)?;
    let mut last_id = args.since;
    let mut left = args.count.unwrap_or(u64::MAX);
    let mut stream = invocation.client()?.events(last_id.as_deref())?;
    invocation.output.say("watching; Ctrl-C ends it");
    while left > 0 {
        match stream.next() {
            Some(Ok(event)) => {
                last_id = Some(event.id.clone());
                if is_wanted(&event, project.as_deref()) {
                    print(&event, invocation)?;
                    left -= 1;
                }
            }
            Some(Err(ClientError::Lost { .. } | ClientError::TimedOut { .. })) | None => {
                last_id = stream.last_id().map(str::to_owned).or(last_id);
                stream = open_again(last_id.as_deref(), invocation)?;
            }
            Some(Err(error)) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until a daemon answers again, however long it takes: it is for the user to start it or to end the wait.
fn open_again(last_id: Option<&str>, invocation: &mut Invocation) -> Result<EventStream, CliError> {
    invocation.output.say("the daemon went away; waiting for it to come back");
    loop {
        let opened = Client::connect(invocation.home.socket()).and_then(|client| client.events(last_id));
        match opened {
            Ok(stream) => {
                invocation.output.say("the daemon is back");
                return Ok(stream);
            }
            Err(ClientError::NotRunning { .. } | ClientError::Lost { .. }) => pause(),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Finds the id of the project named with `-P`, as events bear it.
fn project_id(invocation: &mut Invocation) -> Result<Option<String>, CliError> {
    let Some(project) = invocation.project.clone() else {
        return Ok(None);
    };
    let get = assist_proto::api::project::Get { project: Some(project) };
    Ok(Some(invocation.call(&get)?.info.id))
}

/// Tells whether an event is about the project, or about all of them.
fn is_wanted(event: &Event, project: Option<&str>) -> bool {
    match (project, event.news.project()) {
        (Some(wanted), Some(project)) => wanted == project,
        _ => true,
    }
}

fn print(event: &Event, invocation: &mut Invocation) -> Result<(), CliError> {
    let output = &mut invocation.output;
    match output.format() {
        Format::Json(_) | Format::JsonLines(_) => output.json(event)?,
        Format::Plain => output.line(&tab_separated(&values(event)))?,
        Format::Human => {
            let time = paint(&Zoned::now().strftime("%H:%M:%S").to_string(), Tone::Dim);
            output.line(&format!("{time}  {}", neutral::line(&words(&event.news))))?;
        }
    }
    output.flush()
}

/// Returns id, name, project, ticket, cause or reason, who, and the rest: a comment, a note, a draft, or the title.
fn values(event: &Event) -> Vec<String> {
    let (ticket, cause, actor, rest) = parts(&event.news);
    vec![
        event.id.clone(),
        event.news.name().to_owned(),
        event.news.project().unwrap_or_default().to_owned(),
        ticket.map(|ticket| ticket.id.clone()).unwrap_or_default(),
        cause.unwrap_or_default(),
        actor.unwrap_or_default().to_owned(),
        rest.to_owned(),
    ]
}

fn parts(news: &News) -> (Option<&TicketRef>, Option<String>, Option<&str>, &str) {
    match news {
        News::NotificationAdded { ticket, reason, comment, actor, .. } => {
            let rest = comment.as_deref().unwrap_or(&ticket.title);
            (Some(ticket), Some(word(reason)), actor.as_deref(), rest)
        }
        News::TicketChanged { ticket, cause, actor } => {
            (Some(ticket), Some(word(cause)), actor.as_deref(), &ticket.title)
        }
        News::CommentAdded { ticket, comment, cause, actor } => {
            (Some(ticket), Some(word(cause)), actor.as_deref(), comment)
        }
        News::NoteAdded { ticket, note, cause, actor } => {
            (Some(ticket), Some(word(cause)), actor.as_deref(), note)
        }
        News::AttachmentChanged { ticket, blob } => (Some(ticket), None, None, blob),
        News::TicketRead { ticket, actor, .. } => (Some(ticket), None, actor.as_deref(), &ticket.title),
        News::ProjectChanged { cause, actor, .. } => (None, Some(word(cause)), actor.as_deref(), ""),
        News::DraftAdded { draft, ticket, .. } => (ticket.as_ref(), None, None, draft),
        News::DeviceAdded { device, .. } => (None, None, None, device),
        News::DraftRemoved { draft, .. } => (None, None, None, draft),
        News::SyncChanged { .. }
        | News::OverlayChanged {}
        | News::PresenceChanged { .. }
        | News::Reset {}
        | News::Unknown => (None, None, None, ""),
    }
}

fn words(news: &News) -> String {
    let named = |ticket: &TicketRef| {
        format!("{} {}", name_of(ticket.number, &ticket.short_id), ticket.title).trim_end().to_owned()
    };
    let by = |actor: &Option<String>| actor.as_ref().map(|actor| format!(" by {actor}")).unwrap_or_default();
    match news {
        News::TicketChanged { ticket, cause: Cause::Delivery, .. } => {
            format!("{}: your changes have come further", named(ticket))
        }
        News::TicketChanged { ticket, cause: Cause::Resurfaced, .. } => {
            format!("{} is back: its snooze has ended", named(ticket))
        }
        News::TicketChanged { ticket, actor, .. } => format!("{} changed{}", named(ticket), by(actor)),
        News::CommentAdded { ticket, actor, .. } => format!("{}: new comment{}", named(ticket), by(actor)),
        News::NoteAdded { ticket, actor, .. } => format!("{}: new note{}", named(ticket), by(actor)),
        News::NotificationAdded { ticket, reason, is_note, actor, .. } => {
            format!("for you: {}", notification(*reason, *is_note, &named(ticket), actor.as_deref()))
        }
        News::AttachmentChanged { ticket, .. } => {
            format!("{}: an attachment has come further", named(ticket))
        }
        News::TicketRead { ticket, actor, .. } => {
            format!("{} was read by {}", named(ticket), actor.as_deref().unwrap_or("somebody"))
        }
        News::PresenceChanged { .. } => "others have come or gone: see `assist presence list`".to_owned(),
        News::OverlayChanged {} => "the overlay fares otherwise: see `assist daemon status`".to_owned(),
        News::SyncChanged { project } => format!("connection or outbox of {} changed", short(project)),
        News::ProjectChanged { project, actor, .. } => {
            format!("project {} changed{}", short(project), by(actor))
        }
        News::DeviceAdded { device, name, is_waiting: true, .. } => {
            let device = short(device);
            format!("{name} waits to be let in as a device of yours; see `assist device approve {device}`")
        }
        News::DeviceAdded { name, .. } => {
            format!("{name} is a new device of yours; see `assist device list`")
        }
        News::DraftAdded { draft, message, .. } => {
            format!("kept: {message}; see `assist draft show {}`", short(draft))
        }
        News::DraftRemoved { draft, .. } => format!("draft {} is settled", short(draft)),
        News::Reset {} => "events were missed: look at the lists again".to_owned(),
        News::Unknown => "something that this version does not know".to_owned(),
    }
}

fn notification(reason: Reason, is_note: bool, ticket: &str, actor: Option<&str>) -> String {
    let actor = actor.unwrap_or("somebody");
    let place = if is_note { "a note at" } else { "a comment at" };
    match reason {
        Reason::Assigned => format!("{actor} handed you {ticket}"),
        Reason::Mentioned => format!("{actor} mentions you in {place} {ticket}"),
        Reason::Reply => format!("{actor} answered at {ticket}"),
        Reason::Resurfaced => format!("{ticket} is back: its snooze has ended"),
        Reason::Unknown => format!("{ticket}, for a reason that this version does not know"),
    }
}

/// Enough of an id to name it.
fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

#[cfg(test)]
mod tests;
