//! A daemon that does as it is told, and a server in front of it on a thread of its own.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use assist_proto::api::{ApiError, Method};
use assist_proto::client::Client;
use assist_proto::for_each_method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, oneshot};

use super::super::{ApiServer, EventFeed, Handle};
use super::read_all;
use crate::blobs::BlobFolder;
use crate::pictures::Thumbnails;

/// What a method answers.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Value(Value),
    Error(ApiError),
    Panic,
    /// A value, once the gate is open.
    Gate(Value),
    /// A value with a parameter put into a field.
    Echo(&'static str, Value, &'static str),
}

impl Reply {
    pub(crate) fn value(value: Value) -> Self {
        Self::Value(value)
    }
}

/// Answers by script; notes what was asked.
pub(crate) struct FakeBackend {
    script: Mutex<HashMap<&'static str, Reply>>,
    progress: Mutex<Progress>,
    moved: Condvar,
    gate: Semaphore,
}

#[derive(Default)]
struct Progress {
    begun: Vec<&'static str>,
    ended: usize,
    dropped: usize,
}

impl Default for FakeBackend {
    fn default() -> Self {
        Self {
            script: Mutex::default(),
            progress: Mutex::default(),
            moved: Condvar::new(),
            gate: Semaphore::new(0),
        }
    }
}

impl FakeBackend {
    pub(crate) fn script(&self, method: &'static str, reply: Reply) {
        self.script.lock().unwrap().insert(method, reply);
    }

    /// The methods that were called, in order.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.progress.lock().unwrap().begun.clone()
    }

    pub(crate) fn open_gate(&self) {
        self.gate.add_permits(1000);
    }

    pub(crate) fn wait_for_begun(&self, count: usize) {
        self.wait_for(|progress| progress.begun.len() >= count);
    }

    pub(crate) fn wait_for_ended(&self, count: usize) {
        self.wait_for(|progress| progress.ended >= count);
    }

    pub(crate) fn wait_for_dropped(&self, count: usize) {
        self.wait_for(|progress| progress.dropped >= count);
    }

    fn wait_for(&self, is_there: impl Fn(&Progress) -> bool) {
        let progress = self.progress.lock().unwrap();
        let (_progress, waited) = self
            .moved
            .wait_timeout_while(progress, Duration::from_secs(20), |progress| !is_there(progress))
            .unwrap();
        assert!(!waited.timed_out(), "it did not come about");
    }

    fn advance(&self, act: impl FnOnce(&mut Progress)) {
        act(&mut self.progress.lock().unwrap());
        self.moved.notify_all();
    }

    async fn reply<M: Method>(&self, params: M) -> Result<M::Result, ApiError> {
        self.advance(|progress| progress.begun.push(M::NAME));
        let mut guard = DropNote { backend: self, has_ended: false };
        let reply = self.script.lock().unwrap().get(M::NAME).cloned();
        let value = match reply {
            Some(Reply::Value(value)) => value,
            Some(Reply::Error(error)) => return Err(error),
            Some(Reply::Panic) => panic!("as told"),
            Some(Reply::Gate(value)) => {
                self.gate.acquire().await.unwrap().forget();
                value
            }
            Some(Reply::Echo(param, mut value, field)) => {
                value[field] = serde_json::to_value(&params).unwrap()[param].take();
                value
            }
            None => return Err(ApiError::not_found("not_scripted", "no answer was scripted")),
        };
        guard.has_ended = true;
        Ok(serde_json::from_value(value).unwrap())
    }
}

/// Tells a call that ended from one that was dropped on its way.
struct DropNote<'a> {
    backend: &'a FakeBackend,
    has_ended: bool,
}

impl Drop for DropNote<'_> {
    fn drop(&mut self) {
        self.backend.advance(|progress| match self.has_ended {
            true => progress.ended += 1,
            false => progress.dropped += 1,
        });
    }
}

macro_rules! fake_handlers {
    ($($name:tt $access:ident $params:ty => $result:ty: $summary:literal;)+) => {
        $(fake_handler!($name $params);)+
    };
}

macro_rules! fake_handler {
    ("rpc.discover" $params:ty) => {};
    ($name:tt $params:ty) => {
        impl Handle<$params> for FakeBackend {
            async fn handle(&self, params: $params) -> Result<<$params as Method>::Result, ApiError> {
                self.reply(params).await
            }
        }
    };
}

for_each_method!(fake_handlers);

/// A server on a thread, stopped when dropped.
pub(crate) struct TestServer {
    pub(crate) path: PathBuf,
    pub(crate) backend: Arc<FakeBackend>,
    pub(crate) feed: EventFeed,
    folder: Arc<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), Arc::default())
    }

    /// Stops it and starts another one at the same place.
    pub(crate) fn restart(self) -> Self {
        let (folder, backend) = (Arc::clone(&self.folder), Arc::clone(&self.backend));
        self.stop();
        Self::start_in(folder, backend)
    }

    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn start_in(folder: Arc<TempDir>, backend: Arc<FakeBackend>) -> Self {
        let path = folder.path().join("run").join("assistd.sock");
        let feed = EventFeed::new("testboot");
        let (stop, stopped) = oneshot::channel();
        let (ready_tx, ready_rx) = mpsc::channel();
        let thread = {
            let (path, backend, feed) = (path.clone(), Arc::clone(&backend), feed.clone());
            let blobs = BlobFolder::open(&folder.path().join("blobs")).unwrap();
            let thumbnails = Thumbnails::new(blobs.clone());
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async move {
                    let server = ApiServer::bind(&path, backend, feed, blobs, thumbnails).unwrap();
                    ready_tx.send(()).unwrap();
                    server.run(async { stopped.await.unwrap_or(()) }).await;
                });
            })
        };
        ready_rx.recv().unwrap();
        Self { path, backend, feed, folder, stop: Some(stop), thread: Some(thread) }
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.path).unwrap()
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends bytes and returns all that comes back.
    pub(crate) fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // A server that refuses a request may hang up before all of it is sent.
        stream.write_all(request).ok();
        read_all(&mut stream)
    }

    /// Posts a body on a connection of its own.
    pub(crate) fn post(&self, body: &[u8]) -> String {
        self.exchange(&Self::request(body))
    }

    pub(crate) fn request(body: &[u8]) -> Vec<u8> {
        let mut request = format!(
            "POST /rpc HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        request
    }

    pub(crate) fn assert_alive(&self) {
        self.backend.script("user.list", Reply::Value(json!({ "users": [] })));
        let reply = self.client().call_raw("user.list", &json!({})).unwrap();
        assert_eq!(reply, json!({ "users": [] }));
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.end();
    }
}
