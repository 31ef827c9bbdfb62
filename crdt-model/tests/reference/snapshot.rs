//! What people see of the reference's document: a ticket, to be compared with the real one.

use std::collections::BTreeSet;

use assist_crdt_model::{
    Attachment, BlobHash, Body, ChangeHash, Comment, CommentId, Conflict, ConflictValue, Field, Label,
    Reason, Ticket, TicketId, UnixMillis, UserId,
};

use super::model::{Model, Obj, OpKey, Root, Val};
use super::pen::text_of;

/// The whole ticket; `hashes` are those of the document's changes by number.
pub(crate) fn ticket(model: &Model, id: [u8; 16], hashes: &[ChangeHash]) -> Option<Ticket> {
    let root = model.root()?;
    let reader = Reader { model, hashes };
    let top = |key: &str| reader.winner(&Obj::Root, key);
    let labels = model.keys(model.all(), &root.labels);
    Some(Ticket {
        id: TicketId::from_bytes(id),
        requester: UserId::from_bytes(root.requester),
        created_at: millis(top("created_at")?)?,
        title: text(top("title")?)?,
        body: text(top("body")?)?,
        status: text(top("status")?)?.parse().ok()?,
        assignee: top("assignee").and_then(user),
        priority: top("priority").and_then(text).and_then(|name| name.parse().ok()),
        snoozed_until: reader.snoozed_until(root),
        close_reason: top("close_reason")
            .and_then(text)
            .map(|text| Reason::parse(&text).unwrap())
            .filter(|_| top("status").and_then(text).as_deref() == Some("closed")),
        merged_into: top("merged_into").and_then(ticket_id),
        links: reader.links(),
        labels: labels.iter().map(|label| Label::parse(label).unwrap()).collect(),
        comments: reader.comments(&root.comments),
        conflicts: FIELDS.into_iter().filter_map(|field| reader.conflict(field)).collect(),
    })
}

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

struct Reader<'a> {
    model: &'a Model,
    hashes: &'a [ChangeHash],
}

impl Reader<'_> {
    fn held(&self, obj: &Obj, key: &str) -> Vec<(OpKey, Val, usize)> {
        self.model.register(self.model.all(), obj, key)
    }

    fn winner(&self, obj: &Obj, key: &str) -> Option<Val> {
        self.held(obj, key).pop().map(|(_, val, _)| val)
    }

    /// The requester wakes a ticket by whatever they wrote that its snoozing did not see.
    fn snoozed_until(&self, root: &Root) -> Option<UnixMillis> {
        let (_, until, snoozing) = self.held(&Obj::Root, "snoozed_until").pop()?;
        let seen = self.model.past_of([snoozing]);
        let keys = self.model.keys(self.model.all(), &root.comments);
        let is_awake = keys.iter().any(|key| {
            let (made_by, _, change) = self.held(&root.comments, key).pop().unwrap();
            let author = self.winner(&Obj::Made(made_by), "author");
            author == Some(Val::Bytes(root.requester.to_vec())) && seen & (1 << change) == 0
        });
        millis(until).filter(|_| !is_awake)
    }

    fn links(&self) -> BTreeSet<TicketId> {
        let keys = self.model.keys(self.model.all(), &Obj::Root);
        keys.iter().filter_map(|key| key.strip_prefix("link:")?.parse().ok()).collect()
    }

    fn conflict(&self, field: Field) -> Option<Conflict> {
        let held = self.held(&Obj::Root, field.as_str());
        let value = |(_, val, change): (OpKey, Val, usize)| ConflictValue {
            text: shown(val),
            change: self.hashes[change],
        };
        let values: Vec<ConflictValue> = held.into_iter().rev().map(value).collect();
        let differs = values.iter().any(|value| value.text != values[0].text);
        differs.then_some(Conflict { field, values })
    }

    fn comments(&self, comments: &Obj) -> Vec<Comment> {
        let keys = self.model.keys(self.model.all(), comments);
        let mut found: Vec<(OpKey, Comment)> = keys
            .iter()
            .map(|key| {
                let (made_by, _, change) = self.held(comments, key).pop().unwrap();
                (made_by, self.comment(key, &Obj::Made(made_by), change))
            })
            .collect();
        found.sort_by_key(|(made_by, _)| *made_by);
        found.into_iter().map(|(_, comment)| comment).collect()
    }

    fn comment(&self, key: &str, obj: &Obj, change: usize) -> Comment {
        let is_deleted = self.winner(obj, "deleted").is_some();
        let mut bodies: Vec<String> =
            self.held(obj, "body").into_iter().rev().filter_map(|(_, val, _)| text(val)).collect();
        let body = if is_deleted { String::new() } else { bodies[0].clone() };
        bodies.retain(|text| !is_deleted && *text != body);
        Comment {
            id: key.parse::<CommentId>().unwrap(),
            author: self.winner(obj, "author").and_then(user).unwrap(),
            created_at: self.winner(obj, "created_at").and_then(millis).unwrap(),
            body,
            reply_to: self.winner(obj, "reply_to").and_then(|val| match val {
                Val::Bytes(id) => CommentId::from_slice(&id),
                _ => None,
            }),
            edited_at: self.winner(obj, "edited_at").and_then(millis),
            is_deleted,
            attachments: if is_deleted { Vec::new() } else { self.attachments(obj) },
            losing_bodies: bodies.into_iter().map(|text| Body::parse(text).unwrap()).collect(),
            change: self.hashes[change],
        }
    }

    fn attachments(&self, comment: &Obj) -> Vec<Attachment> {
        let Some((files, ..)) = self.held(comment, "files").pop() else { return Vec::new() };
        let files = Obj::Made(files);
        let mut attachments = Vec::new();
        for key in self.model.keys(self.model.all(), &files) {
            let (file, ..) = self.held(&files, &key).pop().unwrap();
            let part = |name: &str| self.winner(&Obj::Made(file), name);
            attachments.push(Attachment {
                blob: key.parse::<BlobHash>().unwrap(),
                name: part("name").and_then(text).unwrap(),
                size_bytes: match part("size") {
                    Some(Val::Uint(size)) => size,
                    other => panic!("a file has a size, not {other:?}"),
                },
                media_type: part("type").and_then(text).unwrap(),
            });
        }
        attachments
    }
}

fn shown(val: Val) -> String {
    match val {
        Val::Text(text) => text,
        Val::Time(at) => at.to_string(),
        Val::Bytes(id) => text_of(&id),
        _ => String::new(),
    }
}

fn text(val: Val) -> Option<String> {
    if let Val::Text(text) = val { Some(text) } else { None }
}

fn ticket_id(val: Val) -> Option<TicketId> {
    if let Val::Bytes(id) = val { TicketId::from_slice(&id) } else { None }
}

fn user(val: Val) -> Option<UserId> {
    if let Val::Bytes(id) = val { UserId::from_slice(&id) } else { None }
}

fn millis(val: Val) -> Option<UnixMillis> {
    if let Val::Time(at) = val { u64::try_from(at).ok().map(UnixMillis) } else { None }
}
