//! Every bound of the client, with its reason.

use std::time::Duration;

/// Rows that are asked for at once: more than fit on any screen, and quick to answer.
pub(crate) const PAGE_ROWS: u64 = 100;

/// Pages that are kept: 3,000 rows, about 2 MB. Those far from what is shown go first.
pub(crate) const PAGES_MAX: usize = 30;

/// Requests that wait for the daemon. A person cannot be that quick: more are kept back in the window.
pub(crate) const REQUESTS_MAX: usize = 64;

/// Answers that wait for the window: the worker waits when it does not draw.
pub(crate) const REPLIES_MAX: usize = 256;

/// Answers that one frame takes, so that a flood of news costs no hitch.
pub(crate) const REPLIES_A_FRAME_MAX: usize = 64;

/// Places that "back" remembers.
pub(crate) const ROUTES_MAX: usize = 100;

/// Lines on what happened that are shown at once.
pub(crate) const TOASTS_MAX: usize = 4;

/// How long such a line stays, in milliseconds.
pub(crate) const TOAST_MILLIS: u64 = 6_000;

/// What has been there for less takes no press: it came under a hand that was on its way to what stood there before.
pub(crate) const SETTLED_AFTER_SECONDS: f64 = 0.6;

/// Changes of a history that are asked for: the daemon gives no more at once.
pub(crate) const HISTORY_MAX: u32 = 500;

/// Notes that are asked for: the daemon gives no more at once.
pub(crate) const NOTES_MAX: u32 = 500;

/// Members, and devices, that are asked for to manage a project: more than anybody reads through.
pub(crate) const ROSTER_MAX: usize = 1_000;

/// Of these so many at once: the daemon gives no more.
pub(crate) const ROSTER_PAGE: u32 = 200;

/// Entries of the admission log that are asked for at once: more than fit on any screen, and one answer of the server.
pub(crate) const LOG_PAGE: u32 = 100;

/// How long what is shown of a server's health may be old, in milliseconds: a person looks for half a minute.
pub(crate) const HEALTH_MILLIS: u64 = 10_000;

/// What happened that a host has not taken: one that listens takes all of it each frame.
pub(crate) const HOST_EVENTS_MAX: usize = 256;

/// Names and values that a host knows of itself: more than any person looks through before sending them.
pub(crate) const DIAGNOSTICS_MAX: usize = 200;

/// Each name: one line.
pub(crate) const DIAGNOSTIC_NAME_CHARS_MAX: usize = 100;

/// Each value: a page. What is longer is a file.
pub(crate) const DIAGNOSTIC_VALUE_CHARS_MAX: usize = 4_000;

/// A text longer than this is shown as it is: laying out Markdown of such a size would cost a frame.
pub(crate) const MARKDOWN_BYTES_MAX: usize = 64 * 1024;

/// How deep lists and quotes are set in; what is nested deeper stands at the same place.
pub(crate) const MARKDOWN_DEPTH_MAX: usize = 6;

/// Texts whose layout is kept.
pub(crate) const LAYOUTS_MAX: usize = 2_000;

/// Files that go along with one text: the daemon takes no more.
pub(crate) const FILES_MAX: usize = 20;

/// What a file may be called when it is attached: the daemon takes no more.
pub(crate) const FILE_NAME_CHARS_MAX: usize = 200;

/// Files of one name in one folder that are told apart by a number.
pub(crate) const SAME_NAMES_MAX: u32 = 1_000;

/// Decoded pictures that are kept: two dozen of the largest, hundreds of ordinary ones.
pub(crate) const PICTURES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The same by number, with those that could not be shown.
pub(crate) const PICTURES_MAX: usize = 2_000;

/// Bytes of one picture, as a file and as pixels: the daemon makes none of more than 2,560 by 2,560 pixels.
pub(crate) const PICTURE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Either side of it.
pub(crate) const PICTURE_SIDE_MAX: u32 = 2_560;

/// Tickets that are changed at once: the daemon takes no more.
pub(crate) const CHOSEN_MAX: usize = 500;

/// What the client remembers between its runs: unsent words above all. More is damage, not memory.
pub(crate) const MEMORY_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// How often a daemon that went away is looked for.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often it is looked for before one is started: a restart takes less.
pub(crate) const LOOKS_BEFORE_START: u32 = 12;

/// How long to wait after it could not be started.
pub(crate) const START_AGAIN_AFTER: Duration = Duration::from_secs(5);
