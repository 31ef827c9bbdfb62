//! Notices that the machine's network has changed: a dial that was hopeless a moment ago may work now.
//!
//! It polls the machine's own addresses, which works the same on every system and costs one system call a round.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Watches the addresses of this machine.
pub struct NetworkWatch {
    read: ReadAddresses,
    interval: Interval,
    known: BTreeSet<IpAddr>,
}

type ReadAddresses = Box<dyn FnMut() -> io::Result<BTreeSet<IpAddr>> + Send>;

impl NetworkWatch {
    /// Starts from what is there now.
    pub fn new() -> Self {
        Self::with_source(Box::new(machine_addresses))
    }

    fn with_source(mut read: ReadAddresses) -> Self {
        let mut interval = interval(POLL_EVERY);
        // After sleep one look is enough.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let known = read().unwrap_or_default();
        Self { read, interval, known }
    }

    /// Waits until the addresses differ from those of the last time. Cancel safe.
    pub async fn changed(&mut self) {
        loop {
            self.interval.tick().await;
            match (self.read)() {
                Ok(now) if now != self.known => {
                    self.known = now;
                    return;
                }
                Ok(_same) => {}
                // Not knowing is not a change: the next round may tell.
                Err(error) => tracing::debug!(%error, "cannot list the addresses of this machine"),
            }
        }
    }
}

impl Default for NetworkWatch {
    fn default() -> Self {
        Self::new()
    }
}

/// Lists the addresses by which others may reach this machine, or it them.
fn machine_addresses() -> io::Result<BTreeSet<IpAddr>> {
    let interfaces = if_addrs::get_if_addrs()?;
    Ok(interfaces
        .into_iter()
        .filter(|found| !found.is_loopback() && !found.is_link_local())
        .map(|found| found.ip())
        .collect())
}

/// A person who waits for a connection barely notices it, and a battery does not either.
const POLL_EVERY: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
