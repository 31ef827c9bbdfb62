//! The bounds of what foreign pictures may cost, each with its reason.

use std::time::Duration;

/// The longer side of a thumbnail in pixels: fills a column of text on a dense screen.
pub const THUMBNAIL_SIDE_MAX: u32 = 800;
/// The longer side in pixels of a picture that is to be read, not only recognised: a screen of 2,560 by 1,440 whole.
pub const SCREEN_SIDE_MAX: u32 = 2_560;
/// A picture's file that is made small: phones and cameras write up to 20 MB, a screen of 8K as PNG up to 30.
pub const PICTURE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Pixels of a picture that is made small: a screen of 8K (33.2 million). Decoded with 16 bits a channel, it is 256 MiB.
pub const PICTURE_PIXELS_MAX: u64 = 32 * 1024 * 1024;
/// Either side of it: a page that was scrolled through and photographed as one.
pub const PICTURE_SIDE_MAX: u32 = 32_768;
/// What the decoder may allocate by its own account: the decoded picture, and the coefficients of a progressive one.
pub const DECODER_BYTES_MAX: u64 = 448 * 1024 * 1024;
/// Address space of the helper, whatever its decoder believes: all of the above, the file, the program.
pub const HELPER_MEMORY_BYTES_MAX: u64 = 640 * 1024 * 1024;
/// Processor time of the helper: the largest picture takes two seconds on a slow machine.
pub const HELPER_CPU_SECONDS_MAX: u64 = 10;
/// Time by the clock of the wall after which it is killed: a busy machine gives it a core half of the time.
pub const HELPER_TIME_MAX: Duration = Duration::from_secs(20);
/// Open files of the helper: its three pipes, and what the loader needs.
pub const HELPER_FILES_MAX: u64 = 16;
/// What it may answer: 800 by 800 pixels of noise with transparency are 2.5 MiB of PNG.
pub const THUMBNAIL_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The same of one that is to be read: 2,560 by 2,560 pixels of noise with transparency are 25 MiB.
pub const SCREEN_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Thumbnails that are kept on the disk: some hundreds of photographs. The oldest make room.
pub const THUMBNAILS_KEPT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Pictures that could not be made small and are not tried again: what is shown in lists is asked for often.
pub const FAILURES_KEPT_MAX: usize = 1_024;
