//! Writing intents down as operations, twice: as an honest program does, which refuses what is not allowed, and as a
//! patched one does, which writes whatever it is told.

use assist_crdt_model::{RejectCode, Role, base32};

use super::model::{Model, Obj, OpKey, Past, Root, Val, Write};

/// What somebody wants to change, with values that nobody has checked.
#[derive(Debug, Clone)]
pub(crate) enum Intent {
    Create { requester: [u8; 16], title: String, body: String },
    Title(String),
    Body(String),
    Status(String),
    Assignee(Option<Vec<u8>>),
    Priority(Option<String>),
    Snooze(Option<i64>),
    CloseReason(Option<String>),
    Merge(Option<Vec<u8>>),
    Link(String),
    Unlink(String),
    AddLabel(String),
    RemoveLabel(String),
    Comment { id: [u8; 16], body: String, reply_to: Option<[u8; 16]>, files: Vec<File> },
    EditComment { id: [u8; 16], body: String },
    DeleteComment([u8; 16]),
}

/// An attachment.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) blob: [u8; 32],
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) user: [u8; 16],
    pub(crate) role: Role,
    pub(crate) actor: [u8; 16],
}

/// A change in the making.
#[derive(Clone)]
pub(crate) struct Pen<'a> {
    pub(crate) model: &'a Model,
    pub(crate) past: Past,
    pub(crate) writer: Writer,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    /// What documents of another ticket would say here.
    pub(crate) ticket: [u8; 16],
    pub(crate) root: Option<Root>,
    pub(crate) writes: Vec<Write>,
}

impl<'a> Pen<'a> {
    pub(crate) fn new(
        model: &'a Model,
        past: Past,
        writer: Writer,
        start_op: u64,
        time: i64,
        ticket: [u8; 16],
    ) -> Self {
        Self { model, past, writer, start_op, time, ticket, root: model.root().cloned(), writes: Vec::new() }
    }

    /// What the writer sees, this change included.
    fn seen(&self, obj: &Obj, key: &str) -> Vec<(OpKey, Val)> {
        match self.writes.iter().rposition(|it| it.obj == *obj && it.key == key) {
            Some(at) if self.writes[at].val == Val::Gone => Vec::new(),
            Some(at) => vec![((self.start_op + at as u64, self.writer.actor), self.writes[at].val.clone())],
            None => {
                let held = self.model.register(self.past, obj, key);
                held.into_iter().map(|(id, val, _)| (id, val)).collect()
            }
        }
    }

    fn make(&mut self, obj: &Obj, key: &str) -> Obj {
        self.put(obj, key, Val::Map);
        Obj::Made((self.start_op + self.writes.len() as u64 - 1, self.writer.actor))
    }

    fn put(&mut self, obj: &Obj, key: &str, val: Val) {
        let replaces = self.seen(obj, key).into_iter().map(|(id, _)| id).collect();
        self.writes.push(Write { obj: obj.clone(), key: key.to_owned(), val, replaces });
    }

    /// Writes as a patched program does: whatever it is told.
    pub(crate) fn scribble(&mut self, intent: &Intent) {
        let root = Obj::Root;
        match intent {
            Intent::Create { requester, title, body } => self.create(requester, title, body),
            Intent::Title(title) => self.put(&root, "title", Val::Text(title.clone())),
            Intent::Body(body) => self.put(&root, "body", Val::Text(body.clone())),
            Intent::Status(status) => self.put(&root, "status", Val::Text(status.clone())),
            Intent::Assignee(user) => self.put(&root, "assignee", user.clone().map_or(Val::None, Val::Bytes)),
            Intent::Priority(priority) => {
                self.put(&root, "priority", priority.clone().map_or(Val::None, Val::Text))
            }
            Intent::Snooze(until) => self.put(&root, "snoozed_until", until.map_or(Val::None, Val::Time)),
            Intent::CloseReason(reason) => {
                self.put(&root, "close_reason", reason.clone().map_or(Val::None, Val::Text))
            }
            Intent::Merge(other) => {
                self.put(&root, "merged_into", other.clone().map_or(Val::None, Val::Bytes))
            }
            Intent::Link(other) => self.put(&root, &format!("link:{other}"), Val::True),
            Intent::Unlink(other) => self.put(&root, &format!("link:{other}"), Val::Gone),
            Intent::AddLabel(label) => self.put(&self.labels(), label, Val::True),
            Intent::RemoveLabel(label) => self.put(&self.labels(), label, Val::Gone),
            Intent::Comment { id, body, reply_to, files } => self.comment(id, body, reply_to.as_ref(), files),
            Intent::EditComment { id, body } => {
                let comment = self.find_anywhere(id).unwrap_or(NOWHERE);
                self.put(&comment, "body", Val::Text(body.clone()));
                self.put(&comment, "edited_at", Val::Time(self.time));
            }
            Intent::DeleteComment(id) => {
                let comment = self.find_anywhere(id).unwrap_or(NOWHERE);
                self.put(&comment, "deleted", Val::True);
            }
        }
    }

    /// Writes as an honest program does, or says why it may not.
    pub(crate) fn write(&mut self, intent: &Intent) -> Result<(), RejectCode> {
        let is_creation = matches!(intent, Intent::Create { .. });
        match (is_creation, &self.root) {
            (true, Some(_)) => return Err(RejectCode::AlreadyThere),
            (false, None) => return Err(RejectCode::NotAnEdit),
            _ => {}
        }
        if !self.may(intent)? {
            return Err(RejectCode::NotAllowed);
        }
        match intent {
            Intent::Title(title) => self.set("title", Val::Text(title.trim().to_owned())),
            Intent::Body(body) => self.set("body", Val::Text(body.clone())),
            Intent::Status(status) => self.set("status", Val::Text(status.clone())),
            Intent::Assignee(user) => self.set("assignee", user.clone().map_or(Val::None, Val::Bytes)),
            Intent::Priority(priority) => self.set("priority", priority.clone().map_or(Val::None, Val::Text)),
            Intent::Snooze(until) => self.set("snoozed_until", until.map_or(Val::None, Val::Time)),
            Intent::CloseReason(reason) => {
                let reason = reason.as_ref().map(|reason| reason.trim().to_owned());
                self.set("close_reason", reason.map_or(Val::None, Val::Text));
            }
            Intent::Merge(Some(other)) if *other == self.ticket => return Err(RejectCode::BadValue),
            Intent::Merge(other) => self.set("merged_into", other.clone().map_or(Val::None, Val::Bytes)),
            Intent::Link(other) => return self.link(other),
            Intent::Unlink(other) => {
                if !self.seen(&Obj::Root, &format!("link:{other}")).is_empty() {
                    self.scribble(intent);
                }
            }
            Intent::AddLabel(label) => return self.add_label(label.trim()),
            Intent::RemoveLabel(label) => {
                if !self.seen(&self.labels(), label.trim()).is_empty() {
                    self.put(&self.labels(), label.trim(), Val::Gone);
                }
            }
            Intent::Comment { id, body, reply_to, files } => {
                return self.add_comment(id, body, reply_to.as_ref(), files);
            }
            Intent::EditComment { id, body } => return self.edit_comment(id, body),
            Intent::Create { requester, title, body } => self.create(requester, title.trim(), body),
            Intent::DeleteComment(_) => self.scribble(intent),
        }
        Ok(())
    }

    /// Who may do what.
    fn may(&self, intent: &Intent) -> Result<bool, RejectCode> {
        let requester = match intent {
            Intent::Create { requester, .. } => Some(*requester),
            _ => self.root.as_ref().map(|root| root.requester),
        };
        let is_requester = requester == Some(self.writer.user);
        let is_team = self.writer.role != Role::Customer;
        Ok(match intent {
            Intent::Create { .. } | Intent::Title(_) | Intent::CloseReason(_) => is_requester || is_team,
            Intent::Body(_) => is_requester,
            Intent::Status(status) => match status.as_str() {
                "open" | "closed" => is_requester || is_team,
                _ => is_team,
            },
            Intent::Assignee(_)
            | Intent::Priority(_)
            | Intent::Snooze(_)
            | Intent::Merge(_)
            | Intent::Link(_)
            | Intent::Unlink(_)
            | Intent::AddLabel(_)
            | Intent::RemoveLabel(_) => is_team,
            Intent::Comment { .. } => true,
            Intent::EditComment { id, .. } => self.author_of_living(id)? == self.writer.user,
            Intent::DeleteComment(id) => {
                self.author_of_living(id)? == self.writer.user || self.writer.role == Role::Admin
            }
        })
    }

    fn create(&mut self, requester: &[u8; 16], title: &str, body: &str) {
        let root = Obj::Root;
        self.put(&root, "v", Val::Uint(1));
        self.put(&root, "kind", Val::Text("ticket".to_owned()));
        self.put(&root, "id", Val::Bytes(self.ticket.to_vec()));
        self.put(&root, "requester", Val::Bytes(requester.to_vec()));
        self.put(&root, "created_at", Val::Time(self.time));
        self.put(&root, "title", Val::Text(title.to_owned()));
        self.put(&root, "body", Val::Text(body.to_owned()));
        self.put(&root, "status", Val::Text("open".to_owned()));
        let labels = self.make(&root, "labels");
        let comments = self.make(&root, "comments");
        // A ticket's containers are those of its first change, whatever else somebody writes later.
        self.root.get_or_insert(Root { requester: *requester, labels, comments });
    }

    /// A write that says only what is so already is none; never written is the same as none.
    fn set(&mut self, key: &str, val: Val) {
        let held = self.seen(&Obj::Root, key);
        let is_so_already = match held.as_slice() {
            [] => val == Val::None,
            held => held.iter().all(|(_, held)| *held == val),
        };
        if !is_so_already {
            self.put(&Obj::Root, key, val);
        }
    }

    fn link(&mut self, other: &str) -> Result<(), RejectCode> {
        if other == text_of(&self.ticket) {
            return Err(RejectCode::BadValue);
        }
        let key = format!("link:{other}");
        if self.seen(&Obj::Root, &key).is_empty() {
            self.put(&Obj::Root, &key, Val::True);
        }
        Ok(())
    }

    fn add_label(&mut self, label: &str) -> Result<(), RejectCode> {
        let labels = self.labels();
        if !self.seen(&labels, label).is_empty() {
            return Ok(());
        }
        let there = self.model.keys(self.past, &labels).len();
        let here = self.writes.iter().filter(|it| it.obj == labels && it.val != Val::Gone).count();
        if there + here >= 50 {
            return Err(RejectCode::TooLarge);
        }
        self.put(&labels, label, Val::True);
        Ok(())
    }

    fn comment(&mut self, id: &[u8; 16], body: &str, reply_to: Option<&[u8; 16]>, files: &[File]) {
        let comment = self.make(&self.comments(), &text_of(id));
        self.put(&comment, "author", Val::Bytes(self.writer.user.to_vec()));
        self.put(&comment, "created_at", Val::Time(self.time));
        self.put(&comment, "body", Val::Text(body.to_owned()));
        if let Some(parent) = reply_to {
            self.put(&comment, "reply_to", Val::Bytes(parent.to_vec()));
        }
        if !files.is_empty() {
            let map = self.make(&comment, "files");
            for file in files {
                let entry = self.make(&map, &text_of(&file.blob));
                self.put(&entry, "name", Val::Text(file.name.clone()));
                self.put(&entry, "size", Val::Uint(file.size));
                self.put(&entry, "type", Val::Text("text/plain".to_owned()));
            }
        }
    }

    fn add_comment(
        &mut self,
        id: &[u8; 16],
        body: &str,
        reply_to: Option<&[u8; 16]>,
        files: &[File],
    ) -> Result<(), RejectCode> {
        let is_repeated =
            files.iter().enumerate().any(|(at, file)| files[..at].iter().any(|it| it.blob == file.blob));
        let is_bad_name =
            |file: &File| file.name.is_empty() || file.name.contains(['/', '\\']) || file.name.len() > 200;
        if (body.trim().is_empty() && files.is_empty()) || is_repeated || files.iter().any(is_bad_name) {
            return Err(RejectCode::BadValue);
        }
        // The one thing that is asked of the present: two comments never have one id.
        if self.find_anywhere(id).is_some() {
            return Err(RejectCode::AlreadyThere);
        }
        if reply_to.is_some_and(|parent| self.find(parent).is_none()) {
            return Err(RejectCode::NoSuchTarget);
        }
        self.comment(id, body, reply_to, files);
        Ok(())
    }

    fn edit_comment(&mut self, id: &[u8; 16], body: &str) -> Result<(), RejectCode> {
        if body.trim().is_empty() {
            return Err(RejectCode::BadValue);
        }
        let comment = self.find(id).ok_or(RejectCode::NoSuchTarget)?;
        let held = self.seen(&comment, "body");
        if held.iter().any(|(_, held)| *held != Val::Text(body.to_owned())) {
            self.scribble(&Intent::EditComment { id: *id, body: body.to_owned() });
        }
        Ok(())
    }

    fn author_of_living(&self, id: &[u8; 16]) -> Result<[u8; 16], RejectCode> {
        let comment = self.find(id).ok_or(RejectCode::NoSuchTarget)?;
        if !self.seen(&comment, "deleted").is_empty() {
            return Err(RejectCode::NoSuchTarget);
        }
        match self.seen(&comment, "author").pop() {
            Some((_, Val::Bytes(author))) => Ok(author.try_into().unwrap()),
            other => panic!("a comment has an author, not {other:?}"),
        }
    }

    /// A comment that the writer sees.
    fn find(&self, id: &[u8; 16]) -> Option<Obj> {
        self.root.as_ref()?;
        self.seen(&self.comments(), &text_of(id)).pop().map(|(made_by, _)| Obj::Made(made_by))
    }

    /// A comment that is there, whether the writer sees it or not.
    pub(crate) fn find_anywhere(&self, id: &[u8; 16]) -> Option<Obj> {
        let root = self.root.as_ref()?;
        let unseen = || self.model.register(self.model.all(), &root.comments, &text_of(id)).pop();
        self.find(id).or_else(|| unseen().map(|(made_by, ..)| Obj::Made(made_by)))
    }

    fn labels(&self) -> Obj {
        self.root.as_ref().expect("only a ticket that is there gets labels").labels.clone()
    }

    fn comments(&self) -> Obj {
        self.root.as_ref().expect("only a ticket that is there gets comments").comments.clone()
    }
}

/// What of an intent cannot be read at all, before anybody asks who may do it.
pub(crate) fn unreadable(pen: &Pen<'_>, intent: &Intent) -> Option<RejectCode> {
    let is_line = |text: &str, chars_max: usize| (1..=chars_max).contains(&text.trim().chars().count());
    let is_id = |text: &str| base32().decode(text.as_bytes()).is_ok_and(|id| id.len() == 16);
    let is_readable = match intent {
        Intent::Create { title, .. } | Intent::Title(title) => is_line(title, 80),
        Intent::Status(status) => ["open", "pending", "resolved", "closed"].contains(&status.as_str()),
        Intent::Assignee(Some(user)) => user.len() == 16,
        Intent::Priority(Some(name)) => ["low", "normal", "high", "urgent"].contains(&name.as_str()),
        Intent::Snooze(Some(until)) => (0..=1 << 48).contains(until),
        Intent::CloseReason(Some(reason)) => is_line(reason, 200),
        Intent::Merge(Some(other)) => other.len() == 16,
        Intent::Link(other) | Intent::Unlink(other) => is_id(other),
        Intent::AddLabel(label) | Intent::RemoveLabel(label) => is_line(label, 40),
        Intent::EditComment { id, .. } | Intent::DeleteComment(id) if pen.find_anywhere(id).is_none() => {
            return Some(RejectCode::NoSuchTarget);
        }
        _ => true,
    };
    if is_readable { None } else { Some(RejectCode::BadValue) }
}

/// Ids are keys in their text form.
pub(crate) fn text_of(id: &[u8]) -> String {
    base32().encode(id)
}

/// An object that nobody made.
const NOWHERE: Obj = Obj::Made((77, [0xee; 16]));
