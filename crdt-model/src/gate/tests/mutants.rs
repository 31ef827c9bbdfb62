//! Mutants of honest changes by the hundred thousand: whatever comes in, the gate does not panic, what it accepts
//! loads again, and devices that get accepted changes in different orders hold the same.
//!
//! ```text
//! GATE_MUTANTS=10000000 cargo test --release -p assist-crdt-model --lib gate::tests::mutants -- --nocapture
//! ```

use std::collections::BTreeMap;
use std::thread;

use assist_forge::chunk::{Chunk, leb, seal, signed_leb};
use assist_forge::{Dice, damage};
use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Automerge, ExpandedChange, ObjType, ScalarValue};

use super::forge;
use crate::fixtures::{
    DOC, TICKET, admin, admit, agent, body, colleague, comment, comment_id, create, customer, label,
    log_file, note, person, title,
};
use crate::{
    Author, Doc, DocId, Edit, NewChange, ProjectName, RejectCode, Rejection, ScannedChange, Status,
    UnixMillis,
};

const NOW: UnixMillis = UnixMillis(2_000);

/// Each has a seed of its own, so that a run is the same on any number of cores.
const SHARDS: u64 = 4;

/// Of how many refusals one is compared with that of the whole document's verification.
const REFUSALS_COMPARED: usize = 16;

#[test]
fn mutants_do_not_panic_stay_loadable_and_converge() {
    let total: usize = match std::env::var("GATE_MUTANTS") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => 100_000,
    };
    let shard = |seed| move || run_shard(seed, total / SHARDS as usize);
    let workers: Vec<_> = (1..=SHARDS).map(|seed| thread::spawn(shard(seed))).collect();
    let mut tally = Tally::default();
    for worker in workers {
        tally.add(worker.join().expect("no mutant makes the gate panic"));
    }
    for (verdict, count) in &tally.verdicts {
        println!("{count:>9} {}", verdict.map_or("accepted", RejectCode::as_str));
    }
    println!("{:>9} compared in another order", tally.reordered);
    assert_eq!(tally.verdicts.values().sum::<usize>(), total / SHARDS as usize * SHARDS as usize);
    // What reaches Automerge was composed here: it has no reason to fail.
    assert_eq!(tally.verdicts.get(&Some(RejectCode::ApplyFailed)), None);
    tally.check_variety(total);
}

/// What became of the mutants; no code is "accepted".
#[derive(Default)]
struct Tally {
    verdicts: BTreeMap<Option<RejectCode>, usize>,
    /// How many accepted changes entered two replicas in two orders.
    reordered: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        for (verdict, count) in other.verdicts {
            *self.verdicts.entry(verdict).or_default() += count;
        }
        self.reordered += other.reordered;
    }

    /// Mutants that all die of one cause would say little about the rules behind it.
    fn check_variety(&self, total: usize) {
        let expected = [
            None,
            Some(RejectCode::TooLarge),
            Some(RejectCode::Malformed),
            Some(RejectCode::WrongActor),
            Some(RejectCode::WrongSeq),
            Some(RejectCode::MissingDep),
            Some(RejectCode::WrongStartOp),
            Some(RejectCode::WrongDeps),
            Some(RejectCode::WrongPred),
            Some(RejectCode::NotCanonical),
            Some(RejectCode::NotAnEdit),
            Some(RejectCode::NotAllowed),
            Some(RejectCode::BadValue),
            Some(RejectCode::NoSuchTarget),
            Some(RejectCode::AlreadyThere),
        ];
        for verdict in expected {
            let count = self.verdicts.get(&verdict).copied().unwrap_or(0);
            assert!(count >= total / 20_000, "{verdict:?} came up {count} times only");
        }
        assert!(self.reordered >= total / 200, "{} in another order", self.reordered);
    }
}

fn run_shard(seed: u64, total: usize) -> Tally {
    let worlds = [World::ticket(), World::empty(), World::project(), World::notes()];
    let mut dice = Dice::new(seed);
    let mut tally = Tally::default();
    let mut accepted: Vec<Vec<(Vec<u8>, Author)>> = vec![Vec::new(); worlds.len()];
    for _ in 0..total {
        let at = if dice.one_in(4) { 1 + dice.below(3) } else { 0 };
        let world = &worlds[at];
        let (bytes, author) = world.mutant(&mut dice);
        let verdict = world.offer(&bytes, &author, &mut dice);
        *tally.verdicts.entry(verdict).or_default() += 1;
        if verdict.is_none() {
            // One change an actor: they were apart when they made them.
            accepted[at].retain(|(_, other)| other.actor != author.actor);
            accepted[at].push((bytes, author));
            tally.reordered += world.check_orders(&accepted[at], &mut dice);
        }
    }
    tally
}

/// A document with a past, its changes, and honest changes that could come next.
struct World {
    doc: Doc,
    stored: Vec<(Vec<u8>, Author)>,
    next: Vec<(NewChange, Author)>,
    /// An edit that the admin can always make.
    life_goes_on: Edit,
}

impl World {
    fn ticket() -> Self {
        let mut doc = Doc::new(DOC);
        let mut stored = Vec::new();
        let question =
            [Edit::SetStatus(Status::Pending), comment(1, "Which version?"), Edit::AddLabel(label("a"))];
        let past = [
            (customer(), vec![create()]),
            (agent(), question.into()),
            (customer(), vec![comment(2, "1.2")]),
            (colleague(), vec![comment(3, "Same here.")]),
            (agent(), vec![comment(6, "Never mind"), Edit::DeleteComment(comment_id(6))]),
        ];
        let mut behind = doc.clone();
        for (index, (author, edits)) in past.into_iter().enumerate() {
            stored.push((doc.apply(&author, NOW, &edits).unwrap().bytes, author));
            if index == 1 {
                behind = doc.clone();
            }
        }
        let late = [Edit::SetTitle(title("Late")), Edit::SetStatus(Status::Closed)];
        let late = behind.apply(&admin(), NOW, &late).unwrap();
        admit(&mut doc, &late.bytes, &admin()).unwrap();
        stored.push((late.bytes, admin()));

        let with_file = Edit::AddComment {
            id: comment_id(4),
            body: body("See the log."),
            reply_to: Some(comment_id(1)),
            attachments: vec![log_file()],
        };
        let next = [
            (agent(), vec![with_file]),
            (agent(), vec![Edit::SetStatus(Status::Closed), Edit::RemoveLabel(label("a"))]),
            (customer(), vec![Edit::EditComment { id: comment_id(2), body: body("1.3") }, comment(5, "Hm")]),
            (customer(), vec![Edit::SetBody(body("Twice")), Edit::SetStatus(Status::Open)]),
            (colleague(), vec![comment(7, "And here"), Edit::DeleteComment(comment_id(3))]),
            (admin(), vec![Edit::SetTitle(title("Both")), Edit::SetAssignee(Some(agent().user))]),
            (admin(), vec![Edit::AddLabel(label("b")), Edit::SetSnoozedUntil(Some(UnixMillis(9_000)))]),
        ];
        Self::new(doc, stored, next.into(), comment(200, "Life goes on."))
    }

    /// Nothing is there yet: the first change is mutated.
    fn empty() -> Self {
        let next = [(customer(), vec![create(), comment(1, "Hello")]), (agent(), vec![create()])];
        Self::new(Doc::new(DOC), Vec::new(), next.into(), comment(200, "Life goes on."))
    }

    /// Two first changes, and what agents do next.
    fn notes() -> Self {
        let mut doc = Doc::new(DocId::Notes(TICKET));
        let mut apart = doc.clone();
        let first = doc.apply(&agent(), NOW, &[note(1, "The driver?")]).unwrap();
        let second = apart.apply(&admin(), NOW, &[note(2, "Known."), note(3, "Since May.")]).unwrap();
        admit(&mut doc, &second.bytes, &admin()).unwrap();
        let stored = vec![(first.bytes, agent()), (second.bytes, admin())];
        let answer = Edit::AddNote {
            id: comment_id(4),
            body: body("See there."),
            reply_to: Some(comment_id(2)),
            attachments: Vec::new(),
        };
        let rewrite = Edit::EditNote { id: comment_id(1), body: body("Not the driver.") };
        let next = [
            (agent(), vec![answer, rewrite]),
            (admin(), vec![Edit::DeleteNote(comment_id(1)), note(5, "Gone.")]),
            (person(5, crate::Role::Agent), vec![note(6, "Me too.")]),
        ];
        Self::new(doc, stored, next.into(), note(200, "Life goes on."))
    }

    fn project() -> Self {
        let name = |text| ProjectName::parse(text).unwrap();
        let mut doc = Doc::new(DocId::Project);
        let edits = [
            Edit::CreateProject(name("hero")),
            Edit::DefineLabel { label: label("a"), description: body("") },
            Edit::DefineCannedReply { name: label("hi"), body: body("Hello") },
        ];
        let first = doc.apply(&admin(), NOW, &edits).unwrap();
        let second_admin = Author { role: crate::Role::Admin, ..agent() };
        let next = [
            (admin(), vec![Edit::SetProjectName(name("Hero")), Edit::RetireLabel(label("a"))]),
            (second_admin, vec![Edit::DefineLabel { label: label("b"), description: body("B") }]),
            (second_admin, vec![Edit::RetireCannedReply(label("hi")), Edit::SetProjectName(name("H"))]),
        ];
        let life_goes_on = Edit::DefineLabel { label: label("life"), description: body("goes on") };
        Self::new(doc, vec![(first.bytes, admin())], next.into(), life_goes_on)
    }

    fn new(
        doc: Doc,
        stored: Vec<(Vec<u8>, Author)>,
        next: Vec<(Author, Vec<Edit>)>,
        life_goes_on: Edit,
    ) -> Self {
        let make =
            |(author, edits): (Author, Vec<Edit>)| (doc.clone().apply(&author, NOW, &edits).unwrap(), author);
        let next = next.into_iter().map(make).collect();
        Self { doc, stored, next, life_goes_on }
    }

    fn mutant(&self, dice: &mut Dice) -> (Vec<u8>, Author) {
        let (honest, author) = dice.pick(&self.next);
        let other = &dice.pick(&self.next).0;
        let bytes = match dice.below(4) {
            0 => {
                let mut body = body_of(honest).to_vec();
                for _ in 0..=dice.below(3) {
                    damage(&mut body, dice);
                }
                seal(1, &body)
            }
            1 => {
                let mut chunk = Chunk::parse(&honest.bytes);
                for _ in 0..=dice.below(2) {
                    twist_chunk(&mut chunk, &Chunk::parse(&other.bytes), dice);
                }
                chunk.to_bytes()
            }
            _ => forge(honest, |change| {
                for _ in 0..=dice.below(2) {
                    twist(change, dice);
                }
            }),
        };
        // Some are sent by another than whom they were made for.
        let author = if dice.one_in(20) { dice.pick(&self.next).1 } else { *author };
        (bytes, author)
    }

    /// Offers bytes to a copy of the document. If they are taken, the result must be sound.
    fn offer(&self, bytes: &[u8], author: &Author, dice: &mut Dice) -> Option<RejectCode> {
        let scanned = match ScannedChange::scan(bytes) {
            Ok(scanned) => scanned,
            Err(rejection) => return Some(rejection.code),
        };
        let mut doc = self.doc.clone();
        let verdict = doc.admit(&scanned, author);
        if verdict.is_ok() || dice.one_in(REFUSALS_COMPARED) {
            self.check_same_verdict(&scanned, author, verdict.as_ref().err());
        }
        if let Err(rejection) = verdict {
            assert_eq!(doc.heads(), self.doc.heads());
            return Some(rejection.code);
        }
        let stored = self.stored.iter().map(|(bytes, _)| bytes.as_slice()).chain([bytes]);
        let mut loaded = Doc::load(doc.id(), stored).unwrap();
        check_same(&loaded, &doc);
        let saved = Automerge::load(&doc.save()).unwrap();
        assert_eq!(saved.get_heads().len(), doc.heads().len());
        loaded.apply(&admin_after(author), NOW, std::slice::from_ref(&self.life_goes_on)).unwrap();
        None
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

    /// A server takes changes in one order, a device gets what the server took in another: they end up the same.
    fn check_orders(&self, changes: &[(Vec<u8>, Author)], dice: &mut Dice) -> usize {
        let mut server = self.doc.clone();
        let taken: Vec<&(Vec<u8>, Author)> = dice
            .shuffled(changes.len())
            .into_iter()
            .map(|index| &changes[index])
            .filter(|(bytes, author)| admit(&mut server, bytes, author).is_ok())
            .collect();
        let mut device = self.doc.clone();
        for index in dice.shuffled(taken.len()) {
            let (bytes, author) = taken[index];
            admit(&mut device, bytes, author).unwrap();
        }
        check_same(&device, &server);
        let stored = self.stored.iter().chain(taken.iter().copied()).map(|(bytes, _)| bytes.as_slice());
        check_same(&Doc::load(server.id(), stored).unwrap(), &server);
        if taken.len() > 1 { taken.len() } else { 0 }
    }
}

#[track_caller]
fn check_same(doc: &Doc, other: &Doc) {
    assert_eq!(doc.heads(), other.heads());
    assert_eq!(doc.ticket(), other.ticket());
    assert_eq!(doc.project(), other.project());
    assert_eq!(doc.summary(), other.summary());
}

/// Somebody who may do all, on a device that none of the mutants is from.
fn admin_after(author: &Author) -> Author {
    let device = crate::DeviceId::from_bytes([99; 32]);
    Author { role: crate::Role::Admin, actor: crate::Actor::derive(&device, 0), user: author.user }
}

/// What the checksum covers, but for the chunk's type and length.
fn body_of(change: &NewChange) -> &[u8] {
    let rest = &change.bytes[9..];
    let length_size = rest.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    &rest[length_size..]
}

/// Changes one part of a chunk, past any encoder.
fn twist_chunk(chunk: &mut Chunk, other: &Chunk, dice: &mut Dice) {
    match dice.below(12) {
        0 => chunk.kind = dice.below(4) as u8,
        1 => chunk.deps = other.deps.clone(),
        2 => chunk.deps.push(vec![dice.below(256) as u8; 32]),
        3 => chunk.actor.clone_from(&other.actor),
        4 => chunk.time = signed_leb(dice.below(1 << 50) as i64 - (1 << 20)),
        5 => chunk.other_actors.push(other.actor.clone()),
        6 => chunk.extra = vec![dice.below(256) as u8; dice.below(4)],
        7 => chunk.columns = other.columns.clone(),
        8 => {
            // A run of any length before what is there.
            let run = [signed_leb(dice.below(400) as i64 - 200), leb(dice.below(4) as u64)].concat();
            let at = dice.below(chunk.columns.len());
            chunk.columns[at].1.splice(..0, run);
        }
        9 => {
            let (from, to) = (dice.below(chunk.columns.len()), dice.below(chunk.columns.len()));
            chunk.columns[to].1 = chunk.columns[from].1.clone();
        }
        _ => {
            let at = dice.below(chunk.columns.len());
            damage(&mut chunk.columns[at].1, dice);
        }
    }
}

/// Changes one part of a change that is encoded well.
fn twist(change: &mut ExpandedChange, dice: &mut Dice) {
    match dice.below(14) {
        0 => change.seq = dice.below(6) as u64,
        1 => change.start_op = (dice.below(60) as u64 + 1).try_into().unwrap(),
        2 => drop(change.deps.pop()),
        3 => change.deps.push(automerge::ChangeHash([dice.below(256) as u8; 32])),
        4 if change.operations.len() > 1 => {
            drop(change.operations.remove(dice.below(change.operations.len())))
        }
        5 if !change.operations.is_empty() => {
            let (from, to) = (dice.below(change.operations.len()), dice.below(change.operations.len()));
            change.operations.swap(from, to);
        }
        6 if !change.operations.is_empty() => {
            let twin = change.operations[dice.below(change.operations.len())].clone();
            change.operations.push(twin);
        }
        7 => change.time = dice.below(9_000) as i64,
        8 => {
            let people = [customer(), colleague(), agent(), admin()];
            change.actor_id = ActorId::from(dice.pick(&people).actor.as_bytes());
        }
        _ if !change.operations.is_empty() => {
            let index = dice.below(change.operations.len());
            twist_op(&mut change.operations[index], dice);
        }
        _ => {}
    }
    change.deps.sort_unstable();
}

fn twist_op(op: &mut Op, dice: &mut Dice) {
    const KEYS: [&str; 14] = [
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
        "name",
        "a",
        "b",
        "zzz",
    ];
    match dice.below(6) {
        0 => op.obj = ObjectId::Id(random_id(dice)),
        1 => op.obj = ObjectId::Root,
        2 => op.key = Key::Map((*dice.pick(&KEYS)).into()),
        3 => {
            op.action = match dice.below(7) {
                0 => OpType::Delete,
                1 => OpType::Make(ObjType::Map),
                2 => OpType::Put(ScalarValue::Null),
                3 => OpType::Put((*dice.pick(&["closed", "open", "pending", "high", "A"])).into()),
                4 => OpType::Put(ScalarValue::Bytes(agent().user.as_bytes().to_vec())),
                5 => OpType::Put(ScalarValue::Timestamp(dice.below(9_000) as i64)),
                _ => OpType::Put(ScalarValue::Boolean(true)),
            }
        }
        4 => {
            // Another text of the same kind: what is wrong with it is only what it says.
            if let OpType::Put(ScalarValue::Str(text)) = &op.action {
                let text = format!("{text}{}", dice.below(1_000));
                op.action = OpType::Put(text.as_str().into());
            }
        }
        _ => op.pred = (0..dice.below(3)).map(|_| random_id(dice)).collect(),
    }
}

fn random_id(dice: &mut Dice) -> OpId {
    let people = [customer(), colleague(), agent(), admin()];
    OpId(dice.below(50) as u64 + 1, ActorId::from(dice.pick(&people).actor.as_bytes()))
}
