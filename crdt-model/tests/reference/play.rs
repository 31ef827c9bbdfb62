//! Random people on one ticket: honest, behind, mistaken, and hostile. Every change is judged by the reference first
//! and by the gate then.

use std::collections::BTreeMap;

use assist_crdt_model::{
    Actor, Author, ChangeHash, DeviceId, Doc, DocId, RejectCode, Role, ScannedChange, TicketId, UserId,
};
use assist_forge::Dice;

use super::encode::{Oddity, encode};
use super::model::{Head, Model, Obj, OpKey, Past, Root, Val, Write, judge_writes, members};
use super::pen::{File, Intent, Pen, Writer, text_of, unreadable};
use super::snapshot;

/// How often each verdict was given; `None` is "admitted".
pub(crate) type Tally = BTreeMap<Option<RejectCode>, usize>;

/// One ticket and those who write to it.
pub(crate) struct Play {
    dice: Dice,
    ticket: [u8; 16],
    doc: Doc,
    model: Model,
    hashes: Vec<ChangeHash>,
    stored: Vec<(Vec<u8>, usize)>,
    devices: Vec<Device>,
    comments_made: u8,
}

/// Somebody's installation, and what it has seen.
struct Device {
    writer: Writer,
    seen: Past,
}

/// A change, with all that was done to it.
struct Attempt {
    head: Head,
    intents: Vec<Intent>,
    writes: Vec<Write>,
    /// Found by reading alone, before anybody asks who may do it.
    unreadable: Option<RejectCode>,
    oddity: Option<Oddity>,
}

/// A document is left when it has so many changes: the reference counts them in the bits of one number.
const CHANGES_MAX: usize = 60;
const TIME_MAX: i64 = 1 << 48;
const OP_COUNTER_MAX: u64 = 1 << 30;

impl Play {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let ticket = [dice.below(256) as u8; 16];
        let people = [
            (1, Role::Customer, 1),
            (2, Role::Customer, 2),
            (3, Role::Agent, 3),
            (4, Role::Admin, 4),
            (1, Role::Customer, 5),
            (3, Role::Agent, 6),
        ];
        let device = |(user, role, device)| {
            let actor = *Actor::derive(&DeviceId::from_bytes([device; 32]), 0).as_bytes();
            Device { writer: Writer { user: [user; 16], role, actor }, seen: 0 }
        };
        Self {
            dice,
            ticket,
            doc: Doc::new(DocId::Ticket(TicketId::from_bytes(ticket))),
            model: Model::default(),
            hashes: Vec::new(),
            stored: Vec::new(),
            devices: people.map(device).into(),
            comments_made: 0,
        }
    }

    /// Makes and judges so many changes, or as many as the document takes.
    pub(crate) fn run(&mut self, changes: usize, tally: &mut Tally) -> usize {
        for count in 0..changes {
            if self.model.len() == CHANGES_MAX {
                return count;
            }
            let verdict = self.step();
            *tally.entry(verdict).or_default() += 1;
        }
        changes
    }

    fn step(&mut self) -> Option<RejectCode> {
        if !self.stored.is_empty() && self.dice.one_in(40) {
            return self.send_again();
        }
        if self.dice.one_in(60) {
            self.change_a_role();
        }
        let number = self.dice.below(self.devices.len());
        if self.dice.one_in(2) {
            self.devices[number].seen = self.model.all();
        } else {
            let other = self.dice.below(self.devices.len());
            self.devices[number].seen |= self.devices[other].seen;
        }
        let attempt = self.attempt(number);
        let bytes = encode(&attempt.head, &attempt.writes, &self.hashes, attempt.oddity);
        let foretold = self.judge(&attempt, self.devices[number].writer);
        let found = ScannedChange::scan(&bytes)
            .and_then(|scanned| self.doc.admit(&scanned, &self.author(number)).map(|edits| (scanned, edits)));
        let writer = self.devices[number].writer;
        match (found, foretold) {
            (Ok((scanned, edits)), Ok(pen_root)) => {
                assert_eq!(edits.len(), attempt.intents.len(), "{:?} by {writer:?}", attempt.intents);
                let number_of_change = self.model.len();
                self.hashes.push(scanned.hash());
                self.model.admit(attempt.head, attempt.writes, pen_root);
                self.devices[number].seen |= self.model.past_of([number_of_change]);
                self.stored.push((bytes, number));
                self.check_snapshot();
                None
            }
            (Err(rejection), Err(code)) if rejection.code == code => Some(code),
            (found, foretold) => panic!(
                "the gate says {:?}, the reference {:?}: {:?} with {:?} by {writer:?}, writes {:?}, {:?}",
                found.map(|_| ()),
                foretold.map(|_| ()),
                attempt.intents,
                attempt.head,
                attempt.writes,
                attempt.oddity,
            ),
        }
    }

    /// The reference's verdict.
    fn judge(&self, attempt: &Attempt, writer: Writer) -> Result<Root, RejectCode> {
        let head = &attempt.head;
        match attempt.oddity {
            Some(Oddity::CrowdOfDeps) => return Err(RejectCode::TooLarge),
            _ if !(0..=TIME_MAX).contains(&head.time) => return Err(RejectCode::Malformed),
            Some(Oddity::Message | Oddity::Footer) => return Err(RejectCode::Malformed),
            None => {}
        }
        // An id beyond the bound within the operations is read before the bound of the change itself.
        let is_far = |id: &OpKey| id.0 > OP_COUNTER_MAX;
        let names_far = |write: &Write| {
            matches!(&write.obj, Obj::Made(id) if is_far(id)) || write.replaces.iter().any(is_far)
        };
        if attempt.writes.iter().any(names_far) {
            return Err(RejectCode::Malformed);
        }
        if head.start_op + attempt.writes.len() as u64 > OP_COUNTER_MAX {
            return Err(RejectCode::TooLarge);
        }
        let past = self.model.judge_head(head, writer.actor)?;
        if let Some(code) = attempt.unreadable {
            return Err(code);
        }
        let mut honest = Pen::new(&self.model, past, writer, head.start_op, head.time, self.ticket);
        for intent in &attempt.intents {
            honest.write(intent)?;
        }
        if honest.writes.is_empty() {
            return Err(RejectCode::NotAnEdit);
        }
        judge_writes(&attempt.writes, &honest.writes)?;
        Ok(honest.root.expect("what was written was written to a ticket"))
    }

    fn check_snapshot(&self) {
        let foretold = snapshot::ticket(&self.model, self.ticket, &self.hashes);
        assert_eq!(self.doc.ticket(), foretold);
        let mut heads: Vec<ChangeHash> =
            self.model.tips(self.model.all()).into_iter().map(|tip| self.hashes[tip]).collect();
        heads.sort_unstable();
        assert_eq!(self.doc.heads(), heads);
    }

    /// What is there already is refused as such, whoever sends it.
    fn send_again(&mut self) -> Option<RejectCode> {
        let (bytes, by) = self.dice.pick(&self.stored).clone();
        let sender = if self.dice.one_in(2) { by } else { self.dice.below(self.devices.len()) };
        let scanned = ScannedChange::scan(&bytes).unwrap();
        let rejection = self.doc.admit(&scanned, &self.author(sender)).unwrap_err();
        assert_eq!(rejection.code, RejectCode::AlreadyThere);
        Some(rejection.code)
    }

    /// A person's role is the one at the moment of admission, on all their devices.
    fn change_a_role(&mut self) {
        let user = self.devices[self.dice.below(self.devices.len())].writer.user;
        let role = *self.dice.pick(Role::ALL);
        for device in self.devices.iter_mut().filter(|device| device.writer.user == user) {
            device.writer.role = role;
        }
    }

    fn author(&self, device: usize) -> Author {
        let Writer { user, role, .. } = self.devices[device].writer;
        let key = [1, 2, 3, 4, 5, 6][device];
        let actor = Actor::derive(&DeviceId::from_bytes([key; 32]), 0);
        Author { user: UserId::from_bytes(user), role, actor }
    }

    fn attempt(&mut self, device: usize) -> Attempt {
        let writer = self.devices[device].writer;
        let seen = self.devices[device].seen;
        let mut head = Head {
            actor: writer.actor,
            seq: self.model.next_seq(writer.actor),
            start_op: self.model.next_op(seen),
            time: self.dice.below(1_000_000) as i64,
            deps: self.model.tips(seen),
        };
        let mut oddity = None;
        if self.dice.one_in(5) {
            oddity = self.bend_head(&mut head);
        }
        let past = self.model.past_of(head.deps.iter().copied().filter(|dep| *dep < self.model.len()));
        let bent = Writer { actor: head.actor, ..writer };
        let mut intents = self.intents(past);
        let is_honest = self.dice.one_in(2);
        let mut pen = Pen::new(&self.model, past, bent, head.start_op, head.time, self.ticket);
        if is_honest {
            intents = honest_ones(pen.clone(), intents);
        }
        let mut cannot_be_read = None;
        for intent in &intents {
            cannot_be_read = cannot_be_read.or(unreadable(&pen, intent));
            pen.scribble(intent);
        }
        let mut writes = pen.writes;
        if self.dice.one_in(5) && cannot_be_read.is_none() {
            cannot_be_read = self.bend_writes(&mut writes, &intents);
        }
        Attempt { head, intents, writes, unreadable: cannot_be_read, oddity }
    }

    /// Puts the change in a wrong place, or a part on it that no change of ours has.
    fn bend_head(&mut self, head: &mut Head) -> Option<Oddity> {
        let dice = &mut self.dice;
        match dice.below(13) {
            0 => head.actor = self.devices[dice.below(self.devices.len())].writer.actor,
            1 => head.seq = dice.below(6) as u64,
            2 => head.seq += 1,
            3 => head.start_op = dice.below(40) as u64 + 1,
            4 => head.start_op += 1 << dice.below(31),
            5 => drop(head.deps.pop()),
            6 => head.deps.clear(),
            7 => head.deps.push(self.model.len() + dice.below(100)),
            8 if self.model.len() > 0 => head.deps.push(dice.below(self.model.len())),
            9 => head.time = *dice.pick(&[-1, i64::MIN, i64::MAX, TIME_MAX, TIME_MAX + 1, 0]),
            10 => return Some(Oddity::Message),
            11 => return Some(Oddity::Footer),
            12 => return Some(Oddity::CrowdOfDeps),
            _ => {}
        }
        head.deps.sort_unstable();
        head.deps.dedup();
        None
    }

    /// Changes what is written behind the intents' back. Says so if it can no longer be read as those intents.
    fn bend_writes(&mut self, writes: &mut Vec<Write>, intents: &[Intent]) -> Option<RejectCode> {
        let dice = &mut self.dice;
        let at = dice.below(writes.len());
        match dice.below(7) {
            0 => writes[at].replaces.clear(),
            1 => {
                let replaces = &mut writes[at].replaces;
                replaces.push((
                    dice.below(30) as u64 + 1,
                    self.devices[dice.below(self.devices.len())].writer.actor,
                ));
                replaces.sort_unstable();
                replaces.dedup();
            }
            2 => {
                // A field that no edit writes: nothing is read as anything then.
                let key = dice.pick(&["zzz", "created_at", "requester", "comments", "kind"]).to_string();
                writes.push(Write { obj: Obj::Root, key, val: Val::Uint(1), replaces: Vec::new() });
                return Some(RejectCode::NotAnEdit);
            }
            3 if matches!(intents.last(), Some(Intent::EditComment { .. })) => drop(writes.pop()),
            _ => {
                // What an edit writes of its own accord.
                let own = ["v", "kind", "id", "created_at", "status", "author", "edited_at", "deleted"];
                let is_in_creation =
                    |write: &Write| write.key != "status" || matches!(intents, [Intent::Create { .. }]);
                if own.contains(&writes[at].key.as_str()) && is_in_creation(&writes[at]) {
                    writes[at].val =
                        dice.pick(&[Val::Uint(2), Val::None, Val::Time(7), Val::Bytes(vec![2; 16])]).clone();
                }
            }
        }
        None
    }

    fn intents(&mut self, past: Past) -> Vec<Intent> {
        let is_first = self.model.root().is_none();
        let mut intents = Vec::new();
        if is_first && !self.dice.one_in(8) || self.dice.one_in(60) {
            let requester = [self.dice.below(3) as u8 + 1; 16];
            intents.push(Intent::Create { requester, title: self.line(), body: self.text() });
        }
        if !is_first && self.dice.one_in(150) {
            intents
                .extend((0..20 + self.dice.below(40)).map(|number| Intent::AddLabel(format!("l{number}"))));
        }
        while intents.is_empty() || self.dice.one_in(3) {
            let intent = if is_first { self.field_intent() } else { self.intent(past) };
            intents.push(intent);
        }
        intents
    }

    fn intent(&mut self, past: Past) -> Intent {
        match self.dice.below(12) {
            0..=4 => self.field_intent(),
            10 => Intent::Link(self.ticket_name()),
            11 => Intent::Unlink(self.ticket_name()),
            5 => Intent::AddLabel(self.label()),
            6 => Intent::RemoveLabel(self.label()),
            7 => self.comment_intent(),
            8 => Intent::EditComment { id: self.comment_id(), body: self.text() },
            // Deleting all would leave nothing to edit.
            _ if members(past).count().is_multiple_of(2) => Intent::DeleteComment(self.comment_id()),
            _ => self.comment_intent(),
        }
    }

    fn field_intent(&mut self) -> Intent {
        let is_none = self.dice.one_in(3);
        match self.dice.below(8) {
            6 if is_none => Intent::CloseReason(None),
            6 => Intent::CloseReason(Some(self.line())),
            7 if is_none => Intent::Merge(None),
            7 => Intent::Merge(Some(vec![
                *self.dice.pick(&[1, 8, 9]);
                if self.dice.one_in(12) { 15 } else { 16 }
            ])),
            0 => Intent::Title(self.line()),
            1 => Intent::Body(self.text()),
            2 => Intent::Status(
                self.dice
                    .pick(&["open", "open", "pending", "resolved", "closed", "closed", "paused"])
                    .to_string(),
            ),
            3 if is_none => Intent::Assignee(None),
            3 => Intent::Assignee(Some(vec![
                3 + self.dice.below(2) as u8;
                if self.dice.one_in(12) { 15 } else { 16 }
            ])),
            4 if is_none => Intent::Priority(None),
            4 => Intent::Priority(Some(self.dice.pick(&["low", "high", "urgent", "never"]).to_string())),
            _ if is_none => Intent::Snooze(None),
            _ => Intent::Snooze(Some(*self.dice.pick(&[0, 5_000, 6_000, TIME_MAX, -1, TIME_MAX + 1]))),
        }
    }

    fn comment_intent(&mut self) -> Intent {
        let is_new = !self.dice.one_in(12);
        if is_new {
            self.comments_made = self.comments_made.wrapping_add(1);
        }
        let id = if is_new { [self.comments_made; 16] } else { self.comment_id() };
        let reply_to = self.dice.one_in(4).then(|| self.comment_id());
        let mut files = Vec::new();
        while self.dice.one_in(5) {
            let name = self.dice.pick(&["log.txt", "log.txt", "screen 1.png", "../etc", ""]).to_string();
            files.push(File {
                blob: [self.dice.below(3) as u8; 32],
                name,
                size: self.dice.below(99_999) as u64,
            });
        }
        Intent::Comment { id, body: self.text(), reply_to, files }
    }

    /// Mostly one that is there.
    fn comment_id(&mut self) -> [u8; 16] {
        [self.dice.below(usize::from(self.comments_made) + 2) as u8; 16]
    }

    fn line(&mut self) -> String {
        let long = "x".repeat(81);
        let lines = ["It hangs", "It hangs again", "Solved", "", "  ", " padded", &long];
        let at = if self.dice.one_in(4) { self.dice.below(lines.len()) } else { self.dice.below(3) };
        lines[at].to_owned()
    }

    fn text(&mut self) -> String {
        self.dice.pick(&["On start.", "On start.", "Since Monday\n", "1.2", "See above", " ", ""]).to_string()
    }

    /// Of a ticket: now and then this one, now and then none that could be.
    fn ticket_name(&mut self) -> String {
        let size = if self.dice.one_in(12) { 15 } else { 16 };
        text_of(&vec![*self.dice.pick(&[1, 8, 9]); size])
    }

    fn label(&mut self) -> String {
        self.dice.pick(&["a", "b", "c", "d", "e", " a", "", "billing"]).to_string()
    }
}

/// Those that a program as we ship it would write down; all of them if it would write nothing.
fn honest_ones(mut pen: Pen<'_>, intents: Vec<Intent>) -> Vec<Intent> {
    let mut kept = Vec::new();
    for intent in &intents {
        let mut next = pen.clone();
        let is_readable = unreadable(&next, intent).is_none();
        if is_readable && next.write(intent).is_ok() && next.writes.len() > pen.writes.len() {
            pen = next;
            kept.push(intent.clone());
        }
    }
    if kept.is_empty() { intents } else { kept }
}
