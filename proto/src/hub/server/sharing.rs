//! Who sees a ticket beside the team: its requester, and with whom it was shared. It is the server's word that counts.
//!
//! What changes is said in the log, at one place and to the one whom it concerns: from there on they may see the
//! ticket, with all that was before, or no longer.

use assist_crdt_model::{DocId, TicketId, UserId};

use super::ServerHub;
use crate::store::{Audience, ServerStore, StoreResult, Visibility};

impl ServerHub {
    /// Makes somebody a member of a ticket. Who is of the team sees it already, and learns nothing new.
    pub(super) fn grant(
        &mut self,
        ticket: TicketId,
        user: UserId,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        if store.members_of(ticket)?.contains(&user) {
            return Ok(());
        }
        store.put_member_of(ticket, user)?;
        self.append_visibility(ticket, user, Visibility::Granted, store)?;
        // The newcomer has come past the place where the mark was told.
        if let Some(mark) = store.mark(ticket)? {
            store.put_mark(&mark)?;
            self.woken.insert(Audience::Team);
            self.woken.extend(store.members_of(ticket)?.into_iter().map(Audience::Customer));
        }
        Ok(())
    }

    /// Ends a membership of a ticket.
    pub(super) fn revoke(
        &mut self,
        ticket: TicketId,
        user: UserId,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        if !store.members_of(ticket)?.contains(&user) {
            return Ok(());
        }
        store.remove_member_of(ticket, user)?;
        self.append_visibility(ticket, user, Visibility::Revoked, store)
    }

    fn append_visibility(
        &mut self,
        ticket: TicketId,
        user: UserId,
        change: Visibility,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        store.append_visibility(DocId::Ticket(ticket), user, change)?;
        self.woken.insert(Audience::Customer(user));
        // The others pass the place, so that every cursor reaches the head.
        self.woken.insert(Audience::Team);
        Ok(())
    }
}
