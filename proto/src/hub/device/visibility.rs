//! What this device's user may see, and no longer may: documents come and go as the log says.
//!
//! Whatever goes, what was written here and has not reached the server stays, as a draft that says why.

use assist_crdt_model::{DocId, ProjectId, RejectCode, Role};

use super::super::action::{Action, Cause, Notice};
use super::DeviceHub;
use crate::store::{DeviceStore, StoreResult, Visibility};
use crate::wire::{Ack, Member};

impl DeviceHub {
    /// The log passes a place where the user was given a document, or lost it.
    pub(super) fn handle_visibility(
        &mut self,
        id: ProjectId,
        doc: DocId,
        change: Visibility,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        // What came before counts for nothing: a document that comes again is asked for again.
        if let Some(fetching) = project.session.fetches.get_mut(&doc) {
            fetching.has_arrived = false;
        }
        if change == Visibility::Granted {
            return Ok(());
        }
        if doc == DocId::Project || project.membership.role.is_team() {
            // No honest server takes these away.
            return Ok(());
        }
        self.drop_doc(id, doc, NO_LONGER_SHARED, store)
    }

    /// Whether the document has the change, and so does not lack it.
    pub(super) fn holds(
        &mut self,
        id: ProjectId,
        ack: &Ack,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<bool> {
        self.verify_doc_before(id, ack.doc, store)?;
        Ok(self.load_doc(id, ack.doc, store)?.contains(&ack.change))
    }

    /// Takes a document from this device. What was written here and not sent is kept.
    fn drop_doc(
        &mut self,
        id: ProjectId,
        doc: DocId,
        reason: &str,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        if self.projects.get(&id).is_some_and(|project| project.outbox.has_of(doc)) {
            self.verify_doc(id, doc, store)?;
            for withdrawn in self.withdraw(id, doc, 0, store)? {
                self.keep_draft(id, &withdrawn, RejectCode::NoSuchDoc.number(), reason.to_owned(), store)?;
            }
        }
        self.drop_transfers(id, doc, store)?;
        store.remove_doc(&id, doc)?;
        self.hear_anew(id, doc);
        self.actions.push(Action::SweepBlobs);
        self.docs.remove(&(id, doc));
        self.forget_presence_at(id, doc);
        if let Some(ticket) = doc.ticket() {
            self.touched.remove(&(id, ticket));
        }
        self.notify_ticket(id, doc, Cause::Remote, None);
        Ok(())
    }

    /// A cold start begins: rows of an earlier one that broke off may be of tickets that are not to be seen any more.
    /// A row that stands for nothing here goes; if it is still to be seen, it comes again.
    pub(super) fn drop_bare_rows(&mut self, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        for doc in store.docs(&id)? {
            let DocId::Ticket(ticket) = doc else { continue };
            let is_bare = store.unverified(&id, doc)?.is_none()
                && store.outbox_of_doc(&id, doc)?.is_empty()
                && store.doc_records(&id, doc)?.is_empty();
            if is_bare {
                store.remove_row(&id, ticket)?;
                self.notify_ticket(id, doc, Cause::Remote, None);
            }
        }
        Ok(())
    }

    /// The user changed sides. Who joins the team gets everything by a cold start. Who leaves it keeps nothing but
    /// what has not reached the server: what they may still see comes again.
    pub(super) fn change_sides(
        &mut self,
        id: ProjectId,
        role: Role,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }));
        if role.is_team() {
            return Ok(());
        }
        for doc in store.docs(&id)? {
            if doc != DocId::Project && !self.is_own_unfiled(id, doc, store)? {
                self.drop_doc(id, doc, NO_LONGER_ON_THE_TEAM, store)?;
            }
        }
        let user = self.projects.get(&id).map(|project| project.membership.user);
        for member in store.members(&id)? {
            // Addresses are for the team.
            if member.email.is_some() && Some(member.user) != user {
                store.put_member(&id, &Member { email: None, ..member })?;
            }
        }
        self.learn_new_names(id, store)
    }

    /// Whether a ticket is the user's own and was not filed yet: it is nobody else's; whether it may be, the server
    /// says. What was written for another customer may have been filed, and is not this user's to see any more.
    fn is_own_unfiled(&mut self, id: ProjectId, doc: DocId, store: &dyn DeviceStore) -> StoreResult<bool> {
        let is_unfiled = matches!(doc, DocId::Ticket(_))
            && store.unverified(&id, doc)?.is_none()
            && store.doc_records(&id, doc)?.is_empty()
            && !store.outbox_of_doc(&id, doc)?.is_empty();
        let user = self.projects.get(&id).map(|project| project.membership.user);
        Ok(is_unfiled && self.load_doc(id, doc, store)?.ticket().map(|ticket| ticket.requester) == user)
    }
}

const NO_LONGER_SHARED: &str = "the ticket is no longer shared with you";
const NO_LONGER_ON_THE_TEAM: &str = "you are no longer on the team: the ticket went from this device";
