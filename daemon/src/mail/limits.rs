//! The bounds of outgoing mail, each with its reason.

use std::time::Duration;

/// Mails that wait or are under way: ten minutes of the most that a server accepts, 100 a minute, and 10 MB at most.
pub const MAIL_HELD_MAX: usize = 1_000;
/// Mails under way at once: a recipient whose relay hangs holds up a quarter of the others, not all.
pub const MAIL_UNDER_WAY_MAX: usize = 4;
/// One attempt, from the connection to the relay's word: RFC 5321 would wait for minutes, but a code lives for ten.
pub const MAIL_ATTEMPT_MAX: Duration = Duration::from_secs(60);
/// The first pause after a failed attempt: grey-listing relays say "try again" at first sight.
pub const MAIL_RETRY_MIN: Duration = Duration::from_secs(2);
/// The longest pause: a relay that comes back is found within minutes.
pub const MAIL_RETRY_MAX: Duration = Duration::from_secs(300);
/// A code that comes later than this opens nothing any more (`CODE_BLOCK_MILLIS` of the protocol).
pub const MAIL_CODE_PATIENCE: Duration = Duration::from_secs(600);
/// News that are older than a day are better read in the product.
pub const MAIL_NEWS_PATIENCE: Duration = Duration::from_secs(24 * 3_600);
/// How long a stopping daemon lets mails come to their end: shorter than what an init system waits before it kills.
pub const MAIL_STOP_MAX: Duration = Duration::from_secs(3);

/// A subject, in characters: what a screen shows in one line.
pub const MAIL_SUBJECT_CHARS_MAX: usize = 200;
/// Each of the two texts: news of ten tickets, every character of them written out for HTML; both of 1,000 such mails are
/// 100 MB, of the usual ones 5.
pub const MAIL_TEXT_BYTES_MAX: usize = 48 * 1024;
/// A relay's words as they are kept for the status, in characters.
pub const MAIL_FAILURE_CHARS_MAX: usize = 300;
