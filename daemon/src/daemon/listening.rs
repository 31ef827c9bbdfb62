//! Where a server listens, and the task that follows this machine's overlay address with it.

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use assist_proto::address::{Address, AddressError, Host};
use assist_proto::limits::ADDRESS_HOSTS_MAX;
use assist_proto::store::ServerProject;
use tokio::sync::watch;

use crate::config::Bind;
use crate::driver::{DriverHandle, reachable_addresses};
use crate::net::{ListenOn, Listener};
use crate::overlay::{KnownAddress, OverlayState};

/// A running server role.
#[derive(Debug, Clone)]
pub struct ServerInfo {
    /// Whom it serves.
    pub project: ServerProject,
    bind: Bind,
    advertise: Vec<Host>,
    listener: Listener,
    /// This machine's overlay address, as it was last known.
    own: watch::Receiver<Option<Ipv6Addr>>,
}

impl ServerInfo {
    /// Describes a server.
    ///
    /// # Errors
    /// When what it is to tell others as its hosts makes no address.
    pub(super) fn new(
        project: ServerProject,
        (bind, advertise): (Bind, Vec<Host>),
        listener: Listener,
        own: watch::Receiver<Option<Ipv6Addr>>,
    ) -> Result<Self, AddressError> {
        let info = Self { project, bind, advertise, listener, own };
        match info.hosts() {
            hosts if hosts.is_empty() => {}
            hosts => drop(Address::new(info.project.project, hosts)?),
        }
        Ok(info)
    }

    /// Where it listens now; `None` as long as its overlay address was never known.
    pub fn listening(&self) -> Option<SocketAddr> {
        self.listener.listening()
    }

    /// What to give to those who are to join; `None` as long as nobody could reach it.
    pub fn address(&self) -> Option<Address> {
        Address::new(self.project.project, self.hosts()).ok()
    }

    /// What it tells others as its hosts now.
    pub fn hosts(&self) -> Vec<Host> {
        if !self.advertise.is_empty() {
            return self.advertise.clone();
        }
        let reachable = match (self.bind, self.listening()) {
            (Bind::Auto { port }, _) => {
                self.own.borrow().map(|own| SocketAddr::new(own.into(), port)).into_iter().collect()
            }
            (Bind::Literal(_), Some(listening)) => reachable_addresses(listening),
            (Bind::Literal(_), None) => Vec::new(),
        };
        let hosts = reachable.into_iter().filter_map(|at| Host::new(at.ip(), at.port()).ok());
        hosts.take(ADDRESS_HOSTS_MAX).collect()
    }

    /// The same without this machine's own loopback, unless there is nothing else: what devices are told.
    pub(super) fn hosts_for_others(&self) -> Vec<Host> {
        let hosts = self.hosts();
        let others: Vec<Host> = hosts.iter().filter(|host| !host.ip().is_loopback()).copied().collect();
        if others.is_empty() { hosts } else { others }
    }

    /// How many packets it dropped because they did not come over the overlay, since it started; `None` where it hears
    /// everybody.
    pub fn ignored_packets(&self) -> Option<u64> {
        matches!(self.bind, Bind::Auto { .. }).then(|| self.listener.ignored_packets())
    }
}

/// Tells the driver whenever a server is reached at another address.
pub(super) async fn tell_hosts(server: Option<ServerInfo>, driver: DriverHandle) {
    let Some(mut server) = server else { return };
    while server.own.changed().await.is_ok() {
        driver.hosts_changed(server.hosts_for_others()).await;
    }
}

/// Listens wherever this machine's overlay address is.
pub(super) struct OverlayListening {
    pub(super) port: u16,
    pub(super) listener: Listener,
    pub(super) known: KnownAddress,
    pub(super) own: watch::Sender<Option<Ipv6Addr>>,
    pub(super) state: watch::Receiver<OverlayState>,
}

impl OverlayListening {
    /// Where to listen before the node was asked: at the address that it had last.
    pub(super) fn first(port: u16, known: &KnownAddress) -> (Option<ListenOn>, Option<Ipv6Addr>) {
        let address = known.load().unwrap_or_else(|error| {
            tracing::warn!(error = %crate::driver::Chain(&error), "the last overlay address is not known");
            None
        });
        (address.map(|address| listen_on(address, port)), address)
    }

    /// Runs as long as the node is followed.
    pub(super) async fn run(mut self) {
        loop {
            let address = self.state.borrow_and_update().address();
            if let Some(address) = address {
                self.follow(address);
            }
            tokio::select! {
                changed = self.state.changed() => if changed.is_err() { return },
                // A place that could not be had may be free now.
                () = tokio::time::sleep(AGAIN_AFTER), if address.is_some() => {}
            }
        }
    }

    fn follow(&self, address: Ipv6Addr) {
        if *self.own.borrow() != Some(address) {
            // Left out of the line where none was known before.
            let before = self.own.borrow().map(tracing::field::display);
            tracing::info!(%address, port = self.port, before, "this server has a new overlay address");
            if let Err(error) = self.known.save(address) {
                // It is known as long as this process lives; the next one may have to wait for the node.
                tracing::warn!(error = %crate::driver::Chain(&error), "the overlay address is not kept");
            }
            self.own.send_replace(Some(address));
        }
        let is_there =
            |at: SocketAddr| at.port() == self.port && (at.ip() == address || at.ip().is_unspecified());
        if !self.listener.listening().is_some_and(is_there) {
            self.listener.listen(listen_on(address, self.port));
        }
    }
}

fn listen_on(address: Ipv6Addr, port: u16) -> ListenOn {
    ListenOn::Overlay(SocketAddrV6::new(address, port, 0, 0))
}

/// Before a place is tried again that another process has.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
