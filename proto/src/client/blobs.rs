//! Bytes of attachments over `/blobs`: streamed both ways, on a connection of their own.

use std::io::{self, Read, Write};

use super::http::{Exchange, ExchangeError, Framing, ProtocolError};
use super::{Client, ClientError};
use crate::api::attachment::StoredBlob;
use crate::api::limits;
use crate::api::rpc::AnswerFrame;

/// Why bytes did not go all the way.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The daemon, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Where the bytes come from, or where they go.
    #[error("cannot read or write the file")]
    File(#[source] io::Error),
}

impl Client {
    /// Gives the daemon bytes to keep, as many as there are.
    ///
    /// # Errors
    /// When they cannot be read, or the daemon does not take them.
    pub fn put_blob(&self, mut from: impl Read) -> Result<StoredBlob, TransferError> {
        let mut exchange = super::open(self.socket_path())?;
        let head = "PUT /blobs HTTP/1.1\r\nhost: assistd\r\ntransfer-encoding: chunked\r\n\r\n";
        self.send_part(&mut exchange, head.as_bytes())?;
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(TransferError::File(error)),
            };
            let mut chunk = format!("{count:x}\r\n").into_bytes();
            chunk.extend_from_slice(&buffer[..count]);
            chunk.extend_from_slice(b"\r\n");
            // A daemon that refuses says why and hangs up: its reply is waiting.
            if self.send_part(&mut exchange, &chunk).is_err() || count == 0 {
                break;
            }
        }
        let (status, body) = self.read_reply(&mut exchange)?;
        if status != 200 {
            return Err(self.refused(&body).into());
        }
        let stored = serde_json::from_slice(&body);
        Ok(stored.map_err(|error| self.protocol(ProtocolError::Answer(error)))?)
    }

    /// Has the bytes of a blob that is on this device written somewhere. Returns how many there were.
    ///
    /// # Errors
    /// When it is not here, is damaged, or cannot be written. What was written until then is no whole blob.
    pub fn get_blob(&self, blob: &str, to: impl Write) -> Result<u64, TransferError> {
        self.get_bytes(&format!("/blobs/{blob}"), to)
    }

    /// Has a small picture of a blob that is on this device written somewhere, as PNG. Returns its size in bytes.
    ///
    /// # Errors
    /// When the blob is not here, is no picture that is shown, or the file cannot be written.
    pub fn get_thumbnail(&self, blob: &str, to: impl Write) -> Result<u64, TransferError> {
        self.get_bytes(&format!("/blobs/{blob}/thumbnail"), to)
    }

    /// The same, large enough to be read on a screen.
    ///
    /// # Errors
    /// As [`Self::get_thumbnail`].
    pub fn get_picture(&self, blob: &str, to: impl Write) -> Result<u64, TransferError> {
        self.get_bytes(&format!("/blobs/{blob}/picture"), to)
    }

    fn get_bytes(&self, path: &str, mut to: impl Write) -> Result<u64, TransferError> {
        let mut exchange = super::open(self.socket_path())?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: assistd\r\n\r\n");
        self.send_part(&mut exchange, request.as_bytes())?;
        let head = exchange.read_head().map_err(|error| self.blob_error(error))?;
        if head.status != 200 || head.body != Framing::Chunked {
            let body = exchange.read_whole(head.body).map_err(|error| self.blob_error(error))?;
            return Err(self.refused(&body).into());
        }
        let mut size_bytes = 0;
        while let Some(chunk) = exchange.read_chunk().map_err(|error| self.blob_error(error))? {
            to.write_all(&chunk).map_err(TransferError::File)?;
            size_bytes += chunk.len() as u64;
        }
        to.flush().map_err(TransferError::File)?;
        Ok(size_bytes)
    }

    fn send_part(&self, exchange: &mut Exchange, bytes: &[u8]) -> Result<(), ClientError> {
        exchange.send(bytes, Some(limits::STALL_MAX)).map_err(|error| self.blob_error(error))
    }

    fn read_reply(&self, exchange: &mut Exchange) -> Result<(u16, Vec<u8>), ClientError> {
        let head = exchange.read_head().map_err(|error| self.blob_error(error))?;
        let body = exchange.read_whole(head.body).map_err(|error| self.blob_error(error))?;
        Ok((head.status, body))
    }

    /// What a daemon says that does not do it.
    fn refused(&self, body: &[u8]) -> ClientError {
        match serde_json::from_slice::<AnswerFrame<()>>(body) {
            Ok(AnswerFrame { error: Some(error), .. }) => ClientError::Api(error),
            _ => self.protocol(ProtocolError::WrongAnswer),
        }
    }

    fn blob_error(&self, error: ExchangeError) -> ClientError {
        self.call_error("the transfer of a file", limits::STALL_MAX, error)
    }
}

/// A part of a body on its way to the daemon.
const CHUNK_BYTES: usize = 256 * 1024;
