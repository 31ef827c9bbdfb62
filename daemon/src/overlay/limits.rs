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
/// Of a line of the managed program that is logged: a usual one has 150. The rest of a longer one is dropped.
pub const LINE_BYTES_MAX: usize = 1024;
/// Lines that are kept to say why the program ended: a panic takes a few.
pub const LINES_KEPT_MAX: usize = 20;
/// Before the program is started again after its first failure.
pub const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The same after many: what helps it is done by hand, and then it shall not take long.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Who ran so long has not failed at once: the next pause is the first again.
pub const STABLE_AFTER: Duration = Duration::from_secs(60);
/// Before a program that was started is said to run: it makes its interface within a second, or ends.
pub const SURE_AFTER: Duration = Duration::from_secs(2);
