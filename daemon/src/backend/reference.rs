//! What people call things, resolved to ids: projects, tickets, users.
//!
//! A reference means exactly one thing or is refused, with what it could have meant or what comes near.

use assist_crdt_model::{ProjectId, TicketId, UserId, base32};
use assist_proto::api::ApiError;
use assist_proto::store::Membership;
use assist_proto::wire::Member;

use super::errors::{Answer, Failure, invalid, not_joined};
use super::rows::Names;
use crate::store::{DeviceReads as _, Reader};

/// Finds the project that is meant; without a reference, the only one that is joined.
pub(super) fn project(reader: &Reader, reference: Option<&str>) -> Answer<Membership> {
    let joined = reader.memberships()?;
    let Some(reference) = reference else { return only_project(joined) };
    let mut found = matches(&joined, reference.trim());
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only.clone()),
        (Some(last), false) => {
            found.push(last);
            let message = format!("{reference:?} could be any of {} projects: give more of it", found.len());
            let nearest = found.iter().map(|project| label(project)).collect();
            Err(ApiError::conflict("ambiguous_project", message)
                .with_field("project")
                .with_nearest(nearest)
                .into())
        }
        (None, _) if joined.is_empty() => Err(not_joined().with_field("project").into()),
        (None, _) => {
            let names = joined.iter().map(|project| project.name.as_str());
            let message =
                format!("no joined project is called {reference:?}: `assist project list` shows them");
            Err(ApiError::not_found("no_such_project", message)
                .with_field("project")
                .with_nearest(nearest(reference, names))
                .into())
        }
    }
}

/// Finds the projects that a filter means: one, or all.
pub(super) fn projects(reader: &Reader, reference: Option<&str>) -> Answer<Vec<Membership>> {
    match reference {
        Some(_) => Ok(vec![project(reader, reference)?]),
        None => Ok(reader.memberships()?),
    }
}

fn only_project(mut joined: Vec<Membership>) -> Answer<Membership> {
    match (joined.pop(), joined.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(ApiError::not_enrolled(
            "no_project",
            "this device has joined no project: join one with the address and the code that its operator gives",
        )
        .into()),
        (Some(last), false) => {
            joined.push(last);
            Err(ApiError::invalid_params("project_needed", "several projects are joined: say which is meant")
                .with_field("project")
                .with_nearest(joined.iter().map(label).collect())
                .into())
        }
    }
}

/// The best kind of match that there is: the whole id or name before a beginning.
fn matches<'a>(joined: &'a [Membership], reference: &str) -> Vec<&'a Membership> {
    if reference.is_empty() {
        return Vec::new();
    }
    let folded = reference.to_lowercase();
    let beginning = spell(reference);
    let id = |project: &Membership| project.project.to_string();
    let kinds: [&dyn Fn(&Membership) -> bool; 4] = [
        &|project| id(project) == beginning,
        &|project| project.name == reference,
        &|project| project.name.to_lowercase() == folded,
        &|project| project.name.to_lowercase().starts_with(&folded) || id(project).starts_with(&beginning),
    ];
    let found = kinds.iter().map(|fits| joined.iter().filter(|project| fits(project)).collect::<Vec<_>>());
    found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

fn label(project: &Membership) -> String {
    let id = project.project.to_string();
    format!("{} ({})", project.name, &id[..SHORT_CHARS])
}

/// What a text can say about which ticket.
enum TicketText {
    Number(u32),
    Beginning(String),
}

/// Finds the ticket that is meant, in the project that is meant or in any.
pub(super) fn ticket(
    reader: &Reader,
    project_reference: Option<&str>,
    reference: &str,
    field: &str,
) -> Answer<(Membership, TicketId)> {
    let joined = projects(reader, project_reference)?;
    if joined.is_empty() {
        only_project(Vec::new())?;
    }
    let scope = project_reference.and(joined.first()).map(|project| project.project);
    let (found, is_number) = match parse_ticket(reference, field)? {
        TicketText::Number(number) => (reader.tickets_by_number(scope.as_ref(), number)?, true),
        TicketText::Beginning(text) => {
            (reader.tickets_by_prefix(scope.as_ref(), &text, CANDIDATES_MAX)?, false)
        }
    };
    match found.as_slice() {
        [] => {
            let message =
                format!("there is no ticket {reference} here: `assist ticket list` shows those there are");
            Err(ApiError::not_found("no_such_ticket", message).with_field(field).into())
        }
        // Numbers count in each project: what is unique today may not be tomorrow.
        [(project, ticket)] if !is_number || joined.len() == 1 => {
            let membership = joined.into_iter().find(|membership| membership.project == *project);
            let membership = membership.ok_or_else(|| Failure::from(not_joined()))?;
            Ok((membership, *ticket))
        }
        several => Err(ambiguous(reader, reference, is_number, several, field)?),
    }
}

fn parse_ticket(reference: &str, field: &str) -> Answer<TicketText> {
    let text = reference.trim();
    if let Some(number) = text.strip_prefix('#') {
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        return match number.parse() {
            Ok(number) if is_number => Ok(TicketText::Number(number)),
            _ => Err(invalid("bad_ticket", field, "a number is written as #142")),
        };
    }
    let is_beginning = text.len() <= TICKET_CHARS && is_base32(text);
    if !is_beginning {
        let message = "expected a ticket's id, the beginning of one, or its number as #142";
        return Err(invalid("bad_ticket", field, message));
    }
    if text.len() < BEGINNING_CHARS_MIN {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
        let message = match is_number {
            true => {
                format!("a number is written as #{text}, and the beginning of an id has 4 characters or more")
            }
            false => "the beginning of an id has 4 characters or more".to_owned(),
        };
        return Err(invalid("ticket_too_short", field, message));
    }
    Ok(TicketText::Beginning(spell(text)))
}

fn ambiguous(
    reader: &Reader,
    reference: &str,
    is_number: bool,
    found: &[(ProjectId, TicketId)],
    field: &str,
) -> Answer<Failure> {
    let names = Names::new(reader);
    let candidates =
        found.iter().take(CANDIDATES_MAX).map(|(project, ticket)| names.ticket(*project, *ticket));
    let message = match is_number {
        true => {
            format!("several projects are joined, and each counts for itself: say whose {reference} is meant")
        }
        false => format!("{reference:?} could be any of several tickets: give more of the id"),
    };
    Ok(ApiError::conflict("ambiguous_ticket", message)
        .with_field(field)
        .with_candidates(candidates.collect::<Answer<_>>()?)
        .into())
}

/// Finds the user that is meant: `me`, an id, an email address, or a name that only one has.
pub(super) fn user(reader: &Reader, project: &Membership, reference: &str, field: &str) -> Answer<UserId> {
    let text = reference.trim();
    if text.eq_ignore_ascii_case("me") {
        return Ok(project.user);
    }
    // An id says what it means, even of somebody whom this device was not told of yet.
    if let Ok(user) = text.parse() {
        return Ok(user);
    }
    let members = reader.members(&project.project)?;
    let folded = text.to_lowercase();
    let kinds: [&dyn Fn(&Member) -> bool; 3] = [
        &|member| member.email.as_deref() == Some(folded.as_str()),
        &|member| member.name == text,
        &|member| member.name.to_lowercase() == folded,
    ];
    let mut found = kinds.iter().map(|fits| members.iter().filter(|member| fits(member)).collect::<Vec<_>>());
    match found.find(|found| !found.is_empty()).as_deref() {
        Some([only]) => Ok(only.user),
        Some(several) => {
            let named = |member: &&Member| member.email.clone().unwrap_or_else(|| member.user.to_string());
            let message =
                format!("{reference:?} is the name of {} people: give an email address or id", several.len());
            Err(ApiError::conflict("ambiguous_user", message)
                .with_field(field)
                .with_nearest(several.iter().map(named).collect())
                .into())
        }
        None => {
            let names =
                members.iter().flat_map(|member| [Some(member.name.as_str()), member.email.as_deref()]);
            let message = format!(
                "nobody in {} is known here as {reference:?}: give `me`, an email address, a name or a user id",
                project.name
            );
            Err(ApiError::not_found("no_such_user", message)
                .with_field(field)
                .with_nearest(nearest(reference, names.flatten()))
                .into())
        }
    }
}

/// Finds the users that a filter means: a person is another user in every project.
pub(super) fn users(
    reader: &Reader,
    projects: &[Membership],
    reference: &str,
    field: &str,
) -> Answer<Vec<UserId>> {
    let found: Vec<Answer<UserId>> =
        projects.iter().map(|project| user(reader, project, reference, field)).collect();
    if found.iter().any(Result::is_ok) {
        return Ok(found.into_iter().flatten().collect());
    }
    found.into_iter().collect()
}

/// The names that a mistyped one may have been meant for, the likeliest first.
fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let folded = text.to_lowercase();
    let mut near: Vec<(f64, &str)> = names
        .map(|name| (strsim::jaro_winkler(&folded, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > LIKENESS_MIN)
        .collect();
    near.sort_by(|left, right| right.0.total_cmp(&left.0));
    near.dedup_by_key(|(_, name)| *name);
    near.into_iter().take(NEAREST_MAX).map(|(_, name)| name.to_owned()).collect()
}

/// An id or the beginning of one in its one spelling, as ids print it.
pub(super) fn spell(text: &str) -> String {
    let spell = |letter: char| match letter.to_ascii_lowercase() {
        'i' | 'l' => '1',
        'o' => '0',
        other => other,
    };
    text.chars().map(spell).collect()
}

fn is_base32(text: &str) -> bool {
    let symbols = base32().specification().symbols;
    spell(text).chars().all(|letter| symbols.contains(letter))
}

/// Characters of a ticket's id.
const TICKET_CHARS: usize = 26;
/// Fewer are a slip of the finger, not a reference.
const BEGINNING_CHARS_MIN: usize = 4;
/// As many as a person looks through.
const CANDIDATES_MAX: usize = 10;
/// Offered in place of a name that nothing has.
const NEAREST_MAX: usize = 3;
/// How alike two names must be for one to be offered in place of the other.
const LIKENESS_MIN: f64 = 0.75;
/// Characters of an id that tell projects and people apart in a message.
pub(super) const SHORT_CHARS: usize = 8;
