//! `presence`: who is there, looks at what, and writes just now.

use std::collections::BTreeMap;
use std::time::Duration;

use assist_proto::api::presence::{Doing, List, PresenceList, PresentPerson, Set};
use assist_proto::api::ticket::{Patch, TicketRef};
use assist_proto::api::user::UserName;
use schemars::JsonSchema;
use serde::Serialize;

use super::ticket::{name_of, reference};
use super::word;
use crate::args::PresenceVerb;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Cell, Format, Row, Times, Tone};

/// Does what was asked for.
pub(crate) fn run(verb: PresenceVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    let project = invocation.project.clone();
    match verb {
        PresenceVerb::List { ticket, watch, count } => {
            invocation.output.check_fields::<Present>()?;
            let params = List { project, ticket: ticket.map(reference) };
            if watch { watch_list(&params, count, invocation) } else { list(&params, invocation) }
        }
        PresenceVerb::Set { ticket, doing, status, no_status } => {
            let status = match (status, no_status) {
                (Some(text), _) => Patch::Set(text),
                (None, true) => Patch::Clear,
                (None, false) => Patch::Keep,
            };
            let params = Set { project, ticket: ticket.map(reference), doing, status };
            invocation.carry_out(
                &params,
                "said; what you do holds for some seconds, a status until it is taken back",
            )
        }
    }
}

/// Somebody who is there, at a ticket or in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Present {
    /// The project's id, 52 characters.
    project: String,
    /// Where; null for who of the team is there at all.
    ticket: Option<TicketRef>,
    /// Who.
    user: UserName,
    /// What they do; `gone` once they have left.
    doing: String,
    /// What they say of themselves.
    status: Option<String>,
}

fn list(params: &List, invocation: &mut Invocation) -> Result<(), CliError> {
    let list = invocation.call(params)?;
    for project in list.projects.iter().filter(|project| !project.is_known) {
        invocation.output.say(&format!("{}: the server is not in reach, so nobody knows", project.name));
    }
    invocation.output.rows(&rows(&list))
}

/// Prints who comes, who does something else, and who goes. Asking again keeps the daemon listening.
fn watch_list(params: &List, count: Option<u64>, invocation: &mut Invocation) -> Result<(), CliError> {
    if matches!(invocation.output.format(), Format::Json(_)) {
        return Err(CliError::message(ErrorKind::Usage, "what never ends is no one JSON document")
            .hint("use `--jsonl`: a line of JSON for each change"));
    }
    let mut events = invocation.client()?.events(None)?;
    let mut shown: BTreeMap<Place, Present> = BTreeMap::new();
    let mut left = count.unwrap_or(u64::MAX);
    loop {
        let now: BTreeMap<Place, Present> =
            rows(&invocation.call(params)?).into_iter().map(|row| (place(&row), row)).collect();
        let gone = shown.iter().filter(|(place, _)| !now.contains_key(*place));
        let gone = gone.map(|(_, row)| Present { doing: "gone".to_owned(), status: None, ..row.clone() });
        let new = now.iter().filter(|(place, row)| shown.get(*place) != Some(*row));
        let changed: Vec<Present> = gone.chain(new.map(|(_, row)| row.clone())).collect();
        for row in changed {
            invocation.output.rows(std::slice::from_ref(&row))?;
            invocation.output.flush()?;
            left -= 1;
            if left == 0 {
                return Ok(());
            }
        }
        shown = now;
        // Whatever comes first: news, or the time to say that somebody still looks.
        events.next_within(RENEW)?;
    }
}

type Place = (String, String, String);

fn place(row: &Present) -> Place {
    let ticket = row.ticket.as_ref().map(|ticket| ticket.id.clone()).unwrap_or_default();
    (row.project.clone(), ticket, row.user.id.clone())
}

fn rows(list: &PresenceList) -> Vec<Present> {
    let row = |project: &str, ticket: Option<&TicketRef>, person: &PresentPerson| Present {
        project: project.to_owned(),
        ticket: ticket.cloned(),
        user: person.user.clone(),
        doing: word(&person.doing),
        status: person.status.clone(),
    };
    let at_tickets = list.tickets.iter().flat_map(|at| {
        at.people.iter().map(|person| row(&at.ticket.project, Some(&at.ticket), person)).collect::<Vec<_>>()
    });
    let team = list.projects.iter().flat_map(|project| {
        project.people.iter().map(|person| row(&project.project, None, person)).collect::<Vec<_>>()
    });
    at_tickets.chain(team).collect()
}

impl Row for Present {
    const HEADS: &'static [&'static str] = &["who", "does", "at", "status"];
    const FLEXIBLE: usize = 3;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        let is_writing = [word(&Doing::Typing), word(&Doing::TypingNote)].contains(&self.doing);
        let at = self.ticket.as_ref().map(|ticket| name_of(ticket.number, &ticket.short_id));
        vec![
            Cell::new(&self.user.name, Tone::Strong),
            Cell::new(&self.doing, if is_writing { Tone::Notable } else { Tone::Plain }),
            Cell::plain(at.unwrap_or_default()),
            Cell::plain(self.status.as_deref().unwrap_or_default()),
        ]
    }

    fn values(&self) -> Vec<String> {
        vec![
            self.project.clone(),
            self.ticket.as_ref().map(|ticket| ticket.id.clone()).unwrap_or_default(),
            self.user.id.clone(),
            self.user.name.clone(),
            self.doing.clone(),
            self.status.clone().unwrap_or_default(),
        ]
    }
}

/// Well before the daemon takes it that nobody looks any more.
const RENEW: Duration = Duration::from_secs(3);
