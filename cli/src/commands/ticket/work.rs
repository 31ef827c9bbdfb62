//! What agents do to tickets beside writing: closing, snoozing, claiming, linking, merging, taking back.

use assist_proto::api::ticket::{
    Claim, Edit, FieldValues, Follow, Get, Link, Merge, Patch, SetFollow, Share, TicketWritten, Undo, Unlink,
    Unmerge,
};
use jiff::{SignedDuration, ToSpan as _, Zoned};

use super::{change, moment, print_written, reference};
use crate::args::{
    CloseArgs, FollowArgs, LinkArgs, MergeArgs, NONE, PriorityArgs, SnoozeArgs, StatusArgs, UndoArgs,
};
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;

pub(super) fn close(args: CloseArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let set = FieldValues {
        status: Some(assist_proto::api::ticket::Status::Closed),
        close_reason: args.reason.map_or(Patch::Keep, Patch::Set),
        ..FieldValues::default()
    };
    change("closed", Edit { ticket: args.ticket, set, ..Edit::default() }, &args.wait, invocation)
}

pub(super) fn rank(args: PriorityArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let set = FieldValues { priority: args.priority, ..FieldValues::default() };
    change("ranked", Edit { ticket: args.ticket, set, ..Edit::default() }, &args.wait, invocation)
}

pub(super) fn claim(args: StatusArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketWritten>()?;
    let claim = Claim { project: invocation.project.clone(), ticket: reference(args.ticket) };
    let written = invocation.call(&claim)?;
    print_written("claimed", &written, &args.wait, invocation)
}

pub(super) fn snooze(args: SnoozeArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let until = wake_time(&args.until, &Zoned::now())?;
    let set = FieldValues { snoozed_until_millis: Patch::Set(until), ..FieldValues::default() };
    change("snoozed", Edit { ticket: args.ticket, set, ..Edit::default() }, &args.wait, invocation)
}

pub(super) fn unsnooze(args: StatusArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let set = FieldValues { snoozed_until_millis: Patch::Clear, ..FieldValues::default() };
    change("woke", Edit { ticket: args.ticket, set, ..Edit::default() }, &args.wait, invocation)
}

pub(super) fn follow(
    args: FollowArgs,
    follow: Option<Follow>,
    said: &str,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    let project = invocation.project.clone();
    invocation.carry_out(&SetFollow { project, ticket: reference(args.ticket), follow }, said)
}

pub(super) fn link(args: LinkArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketWritten>()?;
    let project = invocation.project.clone();
    let link = Link { project, ticket: reference(args.ticket), other: reference(args.other) };
    let written = invocation.call(&link)?;
    print_written("linked", &written, &args.wait, invocation)
}

pub(super) fn unlink(args: LinkArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketWritten>()?;
    let project = invocation.project.clone();
    let unlink = Unlink { project, ticket: reference(args.ticket), other: reference(args.other) };
    let written = invocation.call(&unlink)?;
    print_written("unlinked", &written, &args.wait, invocation)
}

/// Merges first, then shares: the merge stands even where the server cannot be asked now.
pub(super) fn merge(args: MergeArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketWritten>()?;
    let (project, into) = (invocation.project.clone(), reference(args.into));
    let merge = Merge { project: project.clone(), ticket: reference(args.ticket), into: into.clone() };
    let written = invocation.call(&merge)?;
    print_written("merged", &written, &args.wait, invocation)?;
    if args.share {
        let ticket = written.ticket.id;
        let get = Get { project: project.clone(), ticket, comments_limit: Some(0), ..Get::default() };
        let member = invocation.call(&get)?.row.requester.id;
        invocation.call(&Share { project, ticket: into, member })?;
    }
    Ok(())
}

pub(super) fn unmerge(args: StatusArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketWritten>()?;
    let unmerge = Unmerge { project: invocation.project.clone(), ticket: reference(args.ticket) };
    let written = invocation.call(&unmerge)?;
    print_written("unmerged", &written, &args.wait, invocation)
}

pub(super) fn undo(args: UndoArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketWritten>()?;
    let ticket = reference(args.ticket);
    let undo = Undo { project: invocation.project.clone(), ticket, change: args.change };
    let written = invocation.call(&undo)?;
    print_written("undone in", &written, &args.wait, invocation)
}

/// Reads when a snoozed ticket comes back: a time from now on, or any that [`moment`] reads, if it lies ahead.
pub(super) fn wake_time(given: &str, now: &Zoned) -> Result<u64, CliError> {
    let time = match shifted(given, now, Direction::On) {
        Some(time) => u64::try_from(time.timestamp().as_millisecond()).ok(),
        None if given == NONE => None,
        None => match moment(given)? {
            Patch::Set(millis) => Some(millis),
            Patch::Keep | Patch::Clear => None,
        },
    };
    let now = u64::try_from(now.timestamp().as_millisecond()).unwrap_or(0);
    time.filter(|time| *time > now).ok_or_else(|| {
        CliError::message(ErrorKind::Usage, format!("{given} is no time that lies ahead"))
            .hint("give it as 30m, 4h, 3d, 2w, 2026-12-24 or 2026-12-24T09:00; `unsnooze` brings the ticket back now")
    })
}

/// Reads a time that is past: so long ago, or any that [`moment`] reads. `None` for what is no time.
pub(super) fn past_time(given: &str, now: &Zoned) -> Option<u64> {
    let time = match shifted(given, now, Direction::Back) {
        Some(time) => u64::try_from(time.timestamp().as_millisecond()).ok()?,
        None => match moment(given).ok()? {
            Patch::Set(millis) => millis,
            Patch::Keep | Patch::Clear => return None,
        },
    };
    Some(time)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    On,
    Back,
}

/// Reads `30m`, `4h`, `3d`, `2w`. Days are those of the calendar: at the same hour, whatever the clocks did meanwhile.
fn shifted(given: &str, now: &Zoned, direction: Direction) -> Option<Zoned> {
    let unit = given.chars().last().filter(char::is_ascii_alphabetic)?;
    let count: u32 = given.strip_suffix(unit)?.parse().ok()?;
    let sign = if direction == Direction::On { 1 } else { -1 };
    let signed = |most: u32| sign * i64::from(count.min(most));
    let then = match unit {
        'm' => now.checked_add(SignedDuration::from_mins(signed(u32::MAX))),
        'h' => now.checked_add(SignedDuration::from_hours(signed(u32::MAX))),
        'd' => now.checked_add(signed(DAYS_MAX).days()),
        'w' => now.checked_add(signed(DAYS_MAX / 7).weeks()),
        _ => return None,
    };
    then.ok()
}

/// A hundred years: the calendar has an end.
const DAYS_MAX: u32 = 36_500;
