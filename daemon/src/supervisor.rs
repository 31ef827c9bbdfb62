//! What the system's supervisor is told: that everything is open, that the daemon is alive, that it goes down.
//!
//! systemd's protocol (`sd_notify(3)`): one datagram to the socket that the environment names. Without a supervisor
//! nothing is said, and nothing else is different.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::driver::DriverHandle;

/// Tells the supervisor, as long as it exists, that the daemon is alive. Dropped, it says that the daemon goes down.
pub struct Supervised {
    _alive: JoinSet<()>,
}

impl Supervised {
    /// Says that everything is open; from now on the driver is asked for a sign of life as often as the supervisor
    /// wants one, and the supervisor hears of those that came.
    pub fn ready(driver: DriverHandle) -> Self {
        tell(NotifyState::Ready);
        let mut alive = JoinSet::new();
        if let Some(patience) = sd_notify::watchdog_enabled() {
            alive.spawn(show_life(driver, patience / 2));
        }
        Self { _alive: alive }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        tell(NotifyState::Stopping);
    }
}

/// A driver that hangs, in the store or in itself, answers no more: then the supervisor hears nothing and acts.
async fn show_life(driver: DriverHandle, step: Duration) {
    // An interval of nothing would never end.
    let mut ticks = interval(step.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if timeout(step, driver.is_alive()).await == Ok(true) {
            tell(NotifyState::Watchdog);
        }
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the supervisor cannot be told how the daemon is");
    }
}
