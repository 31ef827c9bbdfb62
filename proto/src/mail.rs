//! What a server mails, and how it reads. Whether and when it leaves is the daemon's business.
//!
//! A mail with a code goes to an address that anybody may have typed in. **Invariant:** of what they typed it repeats
//! nothing but the device's name, and that without anything that a mail program could make a link of. What members wrote
//! goes to members alone, as text: it becomes neither markup nor a header.

mod digest;

use std::fmt;

use assist_crdt_model::{DeviceId, ProjectId, UnixMillis};

use crate::address::Address;
use crate::limits;
use crate::link::Link;

pub use digest::{Digest, DigestLine, DigestTicket, Happened};

/// One mail, before it is put into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Where to, case-folded.
    pub to: String,
    /// The project that writes.
    pub project: ProjectId,
    /// What it is called.
    pub project_name: String,
    /// When it was written.
    pub written_at: UnixMillis,
    /// What it says.
    pub letter: Letter,
}

/// What a mail says.
#[derive(Clone, PartialEq, Eq)]
pub enum Letter {
    /// The code that somebody asked for.
    Code {
        /// The device that asked.
        device: DeviceId,
        /// What it calls itself.
        device_name: String,
        /// The code.
        code: String,
        /// Until when it holds.
        expires_at: UnixMillis,
    },
    /// The person has one device more, or is about to.
    NewDevice {
        /// What it calls itself.
        device_name: String,
        /// Whether somebody must let it in.
        is_waiting: bool,
    },
    /// What is new to a member who is away.
    Digest(Digest),
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The code is a secret until it is used: it must not get into logs.
        match self {
            Self::Code { device, .. } => {
                f.debug_struct("Code").field("device", device).finish_non_exhaustive()
            }
            Self::NewDevice { is_waiting, .. } => {
                f.debug_struct("NewDevice").field("is_waiting", is_waiting).finish_non_exhaustive()
            }
            // What people wrote does not belong there either.
            Self::Digest(digest) => {
                f.debug_struct("Digest").field("tickets", &digest.tickets.len()).finish_non_exhaustive()
            }
        }
    }
}

/// A mail in words.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// For who reads plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// What mails that belong together have in common, so that mail programs show them as one thread: letters, digits
    /// and dots.
    pub thread: Option<String>,
}

impl Mail {
    /// Puts the mail into words. The link in it leads to `address`; without one there is none.
    pub fn render(&self, address: Option<&Address>) -> Rendered {
        let project = plain_name(&self.project_name, limits::NAME_CHARS_MAX);
        let at = time_text(self.written_at);
        match &self.letter {
            Letter::Code { device, device_name, code, expires_at } => {
                let (left, right) = code.split_at_checked(limits::CODE_CHARS / 2).unwrap_or((code, ""));
                let link = address.map(|address| Link::Confirm {
                    address: address.clone().with_project(self.project),
                    device: *device,
                    code: code.clone(),
                });
                let paragraphs = [
                    Part::Text(format!("This code lets a device into {project}:")),
                    Part::Code(format!("{left}-{right}")),
                    Part::Text(format!(
                        "Type it on the device that asked for it. It holds until {}.",
                        time_text(*expires_at)
                    )),
                    Part::Link("Or open this link", link.map(|link| link.to_string())),
                    Part::Text(format!(
                        "The device calls itself \"{}\" and asked on {at}.",
                        plain_name(device_name, limits::MAILED_NAME_CHARS_MAX)
                    )),
                    Part::Text(
                        "If that was not you, there is nothing to do: without the code nobody gets in. Give it to \
                         nobody, and open the link on no device but your own."
                            .to_owned(),
                    ),
                ];
                rendered(format!("{left}-{right} is your code for {project}"), &paragraphs)
            }
            Letter::NewDevice { device_name, is_waiting } => {
                let device = plain_name(device_name, limits::MAILED_NAME_CHARS_MAX);
                let (subject, what) = match is_waiting {
                    true => {
                        (format!("A device waits to be let into {project}"), "waits to be let in as yours")
                    }
                    false => (format!("A new device of yours in {project}"), "was let in as yours"),
                };
                let paragraphs = [
                    Part::Text(format!("A device that calls itself \"{device}\" {what}, on {at}.")),
                    Part::Text(if *is_waiting {
                        "To let it in, use a device that you have: `assist device list` shows what waits, \
                         `assist device approve` lets it in."
                            .to_owned()
                    } else {
                        "If it is yours, there is nothing to do.".to_owned()
                    }),
                    Part::Text(
                        "If it is not yours, somebody reads your mail: shut the device out with `assist device \
                         reject` or `assist device revoke`, and change the password of your mailbox."
                            .to_owned(),
                    ),
                ];
                rendered(subject, &paragraphs)
            }
            Letter::Digest(digest) => {
                let thread = Some(digest.thread(self.project));
                Rendered {
                    thread,
                    ..rendered(digest.subject(&project), &digest.parts(self.project, &project))
                }
            }
        }
    }
}

enum Part {
    Text(String),
    /// Of a ticket.
    Title(String),
    /// Of others, in as many lines as they wrote.
    Quote(String),
    /// To be typed.
    Code(String),
    /// With what stands before it.
    Link(&'static str, Option<String>),
}

fn rendered(subject: String, parts: &[Part]) -> Rendered {
    let (mut text, mut html) = (String::new(), String::from("<!doctype html><html><body>"));
    for part in parts {
        match part {
            Part::Text(words) => {
                text.push_str(&format!("{words}\n\n"));
                html.push_str(&format!("<p>{}</p>", escaped(words)));
            }
            Part::Title(title) => {
                text.push_str(&format!("{title}\n\n"));
                html.push_str(&format!("<h3>{}</h3>", escaped(title)));
            }
            Part::Quote(words) => {
                let lines: Vec<String> = words.lines().map(|line| format!("> {line}\n")).collect();
                text.push_str(&format!("{}\n", lines.concat()));
                let lines: Vec<String> = words.lines().map(escaped).collect();
                html.push_str(&format!("<blockquote>{}</blockquote>", lines.join("<br>")));
            }
            Part::Code(code) => {
                text.push_str(&format!("    {code}\n\n"));
                html.push_str(&format!(
                    "<p style=\"font-size:1.6em;font-family:monospace\"><strong>{}</strong></p>",
                    escaped(code)
                ));
            }
            Part::Link(words, Some(link)) => {
                text.push_str(&format!("{words}:\n{link}\n\n"));
                html.push_str(&format!("<p><a href=\"{0}\">{words}</a>:<br>{0}</p>", escaped(link)));
            }
            Part::Link(_, None) => {}
        }
    }
    html.push_str("</body></html>\n");
    Rendered { subject, text: text.trim_end().to_owned() + "\n", html, thread: None }
}

/// A name of which nobody makes a link, a header or markup.
fn plain_name(name: &str, chars_max: usize) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '\'' | '(' | ')' | ',');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { ' ' }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let shown: String = words.join(" ").chars().take(chars_max).collect();
    if shown.is_empty() { "device".to_owned() } else { shown }
}

/// Text that is nothing but text in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A time as everybody can read it, wherever they are. Counted here: what knows calendars reads clocks, too.
fn time_text(at: UnixMillis) -> String {
    let minutes = at.0 / 60_000;
    let (mut year, mut day) = (1970, minutes / MINUTES_A_DAY);
    if day >= DAYS_MAX {
        return "an unknown time".to_owned();
    }
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let days_of =
        |(name, days): (&'static str, u64)| (name, days + u64::from(name == "February" && is_leap(year)));
    let mut months = MONTHS.into_iter().map(days_of);
    let month = months.find(|(_, days)| day.checked_sub(*days).map(|left| day = left).is_none());
    let month = month.map_or("", |(name, _)| name);
    let (hour, minute) = (minutes % MINUTES_A_DAY / 60, minutes % 60);
    format!("{} {month} {year}, {hour:02}:{minute:02} UTC", day + 1)
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const MINUTES_A_DAY: u64 = 24 * 60;
/// From 1970 to the end of the year 9999: beyond, a clock is wrong.
const DAYS_MAX: u64 = 2_932_897;
const MONTHS: [(&str, u64); 12] = [
    ("January", 31),
    ("February", 28),
    ("March", 31),
    ("April", 30),
    ("May", 31),
    ("June", 30),
    ("July", 31),
    ("August", 31),
    ("September", 30),
    ("October", 31),
    ("November", 30),
    ("December", 31),
];

#[cfg(test)]
mod tests;
