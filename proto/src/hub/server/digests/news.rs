//! What of the log is news to a member who is away: what a front end of theirs would tell them, and they have not read.

use std::collections::BTreeMap;

use assist_crdt_model::{
    ChangeHash, Comment, CommentId, DocId, Edit, HistoryEntry, ScannedChange, Status, TicketId, UnixMillis,
    UserId,
};

use crate::hub::server::ServerHub;
use crate::limits;
use crate::mail::{Digest, DigestLine, DigestTicket, Happened};
use crate::mention::Names;
use crate::neutral::excerpt;
use crate::store::{Audience, Away, EntryKind, Follow, KeptAll, Seq, ServerStore, StoreResult, TicketRow};

/// What was found.
pub(super) struct Found {
    /// `None` without news.
    pub(super) digest: Option<Digest>,
    /// Everything up to here was looked at.
    pub(super) through: Seq,
    /// Whether there may be more behind it.
    pub(super) has_more: bool,
}

/// A change of somebody else in a document.
struct Foreign {
    seq: Seq,
    at: UnixMillis,
    by: UserId,
}

/// Who looks, and how much room a mail has left.
struct Look<'a> {
    user: UserId,
    is_team: bool,
    kept: KeptAll,
    names: &'a Names,
    /// Bytes left for beginnings of texts.
    room: usize,
}

impl ServerHub {
    pub(super) fn find_news(
        &mut self,
        away: &Away,
        audience: Audience,
        names: &Names,
        store: &dyn ServerStore,
    ) -> StoreResult<Found> {
        let entries = store.log_after(audience, away.news_after, limits::DIGEST_PLACES_MAX)?;
        let has_more = entries.len() == limits::DIGEST_PLACES_MAX;
        let through = if has_more { entries.last().map(|entry| entry.seq) } else { Some(store.head()?) };
        let through = through.unwrap_or(away.news_after);
        let kept = store.kept(away.user)?.1;
        if !kept.wants_mails() {
            return Ok(Found { digest: None, through, has_more });
        }
        let mut newest = BTreeMap::<TicketId, Seq>::new();
        for entry in entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Record { .. })) {
            newest.extend(entry.doc.ticket().map(|ticket| (ticket, entry.seq)));
        }
        let room = match self.digests.rules {
            Some(rules) if rules.has_excerpts => limits::DIGEST_EXCERPTS_BYTES_MAX,
            _ => 0,
        };
        let is_team = audience == Audience::Team;
        let mut look = Look { user: away.user, is_team, kept, names, room };
        let mut tickets = Vec::new();
        let (looked_at, mut more_tickets) = by_concern(newest, &look, store)?;
        for ticket in looked_at {
            let Some(found) = self.news_of(ticket, away.news_after, &mut look, store)? else { continue };
            if tickets.len() < limits::DIGEST_TICKETS_MAX {
                tickets.push(found);
            } else {
                more_tickets += 1;
            }
        }
        let digest = (!tickets.is_empty()).then_some(Digest { user: away.user, tickets, more_tickets });
        Ok(Found { digest, through, has_more })
    }

    fn news_of(
        &mut self,
        ticket: TicketId,
        after: Seq,
        look: &mut Look<'_>,
        store: &dyn ServerStore,
    ) -> StoreResult<Option<DigestTicket>> {
        // What they may not see any more is not there for them.
        let audience = if look.is_team { Audience::Team } else { Audience::Customer(look.user) };
        if !self.may_see(DocId::Ticket(ticket), audience, store)? {
            return Ok(None);
        }
        let Some(row) = store.ticket(ticket)? else { return Ok(None) };
        let mut lines = Vec::new();
        let read = store.read_mark(ticket, look.user)?.map_or(Seq::ZERO, |mark| mark.own_through());
        self.lines_of(DocId::Ticket(ticket), after.max(read), &row, look, &mut lines, store)?;
        if look.is_team {
            self.lines_of(DocId::Notes(ticket), after, &row, look, &mut lines, store)?;
        }
        lines.sort_by_key(|(seq, _)| *seq);
        let more_lines = lines.len().saturating_sub(limits::DIGEST_LINES_MAX);
        let lines: Vec<DigestLine> =
            lines.into_iter().take(limits::DIGEST_LINES_MAX).map(|(_, line)| line).collect();
        let (number, title) = (row.number, row.title);
        Ok((!lines.is_empty()).then_some(DigestTicket { ticket, number, title, lines, more_lines }))
    }

    /// What others did in a document behind a place.
    fn lines_of(
        &mut self,
        doc: DocId,
        after: Seq,
        row: &TicketRow,
        look: &mut Look<'_>,
        lines: &mut Vec<(Seq, DigestLine)>,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let foreign = foreign_changes(doc, after, look.user, store)?;
        if foreign.is_empty() {
            return Ok(());
        }
        let loaded = self.load_doc(doc, store)?;
        let texts = match doc {
            DocId::Notes(_) => loaded.notes().unwrap_or_default(),
            DocId::Ticket(_) | DocId::Project => loaded.ticket().map(|t| t.comments).unwrap_or_default(),
        };
        let texts: BTreeMap<CommentId, Comment> = texts.into_iter().map(|text| (text.id, text)).collect();
        let mut told = ToldFields::default();
        for entry in loaded.history().iter().rev() {
            let Some(change) = foreign.get(&entry.change) else { continue };
            let happened = happened(entry, row, &texts, look, &mut told);
            for happened in happened {
                let by = store.user(change.by)?.map(|user| user.name).unwrap_or_default();
                lines.push((change.seq, DigestLine { by, at: change.at, happened }));
            }
        }
        Ok(())
    }
}

/// The tickets that the member has to do with, newest first, then the others, in which they may be mentioned; as many
/// as are looked at, and how many more concern them.
fn by_concern(
    newest: BTreeMap<TicketId, Seq>,
    look: &Look<'_>,
    store: &dyn ServerStore,
) -> StoreResult<(Vec<TicketId>, usize)> {
    let mut tickets = Vec::with_capacity(newest.len());
    for (ticket, seq) in newest {
        let Some(row) = store.ticket(ticket)? else { continue };
        tickets.push((!look.is_concerned(&row), std::cmp::Reverse(seq), ticket));
    }
    tickets.sort_unstable();
    let unseen = tickets.split_off(tickets.len().min(limits::DIGEST_DOCS_MAX));
    let more = unseen.iter().filter(|(is_other, ..)| !is_other).count();
    Ok((tickets.into_iter().map(|(.., ticket)| ticket).collect(), more))
}

fn foreign_changes(
    doc: DocId,
    after: Seq,
    user: UserId,
    store: &dyn ServerStore,
) -> StoreResult<BTreeMap<ChangeHash, Foreign>> {
    let mut foreign = BTreeMap::new();
    for record in store.doc_records(doc)?.into_iter().filter(|record| record.seq > after) {
        let Some(device) = store.device(&record.envelope.device)? else { continue };
        let Ok(change) = ScannedChange::scan(&record.envelope.change) else { continue };
        if device.user != user {
            let (seq, at, by) = (record.seq, record.admitted_at, device.user);
            foreign.insert(change.hash(), Foreign { seq, at, by });
        }
    }
    Ok(foreign)
}

/// Of a field that was written several times, the last is told.
#[derive(Default)]
struct ToldFields {
    assignee: bool,
    status: bool,
}

/// What of a change is news.
fn happened(
    entry: &HistoryEntry,
    row: &TicketRow,
    texts: &BTreeMap<CommentId, Comment>,
    look: &mut Look<'_>,
    told: &mut ToldFields,
) -> Vec<Happened> {
    let mut all = Vec::new();
    for (edit, _) in &entry.edits {
        match edit {
            Edit::AddComment { id, .. } | Edit::AddNote { id, .. } => {
                let is_note = matches!(edit, Edit::AddNote { .. });
                let text = texts.get(id).filter(|text| !text.is_deleted);
                all.extend(text.and_then(|text| look.hears(text, is_note, row)));
            }
            Edit::CreateTicket { requester, .. } if *requester == look.user => all.push(Happened::Filed),
            Edit::SetAssignee(Some(user)) if *user == look.user && row.assignee == Some(look.user) => {
                all.extend((!told.assignee).then_some(Happened::Assigned));
                told.assignee = true;
            }
            Edit::SetStatus(status) if look.hears_of_status(*status, row) => {
                all.extend((!told.status).then_some(Happened::Moved(*status)));
                told.status = true;
            }
            _ => {}
        }
    }
    all
}

impl Look<'_> {
    /// Whether the ticket is theirs: their problem, or their work. A customer sees none that is not.
    fn is_concerned(&self, row: &TicketRow) -> bool {
        !self.is_team
            || [Some(row.requester), row.assignee].contains(&Some(self.user))
            || self.kept.follow_of(row.ticket) == Some(Follow::Following)
    }

    /// Whether they hear of what is written in it.
    fn follows(&self, row: &TicketRow) -> bool {
        self.is_concerned(row) && self.kept.follow_of(row.ticket) != Some(Follow::Muted)
    }

    /// What becomes of their problem is news to a customer; that it is open is what they expect.
    fn hears_of_status(&self, status: Status, row: &TicketRow) -> bool {
        !self.is_team && status == row.status && status != Status::Open && self.follows(row)
    }

    /// A mention is always news, what else is written only to those who follow the ticket, and a note to nobody.
    fn hears(&mut self, text: &Comment, is_note: bool, row: &TicketRow) -> Option<Happened> {
        let is_mentioned = self.names.is_mentioned(self.user, &text.body);
        if !is_mentioned && (is_note || !self.follows(row)) {
            return None;
        }
        let excerpt = self.excerpt(&text.body);
        Some(if is_mentioned { Happened::Mentioned { is_note, excerpt } } else { Happened::Wrote(excerpt) })
    }

    fn excerpt(&mut self, body: &str) -> Option<String> {
        let excerpt = excerpt(body, limits::DIGEST_EXCERPT_CHARS_MAX);
        self.room = self.room.checked_sub(excerpt.len())?;
        Some(excerpt).filter(|excerpt| !excerpt.is_empty())
    }
}
