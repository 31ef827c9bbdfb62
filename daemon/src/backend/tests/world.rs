//! A small world: daemons in folders of their own, and calls to them as front ends make them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use assist_crdt_model::{ProjectName, UnixMillis};
use assist_proto::api::project::{Join, ProjectInfo};
use assist_proto::api::server::{Invitation, Invite};
use assist_proto::api::sync::{DeliveryState, Reached, Wait, WaitUntil};
use assist_proto::api::ticket::{Create, Get, Ticket, TicketWritten};
use assist_proto::api::user::Role;
use assist_proto::api::{ApiError, ErrorCode, Method};
use assist_proto::housekeeping::Housekeeping;
use assist_proto::hub::DiskReserves;
use tempfile::TempDir;

use crate::api_server::Handle;
use crate::backend::LocalBackend;
use crate::config::{AttachmentsConfig, MailConfig};
use crate::driver::DriverHandle;
use crate::housekeeping::{self, Closed};
use crate::overlay::{OverlayConfig, OverlayMode};
use crate::pictures::Thumbnails;
use crate::{Daemon, DaemonConfig, init_server};

/// A daemon in a folder that goes with it.
pub(super) struct Node {
    folder: TempDir,
    daemon: Daemon,
    backend: LocalBackend,
}

impl Node {
    /// Stops it and starts it again in the same folder.
    pub(super) async fn restart(self) -> Self {
        let is_server = self.daemon.info().server.is_some();
        self.daemon.stop().await.unwrap();
        Self::start(self.folder, is_server)
    }

    /// The same, with something done to the folder in between.
    pub(super) async fn restart_after(self, deed: impl FnOnce(&Path)) -> Self {
        let is_server = self.daemon.info().server.is_some();
        self.daemon.stop().await.unwrap();
        deed(&self.folder.path().join("home"));
        Self::start(self.folder, is_server)
    }

    /// In how many tickets of the index's files a word stands.
    pub(super) fn index_traces(&self, word: &str) -> u64 {
        self.backend.search.trace_count(word)
    }

    /// Waits until the search index has everything.
    pub(super) async fn settle(&self) {
        let mut driven = self.driver().status();
        let wait = async {
            while !self.backend.search.is_settled(self.driver().store()) {
                driven.borrow_and_update();
                // Not everything that the indexer does is a turn.
                tokio::time::timeout(Duration::from_millis(50), driven.changed()).await.ok();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the index never came to rest");
    }

    /// A device that has joined nothing.
    pub(super) fn device() -> Self {
        Self::start(tempfile::tempdir().unwrap(), false)
    }

    /// A device that closes what nobody answers, once it has joined something.
    pub(super) fn housekeeper(housekeeping: Housekeeping) -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), false, housekeeping)
    }

    /// A server of a new project.
    pub(super) fn server(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        init_server(&folder.path().join("home"), &ProjectName::parse(name).unwrap()).unwrap();
        Self::start(folder, true)
    }

    fn start(folder: TempDir, is_server: bool) -> Self {
        Self::start_with(folder, is_server, Housekeeping::default())
    }

    fn start_with(folder: TempDir, is_server: bool, housekeeping: Housekeeping) -> Self {
        let config = DaemonConfig {
            home: folder.path().join("home"),
            bind: is_server.then(|| "127.0.0.1:0".parse().unwrap()),
            // Whether this machine has a node is no matter of these tests.
            overlay: OverlayConfig { mode: OverlayMode::None, ..OverlayConfig::default() },
            monitor: None,
            shows_notifications: false,
            disk: DiskReserves::default(),
            housekeeping,
            advertise: Vec::new(),
            mail: MailConfig::default(),
            attachments: AttachmentsConfig::default(),
            // What is held is a test of its own.
            hold: Some(Duration::ZERO),
        };
        let daemon = Daemon::start(&config).unwrap();
        let info = Arc::new(daemon.info().clone());
        let backend = LocalBackend::new(
            daemon.handle().clone(),
            info,
            daemon.mailer(),
            daemon.blobs(),
            Thumbnails::new(daemon.blobs().folder().clone()),
            daemon.search(),
        );
        Self { folder, daemon, backend }
    }

    pub(super) fn driver(&self) -> &DriverHandle {
        self.daemon.handle()
    }

    /// Closes what is due at a time in all that was joined, without waiting for a server.
    pub(super) async fn keep_house(&self, housekeeping: Housekeeping, now: UnixMillis) -> Closed {
        let mut all = Closed::default();
        let projects: Vec<_> = self.driver().status().borrow().projects.keys().copied().collect();
        for project in projects {
            let closed = housekeeping::round(self.driver(), &self.backend, &project, housekeeping, now).await;
            let Closed { count, failed } = closed.unwrap();
            all = Closed { count: all.count + count, failed: all.failed + failed };
        }
        all
    }

    pub(super) async fn ended(&self) {
        self.daemon.ended().await;
    }

    pub(super) async fn stop(self) {
        self.daemon.stop().await.unwrap();
    }

    /// Calls a method.
    pub(super) async fn try_call<M: Method>(&self, params: M) -> Result<M::Result, ApiError>
    where
        LocalBackend: Handle<M>,
    {
        self.backend.handle(params).await
    }

    /// Calls a method that works.
    pub(super) async fn call<M: Method>(&self, params: M) -> M::Result
    where
        LocalBackend: Handle<M>,
    {
        self.try_call(params).await.unwrap()
    }

    /// Calls a method that does not work.
    pub(super) async fn fail<M: Method>(&self, params: M) -> ApiError
    where
        LocalBackend: Handle<M>,
        M::Result: std::fmt::Debug,
    {
        let error = self.try_call(params).await.unwrap_err();
        assert!(!error.data.reason.is_empty() && !error.message.is_empty());
        error
    }

    pub(super) async fn invite(&self, role: Role) -> Invitation {
        self.call(Invite { role, email: None, name: None }).await
    }

    /// Joins the project of a server under a name, with an address of the same name.
    pub(super) async fn join(&self, server: &Self, role: Role, name: &str) -> ProjectInfo {
        let Invitation { code, address, .. } = server.invite(role).await;
        let email = Some(format!("{}@example.org", name.to_lowercase()));
        self.call(Join { address, code, name: Some(name.into()), email, device_name: Some("laptop".into()) })
            .await
    }

    /// Joins as a further device of somebody who is a member already.
    pub(super) async fn join_as(&self, server: &Self, role: Role, name: &str) -> ProjectInfo {
        let email = Some(format!("{}@example.org", name.to_lowercase()));
        let Invitation { code, address, .. } = server.call(Invite { role, email, name: None }).await;
        self.call(Join { address, code, name: None, email: None, device_name: Some("phone".into()) }).await
    }

    pub(super) async fn file(&self, title: &str) -> TicketWritten {
        self.call(Create { title: title.into(), body: "Dear team, ...".into(), ..Create::default() }).await
    }

    pub(super) async fn get(&self, ticket: &str) -> Ticket {
        self.call(get(ticket)).await
    }

    /// Waits for own changes.
    pub(super) async fn wait(&self, changes: &[&Option<String>], until: WaitUntil) -> DeliveryState {
        let changes = changes.iter().map(|change| (*change).clone().unwrap()).collect();
        let Reached { state } =
            self.call(Wait { project: None, changes, until, timeout_millis: Some(20_000) }).await;
        state
    }

    /// Waits until what a method answers is as wanted.
    pub(super) async fn until<M: Method + Clone>(
        &self,
        params: M,
        is_wanted: impl Fn(&M::Result) -> bool,
    ) -> M::Result
    where
        LocalBackend: Handle<M>,
    {
        let mut driven = self.driver().status();
        let wait = async {
            loop {
                driven.borrow_and_update();
                if let Ok(result) = self.try_call(params.clone()).await
                    && is_wanted(&result)
                {
                    return result;
                }
                driven.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("what was waited for never came")
    }
}

/// A server with a customer (Carla) and an agent (Arno), all connected.
pub(super) struct World {
    pub(super) server: Node,
    pub(super) customer: Node,
    pub(super) agent: Node,
}

impl World {
    pub(super) async fn new() -> Self {
        let server = Node::server("Mycelium");
        let (customer, agent) = (Node::device(), Node::device());
        customer.join(&server, Role::Customer, "Carla").await;
        agent.join(&server, Role::Agent, "Arno").await;
        Self { server, customer, agent }
    }

    /// Files a ticket as the customer, and waits until the agent has it.
    pub(super) async fn file(&self, title: &str) -> String {
        let written = self.customer.file(title).await;
        self.customer.wait(&[&written.change], WaitUntil::Delivered).await;
        written.ticket.id
    }
}

pub(super) fn get(ticket: &str) -> Get {
    Get { ticket: ticket.into(), ..Get::default() }
}

/// Checks what a machine sees of an error.
#[track_caller]
pub(super) fn check(error: &ApiError, code: ErrorCode, reason: &str, field: Option<&str>) {
    let seen = (error.code, error.data.reason.as_str(), error.data.field.as_deref());
    assert_eq!(seen, (code, reason, field), "{}", error.message);
}
