//! Frames on a stream: four bytes of length, big endian, then that many bytes.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use quinn::{ReadError, RecvStream, SendStream, WriteError};

/// Takes frames off a stream.
#[derive(Debug)]
pub(super) struct FrameReader {
    stream: RecvStream,
    /// What has arrived of the frames that are not complete; holds no memory between frames.
    buffer: BytesMut,
    frame_bytes_max: usize,
}

impl FrameReader {
    /// Reads `stream`, and takes frames of at most `frame_bytes_max`.
    pub(super) fn new(stream: RecvStream, frame_bytes_max: usize) -> Self {
        Self { stream, buffer: BytesMut::new(), frame_bytes_max }
    }

    /// Changes how long the next frame may be.
    pub(super) fn set_frame_bytes_max(&mut self, frame_bytes_max: usize) {
        self.frame_bytes_max = frame_bytes_max;
    }

    /// Returns the next frame; `None` when the peer ended the stream after a whole one. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            if let Some(frame) = take_frame(&mut self.buffer, self.frame_bytes_max)? {
                return Ok(Some(frame));
            }
            // Whole packets at a time, so that an idle link holds no read buffer.
            let mut chunks: [Bytes; CHUNKS] = Default::default();
            let Some(count) = self.stream.read_chunks(&mut chunks).await? else {
                return if self.buffer.is_empty() { Ok(None) } else { Err(FrameError::Truncated) };
            };
            for chunk in &chunks[..count] {
                self.buffer.extend_from_slice(chunk);
            }
        }
    }
}

/// Takes one frame off the front of `buffer`, if a whole one is there; else makes room for the rest of it.
///
/// # Errors
/// When the frame says that it is longer than it may be.
pub fn take_frame(buffer: &mut BytesMut, frame_bytes_max: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(header) = buffer.first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let size_bytes = u32::from_be_bytes(*header) as usize;
    if size_bytes > frame_bytes_max {
        return Err(FrameError::TooLong { size_bytes, frame_bytes_max });
    }
    let total_bytes = HEADER_BYTES + size_bytes;
    if buffer.len() < total_bytes {
        // Once, so that no byte is copied again while the frame grows, nor when the last read runs into the next
        // one. Memory that is not written to costs nothing.
        buffer.reserve(total_bytes - buffer.len() + CHUNKS * CHUNK_BYTES);
        return Ok(None);
    }
    buffer.advance(HEADER_BYTES);
    let frame = buffer.split_to(size_bytes).freeze();
    if buffer.is_empty() {
        *buffer = BytesMut::new();
    }
    Ok(Some(frame))
}

/// Puts frames on a stream, many at a time; holds no memory in between.
#[derive(Debug)]
pub(super) struct FrameWriter {
    stream: SendStream,
}

impl FrameWriter {
    pub(super) fn new(stream: SendStream) -> Self {
        Self { stream }
    }

    /// Writes all frames in one go, and returns when QUIC has them. Not cancel safe.
    pub(super) async fn write(&mut self, frames: Vec<Bytes>) -> Result<(), WriteError> {
        self.stream.write_all_chunks(&mut chunks_from_frames(frames)).await
    }

    /// Ends the stream, and returns when the peer's QUIC has all of it.
    pub(super) async fn finish(mut self) {
        // Either error says that the connection or the stream is gone: there is nothing left to wait for.
        if self.stream.finish().is_ok() {
            self.stream.stopped().await.ok();
        }
    }
}

/// Lays out frames for one write: small ones are copied together, because QUIC looks through its chunks one by one
/// when it sends; large ones go as they are.
fn chunks_from_frames(frames: Vec<Bytes>) -> Vec<Bytes> {
    let copied_bytes =
        |frame: &Bytes| HEADER_BYTES + if frame.len() < COPIED_BYTES_MAX { frame.len() } else { 0 };
    let mut small = BytesMut::with_capacity(frames.iter().map(copied_bytes).sum());
    let mut chunks = Vec::new();
    for frame in frames {
        let size_bytes = u32::try_from(frame.len()).expect("a frame is far below 4 GiB");
        small.put_u32(size_bytes);
        if frame.len() < COPIED_BYTES_MAX {
            small.extend_from_slice(&frame);
        } else {
            chunks.push(small.split().freeze());
            chunks.push(frame);
        }
    }
    if !small.is_empty() {
        chunks.push(small.freeze());
    }
    chunks
}

/// Why a stream does not yield a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length that the peer announced is over the limit.
    #[error("a frame of {size_bytes} bytes was announced, at most {frame_bytes_max} are allowed")]
    TooLong {
        /// What was announced.
        size_bytes: usize,
        /// What is allowed.
        frame_bytes_max: usize,
    },
    /// The stream ended in the middle of a frame.
    #[error("the stream ended within a frame")]
    Truncated,
    /// The stream itself broke.
    #[error("the stream broke")]
    Stream(#[from] ReadError),
}

/// Size of the length in front of each frame.
const HEADER_BYTES: usize = 4;
/// The longest first frame of a peer that dialled us: all that we hold of a stranger, who may be anyone.
pub const GREETING_BYTES_MAX: usize = 64 * 1024;
/// Frames below this are copied rather than kept apart.
const COPIED_BYTES_MAX: usize = 4 * 1024;
/// How many packets are taken off a stream at a time.
const CHUNKS: usize = 16;
/// A packet carries no more than this of a stream.
const CHUNK_BYTES: usize = 1200;

#[cfg(test)]
mod tests;
