//! Edits as the API tells them: what was done to what, with texts that people read.

use assist_crdt_model::{CommentId, UserId};

use super::HistoryEdit;
use crate::hub::WireEdit;

/// Tells an edit. `before` is what its author saw, as the model gives it; `name` says what a user is called.
///
/// # Errors
/// Whatever `name` fails with.
pub fn describe<E>(
    edit: WireEdit,
    before: Option<String>,
    mut name: impl FnMut(UserId) -> Result<String, E>,
) -> Result<Vec<HistoryEdit>, E> {
    let before = before.filter(|text| !text.is_empty());
    let field = |action: &str, before: Option<String>, after: Option<String>| HistoryEdit {
        action: action.to_owned(),
        comment: None,
        before,
        after,
    };
    let comment = |action: &str, id: CommentId, before: Option<String>, after: Option<String>| HistoryEdit {
        comment: Some(id.to_string()),
        ..field(action, before, after)
    };
    Ok(vec![match edit {
        WireEdit::CreateTicket { title, body, .. } => {
            // Two texts: told one after the other.
            let mut told = vec![field("create_ticket", None, Some(title))];
            told.extend((!body.is_empty()).then(|| field("set_body", None, Some(body))));
            return Ok(told);
        }
        WireEdit::SetTitle(title) => field("set_title", before, Some(title)),
        WireEdit::SetBody(body) => field("set_body", before, Some(body)),
        WireEdit::SetStatus(status) => field("set_status", before, Some(status)),
        WireEdit::SetAssignee(user) => {
            let before = before.map(|text| user_text(text, &mut name)).transpose()?;
            let after = user.map(&mut name).transpose()?;
            field("set_assignee", before, after)
        }
        WireEdit::SetPriority(priority) => field("set_priority", before, priority),
        WireEdit::SetSnoozedUntil(time) => {
            field("set_snoozed_until", before, time.map(|time| time.to_string()))
        }
        WireEdit::SetCloseReason(reason) => field("set_close_reason", before, reason),
        WireEdit::SetMergedInto(other) => field("set_merged_into", before, other.map(|id| id.to_string())),
        WireEdit::AddLink(other) => field("add_link", None, Some(other.to_string())),
        WireEdit::RemoveLink(other) => field("remove_link", Some(other.to_string()), None),
        WireEdit::AddLabel(label) => field("add_label", None, Some(label)),
        WireEdit::RemoveLabel(label) => field("remove_label", Some(label), None),
        WireEdit::AddComment { id, body, .. } => comment("add_comment", id, None, Some(body)),
        WireEdit::EditComment { id, body } => comment("edit_comment", id, before, Some(body)),
        WireEdit::DeleteComment(id) => comment("delete_comment", id, before, None),
        WireEdit::AddNote { id, body, .. } => comment("add_note", id, None, Some(body)),
        WireEdit::EditNote { id, body } => comment("edit_note", id, before, Some(body)),
        WireEdit::DeleteNote(id) => comment("delete_note", id, before, None),
        WireEdit::CreateProject(name) => field("create_project", None, Some(name)),
        WireEdit::SetProjectName(name) => field("set_project_name", before, Some(name)),
        WireEdit::DefineLabel { label, .. } => field("define_label", before, Some(label)),
        WireEdit::RetireLabel(label) => field("retire_label", Some(label), None),
        WireEdit::DefineCannedReply { name, .. } => field("define_canned_reply", before, Some(name)),
        WireEdit::RetireCannedReply(name) => field("retire_canned_reply", Some(name), None),
    }])
}

/// What stands for a user in the model's texts, as people read it: their name.
///
/// # Errors
/// Whatever `name` fails with.
pub fn user_text<E>(text: String, name: impl FnOnce(UserId) -> Result<String, E>) -> Result<String, E> {
    match text.parse() {
        Ok(user) => name(user),
        Err(_) => Ok(text),
    }
}
