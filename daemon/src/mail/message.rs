//! One mail: whom to, and what it says, as an internet message. Decides nothing about when it leaves.

use std::fmt;
use std::time::{Duration, SystemTime};

use assist_crdt_model::{UnixMillis, base32};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};

use super::limits::{MAIL_CODE_PATIENCE, MAIL_NEWS_PATIENCE, MAIL_SUBJECT_CHARS_MAX, MAIL_TEXT_BYTES_MAX};

/// A mail that may be queued: its address is one, and nothing in it can become a header of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    to: Mailbox,
    subject: String,
    text: String,
    html: String,
    written_at: UnixMillis,
    patience: Patience,
    /// What stands before the `@` of the id that the mails of a thread have in common.
    thread: Option<String>,
}

/// How long a mail is worth another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// As long as the code in it opens something.
    Code,
    /// As long as it is news.
    News,
}

/// Why something is not a mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// No mail can go there.
    #[error("{address:?} is no email address")]
    Address {
        /// What was given.
        address: String,
    },
    /// A line end in a header would begin another header.
    #[error("the {field} of a mail has no control characters")]
    ControlCharacter {
        /// Which.
        field: &'static str,
    },
    /// Beyond a bound.
    #[error("the {field} of a mail is too long")]
    TooLong {
        /// Which.
        field: &'static str,
    },
}

impl OutgoingMail {
    /// Makes a mail with its text in plain and as HTML.
    ///
    /// # Errors
    /// When the address is none, or a part is too long or could break out of its header.
    pub fn new(
        to: &str,
        to_name: Option<&str>,
        subject: &str,
        text: String,
        html: String,
        written_at: UnixMillis,
        patience: Patience,
    ) -> Result<Self, MailError> {
        let to = mailbox(to, to_name)?;
        header_text("subject", subject)?;
        for (field, part) in [("text", &text), ("HTML part", &html)] {
            if part.len() > MAIL_TEXT_BYTES_MAX {
                return Err(MailError::TooLong { field });
            }
        }
        Ok(Self { to, subject: subject.to_owned(), text, html, written_at, patience, thread: None })
    }

    /// Puts it with the other mails of a thread, so that mail programs show them together.
    #[must_use]
    pub fn in_thread(self, thread: Option<String>) -> Self {
        let is_id = |thread: &String| thread.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        Self { thread: thread.filter(is_id), ..self }
    }

    /// A mail with which an operator tries out whether mail arrives.
    ///
    /// # Errors
    /// When the address is none.
    pub fn trial(to: &str, project: &str, written_at: UnixMillis) -> Result<Self, MailError> {
        let text = format!(
            "The support server of {project} sent this mail because its operator tried out whether mail arrives.\n\
             It did. There is nothing to do.\n"
        );
        let paragraphs: Vec<String> = text.lines().map(|line| format!("<p>{}</p>", escaped(line))).collect();
        let subject = format!("A trial mail of {project}");
        Self::new(to, None, &subject, text.clone(), paragraphs.concat(), written_at, Patience::Code)
    }

    /// Whom it goes to, without the name.
    pub fn address(&self) -> &str {
        self.to.email.as_ref()
    }

    /// How long it is worth another attempt.
    pub(super) fn patience(&self) -> Duration {
        match self.patience {
            Patience::Code => MAIL_CODE_PATIENCE,
            Patience::News => MAIL_NEWS_PATIENCE,
        }
    }

    /// The message as it travels. Every attempt sends the same one: by its id, a relay that got it twice shows it once.
    pub(super) fn compose(&self, sender: &Mailbox, id: [u8; 16]) -> Result<Message, lettre::error::Error> {
        let (id, domain) = (base32().encode(&id), sender.email.domain());
        let mut builder = Message::builder();
        if let Some(thread) = &self.thread {
            // The mail that they all answer never existed: RFC 5322 wants no more than an id.
            let first = format!("<{thread}@{domain}>");
            builder = builder.in_reply_to(first.clone()).references(first);
        }
        builder
            .from(sender.clone())
            .to(self.to.clone())
            .subject(&self.subject)
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(self.written_at.0))
            .message_id(Some(format!("<{id}@{domain}>")))
            // RFC 3834: keeps absence notes and lists from answering.
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(self.text.clone(), self.html.clone()))
    }
}

impl fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The texts hold codes: they must not get into logs.
        f.debug_struct("OutgoingMail").field("to", &self.address()).finish_non_exhaustive()
    }
}

/// Reads an address with a name.
pub(crate) fn mailbox(address: &str, name: Option<&str>) -> Result<Mailbox, MailError> {
    let no_address = || MailError::Address { address: address.chars().take(80).collect() };
    // An address of the world beyond ASCII is fine, U+0085 in it is not: some take it for the end of a line.
    if address.len() > assist_proto::limits::EMAIL_BYTES_MAX || address.chars().any(char::is_control) {
        return Err(no_address());
    }
    let email = address.parse().map_err(|_| no_address())?;
    if let Some(name) = name {
        header_text("name", name)?;
    }
    Ok(Mailbox::new(name.map(str::to_owned), email))
}

fn header_text(field: &'static str, text: &str) -> Result<(), MailError> {
    if text.chars().any(char::is_control) {
        return Err(MailError::ControlCharacter { field });
    }
    if text.chars().count() > MAIL_SUBJECT_CHARS_MAX {
        return Err(MailError::TooLong { field });
    }
    Ok(())
}

/// Text that is nothing but text in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
