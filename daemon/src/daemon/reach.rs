//! How a daemon is reached and reaches others: its transport, and what follows this machine's overlay node.

use std::net::Ipv6Addr;
use std::sync::Arc;

use assist_proto::api::events::News;
use assist_proto::store::ServerProject;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::DaemonConfig;
use super::listening::{OverlayListening, ServerInfo};
use crate::api_server::EventFeed;
use crate::config::Bind;
use crate::device_key::DeviceKey;
use crate::driver::{self, Incoming};
use crate::home::Home;
use crate::net::{ListenOn, Net, NetConfig, NetEvent, NetLimits, PeerStream, Ways};
use crate::overlay::managed::Supervisor;
use crate::overlay::{
    Follower, KnownAddress, ManagedConfig, OverlayConfig, OverlayMode, OverlayState, hindrance,
};

/// The transport, and what goes with it.
pub(super) struct Reach {
    pub(super) net: Net<Incoming>,
    pub(super) server: Option<ServerInfo>,
    pub(super) overlay: watch::Receiver<OverlayState>,
    /// What follows the node, and listens where it is.
    pub(super) tasks: JoinSet<()>,
}

impl Reach {
    /// Opens the sockets and begins to follow the node.
    ///
    /// # Errors
    /// When a place to listen cannot be had, or what is to be told of it makes no address.
    pub(super) fn open(
        config: &DaemonConfig,
        home: &Home,
        (key, project): (&DeviceKey, Option<ServerProject>),
        (events, streams): (mpsc::Sender<NetEvent<Incoming>>, mpsc::Sender<PeerStream>),
        feed: EventFeed,
    ) -> anyhow::Result<Self> {
        let known = KnownAddress::at(home.overlay_address());
        let (bind, first_own) = first_place(config.bind, &known);
        let (follower, overlay) = Follower::new(config.overlay.clone());
        let ways = overlay_ways(overlay.clone());
        let net_config = NetConfig { bind, limits: NetLimits::default(), streams: Some(streams), ways };
        let net = Net::bind(&net_config, key, Arc::new(driver::prepare), events)?;
        let (own, own_rx) = watch::channel(first_own);
        let server = match (config.bind, project) {
            (Some(bind), Some(project)) => {
                let said = (bind, config.advertise.clone());
                Some(ServerInfo::new(project, said, net.listener(), own_rx)?)
            }
            _ => None,
        };
        let mut tasks = JoinSet::new();
        start_following(&mut tasks, follower, &config.overlay, home);
        tasks.spawn(tell_of_overlay(overlay.clone(), feed));
        if let Some(Bind::Auto { port }) = config.bind {
            let (listener, state) = (net.listener(), overlay.clone());
            tasks.spawn(OverlayListening { port, listener, known, own, state }.run());
        }
        Ok(Self { net, server, overlay, tasks })
    }
}

/// Follows the node of this machine, and runs it if that is this daemon's business.
fn start_following(tasks: &mut JoinSet<()>, follower: Follower, config: &OverlayConfig, home: &Home) {
    if config.mode != OverlayMode::Managed {
        tasks.spawn(follower.run());
        return;
    }
    let managed = ManagedConfig {
        program: config.program.clone(),
        key_folder: config.key_folder.clone().unwrap_or_else(|| home.overlay_keys()),
        peers: config.peers.clone(),
    };
    let (supervisor, program) = Supervisor::new(managed, config.api);
    tasks.spawn(supervisor.run());
    tasks.spawn(follower.of_program(program).run());
}

/// Overlay addresses are dialled over the overlay or not at all: a packet for one that this machine has no node for
/// would leave by whatever network there is.
fn overlay_ways(state: watch::Receiver<OverlayState>) -> Ways {
    Ways::new(move |address| hindrance(address.ip(), &state.borrow()))
}

/// Front ends hear that something changed; `daemon.status` says what.
async fn tell_of_overlay(mut state: watch::Receiver<OverlayState>, feed: EventFeed) {
    while state.changed().await.is_ok() {
        feed.publish(News::OverlayChanged {});
    }
}

/// Where to listen at first, and the overlay address that is known without asking anybody.
fn first_place(bind: Option<Bind>, known: &KnownAddress) -> (Option<ListenOn>, Option<Ipv6Addr>) {
    match bind {
        Some(Bind::Auto { port }) => OverlayListening::first(port, known),
        Some(Bind::Literal(address)) => (Some(ListenOn::Literal(address)), None),
        None => (None, None),
    }
}
