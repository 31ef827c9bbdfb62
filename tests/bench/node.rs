//! Daemons within this process: a server and devices with their own folders, keys and sockets, over real QUIC.

use std::fs::{self, DirBuilder};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use assist_crdt_model::{ProjectId, ProjectName};
use assist_daemon::config::{AttachmentsConfig, Bind, MailConfig};
use assist_daemon::driver::Driven;
use assist_daemon::overlay::{OverlayConfig, OverlayMode};
use assist_daemon::store::{DeviceReads as _, Reader, Store};
use assist_daemon::{Daemon, DaemonConfig, ServerInfo, init_server};
use assist_proto::api::{project, server, sync, user};
use assist_proto::client::Client;
use assist_proto::housekeeping::Housekeeping;
use assist_proto::hub::{Connection, DiskReserves};
use assist_proto::store::SyncState;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A daemon of either role.
pub(crate) struct Node<'a> {
    runtime: &'a Runtime,
    home: PathBuf,
    daemon: Daemon,
}

impl<'a> Node<'a> {
    /// Makes a project in a new folder and serves it on a port that the system chooses.
    pub(crate) fn new_server(runtime: &'a Runtime, home: &Path) -> anyhow::Result<Self> {
        init_server(home, &ProjectName::parse("bench")?)?;
        Self::server(runtime, home)
    }

    /// Serves the project of a folder.
    pub(crate) fn server(runtime: &'a Runtime, home: &Path) -> anyhow::Result<Self> {
        Self::start(runtime, home, Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
    }

    /// Starts a device.
    pub(crate) fn device(runtime: &'a Runtime, home: &Path) -> anyhow::Result<Self> {
        Self::start(runtime, home, None)
    }

    fn start(runtime: &'a Runtime, home: &Path, bind: Option<SocketAddr>) -> anyhow::Result<Self> {
        let _inside = runtime.enter();
        let (mail, hold) = (MailConfig::default(), Some(Duration::ZERO));
        let attachments = AttachmentsConfig::default();
        let (home_path, advertise) = (home.to_owned(), Vec::new());
        let bind = bind.map(Bind::Literal);
        // What is measured is the same with a node and without.
        let overlay = OverlayConfig { mode: OverlayMode::None, ..OverlayConfig::default() };
        let config = DaemonConfig {
            home: home_path,
            bind,
            advertise,
            mail,
            attachments,
            hold,
            shows_notifications: false,
            overlay,
            monitor: None,
            disk: DiskReserves::default(),
            housekeeping: Housekeeping::default(),
        };
        let daemon = Daemon::start(&config).with_context(|| format!("a daemon in {}", home.display()))?;
        Ok(Self { runtime, home: home.to_owned(), daemon })
    }

    /// Its folder.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// A connection to its local API.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::connect(&self.daemon.info().socket)?)
    }

    /// What it keeps.
    pub(crate) fn store(&self) -> &Store {
        self.daemon.handle().store()
    }

    /// What a server tells those who are to join.
    pub(crate) fn address(&self) -> anyhow::Result<String> {
        Ok(self
            .daemon
            .info()
            .server
            .as_ref()
            .and_then(|server| server.address())
            .context("this is no server")?
            .to_string())
    }

    /// Where a server listens.
    pub(crate) fn listening(&self) -> anyhow::Result<SocketAddr> {
        self.daemon.info().server.as_ref().and_then(ServerInfo::listening).context("this is no server")
    }

    /// Joins a server's project, and returns once it is in step.
    pub(crate) fn join(&self, server: &Node<'_>, role: user::Role, name: &str) -> anyhow::Result<ProjectId> {
        self.start_join(server, role, name)?;
        self.until("in step", |view| Ok(view.is_in_step()))?;
        self.project()
    }

    /// Joins, and returns as soon as the call does.
    pub(crate) fn start_join(&self, server: &Node<'_>, role: user::Role, name: &str) -> anyhow::Result<()> {
        let (address, code) = server.invite(role)?;
        self.join_with(address, code, name)
    }

    /// Makes a code for one person; returns address and code.
    pub(crate) fn invite(&self, role: user::Role) -> anyhow::Result<(String, String)> {
        let invitation = self.client()?.call(&server::Invite { role, email: None, name: None })?;
        Ok((invitation.address, invitation.code))
    }

    /// Joins with a code.
    pub(crate) fn join_with(&self, address: String, code: String, name: &str) -> anyhow::Result<()> {
        let email = Some(format!("{}@example.org", name.to_lowercase()));
        let (name, device_name) = (Some(name.to_owned()), Some("bench".to_owned()));
        self.client()?.call(&project::Join { address, code, name, email, device_name })?;
        Ok(())
    }

    /// The only project that the device has joined.
    pub(crate) fn project(&self) -> anyhow::Result<ProjectId> {
        let memberships = self.store().read()?.memberships()?;
        Ok(memberships.first().context("no project was joined")?.project)
    }

    /// The user's switch.
    pub(crate) fn pause(&self) -> anyhow::Result<()> {
        self.client()?.call(&sync::Pause::default())?;
        Ok(())
    }

    /// Likewise.
    pub(crate) fn resume(&self) -> anyhow::Result<()> {
        self.client()?.call(&sync::Resume::default())?;
        Ok(())
    }

    /// Looks again after every turn of the driver until what is looked for is so.
    pub(crate) fn until(
        &self,
        what: &str,
        is_so: impl Fn(&NodeView) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let mut status = self.daemon.handle().status();
        loop {
            let view = NodeView { driven: status.borrow_and_update().clone(), reader: self.store().read()? };
            if is_so(&view)? {
                return Ok(());
            }
            drop(view);
            let changed =
                self.runtime.block_on(async { tokio::time::timeout(PATIENCE, status.changed()).await });
            changed.with_context(|| format!("waited in vain: {what}"))??;
        }
    }

    /// Stops it; the folder can be used again then.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.runtime.block_on(self.daemon.stop())
    }
}

/// A device after a turn.
pub(crate) struct NodeView {
    driven: Driven,
    /// What is stored.
    pub(crate) reader: Reader,
}

impl NodeView {
    /// Whether all projects are connected and everything that the server has is stored here.
    pub(crate) fn is_in_step(&self) -> bool {
        !self.driven.projects.is_empty()
            && self.driven.projects.iter().all(|(id, status)| {
                let sync = self.sync(id);
                let is_online = matches!(status.connection, Connection::Online { .. });
                // A cursor of 0 is that of a device which has not been sent anything.
                is_online
                    && sync.cold.is_none()
                    && sync.cursor.0 > 0
                    && status.head.is_some_and(|head| sync.cursor >= head)
            })
    }

    /// How far it has come with a project.
    pub(crate) fn sync(&self, project: &ProjectId) -> SyncState {
        self.reader.sync_state(project).unwrap_or_default()
    }
}

/// A place for folders of daemons, on the disk that the build is on, short enough for the names of sockets.
pub(crate) fn scratch() -> anyhow::Result<TempDir> {
    let folder = data_folder()?;
    tempfile::Builder::new().prefix("run").tempdir_in(folder).context("a folder for this run")
}

/// Where benchmarks keep what they prepare.
pub(crate) fn data_folder() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target =
        program.parent().and_then(Path::parent).context("the program lies in a folder of the build")?;
    let folder = target.join("bench-data");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Copies the folder of a daemon that is stopped, and makes the copy durable: who uses it pays for what he writes.
pub(crate) fn copy_home(from: &Path, to: &Path) -> anyhow::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let copy = to.join(entry.file_name());
            fs::copy(entry.path(), &copy)?;
            fs::File::open(&copy)?.sync_all()?;
        }
    }
    Ok(())
}

/// Longer than anything takes; a broken run ends with an error.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
