//! What has been delivered: devices report how far they have come, tickets get marks, the other side is told.

use std::collections::BTreeMap;

use assist_crdt_model::{DocId, TicketId};

use super::ServerHub;
use crate::hub::action::{Durability, LinkId};
use crate::limits;
use crate::store::{
    Audience, EntryKind, LogEntry, Mark, Seq, ServerStore, StoreResult, Visibility, Watermarks,
};

impl ServerHub {
    /// A device has made everything up to `cursor` durable.
    pub(super) fn handle_seen(
        &mut self,
        link: LinkId,
        cursor: Seq,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(session) = self.session(link) else { return Ok(()) };
        // Nobody has seen what was not sent.
        let cursor = cursor.min(session.sent());
        session.note_stored(cursor);
        let audience = session.audience;
        self.go_on_if_room(link);
        let watermarks = store.watermark(audience)?;
        if cursor > watermarks.seen {
            store.put_watermark(audience, Watermarks { seen: cursor, ..watermarks })?;
            self.unmarked.insert(audience);
        }
        Ok(())
    }

    /// Marks the tickets of what was seen, a bounded stretch of the log at a time.
    pub(super) fn advance_marks(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        for audience in std::mem::take(&mut self.unmarked) {
            let watermarks = store.watermark(audience)?;
            if watermarks.marked >= watermarks.seen {
                continue;
            }
            let entries = store.log_after(audience, watermarks.marked, limits::DELIVERY_SCAN_MAX)?;
            let newest = delivered(&entries, watermarks.seen);
            for (ticket, mut seq) in newest {
                if self.may_lack(ticket, watermarks.seen) {
                    // What brings it whole stands further on in the log.
                    continue;
                }
                if self.was_damaged(ticket) {
                    let records = store.doc_records(DocId::Ticket(ticket))?;
                    let seen = records.iter().map(|record| record.seq).filter(|seq| *seq <= watermarks.seen);
                    seq = seen.max().unwrap_or_default();
                }
                self.advance_mark(ticket, audience, seq, store)?;
            }
            let marked = match entries.last() {
                Some(last) if last.seq < watermarks.seen => last.seq,
                _ => watermarks.seen,
            };
            store.put_watermark(audience, Watermarks { marked, ..watermarks })?;
            if marked < watermarks.seen {
                self.unmarked.insert(audience);
            }
        }
        Ok(())
    }

    pub(super) fn advance_mark(
        &mut self,
        ticket: TicketId,
        audience: Audience,
        seq: Seq,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        // What was taken back before a device came by was never sent to it.
        if let Audience::Customer(user) = audience
            && !store.members_of(ticket)?.contains(&user)
        {
            return Ok(());
        }
        let mut mark = store.mark(ticket)?.unwrap_or(Mark::new(ticket));
        let side = match audience {
            Audience::Team => &mut mark.team,
            Audience::Customer(_) => &mut mark.customers,
        };
        if seq <= *side {
            return Ok(());
        }
        *side = seq;
        store.put_mark(&mark)?;
        self.wake_readers(ticket, store)
    }

    /// A mark of a ticket was written: its place is about to be told to everybody who may see the ticket.
    pub(super) fn wake_readers(&mut self, ticket: TicketId, store: &dyn ServerStore) -> StoreResult<()> {
        self.durability = Durability::Now;
        self.woken.insert(Audience::Team);
        self.woken.extend(store.members_of(ticket)?.into_iter().map(Audience::Customer));
        Ok(())
    }
}

/// The newest record of each ticket that a device which has come to `seen` was sent, in a stretch of the log.
fn delivered(entries: &[LogEntry], seen: Seq) -> BTreeMap<TicketId, Seq> {
    let mut newest = BTreeMap::new();
    for entry in entries {
        // A mark tells customers too; of notes they are told nothing, not even that there are some.
        let DocId::Ticket(ticket) = entry.doc else { continue };
        match entry.kind {
            EntryKind::Record { .. } if entry.seq <= seen => {
                newest.insert(ticket, entry.seq);
            }
            // Records before this place may have been passed over, and came with it.
            EntryKind::Whole if entry.seq <= seen => {
                newest.insert(ticket, entry.seq);
            }
            // Records before this place may have been passed over.
            EntryKind::Visibility(Visibility::Revoked) => {
                newest.remove(&ticket);
            }
            _ => {}
        }
    }
    newest
}
