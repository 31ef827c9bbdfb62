//! What this device's user has read: remembered here at once, told to the server when it can be, and heard of others.

use assist_crdt_model::{DocId, ProjectId, TicketId, UnixMillis};

use super::super::action::{Action, Cause, Notice};
use super::{CommandError, DeviceHub, Reply};
use crate::limits;
use crate::store::{DeviceStore, PendingRead, ReadMark, Seq, StoreResult};
use crate::wire::{PeerMessage, Read};

impl DeviceHub {
    /// A front end has shown a ticket, as far as it was here then. What waits here and has no place yet is one's own.
    pub(super) fn mark_read(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        ticket: TicketId,
        through: Option<Seq>,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        let Some(project) = self.projects.get(&id) else { return Ok(Err(CommandError::NotJoined)) };
        let is_private = project.membership.reads_are_private;
        if store.row(&id, ticket)?.is_none() {
            return Ok(Err(CommandError::NoSuchTicket));
        }
        // Of what is still arriving, only the row was shown.
        let records = store.doc_records(&id, DocId::Ticket(ticket))?;
        let here = records.iter().map(|record| record.seq).max().unwrap_or_default();
        let through = through.unwrap_or(Seq::MAX).min(here);
        if Self::mark_notes_read(id, ticket, store)? {
            self.notify_ticket(id, DocId::Ticket(ticket), Cause::Local, None);
        }
        if through <= store.own_read(&id, ticket)?.unwrap_or_default() {
            return Ok(Ok(Reply::Done));
        }
        store.put_own_read(&id, ticket, through)?;
        store.put_pending_read(&id, &PendingRead { ticket, through, at: now, is_private })?;
        self.notify_ticket(id, DocId::Ticket(ticket), Cause::Local, None);
        self.tell_reads(id, store)?;
        Ok(Ok(Reply::Done))
    }

    /// Whether what is read here from now on is told to others than the user's own devices.
    pub(super) fn keep_reads_private(
        &mut self,
        id: ProjectId,
        is_private: bool,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(Err(CommandError::NotJoined)) };
        if project.membership.reads_are_private == is_private {
            return Ok(Ok(Reply::Done));
        }
        project.membership.reads_are_private = is_private;
        store.put_membership(&project.membership)?;
        // What waits to be told was read before, but is told after: who has just said no means it too.
        for read in store.pending_reads(&id, usize::MAX)?.into_iter().filter(|read| !read.is_private) {
            if is_private {
                store.put_pending_read(&id, &PendingRead { is_private, ..read })?;
            }
        }
        self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }));
        Ok(Ok(Reply::Done))
    }

    /// Tells the server what was read, each once in a session. What lies ahead of the cursor waits: nobody believes
    /// that somebody has read what their device is not known to hold.
    pub(super) fn tell_reads(&mut self, id: ProjectId, store: &dyn DeviceStore) -> StoreResult<()> {
        if !self.is_online(&id) {
            return Ok(());
        }
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let Some(link) = project.link() else { return Ok(()) };
        let cursor = project.sync.cursor;
        let told = &mut project.session.told_reads;
        let mut reads = store.pending_reads(&id, limits::READS_WAITING_MAX)?;
        reads.retain(|read| {
            read.through <= cursor && told.get(&read.ticket).is_none_or(|through| *through < read.through)
        });
        told.extend(reads.iter().map(|read| (read.ticket, read.through)));
        for reads in reads.chunks(limits::READS_PER_FRAME_MAX) {
            self.send(link, &PeerMessage::Read(Read { reads: reads.to_vec() }));
        }
        Ok(())
    }

    /// Somebody has read something, and the server knows it for good.
    pub(super) fn handle_read_mark(
        &mut self,
        id: ProjectId,
        mark: ReadMark,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let is_self = mark.user == project.membership.user;
        let ReadMark { ticket, user, through, private_through, .. } = mark;
        let known = store.read_mark(&id, ticket, user)?;
        if is_self {
            project.session.told_reads.remove(&ticket);
            let own_through = mark.own_through();
            let is_told =
                |read: PendingRead| read.through <= if read.is_private { own_through } else { through };
            if store.pending_read(&id, ticket)?.is_some_and(is_told) {
                store.remove_pending_read(&id, ticket)?;
            }
            if own_through > store.own_read(&id, ticket)?.unwrap_or_default() {
                store.put_own_read(&id, ticket, own_through)?;
            }
        }
        if known.is_some_and(|it| it.through >= through && it.private_through >= private_through) {
            return Ok(());
        }
        store.put_read_mark(&id, &mark)?;
        self.notify_ticket(id, DocId::Ticket(ticket), Cause::Remote, None);
        self.actions.push(Action::Notify(Notice::TicketRead { project: id, ticket, by: user, at: mark.at }));
        Ok(())
    }
}
