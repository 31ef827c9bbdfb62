//! The looks at this machine's node, again and again. Decides nothing: [`OverlayState::after`] does.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use assist_proto::address::is_overlay;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::api::ask;
use super::limits::{ASK_TIMEOUT, LOOK_EVERY, QUIET_LOOKS};
use super::managed::ProgramState;
use super::state::{Look, OverlayState, Program};
use super::{OverlayConfig, OverlayMode};

/// Looks at the node of this machine as long as it runs.
pub struct Follower {
    config: OverlayConfig,
    look_every: Duration,
    read_addresses: ReadAddresses,
    state: watch::Sender<OverlayState>,
    /// How the program fares that this daemon runs, if it does.
    managed: Option<watch::Receiver<ProgramState>>,
    /// As of the last look.
    addresses: BTreeSet<Ipv6Addr>,
    /// Looks since the node was asked.
    quiet_looks: u32,
}

type ReadAddresses = Box<dyn FnMut() -> io::Result<BTreeSet<Ipv6Addr>> + Send>;

impl Follower {
    /// Follows the node that `config` tells of, and a receiver for what becomes of it.
    pub fn new(config: OverlayConfig) -> (Self, watch::Receiver<OverlayState>) {
        Self::with_source(config, LOOK_EVERY, Box::new(overlay_addresses))
    }

    /// The same for a node whose program this daemon runs.
    #[must_use]
    pub fn of_program(self, program: watch::Receiver<ProgramState>) -> Self {
        Self { managed: Some(program), ..self }
    }

    fn with_source(
        config: OverlayConfig,
        look_every: Duration,
        read_addresses: ReadAddresses,
    ) -> (Self, watch::Receiver<OverlayState>) {
        let first = match config.mode {
            OverlayMode::None => OverlayState::Off,
            OverlayMode::External | OverlayMode::Managed => OverlayState::Unknown,
        };
        let (state, receiver) = watch::channel(first);
        let addresses = BTreeSet::new();
        (
            Self { config, look_every, read_addresses, state, managed: None, addresses, quiet_looks: 0 },
            receiver,
        )
    }

    /// Looks until nobody wants to know, or never if that is the mode.
    pub async fn run(mut self) {
        if self.config.mode == OverlayMode::None {
            return;
        }
        let mut looks = interval(self.look_every);
        // After sleep one look is enough.
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.state.is_closed() {
            looks.tick().await;
            self.look().await;
        }
    }

    /// Looks once.
    pub(crate) async fn look(&mut self) {
        let addresses = match (self.read_addresses)() {
            Ok(addresses) => addresses,
            Err(error) => {
                // Not knowing is not a change: the next look may tell.
                return tracing::debug!(%error, "cannot list the addresses of this machine");
            }
        };
        let is_found = matches!(&*self.state.borrow(), OverlayState::Found(_));
        if is_found && addresses == self.addresses && self.quiet_looks < QUIET_LOOKS {
            self.quiet_looks += 1;
            return;
        }
        self.quiet_looks = 0;
        self.addresses.clone_from(&addresses);
        let answer = ask(self.config.api, ASK_TIMEOUT).await;
        let managed = self.managed.as_ref().map(|program| program.borrow().clone());
        let look = Look { answer, addresses, program: installed_program(), managed };
        let next = self.state.borrow().after(&look, self.config.api);
        if next != *self.state.borrow() {
            tracing::info!(help = next.help(), "{}", next.detail());
            self.state.send_replace(next);
        }
    }
}

/// The overlay addresses of this machine's interfaces.
pub(crate) fn overlay_addresses() -> io::Result<BTreeSet<Ipv6Addr>> {
    let interfaces = if_addrs::get_if_addrs()?;
    Ok(interfaces
        .into_iter()
        .filter_map(|found| match found.ip() {
            ip @ IpAddr::V6(address) if is_overlay(ip) => Some(address),
            _ => None,
        })
        .collect())
}

fn installed_program() -> Program {
    if UNIT_FOLDERS.iter().any(|folder| Path::new(folder).join(UNIT).exists()) {
        return Program::Service;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file());
    if is_there { Program::Alone } else { Program::Missing }
}

/// What mycelium's program is called.
pub(crate) const PROGRAM: &str = "mycelium";
const UNIT: &str = "mycelium.service";
const UNIT_FOLDERS: [&str; 3] = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

#[cfg(test)]
mod tests;
