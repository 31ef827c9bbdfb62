//! `/blobs`: bytes of attachments, in and out as streams. Nothing is held whole; every piece that goes out was checked.

use std::io;

use assist_crdt_model::BlobHash;
use assist_proto::api::attachment::StoredBlob;
use assist_proto::api::{ApiError, limits};
use assist_proto::limits::{BLOB_BYTES_MAX, PIECE_BYTES};
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{announced_size, json_error, json_response};
use crate::blobs::{BlobFault, BlobFolder};
use crate::pictures::{PictureSize, ThumbnailFault, Thumbnails};

/// Takes a blob from a front end.
pub(super) async fn take(folder: BlobFolder, headers: &HeaderMap, body: Body) -> Response {
    if announced_size(headers) > BLOB_BYTES_MAX {
        return refuse(&BlobFault::TooLarge { bytes_max: BLOB_BYTES_MAX });
    }
    let (to_disk, mut from_caller) = mpsc::channel::<Bytes>(PARTS_AHEAD);
    let (told_end, end) = tokio::sync::oneshot::channel();
    let writing = spawn_blocking(move || {
        let mut intake = folder.take_in(BLOB_BYTES_MAX)?;
        while let Some(part) = from_caller.blocking_recv() {
            intake.write(&part)?;
        }
        // A body that broke off is no blob.
        match end.blocking_recv() {
            Ok(()) => intake.finish().map(Some),
            Err(_) => Ok(None),
        }
    });
    let mut parts = body.into_data_stream();
    let is_whole = loop {
        match timeout(limits::STALL_MAX, parts.next()).await {
            Ok(Some(Ok(part))) => {
                if to_disk.send(part).await.is_err() {
                    break false;
                }
            }
            Ok(None) => break true,
            Ok(Some(Err(_))) | Err(_) => break false,
        }
    };
    drop(to_disk);
    if is_whole {
        told_end.send(()).ok(); // Fails if the disk has failed already, which is said below.
    } else {
        drop(told_end);
    }
    match writing.await {
        Ok(Ok(Some(pieces))) => {
            let stored = StoredBlob { blob: pieces.blob().to_string(), size_bytes: pieces.size_bytes() };
            json_response(StatusCode::OK, serde_json::to_vec(&stored).unwrap_or_default())
        }
        Ok(Ok(None)) => {
            let error = ApiError::invalid_request("body_unreadable", "the body broke off: send it again");
            close_after(json_error(StatusCode::BAD_REQUEST, &error))
        }
        Ok(Err(fault)) => refuse(&fault),
        Err(_) => refuse(&BlobFault::Io(io::Error::other("the thread that writes it failed"))),
    }
}

/// Gives a blob that is here.
pub(super) async fn give(folder: BlobFolder, hash: &str) -> Response {
    let Ok(blob) = hash.parse::<BlobHash>() else { return no_hash() };
    let reading = match spawn_blocking(move || folder.read(blob)).await {
        Ok(Ok(reading)) => reading,
        Ok(Err(fault)) => return refuse(&fault),
        Err(_) => return refuse(&BlobFault::Io(io::Error::other("the thread that reads it failed"))),
    };
    let (to_caller, from_disk) = mpsc::channel(PARTS_AHEAD);
    // Ends by itself when nobody takes what it reads.
    drop(spawn_blocking(move || {
        for index in 0..reading.pieces().count() {
            let piece = reading.piece(index).map(Bytes::from).map_err(io::Error::other);
            let is_last = piece.is_err();
            if to_caller.blocking_send(piece).is_err() || is_last {
                return;
            }
        }
    }));
    let pieces = stream::unfold(from_disk, |mut from_disk| async {
        let piece = from_disk.recv().await?;
        Some((piece, from_disk))
    });
    ([(CONTENT_TYPE, "application/octet-stream")], Body::from_stream(pieces)).into_response()
}

/// Gives a picture of a blob that is here, made smaller, and made if it was not made yet.
pub(super) async fn give_picture(thumbnails: &Thumbnails, hash: &str, size: PictureSize) -> Response {
    let Ok(blob) = hash.parse::<BlobHash>() else { return no_hash() };
    let made = match size {
        PictureSize::Thumbnail => thumbnails.of(blob).await,
        PictureSize::Screen => thumbnails.to_read(blob).await,
    };
    match made {
        // In parts like every blob, so that front ends read both alike.
        Ok(png) => {
            let parts =
                stream::iter((0..png.len()).step_by(PIECE_BYTES).map(move |start| {
                    Ok::<_, io::Error>(png.slice(start..png.len().min(start + PIECE_BYTES)))
                }));
            ([(CONTENT_TYPE, "image/png")], Body::from_stream(parts)).into_response()
        }
        Err(ThumbnailFault::Blob(fault)) => refuse(&fault),
        Err(fault) => {
            let status = match &fault {
                ThumbnailFault::Helper(_) => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            json_error(status, &fault.as_api_error())
        }
    }
}

fn no_hash() -> Response {
    let error = ApiError::invalid_params("bad_id", "a blob's hash has 52 characters");
    json_error(StatusCode::BAD_REQUEST, &error)
}

fn refuse(fault: &BlobFault) -> Response {
    let status = match fault {
        BlobFault::Missing => StatusCode::NOT_FOUND,
        BlobFault::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        BlobFault::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    close_after(json_error(status, &fault.as_api_error()))
}

/// What is left of a body that was not read makes the connection useless.
fn close_after(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Parts between socket and disk.
const PARTS_AHEAD: usize = 4;
