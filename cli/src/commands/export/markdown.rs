//! A ticket to read, in Markdown. What people wrote stands in quotes, so that nobody's text can pass for another's.

use assist_proto::api::comment::Comment;
use assist_proto::api::ticket::Ticket;

use super::super::ticket::name_of;
use super::super::word;
use super::ticket::Saved;
use crate::output::{exact, neutral};

/// The ticket with its comments.
pub(super) fn ticket(ticket: &Ticket, files: &[Saved]) -> String {
    let row = &ticket.row;
    let title = format!("{} {}", name_of(row.number, &row.short_id), row.title);
    let mut text = format!("# {}\n\n| | |\n|---|---|\n", inline(&title));
    for (name, value) in [
        ("Id", row.id.clone()),
        ("Project", row.project.clone()),
        ("Status", word(&row.status)),
        ("Closed because", ticket.close_reason.clone().unwrap_or_default()),
        ("Priority", row.priority.as_ref().map(word).unwrap_or_default()),
        ("Requester", row.requester.name.clone()),
        ("Assignee", row.assignee.as_ref().map(|user| user.name.clone()).unwrap_or_default()),
        ("Labels", row.labels.join(", ")),
        ("Created", exact(row.created_at_millis)),
        ("Updated", exact(row.updated_at_millis)),
    ] {
        if !value.is_empty() {
            text.push_str(&format!("| {name} | {} |\n", inline(&value)));
        }
    }
    text.push('\n');
    text.push_str(&quote(&ticket.body));
    text.push_str(&comments(&ticket.comments, files));
    text
}

/// What the team said among itself.
pub(super) fn notes(ticket: &Ticket, notes: &[Comment], files: &[Saved]) -> String {
    let name = name_of(ticket.row.number, &ticket.row.short_id);
    format!("# Notes on {}\n\nOnly the team sees these.\n{}", inline(&name), comments(notes, files))
}

fn comments(comments: &[Comment], files: &[Saved]) -> String {
    let mut text = String::new();
    for comment in comments {
        let answers = comment.reply_to.as_ref().and_then(|id| comments.iter().find(|it| it.id == *id));
        let answers = answers.map(|it| format!(", to {}", inline(&it.author.name))).unwrap_or_default();
        let edited = comment.edited_at_millis.map(|at| format!(", rewritten {}", exact(at)));
        text.push_str(&format!(
            "\n## {}, {}{answers}{}\n\n",
            inline(&comment.author.name),
            exact(comment.created_at_millis),
            edited.unwrap_or_default()
        ));
        if comment.is_deleted {
            text.push_str("*struck by its author*\n");
        } else {
            text.push_str(&quote(&comment.body));
        }
        for losing in &comment.losing_bodies {
            text.push_str("\nAnother rewrite of it, written at the same time:\n\n");
            text.push_str(&quote(losing));
        }
        text.push_str(&file_lines(&comment.id, files));
    }
    text
}

fn file_lines(comment: &str, files: &[Saved]) -> String {
    let mut text = String::new();
    for file in files.iter().filter(|file| file.comment == comment) {
        let missing = if file.is_here { "" } else { ", not on this device" };
        let (name, path) = (inline(&file.name), link(&file.path));
        text.push_str(&format!("\n- [{name}]({path}), {} bytes{missing}", file.size_bytes));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A text of several lines that stays what it is: Markdown by convention, in a quote.
fn quote(text: &str) -> String {
    let text = neutral::block(text);
    text.lines().map(|line| if line.is_empty() { ">\n".to_owned() } else { format!("> {line}\n") }).collect()
}

/// A text in a line of ours: nothing in it is Markdown.
fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in neutral::line(text).chars() {
        if "\\`*_{}[]()<>#|~&".contains(char) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

/// A path in a link.
fn link(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'/' => {
                escaped.push(char::from(byte))
            }
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_text_passes_for_a_heading_of_ours() {
        assert_eq!(quote("one\n\n## Alice, now\n"), "> one\n>\n> ## Alice, now\n");
        assert_eq!(inline("*a* | <b>"), "\\*a\\* \\| \\<b\\>");
        assert_eq!(link("attachments/a b(1).png"), "attachments/a%20b%281%29.png");
    }
}
