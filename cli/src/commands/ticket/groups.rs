//! `ticket list --group-by`: a list taken apart, each group under its name.

use assist_proto::api::ticket::{GroupBy, Groups, List, TicketGroup, TicketRow};
use schemars::JsonSchema;
use serde::Serialize;

use super::each_page;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Cell, Format, Row, Times, Tone, neutral, paint, tab_separated};

/// A group with what is shown of it.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedGroup {
    #[serde(flatten)]
    group: TicketGroup,
    /// In the order of the list.
    tickets: Vec<TicketRow>,
}

/// Prints each group with its first tickets.
pub(super) fn list(
    by: GroupBy,
    list: List,
    rows_max: u64,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    invocation.output.check_fields::<ListedGroup>()?;
    let groups = ask(by, list.clone(), invocation)?;
    let is_array = matches!(invocation.output.format(), Format::Json(_));
    let mut kept = Vec::new();
    for group in groups {
        let of_group = List { query: Some(narrowed(list.query.as_deref(), &group.query)), ..list.clone() };
        let mut tickets = Vec::new();
        each_page(of_group, rows_max, invocation, |rows, _| {
            tickets.extend(rows);
            Ok(())
        })?;
        let listed = ListedGroup { group, tickets };
        if is_array {
            kept.push(listed);
        } else {
            print(&listed, invocation)?;
        }
    }
    if is_array { invocation.output.json(&kept) } else { Ok(()) }
}

/// Prints how many tickets each group has.
pub(super) fn count(by: GroupBy, list: List, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketGroup>()?;
    let groups = ask(by, list, invocation)?;
    invocation.output.rows(&groups)
}

fn ask(by: GroupBy, list: List, invocation: &mut Invocation) -> Result<Vec<TicketGroup>, CliError> {
    let answer = invocation.call(&Groups { by, list })?;
    if answer.groups.is_empty() {
        invocation.output.say("no tickets");
    }
    let shown = answer.groups.len() as u64;
    if shown < answer.total {
        invocation
            .output
            .say(&format!("the {shown} greatest of {} groups: a query can narrow them down", answer.total));
    }
    Ok(answer.groups)
}

fn narrowed(query: Option<&str>, condition: &str) -> String {
    query.map_or_else(|| condition.to_owned(), |query| format!("{query} {condition}"))
}

fn print(listed: &ListedGroup, invocation: &mut Invocation) -> Result<(), CliError> {
    let ListedGroup { group, tickets } = listed;
    match invocation.output.format() {
        Format::Plain => {
            let line = |row: &TicketRow| {
                let values: Vec<String> = std::iter::once(group.key.clone()).chain(row.values()).collect();
                tab_separated(&values)
            };
            tickets.iter().try_for_each(|row| invocation.output.line(&line(row)))
        }
        Format::Human => {
            let count = match tickets.len() as u64 {
                all if all == group.count => all.to_string(),
                some => format!("{some} of {}", group.count),
            };
            let head = paint(&neutral::line(&group.name), Tone::Strong);
            invocation.output.line(&format!("{head} ({count})"))?;
            invocation.output.rows(tickets)?;
            invocation.output.line("")
        }
        Format::Json(_) | Format::JsonLines(_) => invocation.output.json(listed),
    }
}

impl Row for TicketGroup {
    const HEADS: &'static [&'static str] = &["group", "tickets", "query"];
    const FLEXIBLE: usize = 0;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        vec![Cell::new(&self.name, Tone::Strong), Cell::plain(self.count.to_string()), Cell::dim(&self.query)]
    }

    fn values(&self) -> Vec<String> {
        vec![self.key.clone(), self.count.to_string(), self.name.clone(), self.query.clone()]
    }
}
