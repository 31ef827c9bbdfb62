//! The bounds of what is shown on the desktop, each with its reason.

use std::time::Duration;

/// How long something waits before it is shown: a window that has the ticket open says so much sooner that it was read.
pub(crate) const SHOWN_AFTER: Duration = Duration::from_secs(2);
/// Tickets that wait to be shown: beyond, nobody is told more than that there are many.
pub(crate) const WAITING_MAX: usize = 1_000;
/// Notifications that are shown one by one; of more, one says how many tickets have news.
pub(crate) const SHOWN_AT_ONCE_MAX: usize = 5;
/// Notifications that are remembered to be replaced and taken away.
pub(crate) const ON_SCREEN_MAX: usize = 200;
/// How long the bus may take for an answer: whoever shows notifications may hang.
pub(crate) const BUS_PATIENCE: Duration = Duration::from_secs(5);
/// Without a bus, how long until it is looked for again.
pub(crate) const BUS_PAUSE: Duration = Duration::from_secs(60);
