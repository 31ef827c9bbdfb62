//! What must hold: while things happen ([`World::observe`]) and when all is healed ([`World::check`]).

use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::{ChangeHash, Doc, DocId, ProjectId, ScannedChange, TicketId, UnixMillis, UserId};
use assist_proto::hub::{Connection, Notice, Notification, Reply};
use assist_proto::store::{
    Audience, DeviceStore, EntryKind, Mark, ReadMark, Record, Seq, ServerStore, StoredVerdict, TicketRow,
    User,
};
use assist_proto::wire::presence::{Doing, PresenceNews, PresentPerson, TicketPresence};
use assist_proto::wire::{Item, PagedDoc, PeerMessage, codec};

use super::{Asked, Promise, Seat, World};
use crate::memory_store::MemoryStore;
use crate::network::SentFrame;
use crate::peer::PeerId;

impl World {
    /// Looks at what was sent and answered since the last look.
    ///
    /// # Panics
    /// If something was sent that must not be, or claimed that is not so.
    pub fn observe(&mut self) {
        for sent in std::mem::take(&mut self.net.sent) {
            self.frames_seen += 1;
            self.look_at(&sent);
        }
        for answer in std::mem::take(&mut self.net.answers) {
            let Some(Asked { seat, token, texts }) = self.asked.remove(&answer.call) else { continue };
            if let Ok(Reply::Written { doc, change, .. }) = answer.outcome {
                self.written_in.extend(texts.map(|number| ((seat.project, number), doc)));
                self.promises.push(Promise { seat, doc, change, token });
            }
        }
        for (peer, notice) in std::mem::take(&mut self.net.notices) {
            self.check_notice(peer, &notice);
        }
        self.check_mails();
    }

    /// Front ends are told of tickets that the device has, had, or is just losing: of none that it never saw.
    fn check_notice(&mut self, peer: PeerId, notice: &Notice) {
        self.check_notification(peer, notice);
        let (Notice::TicketChanged { project, ticket, .. }
        | Notice::CommentAdded { project, ticket, .. }
        | Notice::Notification(Notification { project, ticket, .. })
        | Notice::NoteAdded { project, ticket, .. }) = notice
        else {
            return;
        };
        let Some(place) = self.projects.iter().position(|place| place.id == *project) else {
            panic!("a notice of a project that nobody made");
        };
        let is_filed_here = self.is_waiting(peer, place, *ticket);
        if is_filed_here || self.may_see(peer, place, *ticket) {
            self.once_seen.insert((peer, *ticket));
        }
        let was_seen = self.once_seen.contains(&(peer, *ticket));
        assert!(was_seen, "{} was told of {ticket:?}", self.net.peer(peer).name);
    }

    /// Whether the device has written something in the ticket that the server does not have.
    fn is_waiting(&self, device: PeerId, project: usize, ticket: TicketId) -> bool {
        let store = &self.net.peer(device).store;
        let own = store.outbox_of_doc(&self.projects[project].id, DocId::Ticket(ticket));
        !own.expect("memory is read").is_empty()
    }

    fn look_at(&mut self, sent: &SentFrame) {
        let Some(project) = self.projects.iter().position(|place| place.server == sent.from) else {
            self.check_sent_by_device(&sent.frame, sent.to);
            return;
        };
        let Ok(message) = codec::decode::<PeerMessage>("message", &sent.frame) else {
            panic!("a server sent what is no message");
        };
        self.check_canaries(&sent.frame, project, sent.to);
        match &message {
            PeerMessage::Rows(rows) => {
                let rows: Vec<TicketRow> = codec::decode_page("rows", &rows.page).expect("a page of rows");
                for row in rows {
                    self.check_canaries(row.title.as_bytes(), project, sent.to);
                    assert!(self.may_see(sent.to, project, row.ticket), "a row of another's ticket was sent");
                    self.once_seen.insert((sent.to, row.ticket));
                }
            }
            PeerMessage::Docs(docs) => {
                let docs: Vec<PagedDoc> = codec::decode_page("docs", &docs.page).expect("a page of docs");
                for doc in docs {
                    self.check_canaries(&doc.records, project, sent.to);
                    self.once_seen.extend(doc.doc.ticket().map(|ticket| (sent.to, ticket)));
                }
            }
            PeerMessage::Verdicts(verdicts) => {
                for ack in &verdicts.acks {
                    let old = self.acks.insert((project, ack.change), ack.seq);
                    assert!(old.is_none_or(|seq| seq == ack.seq), "a change was acknowledged at two places");
                }
            }
            PeerMessage::Introduce(introduce) => self.check_introduced(introduce, project, sent.to),
            PeerMessage::Marks(marks) => {
                self.note_sides(project);
                for mark in &marks.marks {
                    assert!(self.may_see(sent.to, project, mark.ticket), "another's mark was sent");
                    self.check_delivered(project, mark);
                }
                for mark in &marks.reads {
                    assert!(self.may_see(sent.to, project, mark.ticket), "another's read mark was sent");
                    self.check_read(project, mark, sent.to);
                }
            }
            PeerMessage::Records(records) => {
                for item in &records.items {
                    self.once_seen.extend(ticket_of(item).map(|ticket| (sent.to, ticket)));
                }
                // What a device gives up when it is told to was delivered all the same.
                if records.items.iter().any(is_revocation) {
                    self.remember_held(sent.to);
                }
            }
            PeerMessage::PresenceNews(news) => {
                self.check_presence(news, project, sent.to);
                self.presence_told.push((sent.to, news.clone()));
            }
            // Who changes sides starts a session anew, after an answer to whoever asked for it.
            PeerMessage::Answer(answer) => {
                self.check_answer(answer, project, sent.to);
                self.note_sides(project);
            }
            PeerMessage::Welcome(_) => self.note_sides(project),
            _ => {}
        }
    }

    pub(super) fn may_see(&self, device: PeerId, project: usize, ticket: TicketId) -> bool {
        let Some(user) = self.member(device, project) else { return false };
        let customers = self.server_store(project).members_of(ticket).expect("memory is read");
        user.role.is_team() || customers.contains(&user.user)
    }

    /// Who uses a device, as the server has them now.
    pub(super) fn member(&self, device: PeerId, project: usize) -> Option<User> {
        let server = self.server_store(project);
        let device = ServerStore::device(server, &self.net.peer(device).device()).expect("memory is read")?;
        let user = server.user(device.user).expect("memory is read")?;
        (user.is_member() && !device.is_revoked).then_some(user)
    }

    fn is_team(&self, device: PeerId, project: usize) -> bool {
        self.member(device, project).is_some_and(|user| user.role.is_team())
    }

    /// What was delivered to somebody as a customer was delivered to a customer, whatever they are now.
    fn note_sides(&mut self, project: usize) {
        let seats: Vec<Seat> = self.seats.iter().chain(&self.late).copied().collect();
        for seat in seats.into_iter().filter(|seat| seat.project == project) {
            let is_team = self.is_team(seat.device, project);
            let was_team = self.sides.insert((seat.device, project), is_team);
            if was_team == Some(!is_team) {
                self.remember_held_by(seat, !is_team);
            }
        }
    }

    /// The device is about to lose what it holds. What was delivered to it was delivered all the same.
    pub(super) fn remember_held(&mut self, device: PeerId) {
        for seat in self.seats.clone().into_iter().filter(|seat| seat.device == device) {
            self.note_sides(seat.project);
            let is_team = self.is_team(device, seat.project);
            self.remember_held_by(seat, is_team);
        }
    }

    fn remember_held_by(&mut self, seat: Seat, is_team: bool) {
        let project = self.projects[seat.project].id;
        let store = &self.net.peer(seat.device).store;
        for doc in store.docs(&project).expect("memory is read") {
            let held = held(store, &project, doc).map(|seq| (seat.project, is_team, seq));
            self.once_held.extend(held);
        }
    }

    /// "Delivered" is only said when a device of that side holds the record.
    fn check_delivered(&self, project: usize, mark: &Mark) {
        for (seq, is_team) in [(mark.team, true), (mark.customers, false)] {
            let seats = self.seats.iter().chain(&self.late).filter(|seat| seat.project == project);
            let side = seats.filter(|seat| self.is_team(seat.device, project) == is_team);
            let was_held = seq == Seq::ZERO || self.once_held.contains(&(project, is_team, seq));
            let is_held = was_held || side.clone().any(|seat| self.holds(*seat, mark.ticket, seq));
            assert!(is_held, "{seq:?} is said to be delivered, and no device of that side holds it");
        }
    }

    /// "Read" is only said of what its reader's device showed to them, what was shown was delivered before, and who
    /// does not send read marks is known to have read by their own devices alone.
    fn check_read(&mut self, project: usize, mark: &ReadMark, to: PeerId) {
        let id = self.projects[project].id;
        let server = self.server_store(project);
        let is_theirs = |seat: &&Seat| {
            seat.project == project && self.user_of(**seat).is_some_and(|user| user == mark.user)
        };
        let mut theirs = self.seats.iter().chain(&self.late).filter(is_theirs);
        let is_own = theirs.clone().any(|seat| seat.device == to);
        assert!(is_own || mark.private_through.is_none(), "a private read mark was sent to somebody else");
        let has_read = |seat: &Seat| {
            let read = self.net.peer(seat.device).store.own_read(&id, mark.ticket);
            read.expect("memory is read") >= Some(mark.own_through()) || self.restored.contains(&seat.device)
        };
        // Who lost the ticket since has forgotten it.
        let reader = server.user(mark.user).expect("memory is read");
        let members = server.members_of(mark.ticket).expect("memory is read");
        let may_see = members.contains(&mark.user) || reader.is_some_and(|user| user.role.is_team());
        let is_known = !may_see || self.once_read.contains(&(mark.ticket, mark.user, mark.own_through()));
        assert!(is_known || theirs.any(has_read), "{mark:?} is said, and no device of theirs knows of it");
        let delivered = ServerStore::mark(server, mark.ticket).expect("memory is read");
        let side = delivered.map(|it| if mark.is_team { it.team } else { it.customers });
        assert!(side >= Some(mark.own_through()), "{mark:?} is read, and not delivered to that side");
        self.once_read.insert((mark.ticket, mark.user, mark.own_through()));
    }

    /// Who is there is told of tickets that one may see; status texts, and who writes notes, to the team alone.
    fn check_presence(&self, news: &PresenceNews, project: usize, to: PeerId) {
        let (is_team, name) = (self.is_team(to, project), &self.net.peer(to).name);
        assert!(is_team || news.team.is_none(), "{name} was told who of the team is there");
        for TicketPresence { ticket, people } in &news.tickets {
            assert!(self.may_see(to, project, *ticket), "{name} was told who is at another's ticket");
            let is_for_team = |it: &PresentPerson| it.status.is_some() || it.doing == Doing::TypingNote;
            assert!(is_team || !people.named.iter().any(is_for_team), "{name} was told what is the team's");
        }
    }

    fn holds(&self, seat: Seat, ticket: TicketId, seq: Seq) -> bool {
        let project = self.projects[seat.project].id;
        let store = &self.net.peer(seat.device).store;
        held(store, &project, DocId::Ticket(ticket)).any(|held| held == seq)
    }

    /// Checks everything that must hold when all is healed and quiet.
    ///
    /// # Panics
    /// If something does not.
    pub fn check(&self) {
        for project in 0..self.projects.len() {
            let log = self.check_log(project);
            self.check_acks(project);
            self.check_admissions(project, &log);
            let docs: BTreeMap<DocId, Doc> =
                log.iter().map(|(doc, records)| (*doc, load(*doc, records))).collect();
            let seats = self.seats.iter().filter(|seat| seat.project == project);
            let (shut_out, members): (Vec<Seat>, Vec<Seat>) =
                seats.copied().partition(|seat| self.is_shut_out(*seat));
            for seat in &shut_out {
                self.check_shut_out(*seat);
            }
            for seat in &members {
                let visible = self.check_seat(*seat, &log);
                self.check_mentioned_count(*seat);
                for doc in visible {
                    self.check_doc(*seat, &docs[&doc], &log[&doc]);
                }
            }
        }
        for promise in &self.promises {
            self.check_promise(promise);
        }
    }

    /// The documents of which a server has something.
    ///
    /// # Panics
    /// If memory is not read.
    pub fn docs_on_server(&self, project: usize) -> Vec<DocId> {
        let log = self.server_store(project).log_after(Audience::Team, Seq::ZERO, usize::MAX);
        let docs: BTreeSet<DocId> = log.expect("memory is read").iter().map(|entry| entry.doc).collect();
        docs.into_iter().collect()
    }

    pub(super) fn server_store(&self, project: usize) -> &MemoryStore {
        &self.net.peer(self.projects[project].server).store
    }

    /// No gaps, no number twice, no change twice. Gives the log by document.
    fn check_log(&self, project: usize) -> BTreeMap<DocId, Vec<Record>> {
        let server = self.server_store(project);
        let log = server.log_after(Audience::Team, Seq::ZERO, usize::MAX).expect("memory is read");
        let mut by_doc: BTreeMap<DocId, Vec<Record>> = BTreeMap::new();
        let mut numbers = BTreeSet::new();
        let mut changes = BTreeSet::new();
        for (place, entry) in (1..).zip(&log) {
            assert_eq!(entry.seq, Seq(place), "the log has a gap");
            assert_ne!(entry.kind, EntryKind::Lost, "{:?} did not come back", entry.seq);
            if !matches!(entry.kind, EntryKind::Record { .. }) {
                continue;
            }
            let record = server.record(entry).expect("every place has its record");
            assert_eq!(record.seq, entry.seq, "a record is at another place than it says");
            assert!(changes.insert(hash_of(&record)), "a change is in the log twice");
            assert!(record.number.is_none_or(|number| numbers.insert(number)), "a number was given twice");
            by_doc.entry(entry.doc).or_default().push(record);
        }
        by_doc
    }

    fn check_acks(&self, project: usize) {
        let server = self.server_store(project);
        for ((_, change), seq) in self.acks.iter().filter(|((of, _), _)| *of == project) {
            match server.verdict(change).expect("memory is read") {
                Some(StoredVerdict::Admitted(entry)) if entry.seq == *seq => {}
                other => panic!("{change} was acknowledged at {seq:?}, and now is {other:?}"),
            }
        }
    }

    /// The device has all that it may see, nothing else, and nothing left to do.
    fn check_seat(&self, seat: Seat, log: &BTreeMap<DocId, Vec<Record>>) -> BTreeSet<DocId> {
        let peer = self.net.peer(seat.device);
        let (name, store) = (&peer.name, &peer.store);
        let place = self.projects[seat.project];
        let server = self.server_store(seat.project);
        let user = self.user_of(seat).expect("a seat is a member");
        let member = self.member(seat.device, seat.project).expect("a seat is on the roster");
        let audience = Audience::new(user, member.role);

        let status =
            peer.device_hub().and_then(|hub| hub.status(&place.id)).expect("it runs and is a member");
        assert!(matches!(status.connection, Connection::Online { .. }), "{name} is {:?}", status.connection);
        assert_eq!(store.outbox_count(&place.id).expect("memory is read"), 0, "{name} has unsent changes");
        let sync = store.sync_state(&place.id).expect("memory is read");
        assert_eq!(sync.cold, None, "the cold start of {name} did not end");
        let behind = server.log_after(audience, sync.cursor, 1).expect("memory is read");
        assert!(behind.is_empty(), "{name} is at {:?}, behind {behind:?}", sync.cursor);
        assert_eq!(store.next_unverified(&place.id, 1).expect("memory is read"), [], "{name}: unverified");
        assert_eq!(store.quarantined(&place.id), [], "{name} refused what the server admitted");

        let visible: BTreeSet<DocId> =
            log.keys().copied().filter(|doc| is_visible(*doc, audience, user, server)).collect();
        assert_eq!(
            store.docs(&place.id).expect("memory is read"),
            visible,
            "{name} has other documents than it may see"
        );
        visible
    }

    fn check_doc(&self, seat: Seat, there: &Doc, records: &[Record]) {
        let doc = there.id();
        let name = &self.net.peer(seat.device).name;
        let store = &self.net.peer(seat.device).store;
        let server = self.server_store(seat.project);
        let project = self.projects[seat.project].id;
        let mut held = DeviceStore::doc_records(store, &project, doc).expect("memory is read");
        held.sort_by_key(|record| record.seq);
        assert!(held == records, "{name} has other records of {doc:?} than the server");
        let here = store.doc(&project, doc);
        assert_eq!(here.heads(), there.heads(), "{name}: {doc:?}");
        assert_eq!(here.ticket(), there.ticket(), "{name}: {doc:?}");
        self.check_mentions(seat, &here);
        let DocId::Ticket(ticket) = doc else { return };
        let row = store.row(&project, ticket).expect("memory is read");
        let wanted = server.ticket(ticket).expect("memory is read");
        // A snoozed ticket comes back by each device's own clock, and stays so if that is set back.
        let has_woken = row.as_ref().is_some_and(|row| row.snoozed_until_millis.is_none());
        let clock =
            if has_woken { UnixMillis(u64::MAX) } else { self.net.peer(seat.device).clock(self.net.now()) };
        let wanted = wanted.map(|row| row.awake(clock));
        assert_eq!(row, wanted, "{name}: row");
        let user = self.user_of(seat).expect("a seat is a member");
        let by_user = |record: &&Record| {
            let device = ServerStore::device(server, &record.envelope.device).expect("memory is read");
            device.is_some_and(|device| device.user == user)
        };
        let own = records.iter().filter(by_user).map(|record| record.seq).max();
        assert_eq!(store.own_seq(&project, ticket).expect("memory is read"), own, "{name}: own record");
        let mark = DeviceStore::mark(store, &project, ticket).expect("memory is read");
        assert_eq!(mark, ServerStore::mark(server, ticket).expect("memory is read"), "{name}: mark");
        let others = records.iter().filter(|record| !by_user(record)).map(|record| record.seq).max();
        assert_eq!(store.others_seq(&project, ticket).expect("memory is read"), others, "{name}: others");
        self.check_reads_at(seat, ticket, user);
    }

    /// All that was read has reached the server, and whoever may know of it does.
    fn check_reads_at(&self, seat: Seat, ticket: TicketId, user: UserId) {
        let name = &self.net.peer(seat.device).name;
        let project = self.projects[seat.project].id;
        let store = &self.net.peer(seat.device).store;
        let told = self.server_store(seat.project).read_marks_of(ticket).expect("memory is read");
        let of_user = |mark: ReadMark| if mark.user == user { Some(mark) } else { mark.for_others() };
        let told: Vec<ReadMark> = told.into_iter().filter_map(of_user).collect();
        let known = store.read_marks(&project, ticket).expect("memory is read");
        assert_eq!(known, told, "{name}: read marks of {ticket}");
        let own = told.iter().find(|mark| mark.user == user).map(ReadMark::own_through);
        assert_eq!(store.own_read(&project, ticket).expect("memory is read"), own, "{name}: own read");
        let pending = store.pending_read(&project, ticket).expect("memory is read");
        assert_eq!(pending, None, "{name}: a read was not told");
    }

    /// Who was shut out is told so, and the device goes on without the server.
    fn check_shut_out(&self, seat: Seat) {
        let peer = self.net.peer(seat.device);
        let place = self.projects[seat.project];
        let status =
            peer.device_hub().and_then(|hub| hub.status(&place.id)).expect("it runs, and was a member");
        assert!(
            matches!(status.connection, Connection::Refused { .. }),
            "{} was shut out and is {:?}",
            peer.name,
            status.connection
        );
    }

    /// What a device had not sent when it was shut out stays there, to be read and copied.
    fn is_unsent_at_outcast(&self, promise: &Promise) -> bool {
        let store = &self.net.peer(promise.seat.device).store;
        let project = self.projects[promise.seat.project].id;
        let unsent = store.outbox_of_doc(&project, promise.doc).expect("memory is read");
        self.is_shut_out(promise.seat)
            && unsent.iter().any(|(_, entry)| match &promise.token {
                Some(token) => contains(&entry.envelope.change, token.as_bytes()),
                None => entry.change == promise.change,
            })
    }

    /// What a person was told is safe is in the log, or with them as a draft.
    fn check_promise(&self, promise: &Promise) {
        let server = self.server_store(promise.seat.project);
        if matches!(server.verdict(&promise.change), Ok(Some(StoredVerdict::Admitted(_)))) {
            return;
        }
        let name = &self.net.peer(promise.seat.device).name;
        if self.is_unsent_at_outcast(promise) {
            return;
        }
        let drafts = self.net.peer(promise.seat.device).store.drafts().expect("memory is read");
        let mut drafts = drafts.iter().map(|(_, draft)| draft).filter(|draft| draft.doc == promise.doc);
        let Some(token) = &promise.token else {
            // After a refusal or a restoration changes are written again, under other hashes.
            let was_rewritten = drafts.next().is_some() || self.restored.contains(&promise.seat.device);
            assert!(was_rewritten, "{name} wrote {} and nobody knows of it", promise.change);
            return;
        };
        let records = ServerStore::doc_records(server, promise.doc).expect("memory is read");
        let is_in_log = records.iter().any(|record| contains(&record.envelope.change, token.as_bytes()));
        let is_draft =
            drafts.any(|draft| contains(format!("{:?}", draft.edits).as_bytes(), token.as_bytes()));
        assert!(is_in_log || is_draft, "{name} wrote {token:?} and nobody knows of it");
    }
}

/// The ticket that a device is sent something of, or given.
fn ticket_of(item: &Item) -> Option<TicketId> {
    match item {
        Item::Record(record) => record.envelope.doc.ticket(),
        Item::Own(ack) => ack.doc.ticket(),
        Item::Granted(place) => place.doc.ticket(),
        Item::Through(_) | Item::Revoked(_) => None,
    }
}

fn is_revocation(item: &Item) -> bool {
    matches!(item, Item::Revoked(_))
}

fn is_visible(doc: DocId, audience: Audience, user: UserId, server: &MemoryStore) -> bool {
    match (doc, audience) {
        (DocId::Project, _) | (_, Audience::Team) => true,
        (DocId::Notes(_), Audience::Customer(_)) => false,
        (DocId::Ticket(ticket), Audience::Customer(_)) => {
            server.members_of(ticket).expect("memory is read").contains(&user)
        }
    }
}

fn load(doc: DocId, records: &[Record]) -> Doc {
    let changes = records.iter().map(|record| record.envelope.change.as_slice());
    Doc::load(doc, changes).expect("what is stored loads")
}

fn hash_of(record: &Record) -> ChangeHash {
    ScannedChange::scan(&record.envelope.change).expect("the log has only changes").hash()
}

pub(super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The records of a document that a device has: those that it shows, those that it put aside, and those that it has
/// not looked into yet.
fn held(store: &MemoryStore, project: &ProjectId, doc: DocId) -> impl Iterator<Item = Seq> + use<> {
    let shown = DeviceStore::doc_records(store, project, doc).expect("memory is read");
    let aside = store.quarantined(project).into_iter().map(|(record, ..)| record);
    let aside = aside.filter(move |record| record.envelope.doc == doc);
    let unverified = store.unverified(project, doc).expect("memory is read").unwrap_or_default();
    let unverified: Vec<Record> = codec::decode("document", &unverified).unwrap_or_default();
    shown.into_iter().chain(aside).chain(unverified).map(|record| record.seq)
}
