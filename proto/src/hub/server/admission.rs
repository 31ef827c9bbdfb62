//! A pushed change on its way into the log: known, roster, visible, gate, people, log; and what is answered.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use assist_crdt_model::{
    Actor, Author, ChangeHash, DeviceId, Doc, DocId, Edit, RejectCode, Rejection, ScannedChange, UnixMillis,
    UserId,
};

use super::asks::asker;
use super::quotas::ChangeCost;
use super::{NO_HASH, ServerHub, Touched, damaged_doc};
use crate::admission::{By, Event};
use crate::envelope::{Envelope, RefusedEnvelope, VerifiedEnvelope};
use crate::hub::action::LinkId;
use crate::limits;
use crate::store::{
    Audience, Device, EntryKind, LogEntry, Record, ServerStore, StoreResult, StoredVerdict, TicketRow, User,
};
use crate::wire::{Ack, HoldCause, PeerMessage, RejectedChange, Verdicts};

/// The authors of one frame, each looked up once.
type Authors = BTreeMap<DeviceId, Result<(Device, User), Rejection>>;

impl ServerHub {
    /// Gives every envelope its verdict; one bad change fails nothing but what depends on it.
    pub(super) fn handle_push(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        envelopes: Vec<Result<VerifiedEnvelope, Box<RefusedEnvelope>>>,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let mut verdicts = Verdicts::default();
        let mut authors = Authors::new();
        for envelope in envelopes {
            let change = match &envelope {
                Ok(verified) => verified.hash(),
                Err(refused) => refused.hash.unwrap_or(NO_HASH),
            };
            let verdict = self.judge(now, link, envelope, &mut authors, store)?;
            self.note_verdict(now, link, change, verdict, &mut verdicts);
        }
        self.send(link, &PeerMessage::Verdicts(verdicts));
        Ok(())
    }

    pub(super) fn note_verdict(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        change: ChangeHash,
        verdict: Result<Ack, Rejection>,
        verdicts: &mut Verdicts,
    ) {
        match verdict {
            Ok(ack) => {
                if let Some(session) = self.session(link)
                    && ack.seq > session.sent()
                {
                    session.told.insert(ack.seq);
                }
                verdicts.acks.push(ack);
            }
            Err(Rejection { code, detail }) => {
                self.status.rejected += 1;
                let held = self.session(link).and_then(|session| session.held);
                let held = held.filter(|_| code == RejectCode::OverQuota);
                let wait_millis = held.map(|held| held.until.0.saturating_sub(now.0).max(1));
                let cause = held.map(|held| held.cause).filter(|cause| *cause != HoldCause::Quota);
                let code = code.number();
                verdicts.rejected.push(RejectedChange { change, code, detail, wait_millis, cause });
            }
        }
    }

    /// One change's verdict: as it was given before, or as it is found now and remembered.
    fn judge(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        envelope: Result<VerifiedEnvelope, Box<RefusedEnvelope>>,
        authors: &mut Authors,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Result<Ack, Rejection>> {
        // Anybody can put a wrong signature on a right change: such a refusal says nothing of the change itself.
        let verified = match envelope {
            Ok(verified) => verified,
            Err(refused) => {
                self.note_unsigned(now, link, &refused, store)?;
                return Ok(Err(refused.rejection));
            }
        };
        let change = verified.hash();
        match what_is_known(&verified, store)? {
            Known::Verdict(verdict) => return Ok(verdict),
            Known::Lost(place) => return self.put_back_lost(now, link, &place, verified, store),
            Known::Nothing => {}
        }
        if let Err(refusal) = self.meter(now, link, verified.envelope(), store)? {
            return Ok(Err(refusal));
        }
        let device = verified.envelope().device;
        if let Entry::Vacant(entry) = authors.entry(device) {
            entry.insert(author_on_roster(&device, store)?);
        }
        let verdict = match &authors[&device] {
            Ok((device, user)) => self.admit(now, verified, device, user, store)?,
            Err(refusal) => Err(refusal.clone()),
        };
        if let Err(rejection) = &verdict {
            let by = By::author(device, authors[&device].as_ref().ok());
            self.note_refusal(now, change, rejection, by);
        }
        if let Err(rejection) = &verdict
            && is_final(rejection.code)
        {
            let most = limits::REJECTIONS_KEPT_MAX;
            store.put_rejection(&change, rejection.code.number(), &rejection.detail, most)?;
        }
        Ok(verdict)
    }

    /// Nobody signed it: it is the doing of whoever brought it.
    pub(super) fn note_unsigned(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        refused: &RefusedEnvelope,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(device) = self.session(link).map(|session| session.device) else { return Ok(()) };
        if self.counts_refusal(now, device) {
            let by = asker(device, store)?.map_or(By { device, member: None }, |asker| By::asker(&asker));
            let code = refused.rejection.code.number();
            self.note(Event::Refused { change: refused.hash, code }, Some(by));
        }
        Ok(())
    }

    /// What is new costs whoever pushes it, and needs room. Once there was too much, nothing new is taken for a while.
    fn meter(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        envelope: &Envelope,
        store: &dyn ServerStore,
    ) -> StoreResult<Result<(), Rejection>> {
        if let Some(refusal) = self.held(now, link) {
            return Ok(Err(refusal));
        }
        let Some(session) = self.session(link) else { return Ok(Ok(())) };
        let who = (session.device, session.user);
        let is_new_ticket =
            matches!(envelope.doc, DocId::Ticket(_)) && self.filed(envelope.doc, store)?.is_none();
        let cost = ChangeCost { size_bytes: envelope.change.len(), is_new_ticket };
        let spent = self.quotas.spend_change(now, who, cost);
        Ok(spent.map_err(|wait_millis| self.hold_for_quota(now, link, wait_millis)))
    }

    /// Nothing new of a session is taken until some of its quota is there again.
    pub(super) fn hold_for_quota(&mut self, now: UnixMillis, link: LinkId, wait_millis: u64) -> Rejection {
        self.hold(now, link, wait_millis.max(limits::QUOTA_WAIT_MIN_MILLIS), HoldCause::Quota)
    }

    fn admit(
        &mut self,
        now: UnixMillis,
        verified: VerifiedEnvelope,
        device: &Device,
        user: &User,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Result<Ack, Rejection>> {
        let Envelope { doc, incarnation, epoch, .. } = *verified.envelope();
        if epoch != 0 {
            return Ok(Err(refusal(RejectCode::WrongEpoch, "the document has no such epoch")));
        }
        let readers = readers_of(doc, store)?;
        let filed = self.filed(doc, store)?;
        if !is_open_to(doc, filed.is_some(), user, &readers) {
            return Ok(Err(no_such_doc()));
        }
        let author =
            Author { user: user.user, role: user.role, actor: Actor::derive(&device.device, incarnation) };
        let edits = match self.load_doc(doc, store)?.admit(verified.change(), &author) {
            Ok(edits) => edits,
            Err(refusal) => return Ok(Err(refine(refusal, verified.change(), store)?)),
        };
        if let Err(refusal) = check_people(&edits, self.recovering_since(now).is_some(), store)? {
            // The document in memory has the change already, the stored one has not.
            self.docs.remove(&doc);
            return Ok(Err(refusal));
        }
        let change = verified.hash();
        let place = Placed { at: now, serial: device.serial, number: None };
        let record = self.place(place, verified.into_envelope(), &edits, readers, store)?;
        self.note_row(doc, filed.and_then(|filed| filed.number), &record);
        self.status.admitted += 1;
        let by = By::member(device.device, user.user, user.role);
        self.note(Event::Admitted { change, seq: record.seq }, Some(by));
        Ok(Ok(ack_of(change, &record)))
    }

    /// Puts an admitted change behind the head of the log.
    pub(super) fn place(
        &mut self,
        placed: Placed,
        envelope: Envelope,
        edits: &[Edit],
        mut readers: Vec<UserId>,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Record> {
        let doc = envelope.doc;
        let requester = edits.iter().find_map(|edit| match edit {
            Edit::CreateTicket { requester, .. } => Some(*requester),
            _ => None,
        });
        let number = match (requester, placed.number) {
            (Some(_), Some(number)) if store.claim_ticket_number(number)? => Some(number),
            (Some(_), _) => Some(store.take_ticket_number()?),
            (None, _) => None,
        };
        if let (Some(requester), Some(ticket)) = (requester, doc.ticket()) {
            store.put_member_of(ticket, requester)?;
            readers.push(requester);
        }
        let seq = store.head()?.next();
        let record = Record { seq, admitted_at: placed.at, serial: placed.serial, number, envelope };
        store.append(&record, &readers)?;
        self.disk.let_in(record.envelope.change.len() as u64);
        self.woken.insert(Audience::Team);
        self.woken.extend(readers.into_iter().map(Audience::Customer));
        self.recent.push(record.clone());
        Ok(record)
    }

    /// What is known of the ticket that the document belongs to, if it was filed. In the turn of its filing it has
    /// no row yet.
    pub(super) fn filed(&self, doc: DocId, store: &dyn ServerStore) -> StoreResult<Option<Filed>> {
        let Some(ticket) = doc.ticket() else { return Ok(None) };
        if let Some(touched) = self.touched.get(&DocId::Ticket(ticket)) {
            return Ok(Some(Filed { number: touched.number }));
        }
        Ok(store.ticket(ticket)?.map(|row| Filed { number: row.number }))
    }

    pub(super) fn note_row(&mut self, doc: DocId, number: Option<u32>, record: &Record) {
        let number = record.number.or(number);
        let touched = self.touched.entry(doc).or_insert(Touched {
            number,
            last_seq: record.seq,
            updated_at: record.admitted_at,
        });
        touched.number = touched.number.or(number);
        touched.last_seq = record.seq;
        touched.updated_at = record.admitted_at;
    }

    /// Writes the row of every ticket that the turn changed: once, however many changes there were.
    pub(super) fn write_rows(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        for (doc, touched) in std::mem::take(&mut self.touched) {
            let DocId::Ticket(ticket) = doc else { continue };
            let Some(summary) = self.load_doc(doc, store)?.summary() else { continue };
            store.put_ticket(&TicketRow::new(
                ticket,
                summary,
                touched.number,
                touched.updated_at,
                touched.last_seq,
            ))?;
        }
        Ok(())
    }

    pub(super) fn load_doc(&mut self, doc: DocId, store: &dyn ServerStore) -> StoreResult<&mut Doc> {
        if !self.docs.contains(&doc) {
            let records = store.doc_records(doc)?;
            let changes = records.iter().map(|record| record.envelope.change.as_slice());
            self.docs.put(doc, Doc::load(doc, changes).map_err(|error| damaged_doc(&error))?);
        }
        Ok(self.docs.get(&doc).expect("put there above"))
    }
}

/// A ticket that is there.
pub(super) struct Filed {
    pub(super) number: Option<u32>,
}

/// What a record says of its admission.
pub(super) struct Placed {
    /// When.
    pub(super) at: UnixMillis,
    /// Under which certificate of its author's device.
    pub(super) serial: u32,
    /// The number that its ticket had before, if it files one.
    pub(super) number: Option<u32>,
}

/// What was found of a change before.
pub(super) enum Known {
    /// It was never judged for good.
    Nothing,
    /// What it was answered then.
    Verdict(Result<Ack, Rejection>),
    /// It stood at this place, which cannot be read any more: it has to be brought back.
    Lost(LogEntry),
}

pub(super) fn what_is_known(verified: &VerifiedEnvelope, store: &dyn ServerStore) -> StoreResult<Known> {
    let change = verified.hash();
    Ok(match store.verdict(&change)? {
        None => Known::Nothing,
        Some(StoredVerdict::Admitted(entry)) if entry.kind == EntryKind::Lost => {
            if entry.doc == verified.envelope().doc { Known::Lost(entry) } else { Known::Nothing }
        }
        Some(StoredVerdict::Admitted(entry)) => {
            let record = store.record(&entry)?;
            Known::Verdict(ack_again(verified.envelope(), change, &record))
        }
        Some(StoredVerdict::Rejected { code, detail }) => {
            let code = RejectCode::from_number(code).unwrap_or(RejectCode::NotAllowed);
            Known::Verdict(Err(Rejection { code, detail }))
        }
    })
}

/// Whether the author may know of the document; a ticket that is not there yet may be filed.
pub(super) fn is_open_to(doc: DocId, is_filed: bool, user: &User, members: &[UserId]) -> bool {
    match doc {
        DocId::Project => true,
        DocId::Ticket(_) => !is_filed || user.role.is_team() || members.contains(&user.user),
        DocId::Notes(_) => is_filed && user.role.is_team(),
    }
}

/// The author's device and user, if both are members now.
fn author_on_roster(
    device: &DeviceId,
    store: &dyn ServerStore,
) -> StoreResult<Result<(Device, User), Rejection>> {
    let Some(device) = store.device(device)? else {
        return Ok(Err(refusal(
            RejectCode::UnknownDevice,
            "the author's device is no member of the project",
        )));
    };
    if device.is_revoked {
        return Ok(Err(refusal(RejectCode::Revoked, "the author's device was removed from the project")));
    }
    let Some(user) = store.user(device.user)? else {
        return Ok(Err(refusal(RejectCode::Revoked, "the author was removed from the project")));
    };
    Ok(Ok((device, user)))
}

/// Who may see a document although they are not of the team, or if they were not: who changes sides and back finds
/// nothing missing in between.
pub(super) fn readers_of(doc: DocId, store: &dyn ServerStore) -> StoreResult<Vec<UserId>> {
    match doc {
        DocId::Ticket(ticket) => store.members_of(ticket),
        DocId::Notes(_) => Ok(Vec::new()),
        DocId::Project => {
            let users = store.users()?;
            Ok(users.into_iter().filter(User::is_member).map(|user| user.user).collect())
        }
    }
}

/// The rule that the document alone cannot check: people whom an edit names must be there, in a fitting role.
/// Whom a restored server does not know may have been forgotten.
fn check_people(
    edits: &[Edit],
    is_recovering: bool,
    store: &dyn ServerStore,
) -> StoreResult<Result<(), Rejection>> {
    for edit in edits {
        match edit {
            Edit::CreateTicket { requester, .. }
                if !store.user(*requester)?.map_or(is_recovering, |user| user.is_member()) =>
            {
                return Ok(Err(refusal(RejectCode::BadValue, "the requester is no member of the project")));
            }
            Edit::SetAssignee(Some(assignee))
                if !is_recovering && !store.user(*assignee)?.is_some_and(|user| user.role.is_team()) =>
            {
                return Ok(Err(refusal(RejectCode::BadValue, "the assignee is not of the team")));
            }
            _ => {}
        }
    }
    Ok(Ok(()))
}

/// Says of a missing dependency whether it can still come.
fn refine(rejection: Rejection, change: &ScannedChange, store: &dyn ServerStore) -> StoreResult<Rejection> {
    if rejection.code != RejectCode::MissingDep {
        return Ok(rejection);
    }
    for dep in change.deps() {
        if matches!(store.verdict(dep)?, Some(StoredVerdict::Rejected { .. })) {
            return Ok(refusal(RejectCode::RejectedDep, "it builds on a change that was refused"));
        }
    }
    Ok(rejection)
}

/// The same answer as the first time, to those who know of the document.
fn ack_again(envelope: &Envelope, change: ChangeHash, record: &Record) -> Result<Ack, Rejection> {
    let is_same = record.envelope.doc == envelope.doc && record.envelope.device == envelope.device;
    if is_same { Ok(ack_of(change, record)) } else { Err(no_such_doc()) }
}

pub(super) fn ack_of(change: ChangeHash, record: &Record) -> Ack {
    Ack {
        change,
        doc: record.envelope.doc,
        seq: record.seq,
        admitted_at: record.admitted_at,
        serial: record.serial,
        number: record.number,
    }
}

/// Whether the same change would be refused again whatever comes: a missing dependency may come, a quota passes,
/// a device may join or be taken back, a ticket may be shown to its author. Nor may somebody who wraps the change
/// of another as their own have the last word on it.
const fn is_final(code: RejectCode) -> bool {
    !matches!(
        code,
        RejectCode::MissingDep
            | RejectCode::OverQuota
            | RejectCode::UnknownDevice
            | RejectCode::Revoked
            | RejectCode::BadSignature
            | RejectCode::WrongActor
            | RejectCode::NoSuchDoc
    )
}

/// "Absent" and "forbidden" in the same words.
pub(super) fn no_such_doc() -> Rejection {
    refusal(RejectCode::NoSuchDoc, "there is no such ticket")
}

pub(super) fn refusal(code: RejectCode, detail: &str) -> Rejection {
    Rejection { code, detail: detail.into() }
}
