//! The least that things can cost here and now: bare quinn, bare redb, a bare program over a Unix socket.
//!
//! Measured in the same run as what is compared with them, close in time: other jobs share the machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use assist_daemon::device_key::DeviceKey;
use assist_daemon::net::{NetLimits, client_config, endpoint_config, server_config};
use quinn::{Connection, Endpoint, RecvStream, SendStream, TokioRuntime};
use redb::{Database, Durability, TableDefinition};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Bench;
use crate::measure::{Spread, timed};
use crate::node::scratch;
use crate::report::{Row, Unit, millis};

/// All floors, for themselves.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let folder = scratch()?;
    let mut echo = Echo::start(&bench.runtime)?;
    echo.round_trips(100)?;
    let round_trip = Spread::of(echo.round_trips(1_000)?);
    let connect = Spread::of(echo.connects(50)?);
    let commits = Commits::open(&folder.path().join("single"))?;
    let commit = Spread::of(commits.run(300)?);
    let group = group_commit_rate(&folder.path().join("group"), GROUP_WRITERS, Duration::from_secs(2))?;
    Ok(vec![
        Row::spread(NAME, "quinn: request and answer on one stream", &round_trip),
        Row::spread(NAME, "quinn: connect, then request and answer", &connect),
        Row::spread(NAME, "redb: one durable commit of one row", &commit),
        Row::one(NAME, "redb: durable rows, 64 writers, group commit", Unit::PerSecond, group),
    ])
}

/// A quinn server that sends back what it gets, and one client, with the daemon's own settings.
pub(crate) struct Echo<'a> {
    runtime: &'a Runtime,
    client: Endpoint,
    address: SocketAddr,
    stream: Option<(SendStream, RecvStream)>,
    connection: Connection,
    /// Owns the server's tasks.
    _server: JoinSet<()>,
}

impl<'a> Echo<'a> {
    /// Starts both and connects them.
    pub(crate) fn start(runtime: &'a Runtime) -> anyhow::Result<Self> {
        let _inside = runtime.enter();
        let server = bare_server(0)?;
        let address = server.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_echo(server));
        let client = bare_client(2)?;
        let (connection, stream) = runtime.block_on(async {
            let connection = client.connect(address, "assist")?.await?;
            let stream = connection.open_bi().await?;
            anyhow::Ok((connection, stream))
        })?;
        Ok(Self { runtime, client, address, stream: Some(stream), connection, _server: tasks })
    }

    /// Asks so many times, one after the other, on one stream.
    pub(crate) fn round_trips(&mut self, count: usize) -> anyhow::Result<Vec<Duration>> {
        let (mut send, mut receive) = self.stream.take().context("the stream broke before")?;
        // Within the runtime, as the daemon's own tasks are: no thread has to be woken for the answer.
        let asked = self.runtime.block_on(self.runtime.spawn(async move {
            let mut times = Vec::with_capacity(count);
            for _ in 0..count {
                let began = Instant::now();
                ask(&mut send, &mut receive).await?;
                times.push(began.elapsed());
            }
            anyhow::Ok((times, (send, receive)))
        }))?;
        let (times, stream) = asked?;
        self.stream = Some(stream);
        Ok(times)
    }

    /// Connects anew so many times and asks once each.
    pub(crate) fn connects(&self, count: usize) -> anyhow::Result<Vec<Duration>> {
        let (client, address) = (self.client.clone(), self.address);
        self.runtime.block_on(self.runtime.spawn(async move {
            let mut times = Vec::with_capacity(count);
            for _ in 0..count {
                let began = Instant::now();
                let connection = client.connect(address, "assist")?.await?;
                let (mut send, mut receive) = connection.open_bi().await?;
                ask(&mut send, &mut receive).await?;
                times.push(began.elapsed());
                connection.close(0_u32.into(), b"");
            }
            Ok(times)
        }))?
    }
}

impl Drop for Echo<'_> {
    fn drop(&mut self) {
        self.connection.close(0_u32.into(), b"");
    }
}

/// Sends a message and reads the answer.
pub(crate) async fn ask(send: &mut SendStream, receive: &mut RecvStream) -> anyhow::Result<()> {
    send.write_all(&[7; MESSAGE_BYTES]).await?;
    let mut answer = [0; MESSAGE_BYTES];
    receive.read_exact(&mut answer).await?;
    Ok(())
}

/// Echoes on every stream of every connection, until it is aborted.
pub(crate) async fn serve_echo(endpoint: Endpoint) {
    let mut connections = JoinSet::new();
    while let Some(incoming) = endpoint.accept().await {
        connections.spawn(async move {
            let Ok(connection) = incoming.await else { return };
            while let Ok((mut send, mut receive)) = connection.accept_bi().await {
                let mut message = [0; MESSAGE_BYTES];
                while receive.read_exact(&mut message).await.is_ok() {
                    if send.write_all(&message).await.is_err() {
                        break;
                    }
                }
            }
        });
    }
}

/// An endpoint that accepts, with the daemon's settings.
pub(crate) fn bare_server(port: u16) -> anyhow::Result<Endpoint> {
    let key = DeviceKey::from_secret(&[1; 32]);
    let config = server_config(&key, &NetLimits::default())?;
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
    Ok(Endpoint::new(endpoint_config(&key), Some(config), socket, std::sync::Arc::new(TokioRuntime))?)
}

/// An endpoint that dials, with the daemon's settings and a key of its own.
pub(crate) fn bare_client(secret: u8) -> anyhow::Result<Endpoint> {
    client_of(&DeviceKey::from_secret(&[secret; 32]))
}

/// The same with a given key.
pub(crate) fn client_of(key: &DeviceKey) -> anyhow::Result<Endpoint> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut endpoint = Endpoint::new(endpoint_config(key), None, socket, std::sync::Arc::new(TokioRuntime))?;
    endpoint.set_default_client_config(client_config(key, &NetLimits::default())?);
    Ok(endpoint)
}

/// One row a transaction, durable each time.
pub(crate) struct Commits {
    database: Database,
}

impl Commits {
    /// Makes the file.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let commits = Self { database: Database::create(path)? };
        commits.run(5)?;
        Ok(commits)
    }

    /// Commits so many times.
    pub(crate) fn run(&self, count: usize) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(count);
        for number in 0..count as u64 {
            times.push(timed(|| put(&self.database, &[number]))?.0);
        }
        Ok(times)
    }
}

/// How many rows become durable in a second when so many threads each write one, wait for it, and write the next:
/// one thread commits whatever waits.
pub(crate) fn group_commit_rate(path: &Path, writers: u64, time: Duration) -> anyhow::Result<f64> {
    let database = Database::create(path)?;
    let (requests, waiting) = mpsc::channel::<(u64, mpsc::SyncSender<()>)>();
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (requests, is_over) = (requests.clone(), &is_over);
            scope.spawn(move || {
                let (answer, answered) = mpsc::sync_channel(1);
                for number in 0.. {
                    let key = writer << 32 | number;
                    // Either fails only if the committing thread failed.
                    if requests.send((key, answer.clone())).is_err() || answered.recv().is_err() {
                        return;
                    }
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        drop(requests);
        let mut rows = 0;
        let mut outcome = Ok(());
        while began.elapsed() < time && outcome.is_ok() {
            let Ok(first) = waiting.recv() else { break };
            let batch: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
            outcome = put(&database, &batch.iter().map(|(key, _)| *key).collect::<Vec<_>>());
            rows += batch.len();
            for (_, answer) in batch {
                answer.send(()).ok(); // Nobody ends before the measurement does.
            }
        }
        let rate = rows as f64 / began.elapsed().as_secs_f64();
        is_over.store(true, Ordering::Relaxed);
        // Every writer holds a sender to itself: only an answer makes those who still wait look up.
        for (_, answer) in waiting {
            answer.send(()).ok(); // It has ended.
        }
        outcome.map(|()| rate)
    })
}

fn put(database: &Database, keys: &[u64]) -> anyhow::Result<()> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    let mut table = transaction.open_table(ROWS)?;
    for key in keys {
        table.insert(key, [7; CHANGE_BYTES].as_slice())?;
    }
    drop(table);
    Ok(transaction.commit()?)
}

/// What live traffic needs at least, in milliseconds: one round trip and so many commits.
pub(crate) fn path_millis(round_trip: &Spread, commit: &Spread, commits: u32) -> f64 {
    millis(round_trip.p50) + f64::from(commits) * millis(commit.p50)
}

const NAME: &str = "floor";
const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
/// A signed comment with its places is about so large.
const CHANGE_BYTES: usize = 600;
/// So is the message that carries it.
const MESSAGE_BYTES: usize = 600;
/// As the goal says.
pub(crate) const GROUP_WRITERS: u64 = 64;
