//! What a user can do: a closed enum, with the texts parsed at the edge.
//!
//! An [`Edit`] is intent. A [`crate::Doc`] turns edits into one Automerge change; the gate reads a foreign
//! change back into edits, so that the role rules speak of intent and not of operations.

use std::fmt;

use crate::comment::Attachment;
use crate::ids::{CommentId, TicketId, UnixMillis, UserId};
use crate::limits;
use crate::ticket::{Priority, Status};

/// One thing that a user does to a document. Several may go into one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Files the ticket: always the first edit of a ticket document, and only there.
    CreateTicket {
        /// Whose problem it is. Customers file only for themselves.
        requester: UserId,
        /// One line.
        title: Title,
        /// The report.
        body: Body,
    },
    /// Retitles the ticket.
    SetTitle(Title),
    /// Rewrites the report.
    SetBody(Body),
    /// Moves the ticket through its life.
    SetStatus(Status),
    /// Hands the ticket to an agent, or to nobody.
    SetAssignee(Option<UserId>),
    /// Ranks the ticket.
    SetPriority(Option<Priority>),
    /// Hides the ticket from its assignee's list until then; `None` wakes it.
    SetSnoozedUntil(Option<UnixMillis>),
    /// Says why the ticket was closed, or takes that back.
    SetCloseReason(Option<Reason>),
    /// Says that the ticket goes on in another one, which it is a duplicate of; `None` undoes that.
    SetMergedInto(Option<TicketId>),
    /// Names another ticket that has to do with this one.
    AddLink(TicketId),
    /// Takes that back.
    RemoveLink(TicketId),
    /// Puts a label on.
    AddLabel(Label),
    /// Takes a label off.
    RemoveLabel(Label),
    /// Writes a comment.
    AddComment {
        /// Chosen by the author's device.
        id: CommentId,
        /// Not empty.
        body: Body,
        /// The comment that this one answers.
        reply_to: Option<CommentId>,
        /// Names for blobs.
        attachments: Vec<Attachment>,
    },
    /// Rewrites one's own comment; it is then marked as edited.
    EditComment {
        /// Which comment.
        id: CommentId,
        /// Not empty.
        body: Body,
    },
    /// Strikes one's own comment; a tombstone stays.
    DeleteComment(CommentId),
    /// Writes a note: a text that only the team sees, in a document of its own.
    AddNote {
        /// Chosen by the author's device.
        id: CommentId,
        /// Not empty.
        body: Body,
        /// The note that this one answers.
        reply_to: Option<CommentId>,
        /// Names for blobs.
        attachments: Vec<Attachment>,
    },
    /// Rewrites one's own note; it is then marked as edited.
    EditNote {
        /// Which note.
        id: CommentId,
        /// Not empty.
        body: Body,
    },
    /// Strikes one's own note; a tombstone stays.
    DeleteNote(CommentId),
    /// Makes the project document: its first edit, and only there.
    CreateProject(ProjectName),
    /// Renames the project.
    SetProjectName(ProjectName),
    /// Adds a label to the project's catalogue, or describes it anew.
    DefineLabel {
        /// The label.
        label: Label,
        /// What it is for; may be empty.
        description: Body,
    },
    /// Takes a label from the catalogue. Tickets keep it.
    RetireLabel(Label),
    /// Stores a canned reply under its name.
    DefineCannedReply {
        /// The name that an agent types.
        name: Label,
        /// The text, not empty.
        body: Body,
    },
    /// Drops a canned reply.
    RetireCannedReply(Label),
}

/// Why a text cannot be what it was meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("the {what} is empty")]
    Empty {
        /// Which text.
        what: &'static str,
    },
    /// Over its limit in characters.
    #[error("the {what} has {chars} characters, at most {chars_max} are allowed")]
    TooManyChars {
        /// Which text.
        what: &'static str,
        /// How many it has.
        chars: usize,
        /// How many it may have.
        chars_max: usize,
    },
    /// Over its limit in bytes.
    #[error("the {what} has {size_bytes} bytes, at most {size_bytes_max} are allowed")]
    TooManyBytes {
        /// Which text.
        what: &'static str,
        /// Its size in UTF-8.
        size_bytes: usize,
        /// The largest size.
        size_bytes_max: usize,
    },
}

macro_rules! short_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Trims the text and checks its length in characters.
            ///
            /// # Errors
            /// When nothing is left, or too much.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                let trimmed = text.trim();
                let chars = trimmed.chars().count();
                match chars {
                    0 => Err(TextError::Empty { what: $what }),
                    _ if chars > $max => {
                        Err(TextError::TooManyChars { what: $what, chars, chars_max: $max })
                    }
                    _ => Ok(Self(trimmed.to_owned())),
                }
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

short_text!(
    /// A ticket's title: any UTF-8, 1 to 80 characters after trimming.
    Title, "title", limits::TITLE_CHARS_MAX
);
short_text!(
    /// A label: 1 to 40 characters after trimming.
    Label, "label", limits::LABEL_CHARS_MAX
);
short_text!(
    /// Why a ticket was closed: 1 to 200 characters after trimming.
    Reason, "reason", limits::REASON_CHARS_MAX
);
short_text!(
    /// A project's name: 1 to 80 characters after trimming.
    ProjectName, "project name", limits::PROJECT_NAME_CHARS_MAX
);

/// A longer text: any UTF-8 up to 64 KiB, kept to the byte. May be empty; where it may not, the edit says so.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Body(String);

impl Body {
    /// Checks the size.
    ///
    /// # Errors
    /// When it is over [`limits::BODY_BYTES_MAX`].
    pub fn parse(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.len() > limits::BODY_BYTES_MAX {
            return Err(TextError::TooManyBytes {
                what: "text",
                size_bytes: text.len(),
                size_bytes_max: limits::BODY_BYTES_MAX,
            });
        }
        Ok(Self(text))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether there is nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
