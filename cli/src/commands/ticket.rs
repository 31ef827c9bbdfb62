//! `ticket`: filing, reading and working tickets.
//!
//! Each write is one call, done when it is durable on this device; what it made is printed before any `--wait`.

mod bulk;
mod export;
mod groups;
mod history;
mod members;
mod print;
mod row;
mod view;
mod work;

use assist_crdt_model::limits::TITLE_CHARS_MAX;
use assist_proto::api::canned::Preview;
use assist_proto::api::comment::{Add, Comment, CommentWritten, Delete, Edit as EditComment};
use assist_proto::api::limits;
use assist_proto::api::ticket::{
    Create, Edit, FieldValues, Follow, Get, HistoryChange, List, MarkRead, Order, Patch, Status, Ticket,
    TicketRow, TicketWritten, Verification, Verify,
};
use assist_proto::query::Query;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::export::{CSV_HEAD, csv_line};
use super::verify;
use crate::args::{
    AssignArgs, CommentArgs, EditArgs, LabelArgs, ListArgs, NONE, NewArgs, StatusArgs, TicketVerb, WaitArgs,
};
use crate::body::{BodyArgs, Text, is_on_terminal};
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Audience, Format, neutral};
use crate::wait::wait_for;
pub(super) use row::status_tone;
pub(super) use view::comment_words;

/// Does what was asked for.
pub(crate) fn run(verb: TicketVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    match verb {
        TicketVerb::New(args) => file(args, invocation),
        TicketVerb::List(args) => list(args, invocation),
        TicketVerb::View { ticket, at } => view(ticket, at.as_deref(), invocation),
        TicketVerb::Read { ticket } => mark_read(ticket, invocation),
        TicketVerb::Follow(args) => work::follow(args, Some(Follow::Following), "following", invocation),
        TicketVerb::Mute(args) => work::follow(args, Some(Follow::Muted), "muted", invocation),
        TicketVerb::Unfollow(args) => work::follow(args, None, "as usual", invocation),
        TicketVerb::Edit(args) => edit(args, invocation),
        TicketVerb::Comment(args) => write_comment(args, invocation),
        TicketVerb::Close(args) => work::close(args, invocation),
        TicketVerb::Pending(args) => set_status(args, Status::Pending, "pending:", invocation),
        TicketVerb::Resolve(args) => set_status(args, Status::Resolved, "resolved", invocation),
        TicketVerb::Priority(args) => work::rank(args, invocation),
        TicketVerb::Claim(args) => work::claim(args, invocation),
        TicketVerb::Snooze(args) => work::snooze(args, invocation),
        TicketVerb::Unsnooze(args) => work::unsnooze(args, invocation),
        TicketVerb::Link(args) => work::link(args, invocation),
        TicketVerb::Unlink(args) => work::unlink(args, invocation),
        TicketVerb::Merge(args) => work::merge(args, invocation),
        TicketVerb::Undo(args) => work::undo(args, invocation),
        TicketVerb::Unmerge(args) => work::unmerge(args, invocation),
        TicketVerb::Reopen(args) => set_status(args, Status::Open, "reopened", invocation),
        TicketVerb::Label(args) => label(args, invocation),
        TicketVerb::Assign(args) => assign(args, invocation),
        TicketVerb::Bulk(verb) => bulk::run(verb, invocation),
        TicketVerb::History { ticket } => {
            invocation.output.check_fields::<HistoryChange>()?;
            history::print(&reference(ticket), invocation)
        }
        TicketVerb::Verify { ticket } => {
            invocation.output.check_fields::<Verification>()?;
            let project = invocation.project.clone();
            let verification = invocation.call(&Verify { project, ticket: reference(ticket) })?;
            verify::print(&verification, invocation)
        }
        TicketVerb::Export(args) => export::run(args, invocation),
        TicketVerb::Print(args) => print::run(args, invocation),
        TicketVerb::Member(verb) => members::run(verb, invocation),
    }
}

pub(crate) use history::edit_words;

/// Returns how people call a ticket: by its number, or by the beginning of its id before it has one.
pub(crate) fn name_of(number: Option<u64>, short_id: &str) -> String {
    number.map_or_else(|| short_id.to_owned(), |number| format!("#{number}"))
}

/// Prints what a write made, then waits if that was asked for.
pub(crate) fn print_written(
    deed: &str,
    written: &TicketWritten,
    wait: &WaitArgs,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    if written.change.is_none() {
        invocation.output.say("nothing to change: it was so already");
    }
    invocation.output.document(written, |written, audience| match audience {
        Audience::Script => vec![written.ticket.id.clone()],
        Audience::People(_) => {
            let name = name_of(written.ticket.number, &written.ticket.short_id);
            vec![format!("{deed} {name} {}", neutral::line(&written.ticket.title)).trim_end().to_owned()]
        }
    })?;
    wait_for(invocation, &written.ticket.project, written.change.as_deref(), wait)
}

fn file(args: NewArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketWritten>()?;
    let (title, text) = title_and_text(args.title, &args.body)?;
    let attachments = args.attach.hand_over(invocation).map_err(|error| text.mention(error))?;
    let create = Create {
        attachments,
        project: invocation.project.clone(),
        title,
        body: text.text.clone(),
        labels: args.labels,
        priority: args.priority,
        assignee: args.assignee,
        requester: args.requester,
    };
    let written = invocation.call(&create).map_err(|error| text.mention(error))?;
    text.forget_file();
    print_written("filed", &written, &args.wait, invocation)
}

/// Returns both, from wherever they are given. What was written in the editor without a title begins with it.
fn title_and_text(title: Option<String>, body: &BodyArgs) -> Result<(String, Text), CliError> {
    let is_to_be_edited = !body.is_given() && is_on_terminal();
    match title {
        Some(title) if body.is_given() || is_to_be_edited => Ok((title, body.read_or_edit("")?)),
        Some(title) => Ok((title, Text::default())),
        None => {
            let mut text = body.read_or_edit("")?;
            let title = first_line(&text.text).ok_or_else(|| {
                CliError::message(ErrorKind::Usage, "there is no title, nor a text to take it from")
                    .hint("give one with `-t <title>`")
            })?;
            if is_to_be_edited {
                text.drop_first_line();
            }
            Ok((title, text))
        }
    }
}

/// Returns the first line with something in it, cut to the length of a title.
fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    if line.chars().count() <= TITLE_CHARS_MAX {
        return Some(line.to_owned());
    }
    let cut: String = line.chars().take(TITLE_CHARS_MAX - 1).collect();
    Some(format!("{}\u{2026}", cut.trim_end()))
}

fn list(args: ListArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let rows_max = if args.all { u64::MAX } else { args.limit };
    let (group_by, is_counted, is_csv) = (args.group_by, args.counts, args.csv);
    if let Some(by) = group_by {
        let list = list_params(args, invocation)?;
        return if is_counted {
            groups::count(by, list, invocation)
        } else {
            groups::list(by, list, rows_max, invocation)
        };
    }
    invocation.output.check_fields::<TicketRow>()?;
    let list = list_params(args, invocation)?;
    if is_csv { print_csv(list, rows_max, invocation) } else { print_list(list, rows_max, invocation) }
}

fn list_params(args: ListArgs, invocation: &Invocation) -> Result<List, CliError> {
    let asked = args.query.or(args.query_option);
    if let Some(text) = &asked {
        check_query(text)?;
    }
    let is_own_list = args.assignee.as_deref() == Some("me");
    Ok(List {
        project: invocation.project.clone(),
        status: args.status,
        assignee: args.assignee,
        requester: args.requester,
        labels: args.labels,
        text: args.text,
        query: with_flags(asked, args.unread, args.snoozed, is_own_list),
        sort: args.sort,
        order: if args.reverse { Order::Ascending } else { Order::Descending },
        offset: Some(args.offset),
        cursor: None,
        limit: None,
    })
}

fn print_csv(list: List, rows_max: u64, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.line(CSV_HEAD.trim_end_matches('\n'))?;
    let shown = each_page(list, rows_max, invocation, |rows, invocation| {
        // A line ends as RFC 4180 wants it.
        rows.iter().try_for_each(|row| invocation.output.line(csv_line(row).trim_end_matches('\n')))
    })?;
    shown.say_what_is_left(invocation);
    Ok(())
}

/// Prints a list. Scripts get each page as it comes; arrays and columns need them all.
fn print_list(list: List, rows_max: u64, invocation: &mut Invocation) -> Result<(), CliError> {
    let is_streamed = matches!(invocation.output.format(), Format::Plain | Format::JsonLines(_));
    let mut kept = Vec::new();
    let shown = each_page(list, rows_max, invocation, |rows, invocation| {
        if is_streamed {
            return invocation.output.rows(&rows);
        }
        kept.extend(rows);
        Ok(())
    })?;
    if !is_streamed {
        invocation.output.rows(&kept)?;
    }
    shown.say_what_is_left(invocation);
    Ok(())
}

/// Which part of a list was shown.
struct Shown {
    offset: u64,
    count: u64,
    total: u64,
}

impl Shown {
    fn say_what_is_left(&self, invocation: &mut Invocation) {
        let Self { offset, count, total } = *self;
        if total == 0 {
            invocation.output.say("no tickets");
        } else if offset + count < total {
            invocation.output.say(&format!(
                "{count} of {total} tickets: `-n <count>` and `--offset <count>` show others, `--all` shows all"
            ));
        }
    }
}

/// Hands over the rows of a list as they come.
fn each_page(
    mut list: List,
    rows_max: u64,
    invocation: &mut Invocation,
    mut take: impl FnMut(Vec<TicketRow>, &mut Invocation) -> Result<(), CliError>,
) -> Result<Shown, CliError> {
    let offset = list.offset.unwrap_or_default();
    let mut count = 0;
    loop {
        let rows_wanted = (rows_max - count).min(u64::from(limits::PAGE_ROWS_MAX));
        list.limit = Some(u32::try_from(rows_wanted).unwrap_or(limits::PAGE_ROWS_MAX));
        let page = invocation.call(&list)?;
        count += page.tickets.len() as u64;
        take(page.tickets, invocation)?;
        list.offset = None;
        list.cursor = page.next_cursor;
        if list.cursor.is_none() || count >= rows_max {
            return Ok(Shown { offset, count, total: page.total });
        }
    }
}

/// What sleeps is not on one's own list, unless that is what is asked for.
fn with_flags(
    asked: Option<String>,
    wants_unread: bool,
    wants_snoozed: bool,
    is_own_list: bool,
) -> Option<String> {
    let unread = wants_unread.then_some("is:unread");
    let snoozed = match (wants_snoozed, is_own_list) {
        (true, _) => Some("is:snoozed"),
        (false, true) => Some("-is:snoozed"),
        (false, false) => None,
    };
    let terms: Vec<&str> = asked.as_deref().into_iter().chain(unread).chain(snoozed).collect();
    (!terms.is_empty()).then(|| terms.join(" "))
}

/// Checks a query here, where the place that is wrong can be pointed at.
pub(super) fn check_query(text: &str) -> Result<(), CliError> {
    let Err(error) = Query::parse(text) else { return Ok(()) };
    let pointed = error.point_at(text);
    let pointed = neutral::block(&pointed);
    Err(CliError::message(ErrorKind::Usage, format!("the query is not understood: {error}"))
        .hint(format!("it is here:\n  {}", pointed.replace('\n', "\n  "))))
}

fn view(ticket: String, at: Option<&str>, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Ticket>()?;
    let mut params = get(ticket, invocation);
    match at.map(|at| (at, work::past_time(at, &Zoned::now()))) {
        Some((_, Some(millis))) => params.at_millis = Some(millis),
        Some((change, None)) => params.at_change = Some(change.to_owned()),
        None => {}
    }
    let ticket = invocation.call(&params)?;
    invocation.output.document(&ticket, |ticket, audience| view::lines(ticket, &audience))?;
    // Only a person reads: what a script was given, nobody may have looked at.
    let is_shown_as_it_is = ticket.as_of_change.is_none();
    if is_shown_as_it_is && matches!(invocation.output.format(), Format::Human) && ticket.row.is_unread {
        let (project, id) = (Some(ticket.row.project.clone()), ticket.row.id.clone());
        invocation.call(&MarkRead { project, ticket: id, through: Some(ticket.place) })?;
    }
    Ok(())
}

fn mark_read(ticket: String, invocation: &mut Invocation) -> Result<(), CliError> {
    let project = invocation.project.clone();
    let params = MarkRead { project, ticket: reference(ticket), through: None };
    invocation.carry_out(&params, "marked as read")
}

fn edit(args: EditArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketWritten>()?;
    let ticket = reference(args.ticket);
    let mut set = FieldValues {
        title: args.title,
        body: None,
        status: args.status,
        assignee: args.assignee.map_or(Patch::Keep, or_clear),
        priority: args.priority.unwrap_or_default(),
        snoozed_until_millis: args.snooze_until.as_deref().map_or(Ok(Patch::Keep), moment)?,
        close_reason: Patch::Keep,
    };
    let is_told = set != FieldValues::default()
        || args.body.is_given()
        || !args.add_labels.is_empty()
        || !args.remove_labels.is_empty();
    let text = if is_told { args.body.read()? } else { Some(rewrite(&ticket, &mut set, invocation)?) };
    set.body = text.as_ref().map(|text| text.text.clone());
    let project = invocation.project.clone();
    let (add_labels, remove_labels) = (args.add_labels, args.remove_labels);
    let text = text.unwrap_or_default();
    let written = invocation
        .call(&Edit { project, ticket, set, add_labels, remove_labels })
        .map_err(|error| text.mention(error))?;
    text.forget_file();
    print_written("changed", &written, &args.wait, invocation)
}

/// Lets the user rewrite title and body in the editor: the title is the first line.
fn rewrite(ticket: &str, set: &mut FieldValues, invocation: &mut Invocation) -> Result<Text, CliError> {
    if !is_on_terminal() {
        return Err(CliError::message(ErrorKind::Usage, "nothing to change was given")
            .hint("`assist ticket edit --help` lists what can be changed"));
    }
    let current = invocation.call(&get(ticket.to_owned(), invocation))?;
    let draft = format!("{}\n\n{}", current.row.title, current.body);
    let mut text = BodyArgs::default().read_or_edit(&draft)?;
    set.title = first_line(&text.text);
    text.drop_first_line();
    Ok(text)
}

pub(super) fn write_comment(args: CommentArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<CommentWritten>()?;
    let ticket = reference(args.ticket);
    let project = invocation.project.clone();
    let mut text = Text::default();
    let written = if let Some(struck) = args.strike {
        let comment = comment_id(&ticket, struck, invocation)?;
        invocation.call(&Delete { project, ticket, comment })
    } else if let Some(edited) = args.edit {
        let comment = comment_id(&ticket, edited, invocation)?;
        text = args.body.read_or_edit("")?;
        invocation.call(&EditComment { project, ticket, comment, body: text.text.clone() })
    } else {
        let answered = args.reply_to.map(|answered| comment_id(&ticket, answered, invocation)).transpose()?;
        text = match args.canned {
            Some(name) => canned_text(&ticket, name, invocation)?,
            None => args.attach.read_text_beside(&args.body)?,
        };
        let attachments = args.attach.hand_over(invocation).map_err(|error| text.mention(error))?;
        let (body, hold_millis) = (text.text.clone(), args.hold.millis());
        invocation.call(&Add { project, ticket, body, reply_to: answered, attachments, hold_millis })
    };
    let written = written.map_err(|error| text.mention(error))?;
    text.forget_file();
    print_comment(&written, &args.wait, invocation)
}

/// The canned reply of a name, filled in for the ticket.
fn canned_text(ticket: &str, name: String, invocation: &mut Invocation) -> Result<Text, CliError> {
    let (project, ticket) = (invocation.project.clone(), ticket.to_owned());
    Ok(Text::new(invocation.call(&Preview { project, ticket, name })?.body))
}

fn print_comment(
    written: &CommentWritten,
    wait: &WaitArgs,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    if written.change.is_none() {
        invocation.output.say("nothing to change: it was so already");
    }
    invocation.output.document(written, |written, audience| match audience {
        Audience::Script => vec![written.comment.clone()],
        Audience::People(_) => {
            let ticket = name_of(written.ticket.number, &written.ticket.short_id);
            vec![format!("comment {} on {ticket} {}", written.comment, neutral::line(&written.ticket.title))]
        }
    })?;
    wait_for(invocation, &written.ticket.project, written.change.as_deref(), wait)
}

/// Completes the beginning of a comment's id.
fn comment_id(ticket: &str, given: String, invocation: &mut Invocation) -> Result<String, CliError> {
    let comments =
        |invocation: &mut Invocation| Ok(invocation.call(&get(ticket.to_owned(), invocation))?.comments);
    named_comment("comment", "`assist ticket view`", given, comments, invocation)
}

/// Returns the id of the one comment, or note, that is meant. `shown_by` is the command that shows all ids.
pub(super) fn named_comment(
    kind: &str,
    shown_by: &str,
    given: String,
    all: impl FnOnce(&mut Invocation) -> Result<Vec<Comment>, CliError>,
    invocation: &mut Invocation,
) -> Result<String, CliError> {
    if given.len() >= ID_CHARS {
        return Ok(given);
    }
    let beginning = given.to_lowercase();
    let mut fitting = all(invocation)?;
    fitting.retain(|comment| comment.id.starts_with(&beginning));
    match fitting.as_slice() {
        [only] => Ok(only.id.clone()),
        [] => Err(CliError::message(ErrorKind::NotFound, format!("no {kind}'s id begins with {given}"))
            .hint(format!("{shown_by} shows the {kind}s with their ids"))),
        several => {
            let lines = several.iter().map(|comment| {
                format!(
                    "{}  {}: {}",
                    comment.id,
                    comment.author.name,
                    first_line(&comment.body).unwrap_or_default()
                )
            });
            Err(CliError::message(ErrorKind::Ambiguous, format!("several {kind}s' ids begin with {given}"))
                .with_candidates(lines.collect())
                .hint("give more characters"))
        }
    }
}

fn set_status(
    args: StatusArgs,
    status: Status,
    deed: &str,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    let set = FieldValues { status: Some(status), ..FieldValues::default() };
    change(deed, Edit { ticket: args.ticket, set, ..Edit::default() }, &args.wait, invocation)
}

fn label(args: LabelArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let LabelArgs { ticket, add, remove, wait } = args;
    let edit = Edit { ticket, add_labels: add, remove_labels: remove, ..Edit::default() };
    change("labelled", edit, &wait, invocation)
}

fn assign(args: AssignArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let set = FieldValues { assignee: or_clear(args.agent), ..FieldValues::default() };
    change("assigned", Edit { ticket: args.ticket, set, ..Edit::default() }, &args.wait, invocation)
}

fn change(deed: &str, mut edit: Edit, wait: &WaitArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketWritten>()?;
    edit.project.clone_from(&invocation.project);
    edit.ticket = reference(edit.ticket);
    let written = invocation.call(&edit)?;
    print_written(deed, &written, wait, invocation)
}

fn get(ticket: String, invocation: &Invocation) -> Get {
    Get { project: invocation.project.clone(), ticket: reference(ticket), ..Get::default() }
}

/// Takes a bare number for a ticket's number: in a shell, what begins with `#` is a comment.
pub(super) fn reference(given: String) -> String {
    let is_number = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && given.len() < ID_CHARS { format!("#{given}") } else { given }
}

fn or_clear(given: String) -> Patch<String> {
    if given == NONE { Patch::Clear } else { Patch::Set(given) }
}

/// Reads a moment: `none`, a full RFC 3339 time, or a date or time of this machine's zone.
fn moment(given: &str) -> Result<Patch<u64>, CliError> {
    if given == NONE {
        return Ok(Patch::Clear);
    }
    let local = || given.parse::<DateTime>().and_then(|time| time.to_zoned(TimeZone::system()));
    let time = given
        .parse::<Timestamp>()
        .or_else(|_| given.parse::<Zoned>().or_else(|_| local()).map(|time| time.timestamp()));
    let millis = time.ok().and_then(|time| u64::try_from(time.as_millisecond()).ok());
    millis.map(Patch::Set).ok_or_else(|| {
        CliError::message(ErrorKind::Usage, format!("{given} is no time"))
            .hint("give it as 2026-12-24, 2026-12-24T09:00, 2026-12-24T09:00:00+01:00, or `none`")
    })
}

/// Characters of a whole ticket's or comment's id.
const ID_CHARS: usize = 26;

#[cfg(test)]
mod tests;
