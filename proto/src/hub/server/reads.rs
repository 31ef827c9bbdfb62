//! What people have read: their devices tell, and everybody who may see the ticket is told.
//!
//! A mark never claims more than is true: nobody has read what was not sent to them, and what was read was delivered.
//! Who does not send read marks is known to have read by their own devices alone.

use assist_crdt_model::{DocId, UnixMillis};

use super::ServerHub;
use crate::hub::action::LinkId;
use crate::store::{Audience, PendingRead, ReadMark, Seq, ServerStore, StoreResult};

impl ServerHub {
    /// A device tells what it has shown to its user. What is too much is passed over: it is told again.
    pub(super) fn handle_reads(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        reads: &[PendingRead],
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        for read in reads {
            self.handle_read(now, link, read, store)?;
        }
        Ok(())
    }

    fn handle_read(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        read: &PendingRead,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(session) = self.session(link) else { return Ok(()) };
        let (device, user, audience, sent) = (session.device, session.user, session.audience, session.sent());
        if !self.may_see(DocId::Ticket(read.ticket), audience, store)? {
            return Ok(());
        }
        let Some(row) = store.ticket(read.ticket)? else { return Ok(()) };
        let through = read.through.min(sent).min(row.last_seq);
        let before = store.read_mark(read.ticket, user)?;
        let known = before.map_or(Seq::ZERO, |mark| match read.is_private {
            true => mark.own_through(),
            false => mark.through,
        });
        if through <= known || self.quotas.spend_read(now, (device, user)).is_err() {
            return Ok(());
        }
        // Nobody reads tomorrow, nor what was not there yet.
        let earliest = if through == row.last_seq { row.updated_at } else { row.created_at };
        let at = read.at.max(earliest).min(now);
        self.advance_mark(read.ticket, audience, through, store)?;
        let is_team = audience == Audience::Team;
        let (ticket, private_through) = (read.ticket, before.and_then(|mark| mark.private_through));
        let mark = match (before, read.is_private) {
            (_, false) => ReadMark { ticket, user, through, at, is_team, private_through },
            (Some(mark), true) => ReadMark { private_through: Some(through), ..mark },
            (None, true) => {
                let private_through = Some(through);
                ReadMark { ticket, user, through: Seq::ZERO, at, is_team, private_through }
            }
        };
        store.put_read_mark(&mark)?;
        self.wake_readers(read.ticket, store)
    }
}
