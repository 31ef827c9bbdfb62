//! The bounds of search.

use std::time::Duration;

/// Memory for one batch on its way into the index: the least that the engine works with.
pub(super) const WRITER_BYTES: usize = 16 * 1024 * 1024;
/// Tickets that the index takes over at once: some hundred milliseconds of work, so that an end or a rebuild is never
/// far from the last commit.
pub(super) const BATCH_TICKETS_MAX: usize = 2_000;
/// So many new texts are committed without waiting for more: a query looks at each of them itself until then.
pub(super) const COMMIT_TEXTS_MIN: usize = 256;
/// How often the indexer looks whether something was written. Queries find what was written without it.
pub(super) const TICK: Duration = Duration::from_millis(200);
/// How often it looks when nothing is written: a damaged index is mended within that time.
pub(super) const LOOK: Duration = Duration::from_secs(10);
/// So many ticks a text waits for company before it is committed.
pub(super) const TICKS_UNTIL_COMMIT: u32 = 5;
/// Texts that one query reads because the index does not have them: a few hundred milliseconds when none is in memory.
/// Beyond that (a first sync, a rebuild), it says that it has not looked at everything.
pub(super) const READ_TEXTS_MAX: usize = 1_000;
/// Texts in memory that the index does not have yet: some kilobytes each.
pub(super) const RECENT_TEXTS_MAX: usize = 2_000;
/// How well a text fits that the index has not weighed yet: as well as a rare word in a text. What is new stands near
/// the front.
pub(super) const RECENT_SCORE: f32 = 10.0;
/// How much better a word in the title is than one elsewhere.
pub(super) const TITLE_BOOST: f32 = 3.0;
/// What a word with a typo is worth.
pub(super) const TYPO_SCORE: f32 = 0.2;
/// How long a query waits for the index to be opened; then it looks only at what is new.
pub(super) const OPENING_MAX: Duration = Duration::from_secs(5);
