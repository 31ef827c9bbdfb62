//! The words on one blob's stream, for the device that opened it and for the server (`proto/src/wire/blob.rs`).
//!
//! Disk and network overlap: a thread that may block reads or writes a few pieces ahead. Every wait has a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use assist_proto::blob::Pieces;
use assist_proto::hub::{BlobAnswer, BlobAsk, TransferOrder, TransferOutcome};
use assist_proto::limits::{BLOB_MESSAGE_BYTES_MAX, PIECE_BYTES};
use assist_proto::wire::blob::{
    BlobCode, BlobPlace, BlobRefused, BlobReply, BlobRequest, FetchBlob, PieceList, SendFrom, StoreBlob,
};
use assist_proto::wire::codec;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;

use super::folder::{BlobFault, BlobFolder, Partial, Reading};

/// How many bytes of a transfer are where they are to go.
pub(super) type Progress = Arc<AtomicU64>;

/// Whom a server asks before it gives or takes anything.
pub(super) trait Door: Sync {
    /// The hub's word; `None` if it has none: the daemon stops, or the disk is full.
    fn ask(&self, ask: BlobAsk) -> impl Future<Output = Option<BlobAnswer>> + Send;
}

/// Why a transfer ended before its end.
#[derive(Debug)]
enum Stopped {
    /// The peer said no.
    Refused(BlobRefused),
    /// The stream ended, or nothing came for too long, or what came made no sense.
    Broken(&'static str),
    /// This side's folder.
    Fault(BlobFault),
}

impl From<BlobFault> for Stopped {
    fn from(fault: BlobFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<JoinError> for Stopped {
    fn from(_: JoinError) -> Self {
        Self::Broken("the thread that uses the disk failed")
    }
}

/// Fetches a blob as a device.
pub(super) async fn fetch(
    mut send: impl AsyncWrite + Unpin,
    recv: impl AsyncRead + Unpin,
    folder: &BlobFolder,
    order: TransferOrder,
    progress: &Progress,
) -> TransferOutcome {
    if is_here(folder, order).await {
        return TransferOutcome::Done;
    }
    let fetched = async {
        let TransferOrder { project, place, size_bytes, .. } = order;
        let held = {
            let folder = folder.clone();
            spawn_blocking(move || folder.held(place)).await?
        };
        let from = held.min(assist_proto::blob::piece_count(size_bytes) - 1);
        write_frame(&mut send, &BlobRequest::Fetch(FetchBlob { project, place, from })).await?;
        let mut recv = recv;
        let pieces = match read_frame(&mut recv).await? {
            BlobReply::Pieces(PieceList { size_bytes: size, list }) if size == size_bytes => {
                Pieces::from_list(place.blob, size, &list).map_err(BlobFault::Wrong)?
            }
            BlobReply::Refused(refused) => return Err(Stopped::Refused(refused)),
            _ => return Err(Stopped::Broken("the server's answer makes no sense")),
        };
        let folder = folder.clone();
        let partial = spawn_blocking(move || folder.resume(place, pieces)).await??;
        if partial.next() < from {
            return Err(Stopped::Broken("what was here of it is damaged and comes again"));
        }
        let skipped = partial.next() - from;
        receive(recv, partial, skipped, progress).await?;
        Ok(())
    };
    outcome_of(fetched.await, order)
}

/// Sends a blob as a device.
pub(super) async fn send(
    mut send: impl AsyncWrite + Unpin,
    mut recv: impl AsyncRead + Unpin,
    folder: &BlobFolder,
    order: TransferOrder,
    progress: &Progress,
) -> TransferOutcome {
    let sent = async {
        let TransferOrder { project, place, .. } = order;
        let opened = folder.clone();
        let reading = match spawn_blocking(move || opened.read(place.blob)).await? {
            Err(BlobFault::Missing | BlobFault::Damaged) => return Ok(TransferOutcome::Gone),
            reading => reading?,
        };
        let (size_bytes, list) = (reading.pieces().size_bytes(), reading.pieces().list());
        write_frame(&mut send, &BlobRequest::Store(StoreBlob { project, place, size_bytes, list })).await?;
        let from = match read_frame(&mut recv).await? {
            BlobReply::Send(SendFrom { from }) if from < reading.pieces().count() => from,
            BlobReply::Stored => return Ok(TransferOutcome::Done),
            BlobReply::Refused(refused) => return Err(Stopped::Refused(refused)),
            _ => return Err(Stopped::Broken("the server's answer makes no sense")),
        };
        // The server may say at any time that it is over.
        let answer = {
            let answer = read_frame_within(&mut recv, None);
            let pieces = write_pieces(&mut send, reading, from, progress);
            tokio::pin!(answer);
            tokio::select! {
                answer = &mut answer => answer?,
                written = pieces => match written {
                    Ok(()) => timeout(STALL_MAX, answer).await.map_err(|_| Stopped::Broken("no answer came"))??,
                    // If the server has hung up, it may have said why.
                    Err(stopped) => match timeout(LAST_WORD_MAX, answer).await {
                        Ok(Ok(answer)) => answer,
                        _ => return Err(stopped),
                    },
                },
            }
        };
        match answer {
            BlobReply::Stored => Ok(TransferOutcome::Done),
            BlobReply::Refused(refused) => Err(Stopped::Refused(refused)),
            _ => Err(Stopped::Broken("the server's answer makes no sense")),
        }
    };
    match sent.await {
        Ok(outcome) => outcome,
        Err(stopped) => outcome_of(Err(stopped), order),
    }
}

/// Answers a stream as a server.
pub(super) async fn serve(
    mut send: impl AsyncWrite + Unpin,
    mut recv: impl AsyncRead + Unpin,
    folder: &BlobFolder,
    door: &impl Door,
) {
    let served = match read_frame(&mut recv).await {
        Ok(BlobRequest::Fetch(request)) => give(&mut send, request, folder, door).await,
        Ok(BlobRequest::Store(request)) => take(&mut send, recv, request, folder, door).await,
        Err(Stopped::Broken(_)) => Err(Stopped::Refused(BlobRefused::new(BlobCode::Protocol))),
        Err(stopped) => Err(stopped),
    };
    let code = match served {
        Ok(()) => None,
        Err(Stopped::Refused(refused)) => Some(refused),
        Err(Stopped::Broken(reason)) => {
            tracing::debug!(reason, "a blob's stream ended early");
            None
        }
        Err(Stopped::Fault(fault)) => Some(BlobRefused::new(code_of(&fault))),
    };
    if let Some(refused) = code {
        // A peer that is gone need not hear it.
        write_frame(&mut send, &BlobReply::Refused(refused)).await.ok();
    }
    send.shutdown().await.ok(); // The same.
}

async fn give(
    send: &mut (impl AsyncWrite + Unpin),
    request: FetchBlob,
    folder: &BlobFolder,
    door: &impl Door,
) -> Result<(), Stopped> {
    let FetchBlob { project, place, from } = request;
    match ask(door, BlobAsk::Fetch { project, place }).await? {
        BlobAnswer::Granted | BlobAnswer::Held => {}
        BlobAnswer::Refused(refused) => return Err(Stopped::Refused(refused)),
    }
    let opened = folder.clone();
    let reading = spawn_blocking(move || opened.read(place.blob)).await??;
    let (size_bytes, list) = (reading.pieces().size_bytes(), reading.pieces().list());
    if from >= reading.pieces().count() {
        return Err(Stopped::Refused(BlobRefused::new(BlobCode::Protocol)));
    }
    write_frame(send, &BlobReply::Pieces(PieceList { size_bytes, list })).await?;
    write_pieces(send, reading, from, &Progress::default()).await
}

async fn take(
    send: &mut (impl AsyncWrite + Unpin),
    recv: impl AsyncRead + Unpin,
    request: StoreBlob,
    folder: &BlobFolder,
    door: &impl Door,
) -> Result<(), Stopped> {
    let StoreBlob { project, place, size_bytes, list } = request;
    let pieces = Pieces::from_list(place.blob, size_bytes, &list).map_err(BlobFault::Wrong)?;
    let missing_bytes = {
        let folder = folder.clone();
        let held = spawn_blocking(move || folder.held(place)).await?;
        size_bytes.saturating_sub(u64::from(held) * PIECE_BYTES as u64)
    };
    match ask(door, BlobAsk::Store { project, place, size_bytes, missing_bytes }).await? {
        BlobAnswer::Held if is_there(folder, place, size_bytes).await => {
            return write_frame(send, &BlobReply::Stored).await;
        }
        BlobAnswer::Granted | BlobAnswer::Held => {}
        BlobAnswer::Refused(refused) => return Err(Stopped::Refused(refused)),
    }
    let opened = folder.clone();
    let partial = spawn_blocking(move || opened.resume(place, pieces)).await??;
    if !partial.is_whole() {
        write_frame(send, &BlobReply::Send(SendFrom { from: partial.next() })).await?;
    }
    receive(recv, partial, 0, &Progress::default()).await?;
    match ask(door, BlobAsk::Stored { project, place }).await? {
        BlobAnswer::Granted | BlobAnswer::Held => write_frame(send, &BlobReply::Stored).await,
        BlobAnswer::Refused(refused) => Err(Stopped::Refused(refused)),
    }
}

async fn ask(door: &impl Door, ask: BlobAsk) -> Result<BlobAnswer, Stopped> {
    door.ask(ask).await.ok_or(Stopped::Refused(BlobRefused::new(BlobCode::Busy)))
}

/// Whether the device has the blob whole.
pub(super) async fn is_here(folder: &BlobFolder, order: TransferOrder) -> bool {
    is_there(folder, order.place, order.size_bytes).await
}

async fn is_there(folder: &BlobFolder, place: BlobPlace, size_bytes: u64) -> bool {
    let folder = folder.clone();
    let found = spawn_blocking(move || folder.size_of(place.blob)).await;
    matches!(found, Ok(Ok(Some(size))) if size == size_bytes)
}

/// Takes all pieces that are missing, then makes the blob durable. The first `skipped` that come are here already.
async fn receive(
    mut recv: impl AsyncRead + Unpin,
    partial: Partial,
    skipped: u32,
    progress: &Progress,
) -> Result<(), Stopped> {
    let pieces = partial.pieces().clone();
    let first = partial.next();
    let done = move |index: u32| {
        if index < pieces.count() { pieces.range(index).start } else { pieces.size_bytes() }
    };
    progress.store(done(first), Ordering::Relaxed);
    let (to_disk, from_network) = mpsc::channel(PIECES_AHEAD);
    let shape = partial.pieces().clone();
    let told = Arc::clone(progress);
    let writing = spawn_blocking(move || write_to_disk(partial, from_network, &told));
    let mut read_error = None;
    for index in first - skipped..shape.count() {
        let range = shape.range(index);
        let mut piece = vec![0; usize::try_from(range.end - range.start).expect("a piece fits memory")];
        match timeout(STALL_MAX, recv.read_exact(&mut piece)).await {
            Ok(Ok(_)) if index < first => {}
            // The thread at the disk has given up, and says why below.
            Ok(Ok(_)) => {
                if to_disk.send(piece).await.is_err() {
                    break;
                }
            }
            Ok(Err(_)) => {
                read_error = Some("the stream broke off");
                break;
            }
            Err(_) => {
                read_error = Some("nothing came for too long");
                break;
            }
        }
    }
    drop(to_disk);
    let partial = writing.await??;
    if let Some(reason) = read_error {
        return Err(Stopped::Broken(reason));
    }
    Ok(spawn_blocking(move || partial.finish()).await??)
}

fn write_to_disk(
    mut partial: Partial,
    mut from_network: mpsc::Receiver<Vec<u8>>,
    progress: &Progress,
) -> Result<Partial, BlobFault> {
    while let Some(piece) = from_network.blocking_recv() {
        partial.write(&piece)?;
        progress.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    Ok(partial)
}

async fn write_pieces(
    send: &mut (impl AsyncWrite + Unpin),
    reading: Reading,
    from: u32,
    progress: &Progress,
) -> Result<(), Stopped> {
    progress.store(reading.pieces().range(from).start, Ordering::Relaxed);
    let (to_network, mut from_disk) = mpsc::channel(PIECES_AHEAD);
    let reader = spawn_blocking(move || {
        for index in from..reading.pieces().count() {
            let piece = reading.piece(index)?;
            if to_network.blocking_send(Bytes::from(piece)).is_err() {
                break; // Nobody sends them any more.
            }
        }
        Ok::<(), BlobFault>(())
    });
    while let Some(piece) = from_disk.recv().await {
        match timeout(STALL_MAX, send.write_all(&piece)).await {
            Ok(Ok(())) => progress.fetch_add(piece.len() as u64, Ordering::Relaxed),
            Ok(Err(_)) => return Err(Stopped::Broken("the peer took no more")),
            Err(_) => return Err(Stopped::Broken("the peer took nothing for too long")),
        };
    }
    drop(from_disk);
    reader.await??;
    timeout(STALL_MAX, send.flush())
        .await
        .map_err(|_| Stopped::Broken("the peer took nothing for too long"))?
        .map_err(|_| Stopped::Broken("the peer took no more"))
}

async fn write_frame(send: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> Result<(), Stopped> {
    let body = codec::encode(message);
    let size = u32::try_from(body.len()).expect("a message is far below 4 GiB");
    let frame = [&size.to_be_bytes()[..], &body].concat();
    match timeout(STALL_MAX, send.write_all(&frame)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Stopped::Broken("the peer took no message")),
    }
}

async fn read_frame<T: DeserializeOwned>(recv: &mut (impl AsyncRead + Unpin)) -> Result<T, Stopped> {
    read_frame_within(recv, Some(STALL_MAX)).await
}

async fn read_frame_within<T: DeserializeOwned>(
    recv: &mut (impl AsyncRead + Unpin),
    time_max: Option<Duration>,
) -> Result<T, Stopped> {
    let reading = async {
        let size = recv.read_u32().await.ok()? as usize;
        if size > BLOB_MESSAGE_BYTES_MAX {
            return None;
        }
        let mut body = vec![0; size];
        recv.read_exact(&mut body).await.ok()?;
        codec::decode("message on a blob's stream", &body).ok()
    };
    let read = match time_max {
        Some(time_max) => timeout(time_max, reading).await.unwrap_or(None),
        None => reading.await,
    };
    read.ok_or(Stopped::Broken("no message came, or none that makes sense"))
}

fn outcome_of(ended: Result<(), Stopped>, order: TransferOrder) -> TransferOutcome {
    match ended {
        Ok(()) => TransferOutcome::Done,
        Err(Stopped::Refused(refused)) => TransferOutcome::Refused(refused),
        Err(Stopped::Broken(reason)) => {
            tracing::debug!(blob = %order.place.blob, reason, "a transfer broke off");
            TransferOutcome::Broken
        }
        Err(Stopped::Fault(BlobFault::Full(error))) => {
            tracing::warn!(blob = %order.place.blob, %error, "no room for a file");
            TransferOutcome::NoRoom
        }
        Err(Stopped::Fault(fault)) => {
            tracing::warn!(blob = %order.place.blob, error = %crate::driver::Chain(&fault), "a transfer failed");
            TransferOutcome::Broken
        }
    }
}

fn code_of(fault: &BlobFault) -> BlobCode {
    match fault {
        BlobFault::Missing => BlobCode::Absent,
        BlobFault::TooLarge { .. } => BlobCode::TooLarge,
        BlobFault::Full(_) => BlobCode::Full,
        BlobFault::Wrong(_) => BlobCode::Protocol,
        // Somebody else gives the same file, or its author again after a break: they try once more.
        BlobFault::Busy => BlobCode::Busy,
        BlobFault::Damaged | BlobFault::Io(_) => {
            tracing::warn!(error = %crate::driver::Chain(fault), "a blob could not be served");
            BlobCode::Busy
        }
    }
}

/// Pieces between disk and network: 1 MiB a transfer.
const PIECES_AHEAD: usize = 4;
/// How long a peer may take for a piece or a message: longer than the overlay's outages.
const STALL_MAX: Duration = Duration::from_secs(60);
/// How long a device waits for the reason when the server hung up.
const LAST_WORD_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
