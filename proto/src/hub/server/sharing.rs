//! Who sees a ticket beside the team: its requester, and with whom it was shared. It is the server's word that counts.
//!
//! What changes is said in the log, at one place and to the one whom it concerns: from there on they may see the
//! ticket, with all that was before, or no longer. Whether an address is anybody's, a customer is never told: it is
//! taken, listed and answered the same.

use assist_crdt_model::{DocId, TicketId, UnixMillis, UserId};

use super::ServerHub;
use super::asks::{Asked, Asker};
use super::enrolment::fold_email;
use super::people::{no_such_person, user_of};
use crate::limits;
use crate::store::{Audience, Seq, ServerStore, Share, ShareWith, StoreResult, User, Visibility};
use crate::wire::ask::{AskCode, AskRefused, Response, TicketMember, TicketMemberState, TicketShare, Who};

/// A ticket that the asker may see, and what they are to it.
struct Seen {
    ticket: TicketId,
    requester: UserId,
    may_share: bool,
}

impl ServerHub {
    pub(super) fn list_ticket_members(asker: &Asker, ticket: TicketId, store: &dyn ServerStore) -> Asked {
        let Some(seen) = seen_by(asker, ticket, store)? else { return Ok(Err(no_such_ticket())) };
        let mut members = Vec::new();
        if let Some(requester) = store.user(seen.requester)? {
            members.push(ticket_member(asker, TicketMemberState::Requester, &requester));
        }
        for share in store.shares_of(ticket)? {
            let user = match share.user {
                Some(user) => store.user(user)?,
                None => None,
            };
            let is_told = asker.is_team() || share.user == Some(asker.user.user);
            members.push(match (share.with, user) {
                (ShareWith::Email(email), None) => invited(email),
                (ShareWith::Email(email), Some(_)) if !is_told => invited(email),
                (_, Some(user)) => ticket_member(asker, TicketMemberState::Member, &user),
                (ShareWith::User(_), None) => continue,
            });
        }
        members.truncate(limits::TICKET_MEMBERS_MAX);
        Ok(Ok(Response::TicketMembers(members)))
    }

    pub(super) fn share_ticket(
        &mut self,
        now: UnixMillis,
        asker: &Asker,
        share: TicketShare,
        store: &mut dyn ServerStore,
    ) -> Asked {
        let Some(seen) = seen_by(asker, share.ticket, store)? else { return Ok(Err(no_such_ticket())) };
        if !seen.may_share {
            return Ok(Err(AskRefused::new(
                AskCode::NotAllowed,
                "only the team and whose ticket it is may share it",
            )));
        }
        let (with, user) = match meant(&share.who, store)? {
            Ok(meant) => meant,
            Err(refused) => return Ok(Err(refused)),
        };
        let shares = store.shares_of(seen.ticket)?;
        if user == Some(seen.requester) || shares.iter().any(|other| other.with == with) {
            return Ok(Ok(Response::Done));
        }
        // The requester is one of them.
        if shares.len() + 1 >= limits::TICKET_MEMBERS_MAX {
            return Ok(Err(AskRefused::new(AskCode::Limit, "the ticket has as many members as it can have")));
        }
        if let (ShareWith::Email(email), None) = (&with, user)
            && store.tickets_shared_with(email)?.len() >= limits::TICKETS_SHARED_WITH_NOBODY_MAX
        {
            return Ok(Err(AskRefused::new(
                AskCode::Limit,
                "too many tickets wait for that address already",
            )));
        }
        store.put_share(seen.ticket, &Share { with, user, by: asker.user.user, at: now })?;
        if let Some(user) = user {
            self.grant(seen.ticket, user, store)?;
        }
        Ok(Ok(Response::Done))
    }

    pub(super) fn unshare_ticket(
        &mut self,
        asker: &Asker,
        share: &TicketShare,
        store: &mut dyn ServerStore,
    ) -> Asked {
        let Some(seen) = seen_by(asker, share.ticket, store)? else { return Ok(Err(no_such_ticket())) };
        let (with, user) = match meant(&share.who, store)? {
            Ok(meant) => meant,
            Err(refused) => return Ok(Err(refused)),
        };
        let is_self = user == Some(asker.user.user);
        if !seen.may_share && !is_self {
            let reason = "only the team and whose ticket it is may take it from others";
            return Ok(Err(AskRefused::new(AskCode::NotAllowed, reason)));
        }
        if user == Some(seen.requester) {
            return Ok(Err(AskRefused::new(
                AskCode::Conflict,
                "it is their ticket: it cannot be taken from them",
            )));
        }
        // A customer who names a person by an address learns nothing of whose it is: only what they named so ends.
        let knows_people = asker.is_team() || is_self;
        let (ended, kept): (Vec<Share>, Vec<Share>) = store
            .shares_of(seen.ticket)?
            .into_iter()
            .partition(|other| other.with == with || (knows_people && user.is_some() && other.user == user));
        if ended.is_empty() {
            return Ok(Err(AskRefused::new(AskCode::NotFound, "the ticket is not shared with them")));
        }
        for share in ended {
            store.remove_share(seen.ticket, &share.with)?;
            if let Some(user) = share.user
                && !kept.iter().any(|other| other.user == Some(user))
            {
                self.revoke(seen.ticket, user, store)?;
            }
        }
        Ok(Ok(Response::Done))
    }

    /// Somebody has shown that an address is theirs: what was shared with it is theirs to see.
    pub(super) fn grant_waiting(&mut self, user: &User, store: &mut dyn ServerStore) -> StoreResult<()> {
        let Some(email) = &user.email else { return Ok(()) };
        let with = ShareWith::Email(email.clone());
        for ticket in store.tickets_shared_with(email)? {
            for share in store.shares_of(ticket)?.into_iter().filter(|share| share.with == with) {
                store.put_share(ticket, &Share { user: Some(user.user), ..share })?;
            }
            self.grant(ticket, user.user, store)?;
        }
        Ok(())
    }

    /// Somebody left the project: what was shared with them is shared no longer. If they come back, they are somebody
    /// else, with whom it can be shared anew.
    pub(super) fn end_shares_of(&mut self, user: UserId, store: &mut dyn ServerStore) -> StoreResult<()> {
        let tickets = store.tickets_by_activity(Audience::Customer(user), Seq::MAX, usize::MAX)?;
        for row in tickets.into_iter().filter(|row| row.requester != user) {
            for share in store.shares_of(row.ticket)?.into_iter().filter(|share| share.user == Some(user)) {
                store.remove_share(row.ticket, &share.with)?;
            }
            self.revoke(row.ticket, user, store)?;
        }
        Ok(())
    }

    /// Makes somebody a member of a ticket. One of the team sees it already, and is told nothing new.
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
        // The newcomer has come past the places where the marks were told.
        if let Some(mark) = store.mark(ticket)? {
            store.put_mark(&mark)?;
        }
        for mark in store.read_marks_of(ticket)? {
            store.put_read_mark(&mark)?;
        }
        self.woken.extend(store.members_of(ticket)?.into_iter().map(Audience::Customer));
        self.regroup_presence(ticket, store)
    }

    /// Ends a membership of a ticket.
    fn revoke(&mut self, ticket: TicketId, user: UserId, store: &mut dyn ServerStore) -> StoreResult<()> {
        if !store.members_of(ticket)?.contains(&user) {
            return Ok(());
        }
        store.remove_member_of(ticket, user)?;
        self.regroup_presence(ticket, store)?;
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
        // The team passes the place too, so that its cursors reach the head.
        self.woken.insert(Audience::Team);
        Ok(())
    }
}

/// The ticket, if the asker may see it. What may not be seen is not there.
fn seen_by(asker: &Asker, ticket: TicketId, store: &dyn ServerStore) -> StoreResult<Option<Seen>> {
    let Some(row) = store.ticket(ticket)? else { return Ok(None) };
    let is_member = store.members_of(ticket)?.contains(&asker.user.user);
    let requester = row.requester;
    let may_share = asker.is_team() || asker.user.user == requester;
    Ok((asker.is_team() || is_member).then_some(Seen { ticket, requester, may_share }))
}

/// Whom a member means, and who that is, if anybody.
fn meant(who: &Who, store: &dyn ServerStore) -> StoreResult<Result<(ShareWith, Option<UserId>), AskRefused>> {
    let user = user_of(who, store)?.map(|user| user.user);
    Ok(match (who, user) {
        (Who::User(_), Some(user)) => Ok((ShareWith::User(user), Some(user))),
        (Who::User(_), None) => Err(no_such_person()),
        (Who::Email(email), user) => match fold_email(email) {
            Some(email) => Ok((ShareWith::Email(email), user)),
            None => Err(AskRefused::new(AskCode::BadValue, "that is not an email address")),
        },
    })
}

/// A person as the asker may know them: addresses are for the team and the person.
fn ticket_member(asker: &Asker, state: TicketMemberState, user: &User) -> TicketMember {
    let is_told = asker.is_team() || user.user == asker.user.user;
    let email = user.email.clone().filter(|_| is_told);
    TicketMember { state, user: Some(user.user), name: Some(user.name.clone()), email }
}

fn invited(email: String) -> TicketMember {
    TicketMember { state: TicketMemberState::Invited, user: None, name: None, email: Some(email) }
}

fn no_such_ticket() -> AskRefused {
    AskRefused::new(AskCode::NotFound, "there is no such ticket")
}
