//! From a document to what people see. What does not read as it should is left out: an admitted document has no
//! such values, and reading never fails.

use std::collections::{BTreeMap, BTreeSet};

use automerge::legacy::ObjectId;
use automerge::{ObjId, ReadDoc as _, ScalarValueRef, ValueRef};

use crate::comment::{Attachment, Comment, Text};
use crate::doc::view::{Held, View, exid_from_obj, hash_from_automerge};
use crate::doc::{Doc, Root, TicketSummary};
use crate::edit::{Body, Label, Reason};
use crate::ids::{BlobHash, ChangeHash, CommentId, DocId, TicketId, UnixMillis, UserId};
use crate::project::Project;
use crate::schema::{self, key};
use crate::ticket::{Conflict, ConflictValue, Field, Priority, Status, Ticket};

/// The fields of a ticket, in the order in which conflicts are listed.
const FIELDS: [Field; 8] = [
    Field::Title,
    Field::Body,
    Field::Status,
    Field::Assignee,
    Field::Priority,
    Field::SnoozedUntil,
    Field::CloseReason,
    Field::MergedInto,
];

pub(super) fn ticket(doc: &Doc) -> Option<Ticket> {
    let DocId::Ticket(id) = doc.id() else { return None };
    let Root::Ticket { requester, labels, comments } = doc.root()? else { return None };
    let reader = Reader { doc };
    let fields = reader.fields();
    let snoozed_until = reader.snooze_in_force(&fields, *requester, comments);
    Some(Ticket {
        id,
        requester: *requester,
        created_at: fields.created_at,
        title: fields.title,
        body: fields.body,
        status: fields.status?,
        assignee: fields.assignee,
        priority: fields.priority,
        snoozed_until,
        close_reason: fields.close_reason.filter(|_| fields.status == Some(Status::Closed)),
        merged_into: fields.merged_into,
        links: fields.links,
        labels: reader.labels(labels),
        comments: reader.comments(comments),
        conflicts: reader.conflicts(&fields.conflicted),
    })
}

pub(super) fn summary(doc: &Doc) -> Option<TicketSummary> {
    let Root::Ticket { requester, labels, comments } = doc.root()? else { return None };
    let reader = Reader { doc };
    let fields = reader.fields();
    let snoozed_until = reader.snooze_in_force(&fields, *requester, comments);
    Some(TicketSummary {
        requester: *requester,
        created_at: fields.created_at,
        title: fields.title,
        status: fields.status?,
        assignee: fields.assignee,
        priority: fields.priority,
        snoozed_until,
        merged_into: fields.merged_into,
        labels: reader.labels(labels),
        comment_count: View::present(doc.automerge()).key_count(comments),
        has_conflict: fields.conflicted.into_iter().any(|field| reader.conflict(field).is_some()),
    })
}

pub(super) fn notes(doc: &Doc) -> Option<Vec<Comment>> {
    let notes = doc.root()?.notes()?;
    Some(Reader { doc }.comments(notes))
}

pub(super) fn attachments(doc: &Doc) -> Vec<Attachment> {
    let Some(texts) = texts_of(doc) else { return Vec::new() };
    let all = Reader { doc }.comments(texts).into_iter();
    all.filter(|comment| !comment.is_deleted).flat_map(|comment| comment.attachments).collect()
}

pub(super) fn texts(doc: &Doc, is_wanted: impl Fn(&str) -> bool) -> Vec<Text> {
    let Some(texts) = texts_of(doc) else { return Vec::new() };
    let reader = Reader { doc };
    let all = doc.automerge().map_range(exid_from_obj(texts), ..);
    all.filter_map(|item| reader.text(item.key.parse().ok()?, &item.id(), &is_wanted)).collect()
}

pub(super) fn text(doc: &Doc, id: CommentId) -> Option<Text> {
    let texts = exid_from_obj(texts_of(doc)?);
    let (_, found) = doc.automerge().get(&texts, id.to_string()).ok()??;
    Reader { doc }.text(id, &found, |_| true)
}

/// The comments of a ticket, or the notes.
fn texts_of(doc: &Doc) -> Option<&ObjectId> {
    match doc.root()? {
        Root::Ticket { comments, .. } => Some(comments),
        other => other.notes(),
    }
}

pub(super) fn project(doc: &Doc) -> Option<Project> {
    let Root::Project { labels, canned_replies } = doc.root()? else { return None };
    let reader = Reader { doc };
    let names: Vec<String> = View::present(doc.automerge())
        .slot(&ObjectId::Root, key::PROJECT_NAME)
        .iter()
        .rev()
        .map(|(_, held)| text_of(held))
        .collect();
    let name = names.first()?.clone();
    let is_conflict = names.iter().any(|other| *other != name);
    Some(Project {
        name,
        labels: reader.texts(labels),
        canned_replies: reader.texts(canned_replies),
        conflicting_names: if is_conflict { names } else { Vec::new() },
    })
}

/// The plain fields of a ticket.
#[derive(Default)]
struct Fields {
    created_at: UnixMillis,
    title: String,
    body: String,
    status: Option<Status>,
    assignee: Option<UserId>,
    priority: Option<Priority>,
    snoozed_until: Option<UnixMillis>,
    /// The change that wrote it.
    snoozed_by: Option<ChangeHash>,
    close_reason: Option<Reason>,
    merged_into: Option<TicketId>,
    links: BTreeSet<TicketId>,
    /// Those that hold more than one value, in the order of [`FIELDS`].
    conflicted: Vec<Field>,
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    doc: &'a Doc,
}

impl Reader<'_> {
    /// Reads the root's keys in one pass.
    fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        for item in self.doc.automerge().map_range(ObjId::Root, ..) {
            match item.key.as_ref() {
                key::CREATED_AT => fields.created_at = time_value(&item.value).unwrap_or_default(),
                key::TITLE => fields.title = str_value(&item.value).unwrap_or_default().to_owned(),
                key::BODY => fields.body = str_value(&item.value).unwrap_or_default().to_owned(),
                key::STATUS => fields.status = str_value(&item.value).and_then(|name| name.parse().ok()),
                key::ASSIGNEE => fields.assignee = bytes_value(&item.value).and_then(UserId::from_slice),
                key::PRIORITY => fields.priority = str_value(&item.value).and_then(|name| name.parse().ok()),
                key::SNOOZED_UNTIL => {
                    fields.snoozed_until = time_value(&item.value);
                    fields.snoozed_by = fields.snoozed_until.and_then(|_| self.change_of(&item.id()));
                }
                key::CLOSE_REASON => {
                    fields.close_reason = str_value(&item.value).and_then(|text| Reason::parse(text).ok());
                }
                key::MERGED_INTO => {
                    fields.merged_into = bytes_value(&item.value).and_then(TicketId::from_slice);
                }
                name => fields.links.extend(link_of(name)),
            }
            if item.conflict {
                fields.conflicted.extend(FIELDS.into_iter().find(|field| field.as_str() == item.key));
            }
        }
        fields.conflicted.sort_unstable();
        fields
    }

    /// Returns until when the ticket sleeps. What its requester wrote wakes it, unless whoever put it to sleep had
    /// read that: so it wakes by a comment that was on its way meanwhile, too. Only of a ticket that sleeps are the
    /// comments looked at.
    fn snooze_in_force(&self, fields: &Fields, requester: UserId, comments: &ObjectId) -> Option<UnixMillis> {
        let (until, snoozed_by) = (fields.snoozed_until?, fields.snoozed_by?);
        let comments = exid_from_obj(comments);
        let wakes = |comment: ObjId| {
            let author = self.doc.automerge().get(&comment, key::AUTHOR).ok()??.0;
            let is_requesters = author.as_bytes().is_some_and(|author| author == requester.as_bytes());
            let change = self.change_of(&comment).filter(|_| is_requesters)?;
            Some(!self.doc.graph().is_seen_at(&change, &[snoozed_by]))
        };
        let mut all = self.doc.automerge().map_range(&comments, ..);
        if all.any(|item| wakes(item.id()) == Some(true)) { None } else { Some(until) }
    }

    fn conflicts(&self, fields: &[Field]) -> Vec<Conflict> {
        fields.iter().filter_map(|field| self.conflict(*field)).collect()
    }

    /// Returns the values of a field, the winner first; `None` if all say the same.
    fn conflict(&self, field: Field) -> Option<Conflict> {
        let automerge = self.doc.automerge();
        let slot = View::present(automerge).slot(&ObjectId::Root, field.as_str());
        let values: Vec<ConflictValue> = slot
            .into_iter()
            .rev()
            .filter_map(|(written_by, held)| {
                let change = self.change_of(&exid_from_obj(&ObjectId::Id(written_by)))?;
                Some(ConflictValue { text: text_of(&held), change })
            })
            .collect();
        let winner = &values.first()?.text;
        let differs = values.iter().any(|value| value.text != *winner);
        differs.then_some(Conflict { field, values })
    }

    fn labels(&self, labels: &ObjectId) -> BTreeSet<Label> {
        let labels = exid_from_obj(labels);
        self.doc.automerge().map_range(&labels, ..).filter_map(|item| Label::parse(&item.key).ok()).collect()
    }

    fn texts(&self, map: &ObjectId) -> BTreeMap<Label, String> {
        let map = exid_from_obj(map);
        let entries = self.doc.automerge().map_range(&map, ..);
        entries
            .filter_map(|item| Some((Label::parse(&item.key).ok()?, str_value(&item.value)?.to_owned())))
            .collect()
    }

    /// Reads the comments, or notes, and puts them in Lamport order, which follows causes and never clocks.
    fn comments(&self, comments: &ObjectId) -> Vec<Comment> {
        let comments = exid_from_obj(comments);
        let mut found: Vec<(u64, Vec<u8>, Comment)> = self
            .doc
            .automerge()
            .map_range(&comments, ..)
            .filter_map(|item| {
                let id: CommentId = item.key.parse().ok()?;
                let made_by = item.id();
                let ObjId::Id(counter, actor, _) = &made_by else { return None };
                Some((*counter, actor.to_bytes().to_vec(), self.comment(id, &made_by)?))
            })
            .collect();
        found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        found.into_iter().map(|(_, _, comment)| comment).collect()
    }

    fn comment(&self, id: CommentId, obj: &ObjId) -> Option<Comment> {
        let mut author = None;
        let mut comment = Comment {
            id,
            author: UserId::from_bytes([0; 16]),
            created_at: UnixMillis::default(),
            body: String::new(),
            reply_to: None,
            edited_at: None,
            is_deleted: false,
            attachments: Vec::new(),
            losing_bodies: Vec::new(),
            change: self.change_of(obj)?,
        };
        let mut files = None;
        let mut has_losing_bodies = false;
        for item in self.doc.automerge().map_range(obj, ..) {
            match item.key.as_ref() {
                key::AUTHOR => author = bytes_value(&item.value).and_then(UserId::from_slice),
                key::CREATED_AT => comment.created_at = time_value(&item.value)?,
                key::BODY => {
                    comment.body = str_value(&item.value)?.to_owned();
                    has_losing_bodies = item.conflict;
                }
                key::REPLY_TO => comment.reply_to = bytes_value(&item.value).and_then(CommentId::from_slice),
                key::EDITED_AT => comment.edited_at = time_value(&item.value),
                key::DELETED => comment.is_deleted = true,
                key::FILES => files = Some(item.id()),
                _ => {}
            }
        }
        comment.author = author?;
        if comment.is_deleted {
            // A tombstone shows nothing of the text, not even a rewrite that was made at the same time.
            comment.body.clear();
            return Some(comment);
        }
        if has_losing_bodies {
            comment.losing_bodies = self.losing_bodies(obj, &comment.body);
        }
        comment.attachments = files.map(|files| self.attachments(&files)).unwrap_or_default();
        Some(comment)
    }

    /// Reads what a comment says, if that is wanted and the comment was not struck.
    fn text(&self, comment: CommentId, obj: &ObjId, is_wanted: impl Fn(&str) -> bool) -> Option<Text> {
        let automerge = self.doc.automerge();
        let (body, written_by) = automerge.get(obj, key::BODY).ok()??;
        if !is_wanted(body.as_str()?) || automerge.get(obj, key::DELETED).ok()?.is_some() {
            return None;
        }
        let author = automerge.get(obj, key::AUTHOR).ok()??.0;
        Some(Text {
            comment,
            author: author.as_bytes().and_then(UserId::from_slice)?,
            body: body.as_str()?.to_owned(),
            written_by: self.change_of(&written_by)?,
        })
    }

    /// Returns the rewrites that lost, the youngest first.
    fn losing_bodies(&self, comment: &ObjId, winner: &str) -> Vec<Body> {
        let values = self.doc.automerge().get_all(comment, key::BODY).unwrap_or_default();
        let texts = values.into_iter().rev().filter_map(|(value, _)| Some(value.as_str()?.to_owned()));
        texts.filter(|text| text != winner).filter_map(|text| Body::parse(text).ok()).collect()
    }

    fn attachments(&self, files: &ObjId) -> Vec<Attachment> {
        let files = self.doc.automerge().map_range(files, ..);
        files.filter_map(|item| self.attachment(item.key.parse().ok()?, &item.id())).collect()
    }

    fn attachment(&self, blob: BlobHash, file: &ObjId) -> Option<Attachment> {
        let mut attachment =
            Attachment { blob, name: String::new(), size_bytes: 0, media_type: String::new() };
        for item in self.doc.automerge().map_range(file, ..) {
            match (item.key.as_ref(), &item.value) {
                (key::FILE_NAME, value) => attachment.name = str_value(value)?.to_owned(),
                (key::FILE_TYPE, value) => attachment.media_type = str_value(value)?.to_owned(),
                (key::FILE_SIZE, ValueRef::Scalar(ScalarValueRef::Uint(size))) => {
                    attachment.size_bytes = *size
                }
                _ => {}
            }
        }
        Some(attachment)
    }

    fn change_of(&self, written_by: &ObjId) -> Option<ChangeHash> {
        self.doc.automerge().hash_for_opid(written_by).map(|hash| hash_from_automerge(&hash))
    }
}

/// Returns a field's value as text: a title, a status name, a user id, milliseconds, or empty for none.
pub(super) fn text_of(held: &Held) -> String {
    use automerge::ScalarValue;
    match held {
        Held::Scalar(ScalarValue::Str(text)) => text.to_string(),
        Held::Scalar(ScalarValue::Timestamp(at)) => at.to_string(),
        Held::Scalar(ScalarValue::Bytes(id)) => {
            UserId::from_slice(id).map(|user| user.to_string()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn link_of(key: &str) -> Option<TicketId> {
    key.strip_prefix(key::LINK_PREFIX)?.parse().ok()
}

fn str_value<'a>(value: &'a ValueRef<'_>) -> Option<&'a str> {
    match value {
        ValueRef::Scalar(ScalarValueRef::Str(text)) => Some(text),
        _ => None,
    }
}

fn bytes_value<'a>(value: &'a ValueRef<'_>) -> Option<&'a [u8]> {
    match value {
        ValueRef::Scalar(ScalarValueRef::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}

fn time_value(value: &ValueRef<'_>) -> Option<UnixMillis> {
    match value {
        ValueRef::Scalar(ScalarValueRef::Timestamp(at)) => schema::millis_from_timestamp(*at),
        _ => None,
    }
}
