//! Where the window stands, as a value and as text. A route names what is shown, never how it looks.

use std::fmt;
use std::str::FromStr;

/// A place in the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The list of tickets with nothing open beside it.
    Inbox {
        /// Only of this project, by its id; of all without.
        project: Option<String>,
        /// Which of them.
        view: View,
    },
    /// One ticket.
    Ticket(TicketKey),
    /// The form that files a ticket.
    NewTicket,
    /// The form that joins a project.
    Join,
    /// Projects, connections and how the client looks.
    Settings,
    /// A project's people, devices and words, for its admins; by its id.
    Manage(String),
}

/// A ticket by its whole names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketKey {
    /// The project's id, 52 characters.
    pub project: String,
    /// The ticket's id, 26 characters.
    pub ticket: String,
}

/// A part of the tickets that people look at as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// What somebody has to do something about.
    Active,
    /// What this user works on.
    Mine,
    /// What nobody works on.
    Unassigned,
    /// What is hidden until a time.
    Snoozed,
    /// What is resolved, or was closed and is not archived yet.
    Done,
    /// Everything.
    All,
}

impl View {
    /// Those that make sense for the team.
    pub const TEAM: &'static [Self] =
        &[Self::Active, Self::Mine, Self::Unassigned, Self::Snoozed, Self::Done, Self::All];
    /// Those that make sense for customers.
    pub const CUSTOMER: &'static [Self] = &[Self::Active, Self::Done, Self::All];

    /// Returns what people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Mine => "Mine",
            Self::Unassigned => "Unassigned",
            Self::Snoozed => "Snoozed",
            Self::Done => "Done",
            Self::All => "All tickets",
        }
    }

    /// Returns the conditions that find its tickets, in the query language.
    pub const fn query(self) -> &'static str {
        match self {
            Self::Active => "is:active -is:snoozed",
            Self::Mine => "is:active assignee:me",
            Self::Unassigned => "is:active is:unassigned",
            Self::Snoozed => "is:snoozed",
            Self::Done => "is:done -is:archived",
            Self::All => "",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Mine => "mine",
            Self::Unassigned => "unassigned",
            Self::Snoozed => "snoozed",
            Self::Done => "done",
            Self::All => "all",
        }
    }
}

impl Route {
    /// Where everybody begins.
    pub const START: Self = Self::Inbox { project: None, view: View::Active };
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inbox { project, view } => {
                write!(f, "{SCHEME}{}/inbox/{}", project.as_deref().unwrap_or(EVERY), view.word())
            }
            Self::Ticket(key) => write!(f, "{SCHEME}{}/ticket/{}", key.project, key.ticket),
            Self::NewTicket => write!(f, "{SCHEME}{EVERY}/new"),
            Self::Join => write!(f, "{SCHEME}{EVERY}/join"),
            Self::Settings => write!(f, "{SCHEME}{EVERY}/settings"),
            Self::Manage(project) => write!(f, "{SCHEME}{project}/manage"),
        }
    }
}

/// What is no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in the client: {0}")]
pub struct NoRoute(String);

impl FromStr for Route {
    type Err = NoRoute;

    fn from_str(text: &str) -> Result<Self, NoRoute> {
        let no_route = || NoRoute(text.chars().take(TEXT_CHARS_SHOWN).collect());
        let path = text.strip_prefix(SCHEME).ok_or_else(no_route)?;
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            [EVERY, "new"] => Ok(Self::NewTicket),
            [EVERY, "join"] => Ok(Self::Join),
            [EVERY, "settings"] => Ok(Self::Settings),
            [project, "inbox", word] => {
                let view = View::TEAM.iter().find(|view| view.word() == word).ok_or_else(no_route)?;
                let project = (project != EVERY).then(|| project.to_owned());
                match project.as_deref().is_none_or(is_id) {
                    true => Ok(Self::Inbox { project, view: *view }),
                    false => Err(no_route()),
                }
            }
            [project, "manage"] if is_id(project) && project != EVERY => Ok(Self::Manage(project.to_owned())),
            [project, "ticket", ticket] if is_id(project) && is_id(ticket) => {
                Ok(Self::Ticket(TicketKey { project: project.to_owned(), ticket: ticket.to_owned() }))
            }
            _ => Err(no_route()),
        }
    }
}

fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

const SCHEME: &str = "assist://";

/// In place of a project: all of them.
const EVERY: &str = "all";

/// A project's id has 52 characters; nothing longer is one.
const ID_CHARS_MAX: usize = 52;

/// How much of what is no route an error quotes.
const TEXT_CHARS_SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::{Route, TicketKey, View};

    #[test]
    fn routes_read_back_what_they_write() {
        let key = TicketKey { project: "k7".into(), ticket: "9v3kq0ta".into() };
        let mut routes = vec![Route::Ticket(key), Route::NewTicket, Route::Join, Route::Settings];
        routes.push(Route::Manage("k7".into()));
        for view in View::TEAM {
            routes.push(Route::Inbox { project: None, view: *view });
            routes.push(Route::Inbox { project: Some("k7".into()), view: *view });
        }
        for route in routes {
            assert_eq!(route.to_string().parse(), Ok(route));
        }
    }

    #[test]
    fn what_is_no_route_is_refused() {
        let long = format!("assist://all/{}", "x".repeat(1_000_000));
        for text in ["", "assist://", "assist://all/inbox/", "assist://k7@host", "assist://all/manage", &long]
        {
            assert!(text.parse::<Route>().is_err(), "{text:.80}");
        }
        for text in [
            "assist://../ticket/x",
            "assist://k7/ticket/",
            "assist://k7/ticket/a/b",
            "assist://k 7/inbox/all",
        ] {
            assert!(text.parse::<Route>().is_err(), "{text}");
        }
    }
}
