//! A device's machine: makes and keeps changes, offline or not, and stays in step with every project's server.
//!
//! | connection of a project | leaves by |
//! |---|---|
//! | `Offline { until }` | `Wake` at that time, `NetworkChanged`, resume: to `Connecting` |
//! | `Connecting` | `Opened`: to `Greeting`; `DialFailed`: to `Offline`; `NetworkChanged`: anew |
//! | `Greeting` | `Welcome` from a proven node: to `Online`; `Refused`: to `Refused`; `Closed`: to `Offline` |
//! | `Online` | `Closed`: to `Offline`; pause: to `Paused`; `Refused`: to `Refused` |
//! | `Refused { until }` | as `Offline`, more patiently |
//! | `Paused` | resume: to `Connecting` |
//!
//! It never shows a document that did not pass the gate, never sends unsent work to a node that the project's root
//! did not vouch for, and never drops what a person wrote: what the server refuses becomes a draft.

mod asks;
mod command;
mod concerns;
mod connection;
mod drafts;
mod edits;
mod former;
mod hold;
mod import;
mod incoming;
mod joining;
mod kept;
mod lacking;
mod outbox;
mod presence;
mod reads;
mod snooze;
mod transfers;
mod verify;
mod visibility;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use assist_crdt_model::{
    CommentId, DeviceId, Doc, DocId, Edit, LoadDocError, ProjectId, Role, TicketId, UnixMillis, UserId,
};
use bytes::Bytes;
use ed25519_dalek::SigningKey;

pub use self::command::{Command, CommandError, Reply, Write};
use self::concerns::{Concerns, Heard};
pub use self::import::Imported;
use self::joining::Join;
pub use self::lacking::{drop_damaged, read_doc};
use self::presence::Presence;
pub use self::presence::{PresenceView, PresenceWord};
use super::action::{Action, CallId, Cause, DialId, Durability, LinkId, Notice, TransferId, TransferOutcome};
use super::dice::Dice;
use super::doc_cache::DocCache;
use crate::limits;
use crate::store::{DeviceStore, Membership, Seq, StoreError, StoreResult, SyncState, TicketRow};
use crate::wire::join::OtherDevice;
use crate::wire::{self, Ack, HoldCause, PeerMessage, Received, RefusedCode};

/// All that can happen to a device.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceInput {
    /// A dial reached somebody; the transport has proven their key.
    Opened {
        /// Which attempt.
        dial: DialId,
        /// The new link.
        link: LinkId,
        /// The proven key.
        peer: DeviceId,
    },
    /// A dial reached nobody.
    DialFailed {
        /// Which attempt.
        dial: DialId,
        /// Why, for people.
        reason: String,
    },
    /// A frame came and was checked as far as that needs no state.
    Received {
        /// From whom.
        link: LinkId,
        /// What.
        message: Box<Received>,
    },
    /// A link ended.
    Closed {
        /// Which.
        link: LinkId,
        /// Why, for people.
        reason: String,
    },
    /// A front end asks for something.
    Command {
        /// Whom to answer.
        call: CallId,
        /// What.
        command: Command,
    },
    /// A transfer is over.
    TransferEnded {
        /// Which.
        transfer: TransferId,
        /// What became of it.
        outcome: TransferOutcome,
    },
    /// The machine's addresses are other than before: what could not be reached may be now.
    NetworkChanged,
    /// The time of a `WakeAt` has come.
    Wake,
    /// Nothing else waits: go on with what was put off.
    Continue,
}

/// How a project is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// By the user's own switch.
    Paused,
    /// Not now.
    Offline {
        /// The next try.
        until: UnixMillis,
        /// How many tries in a row.
        tries: u32,
        /// Why the last one ended, for people.
        reason: String,
    },
    /// A dial is under way.
    Connecting {
        /// Which.
        dial: DialId,
        /// How many tries in a row before.
        tries: u32,
        /// Why the last one ended, for people.
        reason: String,
    },
    /// Connected, not welcomed yet.
    Greeting {
        /// The link.
        link: LinkId,
        /// The proven key.
        peer: DeviceId,
        /// How many tries in a row before.
        tries: u32,
    },
    /// In step or getting there.
    Online {
        /// The link.
        link: LinkId,
    },
    /// The server said no.
    Refused {
        /// For machines.
        code: RefusedCode,
        /// For people.
        reason: String,
        /// The next try.
        until: UnixMillis,
    },
}

/// A joined project as front ends see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectStatus {
    /// How it is connected.
    pub connection: Connection,
    /// Since when, by this device's clock.
    pub since: UnixMillis,
    /// The server's head when it last said, if in this session.
    pub head: Option<Seq>,
    /// Set while the server takes nothing new.
    pub held_up: Option<HeldUp>,
}

/// The server takes nothing new for now: what it was pushed stays in the outbox, and is pushed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldUp {
    /// Why.
    pub cause: HoldCause,
    /// When it is tried again; nothing while that is under way.
    pub again_at: Option<UnixMillis>,
}

/// The machine.
pub struct DeviceHub {
    key: SigningKey,
    device: DeviceId,
    dice: Dice,
    projects: BTreeMap<ProjectId, Project>,
    joins: Vec<Join>,
    docs: DocCache<(ProjectId, DocId)>,
    next_dial: u64,
    next_transfer: u64,
    fetch_unasked_bytes_max: u64,
    /// The time of the newest input.
    now: UnixMillis,
    /// Tickets that this turn wrote to: their rows are written at its end.
    touched: BTreeMap<(ProjectId, TicketId), Touched>,
    /// Documents that texts of others came to in this turn.
    heard: BTreeMap<(ProjectId, DocId), Heard>,
    /// Places in the present log of what may have been in a former one, to be written at the turn's end.
    placements: BTreeMap<(ProjectId, DocId), Vec<Ack>>,
    /// Of the turn under way.
    durability: Durability,
    actions: Vec<Action>,
}

struct Project {
    membership: Membership,
    sync: SyncState,
    connection: Connection,
    since: UnixMillis,
    head: Option<Seq>,
    outbox: outbox::Outbox,
    transfers: transfers::Transfers,
    /// Who the authors are, by device and serial of the certificate.
    authors: HashMap<(DeviceId, u32), (UserId, Role)>,
    has_unverified: bool,
    /// Documents whose records are still to be marked as of a former log.
    doubted: std::collections::VecDeque<DocId>,
    /// When the next snoozed ticket comes back, or before.
    next_resurfacing: Option<UnixMillis>,
    session: Session,
    presence: Presence,
    concerns: Concerns,
}

/// What is known of one session with the server and forgotten at its end.
#[derive(Default)]
struct Session {
    /// How far the stream has come. The cursor, which is durable, stays behind while documents are fetched.
    reached: Seq,
    /// Documents that were asked for whole, so that no quarrel goes round for ever; and whether they came.
    fetches: BTreeMap<DocId, Fetching>,
    /// The document of which more is on its way: it is not looked into before it is here.
    arriving: Option<DocId>,
    /// Documents whose own changes were written again, each once.
    rewritten: BTreeSet<DocId>,
    /// Whether the incarnation has risen for changes that a former life of this device made.
    has_risen: bool,
    /// The head of the log when the session began.
    began_at_head: Seq,
    /// How far this device has come with giving back what the server lost.
    giving: former::Giving,
    /// The server takes nothing new for now. Until the next try nothing is pushed; that is one frame, until the server
    /// has taken it.
    held_up: Option<HeldUp>,
    /// What front ends asked the server and it has not answered.
    asks: asks::Asks,
    /// What was told of the user's reading and not confirmed.
    told_reads: BTreeMap<TicketId, Seq>,
}

/// How far it has come with a document that was asked for whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Fetching {
    /// How many answers are under way. More than one where the document went and came in the meantime.
    under_way: u32,
    /// Whether it came, and helped or not: without a new reason it is not asked for again.
    has_arrived: bool,
}

/// What a turn did to a ticket, as far as the document itself does not tell.
#[derive(Default)]
struct Touched {
    number: Option<u32>,
    /// Place and time of the newest record among those that came.
    admitted: Option<(Seq, UnixMillis)>,
    /// Place of the newest of them that this device's user wrote.
    own: Option<Seq>,
    /// Place of the newest of them that somebody else wrote.
    others: Option<Seq>,
    /// When an own change was made, by this device's clock.
    written_at: Option<UnixMillis>,
}

impl Touched {
    /// The time of the last change: the server's, the same on every device, unless an own change waits, of which
    /// only this device knows. `None` if what came is not the newest: then the log says.
    fn updated_at(&self, old: Option<&TicketRow>, is_waiting: bool) -> Option<UnixMillis> {
        if is_waiting {
            return Some(self.newest_time(old));
        }
        let is_newest = |seq| old.is_none_or(|row| row.last_seq <= seq);
        self.admitted.filter(|(seq, _)| is_newest(*seq)).map(|(_, at)| at)
    }

    /// The time of the last change as this device knows it while an own one waits.
    fn newest_time(&self, old: Option<&TicketRow>) -> UnixMillis {
        let times = [old.map(|row| row.updated_at), self.admitted.map(|(_, at)| at), self.written_at];
        times.into_iter().flatten().max().unwrap_or_default()
    }
}

/// The server's time of a ticket's last change, the same on every device: of the last place in the log, whatever
/// clock the server had by then.
fn newest_admitted_at(
    project: ProjectId,
    ticket: TicketId,
    store: &dyn DeviceStore,
) -> StoreResult<Option<UnixMillis>> {
    let records = store.doc_records(&project, DocId::Ticket(ticket))?;
    Ok(records.iter().max_by_key(|record| record.seq).map(|record| record.admitted_at))
}

impl DeviceHub {
    /// Opens the machine on its store. `was_clean` tells whether the last run ended properly: if not, every
    /// project gets a new incarnation, because a disk may have lost what was sent.
    ///
    /// # Errors
    /// The store's.
    pub fn open(
        now: UnixMillis,
        key: SigningKey,
        seed: [u8; 32],
        was_clean: bool,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Self> {
        let mut hub = Self {
            device: DeviceId::from_bytes(key.verifying_key().to_bytes()),
            key,
            dice: Dice::new(seed),
            projects: BTreeMap::new(),
            joins: Vec::new(),
            docs: DocCache::new(limits::CACHED_DOCS_MAX),
            next_dial: 0,
            next_transfer: 0,
            fetch_unasked_bytes_max: limits::FETCH_UNASKED_BYTES_MAX_DEFAULT,
            now,
            touched: BTreeMap::new(),
            heard: BTreeMap::new(),
            placements: BTreeMap::new(),
            durability: Durability::Later,
            actions: Vec::new(),
        };
        for mut membership in store.memberships()? {
            if !was_clean {
                membership.incarnation += 1;
                store.put_membership(&membership)?;
            }
            hub.add_project(now, membership, store)?;
        }
        hub.dial_due(now);
        Ok(hub)
    }

    /// How a project is connected.
    pub fn status(&self, project: &ProjectId) -> Option<ProjectStatus> {
        let project = self.projects.get(project)?;
        Some(ProjectStatus {
            connection: project.connection.clone(),
            since: project.since,
            head: project.head,
            held_up: project.session.held_up,
        })
    }

    /// How every joined project is connected.
    pub fn statuses(&self) -> impl Iterator<Item = (ProjectId, ProjectStatus)> {
        self.projects.keys().filter_map(|id| Some((*id, self.status(id)?)))
    }

    /// Takes one input.
    ///
    /// # Errors
    /// The store's: the turn is void, and so is this hub.
    pub fn handle(
        &mut self,
        now: UnixMillis,
        input: DeviceInput,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        self.durability = self.durability.max(durability_of(&input));
        self.now = now;
        match input {
            DeviceInput::Opened { dial, link, peer } => self.handle_opened(now, dial, link, peer, store),
            DeviceInput::DialFailed { dial, reason } => {
                self.handle_dial_failed(now, dial, reason);
                Ok(())
            }
            DeviceInput::Received { link, message } => self.handle_received(now, link, *message, store),
            DeviceInput::Closed { link, reason } => {
                self.handle_closed(now, link, &reason);
                Ok(())
            }
            DeviceInput::TransferEnded { transfer, outcome } => {
                self.handle_transfer_ended(now, transfer, outcome, store)
            }
            DeviceInput::Command { call, command } => self.handle_command(now, call, command, store),
            DeviceInput::NetworkChanged => {
                self.forget_pauses(now);
                self.dial_due(now);
                Ok(())
            }
            DeviceInput::Wake => {
                self.give_up_joins(now);
                self.give_up_asks(now);
                self.push_again(now, store)?;
                self.release_held(now, store)?;
                self.resurface(store)?;
                self.dial_due(now);
                Ok(())
            }
            DeviceInput::Continue => {
                self.verify_some(store)?;
                self.seek_some_mentions(store)?;
                self.doubt_some(now, store)?;
                self.give_back_some(store)?;
                self.offer_some_files(store)
            }
        }
    }

    /// Ends a turn: writes the rows of changed tickets, and asks for more time where something was put off. Says how
    /// durable the turn has to be before its actions are carried out.
    ///
    /// # Errors
    /// The store's: the turn is void, and so is this hub.
    pub fn finish_turn(&mut self, store: &mut dyn DeviceStore) -> StoreResult<Durability> {
        self.place_again(store)?;
        self.write_rows(store)?;
        self.note_mentions(store)?;
        self.tell_news(store)?;
        self.begin_transfers();
        self.docs.trim();
        self.run_presence(self.now);
        let has_work = |project: &Project| {
            project.has_unverified || project.has_former_work() || project.has_unsought_mentions()
        };
        if self.projects.values().any(has_work) {
            self.actions.push(Action::Continue);
        }
        self.wish_wake();
        Ok(std::mem::replace(&mut self.durability, Durability::Later))
    }

    /// Hands over what the committed turns ask for.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    fn handle_command(
        &mut self,
        now: UnixMillis,
        call: CallId,
        command: Command,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let outcome = match command {
            Command::Join { address, code, name, email, device_name } => {
                self.start_join(now, Join::by_code(call, address, code, name, email, device_name));
                return Ok(());
            }
            Command::RequestCode { address, email, name, device_name } => {
                self.start_join(now, Join::by_email(call, address, email, name, device_name));
                return Ok(());
            }
            Command::Confirm { project, code } => {
                return self.start_confirm(now, call, project, code, store);
            }
            Command::ConfirmOther { address, device, code, check } => {
                self.start_confirm_other(now, call, address, OtherDevice { device, check }, code);
                return Ok(());
            }
            Command::Presence { project } => {
                self.ask_presence(now, call, project);
                return Ok(());
            }
            Command::Ask { project, request } => {
                self.ask(now, call, project, request);
                return Ok(());
            }
            Command::Leave { project, discard_unsent } => self.leave(project, discard_unsent, store)?,
            Command::Relocate { address } => self.relocate(now, &address, store)?,
            Command::CreateTicket { project, requester, title, body, edits, attachments } => {
                let edits = self.with_first_comment(now, edits, attachments);
                self.create_ticket(now, project, requester, title, body, edits, store)?
            }
            Command::Comment { project, ticket, body, reply_to, attachments, hold_millis } => {
                let id = CommentId::new(now, self.dice.bytes());
                let edit = Edit::AddComment { id, body, reply_to, attachments };
                self.write_text(now, project, DocId::Ticket(ticket), edit, hold_millis, store)?
            }
            Command::Note { project, ticket, body, reply_to, attachments, hold_millis } => {
                let id = CommentId::new(now, self.dice.bytes());
                let edit = Edit::AddNote { id, body, reply_to, attachments };
                self.write_text(now, project, DocId::Notes(ticket), edit, hold_millis, store)?
            }
            Command::TakeBack { project, comment } => self.take_back(project, comment, store)?,
            Command::Claim { project, ticket } => self.claim(now, project, ticket, store)?,
            Command::EditMany { writes, stops_at_failure } => {
                self.edit_many(now, writes, stops_at_failure, store)?
            }
            Command::FetchBlob { project, place } => self.fetch_blob(project, place, store)?,
            Command::Import(bundle) => self.import(&bundle, store)?,
            Command::Edit { project, doc, edits } => self.edit(now, project, doc, &edits, store)?,
            Command::Pause(project) => self.pause(now, project, store)?,
            Command::Resume(project) => self.resume(now, project, store)?,
            Command::DiscardDraft(draft) => self.discard_draft(draft, store)?,
            Command::RetryDraft(draft) => self.retry_draft(now, draft, store)?,
            Command::Verify { project, doc } => self.ensure_verified(project, doc, store)?,
            Command::SetPresence { project, word } => self.set_presence(now, project, word),
            Command::MarkRead { project, ticket, through } => {
                self.mark_read(now, project, ticket, through, store)?
            }
            Command::Keep { project, kept } => self.keep(project, kept, store)?,
            Command::SetDesktop { project, desktop } => self.set_desktop(project, desktop, store)?,
            Command::SendReadMarks { project, is_on } => self.keep_reads_private(project, !is_on, store)?,
        };
        self.actions.push(Action::Reply { call, outcome });
        Ok(())
    }

    fn handle_received(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        message: Received,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        if let Some(position) = self.joins.iter().position(|join| join.link() == Some(link)) {
            return self.handle_join_message(now, position, message, store);
        }
        let Some(project) = self.project_of_link(link) else { return Ok(()) };
        match message {
            Received::Message(PeerMessage::Refused(refused)) => {
                self.handle_refused(now, project, refused.code, refused.reason);
                Ok(())
            }
            Received::Message(PeerMessage::Welcome(welcome)) => {
                self.handle_welcome(now, project, welcome, store)
            }
            message if self.is_online(&project) => self.handle_news(now, project, message, store),
            _ => {
                self.drop_link(now, project, "the server spoke before it said welcome");
                Ok(())
            }
        }
    }

    fn write_rows(&mut self, store: &mut dyn DeviceStore) -> StoreResult<()> {
        for ((project, ticket), touched) in std::mem::take(&mut self.touched) {
            let Some(summary) = self.load_doc(project, DocId::Ticket(ticket), store)?.summary() else {
                store.remove_row(&project, ticket)?;
                continue;
            };
            let old = store.row(&project, ticket)?;
            let is_waiting =
                self.projects.get(&project).is_some_and(|it| it.outbox.has_of(DocId::Ticket(ticket)));
            let updated_at = match touched.updated_at(old.as_ref(), is_waiting) {
                Some(at) => at,
                None => newest_admitted_at(project, ticket, store)?
                    .unwrap_or_else(|| touched.newest_time(old.as_ref())),
            };
            let number = touched.number.or(old.as_ref().and_then(|row| row.number));
            let last_seq = touched.admitted.map(|(seq, _)| seq).max(old.map(|row| row.last_seq));
            let last_seq = last_seq.unwrap_or_default();
            self.put_row(project, TicketRow::new(ticket, summary, number, updated_at, last_seq), store)?;
            if let Some(seq) = touched.own
                && touched.own > store.own_seq(&project, ticket)?
            {
                store.put_own_seq(&project, ticket, seq)?;
            }
            if let Some(seq) = touched.others
                && touched.others > store.others_seq(&project, ticket)?
            {
                store.put_others_seq(&project, ticket, seq)?;
            }
        }
        Ok(())
    }

    /// Remembers that a ticket's row must be written at the end of the turn. A row tells nothing of notes: how far
    /// one's own words came would wait for ever for customers who never get them.
    fn touch(&mut self, project: ProjectId, doc: DocId) -> Option<&mut Touched> {
        let DocId::Ticket(ticket) = doc else { return None };
        Some(self.touched.entry((project, ticket)).or_default())
    }

    /// The same for a ticket of which a record by this user was admitted.
    fn touch_admitted(&mut self, project: ProjectId, place: &Ack, author: UserId) {
        let is_own = self.projects.get(&project).is_some_and(|it| it.membership.user == author);
        let Some(touched) = self.touch(project, place.doc) else { return };
        let newest = if is_own { &mut touched.own } else { &mut touched.others };
        *newest = (*newest).max(Some(place.seq));
        touched.admitted = touched.admitted.max(Some((place.seq, place.admitted_at)));
        touched.number = touched.number.or(place.number);
    }

    /// The document as this device has it: what was admitted, then its own unacknowledged changes.
    fn load_doc(&mut self, project: ProjectId, doc: DocId, store: &dyn DeviceStore) -> StoreResult<&mut Doc> {
        let key = (project, doc);
        if !self.docs.contains(&key) {
            let records = store.doc_records(&project, doc)?;
            let own = store.outbox_of_doc(&project, doc)?;
            let admitted = || records.iter().map(|record| record.envelope.change.as_slice());
            let pending = own.iter().map(|(_, entry)| entry.envelope.change.as_slice());
            // What own changes follow may be lacking: then they wait for it.
            let loaded = match Doc::load(doc, admitted().chain(pending)) {
                Err(error) if error.is_incomplete() => Doc::load(doc, admitted()),
                loaded => loaded,
            };
            let damaged = |error: LoadDocError| StoreError::Damaged { what: error.to_string() };
            self.docs.put(key, loaded.map_err(|error| damaged(error).of_doc(Some(project), doc))?);
        }
        Ok(self.docs.get(&key).expect("put there above"))
    }

    fn send(&mut self, link: LinkId, message: &PeerMessage) {
        self.actions.push(Action::Send { link, frame: Bytes::from(wire::encode(message)) });
    }

    fn notify_ticket(&mut self, project: ProjectId, doc: DocId, cause: Cause, by: Option<UserId>) {
        if let Some(ticket) = doc.ticket() {
            self.actions.push(Action::Notify(Notice::TicketChanged { project, ticket, cause, by }));
        }
    }

    fn notify_edits(&mut self, project: ProjectId, doc: DocId, edits: &[Edit], cause: Cause, by: UserId) {
        self.notify_ticket(project, doc, cause, Some(by));
        let Some(ticket) = doc.ticket() else {
            self.actions.push(Action::Notify(Notice::ProjectChanged { project }));
            return;
        };
        for edit in edits {
            let notice = match *edit {
                Edit::AddComment { id: comment, .. } => {
                    Notice::CommentAdded { project, ticket, comment, cause, by }
                }
                Edit::AddNote { id: note, .. } => Notice::NoteAdded { project, ticket, note, cause, by },
                _ => continue,
            };
            self.actions.push(Action::Notify(notice));
        }
    }

    fn notify_sync(&mut self, project: ProjectId) {
        let notice = Action::Notify(Notice::SyncChanged { project });
        if self.actions.last() != Some(&notice) {
            self.actions.push(notice);
        }
    }
}

/// Commands are acknowledged, and so is what a server sends but for two kinds: marks and acks, which it sends again
/// to a device that lost them. Who is there is kept by nobody. What they tell people is true whatever this device remembers of it.
fn durability_of(input: &DeviceInput) -> Durability {
    match input {
        DeviceInput::Command { command: Command::SetPresence { .. } | Command::Presence { .. }, .. } => {
            Durability::Later
        }
        DeviceInput::Command { .. } => Durability::Now,
        DeviceInput::Received { message, .. } => match &**message {
            Received::Message(PeerMessage::Marks(_) | PeerMessage::PresenceNews(_)) => Durability::Later,
            Received::Message(PeerMessage::Verdicts(verdicts)) if verdicts.rejected.is_empty() => {
                Durability::Later
            }
            _ => Durability::Now,
        },
        DeviceInput::Opened { .. }
        | DeviceInput::DialFailed { .. }
        | DeviceInput::Closed { .. }
        | DeviceInput::TransferEnded { .. }
        | DeviceInput::NetworkChanged
        | DeviceInput::Wake
        | DeviceInput::Continue => Durability::Later,
    }
}

#[cfg(test)]
mod tests;
