//! Whatever people do on however many devices, in whatever order their changes arrive: every gate takes them, and
//! all devices end with the same ticket.

use std::collections::BTreeSet;

use automerge::legacy::Key;
use automerge::{Automerge, Change, PatchAction, Prop};
use proptest::prelude::*;

use crate::doc::view::{automerge_hash, exid_from_obj};
use crate::fixtures::{DOC, admin, agent, body, colleague, create, customer, label, person, title};
use crate::{
    Attachment, Author, BlobHash, ChangeHash, CommentId, Doc, Edit, EditError, Priority, Role, ScannedChange,
    Status, UnixMillis,
};

/// One thing that happens: on which device, what, and which of the possible things it is about.
#[derive(Debug, Clone, Copy)]
struct Step {
    device: usize,
    kind: u8,
    pick: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..DEVICES, 0..24_u8, any::<u8>());
    prop::collection::vec(step.prop_map(|(device, kind, pick)| Step { device, kind, pick }), 1..60)
}

const DEVICES: usize = 5;

/// Two devices of the customer, a colleague, an agent, an admin.
fn author(device: usize) -> Author {
    let second_device = Author { actor: person(9, Role::Customer).actor, ..customer() };
    [customer(), second_device, colleague(), agent(), admin()][device]
}

/// A change as it travels.
struct Sent {
    scanned: ScannedChange,
    author: Author,
}

/// Several devices with a copy each, and all changes that were made so far.
struct Net {
    docs: Vec<Doc>,
    sent: Vec<Sent>,
}

impl Net {
    fn new() -> Self {
        let mut net = Self { docs: vec![Doc::new(DOC); DEVICES], sent: Vec::new() };
        net.apply(0, 0, &[create()]);
        for device in 1..DEVICES {
            net.deliver(device, 0);
        }
        net
    }

    fn run(&mut self, step: Step, time: u64) {
        if step.kind < 8 {
            self.deliver(step.device, step.pick);
        } else {
            let edits = edits(&self.docs[step.device], step, time);
            self.apply(step.device, time, &edits);
        }
    }

    fn apply(&mut self, device: usize, time: u64, edits: &[Edit]) {
        let author = author(device);
        match self.docs[device].apply(&author, UnixMillis(time), edits) {
            Ok(change) => {
                let scanned = ScannedChange::scan(&change.bytes).unwrap();
                assert_eq!(scanned.hash(), change.hash);
                self.sent.push(Sent { scanned, author });
            }
            Err(
                EditError::NothingToDo
                | EditError::NotAllowed { .. }
                | EditError::NoSuchComment(_)
                | EditError::CommentExists(_),
            ) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Brings one of the changes that could arrive now. Tells whether there was one.
    fn deliver(&mut self, device: usize, pick: u8) -> bool {
        let doc = &mut self.docs[device];
        let is_ready = |sent: &&Sent| {
            !doc.contains(&sent.scanned.hash()) && sent.scanned.deps().iter().all(|dep| doc.contains(dep))
        };
        let ready: Vec<&Sent> = self.sent.iter().filter(is_ready).collect();
        if ready.is_empty() {
            return false;
        }
        let Sent { scanned, author } = ready[usize::from(pick) % ready.len()];
        let edits = doc.admit(scanned, author).unwrap();
        assert!(!edits.is_empty());
        check_touches_only_its_operations(doc, scanned);
        true
    }
}

/// What a change does to the document, seen by Automerge's own diff, is what its operations say.
fn check_touches_only_its_operations(doc: &Doc, scanned: &ScannedChange) {
    let deps: Vec<_> = scanned.deps().iter().map(automerge_hash).collect();
    let change = Change::try_from(scanned.bytes()).unwrap().decode();
    let declared: BTreeSet<(String, String)> = change
        .operations
        .iter()
        .map(|op| match &op.key {
            Key::Map(key) => (exid_from_obj(&op.obj).to_string(), key.to_string()),
            Key::Seq(_) => unreachable!("there are no lists"),
        })
        .collect();
    for patch in doc.automerge().diff(&deps, &[automerge_hash(&scanned.hash())]) {
        let key = match patch.action {
            PatchAction::PutMap { key, .. } | PatchAction::DeleteMap { key } => key,
            PatchAction::Conflict { prop: Prop::Map(key) } => key,
            other => panic!("{other:?}"),
        };
        assert!(declared.contains(&(patch.obj.to_string(), key)));
    }
}

fn edits(doc: &Doc, step: Step, time: u64) -> Vec<Edit> {
    let pick = step.pick;
    let ticket = doc.ticket().unwrap();
    let known = |pick: u8| {
        let ids: Vec<CommentId> = ticket.comments.iter().map(|comment| comment.id).collect();
        ids.get(usize::from(pick) % ids.len().max(1)).copied()
    };
    let fresh = CommentId::new(UnixMillis(time), [step.device as u8; 10]);
    let comment = |attachments| Edit::AddComment {
        id: fresh,
        body: body(&format!("Comment {pick}")),
        reply_to: if pick.is_multiple_of(3) { known(pick) } else { None },
        attachments,
    };
    let attachment = |number: u8| Attachment {
        blob: BlobHash::from_bytes([number; 32]),
        name: format!("{number}.png"),
        size_bytes: u64::from(number) << 20,
        media_type: "image/png".to_owned(),
    };
    let set_status = Edit::SetStatus(Status::ALL[usize::from(pick) % Status::ALL.len()]);
    let add_label = Edit::AddLabel(label(&format!("label {}", pick % 3)));
    match step.kind {
        8 => vec![Edit::SetTitle(title(&format!("Title {}", pick % 4)))],
        9 => vec![Edit::SetBody(body(&format!("Body {}", pick % 4)))],
        10 | 11 => vec![set_status],
        12 => vec![Edit::SetAssignee(if pick.is_multiple_of(3) {
            None
        } else {
            Some(author(usize::from(pick % 5)).user)
        })],
        13 => vec![Edit::SetPriority(Priority::ALL.get(usize::from(pick % 5)).copied())],
        14 => {
            vec![Edit::SetSnoozedUntil((!pick.is_multiple_of(3)).then_some(UnixMillis(u64::from(pick % 4))))]
        }
        15 => vec![add_label],
        16 => vec![Edit::RemoveLabel(label(&format!("label {}", pick % 3)))],
        17 | 18 => vec![comment(Vec::new())],
        19 => vec![comment(vec![attachment(pick), attachment(pick.wrapping_add(1))])],
        20 | 21 => known(pick)
            .map(|id| Edit::EditComment { id, body: body(&format!("Again {pick}")) })
            .into_iter()
            .collect(),
        22 => known(pick).map(Edit::DeleteComment).into_iter().collect(),
        _ => vec![
            set_status,
            add_label,
            comment(Vec::new()),
            Edit::EditComment { id: fresh, body: body("Typo") },
        ],
    }
}

/// The order in which the changes are in this document, for loading it again.
fn stored_order(doc: &Doc, sent: &[Sent]) -> Vec<usize> {
    let mut done: BTreeSet<ChangeHash> = BTreeSet::new();
    let mut order = Vec::new();
    while order.len() < doc.change_count() {
        for (index, sent) in sent.iter().enumerate().rev() {
            let is_ready = sent.scanned.deps().iter().all(|dep| done.contains(dep));
            if is_ready && done.insert(sent.scanned.hash()) {
                order.push(index);
            }
        }
    }
    order
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn all_devices_end_with_the_same_ticket(steps in steps(), order in prop::collection::vec(any::<u8>(), 400)) {
        let mut net = Net::new();
        for (step, time) in steps.into_iter().zip(1..) {
            net.run(step, time);
        }
        let mut order = order.into_iter().cycle();
        for device in 0..DEVICES {
            while net.deliver(device, order.next().unwrap()) {}
        }

        let first = &net.docs[0];
        for other in &net.docs[1..] {
            prop_assert_eq!(first.ticket(), other.ticket());
            prop_assert_eq!(first.summary(), other.summary());
            prop_assert_eq!(first.heads(), other.heads());
        }
        prop_assert_eq!(first.change_count(), net.sent.len());
        check_loads_again(first, &net.sent);
        check_history(first, &net.sent);
    }
}

/// However a document is brought back, it is the same.
fn check_loads_again(doc: &Doc, sent: &[Sent]) {
    let order = stored_order(doc, sent);
    let loaded = Doc::load(doc.id(), order.iter().map(|index| sent[*index].scanned.bytes())).unwrap();
    let authored = order.iter().map(|index| (&sent[*index].scanned, sent[*index].author));
    let verified = Doc::verify(doc.id(), authored).unwrap();
    for other in [&loaded, &verified] {
        assert_eq!(other.ticket(), doc.ticket());
        assert_eq!(other.heads(), doc.heads());
    }
    let elsewhere = Automerge::load(&doc.save()).unwrap();
    let mut heads: Vec<_> = elsewhere.get_heads().iter().map(|hash| ChangeHash::from_bytes(hash.0)).collect();
    heads.sort_unstable();
    assert_eq!(heads, doc.heads());
}

fn check_history(doc: &Doc, sent: &[Sent]) {
    let history = doc.history();
    assert_eq!(history.len(), sent.len());
    let known: BTreeSet<ChangeHash> = sent.iter().map(|sent| sent.scanned.hash()).collect();
    assert!(history.iter().all(|entry| known.contains(&entry.change) && !entry.edits.is_empty()));
}

#[test]
fn comments_stand_in_causal_order_whatever_the_clocks_say() {
    let mut net = Net::new();
    let say = |number: u8, reply_to| {
        let id = CommentId::from_bytes([number; 16]);
        [Edit::AddComment { id, body: body("x"), reply_to, attachments: Vec::new() }]
    };
    // Each clock is further behind than the one before, and the ids run backwards too.
    for (number, device) in [(9, 0), (8, 3), (7, 4), (6, 2)] {
        net.apply(device, u64::from(number), &say(number, None));
        for other in 0..DEVICES {
            while net.deliver(other, 0) {}
        }
    }
    let order: Vec<u64> =
        net.docs[1].ticket().unwrap().comments.iter().map(|comment| comment.created_at.0).collect();
    assert_eq!(order, [9, 8, 7, 6]);
}
