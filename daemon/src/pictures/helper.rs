//! The process that decodes: takes a picture on standard input, answers with a PNG on standard output.
//!
//! It gives up what it does not need before it reads a byte: memory, time, files. It opens nothing and asks nobody.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::limits::{HELPER_CPU_SECONDS_MAX, HELPER_FILES_MAX, HELPER_MEMORY_BYTES_MAX, PICTURE_BYTES_MAX};
use super::shrink::{PictureSize, ShrinkError, shrink};

/// Under which name `assistd` is this process.
pub const COMMAND: &str = "shrink-picture";

/// With this word behind it, it makes pictures that are to be read.
pub(super) const SCREEN: &str = "screen";

/// Is the helper, from its beginning to its end.
pub fn run() -> ExitCode {
    let size = match std::env::args_os().nth(2) {
        Some(word) if word == SCREEN => PictureSize::Screen,
        _ => PictureSize::Thumbnail,
    };
    if bound().is_err() {
        return ExitCode::FAILURE;
    }
    let mut picture = Vec::new();
    let outcome = match io::stdin().lock().take(PICTURE_BYTES_MAX + 1).read_to_end(&mut picture) {
        Err(_) => return ExitCode::FAILURE,
        Ok(_) if picture.len() as u64 > PICTURE_BYTES_MAX => Err(ShrinkError::TooLarge),
        Ok(_) => shrink(&picture, size),
    };
    match outcome {
        Ok(png) => match io::stdout().lock().write_all(&png) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => ExitCode::from(code_of(error)),
    }
}

/// What an exit code of the helper says; `None` for one that it never says by itself.
pub(super) fn reason_of(code: Option<i32>) -> Option<ShrinkError> {
    ALL.into_iter().find(|error| code == Some(i32::from(code_of(*error))))
}

const ALL: [ShrinkError; 3] = [ShrinkError::NoPicture, ShrinkError::TooLarge, ShrinkError::Damaged];

/// Away from those of panics and of wrong arguments.
const fn code_of(error: ShrinkError) -> u8 {
    match error {
        ShrinkError::NoPicture => 40,
        ShrinkError::TooLarge => 41,
        ShrinkError::Damaged => 42,
    }
}

/// From here on, nothing in this process can have more than this, whatever it is led to do.
fn bound() -> io::Result<()> {
    let bounds = [
        (Resource::As, HELPER_MEMORY_BYTES_MAX),
        (Resource::Cpu, HELPER_CPU_SECONDS_MAX),
        (Resource::Nofile, HELPER_FILES_MAX),
        // It writes to a pipe, never to a file, and leaves no image of a picture in a core.
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ];
    for (resource, most) in bounds {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    // What the allocator has reserved before is not counted again when it is used.
    match Vec::<u8>::new().try_reserve_exact(usize::try_from(HELPER_MEMORY_BYTES_MAX).unwrap_or(usize::MAX)) {
        Ok(()) => Err(io::Error::other("more memory can be had than was allowed")),
        Err(_) => Ok(()),
    }
}
