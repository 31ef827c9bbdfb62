//! What watches the daemon from outside: `/metrics` for Prometheus, `/healthz`, `/readyz`. Off unless told; only this
//! machine can ask, and nothing that a person wrote is told.
//!
//! | path | 200 says | else |
//! |---|---|---|
//! | `/healthz` | the driver answers | 503: it hangs, or is going down; a restart helps |
//! | `/readyz` | the same, it listens if it is a server, and takes what comes: its disk has room | 503 with what is missing |
//! | `/metrics` | the figures, as OpenMetrics text | |

mod figures;
mod health;
mod text;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

pub(crate) use figures::{Figures, Watched, disk_status};
pub(crate) use health::{HealthAsks, HealthOut, stats_of};

/// Where whoever watches asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MonitorAt {
    /// A port of this machine's loopback.
    Loopback(SocketAddr),
    /// A Unix socket, for whoever may open it: its mode is 0660.
    Socket(PathBuf),
}

/// A place where somebody may ask.
enum Door {
    Loopback(TcpListener),
    Socket(UnixListener),
}

impl Door {
    fn open(at: &MonitorAt) -> io::Result<Self> {
        match at {
            MonitorAt::Loopback(address) => {
                let listener = std::net::TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Loopback(TcpListener::from_std(listener)?))
            }
            MonitorAt::Socket(path) => {
                // Left by a daemon that is gone: this one holds the folder's lock.
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                let listener = UnixListener::bind(path)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
                Ok(Self::Socket(listener))
            }
        }
    }
}

/// Opens the place, and returns what answers whoever watches, for as long as it is polled.
///
/// # Errors
/// When the place cannot be had.
pub(crate) fn open(at: &MonitorAt, watched: Watched) -> io::Result<impl Future<Output = ()> + use<>> {
    let door = Door::open(at)?;
    tracing::info!(at = %at, "figures are told to whoever watches");
    Ok(serve(door, router(Arc::new(watched))))
}

async fn serve(door: Door, router: Router) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        // Whoever is one too many waits in the system's queue.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        let router = router.clone();
        let taken = match &door {
            Door::Loopback(listener) => listener.accept().await.map(|(stream, _)| {
                connections.spawn(async move {
                    answer(stream, router).await;
                    drop(permit);
                });
            }),
            Door::Socket(listener) => listener.accept().await.map(|(stream, _)| {
                connections.spawn(async move {
                    answer(stream, router).await;
                    drop(permit);
                });
            }),
        };
        if let Err(error) = taken {
            tracing::warn!(%error, "cannot take a caller who watches");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

/// Serves one caller, who has only so long.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CALL_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // Whoever goes away early wanted no more.
    timeout(CALL_MAX, connection).await.ok();
}

fn router(watched: Arc<Watched>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(watched)
}

async fn metrics(State(watched): State<Arc<Watched>>) -> Response {
    match watched.figures().await {
        Ok(figures) => ([(CONTENT_TYPE, text::CONTENT_TYPE)], text::of(&figures)).into_response(),
        Err(error) => refuse(&format!("the figures cannot be had: {error}")),
    }
}

async fn healthz(State(watched): State<Arc<Watched>>) -> Response {
    match timeout(ALIVE_MAX, watched.driver.is_alive()).await {
        Ok(true) => "ok\n".into_response(),
        _ => refuse("the driver does not answer"),
    }
}

async fn readyz(State(watched): State<Arc<Watched>>) -> Response {
    if timeout(ALIVE_MAX, watched.driver.is_alive()).await != Ok(true) {
        return refuse("the driver does not answer");
    }
    match watched.figures().await {
        Ok(figures) => figures.missing().map_or_else(|| "ready\n".into_response(), refuse),
        Err(error) => refuse(&format!("the store cannot be read: {error}")),
    }
}

fn refuse(why: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
}

impl fmt::Display for MonitorAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback(address) => write!(f, "http://{address}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Callers at once: a scraper, a supervisor, a person.
const CONNECTIONS_MAX: usize = 16;
/// A call's whole time: nobody who watches waits longer.
const CALL_MAX: Duration = Duration::from_secs(10);
/// A head of a request: all of them are short.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// A driver that takes longer for a sign of life hangs: a turn takes milliseconds, on a bad disk a second.
const ALIVE_MAX: Duration = Duration::from_secs(5);
/// After the system gave no connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// For the daemon's user and group.
const SOCKET_MODE: u32 = 0o660;
