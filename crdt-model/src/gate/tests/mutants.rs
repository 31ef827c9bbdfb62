//! Thousands of damaged changes: whatever comes in, the gate does not panic, and what it accepts loads again.

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Automerge, ObjType, ScalarValue};

use super::chunk::seal;
use super::forge;
use crate::fixtures::{
    admin, admit, agent, body, colleague, comment, comment_id, create, customer, label, title,
};
use crate::{
    Attachment, Author, BlobHash, Doc, Edit, NewChange, Rejection, ScannedChange, Status, UnixMillis,
};

/// Runs in seconds; raise it by hand for a night.
const MUTANTS_PER_CHANGE: usize = 600;

/// A document with a past, its changes, and honest changes that could come next.
struct World {
    doc: Doc,
    stored: Vec<(Vec<u8>, Author)>,
    next: Vec<(NewChange, Author)>,
}

fn world() -> World {
    let now = UnixMillis(2_000);
    let mut doc = Doc::new(crate::fixtures::DOC);
    let mut stored = Vec::new();
    let past = [
        (customer(), vec![create()]),
        (
            agent(),
            vec![Edit::SetStatus(Status::Pending), comment(1, "Which version?"), Edit::AddLabel(label("a"))],
        ),
        (customer(), vec![comment(2, "1.2")]),
        (colleague(), vec![comment(3, "Same here.")]),
    ];
    let mut behind = doc.clone();
    for (index, (author, edits)) in past.into_iter().enumerate() {
        stored.push((doc.apply(&author, now, &edits).unwrap().bytes, author));
        if index == 1 {
            behind = doc.clone();
        }
    }
    let late = behind.apply(&admin(), now, &[Edit::SetTitle(title("Late"))]).unwrap();
    admit(&mut doc, &late.bytes, &admin()).unwrap();
    stored.push((late.bytes, admin()));

    let attachment = Attachment {
        blob: BlobHash::from_bytes([9; 32]),
        name: "log.txt".to_owned(),
        size_bytes: 70_000,
        media_type: "text/plain".to_owned(),
    };
    let with_file = Edit::AddComment {
        id: comment_id(4),
        body: body("See the log."),
        reply_to: Some(comment_id(1)),
        attachments: vec![attachment],
    };
    let futures = [
        (agent(), vec![with_file]),
        (agent(), vec![Edit::SetStatus(Status::Closed), Edit::RemoveLabel(label("a"))]),
        (customer(), vec![Edit::EditComment { id: comment_id(2), body: body("1.3") }, comment(5, "Hm")]),
        (admin(), vec![Edit::SetTitle(title("Both")), Edit::SetAssignee(Some(agent().user))]),
    ];
    let next = futures.map(|(author, edits)| (doc.clone().apply(&author, now, &edits).unwrap(), author));
    World { doc, stored, next: next.into() }
}

impl World {
    /// Offers bytes to a copy of the document. If they are taken, the result must be sound. Tells whether they were.
    fn offer(&self, bytes: &[u8], author: &Author) -> bool {
        let Ok(scanned) = ScannedChange::scan(bytes) else { return false };
        let mut doc = self.doc.clone();
        let verdict = doc.admit(&scanned, author);
        self.check_same_verdict(&scanned, author, verdict.as_ref().err());
        if verdict.is_err() {
            assert_eq!(doc.heads(), self.doc.heads());
            return false;
        }
        let stored = self.stored.iter().map(|(bytes, _)| bytes.as_slice()).chain([bytes]);
        let loaded = Doc::load(doc.id(), stored).unwrap();
        assert_eq!(loaded.ticket(), doc.ticket());
        assert_eq!(loaded.heads(), doc.heads());
        let saved = Automerge::load(&doc.save()).unwrap();
        assert_eq!(saved.get_heads().len(), doc.heads().len());
        doc.apply(&agent(), UnixMillis(3_000), &[comment(200, "Life goes on.")]).unwrap();
        true
    }

    /// Verifying the whole document finds the same as admitting the last change.
    fn check_same_verdict(&self, last: &ScannedChange, author: &Author, refused: Option<&Rejection>) {
        let scan = |(bytes, author): &(Vec<u8>, Author)| (ScannedChange::scan(bytes).unwrap(), *author);
        let stored: Vec<(ScannedChange, Author)> = self.stored.iter().map(scan).collect();
        let all = stored.iter().map(|(change, author)| (change, *author)).chain([(last, *author)]);
        let verified = Doc::verify(self.doc.id(), all);
        let expected = refused.map(|rejection| (self.stored.len(), rejection.clone()));
        assert_eq!(verified.err(), expected);
    }
}

/// A small generator of its own, so that a failure repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

#[test]
fn changes_with_damaged_bytes_and_a_right_checksum_do_no_harm() {
    let world = world();
    let mut dice = Dice(1);
    let mut accepted = 0;
    for (change, author) in &world.next {
        for _ in 0..MUTANTS_PER_CHANGE {
            let mut body = body_of(change).to_vec();
            for _ in 0..=dice.below(3) {
                damage(&mut body, &mut dice);
            }
            accepted += usize::from(world.offer(&seal(1, &body), author));
        }
    }
    // Some damage only changes a letter.
    assert!(accepted > 0);
}

/// What the checksum covers, but for the chunk's type and length.
fn body_of(change: &NewChange) -> &[u8] {
    let rest = &change.bytes[9..];
    let length_size = rest.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    &rest[length_size..]
}

fn damage(body: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(body.len());
    match dice.below(6) {
        0 => body[at] ^= 1 << dice.below(8),
        1 => body[at] = dice.below(256) as u8,
        2 => body[at] = body[at].wrapping_add(1),
        3 => body.insert(at, dice.below(256) as u8),
        4 => drop(body.remove(at)),
        _ => {
            let from = dice.below(body.len());
            let size = dice.below(8).min(body.len() - from).min(body.len() - at);
            body.copy_within(from..from + size, at);
        }
    }
}

#[test]
fn well_formed_changes_with_wrong_operations_do_no_harm() {
    let world = world();
    let mut dice = Dice(2);
    for (change, author) in &world.next {
        for _ in 0..MUTANTS_PER_CHANGE {
            let bytes = forge(change, |change| {
                for _ in 0..=dice.below(2) {
                    twist(change, &mut dice);
                }
            });
            world.offer(&bytes, author);
        }
    }
}

fn twist(change: &mut automerge::ExpandedChange, dice: &mut Dice) {
    match dice.below(8) {
        0 => change.seq = dice.below(6) as u64,
        1 => change.start_op = (dice.below(60) as u64 + 1).try_into().unwrap(),
        2 => drop(change.deps.pop()),
        3 if change.operations.len() > 1 => {
            drop(change.operations.remove(dice.below(change.operations.len())))
        }
        4 => {
            let (from, to) = (dice.below(change.operations.len()), dice.below(change.operations.len()));
            change.operations.swap(from, to);
        }
        5 => {
            let twin = change.operations[dice.below(change.operations.len())].clone();
            change.operations.push(twin);
        }
        _ => {
            let index = dice.below(change.operations.len());
            twist_op(&mut change.operations[index], dice);
        }
    }
}

fn twist_op(op: &mut Op, dice: &mut Dice) {
    const KEYS: [&str; 12] = [
        "title",
        "status",
        "requester",
        "labels",
        "comments",
        "body",
        "author",
        "edited_at",
        "deleted",
        "files",
        "a",
        "zzz",
    ];
    match dice.below(5) {
        0 => op.obj = ObjectId::Id(random_id(dice)),
        1 => op.obj = ObjectId::Root,
        2 => op.key = Key::Map(KEYS[dice.below(KEYS.len())].into()),
        3 => {
            op.action = match dice.below(5) {
                0 => OpType::Delete,
                1 => OpType::Make(ObjType::Map),
                2 => OpType::Put(ScalarValue::Null),
                3 => OpType::Put("closed".into()),
                _ => OpType::Put(ScalarValue::Boolean(true)),
            }
        }
        _ => op.pred = (0..dice.below(3)).map(|_| random_id(dice)).collect(),
    }
}

fn random_id(dice: &mut Dice) -> OpId {
    let people = [customer(), colleague(), agent(), admin()];
    let actor = people[dice.below(people.len())].actor;
    OpId(dice.below(50) as u64 + 1, ActorId::from(actor.as_bytes()))
}
