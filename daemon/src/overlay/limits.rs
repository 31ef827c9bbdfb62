//! Every bound of the overlay's part, with its reason.

use std::time::Duration;

/// Of the node's answer, head and body: a real one has about 400.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Fields in the head of that answer: a real one has three.
pub const HEAD_FIELDS_MAX: usize = 32;
/// For the whole question. The node answers from memory on the same machine; one that starts may be slow.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(3);
/// Between two looks: a person barely waits for it, and a battery does not notice.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Looks at the interfaces alone between two questions to a node that was found and whose address is still there.
pub const QUIET_LOOKS: u32 = 4;
/// Of the file that keeps the last address: an IPv6 address in text and a line's end.
pub const KNOWN_BYTES_MAX: u64 = 64;
/// Of a word that is told back to whoever wrote it.
pub const WORD_CHARS_MAX: usize = 40;
