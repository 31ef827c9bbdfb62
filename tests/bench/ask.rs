//! The floor of `cli`: the least that a program does which asks a server over a Unix socket and prints the answer.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

fn main() -> std::io::Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_default();
    let mut stream = UnixStream::connect(path)?;
    stream.write_all(&[b'?'; QUESTION_BYTES])?;
    let mut answer = [0; ANSWER_BYTES];
    stream.read_exact(&mut answer)?;
    std::io::stdout().write_all(&answer)
}

/// A ticket is about so long.
const QUESTION_BYTES: usize = 700;
/// So is an id.
const ANSWER_BYTES: usize = 27;
