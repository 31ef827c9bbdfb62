//! From the operations of a change back to the edits that they say.
//!
//! Reading is lenient on purpose: it takes out what an edit needs and skips what that edit writes beside it.
//! What was read is then composed again and must give the same operations, so nothing can hide in what was
//! skipped: operations that no edit writes, too many or too few of them, or in another order.

use std::collections::BTreeMap;

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, ScalarValue};

use crate::comment::Attachment;
use crate::doc::{Root, View};
use crate::edit::{Body, Edit, Label, ProjectName, Reason, TextError, Title};
use crate::gate::{RejectCode, Rejection};
use crate::ids::{BlobHash, CommentId, DocId, TicketId, UserId};
use crate::schema::{self, Kind, key};
use crate::ticket::Field;

/// Reads a change's operations as edits.
pub(crate) struct EditReader<'a> {
    doc: DocId,
    /// The document's, or what this change makes of it if it is the first.
    root: Option<Root>,
    view: View<'a>,
    actor: ActorId,
    start_op: u64,
    ops: &'a [Op],
    next: usize,
    /// Comments and notes made by this change, which the view does not know.
    new_comments: BTreeMap<u64, CommentId>,
}

impl<'a> EditReader<'a> {
    pub(crate) fn new(
        doc: DocId,
        root: Option<Root>,
        view: View<'a>,
        actor: ActorId,
        start_op: u64,
        ops: &'a [Op],
    ) -> Self {
        Self { doc, root, view, actor, start_op, ops, next: 0, new_comments: BTreeMap::new() }
    }

    /// Reads all of them.
    pub(crate) fn read(mut self) -> Result<Vec<Edit>, Rejection> {
        let mut edits = Vec::new();
        while self.next < self.ops.len() {
            let edit = self.read_edit()?;
            edits.push(edit);
        }
        Ok(edits)
    }

    fn read_edit(&mut self) -> Result<Edit, Rejection> {
        let (op, id) = self.take().ok_or_else(not_an_edit)?;
        let name = key_of(op)?;
        if op.obj == ObjectId::Root {
            return match (name, Kind::of(self.doc)) {
                (key::VERSION, Kind::Ticket) => self.read_create_ticket(),
                (key::VERSION, Kind::Project) => self.read_create_project(),
                (key::PROJECT_NAME, Kind::Project) => Ok(Edit::SetProjectName(project_name(op)?)),
                (_, Kind::Ticket) => field_edit(name, op),
                (_, Kind::Notes) if name.parse::<CommentId>().is_ok() => self.read_add_note(name, id),
                _ => Err(not_an_edit()),
            };
        }
        match &self.root {
            Some(Root::Ticket { labels, .. }) if *labels == op.obj => label_edit(name, op),
            Some(Root::Ticket { comments, .. }) if *comments == op.obj => self.read_add_comment(name, id),
            Some(Root::Ticket { comments, .. }) => {
                let id = self.comment_id(comments, &op.obj)?;
                match self.read_change_of_text(name, op)? {
                    Some(body) => Ok(Edit::EditComment { id, body }),
                    None => Ok(Edit::DeleteComment(id)),
                }
            }
            Some(Root::Notes) => {
                let id = self.comment_id(&ObjectId::Root, &op.obj)?;
                match self.read_change_of_text(name, op)? {
                    Some(body) => Ok(Edit::EditNote { id, body }),
                    None => Ok(Edit::DeleteNote(id)),
                }
            }
            Some(Root::Project { labels, .. }) if *labels == op.obj => catalogue_edit(name, op),
            Some(Root::Project { .. }) => canned_reply_edit(name, op),
            None => Err(not_an_edit()),
        }
    }

    fn read_create_ticket(&mut self) -> Result<Edit, Rejection> {
        let root = ObjectId::Root;
        self.skip(&root, &[key::KIND, key::ID]);
        let requester = user(self.part(&root, key::REQUESTER)?.0)?;
        self.skip(&root, &[key::CREATED_AT]);
        let title = Title::parse(string(self.part(&root, key::TITLE)?.0)?)?;
        let body = Body::parse(string(self.part(&root, key::BODY)?.0)?)?;
        self.skip(&root, &[key::STATUS]);
        let labels = ObjectId::Id(self.part(&root, key::LABELS)?.1);
        let comments = ObjectId::Id(self.part(&root, key::COMMENTS)?.1);
        self.root.get_or_insert(Root::Ticket { requester, labels, comments });
        Ok(Edit::CreateTicket { requester, title, body })
    }

    fn read_create_project(&mut self) -> Result<Edit, Rejection> {
        let root = ObjectId::Root;
        self.skip(&root, &[key::KIND, key::CREATED_AT]);
        let name = project_name(self.part(&root, key::PROJECT_NAME)?.0)?;
        let labels = ObjectId::Id(self.part(&root, key::LABELS)?.1);
        let canned_replies = ObjectId::Id(self.part(&root, key::CANNED_REPLIES)?.1);
        self.root.get_or_insert(Root::Project { labels, canned_replies });
        Ok(Edit::CreateProject(name))
    }

    fn read_add_comment(&mut self, name: &str, made_by: OpId) -> Result<Edit, Rejection> {
        let Written { id, body, reply_to, attachments } = self.read_written(name, made_by)?;
        Ok(Edit::AddComment { id, body, reply_to, attachments })
    }

    fn read_add_note(&mut self, name: &str, made_by: OpId) -> Result<Edit, Rejection> {
        let Written { id, body, reply_to, attachments } = self.read_written(name, made_by)?;
        Ok(Edit::AddNote { id, body, reply_to, attachments })
    }

    fn read_written(&mut self, name: &str, made_by: OpId) -> Result<Written, Rejection> {
        let id: CommentId = name.parse().map_err(|_| bad_value("a comment's key is no comment id"))?;
        self.new_comments.insert(made_by.counter(), id);
        let comment = ObjectId::Id(made_by);
        self.skip(&comment, &[key::AUTHOR, key::CREATED_AT]);
        let body = Body::parse(string(self.part(&comment, key::BODY)?.0)?)?;
        let mut reply_to = None;
        if let Ok((op, _)) = self.part(&comment, key::REPLY_TO) {
            let parent = CommentId::from_slice(bytes(op)?);
            reply_to = Some(parent.ok_or_else(|| bad_value("reply_to is no comment id"))?);
        }
        let attachments = match self.part(&comment, key::FILES) {
            Ok((_, files)) => self.read_files(&ObjectId::Id(files))?,
            Err(_) => Vec::new(),
        };
        Ok(Written { id, body, reply_to, attachments })
    }

    fn read_files(&mut self, files: &ObjectId) -> Result<Vec<Attachment>, Rejection> {
        let mut attachments = Vec::new();
        while let Some((op, made_by)) = self.take_if(|op| op.obj == *files) {
            let blob = key_of(op)?.parse::<BlobHash>().map_err(|_| bad_value("a file's key is no hash"))?;
            let file = ObjectId::Id(made_by);
            let name = string(self.part(&file, key::FILE_NAME)?.0)?.to_owned();
            let size_bytes = size(self.part(&file, key::FILE_SIZE)?.0)?;
            let media_type = string(self.part(&file, key::FILE_TYPE)?.0)?.to_owned();
            attachments.push(Attachment { blob, name, size_bytes, media_type });
        }
        Ok(attachments)
    }

    /// Reads what is done to a comment or note: its new text, or nothing if it is struck.
    fn read_change_of_text(&mut self, name: &str, op: &Op) -> Result<Option<Body>, Rejection> {
        match name {
            key::BODY => {
                let body = Body::parse(string(op)?)?;
                self.skip(&op.obj, &[key::EDITED_AT]);
                Ok(Some(body))
            }
            key::DELETED => Ok(None),
            _ => Err(not_an_edit()),
        }
    }

    /// Finds which comment, or note, an object is. That the author saw it is checked when the edit is composed again.
    fn comment_id(&self, comments: &ObjectId, obj: &ObjectId) -> Result<CommentId, Rejection> {
        let ObjectId::Id(made_by) = obj else { return Err(not_an_edit()) };
        let is_new = *made_by.actor() == self.actor && made_by.counter() >= self.start_op;
        if is_new {
            return self.new_comments.get(&made_by.counter()).copied().ok_or_else(not_an_edit);
        }
        let (parent, name) = self.view.place_of(made_by).ok_or_else(no_such_object)?;
        match name.parse() {
            Ok(id) if parent == *comments => Ok(id),
            _ => Err(not_an_edit()),
        }
    }

    /// Takes the next operation, with its id.
    fn take(&mut self) -> Option<(&'a Op, OpId)> {
        let op = self.ops.get(self.next)?;
        let id = OpId(self.start_op + self.next as u64, self.actor.clone());
        self.next += 1;
        Some((op, id))
    }

    /// Takes the next operation if it writes this key of this object.
    fn part(&mut self, obj: &ObjectId, name: &str) -> Result<(&'a Op, OpId), Rejection> {
        let is_part = |op: &Op| op.obj == *obj && matches!(key_of(op), Ok(key) if key == name);
        self.take_if(is_part).ok_or_else(not_an_edit)
    }

    /// Passes over what composing writes of its own accord, and will compare.
    fn skip(&mut self, obj: &ObjectId, names: &[&str]) {
        for name in names {
            self.part(obj, name).ok();
        }
    }

    fn take_if(&mut self, belongs: impl Fn(&Op) -> bool) -> Option<(&'a Op, OpId)> {
        if self.ops.get(self.next).is_some_and(belongs) { self.take() } else { None }
    }
}

/// What makes a comment or a note.
struct Written {
    id: CommentId,
    body: Body,
    reply_to: Option<CommentId>,
    attachments: Vec<Attachment>,
}

fn field_edit(name: &str, op: &Op) -> Result<Edit, Rejection> {
    let is_none = matches!(op.action, OpType::Put(ScalarValue::Null));
    if name == Field::Title.as_str() {
        Ok(Edit::SetTitle(Title::parse(string(op)?)?))
    } else if name == Field::Body.as_str() {
        Ok(Edit::SetBody(Body::parse(string(op)?)?))
    } else if name == Field::Status.as_str() {
        Ok(Edit::SetStatus(string(op)?.parse().map_err(|_| bad_value("no such status"))?))
    } else if name == Field::Assignee.as_str() {
        Ok(Edit::SetAssignee(if is_none { None } else { Some(user(op)?) }))
    } else if name == Field::Priority.as_str() {
        let priority = || string(op)?.parse().map_err(|_| bad_value("no such priority"));
        Ok(Edit::SetPriority(if is_none { None } else { Some(priority()?) }))
    } else if name == Field::SnoozedUntil.as_str() {
        let until = || match op.action {
            OpType::Put(ScalarValue::Timestamp(at)) => schema::millis_from_timestamp(at),
            _ => None,
        };
        let bad_time = || bad_value("no time within bounds");
        Ok(Edit::SetSnoozedUntil(if is_none { None } else { Some(until().ok_or_else(bad_time)?) }))
    } else if name == Field::CloseReason.as_str() {
        Ok(Edit::SetCloseReason(if is_none { None } else { Some(Reason::parse(string(op)?)?) }))
    } else if name == Field::MergedInto.as_str() {
        let other = || TicketId::from_slice(bytes(op)?).ok_or_else(|| bad_value("a ticket id was expected"));
        Ok(Edit::SetMergedInto(if is_none { None } else { Some(other()?) }))
    } else if let Some(other) = name.strip_prefix(key::LINK_PREFIX) {
        link_edit(other, op)
    } else {
        Err(not_an_edit())
    }
}

fn link_edit(other: &str, op: &Op) -> Result<Edit, Rejection> {
    let other = other.parse::<TicketId>().map_err(|_| bad_value("a link's key has no ticket id"))?;
    match op.action {
        OpType::Delete => Ok(Edit::RemoveLink(other)),
        _ => Ok(Edit::AddLink(other)),
    }
}

fn label_edit(name: &str, op: &Op) -> Result<Edit, Rejection> {
    let label = Label::parse(name)?;
    match op.action {
        OpType::Delete => Ok(Edit::RemoveLabel(label)),
        _ => Ok(Edit::AddLabel(label)),
    }
}

fn catalogue_edit(name: &str, op: &Op) -> Result<Edit, Rejection> {
    let label = Label::parse(name)?;
    match op.action {
        OpType::Delete => Ok(Edit::RetireLabel(label)),
        _ => Ok(Edit::DefineLabel { label, description: Body::parse(string(op)?)? }),
    }
}

fn canned_reply_edit(name: &str, op: &Op) -> Result<Edit, Rejection> {
    let name = Label::parse(name)?;
    match op.action {
        OpType::Delete => Ok(Edit::RetireCannedReply(name)),
        _ => Ok(Edit::DefineCannedReply { name, body: Body::parse(string(op)?)? }),
    }
}

fn project_name(op: &Op) -> Result<ProjectName, Rejection> {
    Ok(ProjectName::parse(string(op)?)?)
}

fn key_of(op: &Op) -> Result<&str, Rejection> {
    match &op.key {
        Key::Map(name) => Ok(name),
        Key::Seq(_) => Err(not_an_edit()),
    }
}

fn string(op: &Op) -> Result<&str, Rejection> {
    match &op.action {
        OpType::Put(ScalarValue::Str(text)) => Ok(text),
        _ => Err(bad_value("a text was expected")),
    }
}

fn bytes(op: &Op) -> Result<&[u8], Rejection> {
    match &op.action {
        OpType::Put(ScalarValue::Bytes(bytes)) => Ok(bytes),
        _ => Err(bad_value("an id was expected")),
    }
}

fn size(op: &Op) -> Result<u64, Rejection> {
    match op.action {
        OpType::Put(ScalarValue::Uint(size)) => Ok(size),
        _ => Err(bad_value("a size was expected")),
    }
}

fn user(op: &Op) -> Result<UserId, Rejection> {
    UserId::from_slice(bytes(op)?).ok_or_else(|| bad_value("a user id was expected"))
}

fn not_an_edit() -> Rejection {
    Rejection { code: RejectCode::NotAnEdit, detail: "the operations are not those of any edit".to_owned() }
}

fn no_such_object() -> Rejection {
    Rejection { code: RejectCode::NoSuchTarget, detail: "an operation names what is not there".to_owned() }
}

fn bad_value(detail: &str) -> Rejection {
    Rejection { code: RejectCode::BadValue, detail: detail.to_owned() }
}

impl From<TextError> for Rejection {
    fn from(error: TextError) -> Self {
        bad_value(&error.to_string())
    }
}
