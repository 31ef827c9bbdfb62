//! One running daemon: folder, keys, store, transport, driver and local API, started and stopped together.

mod listening;
mod reach;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use assist_crdt_model::{ProjectName, UnixMillis};
use assist_proto::address::Host;
use assist_proto::housekeeping::Housekeeping;
use assist_proto::hub::{DiskReserves, initialise_server, recover_server};
use assist_proto::store::{ServerProject, ServerStore as _};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::api_server::{ApiServer, EventFeed};
use crate::backend::LocalBackend;
use crate::backup;
use crate::blobs::{BlobFolder, BlobService, BlobsHandle, Keeper, Parts};
use crate::config::{AttachmentsConfig, Bind, MailConfig, MailRoute};
use crate::desktop;
use crate::device_key::DeviceKey;
use crate::disk;
use crate::driver::{self, Driver, DriverHandle, DriverParts};
use crate::home::Home;
use crate::housekeeping;
use crate::mail::{MailOut, Mailer, MailerHandle};
use crate::monitor::{self, HealthAsks, HealthOut, MonitorAt, Watched};
use crate::net::PeerStream;
use crate::overlay::{OverlayConfig, OverlayMode, OverlayState};
use crate::pictures::Thumbnails;
use crate::scrub;
use crate::search::{Search, SearchParts};
use crate::store::{Store, StoreOptions};
pub use listening::ServerInfo;
use listening::tell_hosts;
use reach::Reach;

/// How a daemon is to run.
#[derive(Debug, Clone)]
pub struct DaemonConfig {
    /// The folder that holds everything.
    pub home: PathBuf,
    /// Serve the project of this folder there. Without it, the daemon is a device only.
    pub bind: Option<Bind>,
    /// What to print as the server's hosts instead of what it listens on.
    pub advertise: Vec<Host>,
    /// How mail leaves a server.
    pub mail: MailConfig,
    /// How large attachments may be.
    pub attachments: AttachmentsConfig,
    /// How long comments and notes are held back before they leave, if not as usual for their author's role.
    pub hold: Option<Duration>,
    /// How the overlay is used.
    pub overlay: OverlayConfig,
    /// Where whoever watches asks.
    pub monitor: Option<MonitorAt>,
    /// Whether what is for the user of this device may be shown on a desktop.
    pub shows_notifications: bool,
    /// From where on a server's disk counts as low, and as full.
    pub disk: DiskReserves,
    /// After how much rest this device closes tickets, in its user's name.
    pub housekeeping: Housekeeping,
}

/// A daemon that runs until it is stopped or dropped.
pub struct Daemon {
    home: Home,
    handle: DriverHandle,
    driver: JoinHandle<()>,
    indexer: JoinHandle<()>,
    stop_api: oneshot::Sender<()>,
    api: JoinSet<()>,
    /// What moves attachments, and what answers whoever watches.
    tasks: JoinSet<()>,
    /// What follows this machine's node, and listens where it is.
    overlay_tasks: JoinSet<()>,
    #[cfg(test)]
    blobs: BlobsHandle,
    #[cfg(test)]
    search: Search,
    mailer: Mailer,
    info: Arc<DaemonInfo>,
}

/// What does not change while a daemon runs.
#[derive(Debug, Clone)]
pub struct DaemonInfo {
    /// The folder.
    pub home: PathBuf,
    /// The socket of the local API.
    pub socket: PathBuf,
    /// This installation.
    pub device: assist_crdt_model::DeviceId,
    /// When it started.
    pub started_at: UnixMillis,
    /// What the server role needs to say of itself.
    pub server: Option<ServerInfo>,
    /// How long comments and notes are held back, if not as usual.
    pub hold: Option<Duration>,
    /// Whose business this machine's node is.
    pub overlay_mode: OverlayMode,
    /// What is known of it.
    pub overlay: watch::Receiver<OverlayState>,
}

impl Daemon {
    /// Starts a daemon in its folder.
    ///
    /// # Errors
    /// When the folder, a key, the store, the port or the socket cannot be had; each says what to do.
    pub fn start(config: &DaemonConfig) -> anyhow::Result<Self> {
        let home = Home::open(&config.home)?;
        let device_key = DeviceKey::load_or_create(&home.device_key())?;
        let store = open_store(&home, &device_key)?;
        let (node_key, project) = config.bind.map(|_| server_of(&home, &store)).transpose()?.unzip();
        let (events_tx, events) = mpsc::channel(NET_EVENTS_MAX);
        // A server's node is a member of its own project: as a device, it is the same key.
        let device_key = node_key.clone().unwrap_or(device_key);
        let (streams_tx, streams) = mpsc::channel(STREAMS_WAITING_MAX);
        let (blob_service, blobs) = open_blobs(config, &home, streams)?;
        let started_at = driver::read_clock();
        let feed = EventFeed::new(format!("{started_at:x}", started_at = started_at.0));
        let (asked, told) = ((&device_key, project), (events_tx, streams_tx));
        let Reach { net, server, overlay, tasks: mut overlay_tasks } =
            Reach::open(config, &home, asked, told, feed.clone())?;
        let mailer = start_mailer(config)?;
        let info = Arc::new(DaemonInfo {
            home: home.path().to_owned(),
            socket: home.socket(),
            device: device_key.device_id(),
            started_at,
            server,
            hold: config.hold,
            overlay,
            overlay_mode: config.overlay.mode,
        });
        let mail = MailOut::new(mailer.handle(), info.server.clone());
        let search = SearchParts::new();
        let (health, health_asks) = HealthOut::new();
        let parts = DriverParts {
            store,
            device_key,
            node_key,
            net,
            events,
            feed: feed.clone(),
            mail,
            health,
            blobs: blobs.clone(),
            poker: search.poker(),
            hosts: info.server.as_ref().map(ServerInfo::hosts_for_others).unwrap_or_default(),
            digests: config.mail.digests,
            blob_bytes_max: config.attachments.bytes_max,
            fetch_unasked_bytes_max: config.attachments.fetch_unasked_bytes_max,
            disk_reserves: config.disk,
            disk_space: disk::space(home.path()).ok(),
        };
        let (driver, handle) = Driver::open(parts, home.was_clean())?;
        overlay_tasks.spawn(tell_hosts(info.server.clone(), handle.clone()));
        let (search, indexer) = search.start(home.search(), &handle)?;
        let parts = (handle.clone(), Arc::clone(&info), mailer.handle());
        let backend = open_backend(parts.clone(), &blobs, search.clone());
        let mut tasks = spawn_watchers((config, &home), parts, &backend, (&feed, health_asks))?;
        let (stop_api, api) = spawn_api(backend, &info.socket, &blobs, feed.clone())?;
        tasks.spawn(blob_service.run(handle.clone(), feed));
        let driver = spawn_driver(driver)?;
        Ok(Self {
            home,
            handle,
            driver,
            indexer,
            stop_api,
            api,
            tasks,
            overlay_tasks,
            #[cfg(test)]
            blobs,
            #[cfg(test)]
            search,
            mailer,
            info,
        })
    }

    /// What does not change while it runs.
    pub fn info(&self) -> &DaemonInfo {
        &self.info
    }

    /// Asks the driver directly, as tests and the operator's commands do.
    pub fn handle(&self) -> &DriverHandle {
        &self.handle
    }

    /// The search.
    #[cfg(test)]
    pub(crate) fn search(&self) -> Search {
        self.search.clone()
    }

    /// Queues mail, as the server's hub has it done.
    pub fn mailer(&self) -> MailerHandle {
        self.mailer.handle()
    }

    /// The transfers of attachments.
    #[cfg(test)]
    pub(crate) fn blobs(&self) -> BlobsHandle {
        self.blobs.clone()
    }

    /// Returns once the daemon was told to stop over its API, or its driver ended.
    pub async fn ended(&self) {
        let mut status = self.handle.status();
        while status.changed().await.is_ok() {}
    }

    /// Stops: no new callers, running calls end, links say goodbye, the store is closed.
    ///
    /// # Errors
    /// When the last bits could not be written; nothing acknowledged is lost then either.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.handle.stop().await;
        self.stop_api.send(()).ok(); // Fails only if the API has ended already.
        while self.api.join_next().await.is_some() {}
        let store = self.handle.store().clone();
        let (driver, indexer) = (self.driver, self.indexer);
        tokio::task::spawn_blocking(move || driver.join().and_then(|()| indexer.join()))
            .await?
            .map_err(|_| anyhow::anyhow!("the driver or the indexer failed"))?;
        self.tasks.shutdown().await;
        self.overlay_tasks.shutdown().await;
        self.mailer.stop().await;
        store.close();
        self.home.mark_clean()?;
        Ok(())
    }
}

/// Makes the folder of a new server: root key, node key, project. Returns where the root key lies.
///
/// # Errors
/// When the folder serves a project already, or cannot be used.
pub fn init_server(path: &Path, name: &ProjectName) -> anyhow::Result<(ServerProject, PathBuf)> {
    let home = Home::open(path)?;
    let device_key = DeviceKey::load_or_create(&home.device_key())?;
    let store = open_store(&home, &device_key)?;
    let mut turn = store.begin_turn()?;
    if let Some(project) = turn.project()? {
        anyhow::bail!("{} serves the project {:?} already", path.display(), project.name);
    }
    let root = DeviceKey::load_or_create(&home.root_key())?;
    let node = DeviceKey::load_or_create(&home.node_key())?;
    let (root_key, node_key) = (root.signing_key(), node.signing_key());
    let project =
        initialise_server(driver::read_clock(), root_key, node_key, name, random_seed()?, &mut turn)?;
    turn.commit()?;
    store.close();
    home.mark_clean()?;
    Ok((project, home.root_key()))
}

/// Makes the folder of a server that has nothing but its keys, the root's and the node's: its members' devices bring
/// the rest.
///
/// # Errors
/// When a key is missing, the folder serves a project already, or cannot be used.
pub fn recover_server_from_keys(path: &Path, name: &ProjectName) -> anyhow::Result<ServerProject> {
    let home = Home::open(path)?;
    for (key, what) in [(home.root_key(), "root key"), (home.node_key(), "key of the server")] {
        anyhow::ensure!(key.exists(), "the {what} is not at {}", key.display());
    }
    let device_key = DeviceKey::load_or_create(&home.device_key())?;
    let store = open_store(&home, &device_key)?;
    let mut turn = store.begin_turn()?;
    if let Some(project) = turn.project()? {
        anyhow::bail!("{} serves the project {:?} already", path.display(), project.name);
    }
    let root = DeviceKey::load_or_create(&home.root_key())?;
    let node = DeviceKey::load_or_create(&home.node_key())?;
    let (root, node) = (root.signing_key(), node.signing_key());
    let project = recover_server(driver::read_clock(), root, node, name, random_seed()?, &mut turn)?;
    turn.commit()?;
    store.close();
    home.mark_clean()?;
    Ok(project)
}

fn random_seed() -> anyhow::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

fn start_mailer(config: &DaemonConfig) -> anyhow::Result<Mailer> {
    match &config.mail.route {
        MailRoute::None if config.bind.is_some() => tracing::warn!(
            "this server can send no mail, so nobody can join by email: set `host` under [mail.relay] in {} or \
             ASSIST_MAIL_HOST, or try it out with --mail-to-file <folder>",
            config.home.join(crate::config::FILE_NAME).display()
        ),
        MailRoute::None => {}
        route @ MailRoute::Folder(_) => tracing::warn!("mails go to {route}"),
        route @ MailRoute::Relay(_) => tracing::info!("mails go to {route}"),
    }
    Mailer::start(&config.mail)
}

fn open_store(home: &Home, key: &DeviceKey) -> anyhow::Result<Store> {
    Ok(Store::open(&home.store(), &backup::store_key(key), StoreOptions::default())?)
}

fn server_of(home: &Home, store: &Store) -> anyhow::Result<(DeviceKey, ServerProject)> {
    if home.retired().exists() {
        anyhow::bail!(
            "the project of {} is served elsewhere now: its last backup was made to move it. Two servers of one \
             project would take what the other does not know. If it was never restored, remove {} and start again",
            home.path().display(),
            home.retired().display()
        );
    }
    let project = store.begin_turn()?.project()?.ok_or_else(|| {
        let path = home.path().display();
        anyhow::anyhow!(
            "{path} serves no project yet: run `assistd server init --name <project> --home {path}` first"
        )
    })?;
    Ok((DeviceKey::load(&home.node_key())?, project))
}

fn open_blobs(
    config: &DaemonConfig,
    home: &Home,
    streams: mpsc::Receiver<PeerStream>,
) -> anyhow::Result<(BlobService, BlobsHandle)> {
    let keeper = if config.bind.is_some() { Keeper::Server } else { Keeper::Device };
    Ok(BlobService::new(Parts { folder: BlobFolder::open(&home.blobs())?, streams, keeper }))
}

/// Looks through what is kept, looks after a server's disk and tells its admins how it fares, shows a device's user what
/// is for them, closes what nobody answers, and tells figures to whoever watches: each if it is wanted, as long as the
/// tasks run.
fn spawn_watchers(
    (config, home): (&DaemonConfig, &Home),
    (driver, info, mailer): (DriverHandle, Arc<DaemonInfo>, MailerHandle),
    backend: &LocalBackend,
    (feed, health_asks): (&EventFeed, HealthAsks),
) -> anyhow::Result<JoinSet<()>> {
    let mut tasks = JoinSet::new();
    let watched = Watched { driver: driver.clone(), info: Arc::clone(&info), mailer };
    tasks.spawn(scrub::watch(info.home.clone(), driver.clone(), info.server.is_some(), home.was_clean()));
    if config.bind.is_some() {
        tasks.spawn(disk::watch(info.home.clone(), driver.clone()));
        tasks.spawn(health_asks.run(watched.clone()));
    }
    if config.shows_notifications {
        tasks.spawn(desktop::run(driver.store().clone(), feed.tap()));
    }
    if let Some(at) = &config.monitor {
        let serving = monitor::open(at, watched).with_context(|| format!("cannot tell figures at {at}"))?;
        tasks.spawn(serving);
    }
    tasks.spawn(housekeeping::watch(driver, backend.clone(), config.housekeeping));
    Ok(tasks)
}

/// What answers front ends, and what closes tickets, which is done as if one of them had asked.
fn open_backend(
    (driver, info, mails): (DriverHandle, Arc<DaemonInfo>, MailerHandle),
    blobs: &BlobsHandle,
    search: Search,
) -> LocalBackend {
    let thumbnails = Thumbnails::new(blobs.folder().clone());
    LocalBackend::new(driver, info, mails, blobs.clone(), thumbnails, search)
}

/// Serves front ends until told to stop.
fn spawn_api(
    backend: LocalBackend,
    socket: &Path,
    blobs: &BlobsHandle,
    feed: EventFeed,
) -> anyhow::Result<(oneshot::Sender<()>, JoinSet<()>)> {
    let (folder, thumbnails) = (blobs.folder().clone(), backend.thumbnails().clone());
    let server = ApiServer::bind(socket, Arc::new(backend), feed, folder, thumbnails)?;
    let (stop_api, api_stopped) = oneshot::channel();
    let mut api = JoinSet::new();
    api.spawn(server.run(async {
        api_stopped.await.ok(); // Dropped without a word: the same as told.
    }));
    Ok((stop_api, api))
}

/// The driver blocks on the disk, so it has a thread of its own, with a small runtime to wait in.
fn spawn_driver(driver: Driver) -> anyhow::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    Ok(std::thread::Builder::new().name("driver".into()).spawn(move || runtime.block_on(driver.run()))?)
}

/// Streams that wait to be served; more wait in QUIC.
const STREAMS_WAITING_MAX: usize = 64;
/// Frames that wait for the driver: with the largest frames 256 MiB, with usual ones less than one.
const NET_EVENTS_MAX: usize = 256;
