//! A ticket whole, for eyes and for scripts. In both, text that people wrote is harmless; for scripts it is indented
//! by four spaces, and nothing else is.

use std::collections::BTreeMap;

use assist_proto::api::comment::{Attachment, Comment, ReadBy};
use assist_proto::api::sync::DeliveryState;
use assist_proto::api::ticket::{Conflict, ConflictValue, Ticket, TicketRef};

use super::super::{state_words, word};
use super::name_of;
use super::row::status_tone;
use crate::output::{Audience, Tone, neutral, paint, tab_separated, wrap};

/// Lays a ticket out: head, body, comments in order, conflicts.
pub(crate) fn lines(ticket: &Ticket, audience: &Audience) -> Vec<String> {
    let mut lines = head(ticket, audience);
    lines.extend(conflicts(ticket, audience));
    lines.push(String::new());
    if ticket.row.is_loaded {
        lines.extend(text(&ticket.body, 0, audience));
        lines.extend(read_lines(&ticket.read_by, "", audience));
    } else {
        let words = "(the text is still on its way to this device)";
        lines.push(audience.either("not_loaded".to_owned(), words.to_owned()));
    }
    if !ticket.comments.is_empty() {
        lines.push(String::new());
        lines.extend(comment_words(&ticket.comments, audience));
    }
    lines
}

/// Lays comments, or notes, out one below the other, answers a step deeper.
pub(crate) fn comment_words(comments: &[Comment], audience: &Audience) -> Vec<String> {
    let mut lines = Vec::new();
    for (comment, depth) in comments.iter().zip(depths(comments)) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(comment_lines(comment, depth, comments, audience));
    }
    lines
}

fn head(ticket: &Ticket, audience: &Audience) -> Vec<String> {
    let row = &ticket.row;
    let mut lines = Vec::new();
    if let Audience::People(_) = audience {
        let name = name_of(row.number, &row.short_id);
        let title = format!("{} {}", neutral::line(&name), neutral::line(&row.title));
        lines.push(format!(
            "{}  {}",
            paint(&title, Tone::Strong),
            paint(&word(&row.status), status_tone(row.status))
        ));
    }
    let script = |value: String| audience.either(value, String::new());
    let user = |name: &str| name.to_owned();
    let named =
        |ticket: &TicketRef| audience.either(ticket.id.clone(), name_of(ticket.number, &ticket.short_id));
    let notes = match ticket.note_count {
        0 => script("0".to_owned()),
        count => count.to_string(),
    };
    lines.extend(
        audience.facts(&[
            ("id", row.id.clone()),
            ("number", script(row.number.map(|number| number.to_string()).unwrap_or_default())),
            ("project", script(row.project.clone())),
            ("title", script(row.title.clone())),
            ("status", script(word(&row.status))),
            ("priority", row.priority.as_ref().map(word).unwrap_or_default()),
            ("assignee", row.assignee.as_ref().map(|assignee| user(&assignee.name)).unwrap_or_default()),
            ("requester", user(&row.requester.name)),
            ("labels", row.labels.join(",")),
            ("created_at", audience.time(row.created_at_millis)),
            ("updated_at", audience.time(row.updated_at_millis)),
            ("snoozed_until", row.snoozed_until_millis.map(|at| audience.time(at)).unwrap_or_default()),
            ("comments", row.comment_count.to_string()),
            ("notes", notes),
            (
                "state",
                row.state
                    .map(|state| audience.either(word(&state), waiting_words(state, ticket)))
                    .unwrap_or_default(),
            ),
            ("close_reason", ticket.close_reason.clone().unwrap_or_default()),
            ("merged_into", row.merged_into.as_ref().map(&named).unwrap_or_default()),
            ("links", ticket.links.iter().map(&named).collect::<Vec<_>>().join(",")),
            ("merged_here", ticket.merged.iter().map(&named).collect::<Vec<_>>().join(",")),
            ("as_of_change", ticket.as_of_change.clone().unwrap_or_default()),
            ("held_up", script(ticket.held_up.as_ref().map(|it| word(&it.reason)).unwrap_or_default())),
        ]),
    );
    lines
}

/// How far it has come, and why no further if the server takes nothing new.
fn waiting_words(state: DeliveryState, ticket: &Ticket) -> String {
    match &ticket.held_up {
        Some(held_up) => format!("{}, waiting: {}", state_words(state), held_up.detail),
        None => state_words(state).to_owned(),
    }
}

/// Shows each value that was written while apart, and how to settle it.
fn conflicts(ticket: &Ticket, audience: &Audience) -> Vec<String> {
    let name = name_of(ticket.row.number, &ticket.row.short_id);
    ticket.conflicts.iter().flat_map(|conflict| conflict_lines(conflict, &name, audience)).collect()
}

fn conflict_lines(conflict: &Conflict, name: &str, audience: &Audience) -> Vec<String> {
    let Audience::People(_) = audience else {
        let line = |value: &ConflictValue| {
            let values = [
                "conflict".to_owned(),
                conflict.field.clone(),
                value.author.name.clone(),
                audience.time(value.at_millis),
                value.text.clone(),
            ];
            tab_separated(&values)
        };
        return conflict.values.iter().map(line).collect();
    };
    let field = conflict.field.trim_end_matches("_millis").replace('_', "-");
    let head =
        format!("conflict: {field} was written by several at the same time; the ticket shows the first");
    let mut lines = vec![String::new(), paint(&neutral::line(&head), Tone::Bad)];
    for value in &conflict.values {
        let author = format!("{}, {}:", value.author.name, audience.time(value.at_millis));
        lines.push(format!("  {}", paint(&neutral::line(&author), Tone::Dim)));
        let value = if value.text.is_empty() { "none" } else { &value.text };
        lines.extend(text(value, 4, audience));
    }
    lines.push(format!("  settle it by writing it again: {}", settle_command(&conflict.field, name)));
    lines
}

fn settle_command(field: &str, name: &str) -> String {
    let name = name.trim_start_matches('#');
    match field {
        "body" => format!("assist ticket edit {name} -F <file>"),
        "assignee" => format!("assist ticket assign {name} <agent>"),
        "snoozed_until_millis" => format!("assist ticket snooze {name} --until <time>"),
        "close_reason" => format!("assist ticket close {name} --reason <text>"),
        "merged_into" => format!("assist ticket merge {name} --into <ticket>, or `unmerge`"),
        field => format!("assist ticket edit {name} --{field} <{field}>"),
    }
}

fn comment_lines(comment: &Comment, depth: usize, all: &[Comment], audience: &Audience) -> Vec<String> {
    let mut lines = vec![comment_head(comment, depth, all, audience)];
    let indent = depth * DEPTH_SPACES + DEPTH_SPACES;
    let margin = " ".repeat(indent);
    if !comment.is_deleted {
        lines.extend(text(&comment.body, indent, audience));
    } else if let Audience::People(_) = audience {
        lines.push(format!("{margin}{}", paint("(struck by its author)", Tone::Dim)));
    }
    lines.extend(read_lines(&comment.read_by, &margin, audience));
    for attachment in &comment.attachments {
        let Attachment { blob, name, size_bytes, media_type } = attachment;
        let fields =
            ["attached".to_owned(), blob.clone(), name.clone(), media_type.clone(), size_bytes.to_string()];
        let words = format!("attached: {name} ({media_type}, {size_bytes} bytes)");
        lines.push(audience.either(tab_separated(&fields), format!("{margin}{}", neutral::line(&words))));
    }
    for losing in &comment.losing_bodies {
        let words = paint("another version, written at the same time:", Tone::Bad);
        lines.push(audience.either("another_version".to_owned(), format!("{margin}{words}")));
        lines.extend(text(losing, indent + DEPTH_SPACES, audience));
    }
    lines
}

/// Who has read what is above.
fn read_lines(read_by: &[ReadBy], margin: &str, audience: &Audience) -> Vec<String> {
    let Audience::People(_) = audience else {
        let line = |read: &ReadBy| {
            tab_separated(&["read".to_owned(), read.user.name.clone(), audience.time(read.at_millis)])
        };
        return read_by.iter().map(line).collect();
    };
    if read_by.is_empty() {
        return Vec::new();
    }
    let who = |read: &ReadBy| format!("{} {}", read.user.name, audience.time(read.at_millis));
    let who: Vec<String> = read_by.iter().map(who).collect();
    let words = format!("read by {}", neutral::line(&who.join(", ")));
    vec![format!("{margin}{}", paint(&words, Tone::Dim))]
}

fn comment_head(comment: &Comment, depth: usize, all: &[Comment], audience: &Audience) -> String {
    let role = comment.author.role.as_ref().map(word).unwrap_or_default();
    let edited = comment.edited_at_millis;
    let Audience::People(_) = audience else {
        let values = [
            "comment".to_owned(),
            comment.id.clone(),
            comment.author.name.clone(),
            role,
            audience.time(comment.created_at_millis),
            comment.state.as_ref().map(word).unwrap_or_default(),
            comment.reply_to.clone().unwrap_or_default(),
            edited.map(|at| audience.time(at)).unwrap_or_default(),
            if comment.is_deleted { "struck" } else { "" }.to_owned(),
            comment.held_until_millis.map(|at| audience.time(at)).unwrap_or_default(),
        ];
        return tab_separated(&values);
    };
    let author = paint(&neutral::line(&comment.author.name), Tone::Strong);
    let answered = comment.reply_to.as_ref().map(|id| {
        let name =
            all.iter().find(|other| other.id == *id).map_or("another", |other| other.author.name.as_str());
        format!("answers {}", neutral::line(name))
    });
    let held = comment.held_until_millis.map(|at| format!("held until {}", audience.time(at)));
    let marks = [
        (!role.is_empty()).then_some(role),
        answered,
        Some(audience.time(comment.created_at_millis)),
        edited.map(|at| format!("edited {}", audience.time(at))),
        comment.state.map(|state| state_words(state).to_owned()),
        held,
        Some(comment.id.clone()),
    ];
    let marks: Vec<String> = marks.into_iter().flatten().collect();
    let margin = " ".repeat(depth * DEPTH_SPACES);
    format!("{margin}{author}  {}", paint(&marks.join(", "), Tone::Dim))
}

/// Returns how deep each comment stands: an answer stands one step deeper than what it answers.
fn depths(comments: &[Comment]) -> Vec<usize> {
    let mut depths: BTreeMap<&str, usize> = BTreeMap::new();
    comments
        .iter()
        .map(|comment| {
            let answered = comment.reply_to.as_deref().and_then(|id| depths.get(id));
            let depth = answered.map_or(0, |depth| (depth + 1).min(DEPTH_MAX));
            depths.insert(&comment.id, depth);
            depth
        })
        .collect()
}

fn text(text: &str, indent: usize, audience: &Audience) -> Vec<String> {
    let text = neutral::block(text);
    match audience {
        Audience::Script => text.lines().map(|line| format!("    {line}")).collect(),
        Audience::People(people) => wrap(&text, people.width, indent),
    }
}

/// Beyond this, answers to answers stand side by side.
const DEPTH_MAX: usize = 4;

const DEPTH_SPACES: usize = 2;

#[cfg(test)]
mod tests;
