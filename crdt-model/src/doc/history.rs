//! The changes of a document read back as what people did, each with the value that its author saw before.

use automerge::legacy::{ObjectId, OpId};
use automerge::{ActorId, Change};

use crate::actor::Actor;
use crate::doc::snapshot::text_of;
use crate::doc::view::{Held, View, hash_from_automerge};
use crate::doc::{Doc, HistoryEntry, Root};
use crate::edit::Edit;
use crate::gate::EditReader;
use crate::ids::CommentId;
use crate::schema::{self, key};
use crate::ticket::Field;

pub(super) fn read(doc: &Doc) -> Vec<HistoryEntry> {
    doc.automerge().get_changes(&[]).iter().filter_map(|change| entry(doc, change)).collect()
}

fn entry(doc: &Doc, change: &Change) -> Option<HistoryEntry> {
    let is_first = change.deps().is_empty();
    let root = if is_first { Root::of_empty(doc.id()) } else { doc.root().cloned() };
    let view = View::past(doc.automerge(), change.deps());
    let actor: ActorId = change.actor_id().clone();
    let operations = change.decode().operations;
    let edits =
        EditReader::new(doc.id(), root, view, actor, change.start_op().get(), &operations).read().ok()?;
    let edits = edits.into_iter().map(|edit| {
        let before = before(doc, view, &edit);
        (edit, before)
    });
    Some(HistoryEntry {
        change: hash_from_automerge(&change.hash()),
        actor: Actor::from_slice(change.actor_id().to_bytes())?,
        at: schema::millis_from_timestamp(change.timestamp())?,
        edits: edits.collect(),
    })
}

/// Returns the value that an edit replaced, as its author saw it.
fn before(doc: &Doc, view: View<'_>, edit: &Edit) -> Option<String> {
    let root = doc.root()?;
    match edit {
        Edit::SetTitle(_) => field(view, Field::Title),
        Edit::SetBody(_) => field(view, Field::Body),
        Edit::SetStatus(_) => field(view, Field::Status),
        Edit::SetAssignee(_) => field(view, Field::Assignee),
        Edit::SetPriority(_) => field(view, Field::Priority),
        Edit::SetSnoozedUntil(_) => field(view, Field::SnoozedUntil),
        Edit::SetCloseReason(_) => field(view, Field::CloseReason),
        Edit::SetMergedInto(_) => field(view, Field::MergedInto),
        Edit::EditComment { id, .. } | Edit::DeleteComment(id) => body_in(root.comments()?, view, id),
        Edit::EditNote { id, .. } | Edit::DeleteNote(id) => body_in(root.notes()?, view, id),
        Edit::SetProjectName(_) => winner(view, &ObjectId::Root, key::PROJECT_NAME),
        Edit::DefineLabel { label, .. } | Edit::RetireLabel(label) => {
            winner(view, root.labels()?, label.as_str())
        }
        Edit::DefineCannedReply { name, .. } | Edit::RetireCannedReply(name) => {
            winner(view, root.canned_replies()?, name.as_str())
        }
        Edit::CreateTicket { .. }
        | Edit::CreateProject(_)
        | Edit::AddLink(_)
        | Edit::RemoveLink(_)
        | Edit::AddLabel(_)
        | Edit::RemoveLabel(_)
        | Edit::AddComment { .. }
        | Edit::AddNote { .. } => None,
    }
}

fn field(view: View<'_>, field: Field) -> Option<String> {
    winner(view, &ObjectId::Root, field.as_str())
}

fn body_in(comments: &ObjectId, view: View<'_>, id: &CommentId) -> Option<String> {
    let (made_by, _): (OpId, Held) = view.slot(comments, &id.to_string()).pop()?;
    winner(view, &ObjectId::Id(made_by), key::BODY)
}

fn winner(view: View<'_>, obj: &ObjectId, name: &str) -> Option<String> {
    view.slot(obj, name).pop().map(|(_, held)| text_of(&held))
}
