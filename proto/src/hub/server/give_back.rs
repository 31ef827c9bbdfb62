//! A server that was restored from a backup takes back what it lost: from whoever holds it, signed by whoever wrote it.
//!
//! Who hands something over proves nothing by that: each change has its author's signature, the author's certificate is
//! of the project and of before the restoration, and the gate decides as it did the first time. A refusal is not
//! remembered: somebody could hand over the change of another with a certificate that does not allow it.

use std::collections::BTreeMap;

use assist_crdt_model::{
    Actor, Author, DeviceId, DocId, Edit, RejectCode, Rejection, Role, TicketId, UnixMillis, UserId,
};

use super::admission::{Known, Placed, ack_of, is_open_to, no_such_doc, readers_of, refusal, what_is_known};
use super::enrolment::{fold_email, is_name};
use super::{NO_HASH, ServerHub};
use crate::admission::{By, Event, Proof};
use crate::authorship::Vouched;
use crate::certificate::{DeviceCertificate, Signed};
use crate::envelope::{Envelope, RefusedEnvelope, VerifiedEnvelope};
use crate::hub::action::LinkId;
use crate::limits;
use crate::store::{Audience, Device, ServerStore, Share, ShareWith, StoreResult, User};
use crate::wire::give_back::Vouchers;
use crate::wire::{Ack, Hello, PeerMessage, Verdicts, codec};

/// What vouches for the authors of one frame.
struct Authority {
    restored_at: UnixMillis,
    vouched: Vouched,
    signed: BTreeMap<(DeviceId, u32), Signed>,
}

impl ServerHub {
    /// When the server was restored, for as long as it takes back what it lost.
    pub(super) fn recovering_since(&self, now: UnixMillis) -> Option<UnixMillis> {
        let restored_at = self.project.restored_at_millis?;
        (now.0 < restored_at.saturating_add(limits::RECOVERY_MILLIS)).then_some(UnixMillis(restored_at))
    }

    /// Puts a device back on the roster that the backup does not have, or not as it became: it shows the certificate
    /// that this node gave it before the restoration. Who is known to have been shut out stays out.
    pub(super) fn put_back(
        &mut self,
        now: UnixMillis,
        peer: DeviceId,
        hello: &Hello,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(restored_at) = self.recovering_since(now) else { return Ok(()) };
        let Some(signed) = &hello.certificate else { return Ok(()) };
        let Ok(shown) = DeviceCertificate::verify(signed, &self.project.project, &self.node()) else {
            return Ok(());
        };
        let is_in_force = shown.issued_at <= restored_at && restored_at < shown.not_after;
        let known = store.device(&peer)?;
        let is_news = known
            .as_ref()
            .is_none_or(|known| !known.is_revoked && known.user == shown.user && known.serial < shown.serial);
        if shown.device != peer || !is_in_force || !is_news {
            return Ok(());
        }
        let user = self.put_user_back(restored_at, shown.user, store)?;
        if !user.is_member() {
            return Ok(());
        }
        let of_user = store.devices()?.into_iter().filter(|device| device.user == user.user);
        let newest = of_user.map(|device| device.issued_at).max();
        if newest.is_none_or(|newest| newest < shown.issued_at) && user.role != shown.role {
            self.put_user(&User { role: shown.role, ..user }, store)?;
        }
        let restored_serial = Some(known.as_ref().map_or(0, Device::first_lost_serial));
        let role = store.user(user.user)?.map_or(user.role, |user| user.role);
        let returned = Event::Enrolled { device: peer, user: user.user, role, how: Proof::Certificate };
        self.note(returned, Some(By::member(peer, user.user, role)));
        store.put_device(&Device {
            device: peer,
            user: shown.user,
            name: known.map_or_else(|| "device".to_owned(), |known| known.name),
            serial: shown.serial,
            certificate: signed.clone(),
            issued_at: shown.issued_at,
            is_revoked: false,
            last_seen_at: None,
            restored_serial,
        })
    }

    /// The user as the roster has them; one whom it forgot is a customer until a device of theirs shows more.
    fn put_user_back(
        &mut self,
        restored_at: UnixMillis,
        user: UserId,
        store: &mut dyn ServerStore,
    ) -> StoreResult<User> {
        if let Some(known) = store.user(user)? {
            return Ok(known);
        }
        let user = User {
            user,
            name: nameless(user),
            email: None,
            role: Role::Customer,
            joined_at: restored_at,
            removed_at_millis: None,
        };
        self.put_user(&user, store)?;
        Ok(user)
    }

    /// Gives every change its verdict, as for those that its author pushes.
    pub(super) fn handle_give_back(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        vouchers: &Vouchers,
        items: Vec<(Ack, Result<VerifiedEnvelope, Box<RefusedEnvelope>>)>,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(restored_at) = self.recovering_since(now) else {
            return self.handle_push(
                now,
                link,
                items.into_iter().map(|(_, envelope)| envelope).collect(),
                store,
            );
        };
        let Some(giver) = self.session(link).map(|session| session.user) else { return Ok(()) };
        let Some(giver) = store.user(giver)? else { return Ok(()) };
        let authority = self.authority(restored_at, vouchers);
        let mut verdicts = Verdicts::default();
        for (place, envelope) in items {
            let (change, verdict) = match envelope {
                Ok(verified) => {
                    let change = verified.hash();
                    let verdict = match what_is_known(&verified, store)? {
                        Known::Verdict(verdict) => verdict,
                        Known::Lost(place) => self.put_back_lost(now, link, &place, verified, store)?,
                        Known::Nothing => match self.meter_given(now, link, verified.envelope()) {
                            Err(refusal) => Err(refusal),
                            Ok(()) => {
                                self.take_back_and_note(now, &giver, &authority, &place, verified, store)?
                            }
                        },
                    };
                    (change, verdict)
                }
                Err(refused) => {
                    self.note_unsigned(now, link, &refused, store)?;
                    (refused.hash.unwrap_or(NO_HASH), Err(refused.rejection))
                }
            };
            self.note_verdict(now, link, change, verdict, &mut verdicts);
        }
        self.take_names(&giver, vouchers, store)?;
        self.send(link, &PeerMessage::Verdicts(verdicts));
        Ok(())
    }

    /// What is given back costs the giver, whoever wrote it: else a lie about what was lost would cost nothing.
    fn meter_given(&mut self, now: UnixMillis, link: LinkId, envelope: &Envelope) -> Result<(), Rejection> {
        if let Some(refusal) = self.held(now, link) {
            return Err(refusal);
        }
        let Some(session) = self.session(link) else { return Ok(()) };
        let who = (session.device, session.user);
        let spent = self.quotas.spend_given(now, who, envelope.change.len());
        spent.map_err(|wait_millis| self.hold_for_quota(now, link, wait_millis))
    }

    fn authority(&self, restored_at: UnixMillis, vouchers: &Vouchers) -> Authority {
        let nodes: Vec<Signed> = vouchers.nodes.iter().cloned().chain([self.project.node.clone()]).collect();
        let vouched = Vouched::new(&self.project.project, &nodes, &vouchers.certificates);
        let claim = |signed: &Signed| {
            let claim: DeviceCertificate = codec::decode("device certificate", &signed.payload).ok()?;
            Some(((claim.device, claim.serial), signed.clone()))
        };
        Authority { restored_at, vouched, signed: vouchers.certificates.iter().filter_map(claim).collect() }
    }

    /// Lets a lost change in again, or notes why not.
    fn take_back_and_note(
        &mut self,
        now: UnixMillis,
        giver: &User,
        authority: &Authority,
        place: &Ack,
        verified: VerifiedEnvelope,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Result<Ack, Rejection>> {
        let (change, by) = (verified.hash(), By { device: verified.envelope().device, member: None });
        let verdict = self.take_back(giver, authority, place, verified, store)?;
        if let Err(rejection) = &verdict {
            self.note_refusal(now, change, rejection, by);
        }
        Ok(verdict)
    }

    /// Lets a lost change in again.
    fn take_back(
        &mut self,
        giver: &User,
        authority: &Authority,
        place: &Ack,
        verified: VerifiedEnvelope,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Result<Ack, Rejection>> {
        let author = match self.author_of_before(authority, place, &verified, store)? {
            Ok(author) => author,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let envelope = verified.envelope();
        let (doc, incarnation) = (envelope.doc, envelope.incarnation);
        if envelope.epoch != 0 {
            return Ok(Err(refusal(RejectCode::WrongEpoch, "the document has no such epoch")));
        }
        let readers = readers_of(doc, store)?;
        let filed = self.filed(doc, store)?;
        if !is_open_to(doc, filed.is_some(), giver, &readers) {
            return Ok(Err(no_such_doc()));
        }
        let is_guest = filed.is_some() && !author.role.is_team() && !readers.contains(&author.user);
        let guest_of = doc.ticket().filter(|_| is_guest && matches!(doc, DocId::Ticket(_)));
        if let Some(ticket) = guest_of
            && !self.may_vouch_for_guests(ticket, giver, store)?
        {
            return Ok(Err(no_such_doc()));
        }
        let actor = Actor::derive(&author.device, incarnation);
        let writer = Author { user: author.user, role: author.role, actor };
        let edits = match self.load_doc(doc, store)?.admit(verified.change(), &writer) {
            Ok(edits) => edits,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.put_people_back(authority, &author, &edits, store)?;
        if let Some(ticket) = guest_of {
            self.put_guest_back(authority.restored_at, giver, ticket, author.user, store)?;
        }
        let change = verified.hash();
        let number = place.number.filter(|number| (1..=limits::GIVEN_NUMBER_MAX).contains(number));
        let at = place.admitted_at.min(authority.restored_at);
        let placed = Placed { at, serial: place.serial, number };
        let readers = readers_of(doc, store)?;
        let record = self.place(placed, verified.into_envelope(), &edits, readers, store)?;
        self.note_row(doc, filed.and_then(|filed| filed.number), &record);
        self.status.admitted += 1;
        let by = By::member(author.device, author.user, author.role);
        self.note(Event::Admitted { change, seq: record.seq }, Some(by));
        Ok(Ok(ack_of(change, &record)))
    }

    /// Who wrote a change, by a certificate of before the restoration. What was admitted under an earlier one than the
    /// backup has, or of somebody whom the backup knows as shut out, was in the backup: it was not lost.
    fn author_of_before(
        &self,
        authority: &Authority,
        place: &Ack,
        verified: &VerifiedEnvelope,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Result<DeviceCertificate, Rejection>> {
        let key = (verified.envelope().device, place.serial);
        let unknown = || refusal(RejectCode::UnknownDevice, "nobody vouches for the author's device");
        let stored = store.certificate(&key.0, key.1)?;
        let author = match (&stored, authority.vouched.device(&key.0, key.1)) {
            (Some(signed), _) => codec::decode("device certificate", &signed.payload).map_err(|_| unknown()),
            (None, vouched) => vouched.cloned().map_err(|_| unknown()),
        };
        let author: DeviceCertificate = match author {
            Ok(author) => author,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let is_shut_out = match store.device(&key.0)? {
            Some(device) => device.is_revoked || place.serial < device.first_lost_serial(),
            None => false,
        } || store.user(author.user)?.is_some_and(|user| !user.is_member());
        if is_shut_out || author.issued_at > authority.restored_at {
            return Ok(Err(refusal(RejectCode::Revoked, "the change was not lost with the restoration")));
        }
        Ok(Ok(author))
    }

    /// People whom a change that was let in speaks of are known again, and its author's certificate is.
    fn put_people_back(
        &mut self,
        authority: &Authority,
        author: &DeviceCertificate,
        edits: &[Edit],
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        self.put_user_back(authority.restored_at, author.user, store)?;
        let key = (author.device, author.serial);
        if store.certificate(&key.0, key.1)?.is_none()
            && let Some(signed) = authority.signed.get(&key)
        {
            store.put_certificate(&key.0, key.1, signed)?;
        }
        for edit in edits {
            if let Edit::CreateTicket { requester, .. } = edit {
                self.put_user_back(authority.restored_at, *requester, store)?;
            }
        }
        Ok(())
    }

    /// Whether the giver could share the ticket: then what they hold of a guest's words had been let in before.
    fn may_vouch_for_guests(
        &mut self,
        ticket: TicketId,
        giver: &User,
        store: &dyn ServerStore,
    ) -> StoreResult<bool> {
        if giver.role.is_team() {
            return Ok(true);
        }
        let summary = self.load_doc(DocId::Ticket(ticket), store)?.summary();
        Ok(summary.is_some_and(|summary| summary.requester == giver.user))
    }

    /// Somebody who wrote in a ticket of another was its member.
    fn put_guest_back(
        &mut self,
        restored_at: UnixMillis,
        giver: &User,
        ticket: TicketId,
        guest: UserId,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let with = ShareWith::User(guest);
        store.put_share(ticket, &Share { with, user: Some(guest), by: giver.user, at: restored_at })?;
        self.grant(ticket, guest, store)
    }

    /// Who was forgotten has no name: the giver says what they are called. Addresses are believed of the team alone,
    /// because what was shared with an address is its owner's to see.
    fn take_names(
        &mut self,
        giver: &User,
        vouchers: &Vouchers,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let audience = Audience::new(giver.user, giver.role);
        for member in &vouchers.members {
            let is_self = member.user == giver.user;
            let Some(known) = store.user(member.user)?.filter(User::is_member) else { continue };
            let mut user = known.clone();
            if user.name == nameless(user.user) && is_name(&member.name) && (is_self || giver.role.is_team())
            {
                user.name.clone_from(&member.name);
            }
            let email = member.email.as_deref().and_then(fold_email);
            if user.email.is_none()
                && audience == Audience::Team
                && let Some(email) = email
                && store.user_by_email(&email)?.is_none()
            {
                user.email = Some(email);
            }
            if user != known {
                self.put_user(&user, store)?;
                self.introduce_again(&user);
            }
        }
        Ok(())
    }
}

/// What somebody is called whom the server forgot, until somebody says their name.
fn nameless(user: UserId) -> String {
    let id = assist_crdt_model::base32().encode(&user.as_bytes()[..5]);
    format!("member {id}")
}
