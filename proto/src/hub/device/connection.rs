//! How a device reaches each project's server: dial, greet, back off, and the user's own switch.

use assist_crdt_model::{DeviceId, ProjectId, UnixMillis};

use super::super::action::{Action, DialId, LinkId, Notice};
use super::outbox::Outbox;
use super::transfers::Transfers;
use super::{CommandError, Connection, DeviceHub, Project, Reply, Session};
use crate::address::{Address, Host};
use crate::certificate::{DeviceCertificate, NodeCertificate, ServerHosts, Signed};
use crate::limits;
use crate::store::{DeviceStore, Membership, StoreResult, SyncState};
use crate::wire::{Hello, PROTOCOL_VERSION, PeerMessage, RefusedCode, Welcome};

impl DeviceHub {
    pub(super) fn add_project(
        &mut self,
        now: UnixMillis,
        membership: Membership,
        store: &dyn DeviceStore,
    ) -> StoreResult<()> {
        let id = membership.project;
        let connection = if membership.is_paused {
            Connection::Paused
        } else {
            Connection::Offline { until: now, tries: 0, reason: "not connected yet".into() }
        };
        let sync = store.sync_state(&id)?;
        let project = Project {
            doubted: if sync.is_doubted {
                store.docs(&id)?.into_iter().collect()
            } else {
                Default::default()
            },
            sync,
            outbox: Outbox::load(&id, store)?,
            transfers: Transfers::load(&id, store)?,
            has_unverified: !store.next_unverified(&id, 1)?.is_empty(),
            next_resurfacing: store.snoozed(&id, 1)?.first().map(|(until, _)| *until),
            membership,
            connection,
            since: now,
            head: None,
            authors: Default::default(),
            session: Default::default(),
            presence: Default::default(),
            concerns: Default::default(),
        };
        self.projects.insert(id, project);
        self.learn_names(id, store)
    }

    /// Dials every project whose time has come.
    pub(super) fn dial_due(&mut self, now: UnixMillis) {
        let due: Vec<(ProjectId, u32, String)> = self
            .projects
            .iter()
            .filter_map(|(id, project)| match &project.connection {
                _ if project.sync.is_doubted => None,
                Connection::Offline { until, tries, reason } if *until <= now => {
                    Some((*id, *tries, reason.clone()))
                }
                Connection::Refused { until, reason, .. } if *until <= now => Some((*id, 0, reason.clone())),
                _ => None,
            })
            .collect();
        for (id, tries, reason) in due {
            let Ok(address) = self.projects[&id].membership.address.parse::<Address>() else { continue };
            let dial = self.dial(&address);
            self.set_connection(now, id, Connection::Connecting { dial, tries, reason });
        }
    }

    pub(super) fn dial(&mut self, address: &Address) -> DialId {
        self.next_dial += 1;
        let dial = DialId(self.next_dial);
        self.actions
            .push(Action::Dial { dial, hosts: address.hosts().iter().map(Host::socket_addr).collect() });
        dial
    }

    pub(super) fn handle_opened(
        &mut self,
        now: UnixMillis,
        dial: DialId,
        link: LinkId,
        peer: DeviceId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        if self.handle_join_opened(dial, link, peer) {
            return Ok(());
        }
        let found = self.projects.iter().find_map(|(id, project)| match project.connection {
            Connection::Connecting { dial: ours, tries, .. } if ours == dial => Some((*id, tries)),
            _ => None,
        });
        match found {
            Some((project, tries)) => {
                self.set_connection(now, project, Connection::Greeting { link, peer, tries });
                self.greet(project, link, peer, store)
            }
            None => {
                self.actions.push(Action::Close { link, reason: "no longer wanted" });
                Ok(())
            }
        }
    }

    /// Says hello; to a node that the root vouched for before, the outbox follows at once.
    pub(super) fn greet(
        &mut self,
        id: ProjectId,
        link: LinkId,
        peer: DeviceId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let is_known = project.membership.node == peer;
        // A node's certificate is part of what proves who wrote what: one that is not here is asked for.
        let is_kept = is_known && !store.nodes(&id)?.is_empty();
        project.outbox.rewind();
        project.session = Session::default();
        project.has_unverified = !store.next_unverified(&id, 1)?.is_empty();
        let hello = Hello {
            version: PROTOCOL_VERSION,
            project: id,
            log: project.sync.log,
            cursor: project.sync.cursor,
            mark_cursor: project.sync.mark_cursor,
            cold: project.sync.cold.map(|cold| cold.position),
            node_serial: if is_kept { project.membership.node_serial } else { 0 },
            serial: project.membership.serial,
            kept_version: project.sync.kept_version,
            certificate: Some(project.membership.certificate.clone()),
        };
        self.send(link, &PeerMessage::Hello(hello));
        if is_known { self.push_outbox(id, store) } else { Ok(()) }
    }

    pub(super) fn handle_welcome(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        welcome: Welcome,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let Connection::Greeting { link, peer, .. } = project.connection else { return Ok(()) };
        let mut membership = project.membership.clone();
        if let Err(reason) = take_certificates(&mut membership, peer, &welcome) {
            self.set_connection(now, id, refused(now, RefusedCode::Project, reason.clone()));
            self.actions.push(Action::Close { link, reason: "not the project's node" });
            return Ok(());
        }
        if let Some(signed) = &welcome.hosts {
            take_hosts(&mut membership, signed);
        }
        project.head = Some(welcome.head);
        if let Some(signed) = &welcome.node {
            store.put_node(&id, &membership.node, signed)?;
        }
        let role = membership.role;
        let has_changed_sides = role.is_team() != project.membership.role.is_team();
        if membership != project.membership {
            store.put_membership(&membership)?;
            store.put_certificate(&id, &self.device, membership.serial, &membership.certificate)?;
            project.membership = membership;
        }
        if project.sync.log.is_some_and(|log| log != welcome.log) {
            return self.doubt_log(now, id, store);
        }
        // The server sees from the certificate that this device showed how far its positions count.
        if project.sync.log != Some(welcome.log) || has_changed_sides {
            let SyncState { has_former, has_unoffered, .. } = project.sync;
            project.sync =
                SyncState { log: Some(welcome.log), has_former, has_unoffered, ..SyncState::default() };
        }
        project.sync.blob_bytes_max = welcome.blob_bytes_max;
        if project.sync.cursor >= welcome.head {
            project.sync.synced_at_millis = Some(now.0);
        }
        project.session.reached = project.sync.cursor;
        project.session.began_at_head = welcome.head;
        store.put_sync_state(&id, &project.sync)?;
        self.set_connection(now, id, Connection::Online { link });
        if has_changed_sides {
            self.change_sides(id, role, store)?;
        }
        self.trim_quarantine(id, store)?;
        self.tell_reads(id, store)?;
        self.tell_pending_kept(id, store)?;
        self.mend_docs(id, &welcome.wanted, store)?;
        self.push_outbox(id, store)
    }

    pub(super) fn handle_refused(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        code: RefusedCode,
        reason: String,
    ) {
        self.set_connection(now, id, refused(now, code, reason));
    }

    pub(super) fn handle_closed(&mut self, now: UnixMillis, link: LinkId, reason: &str) {
        self.close_join(link, reason);
        let Some(id) = self.project_of_link(link) else { return };
        let tries = match self.projects[&id].connection {
            Connection::Greeting { tries, .. } => tries,
            _ => 0,
        };
        self.go_offline(now, id, tries, reason);
    }

    pub(super) fn handle_dial_failed(&mut self, now: UnixMillis, dial: DialId, reason: String) {
        if self.fail_join(dial, &reason) {
            return;
        }
        let found = self.projects.iter().find_map(|(id, project)| match project.connection {
            Connection::Connecting { dial: ours, tries, .. } if ours == dial => Some((*id, tries)),
            _ => None,
        });
        if let Some((id, tries)) = found {
            self.go_offline(now, id, tries, &reason);
        }
    }

    /// Ends a session because of what the other side did.
    pub(super) fn drop_link(&mut self, now: UnixMillis, id: ProjectId, reason: &'static str) {
        self.close_link(id, reason);
        self.set_connection(now, id, refused(now, RefusedCode::Protocol, reason.into()));
    }

    fn go_offline(&mut self, now: UnixMillis, id: ProjectId, tries: u32, reason: &str) {
        let pause =
            limits::RECONNECT_MIN_MILLIS.saturating_mul(1 << tries.min(16)).min(limits::RECONNECT_MAX_MILLIS);
        let until = UnixMillis(now.0 + self.dice.between(pause / 2, pause + pause / 2));
        self.set_connection(now, id, Connection::Offline { until, tries: tries + 1, reason: reason.into() });
    }

    /// What could not be reached may be now; a dial under way is begun anew, for its packets took ways that may be gone
    /// and it sends further ones ever more rarely.
    pub(super) fn forget_pauses(&mut self, now: UnixMillis) {
        for project in self.projects.values_mut() {
            match &mut project.connection {
                Connection::Offline { until, tries, .. } => {
                    *until = now;
                    *tries = 0;
                }
                Connection::Connecting { dial, .. } => {
                    self.actions.push(Action::CancelDial { dial: *dial });
                    let reason = "this machine's network changed".into();
                    project.connection = Connection::Offline { until: now, tries: 0, reason };
                }
                _ => {}
            }
        }
    }

    pub(super) fn pause(
        &mut self,
        now: UnixMillis,
        project: Option<ProjectId>,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        self.switch(project, true, store, |hub, id| {
            if !hub.is_paused(&id) {
                hub.close_link(id, "paused by the user");
                hub.set_connection(now, id, Connection::Paused);
            }
        })
    }

    pub(super) fn resume(
        &mut self,
        now: UnixMillis,
        project: Option<ProjectId>,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        let outcome = self.switch(project, false, store, |hub, id| {
            if hub.is_waiting(&id) {
                let reason = "about to connect".into();
                hub.set_connection(now, id, Connection::Offline { until: now, tries: 0, reason });
            }
        })?;
        self.dial_due(now);
        Ok(outcome)
    }

    /// Takes over where a person says that a project's server is now, before what was known, and tries it at once unless
    /// the server is in reach. Who answers there proves itself by its keys as ever: a wrong address is one more to dial.
    pub(super) fn relocate(
        &mut self,
        now: UnixMillis,
        address: &Address,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        let named = address.project().and_then(|id| Some((id, self.projects.get_mut(&id)?)));
        let Some((id, project)) = named else { return Ok(Err(CommandError::NotJoined)) };
        if let Ok(known) = project.membership.address.parse::<Address>() {
            project.membership.address = known.with_hosts(address.hosts()).to_string();
            store.put_membership(&project.membership)?;
        }
        use Connection::{Connecting, Offline, Refused};
        if matches!(project.connection, Connecting { .. } | Offline { .. } | Refused { .. }) {
            self.close_link(id, "its server has another address");
            let reason = "about to connect to another address".into();
            self.set_connection(now, id, Offline { until: now, tries: 0, reason });
            self.dial_due(now);
        }
        self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }));
        Ok(Ok(Reply::Done))
    }

    fn switch(
        &mut self,
        project: Option<ProjectId>,
        is_paused: bool,
        store: &mut dyn DeviceStore,
        apply: impl Fn(&mut Self, ProjectId),
    ) -> StoreResult<Result<Reply, CommandError>> {
        if project.is_some_and(|id| !self.projects.contains_key(&id)) {
            return Ok(Err(CommandError::NotJoined));
        }
        let ids: Vec<ProjectId> =
            self.projects.keys().copied().filter(|id| project.is_none_or(|wanted| wanted == *id)).collect();
        for id in ids {
            let Some(entry) = self.projects.get_mut(&id) else { continue };
            if entry.membership.is_paused != is_paused {
                entry.membership.is_paused = is_paused;
                store.put_membership(&entry.membership)?;
            }
            apply(self, id);
        }
        Ok(Ok(Reply::Done))
    }

    /// Closes what is open to a project's server.
    pub(super) fn close_link(&mut self, id: ProjectId, reason: &'static str) {
        let Some(project) = self.projects.get(&id) else { return };
        match project.connection {
            Connection::Connecting { dial, .. } => self.actions.push(Action::CancelDial { dial }),
            Connection::Greeting { link, .. } | Connection::Online { link } => {
                self.actions.push(Action::Close { link, reason });
            }
            Connection::Paused | Connection::Offline { .. } | Connection::Refused { .. } => {}
        }
    }

    pub(super) fn set_connection(&mut self, now: UnixMillis, id: ProjectId, connection: Connection) {
        let Some(project) = self.projects.get_mut(&id) else { return };
        let was_online = matches!(project.connection, Connection::Online { .. });
        let is_online = matches!(connection, Connection::Online { .. });
        // "Offline since" is about the person's experience: tries in between do not restart it.
        if was_online != is_online || matches!(connection, Connection::Paused | Connection::Refused { .. }) {
            project.since = now;
        }
        project.connection = connection;
        if was_online && !is_online {
            // The next session pushes anew, and is told anew if that is too much.
            project.session.held_up = None;
            project.transfers.rewind();
            self.fail_asks(id);
            self.forget_presence(id);
        }
        self.notify_sync(id);
    }

    pub(super) fn project_of_link(&self, link: LinkId) -> Option<ProjectId> {
        self.projects.iter().find(|(_, project)| project.link() == Some(link)).map(|(id, _)| *id)
    }

    pub(super) fn is_online(&self, id: &ProjectId) -> bool {
        self.projects.get(id).is_some_and(|project| matches!(project.connection, Connection::Online { .. }))
    }

    fn is_paused(&self, id: &ProjectId) -> bool {
        self.projects.get(id).is_some_and(|project| matches!(project.connection, Connection::Paused))
    }

    /// Whether nothing is under way: a person who asks to connect is not made to wait for the next try.
    fn is_waiting(&self, id: &ProjectId) -> bool {
        self.projects.get(id).is_some_and(|project| {
            use Connection::{Offline, Paused, Refused};
            matches!(project.connection, Paused | Offline { .. } | Refused { .. })
        })
    }

    /// Asks to be woken for the next dial or push, the end of a join, an ask, a hold or a snooze, or to tell
    /// news.
    pub(super) fn wish_wake(&mut self) {
        let certain = self.projects.values().filter(|project| !project.sync.is_doubted);
        let dials = certain.filter_map(|project| match project.connection {
            Connection::Offline { until, .. } | Connection::Refused { until, .. } => Some(until),
            _ => None,
        });
        let asks = self.projects.values().filter_map(|project| project.session.asks.until());
        let pushes = self.projects.values().filter_map(|project| project.session.pushes_again_at());
        let joins = self.joins.iter().map(|join| join.until);
        let resurfacings = self.projects.values().filter_map(|project| project.next_resurfacing);
        let transfers = self.projects.values().filter_map(|project| project.transfers.until());
        let presence = self.projects.values().filter_map(|project| {
            project.presence.next_at(self.now, matches!(project.connection, Connection::Online { .. }))
        });
        let news = self.projects.values().filter_map(Project::news_at);
        let releases = self.projects.values().filter_map(|project| project.outbox.next_release());
        let others = pushes
            .chain(joins)
            .chain(resurfacings)
            .chain(transfers)
            .chain(presence)
            .chain(news)
            .chain(releases);
        if let Some(next) = dials.chain(asks).chain(others).min() {
            self.actions.push(Action::WakeAt(next));
        }
    }
}

impl Project {
    pub(super) const fn link(&self) -> Option<LinkId> {
        match self.connection {
            Connection::Greeting { link, .. } | Connection::Online { link } => Some(link),
            _ => None,
        }
    }

    /// The link that unsent work may go to: to a node that the root vouched for.
    pub(super) fn trusted_link(&self) -> Option<LinkId> {
        match self.connection {
            Connection::Online { link } => Some(link),
            Connection::Greeting { link, peer, .. } if peer == self.membership.node => Some(link),
            _ => None,
        }
    }
}

fn refused(now: UnixMillis, code: RefusedCode, reason: String) -> Connection {
    Connection::Refused { code, reason, until: UnixMillis(now.0 + REFUSED_PAUSE_MILLIS) }
}

/// Believes a welcome only if the root vouches for the node that sent it, and takes over what is new in it.
fn take_certificates(membership: &mut Membership, peer: DeviceId, welcome: &Welcome) -> Result<(), String> {
    if let Some(signed) = &welcome.node {
        let node = NodeCertificate::verify(signed, &membership.project).map_err(|error| error.to_string())?;
        if node.node != peer {
            return Err("the node certificate is for another key".into());
        }
        membership.node = node.node;
        membership.node_serial = node.serial;
    } else if membership.node != peer {
        return Err("the server did not show that it belongs to the project".into());
    }
    if let Some(signed) = &welcome.certificate {
        let own = DeviceCertificate::verify(signed, &membership.project, &membership.node)
            .map_err(|error| error.to_string())?;
        membership.user = own.user;
        membership.role = own.role;
        membership.serial = own.serial;
        membership.certificate = signed.clone();
    }
    Ok(())
}

/// Takes over where the project's servers are reached, as the node says that was proven just now. A list that it did not
/// sign as it should changes nothing: the way that led here is still known.
fn take_hosts(membership: &mut Membership, signed: &Signed) {
    let said = ServerHosts::verify(signed, &membership.project, &membership.node);
    if let (Ok(hosts), Ok(known)) = (said, membership.address.parse::<Address>()) {
        membership.address = known.with_hosts(&hosts).to_string();
    }
}

/// A refusal is not helped by asking again soon; a person who mends the cause can resume at once.
const REFUSED_PAUSE_MILLIS: u64 = 5 * 60_000;
