//! `search`: tickets by what was written in them.

use assist_proto::api::search::{FoundTicket, Part, Query, Results, Snippet};

use super::ticket::{check_query, name_of, status_tone};
use super::{optional, word};
use crate::args::SearchArgs;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Audience, Format, Tone, neutral, paint, tab_separated};

/// Does what was asked for.
pub(crate) fn run(args: SearchArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    check_query(&args.query)?;
    match invocation.output.format() {
        Format::JsonLines(_) => invocation.output.check_fields::<FoundTicket>()?,
        _ => invocation.output.check_fields::<Results>()?,
    }
    let project = invocation.project.clone();
    let SearchArgs { query, limit, offset } = args;
    let found = invocation.call(&Query { query, project, limit: Some(limit), offset: Some(offset) })?;
    if matches!(invocation.output.format(), Format::JsonLines(_)) {
        found.results.iter().try_for_each(|result| invocation.output.json(result))?;
    } else {
        invocation.output.document(&found, |found, audience| lines(found, &audience))?;
    }
    let shown = found.results.len() as u64;
    if found.total == 0 {
        invocation.output.say("nothing was found");
    } else if offset + shown < found.total {
        invocation.output.say(&format!(
            "{shown} of {}: `-n <count>` and `--offset <count>` show others, a narrower query fewer",
            found.total
        ));
    }
    if !found.is_complete {
        invocation.output.say("the search index is being made: there may be more, ask again in a while");
    }
    Ok(())
}

fn lines(found: &Results, audience: &Audience) -> Vec<String> {
    found.results.iter().flat_map(|result| result_lines(result, audience)).collect()
}

fn result_lines(result: &FoundTicket, audience: &Audience) -> Vec<String> {
    let ticket = &result.ticket;
    // The title is shown with each ticket anyway.
    let in_text = result.snippets.iter().filter(|snippet| snippet.part != Part::Title);
    match audience {
        Audience::Script => {
            let first = in_text.map(|snippet| snippet.text.clone()).next().unwrap_or_default();
            let (number, status) = (optional(ticket.number), word(&ticket.status));
            let (id, project, title) = (ticket.id.clone(), ticket.project.clone(), ticket.title.clone());
            vec![tab_separated(&[id, number, status, project, title, first])]
        }
        Audience::People(_) => {
            let title = result.snippets.iter().find(|snippet| snippet.part == Part::Title);
            let title = title.map_or_else(|| neutral::line(&ticket.title).into_owned(), highlighted);
            let name = paint(&neutral::line(&name_of(ticket.number, &ticket.short_id)), Tone::Strong);
            let status = paint(&word(&ticket.status), status_tone(ticket.status));
            let mut lines = vec![format!("{name}  {title}  {status}")];
            lines.extend(in_text.map(|snippet| {
                let head = match snippet.part {
                    Part::Title | Part::Body => "",
                    Part::Comment => "comment: ",
                    Part::Note => "note: ",
                    Part::Attachment => "attachment: ",
                };
                let before = if snippet.is_cut_before { "... " } else { "" };
                let behind = if snippet.is_cut_behind { " ..." } else { "" };
                format!("    {}{before}{}{behind}", paint(head, Tone::Dim), highlighted(snippet))
            }));
            lines
        }
    }
}

/// The text on one line, harmless, with what was found made to stand out.
fn highlighted(snippet: &Snippet) -> String {
    let chars: Vec<char> = snippet.text.chars().collect();
    let piece = |from: usize, to: usize| -> String {
        let text: String = chars.get(from..to.min(chars.len())).unwrap_or_default().iter().collect();
        neutral::line(&text).into_owned()
    };
    let mut line = String::new();
    let mut at = 0;
    for place in &snippet.highlights {
        let (start, end) = (index(place.start), index(place.end));
        line.push_str(&piece(at, start));
        line.push_str(&paint(&piece(start, end), Tone::Notable));
        at = end;
    }
    line.push_str(&piece(at, chars.len()));
    line
}

fn index(char: u64) -> usize {
    usize::try_from(char).unwrap_or(usize::MAX)
}
