//! The role matrix: every person tries every kind of write on every field, by operations put together by hand as a
//! patched program could. Each cell has one verdict, which a table of its own foretells: nothing here calls the rules
//! that it checks.

use std::fmt;

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType, SortedVec};
use automerge::{ActorId, Automerge, ObjId, ObjType, ReadDoc as _, ScalarValue};

use super::forge;
use crate::fixtures::{
    DOC, admin, admit, agent, body, colleague, comment, comment_id, create, customer, label, log_file,
};
use crate::{
    Author, BlobHash, Doc, DocId, Edit, NewChange, ProjectName, RejectCode, Role, Status, TicketId,
    UnixMillis,
};

const NOW: UnixMillis = UnixMillis(2_000);

/// Where a hand-made operation writes, and what the table has to know of the place.
#[derive(Debug, Clone)]
enum Place {
    /// Written once, or never by any edit.
    Closed,
    Title,
    Report,
    Status,
    Assignee,
    Priority,
    Snooze,
    CloseReason,
    MergedInto,
    /// A link's key; false if no ticket can be meant.
    Link {
        is_id: bool,
    },
    /// A label's key; false if it can be no label.
    Label {
        is_label: bool,
    },
    /// A key among the comments; false if it is no comment's id.
    Comment {
        is_id: bool,
    },
    CommentBody(Comment),
    CommentDeleted(Comment),
    /// An object that is not there; of its maker's next change one cannot tell without reading that.
    Nowhere {
        maker: Option<usize>,
    },
    ProjectName,
    CatalogueLabel {
        is_label: bool,
    },
    CannedReply {
        is_label: bool,
    },
}

/// What there is to know of a comment.
#[derive(Debug, Clone, Copy)]
struct Comment {
    /// The number of who wrote it: from 1 in the order of [`people`].
    writer: usize,
    is_deleted: bool,
}

/// One field: an object and a key.
#[derive(Debug, Clone)]
struct Slot {
    place: Place,
    obj: ObjectId,
    key: String,
}

/// What an operation names as its predecessors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preds {
    Seen,
    None,
    OfAnotherKey,
}

/// Who may, in this table's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Requester,
    RequesterOrTeam,
    Team,
    Writer(usize),
    WriterOrAdmin(usize),
    Admin,
}

fn people() -> [Author; 4] {
    [customer(), colleague(), agent(), admin()]
}

/// Whether the person of this number is among them.
fn is_among(who: Who, number: usize) -> bool {
    let (is_requester, is_team, is_admin) = (number == 1, number >= 3, number == 4);
    match who {
        Who::Requester => is_requester,
        Who::RequesterOrTeam => is_requester || is_team,
        Who::Team => is_team,
        Who::Writer(writer) => number == writer,
        Who::WriterOrAdmin(writer) => number == writer || is_admin,
        Who::Admin => is_admin,
    }
}

/// What is written: all kinds of values, and the other actions.
fn actions() -> Vec<OpType> {
    let texts = ["closed", "pending", "paused", "high", "a new text", "", " padded ", "Hello"];
    let values: [ScalarValue; 8] = [
        ScalarValue::Null,
        ScalarValue::Uint(7),
        ScalarValue::Boolean(true),
        ScalarValue::Bytes(agent().user.as_bytes().to_vec()),
        ScalarValue::Bytes(colleague().user.as_bytes().to_vec()),
        ScalarValue::Bytes(vec![1; 15]),
        ScalarValue::Timestamp(5_000),
        ScalarValue::Timestamp(1 << 60),
    ];
    let mut actions: Vec<OpType> = texts.map(|text| OpType::Put(text.into())).into();
    actions.extend(values.map(OpType::Put));
    actions.extend([OpType::Make(ObjType::Map), OpType::Delete]);
    actions.extend(alien_actions());
    actions
}

/// What no edit of any field writes: refused from the bytes alone.
fn alien_actions() -> Vec<OpType> {
    vec![
        OpType::Put(ScalarValue::Boolean(false)),
        OpType::Put(ScalarValue::Int(-1)),
        OpType::Put(ScalarValue::F64(0.5)),
        OpType::Put(ScalarValue::counter(1)),
        OpType::Make(ObjType::List),
        OpType::Make(ObjType::Text),
        OpType::Make(ObjType::Table),
        OpType::Increment(1),
    ]
}

/// The table: `Ok` if the change is admitted.
fn foretell(number: usize, slot: &Slot, action: &OpType, preds: Preds, held: &[ScalarValue]) -> Verdict {
    if alien_actions().contains(action) {
        return Err(RejectCode::Malformed);
    }
    if let Place::Nowhere { maker } = slot.place {
        let is_ones_own = maker == Some(number);
        return Err(if is_ones_own { RejectCode::NotAnEdit } else { RejectCode::NoSuchTarget });
    }
    let Meaning { who, written, needs_text } = meaning(&slot.place, action)?;
    if let Some(true) = comment_of(&slot.place).map(|comment| comment.is_deleted) {
        return Err(RejectCode::NoSuchTarget);
    }
    if !is_among(who, number) {
        return Err(RejectCode::NotAllowed);
    }
    if needs_text && matches!(&written, OpType::Put(ScalarValue::Str(text)) if text.trim().is_empty()) {
        return Err(RejectCode::BadValue);
    }
    let says_nothing_new = match &written {
        OpType::Put(ScalarValue::Null) if held.is_empty() => true,
        OpType::Put(value) => held.iter().any(|held| held == value),
        _ => held.is_empty(),
    };
    if says_nothing_new {
        return Err(RejectCode::NotAnEdit);
    }
    match (action, &written) {
        (found, wanted) if found == wanted => {}
        (OpType::Put(_), OpType::Put(_)) => return Err(RejectCode::BadValue),
        _ => return Err(RejectCode::NotAnEdit),
    }
    if preds != Preds::Seen {
        return Err(RejectCode::WrongPred);
    }
    // A comment is never rewritten without a time.
    if matches!(slot.place, Place::CommentBody(_)) { Err(RejectCode::NotAnEdit) } else { Ok(()) }
}

type Verdict = Result<(), RejectCode>;

/// The edit that one operation looks like: who may make it and what it then writes.
struct Meaning {
    who: Who,
    written: OpType,
    needs_text: bool,
}

fn meaning(place: &Place, action: &OpType) -> Result<Meaning, RejectCode> {
    let edit = |who, written: &OpType| Ok(Meaning { who, written: written.clone(), needs_text: false });
    let text = match action {
        OpType::Put(ScalarValue::Str(text)) => Some(text.as_str()),
        _ => None,
    };
    let is_none = *action == OpType::Put(ScalarValue::Null);
    let bad_value = Err(RejectCode::BadValue);
    match place {
        Place::Closed | Place::Nowhere { .. } => Err(RejectCode::NotAnEdit),
        Place::Title | Place::ProjectName => match text.map(str::trim) {
            None | Some("") => bad_value,
            Some(line) if matches!(place, Place::Title) => {
                edit(Who::RequesterOrTeam, &OpType::Put(line.into()))
            }
            Some(line) => edit(Who::Admin, &OpType::Put(line.into())),
        },
        Place::Report => text.map_or(bad_value, |_| edit(Who::Requester, action)),
        Place::Status => match text {
            Some("open" | "closed") => edit(Who::RequesterOrTeam, action),
            Some("pending" | "resolved") => edit(Who::Team, action),
            _ => bad_value,
        },
        Place::Assignee | Place::MergedInto => match action {
            OpType::Put(ScalarValue::Bytes(id)) if id.len() == 16 => edit(Who::Team, action),
            _ if is_none => edit(Who::Team, action),
            _ => bad_value,
        },
        Place::Priority => match text {
            Some("low" | "normal" | "high" | "urgent") => edit(Who::Team, action),
            _ if is_none => edit(Who::Team, action),
            _ => bad_value,
        },
        Place::Snooze => match action {
            OpType::Put(ScalarValue::Timestamp(at)) if *at <= 1 << 48 => edit(Who::Team, action),
            _ if is_none => edit(Who::Team, action),
            _ => bad_value,
        },
        Place::CloseReason => match text.map(str::trim) {
            None if is_none => edit(Who::RequesterOrTeam, action),
            None | Some("") => bad_value,
            Some(line) => edit(Who::RequesterOrTeam, &OpType::Put(line.into())),
        },
        Place::Link { is_id: false } => bad_value,
        // As with labels, below.
        Place::Link { .. } if *action == OpType::Delete => edit(Who::Team, action),
        Place::Link { .. } => edit(Who::Team, &OpType::Put(ScalarValue::Boolean(true))),
        Place::Label { is_label: false } => bad_value,
        // A label is on or off: whatever is written there that is no deletion means to put it on.
        Place::Label { .. } if *action == OpType::Delete => edit(Who::Team, action),
        Place::Label { .. } => edit(Who::Team, &OpType::Put(ScalarValue::Boolean(true))),
        Place::Comment { is_id } => Err(if *is_id { RejectCode::NotAnEdit } else { RejectCode::BadValue }),
        Place::CommentBody(comment) => match text {
            Some(_) => {
                Ok(Meaning { who: Who::Writer(comment.writer), written: action.clone(), needs_text: true })
            }
            None => bad_value,
        },
        Place::CommentDeleted(comment) => {
            edit(Who::WriterOrAdmin(comment.writer), &OpType::Put(ScalarValue::Boolean(true)))
        }
        Place::CatalogueLabel { is_label: false } | Place::CannedReply { is_label: false } => bad_value,
        Place::CatalogueLabel { .. } | Place::CannedReply { .. } => match (action, text) {
            (OpType::Delete, _) => edit(Who::Admin, action),
            (_, Some(_)) => {
                let needs_text = matches!(place, Place::CannedReply { .. });
                Ok(Meaning { who: Who::Admin, written: action.clone(), needs_text })
            }
            _ => bad_value,
        },
    }
}

const fn comment_of(place: &Place) -> Option<Comment> {
    match place {
        Place::CommentBody(comment) | Place::CommentDeleted(comment) => Some(*comment),
        _ => None,
    }
}

/// A document, the fields that are tried on it, and for each person a change that only waits for its operations.
struct Matrix {
    doc: Doc,
    automerge: Automerge,
    slots: Vec<Slot>,
    templates: Vec<NewChange>,
    /// Something that is there, under another key than any that is tried with it.
    other_op: OpId,
}

impl Matrix {
    fn new(doc: Doc, slots: impl FnOnce(&Automerge) -> Vec<Slot>, template: &Edit) -> Self {
        let automerge = Automerge::load(&doc.save()).unwrap();
        let templates = people().map(|author| {
            let author = Author { role: Role::Admin, ..author };
            doc.clone().apply(&author, NOW, std::slice::from_ref(template)).unwrap()
        });
        let other_op = id_of(&automerge, &ObjectId::Root, "kind").unwrap();
        Self { slots: slots(&automerge), templates: templates.into(), doc, automerge, other_op }
    }

    /// Tries everything and returns how many cells there were, and how many of them were admitted.
    fn check(&self) -> (usize, usize) {
        let (mut cells, mut admitted) = (0, 0);
        for slot in &self.slots {
            let held = self.held(slot);
            for action in actions() {
                for preds in [Preds::Seen, Preds::None, Preds::OfAnotherKey] {
                    if preds == Preds::None && held.is_empty() {
                        continue;
                    }
                    for (author, template) in people().iter().zip(&self.templates) {
                        let found = self.verdict(author, template, slot, &action, preds);
                        let values: Vec<ScalarValue> =
                            held.iter().filter_map(|(_, value)| value.clone()).collect();
                        let number = usize::from(author.user.as_bytes()[0]);
                        let foretold = foretell(number, slot, &action, preds, &values);
                        let cell = Cell { author, slot, action: &action, preds };
                        assert_eq!(found, foretold, "{cell}");
                        cells += 1;
                        admitted += usize::from(found.is_ok());
                    }
                }
            }
        }
        (cells, admitted)
    }

    fn verdict(
        &self,
        author: &Author,
        template: &NewChange,
        slot: &Slot,
        action: &OpType,
        preds: Preds,
    ) -> Verdict {
        let pred: SortedVec<OpId> = match preds {
            Preds::Seen => self.held(slot).into_iter().map(|(id, _)| id).collect(),
            Preds::None => SortedVec::new(),
            Preds::OfAnotherKey => vec![self.other_op.clone()].into(),
        };
        let op = Op {
            action: action.clone(),
            obj: slot.obj.clone(),
            key: Key::Map(slot.key.as_str().into()),
            pred,
            insert: false,
        };
        let bytes = forge(template, |change| change.operations = vec![op]);
        let mut doc = self.doc.clone();
        let verdict = admit(&mut doc, &bytes, author).map(drop).map_err(|rejection| rejection.code);
        assert_eq!(verdict.is_ok(), doc.heads() != self.doc.heads());
        verdict
    }

    /// What a field holds, and which operations wrote it; no value for a map.
    fn held(&self, slot: &Slot) -> Vec<(OpId, Option<ScalarValue>)> {
        let values = self.automerge.get_all(exid(&slot.obj), slot.key.as_str()).unwrap_or_default();
        values.into_iter().map(|(value, id)| (op_id(&id), value.as_scalar().cloned())).collect()
    }
}

/// For the message when a cell is wrong.
struct Cell<'a> {
    author: &'a Author,
    slot: &'a Slot,
    action: &'a OpType,
    preds: Preds,
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { author, slot, action, preds } = self;
        write!(f, "{:?} {:?}: {action:?} on {slot:?} with predecessors {preds:?}", author.role, author.user)
    }
}

fn exid(obj: &ObjectId) -> ObjId {
    match obj {
        ObjectId::Root => ObjId::Root,
        ObjectId::Id(OpId(counter, actor)) => ObjId::Id(*counter, actor.clone(), 0),
    }
}

fn op_id(id: &ObjId) -> OpId {
    match id {
        ObjId::Root => panic!("no operation wrote the root"),
        ObjId::Id(counter, actor, _) => OpId(*counter, actor.clone()),
    }
}

fn id_of(automerge: &Automerge, obj: &ObjectId, key: &str) -> Option<OpId> {
    automerge.get(exid(obj), key).unwrap().map(|(_, id)| op_id(&id))
}

fn map_at(automerge: &Automerge, obj: &ObjectId, key: &str) -> ObjectId {
    ObjectId::Id(id_of(automerge, obj, key).unwrap())
}

fn slot(place: Place, obj: &ObjectId, key: impl Into<String>) -> Slot {
    Slot { place, obj: obj.clone(), key: key.into() }
}

/// A worked ticket: everybody has commented, one comment is deleted, one has a file.
fn ticket() -> Doc {
    let mut doc = Doc::new(DOC);
    doc.apply(&customer(), UnixMillis(1_000), &[create()]).unwrap();
    for (author, number) in people().iter().zip(1..) {
        doc.apply(author, NOW, &[comment(number, "Hello")]).unwrap();
    }
    doc.apply(&agent(), NOW, &[comment(5, "Never mind")]).unwrap();
    let with_file = Edit::AddComment {
        id: comment_id(6),
        body: body("See the log."),
        reply_to: Some(comment_id(3)),
        attachments: vec![log_file()],
    };
    doc.apply(&customer(), NOW, &[with_file]).unwrap();
    let edits = [
        Edit::DeleteComment(comment_id(5)),
        Edit::AddLabel(label("old")),
        Edit::AddLink(TicketId::from_bytes([8; 16])),
        Edit::SetStatus(Status::Pending),
        Edit::SetAssignee(Some(agent().user)),
    ];
    doc.apply(&agent(), NOW, &edits).unwrap();
    doc
}

fn ticket_slots(automerge: &Automerge) -> Vec<Slot> {
    let root = &ObjectId::Root;
    let (labels, comments) = (map_at(automerge, root, "labels"), map_at(automerge, root, "comments"));
    let mut slots = vec![
        slot(Place::Title, root, "title"),
        slot(Place::Report, root, "body"),
        slot(Place::Status, root, "status"),
        slot(Place::Assignee, root, "assignee"),
        slot(Place::Priority, root, "priority"),
        slot(Place::Snooze, root, "snoozed_until"),
        slot(Place::CloseReason, root, "close_reason"),
        slot(Place::MergedInto, root, "merged_into"),
        slot(Place::Link { is_id: true }, root, format!("link:{}", TicketId::from_bytes([8; 16]))),
        slot(Place::Link { is_id: true }, root, format!("link:{}", TicketId::from_bytes([9; 16]))),
        slot(Place::Link { is_id: false }, root, "link:"),
        slot(Place::Link { is_id: false }, root, "link:8"),
        slot(Place::Label { is_label: true }, &labels, "old"),
        slot(Place::Label { is_label: true }, &labels, "new"),
        slot(Place::Label { is_label: false }, &labels, " "),
        slot(Place::Label { is_label: false }, &labels, "x".repeat(41)),
        slot(Place::Comment { is_id: true }, &comments, comment_id(1).to_string()),
        slot(Place::Comment { is_id: true }, &comments, comment_id(9).to_string()),
        slot(Place::Comment { is_id: false }, &comments, "zzz"),
    ];
    let closed = ["v", "kind", "id", "requester", "created_at", "labels", "comments", "zzz", ""];
    slots.extend(closed.map(|key| slot(Place::Closed, root, key)));
    for number in 1..=6 {
        let writer = match number {
            5 => 3,
            6 => 1,
            own => own,
        };
        let about = Comment { writer, is_deleted: number == 5 };
        let obj = map_at(automerge, &comments, &comment_id(number as u8).to_string());
        slots.push(slot(Place::CommentBody(about), &obj, "body"));
        slots.push(slot(Place::CommentDeleted(about), &obj, "deleted"));
        let closed = ["author", "created_at", "reply_to", "edited_at", "files", "zzz"];
        slots.extend(closed.map(|key| slot(Place::Closed, &obj, key)));
    }
    let with_file = map_at(automerge, &comments, &comment_id(6).to_string());
    let files = map_at(automerge, &with_file, "files");
    let file = map_at(automerge, &files, &BlobHash::from_bytes([9; 32]).to_string());
    slots.push(slot(Place::Closed, &files, BlobHash::from_bytes([8; 32]).to_string()));
    slots.extend(["name", "size", "type", "zzz"].map(|key| slot(Place::Closed, &file, key)));
    let missing = OpId(999, ActorId::from(customer().actor.as_bytes()));
    let stranger = OpId(3, ActorId::from([9; 16]));
    let scalar = id_of(automerge, root, "title").unwrap();
    let nowhere = [(Some(1), missing), (None, stranger), (None, scalar)];
    slots.extend(nowhere.map(|(maker, obj)| slot(Place::Nowhere { maker }, &ObjectId::Id(obj), "body")));
    slots
}

fn project_slots(automerge: &Automerge) -> Vec<Slot> {
    let root = &ObjectId::Root;
    let (labels, replies) = (map_at(automerge, root, "labels"), map_at(automerge, root, "canned_replies"));
    let long = "x".repeat(41);
    let mut slots = vec![slot(Place::ProjectName, root, "name")];
    let closed = ["v", "kind", "created_at", "labels", "canned_replies", "title", "zzz"];
    slots.extend(closed.map(|key| slot(Place::Closed, root, key)));
    for (key, is_label) in [("old", true), ("new", true), ("", false), (&long, false)] {
        slots.push(slot(Place::CatalogueLabel { is_label }, &labels, key));
        slots.push(slot(Place::CannedReply { is_label }, &replies, key));
    }
    slots
}

#[test]
fn every_person_and_every_write_on_every_field_of_a_ticket_has_its_verdict() {
    let (cells, admitted) = Matrix::new(ticket(), ticket_slots, &comment(99, "Template")).check();
    assert!(cells >= 10_000, "{cells} cells");
    assert!(admitted >= 30, "{admitted} of them admitted");
}

#[test]
fn every_person_and_every_write_on_every_field_of_a_project_has_its_verdict() {
    let name = |text| ProjectName::parse(text).unwrap();
    let mut doc = Doc::new(DocId::Project);
    let edits = [
        Edit::CreateProject(name("hero")),
        Edit::DefineLabel { label: label("old"), description: body("Hello") },
        Edit::DefineCannedReply { name: label("old"), body: body("Hello") },
    ];
    doc.apply(&admin(), NOW, &edits).unwrap();
    let template = Edit::SetProjectName(name("template"));
    let (cells, admitted) = Matrix::new(doc, project_slots, &template).check();
    assert!(cells >= 3_000, "{cells} cells");
    assert!(admitted >= 10, "{admitted} of them admitted");
}

#[test]
fn every_person_in_everybodys_name_writes_comments_of_every_kind() {
    let doc = ticket();
    let automerge = Automerge::load(&doc.save()).unwrap();
    let comments = map_at(&automerge, &ObjectId::Root, "comments");
    let mut cells = 0;
    for author in people() {
        let template = doc.clone().apply(&author, NOW, &[comment(99, "Template")]).unwrap();
        for claimed in people() {
            for (number, id_verdict) in [(9, Ok(())), (1, Err(RejectCode::AlreadyThere))] {
                for (text, text_verdict) in [("Hello", Ok(())), (" \n", Err(RejectCode::BadValue))] {
                    for (time, reply) in [(2_000, Some(1)), (2_000, Some(77)), (1_999, None), (2_000, None)] {
                        let bytes = forge(&template, |change| {
                            let at = change.start_op.get();
                            let id = OpId(at, ActorId::from(author.actor.as_bytes()));
                            let parts = Parts { claimed, text, time, reply };
                            change.operations =
                                comment_by_hand(&comments, comment_id(number).to_string(), id, &parts);
                        });
                        let reply_verdict =
                            if reply == Some(77) { Err(RejectCode::NoSuchTarget) } else { Ok(()) };
                        let is_true = claimed == author && time == 2_000;
                        let truth = if is_true { Ok(()) } else { Err(RejectCode::BadValue) };
                        let foretold: Verdict = text_verdict.and(id_verdict).and(reply_verdict).and(truth);
                        let found = admit(&mut doc.clone(), &bytes, &author);
                        let found = found.map(drop).map_err(|rejection| rejection.code);
                        assert_eq!(found, foretold, "{author:?} as {claimed:?}: {number} {text:?} {time}");
                        cells += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cells, 256);
}

/// What a hand-made comment says of itself.
struct Parts {
    claimed: Author,
    text: &'static str,
    time: i64,
    reply: Option<u8>,
}

fn comment_by_hand(comments: &ObjectId, key: String, id: OpId, parts: &Parts) -> Vec<Op> {
    let op = |obj: &ObjectId, key: &str, action| Op {
        action,
        obj: obj.clone(),
        key: Key::Map(key.into()),
        pred: SortedVec::new(),
        insert: false,
    };
    let comment = ObjectId::Id(id);
    let user = ScalarValue::Bytes(parts.claimed.user.as_bytes().to_vec());
    let mut ops = vec![
        op(comments, &key, OpType::Make(ObjType::Map)),
        op(&comment, "author", OpType::Put(user)),
        op(&comment, "created_at", OpType::Put(ScalarValue::Timestamp(parts.time))),
        op(&comment, "body", OpType::Put(parts.text.into())),
    ];
    if let Some(reply) = parts.reply {
        let reply = ScalarValue::Bytes(comment_id(reply).as_bytes().to_vec());
        ops.push(op(&comment, "reply_to", OpType::Put(reply)));
    }
    ops
}
