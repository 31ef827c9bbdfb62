//! Snoozed tickets come back by themselves, with a server or without: by this device's clock, which is all it has.
//!
//! That a ticket is snoozed stands in its document; that it is not any more follows from the document and the time.
//! The row tells it: it is snoozed for as long as it says so, and is written anew when its time has come.

use assist_crdt_model::{ProjectId, UnixMillis};

use super::super::action::{Action, Cause, Notice};
use super::DeviceHub;
use crate::limits;
use crate::store::{DeviceStore, StoreResult, TicketRow};

impl DeviceHub {
    /// Writes a row as it is now, and remembers when it will be another.
    pub(super) fn put_row(
        &mut self,
        id: ProjectId,
        row: TicketRow,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let row = row.awake(self.now);
        if let (Some(until), Some(project)) = (row.snoozed_until_millis, self.projects.get_mut(&id)) {
            let until = UnixMillis(until);
            project.next_resurfacing = Some(project.next_resurfacing.map_or(until, |next| next.min(until)));
        }
        store.put_row(&id, &row)
    }

    /// Brings the tickets back whose time has come: their rows move to where the newest are, and front ends are told.
    pub(super) fn resurface(&mut self, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let is_due = |next: Option<UnixMillis>| next.is_some_and(|next| next <= self.now);
        let due = self.projects.iter().filter(|(_, project)| is_due(project.next_resurfacing));
        let due: Vec<ProjectId> = due.map(|(id, _)| *id).collect();
        for id in due {
            for (until, ticket) in store.snoozed(&id, limits::RESURFACED_PER_TURN_MAX)? {
                if until > self.now {
                    break;
                }
                let Some(row) = store.row(&id, ticket)? else { continue };
                let assignee = row.assignee;
                store.put_row(&id, &row.awake(self.now))?;
                self.tell_resurfaced(id, ticket, assignee, until, store)?;
                let notice =
                    Notice::TicketChanged { project: id, ticket, cause: Cause::Resurfaced, by: None };
                self.actions.push(Action::Notify(notice));
            }
            // What was remembered may be too early, never too late.
            let next = store.snoozed(&id, 1)?.first().map(|(until, _)| *until);
            if let Some(project) = self.projects.get_mut(&id) {
                project.next_resurfacing = next;
            }
        }
        Ok(())
    }
}
