//! For tests: a daemon that answers what a test tells it to, and a way to run commands against it in-process.

use std::cell::RefCell;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use assist_proto::api::ApiError;
use assist_proto::client::Home;
use clap::Parser as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::args::Cli;
use crate::commands;
use crate::error::CliError;
use crate::invocation::{Invocation, format, talk};
use crate::output::{Format, Output};

/// A daemon that records its calls and answers them by a function of the test.
pub(crate) struct FakeDaemon {
    folder: TempDir,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    answer: Box<dyn Answer>,
    calls: Mutex<Vec<(String, Value)>>,
    /// What each follower of the events gets, one after the other; then its connection ends.
    event_streams: Mutex<Vec<Vec<Value>>>,
    followers: Mutex<Vec<String>>,
    is_ending: AtomicBool,
}

/// What a daemon makes of a method and its parameters.
pub(crate) trait Answer: Fn(&str, &Value) -> Result<Value, ApiError> + Send + Sync + 'static {}

impl<F: Fn(&str, &Value) -> Result<Value, ApiError> + Send + Sync + 'static> Answer for F {}

/// What a command left behind.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit_code: u8,
}

impl FakeDaemon {
    pub(crate) fn new(answer: impl Answer) -> Self {
        Self::with_events(answer, Vec::new())
    }

    pub(crate) fn with_events(answer: impl Answer, event_streams: Vec<Vec<Value>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::locate(Some(folder.path().to_owned())).unwrap();
        std::fs::create_dir(home.run_folder()).unwrap();
        let listener = UnixListener::bind(home.socket()).unwrap();
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            calls: Mutex::default(),
            event_streams: Mutex::new(event_streams),
            followers: Mutex::default(),
            is_ending: AtomicBool::new(false),
        });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming() {
                    if shared.is_ending.load(Ordering::SeqCst) {
                        return;
                    }
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || serve(stream.unwrap(), &shared));
                }
            }
        });
        Self { folder, shared, accepting: Some(accepting) }
    }

    /// Answers every call with one result.
    pub(crate) fn always(result: Value) -> Self {
        Self::new(move |_, _| Ok(result.clone()))
    }

    /// Answers every call with one error.
    pub(crate) fn refusing(error: ApiError) -> Self {
        Self::new(move |_, _| Err(error.clone()))
    }

    pub(crate) fn home(&self) -> Home {
        Home::locate(Some(self.folder.path().to_owned())).unwrap()
    }

    /// The calls so far: method and parameters.
    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// What each follower of the events sent as the id to go on behind.
    pub(crate) fn followers(&self) -> Vec<String> {
        self.shared.followers.lock().unwrap().clone()
    }

    /// Runs a command as a script would: its stdout is no terminal.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_as(Format::Plain, args)
    }

    /// Runs a command as a person would.
    pub(crate) fn run_on_terminal(&self, args: &[&str]) -> Ran {
        self.run_as(Format::Human, args)
    }

    fn run_as(&self, default: Format, args: &[&str]) -> Ran {
        let home = self.folder.path().to_str().unwrap();
        let all = ["assist", "--no-start", "--home", home].into_iter().chain(args.iter().copied());
        let cli = Cli::try_parse_from(all).unwrap();
        let (stdout, stderr) = (Shelf::default(), Shelf::default());
        let format = format(&cli.globals).unwrap_or(default);
        let output = Output::new(
            Box::new(stdout.clone()),
            Box::new(stderr.clone()),
            format,
            talk(&cli.globals),
            WIDTH,
        );
        let mut invocation = Invocation::new(&cli.globals, output).unwrap();
        let outcome = commands::run(cli.noun, &mut invocation);
        if let Err(error) = &outcome {
            invocation.output.error(error);
        }
        let exit_code = outcome.as_ref().map_or_else(|error: &CliError| error.kind().exit_code(), |()| 0);
        Ran { stdout: stdout.text(), stderr: stderr.text(), exit_code }
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        self.shared.is_ending.store(true, Ordering::SeqCst);
        UnixStream::connect(self.home().socket()).unwrap();
        self.accepting.take().unwrap().join().unwrap();
    }
}

/// A writer whose text can be read afterwards, without colours.
#[derive(Clone, Default)]
pub(crate) struct Shelf {
    bytes: Rc<RefCell<Vec<u8>>>,
}

impl Shelf {
    pub(crate) fn text(&self) -> String {
        anstream::adapter::strip_str(std::str::from_utf8(&self.bytes.borrow()).unwrap()).to_string()
    }
}

impl Write for Shelf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A ticket as the API names it.
pub(crate) fn ticket_ref(id: &str, number: Option<u64>, title: &str) -> Value {
    json!({ "project": "p".repeat(52), "id": id, "short_id": &id[..8], "number": number, "title": title })
}

/// A row of a list.
pub(crate) fn ticket_row(id: &str, number: Option<u64>, title: &str) -> Value {
    let mut row = ticket_ref(id, number, title);
    let rest = json!({
        "status": "open", "priority": "high", "assignee": { "id": "b", "name": "Bob" },
        "requester": { "id": "a", "name": "Alice" }, "labels": ["hardware"], "created_at_millis": 1_000,
        "updated_at_millis": 2_000, "snoozed_until_millis": null, "comment_count": 2, "has_conflict": false,
        "state": "on_server", "is_loaded": true,
    });
    row.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    row
}

fn serve(stream: UnixStream, shared: &Shared) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some((path, last_id, body)) = read_request(&mut reader) {
        if path == "/events" {
            shared.followers.lock().unwrap().push(last_id);
            serve_events(&mut writer, shared);
            return;
        }
        let call: Value = serde_json::from_slice(&body).unwrap();
        let method = call["method"].as_str().unwrap().to_owned();
        let params = call["params"].clone();
        shared.calls.lock().unwrap().push((method.clone(), params.clone()));
        let answer = match (shared.answer)(&method, &params) {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }),
            Err(error) => json!({ "jsonrpc": "2.0", "id": call["id"], "error": error }),
        }
        .to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
        // The test may have gone.
        if writer.write_all((head + &answer).as_bytes()).is_err() {
            return;
        }
    }
}

fn serve_events(writer: &mut UnixStream, shared: &Shared) {
    let mut streams = shared.event_streams.lock().unwrap();
    let events = if streams.is_empty() { Vec::new() } else { streams.remove(0) };
    drop(streams);
    let mut reply = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    for event in events {
        let block = format!("id: {}\ndata: {event}\n\n", event["id"].as_str().unwrap());
        reply.push_str(&format!("{:x}\r\n{block}\r\n", block.len()));
    }
    writer.write_all(reply.as_bytes()).unwrap();
}

fn read_request(reader: &mut BufReader<UnixStream>) -> Option<(String, String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut last_id) = (0, String::new());
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).ok()?;
        match field.trim_end().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("last-event-id", value)) => last_id = value.to_owned(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, last_id, body))
}

const WIDTH: u16 = 100;
