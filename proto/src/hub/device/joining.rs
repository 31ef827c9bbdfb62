//! Becoming a member of a project: dial, have a code mailed or show one, believe the answer only from the project's own node.

use assist_crdt_model::{DeviceId, ProjectId, UnixMillis};

use super::super::action::{Action, CallId, DialId, LinkId, Notice};
use super::{CommandError, Connection, DeviceHub, Reply};
use crate::address::Address;
use crate::certificate::{DeviceCertificate, NodeCertificate};
use crate::limits;
use crate::store::{Desktop, DeviceStore, Membership, PendingJoin, StoreResult};
use crate::wire::join::{CodeSent, Confirm, Confirmed, OtherDevice, RequestCode};
use crate::wire::{Enroll, Enrolled, PROTOCOL_VERSION, PeerMessage, Received, RefusedCode};

/// A join that is under way.
pub(super) struct Join {
    call: CallId,
    address: Address,
    /// What is said first; the answer must fit it.
    opening: PeerMessage,
    /// What this device is to be called.
    device_name: String,
    state: JoinState,
    /// After this the person gets an answer.
    pub(super) until: UnixMillis,
}

#[derive(Clone, Copy)]
enum JoinState {
    Dialling(DialId),
    Asked { link: LinkId, peer: DeviceId },
}

impl Join {
    pub(super) fn by_code(
        call: CallId,
        address: Address,
        code: String,
        name: String,
        email: Option<String>,
        device_name: String,
    ) -> Self {
        let (version, project) = (PROTOCOL_VERSION, address.project());
        let device = device_name.clone();
        let enroll = Enroll { version, project, code, name, email, device_name };
        Self::new(call, address, PeerMessage::Enroll(enroll), device)
    }

    pub(super) fn by_email(
        call: CallId,
        address: Address,
        email: String,
        name: Option<String>,
        device_name: String,
    ) -> Self {
        let (version, project) = (PROTOCOL_VERSION, address.project());
        let device = device_name.clone();
        let request = RequestCode { version, project, email, name, device_name };
        Self::new(call, address, PeerMessage::RequestCode(request), device)
    }

    fn new(call: CallId, address: Address, opening: PeerMessage, device_name: String) -> Self {
        let state = JoinState::Dialling(DialId(0));
        Self { call, address, opening, device_name, state, until: UnixMillis::default() }
    }

    pub(super) const fn link(&self) -> Option<LinkId> {
        match self.state {
            JoinState::Asked { link, .. } => Some(link),
            JoinState::Dialling(_) => None,
        }
    }
}

impl DeviceHub {
    pub(super) fn start_join(&mut self, now: UnixMillis, join: Join) {
        if join.address.project().is_some_and(|project| self.projects.contains_key(&project)) {
            self.answer(join.call, Err(CommandError::AlreadyJoined));
            return;
        }
        self.dial_join(now, join);
    }

    /// Shows the code that was mailed for this device, where it was asked for.
    pub(super) fn start_confirm(
        &mut self,
        now: UnixMillis,
        call: CallId,
        project: ProjectId,
        code: Option<String>,
        store: &dyn DeviceStore,
    ) -> StoreResult<()> {
        let pending = store.pending_joins()?.into_iter().find(|pending| pending.project == project);
        let Some((pending, address)) = pending.and_then(|it| Some((it.clone(), it.address.parse().ok()?)))
        else {
            self.answer(call, Err(CommandError::NoPendingJoin));
            return Ok(());
        };
        let confirm = Confirm { version: PROTOCOL_VERSION, project, code, other: None };
        let opening = PeerMessage::Confirm(confirm);
        self.start_join(now, Join::new(call, address, opening, pending.device_name));
        Ok(())
    }

    /// Shows a code that was mailed for another device. This one may be a member or not.
    pub(super) fn start_confirm_other(
        &mut self,
        now: UnixMillis,
        call: CallId,
        address: Address,
        other: OtherDevice,
        code: String,
    ) {
        let Some(project) = address.project() else {
            return self.answer(call, Err(CommandError::NotTheProject("the link names no project".into())));
        };
        let confirm = Confirm { version: PROTOCOL_VERSION, project, code: Some(code), other: Some(other) };
        self.dial_join(now, Join::new(call, address, PeerMessage::Confirm(confirm), String::new()));
    }

    fn dial_join(&mut self, now: UnixMillis, mut join: Join) {
        join.state = JoinState::Dialling(self.dial(&join.address));
        join.until = UnixMillis(now.0 + JOIN_TIMEOUT_MILLIS);
        self.joins.push(join);
    }

    pub(super) fn handle_join_opened(&mut self, dial: DialId, link: LinkId, peer: DeviceId) -> bool {
        let Some(join) = self.joins.iter_mut().find(|join| join.is_dialling(dial)) else { return false };
        join.state = JoinState::Asked { link, peer };
        let opening = join.opening.clone();
        self.send(link, &opening);
        true
    }

    pub(super) fn handle_join_message(
        &mut self,
        now: UnixMillis,
        position: usize,
        message: Received,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let join = self.joins.remove(position);
        let JoinState::Asked { link, peer } = join.state else { return Ok(()) };
        match message {
            Received::Message(PeerMessage::Enrolled(enrolled)) if join.may_enrol() => {
                let incarnation = u32::from_be_bytes(self.dice.bytes()) >> 1;
                match membership_of(now, &join, peer, incarnation, &enrolled) {
                    Ok(membership) if self.projects.contains_key(&membership.project) => {
                        self.actions.push(Action::Close { link, reason: "joined already" });
                        self.answer(join.call, Err(CommandError::AlreadyJoined));
                        Ok(())
                    }
                    Ok(membership) => self.finish_join(now, join.call, link, membership, enrolled, store),
                    Err(error) => {
                        self.actions.push(Action::Close { link, reason: "not the project's node" });
                        self.answer(join.call, Err(error));
                        Ok(())
                    }
                }
            }
            Received::Message(PeerMessage::CodeSent(sent)) => {
                self.handle_code_sent(now, link, join, sent, store)
            }
            Received::Message(PeerMessage::Waiting(_)) => self.handle_waiting(link, &join, store),
            Received::Message(PeerMessage::Confirmed(confirmed)) if join.is_for_other() => {
                self.actions.push(Action::Close { link, reason: "done" });
                let project_name = confirmed.project_name.chars().take(limits::NAME_CHARS_MAX).collect();
                self.answer(join.call, Ok(Reply::Confirmed(Confirmed { project_name, ..confirmed })));
                Ok(())
            }
            Received::Message(PeerMessage::Refused(refused)) => {
                // Nobody lets this device in any more: it is for the person to begin anew.
                if refused.code == RefusedCode::Code
                    && let Some(project) = join.asks_about()
                {
                    Self::forget_waiting(project, store)?;
                }
                let error = CommandError::Refused { code: refused.code, reason: refused.reason };
                self.answer(join.call, Err(error));
                Ok(())
            }
            _ => {
                self.refuse_out_of_turn(link, join.call);
                Ok(())
            }
        }
    }

    fn refuse_out_of_turn(&mut self, link: LinkId, call: CallId) {
        self.actions.push(Action::Close { link, reason: "this message was not expected here" });
        self.answer(call, Err(CommandError::NotTheProject("it speaks out of turn".into())));
    }

    /// A code is on its way: remembers where it is to be shown, also after a restart.
    fn handle_code_sent(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        join: Join,
        sent: CodeSent,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let PeerMessage::RequestCode(request) = join.opening else {
            self.refuse_out_of_turn(link, join.call);
            return Ok(());
        };
        self.actions.push(Action::Close { link, reason: "done" });
        let outcome = if join.address.project().is_some_and(|wanted| wanted != sent.project) {
            Err(CommandError::NotTheProject("it speaks for another project".into()))
        } else if self.projects.contains_key(&sent.project) {
            Err(CommandError::AlreadyJoined)
        } else {
            let pending = PendingJoin {
                project: sent.project,
                name: sent.project_name.chars().take(limits::NAME_CHARS_MAX).collect(),
                address: join.address.with_project(sent.project).to_string(),
                email: request.email,
                device_name: join.device_name,
                check: sent.check.chars().take(limits::CODE_CHARS).collect(),
                asked_at: now,
                is_waiting: false,
            };
            store.put_pending_join(&pending)?;
            Ok(Reply::CodeSent(pending))
        };
        self.answer(join.call, outcome);
        Ok(())
    }

    fn handle_waiting(&mut self, link: LinkId, join: &Join, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let project = join.address.project();
        let own = store.pending_joins()?.into_iter().find(|pending| Some(pending.project) == project);
        let (PeerMessage::Confirm(_), false, Some(own)) = (&join.opening, join.is_for_other(), own) else {
            self.refuse_out_of_turn(link, join.call);
            return Ok(());
        };
        let pending = PendingJoin { is_waiting: true, ..own };
        store.put_pending_join(&pending)?;
        self.actions.push(Action::Close { link, reason: "done" });
        self.answer(join.call, Ok(Reply::Waiting(pending)));
        Ok(())
    }

    fn forget_waiting(project: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let is_waiting = |pending: &PendingJoin| pending.project == project && pending.is_waiting;
        if store.pending_joins()?.iter().any(is_waiting) {
            store.remove_pending_join(&project)?;
        }
        Ok(())
    }

    fn finish_join(
        &mut self,
        now: UnixMillis,
        call: CallId,
        link: LinkId,
        membership: Membership,
        enrolled: Enrolled,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let id = membership.project;
        let peer = membership.node;
        store.put_membership(&membership)?;
        store.remove_pending_join(&id)?;
        store.put_certificate(&id, &self.device, membership.serial, &membership.certificate)?;
        store.put_node(&id, &peer, &enrolled.node)?;
        store.put_device_name(&id, &self.device, &membership.device_name)?;
        store.put_member(&id, &enrolled.member)?;
        self.add_project(now, membership, store)?;
        self.answer(call, Ok(Reply::Joined(id)));
        self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }));
        self.set_connection(now, id, Connection::Greeting { link, peer, tries: 0 });
        self.greet(id, link, peer, store)
    }

    pub(super) fn fail_join(&mut self, dial: DialId, reason: &str) -> bool {
        let Some(position) = self.joins.iter().position(|join| join.is_dialling(dial)) else { return false };
        let join = self.joins.remove(position);
        self.answer(join.call, Err(CommandError::Unreachable(reason.into())));
        true
    }

    pub(super) fn close_join(&mut self, link: LinkId, reason: &str) {
        if let Some(position) = self.joins.iter().position(|join| join.link() == Some(link)) {
            let join = self.joins.remove(position);
            self.answer(join.call, Err(CommandError::Unreachable(reason.into())));
        }
    }

    pub(super) fn give_up_joins(&mut self, now: UnixMillis) {
        let (late, joins) = std::mem::take(&mut self.joins).into_iter().partition(|join| join.until <= now);
        self.joins = joins;
        for join in late {
            match join.state {
                JoinState::Dialling(dial) => self.actions.push(Action::CancelDial { dial }),
                JoinState::Asked { link, .. } => {
                    self.actions.push(Action::Close { link, reason: "no answer in time" });
                }
            }
            self.answer(join.call, Err(CommandError::Unreachable("it did not answer in time".into())));
        }
    }

    pub(super) fn leave(
        &mut self,
        id: ProjectId,
        discard_unsent: bool,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        if !self.projects.contains_key(&id) {
            // What was asked for and not come to anything can be left, too.
            let is_pending = store.pending_joins()?.iter().any(|pending| pending.project == id);
            store.remove_pending_join(&id)?;
            return Ok(if is_pending { Ok(Reply::Done) } else { Err(CommandError::NotJoined) });
        }
        let count = store.outbox_count(&id)?;
        if count > 0 && !discard_unsent {
            return Ok(Err(CommandError::Unsent { count }));
        }
        self.close_link(id, "the project was left");
        self.fail_asks(id);
        self.forget_presence(id);
        self.projects.remove(&id);
        self.touched.retain(|(project, _), _| *project != id);
        self.heard.retain(|(project, _), _| *project != id);
        self.docs.clear();
        store.remove_project(&id)?;
        self.actions.push(Action::SweepBlobs);
        self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }));
        Ok(Ok(Reply::Done))
    }
}

impl Join {
    fn is_dialling(&self, dial: DialId) -> bool {
        matches!(self.state, JoinState::Dialling(ours) if ours == dial)
    }

    /// The project, if it asks without a code whether somebody let this device in.
    fn asks_about(&self) -> Option<ProjectId> {
        match &self.opening {
            PeerMessage::Confirm(confirm) if confirm.code.is_none() => Some(confirm.project),
            _ => None,
        }
    }

    /// Whether this device may become a member by the answer.
    const fn may_enrol(&self) -> bool {
        match &self.opening {
            PeerMessage::Enroll(_) => true,
            PeerMessage::Confirm(confirm) => confirm.other.is_none(),
            _ => false,
        }
    }

    /// Whether it is another device that would become a member.
    const fn is_for_other(&self) -> bool {
        matches!(&self.opening, PeerMessage::Confirm(confirm) if confirm.other.is_some())
    }
}

/// Believes the answer if the project's root vouches for the node, and the node for this device. The incarnation
/// is drawn anew, because the device may have been a member before and forgotten what it wrote then.
fn membership_of(
    now: UnixMillis,
    join: &Join,
    peer: DeviceId,
    incarnation: u32,
    enrolled: &Enrolled,
) -> Result<Membership, CommandError> {
    if join.address.project().is_some_and(|wanted| wanted != enrolled.project) {
        return Err(CommandError::NotTheProject("it speaks for another project".into()));
    }
    let not_the_project =
        |error: crate::certificate::CertificateError| CommandError::NotTheProject(error.to_string());
    let node = NodeCertificate::verify(&enrolled.node, &enrolled.project).map_err(not_the_project)?;
    if node.node != peer {
        return Err(CommandError::NotTheProject("its key is not the one that the project names".into()));
    }
    let own = DeviceCertificate::verify(&enrolled.certificate, &enrolled.project, &peer)
        .map_err(not_the_project)?;
    let address = join.address.clone().with_project(enrolled.project);
    Ok(Membership {
        project: enrolled.project,
        name: enrolled.project_name.clone(),
        address: address.to_string(),
        node: peer,
        node_serial: node.serial,
        user: own.user,
        role: own.role,
        device_name: join.device_name.clone(),
        serial: own.serial,
        certificate: enrolled.certificate.clone(),
        incarnation,
        is_paused: false,
        joined_at: now,
        reads_are_private: false,
        desktop: Desktop::default(),
    })
}

/// A person waits: longer than a connection over the overlay takes at worst, then an answer.
const JOIN_TIMEOUT_MILLIS: u64 = 30_000;
