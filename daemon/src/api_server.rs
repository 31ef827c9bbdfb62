//! The local API's server: JSON-RPC 2.0 and events as HTTP/1.1 on a Unix socket.
//!
//! The layers, from the outside in: [`socket`] lets our own user in, [`stall`] drops who stops reading,
//! this file speaks HTTP and bounds it, [`dispatch`] speaks JSON-RPC, [`backend`] is what the daemon provides.
//! [`feed`] stands beside them: the events.
//!
//! **Invariant:** no decision about tickets is made here, and nothing is stored.

mod backend;
mod blobs;
mod calls;
mod dispatch;
mod feed;
mod socket;
mod stall;

use std::convert::Infallible;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use assist_proto::api::{ApiError, limits, openrpc};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Path as UrlPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use futures_util::stream;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

pub use backend::{Backend, Handle};
pub use dispatch::Dispatcher;
use dispatch::anonymous_error;
pub use feed::EventFeed;
pub use socket::BindError;
use socket::LocalSocket;
use stall::StallGuard;

use crate::blobs::BlobFolder;
use crate::pictures::{PictureSize, Thumbnails};

/// A server whose socket is open. It answers once [`ApiServer::run`] runs; until then callers wait.
pub struct ApiServer<B> {
    socket: LocalSocket,
    shared: Arc<Shared<B>>,
}

struct Shared<B> {
    dispatcher: Dispatcher<B>,
    events: EventFeed,
    blobs: BlobFolder,
    thumbnails: Thumbnails,
}

impl<B: Backend> ApiServer<B> {
    /// Opens the socket, which needs a running runtime. Its folder is made if it is not there.
    ///
    /// # Errors
    /// When somebody answers there already, something else stands there, or others could get at it.
    pub fn bind(
        path: &Path,
        backend: Arc<B>,
        events: EventFeed,
        blobs: BlobFolder,
        thumbnails: Thumbnails,
    ) -> Result<Self, BindError> {
        let socket = LocalSocket::bind(path)?;
        let dispatcher = Dispatcher::new(backend, events.boot().to_owned());
        Ok(Self { socket, shared: Arc::new(Shared { dispatcher, events, blobs, thumbnails }) })
    }

    /// Serves until `shutdown`; then takes no new callers, ends the event streams, and lets the calls that are
    /// running finish, for a while.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let router = router(Arc::clone(&self.shared));
        let (closing_tx, closing_rx) = watch::channel(false);
        let mut connections = JoinSet::new();
        let permits = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok(stream) => match Arc::clone(&permits).try_acquire_owned() {
                    Ok(permit) => {
                        let serving = serve_connection(stream, router.clone(), closing_rx.clone());
                        connections.spawn(async move {
                            serving.await;
                            drop(permit);
                        });
                    }
                    Err(_) => refuse_connection(&stream),
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot take a caller on the local socket");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.socket);
        self.shared.events.close();
        closing_tx.send_replace(true);
        let drained = timeout(SHUTDOWN_MAX, async {
            while connections.join_next().await.is_some() {}
            self.shared.dispatcher.drain().await;
        });
        if drained.await.is_err() {
            tracing::warn!("some calls did not finish in time");
        }
    }
}

async fn serve_connection(stream: UnixStream, router: Router, mut closing: watch::Receiver<bool>) {
    let io = TokioIo::new(StallGuard::new(stream, limits::STALL_MAX));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::IDLE_MAX)
        .max_buf_size(limits::HEAD_BYTES_MAX)
        .auto_date_header(false)
        .serve_connection(io, TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let closed = async { closing.wait_for(|is_closing| *is_closing).await.map(|_| ()) };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = closed => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the local socket ended early");
    }
}

/// Says why before hanging up. What does not fit the socket's buffer at once is not worth waiting for.
fn refuse_connection(stream: &UnixStream) {
    let message = format!(
        "there are {} connections already: close some, or use one for many calls",
        limits::CONNECTIONS_MAX
    );
    let body = anonymous_error(&ApiError::limit("too_many_connections", message));
    let mut reply = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    reply.extend_from_slice(&body);
    if let Err(error) = stream.try_write(&reply) {
        tracing::debug!(%error, "a caller too many was gone before it could be told");
    }
}

fn router<B: Backend>(shared: Arc<Shared<B>>) -> Router {
    Router::new()
        .route("/rpc", post(answer_rpc::<B>))
        .route("/events", get(stream_events::<B>))
        .route("/openrpc.json", get(serve_openrpc))
        .route("/blobs", put(take_blob::<B>))
        .route("/blobs/{blob}", get(give_blob::<B>))
        .route("/blobs/{blob}/thumbnail", get(give_thumbnail::<B>))
        .route("/blobs/{blob}/picture", get(give_picture::<B>))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_verb)
        .layer(DefaultBodyLimit::max(limits::REQUEST_BYTES_MAX))
        .with_state(shared)
}

async fn answer_rpc<B: Backend>(State(shared): State<Arc<Shared<B>>>, request: Request) -> Response {
    // Who says beforehand that it is too much need not send it all to hear so.
    if announced_size(request.headers()) > limits::REQUEST_BYTES_MAX as u64 {
        return refuse_body(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let body = match timeout(limits::BODY_READ_MAX, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => return refuse_body(rejection.status()),
        Err(_) => return refuse_body(StatusCode::REQUEST_TIMEOUT),
    };
    match shared.dispatcher.answer(&body).await {
        Some(answer) => json_response(StatusCode::OK, answer),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

fn announced_size(headers: &HeaderMap) -> u64 {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}

async fn stream_events<B: Backend>(State(shared): State<Arc<Shared<B>>>, headers: HeaderMap) -> Response {
    let last_id = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let subscription = shared.events.subscribe(last_id.filter(|id| !id.is_empty()));
    let frames = stream::unfold(subscription, |mut subscription| async {
        let frame = subscription.next().await?;
        Some((Ok::<_, Infallible>(frame), subscription))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(frames)).into_response()
}

async fn take_blob<B: Backend>(State(shared): State<Arc<Shared<B>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    blobs::take(shared.blobs.clone(), &parts.headers, body).await
}

async fn give_blob<B: Backend>(
    State(shared): State<Arc<Shared<B>>>,
    UrlPath(blob): UrlPath<String>,
) -> Response {
    blobs::give(shared.blobs.clone(), &blob).await
}

async fn give_thumbnail<B: Backend>(
    State(shared): State<Arc<Shared<B>>>,
    UrlPath(blob): UrlPath<String>,
) -> Response {
    blobs::give_picture(&shared.thumbnails, &blob, PictureSize::Thumbnail).await
}

async fn give_picture<B: Backend>(
    State(shared): State<Arc<Shared<B>>>,
    UrlPath(blob): UrlPath<String>,
) -> Response {
    blobs::give_picture(&shared.thumbnails, &blob, PictureSize::Screen).await
}

async fn serve_openrpc() -> Response {
    json_response(StatusCode::OK, openrpc::document().to_string().into_bytes())
}

async fn unknown_path() -> Response {
    let message = "there are POST /rpc, GET /events, GET /openrpc.json, PUT /blobs, GET /blobs/<hash>, \
                   GET /blobs/<hash>/thumbnail and GET /blobs/<hash>/picture";
    json_error(StatusCode::NOT_FOUND, &ApiError::invalid_request("unknown_path", message))
}

async fn wrong_verb() -> Response {
    let message = "use POST for /rpc, PUT for /blobs, and GET for /events, /openrpc.json and below /blobs";
    json_error(StatusCode::METHOD_NOT_ALLOWED, &ApiError::invalid_request("wrong_verb", message))
}

/// Answers a body that was not read whole; what is left of it makes the connection useless.
fn refuse_body(status: StatusCode) -> Response {
    let error = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("the request is over {} bytes: split it up", limits::REQUEST_BYTES_MAX);
            ApiError::limit("request_too_large", message)
        }
        StatusCode::REQUEST_TIMEOUT => ApiError::timed_out(
            "request_timeout",
            "the request did not come in whole in time: send it at once",
        ),
        _ => ApiError::invalid_request("body_unreadable", "the body broke off: send it again"),
    };
    let mut response = json_error(status, &error);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn json_error(status: StatusCode, error: &ApiError) -> Response {
    json_response(status, anonymous_error(error))
}

fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// How long to wait after the system refused a caller (no more file handles): others may close some meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long calls that are running may hold up the end.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
