//! From edits to the operations of one change: the only place that knows how an edit is written.
//!
//! The gate uses it too: a foreign change is read back into edits, the edits are composed again for the same
//! author on what that author saw, and the result must be the same operations. So what an honest device makes
//! is what the gate lets in, by construction, and all rules and limits are checked here once.
//!
//! Every check reads only what the author saw (the change's causal past), so the verdict is the same on every
//! device. The one exception: a comment id must be new in the present document as well.

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, ObjType, ScalarValue};

use crate::actor::Author;
use crate::comment::Attachment;
use crate::doc::root::Root;
use crate::doc::view::{Held, Slot, View};
use crate::edit::{Body, Edit};
use crate::gate::role_rules::{self, Facts};
use crate::ids::{CommentId, DocId, TicketId, UnixMillis, UserId};
use crate::limits;
use crate::schema::{self, Kind, key};
use crate::ticket::{Field, Status};

/// Why an edit cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// All edits only say what is so already.
    #[error("nothing would change")]
    NothingToDo,
    /// The role rules do not allow it.
    #[error("only {holders} may {deed}")]
    NotAllowed {
        /// Who may.
        holders: &'static str,
        /// Do what.
        deed: &'static str,
    },
    /// A ticket's edit on a project, or the like.
    #[error("this document is of another kind: one cannot {deed} here")]
    WrongKind {
        /// What was tried.
        deed: &'static str,
    },
    /// The document has no first change yet.
    #[error("the document is empty: its first edit must create it")]
    NotCreated,
    /// The document was created before.
    #[error("the document is there already")]
    AlreadyCreated,
    /// No such comment or note, or it is deleted.
    #[error("there is no comment or note {0}")]
    NoSuchComment(CommentId),
    /// The comment's id is taken.
    #[error("there is a comment {0} already")]
    CommentExists(CommentId),
    /// A ticket is linked with or merged into itself.
    #[error("a ticket has nothing to do with itself")]
    WithItself,
    /// A text that must say something is blank.
    #[error("the text is empty")]
    Blank,
    /// A count is at its limit.
    #[error("at most {count_max} {what} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        count_max: usize,
    },
    /// An attachment's name or type is empty, too long or looks like a path, or one blob is named twice.
    #[error("the attachment {name:?} cannot be used: {reason}")]
    BadAttachment {
        /// Its name, cut.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A time is beyond [`limits::VALUE_TIMES_MAX`].
    #[error("the time {0:?} is out of bounds")]
    BadTime(UnixMillis),
    /// All edits together do not fit one change.
    #[error("the edits are too large for one change: {reason}")]
    TooLarge {
        /// Which limit.
        reason: String,
    },
    /// Automerge failed on the change; it was thrown away.
    #[error("the change could not be applied: {reason}")]
    ApplyFailed {
        /// What Automerge said.
        reason: String,
    },
}

/// Who composes, on what, when.
pub(crate) struct Composer<'a> {
    doc: DocId,
    /// The first change's facts: those of the document, or of this change if it is the first.
    root: Option<Root>,
    view: View<'a>,
    author: &'a Author,
    actor: ActorId,
    now: i64,
    start_op: u64,
    ops: Vec<Op>,
}

/// Which of the containers that the first change made.
type Container = fn(&Root) -> Option<&ObjectId>;

/// A map of texts, each by one author: comments or notes.
struct Texts {
    container: Container,
    what: &'static str,
    count_max: usize,
}

const COMMENTS: Texts =
    Texts { container: Root::comments, what: "comments", count_max: limits::COMMENTS_PER_TICKET_MAX };
const NOTES: Texts = Texts { container: Root::notes, what: "notes", count_max: limits::NOTES_PER_TICKET_MAX };

/// Keys of a ticket's root beside its links: eight fields and two containers from the start, five that come later.
const TICKET_FIELDS: usize = 15;

fn link_key(other: TicketId) -> String {
    format!("{}{other}", key::LINK_PREFIX)
}

/// What edits come to.
pub(crate) struct Composed {
    pub(crate) ops: Vec<Op>,
    /// The document's, once these operations are in it.
    pub(crate) root: Root,
}

impl<'a> Composer<'a> {
    /// Starts a change by `author` at `now` whose first operation has the counter `start_op`.
    pub(crate) fn new(
        doc: DocId,
        root: Option<Root>,
        view: View<'a>,
        author: &'a Author,
        now: UnixMillis,
        start_op: u64,
    ) -> Result<Self, EditError> {
        let actor = ActorId::from(author.actor.as_bytes());
        let now = schema::timestamp_from_millis(now).ok_or(EditError::BadTime(now))?;
        Ok(Self { doc, root, view, author, actor, now, start_op, ops: Vec::new() })
    }

    /// Writes the edits in order. An edit that only says what is so already writes nothing.
    pub(crate) fn compose(mut self, edits: &[Edit]) -> Result<Composed, EditError> {
        for edit in edits {
            self.check_kind(edit)?;
            self.check_right(edit)?;
            self.write(edit)?;
            if self.ops.len() as u64 > limits::OPS_PER_CHANGE_MAX {
                let reason = format!("at most {} operations", limits::OPS_PER_CHANGE_MAX);
                return Err(EditError::TooLarge { reason });
            }
        }
        match self.root {
            Some(root) if !self.ops.is_empty() => Ok(Composed { ops: self.ops, root }),
            _ => Err(EditError::NothingToDo),
        }
    }

    fn check_kind(&self, edit: &Edit) -> Result<(), EditError> {
        let is_creation = matches!(edit, Edit::CreateTicket { .. } | Edit::CreateProject(_));
        if kind_of(edit) != Kind::of(self.doc) {
            return Err(EditError::WrongKind { deed: role_rules::deed(edit) });
        }
        match (is_creation, &self.root) {
            (true, Some(_)) => Err(EditError::AlreadyCreated),
            (false, None) => Err(EditError::NotCreated),
            _ => Ok(()),
        }
    }

    fn check_right(&self, edit: &Edit) -> Result<(), EditError> {
        let requester = match (edit, &self.root) {
            (Edit::CreateTicket { requester, .. }, _) => Some(*requester),
            (_, Some(Root::Ticket { requester, .. })) => Some(*requester),
            _ => None,
        };
        let comment_author = match edit {
            Edit::EditComment { id, .. } | Edit::DeleteComment(id) => {
                Some(self.live_comment(Root::comments, id)?.1)
            }
            Edit::EditNote { id, .. } | Edit::DeleteNote(id) => Some(self.live_comment(Root::notes, id)?.1),
            _ => None,
        };
        let right = role_rules::right_to(edit);
        if right.is_held(self.author, &Facts { requester, comment_author }) {
            return Ok(());
        }
        Err(EditError::NotAllowed { holders: right.holders(), deed: role_rules::deed(edit) })
    }

    fn write(&mut self, edit: &Edit) -> Result<(), EditError> {
        match edit {
            Edit::CreateTicket { requester, title, body } => {
                self.create_ticket(requester, title.as_str(), body);
                Ok(())
            }
            Edit::SetTitle(title) => self.set_field(Field::Title, title.as_str().into()),
            Edit::SetBody(body) => self.set_field(Field::Body, body.as_str().into()),
            Edit::SetStatus(status) => self.set_field(Field::Status, status.as_str().into()),
            Edit::SetAssignee(user) => self.set_field(Field::Assignee, user.map_or(ScalarValue::Null, bytes)),
            Edit::SetPriority(priority) => {
                self.set_field(Field::Priority, priority.map_or(ScalarValue::Null, |it| it.as_str().into()))
            }
            Edit::SetSnoozedUntil(until) => {
                let until = until.map(timestamp).transpose()?;
                self.set_field(Field::SnoozedUntil, until.unwrap_or(ScalarValue::Null))
            }
            Edit::SetCloseReason(reason) => {
                let reason = reason.as_ref().map_or(ScalarValue::Null, |reason| reason.as_str().into());
                self.set_field(Field::CloseReason, reason)
            }
            Edit::SetMergedInto(other) => {
                other.map_or(Ok(()), |other| self.check_is_other(other))?;
                self.set_field(Field::MergedInto, other.map_or(ScalarValue::Null, bytes))
            }
            Edit::AddLink(other) => self.add_link(*other),
            Edit::RemoveLink(other) => self.remove_key(&ObjectId::Root, &link_key(*other)),
            Edit::AddLabel(label) => self.add_label(label.as_str()),
            Edit::RemoveLabel(label) => self.remove(Root::labels, label.as_str()),
            Edit::AddComment { id, body, reply_to, attachments } => {
                self.add_comment(&COMMENTS, id, body, reply_to.as_ref(), attachments)
            }
            Edit::EditComment { id, body } => self.edit_comment(Root::comments, id, body),
            Edit::DeleteComment(id) => self.delete_comment(Root::comments, id),
            Edit::AddNote { id, body, reply_to, attachments } => {
                self.add_comment(&NOTES, id, body, reply_to.as_ref(), attachments)
            }
            Edit::EditNote { id, body } => self.edit_comment(Root::notes, id, body),
            Edit::DeleteNote(id) => self.delete_comment(Root::notes, id),
            Edit::CreateProject(name) => {
                self.create_project(name.as_str());
                Ok(())
            }
            Edit::SetProjectName(name) => {
                self.set(&ObjectId::Root, key::PROJECT_NAME, name.as_str().into());
                Ok(())
            }
            Edit::DefineLabel { label, description } => {
                self.define(Root::labels, label.as_str(), description.as_str())
            }
            Edit::RetireLabel(label) => self.remove(Root::labels, label.as_str()),
            Edit::DefineCannedReply { name, body } => {
                check_not_blank(body)?;
                self.define(Root::canned_replies, name.as_str(), body.as_str())
            }
            Edit::RetireCannedReply(name) => self.remove(Root::canned_replies, name.as_str()),
        }
    }

    fn create_ticket(&mut self, requester: &UserId, title: &str, body: &Body) {
        let Some(id) = self.doc.ticket() else { return };
        let root = ObjectId::Root;
        self.put(&root, key::VERSION, ScalarValue::Uint(schema::VERSION));
        self.put(&root, key::KIND, schema::KIND_TICKET.into());
        self.put(&root, key::ID, bytes(id));
        self.put(&root, key::REQUESTER, bytes(*requester));
        self.put(&root, key::CREATED_AT, ScalarValue::Timestamp(self.now));
        self.put(&root, key::TITLE, title.into());
        self.put(&root, key::BODY, body.as_str().into());
        self.put(&root, key::STATUS, Status::Open.as_str().into());
        let labels = self.make(&root, key::LABELS);
        let comments = self.make(&root, key::COMMENTS);
        self.root = Some(Root::Ticket { requester: *requester, labels, comments });
    }

    fn create_project(&mut self, name: &str) {
        let root = ObjectId::Root;
        self.put(&root, key::VERSION, ScalarValue::Uint(schema::VERSION));
        self.put(&root, key::KIND, schema::KIND_PROJECT.into());
        self.put(&root, key::CREATED_AT, ScalarValue::Timestamp(self.now));
        self.put(&root, key::PROJECT_NAME, name.into());
        let labels = self.make(&root, key::LABELS);
        let canned_replies = self.make(&root, key::CANNED_REPLIES);
        self.root = Some(Root::Project { labels, canned_replies });
    }

    fn set_field(&mut self, field: Field, value: ScalarValue) -> Result<(), EditError> {
        // A field that was never written reads as none: writing none would say nothing new.
        let is_unwritten = || self.slot(&ObjectId::Root, field.as_str()).is_empty();
        if value == ScalarValue::Null && is_unwritten() {
            return Ok(());
        }
        self.set(&ObjectId::Root, field.as_str(), value);
        Ok(())
    }

    fn add_label(&mut self, label: &str) -> Result<(), EditError> {
        let labels = self.container(Root::labels)?;
        if !self.slot(&labels, label).is_empty() {
            return Ok(());
        }
        self.check_room(&labels, "labels", limits::LABELS_PER_TICKET_MAX)?;
        self.put(&labels, label, ScalarValue::Boolean(true));
        Ok(())
    }

    fn define(
        &mut self,
        map: impl Fn(&Root) -> Option<&ObjectId>,
        name: &str,
        text: &str,
    ) -> Result<(), EditError> {
        let map = self.container(map)?;
        if self.slot(&map, name).is_empty() {
            self.check_room(&map, "entries", limits::CATALOGUE_ENTRIES_MAX)?;
        }
        self.set(&map, name, text.into());
        Ok(())
    }

    fn add_link(&mut self, other: TicketId) -> Result<(), EditError> {
        self.check_is_other(other)?;
        let name = link_key(other);
        if !self.slot(&ObjectId::Root, &name).is_empty() {
            return Ok(());
        }
        // The root has the fields too. One that was never written leaves its room to links.
        let is_new_link = |op: &&Op| matches!(&op.key, Key::Map(key) if key.starts_with(key::LINK_PREFIX));
        let keys = self.view.key_count(&ObjectId::Root) + self.ops.iter().filter(is_new_link).count();
        let count_max = limits::LINKS_PER_TICKET_MAX;
        if keys >= TICKET_FIELDS + count_max {
            return Err(EditError::TooMany { what: "links", count_max });
        }
        self.put(&ObjectId::Root, &name, ScalarValue::Boolean(true));
        Ok(())
    }

    fn check_is_other(&self, other: TicketId) -> Result<(), EditError> {
        if self.doc.ticket() == Some(other) { Err(EditError::WithItself) } else { Ok(()) }
    }

    fn remove(&mut self, map: impl Fn(&Root) -> Option<&ObjectId>, name: &str) -> Result<(), EditError> {
        let map = self.container(map)?;
        self.remove_key(&map, name)
    }

    fn remove_key(&mut self, map: &ObjectId, name: &str) -> Result<(), EditError> {
        let seen = self.slot(map, name);
        // A delete without a predecessor would make Automerge panic later; here it would say nothing anyway.
        if !seen.is_empty() {
            self.push(map, name, OpType::Delete, seen);
        }
        Ok(())
    }

    fn add_comment(
        &mut self,
        texts: &Texts,
        id: &CommentId,
        body: &Body,
        reply_to: Option<&CommentId>,
        attachments: &[Attachment],
    ) -> Result<(), EditError> {
        // A picture may say it all.
        if attachments.is_empty() {
            check_not_blank(body)?;
        }
        check_attachments(attachments)?;
        let comments = self.container(texts.container)?;
        let name = id.to_string();
        if !self.slot(&comments, &name).is_empty() || self.view.is_taken_now(&comments, &name) {
            return Err(EditError::CommentExists(*id));
        }
        if let Some(parent) = reply_to {
            self.comment(texts.container, parent)?;
        }
        self.check_room(&comments, texts.what, texts.count_max)?;

        let comment = self.make(&comments, &name);
        self.put(&comment, key::AUTHOR, bytes(self.author.user));
        self.put(&comment, key::CREATED_AT, ScalarValue::Timestamp(self.now));
        self.put(&comment, key::BODY, body.as_str().into());
        if let Some(parent) = reply_to {
            self.put(&comment, key::REPLY_TO, bytes(*parent));
        }
        if !attachments.is_empty() {
            let files = self.make(&comment, key::FILES);
            for attachment in attachments {
                let file = self.make(&files, &attachment.blob.to_string());
                self.put(&file, key::FILE_NAME, attachment.name.as_str().into());
                self.put(&file, key::FILE_SIZE, ScalarValue::Uint(attachment.size_bytes));
                self.put(&file, key::FILE_TYPE, attachment.media_type.as_str().into());
            }
        }
        Ok(())
    }

    fn edit_comment(&mut self, map: Container, id: &CommentId, body: &Body) -> Result<(), EditError> {
        check_not_blank(body)?;
        let (comment, _) = self.live_comment(map, id)?;
        if self.set(&comment, key::BODY, body.as_str().into()) {
            let seen = self.slot(&comment, key::EDITED_AT);
            self.push(&comment, key::EDITED_AT, OpType::Put(ScalarValue::Timestamp(self.now)), seen);
        }
        Ok(())
    }

    fn delete_comment(&mut self, map: Container, id: &CommentId) -> Result<(), EditError> {
        let (comment, _) = self.live_comment(map, id)?;
        self.set(&comment, key::DELETED, ScalarValue::Boolean(true));
        Ok(())
    }

    /// Finds a comment or note that the author saw, and who wrote it.
    fn comment(&self, map: Container, id: &CommentId) -> Result<(ObjectId, UserId), EditError> {
        let comments = self.container(map)?;
        let found = self.slot(&comments, &id.to_string()).pop().and_then(|(made_by, _)| {
            let comment = ObjectId::Id(made_by);
            let author = match self.slot(&comment, key::AUTHOR).pop()?.1 {
                Held::Scalar(ScalarValue::Bytes(author)) => UserId::from_slice(&author)?,
                _ => return None,
            };
            Some((comment, author))
        });
        found.ok_or(EditError::NoSuchComment(*id))
    }

    /// Finds a comment or note that the author saw and saw no deletion of.
    fn live_comment(&self, map: Container, id: &CommentId) -> Result<(ObjectId, UserId), EditError> {
        let (comment, author) = self.comment(map, id)?;
        if self.slot(&comment, key::DELETED).is_empty() {
            Ok((comment, author))
        } else {
            Err(EditError::NoSuchComment(*id))
        }
    }

    fn container(&self, map: impl Fn(&Root) -> Option<&ObjectId>) -> Result<ObjectId, EditError> {
        self.root.as_ref().and_then(map).cloned().ok_or(EditError::NotCreated)
    }

    fn check_room(&self, map: &ObjectId, what: &'static str, count_max: usize) -> Result<(), EditError> {
        let made_here = self.ops.iter().filter(|op| op.obj == *map && op.action != OpType::Delete).count();
        let there = if self.is_made_here(map) { 0 } else { self.view.key_count(map) };
        if there + made_here < count_max { Ok(()) } else { Err(EditError::TooMany { what, count_max }) }
    }

    /// Writes a value over all that the author saw, which settles a conflict. Writes nothing and returns false
    /// if the key holds that value and no other.
    fn set(&mut self, obj: &ObjectId, name: &str, value: ScalarValue) -> bool {
        let seen = self.slot(obj, name);
        let is_new = |held: &Held| !matches!(held, Held::Scalar(scalar) if *scalar == value);
        if !seen.is_empty() && !seen.iter().any(|(_, held)| is_new(held)) {
            return false;
        }
        self.push(obj, name, OpType::Put(value), seen);
        true
    }

    /// Writes a value under a key that is new.
    fn put(&mut self, obj: &ObjectId, name: &str, value: ScalarValue) {
        self.push(obj, name, OpType::Put(value), Slot::new());
    }

    /// Makes a map under a key that is new.
    fn make(&mut self, obj: &ObjectId, name: &str) -> ObjectId {
        ObjectId::Id(self.push(obj, name, OpType::Make(ObjType::Map), Slot::new()))
    }

    fn push(&mut self, obj: &ObjectId, name: &str, action: OpType, replaces: Slot) -> OpId {
        let id = self.id_of(self.ops.len());
        let pred = replaces.into_iter().map(|(written_by, _)| written_by).collect();
        self.ops.push(Op { action, obj: obj.clone(), key: Key::Map(name.into()), pred, insert: false });
        id
    }

    /// What the author sees under a key: the document, and over it what this change wrote so far.
    fn slot(&self, obj: &ObjectId, name: &str) -> Slot {
        let is_here = |op: &Op| op.obj == *obj && matches!(&op.key, Key::Map(key) if key == name);
        if let Some(index) = self.ops.iter().rposition(is_here) {
            let id = self.id_of(index);
            return match &self.ops[index].action {
                OpType::Put(value) => vec![(id, Held::Scalar(value.clone()))],
                OpType::Make(_) => vec![(id, Held::Map)],
                _ => Slot::new(),
            };
        }
        if self.is_made_here(obj) { Slot::new() } else { self.view.slot(obj, name) }
    }

    fn is_made_here(&self, obj: &ObjectId) -> bool {
        match obj {
            ObjectId::Root => self.start_op == 1,
            ObjectId::Id(OpId(counter, actor)) => *counter >= self.start_op && *actor == self.actor,
        }
    }

    fn id_of(&self, index: usize) -> OpId {
        OpId(self.start_op + index as u64, self.actor.clone())
    }
}

const fn kind_of(edit: &Edit) -> Kind {
    match edit {
        Edit::CreateTicket { .. }
        | Edit::SetTitle(_)
        | Edit::SetBody(_)
        | Edit::SetStatus(_)
        | Edit::SetAssignee(_)
        | Edit::SetPriority(_)
        | Edit::SetSnoozedUntil(_)
        | Edit::SetCloseReason(_)
        | Edit::SetMergedInto(_)
        | Edit::AddLink(_)
        | Edit::RemoveLink(_)
        | Edit::AddLabel(_)
        | Edit::RemoveLabel(_)
        | Edit::AddComment { .. }
        | Edit::EditComment { .. }
        | Edit::DeleteComment(_) => Kind::Ticket,
        Edit::AddNote { .. } | Edit::EditNote { .. } | Edit::DeleteNote(_) => Kind::Notes,
        Edit::CreateProject(_)
        | Edit::SetProjectName(_)
        | Edit::DefineLabel { .. }
        | Edit::RetireLabel(_)
        | Edit::DefineCannedReply { .. }
        | Edit::RetireCannedReply(_) => Kind::Project,
    }
}

fn check_not_blank(body: &Body) -> Result<(), EditError> {
    if body.is_blank() { Err(EditError::Blank) } else { Ok(()) }
}

fn check_attachments(attachments: &[Attachment]) -> Result<(), EditError> {
    let count_max = limits::ATTACHMENTS_PER_COMMENT_MAX;
    if attachments.len() > count_max {
        return Err(EditError::TooMany { what: "attachments", count_max });
    }
    for (index, attachment) in attachments.iter().enumerate() {
        let is_repeated = attachments[..index].iter().any(|earlier| earlier.blob == attachment.blob);
        let reason =
            if is_repeated { Some("the same file is attached twice") } else { attachment_fault(attachment) };
        if let Some(reason) = reason {
            let name = attachment.name.chars().take(limits::ATTACHMENT_NAME_CHARS_MAX).collect();
            return Err(EditError::BadAttachment { name, reason });
        }
    }
    Ok(())
}

fn attachment_fault(attachment: &Attachment) -> Option<&'static str> {
    let name_chars = attachment.name.chars().count();
    let type_chars = attachment.media_type.chars().count();
    if name_chars == 0 || name_chars > limits::ATTACHMENT_NAME_CHARS_MAX {
        Some("a name has 1 to 200 characters")
    } else if attachment.name.contains(|c: char| c == '/' || c == '\\' || c.is_control()) {
        Some("a name is no path and has no control characters")
    } else if type_chars > limits::MEDIA_TYPE_CHARS_MAX {
        Some("a media type has at most 100 characters")
    } else {
        None
    }
}

/// Ids are stored as their bytes.
fn bytes(id: impl Into<Vec<u8>>) -> ScalarValue {
    ScalarValue::Bytes(id.into())
}

fn timestamp(at: UnixMillis) -> Result<ScalarValue, EditError> {
    schema::timestamp_from_millis(at).map(ScalarValue::Timestamp).ok_or(EditError::BadTime(at))
}
