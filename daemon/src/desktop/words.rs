//! What a notification says.

use assist_proto::api::events::Reason;
use assist_proto::api::ticket::TicketRef;
use assist_proto::neutral;

/// A notification in words: plain text, on any number of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// One line.
    pub(crate) summary: String,
    /// What is about it.
    pub(crate) body: String,
}

/// Puts one into words.
pub(super) fn of(
    ticket: &TicketRef,
    reason: Reason,
    is_note: bool,
    actor: Option<&str>,
    excerpt: Option<&str>,
) -> Shown {
    let actor = neutral::line(actor.unwrap_or("Somebody"));
    let summary = match reason {
        Reason::Assigned => format!("{actor} gave you a ticket"),
        Reason::Mentioned if is_note => format!("{actor} mentioned you in a note"),
        Reason::Mentioned => format!("{actor} mentioned you"),
        Reason::Reply => format!("{actor} answered"),
        Reason::Resurfaced => "A ticket is back from its sleep".to_owned(),
        Reason::Unknown => "A ticket has news for you".to_owned(),
    };
    let name = ticket.number.map_or_else(|| ticket.short_id.clone(), |number| format!("#{number}"));
    let mut body = format!("{name} {}", neutral::line(&ticket.title));
    if let Some(excerpt) = excerpt.filter(|excerpt| !excerpt.is_empty()) {
        body.push('\n');
        body.push_str(&neutral::block(excerpt));
    }
    Shown { summary, body }
}

/// One for many.
pub(super) fn of_many(count: usize) -> Shown {
    Shown { summary: format!("{count} tickets have news for you"), body: String::new() }
}

/// The same where whoever shows it takes markup: text that is nothing but text.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
