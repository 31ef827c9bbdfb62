//! One mail with what is new to a member who is away, in words.

use assist_crdt_model::{ProjectId, Status, TicketId, UnixMillis, UserId};

use super::{Part, plain_name, time_text};
use crate::{limits, neutral};

/// What is new to a member who is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Whose news: the thread of mails about several tickets.
    pub user: UserId,
    /// Newest first, at most [`limits::DIGEST_TICKETS_MAX`].
    pub tickets: Vec<DigestTicket>,
    /// How many tickets more have news.
    pub more_tickets: usize,
}

/// What is new in a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestTicket {
    /// Which.
    pub ticket: TicketId,
    /// What the server calls it.
    pub number: Option<u32>,
    /// One line.
    pub title: String,
    /// Oldest first, at most [`limits::DIGEST_LINES_MAX`].
    pub lines: Vec<DigestLine>,
    /// How many more there are, after these.
    pub more_lines: usize,
}

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestLine {
    /// What they are called.
    pub by: String,
    /// When, by the server's clock.
    pub at: UnixMillis,
    /// What.
    pub happened: Happened,
}

/// What somebody did that is news to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// They wrote a comment; the beginning of it, if mails may say.
    Wrote(Option<String>),
    /// They wrote a comment or a note that mentions the member.
    Mentioned {
        /// Whether only the team sees it.
        is_note: bool,
        /// The beginning of it, if mails may say.
        excerpt: Option<String>,
    },
    /// They filed the ticket in the member's name.
    Filed,
    /// The ticket is the member's to work on.
    Assigned,
    /// It is somewhere else in its life.
    Moved(Status),
}

impl Digest {
    /// A ticket's mails have one subject, so that mail programs put them together.
    pub(super) fn subject(&self, project: &str) -> String {
        match self.tickets.as_slice() {
            [only] if self.more_tickets == 0 => {
                let named = format!("[{project}] {}", only.named());
                named.chars().take(limits::DIGEST_SUBJECT_CHARS_MAX).collect()
            }
            several => format!("[{project}] News in {} tickets", several.len() + self.more_tickets),
        }
    }

    /// A ticket's mails are one thread, those of several tickets another.
    pub(super) fn thread(&self, project: ProjectId) -> String {
        match self.tickets.as_slice() {
            [only] if self.more_tickets == 0 => format!("{}.{project}", only.ticket),
            _ => format!("news.{}.{project}", self.user),
        }
    }

    pub(super) fn parts(&self, project: ProjectId, project_name: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        for ticket in &self.tickets {
            parts.push(Part::Title(ticket.named()));
            for line in &ticket.lines {
                line.say(&mut parts);
            }
            if ticket.more_lines > 0 {
                parts.push(Part::Text(format!("And {} more.", ticket.more_lines)));
            }
            let link = format!("assist://{project}/ticket/{}", ticket.ticket);
            parts.push(Part::Link("To read and answer it, open", Some(link)));
        }
        if self.more_tickets > 0 {
            parts.push(Part::Text(format!("{} tickets more have news.", self.more_tickets)));
        }
        parts.push(Part::Text(format!(
            "You get this because none of your devices was connected to {project_name} for a while. An answer to this \
             mail reaches nobody. To get no such mails: `assist user settings --mails off`, or Settings in the window."
        )));
        parts
    }
}

impl DigestTicket {
    fn named(&self) -> String {
        let number = self.number.map_or_else(|| self.ticket.short(), |number| format!("#{number}"));
        format!("{number} {}", neutral::line(&self.title))
    }
}

impl DigestLine {
    fn say(&self, parts: &mut Vec<Part>) {
        let by = plain_name(&self.by, limits::MAILED_NAME_CHARS_MAX);
        let (did, excerpt) = match &self.happened {
            Happened::Wrote(excerpt) => ("wrote".to_owned(), excerpt),
            Happened::Mentioned { is_note: false, excerpt } => ("mentioned you".to_owned(), excerpt),
            Happened::Mentioned { is_note: true, excerpt } => {
                ("mentioned you in a note that only the team sees".to_owned(), excerpt)
            }
            Happened::Filed => ("filed it for you".to_owned(), &None),
            Happened::Assigned => ("gave it to you to work on".to_owned(), &None),
            Happened::Moved(status) => (format!("set it to {status}"), &None),
        };
        let end = if excerpt.is_some() { ":" } else { "." };
        parts.push(Part::Text(format!("{by} {did}, on {}{end}", time_text(self.at))));
        if let Some(excerpt) = excerpt {
            parts.push(Part::Quote(neutral::block(excerpt).into_owned()));
        }
    }
}
