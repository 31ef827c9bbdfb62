//! What takes a change back: edits that write again what stood before, where nobody has gone on from there.
//!
//! Nothing is ever taken out of a history. An undo is a change like any other, by whoever makes it, under the same
//! rules; this only says which edits it would be made of.

use std::str::FromStr;

use crate::comment::Comment;
use crate::doc::Doc;
use crate::edit::{Body, Edit, ProjectName, Reason, Title};
use crate::ids::{ChangeHash, CommentId, UnixMillis};
use crate::project::Project;
use crate::ticket::{Field, Ticket};

/// Why a change cannot be undone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UndoError {
    /// The document has no such change.
    #[error("there is no change {0} here")]
    NoSuchChange(ChangeHash),
    /// Somebody has gone on from what it wrote.
    #[error("{what} was changed again since: undo that first, or write what it is to be")]
    Superseded {
        /// The field, or what it is about.
        what: &'static str,
    },
    /// There is no way back from it.
    #[error("{deed} cannot be undone: {advice}")]
    Final {
        /// What was done.
        deed: &'static str,
        /// What to do instead.
        advice: &'static str,
    },
}

pub(super) fn inverse(doc: &Doc, change: &ChangeHash) -> Result<Vec<Edit>, UndoError> {
    let entry = doc.history().into_iter().find(|entry| entry.change == *change);
    let entry = entry.ok_or(UndoError::NoSuchChange(*change))?;
    let present = Present { ticket: doc.ticket(), notes: doc.notes(), project: doc.project() };
    entry.edits.into_iter().rev().map(|(edit, before)| present.inverse(&edit, before)).collect()
}

/// The document as it is now.
struct Present {
    ticket: Option<Ticket>,
    notes: Option<Vec<Comment>>,
    project: Option<Project>,
}

impl Present {
    fn inverse(&self, edit: &Edit, before: Option<String>) -> Result<Edit, UndoError> {
        match edit {
            Edit::SetTitle(_)
            | Edit::SetBody(_)
            | Edit::SetStatus(_)
            | Edit::SetAssignee(_)
            | Edit::SetPriority(_)
            | Edit::SetSnoozedUntil(_)
            | Edit::SetCloseReason(_)
            | Edit::AddLabel(_)
            | Edit::RemoveLabel(_) => self.inverse_of_field(edit, before),
            Edit::AddComment { id, .. }
            | Edit::EditComment { id, .. }
            | Edit::AddNote { id, .. }
            | Edit::EditNote { id, .. } => self.inverse_of_text(edit, id, before),
            Edit::SetProjectName(_)
            | Edit::DefineLabel { .. }
            | Edit::RetireLabel(_)
            | Edit::DefineCannedReply { .. }
            | Edit::RetireCannedReply(_) => self.inverse_in_project(edit, before),
            Edit::CreateTicket { .. } => Err(UndoError::Final { deed: "filing", advice: "close the ticket" }),
            Edit::CreateProject(_) => {
                Err(UndoError::Final { deed: "making a project", advice: "leave it or rename it" })
            }
            // These stand in two tickets, and come and go together.
            Edit::SetMergedInto(_) => Err(UndoError::Final { deed: "merging", advice: "unmerge the ticket" }),
            Edit::AddLink(_) | Edit::RemoveLink(_) => {
                Err(UndoError::Final { deed: "linking", advice: "link or unlink the tickets" })
            }
            Edit::DeleteComment(_) | Edit::DeleteNote(_) => {
                Err(UndoError::Final { deed: "deleting a text", advice: "write it again" })
            }
        }
    }

    fn inverse_of_field(&self, edit: &Edit, before: Option<String>) -> Result<Edit, UndoError> {
        let Some(ticket) = &self.ticket else { return Err(superseded("the ticket")) };
        // An empty text stands for "none".
        let before = before.unwrap_or_default();
        let holds = |field: Field, is_same: bool| {
            is_same && ticket.conflicts.iter().all(|conflict| conflict.field != field)
        };
        match edit {
            Edit::SetTitle(title) if holds(Field::Title, ticket.title == title.as_str()) => {
                Title::parse(&before).map(Edit::SetTitle).map_err(|_| superseded("the title"))
            }
            Edit::SetBody(body) if holds(Field::Body, ticket.body == body.as_str()) => {
                Body::parse(before).map(Edit::SetBody).map_err(|_| superseded("the body"))
            }
            Edit::SetStatus(status) if holds(Field::Status, ticket.status == *status) => {
                before.parse().map(Edit::SetStatus).map_err(|_| superseded("the status"))
            }
            Edit::SetAssignee(user) if holds(Field::Assignee, ticket.assignee == *user) => {
                parse_or_none(&before).map(Edit::SetAssignee).ok_or(superseded("the assignee"))
            }
            Edit::SetPriority(priority) if holds(Field::Priority, ticket.priority == *priority) => {
                parse_or_none(&before).map(Edit::SetPriority).ok_or(superseded("the priority"))
            }
            Edit::SetSnoozedUntil(until) if holds(Field::SnoozedUntil, ticket.snoozed_until == *until) => {
                let before: Option<Option<u64>> = parse_or_none(&before);
                before
                    .map(|until| Edit::SetSnoozedUntil(until.map(UnixMillis)))
                    .ok_or(superseded("the snooze"))
            }
            Edit::SetCloseReason(reason) if holds(Field::CloseReason, ticket.close_reason == *reason) => {
                let before = Some(before).filter(|text| !text.is_empty());
                let before = before.map(|text| Reason::parse(&text)).transpose();
                before.map(Edit::SetCloseReason).map_err(|_| superseded("the reason"))
            }
            Edit::AddLabel(label) if ticket.labels.contains(label) => Ok(Edit::RemoveLabel(label.clone())),
            Edit::RemoveLabel(label) if !ticket.labels.contains(label) => Ok(Edit::AddLabel(label.clone())),
            _ => Err(superseded(what_of(edit))),
        }
    }

    fn inverse_of_text(
        &self,
        edit: &Edit,
        id: &CommentId,
        before: Option<String>,
    ) -> Result<Edit, UndoError> {
        let comments = self.ticket.as_ref().map(|ticket| &ticket.comments).or(self.notes.as_ref());
        let text = comments.and_then(|comments| comments.iter().find(|comment| comment.id == *id));
        let Some(text) = text.filter(|text| !text.is_deleted) else { return Err(superseded("the text")) };
        let (Edit::AddComment { body, .. }
        | Edit::EditComment { body, .. }
        | Edit::AddNote { body, .. }
        | Edit::EditNote { body, .. }) = edit
        else {
            return Err(superseded("the text"));
        };
        if text.body != body.as_str() || !text.losing_bodies.is_empty() {
            return Err(superseded("the text"));
        }
        let old = Body::parse(before.unwrap_or_default()).map_err(|_| superseded("the text"))?;
        Ok(match edit {
            Edit::AddComment { .. } => Edit::DeleteComment(*id),
            Edit::AddNote { .. } => Edit::DeleteNote(*id),
            Edit::EditComment { .. } => Edit::EditComment { id: *id, body: old },
            _ => Edit::EditNote { id: *id, body: old },
        })
    }

    fn inverse_in_project(&self, edit: &Edit, before: Option<String>) -> Result<Edit, UndoError> {
        let Some(project) = &self.project else { return Err(superseded("the project")) };
        let old = before.clone().map(Body::parse).transpose().map_err(|_| superseded(what_of(edit)))?;
        let inverse = match edit {
            Edit::SetProjectName(name)
                if project.name == name.as_str() && project.conflicting_names.is_empty() =>
            {
                before.and_then(|name| ProjectName::parse(&name).ok()).map(Edit::SetProjectName)
            }
            Edit::DefineLabel { label, description }
                if project.labels.get(label).is_some_and(|text| text == description.as_str()) =>
            {
                Some(match old {
                    Some(description) => Edit::DefineLabel { label: label.clone(), description },
                    None => Edit::RetireLabel(label.clone()),
                })
            }
            Edit::RetireLabel(label) if !project.labels.contains_key(label) => {
                old.map(|description| Edit::DefineLabel { label: label.clone(), description })
            }
            Edit::DefineCannedReply { name, body }
                if project.canned_replies.get(name).is_some_and(|text| text == body.as_str()) =>
            {
                Some(match old {
                    Some(body) => Edit::DefineCannedReply { name: name.clone(), body },
                    None => Edit::RetireCannedReply(name.clone()),
                })
            }
            Edit::RetireCannedReply(name) if !project.canned_replies.contains_key(name) => {
                old.map(|body| Edit::DefineCannedReply { name: name.clone(), body })
            }
            _ => None,
        };
        inverse.ok_or(superseded(what_of(edit)))
    }
}

/// `Some(None)` for an empty text, `None` for one that says nothing.
fn parse_or_none<T: FromStr>(text: &str) -> Option<Option<T>> {
    match text {
        "" => Some(None),
        text => text.parse().ok().map(Some),
    }
}

const fn superseded(what: &'static str) -> UndoError {
    UndoError::Superseded { what }
}

const fn what_of(edit: &Edit) -> &'static str {
    match edit {
        Edit::SetTitle(_) => "the title",
        Edit::SetBody(_) => "the body",
        Edit::SetStatus(_) => "the status",
        Edit::SetAssignee(_) => "the assignee",
        Edit::SetPriority(_) => "the priority",
        Edit::SetSnoozedUntil(_) => "the snooze",
        Edit::SetCloseReason(_) => "the reason",
        Edit::AddLabel(_) | Edit::RemoveLabel(_) | Edit::DefineLabel { .. } | Edit::RetireLabel(_) => {
            "the label"
        }
        Edit::SetProjectName(_) => "the name",
        Edit::DefineCannedReply { .. } | Edit::RetireCannedReply(_) => "the canned reply",
        _ => "the text",
    }
}
