//! Edits at rest: how a draft keeps what a person wrote.
//!
//! The model's types derive no serialisation, so that a stored name is never changed by renaming a variant. Reading
//! goes through the model's own parsers: what comes out is an edit that a person could have made.

use assist_crdt_model::{
    Attachment, BlobHash, Body, CommentId, Edit, Label, ProjectName, Reason, TextError, TicketId, Title,
    UnixMillis, UnknownName, UserId,
};
use serde::{Deserialize, Serialize};

use crate::wire::id;

/// An [`Edit`] as it is stored. Names are promises, changed only by adding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "variant for variant and field for field the edit that it mirrors")]
pub enum WireEdit {
    #[serde(rename = "ticket")]
    CreateTicket {
        #[serde(rename = "r", with = "id")]
        requester: UserId,
        #[serde(rename = "t")]
        title: String,
        #[serde(rename = "b")]
        body: String,
    },
    #[serde(rename = "title")]
    SetTitle(String),
    #[serde(rename = "body")]
    SetBody(String),
    #[serde(rename = "status")]
    SetStatus(String),
    #[serde(rename = "assignee")]
    SetAssignee(#[serde(with = "id::opt")] Option<UserId>),
    #[serde(rename = "priority")]
    SetPriority(Option<String>),
    #[serde(rename = "snooze")]
    SetSnoozedUntil(Option<u64>),
    #[serde(rename = "reason")]
    SetCloseReason(Option<String>),
    #[serde(rename = "merged")]
    SetMergedInto(#[serde(with = "id::opt")] Option<TicketId>),
    #[serde(rename = "link+")]
    AddLink(#[serde(with = "id")] TicketId),
    #[serde(rename = "link-")]
    RemoveLink(#[serde(with = "id")] TicketId),
    #[serde(rename = "label+")]
    AddLabel(String),
    #[serde(rename = "label-")]
    RemoveLabel(String),
    #[serde(rename = "comment")]
    AddComment {
        #[serde(rename = "i", with = "id")]
        id: CommentId,
        #[serde(rename = "b")]
        body: String,
        #[serde(rename = "r", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<CommentId>,
        #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<WireAttachment>,
    },
    #[serde(rename = "comment=")]
    EditComment {
        #[serde(rename = "i", with = "id")]
        id: CommentId,
        #[serde(rename = "b")]
        body: String,
    },
    #[serde(rename = "comment-")]
    DeleteComment(#[serde(with = "id")] CommentId),
    #[serde(rename = "note")]
    AddNote {
        #[serde(rename = "i", with = "id")]
        id: CommentId,
        #[serde(rename = "b")]
        body: String,
        #[serde(rename = "r", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<CommentId>,
        #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<WireAttachment>,
    },
    #[serde(rename = "note=")]
    EditNote {
        #[serde(rename = "i", with = "id")]
        id: CommentId,
        #[serde(rename = "b")]
        body: String,
    },
    #[serde(rename = "note-")]
    DeleteNote(#[serde(with = "id")] CommentId),
    #[serde(rename = "project")]
    CreateProject(String),
    #[serde(rename = "name")]
    SetProjectName(String),
    #[serde(rename = "def+")]
    DefineLabel {
        #[serde(rename = "l")]
        label: String,
        #[serde(rename = "b")]
        description: String,
    },
    #[serde(rename = "def-")]
    RetireLabel(String),
    #[serde(rename = "canned+")]
    DefineCannedReply {
        #[serde(rename = "n")]
        name: String,
        #[serde(rename = "b")]
        body: String,
    },
    #[serde(rename = "canned-")]
    RetireCannedReply(String),
}

/// An [`Attachment`] as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireAttachment {
    /// What is fetched.
    #[serde(rename = "h", with = "id")]
    pub blob: BlobHash,
    /// Never a path.
    #[serde(rename = "n")]
    pub name: String,
    /// As the author measured it.
    #[serde(rename = "s")]
    pub size_bytes: u64,
    /// A MIME type.
    #[serde(rename = "m")]
    pub media_type: String,
}

/// Why a stored edit is none that a person could make.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireEditError {
    /// A text is out of its bounds.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A status or priority that this version does not know.
    #[error(transparent)]
    Name(#[from] UnknownName),
}

impl WireEdit {
    /// Whether it names files.
    pub const fn has_attachments(&self) -> bool {
        match self {
            Self::AddComment { attachments, .. } | Self::AddNote { attachments, .. } => {
                !attachments.is_empty()
            }
            _ => false,
        }
    }

    /// Returns what the edit does, for people, in one line: "sets the status to closed".
    pub fn describe(&self) -> String {
        match self {
            Self::CreateTicket { title, .. } => format!("files the ticket \"{}\"", one_line(title)),
            Self::SetTitle(title) => format!("sets the title to \"{}\"", one_line(title)),
            Self::SetBody(_) => "rewrites the report".to_owned(),
            Self::SetStatus(status) => format!("sets the status to {}", one_line(status)),
            Self::SetAssignee(Some(user)) => format!("hands the ticket to {user}"),
            Self::SetAssignee(None) => "hands the ticket to nobody".to_owned(),
            Self::SetPriority(Some(priority)) => format!("sets the priority to {}", one_line(priority)),
            Self::SetPriority(None) => "takes the priority off".to_owned(),
            Self::SetSnoozedUntil(Some(_)) => "snoozes the ticket".to_owned(),
            Self::SetSnoozedUntil(None) => "wakes the ticket".to_owned(),
            Self::SetCloseReason(Some(reason)) => format!("closes it because \"{}\"", one_line(reason)),
            Self::SetCloseReason(None) => "takes the reason for closing back".to_owned(),
            Self::SetMergedInto(Some(other)) => format!("merges the ticket into {}", other.short()),
            Self::SetMergedInto(None) => "undoes the merge".to_owned(),
            Self::AddLink(other) => format!("links the ticket with {}", other.short()),
            Self::RemoveLink(other) => format!("takes the link with {} off", other.short()),
            Self::AddLabel(label) => format!("puts the label \"{}\" on", one_line(label)),
            Self::RemoveLabel(label) => format!("takes the label \"{}\" off", one_line(label)),
            Self::AddComment { body, .. } => format!("comments \"{}\"", one_line(body)),
            Self::EditComment { body, .. } => format!("rewrites a comment to \"{}\"", one_line(body)),
            Self::DeleteComment(_) => "strikes a comment".to_owned(),
            Self::AddNote { body, .. } => format!("notes \"{}\"", one_line(body)),
            Self::EditNote { body, .. } => format!("rewrites a note to \"{}\"", one_line(body)),
            Self::DeleteNote(_) => "strikes a note".to_owned(),
            Self::CreateProject(name) => format!("makes the project \"{}\"", one_line(name)),
            Self::SetProjectName(name) => format!("renames the project to \"{}\"", one_line(name)),
            Self::DefineLabel { label, .. } => format!("describes the label \"{}\"", one_line(label)),
            Self::RetireLabel(label) => format!("retires the label \"{}\"", one_line(label)),
            Self::DefineCannedReply { name, .. } => format!("stores the canned reply \"{}\"", one_line(name)),
            Self::RetireCannedReply(name) => format!("drops the canned reply \"{}\"", one_line(name)),
        }
    }

    /// Returns the text that the person would not like to write again: of an edit that has one.
    pub fn main_text(&self) -> Option<&str> {
        match self {
            Self::CreateTicket { body: text, .. }
            | Self::SetTitle(text)
            | Self::SetBody(text)
            | Self::AddComment { body: text, .. }
            | Self::EditComment { body: text, .. }
            | Self::AddNote { body: text, .. }
            | Self::EditNote { body: text, .. }
            | Self::SetCloseReason(Some(text))
            | Self::DefineLabel { description: text, .. }
            | Self::DefineCannedReply { body: text, .. } => Some(text),
            _ => None,
        }
    }
}

impl From<&Edit> for WireEdit {
    fn from(edit: &Edit) -> Self {
        match edit {
            Edit::CreateTicket { requester, title, body } => {
                Self::CreateTicket { requester: *requester, title: title.to_string(), body: body.to_string() }
            }
            Edit::SetTitle(title) => Self::SetTitle(title.to_string()),
            Edit::SetBody(body) => Self::SetBody(body.to_string()),
            Edit::SetStatus(status) => Self::SetStatus(status.to_string()),
            Edit::SetAssignee(user) => Self::SetAssignee(*user),
            Edit::SetPriority(priority) => Self::SetPriority(priority.map(|priority| priority.to_string())),
            Edit::SetSnoozedUntil(time) => Self::SetSnoozedUntil(time.map(|time| time.0)),
            Edit::SetCloseReason(reason) => Self::SetCloseReason(reason.as_ref().map(Reason::to_string)),
            Edit::SetMergedInto(other) => Self::SetMergedInto(*other),
            Edit::AddLink(other) => Self::AddLink(*other),
            Edit::RemoveLink(other) => Self::RemoveLink(*other),
            Edit::AddLabel(label) => Self::AddLabel(label.to_string()),
            Edit::RemoveLabel(label) => Self::RemoveLabel(label.to_string()),
            Edit::AddComment { id, body, reply_to, attachments } => Self::AddComment {
                id: *id,
                body: body.to_string(),
                reply_to: *reply_to,
                attachments: attachments.iter().map(WireAttachment::from).collect(),
            },
            Edit::EditComment { id, body } => Self::EditComment { id: *id, body: body.to_string() },
            Edit::DeleteComment(id) => Self::DeleteComment(*id),
            Edit::AddNote { id, body, reply_to, attachments } => Self::AddNote {
                id: *id,
                body: body.to_string(),
                reply_to: *reply_to,
                attachments: attachments.iter().map(WireAttachment::from).collect(),
            },
            Edit::EditNote { id, body } => Self::EditNote { id: *id, body: body.to_string() },
            Edit::DeleteNote(id) => Self::DeleteNote(*id),
            Edit::CreateProject(name) => Self::CreateProject(name.to_string()),
            Edit::SetProjectName(name) => Self::SetProjectName(name.to_string()),
            Edit::DefineLabel { label, description } => {
                Self::DefineLabel { label: label.to_string(), description: description.to_string() }
            }
            Edit::RetireLabel(label) => Self::RetireLabel(label.to_string()),
            Edit::DefineCannedReply { name, body } => {
                Self::DefineCannedReply { name: name.to_string(), body: body.to_string() }
            }
            Edit::RetireCannedReply(name) => Self::RetireCannedReply(name.to_string()),
        }
    }
}

impl TryFrom<WireEdit> for Edit {
    type Error = WireEditError;

    fn try_from(edit: WireEdit) -> Result<Self, WireEditError> {
        Ok(match edit {
            WireEdit::CreateTicket { requester, title, body } => {
                Self::CreateTicket { requester, title: Title::parse(&title)?, body: Body::parse(body)? }
            }
            WireEdit::SetTitle(title) => Self::SetTitle(Title::parse(&title)?),
            WireEdit::SetBody(body) => Self::SetBody(Body::parse(body)?),
            WireEdit::SetStatus(status) => Self::SetStatus(status.parse()?),
            WireEdit::SetAssignee(user) => Self::SetAssignee(user),
            WireEdit::SetPriority(name) => Self::SetPriority(name.map(|name| name.parse()).transpose()?),
            WireEdit::SetSnoozedUntil(millis) => Self::SetSnoozedUntil(millis.map(UnixMillis)),
            WireEdit::SetCloseReason(reason) => {
                Self::SetCloseReason(reason.map(|reason| Reason::parse(&reason)).transpose()?)
            }
            WireEdit::SetMergedInto(other) => Self::SetMergedInto(other),
            WireEdit::AddLink(other) => Self::AddLink(other),
            WireEdit::RemoveLink(other) => Self::RemoveLink(other),
            WireEdit::AddLabel(label) => Self::AddLabel(Label::parse(&label)?),
            WireEdit::RemoveLabel(label) => Self::RemoveLabel(Label::parse(&label)?),
            WireEdit::AddComment { id, body, reply_to, attachments } => Self::AddComment {
                id,
                body: Body::parse(body)?,
                reply_to,
                attachments: attachments.into_iter().map(Attachment::from).collect(),
            },
            WireEdit::EditComment { id, body } => Self::EditComment { id, body: Body::parse(body)? },
            WireEdit::DeleteComment(id) => Self::DeleteComment(id),
            WireEdit::AddNote { id, body, reply_to, attachments } => Self::AddNote {
                id,
                body: Body::parse(body)?,
                reply_to,
                attachments: attachments.into_iter().map(Attachment::from).collect(),
            },
            WireEdit::EditNote { id, body } => Self::EditNote { id, body: Body::parse(body)? },
            WireEdit::DeleteNote(id) => Self::DeleteNote(id),
            WireEdit::CreateProject(name) => Self::CreateProject(ProjectName::parse(&name)?),
            WireEdit::SetProjectName(name) => Self::SetProjectName(ProjectName::parse(&name)?),
            WireEdit::DefineLabel { label, description } => {
                Self::DefineLabel { label: Label::parse(&label)?, description: Body::parse(description)? }
            }
            WireEdit::RetireLabel(label) => Self::RetireLabel(Label::parse(&label)?),
            WireEdit::DefineCannedReply { name, body } => {
                Self::DefineCannedReply { name: Label::parse(&name)?, body: Body::parse(body)? }
            }
            WireEdit::RetireCannedReply(name) => Self::RetireCannedReply(Label::parse(&name)?),
        })
    }
}

impl From<&Attachment> for WireAttachment {
    fn from(attachment: &Attachment) -> Self {
        Self {
            blob: attachment.blob,
            name: attachment.name.clone(),
            size_bytes: attachment.size_bytes,
            media_type: attachment.media_type.clone(),
        }
    }
}

impl From<WireAttachment> for Attachment {
    fn from(attachment: WireAttachment) -> Self {
        let WireAttachment { blob, name, size_bytes, media_type } = attachment;
        Self { blob, name, size_bytes, media_type }
    }
}

/// Control characters become spaces, and what is long is cut: fit for a line of a list.
fn one_line(text: &str) -> String {
    let clean = |char: char| if char.is_control() { ' ' } else { char };
    let mut line: String = text.trim().chars().map(clean).take(DESCRIPTION_CHARS_MAX).collect();
    if text.trim().chars().count() > DESCRIPTION_CHARS_MAX {
        line.push_str("...");
    }
    line
}

/// A title whole, or the begin of a comment.
const DESCRIPTION_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests;
