//! Becoming a member of a project: dial, show the code, believe the answer only from the project's own node.

use assist_crdt_model::{DeviceId, ProjectId, UnixMillis};

use super::super::action::{Action, CallId, DialId, LinkId, Notice};
use super::{CommandError, Connection, DeviceHub, Reply};
use crate::address::Address;
use crate::certificate::{DeviceCertificate, NodeCertificate};
use crate::store::{DeviceStore, Membership, StoreResult};
use crate::wire::{Enroll, Enrolled, PROTOCOL_VERSION, PeerMessage, Received};

/// A join that is under way.
pub(super) struct Join {
    call: CallId,
    address: Address,
    enroll: Enroll,
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
    pub(super) fn new(
        call: CallId,
        address: Address,
        code: String,
        name: String,
        email: Option<String>,
        device_name: String,
    ) -> Self {
        let project = address.project();
        let enroll = Enroll { version: PROTOCOL_VERSION, project, code, name, email, device_name };
        Self { call, address, enroll, state: JoinState::Dialling(DialId(0)), until: UnixMillis::default() }
    }

    pub(super) const fn link(&self) -> Option<LinkId> {
        match self.state {
            JoinState::Asked { link, .. } => Some(link),
            JoinState::Dialling(_) => None,
        }
    }
}

impl DeviceHub {
    pub(super) fn start_join(&mut self, now: UnixMillis, mut join: Join) {
        if join.address.project().is_some_and(|project| self.projects.contains_key(&project)) {
            self.answer(join.call, Err(CommandError::AlreadyJoined));
            return;
        }
        join.state = JoinState::Dialling(self.dial(&join.address));
        join.until = UnixMillis(now.0 + JOIN_TIMEOUT_MILLIS);
        self.joins.push(join);
    }

    pub(super) fn handle_join_opened(&mut self, dial: DialId, link: LinkId, peer: DeviceId) -> bool {
        let Some(join) = self.joins.iter_mut().find(|join| join.is_dialling(dial)) else { return false };
        join.state = JoinState::Asked { link, peer };
        let enroll = PeerMessage::Enroll(join.enroll.clone());
        self.send(link, &enroll);
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
            Received::Message(PeerMessage::Enrolled(enrolled)) => {
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
            Received::Message(PeerMessage::Refused(refused)) => {
                let error = CommandError::Refused { code: refused.code, reason: refused.reason };
                self.answer(join.call, Err(error));
                Ok(())
            }
            _ => {
                self.actions.push(Action::Close { link, reason: "this message was not expected here" });
                self.answer(join.call, Err(CommandError::NotTheProject("it speaks out of turn".into())));
                Ok(())
            }
        }
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
            return Ok(Err(CommandError::NotJoined));
        }
        let count = store.outbox_count(&id)?;
        if count > 0 && !discard_unsent {
            return Ok(Err(CommandError::Unsent { count }));
        }
        self.close_link(id, "the project was left");
        self.fail_asks(id);
        self.projects.remove(&id);
        self.touched.retain(|(project, _), _| *project != id);
        self.docs.clear();
        store.remove_project(&id)?;
        self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }));
        Ok(Ok(Reply::Done))
    }
}

impl Join {
    fn is_dialling(&self, dial: DialId) -> bool {
        matches!(self.state, JoinState::Dialling(ours) if ours == dial)
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
        device_name: join.enroll.device_name.clone(),
        serial: own.serial,
        certificate: enrolled.certificate.clone(),
        incarnation,
        is_paused: false,
        joined_at: now,
    })
}

/// A person waits: longer than a connection over the overlay takes at worst, then an answer.
const JOIN_TIMEOUT_MILLIS: u64 = 30_000;
