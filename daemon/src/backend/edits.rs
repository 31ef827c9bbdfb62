//! Edits as the API tells them, with the names that this device knows.

use assist_crdt_model::ProjectId;
use assist_proto::api::ticket::{self, HistoryEdit};
use assist_proto::hub::WireEdit;

use super::errors::Answer;
use super::rows::Names;

/// Tells an edit. `before` is what its author saw, as the model gives it.
pub(super) fn describe(
    names: &mut Names<'_>,
    project: ProjectId,
    edit: WireEdit,
    before: Option<String>,
) -> Answer<Vec<HistoryEdit>> {
    ticket::describe(edit, before, |user| Ok(names.user(project, user)?.name))
}

/// What stands for a user in the model's texts, as people read it: their name.
pub(super) fn user_text(names: &mut Names<'_>, project: ProjectId, text: String) -> Answer<String> {
    ticket::user_text(text, |user| Ok(names.user(project, user)?.name))
}
