//! A small SMTP server that does to its clients what it is told to, and keeps what it was sent.
//!
//! It knows the commands that a submitting client uses, and nothing of delivery.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::process::PATIENCE;

/// What a connection is protected with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    None,
    /// TLS after STARTTLS, before which no mail is taken.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

/// What is done to one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its mail is taken.
    Take,
    /// Its mail is put off.
    Busy,
    /// Its recipient is refused.
    Refuse,
    /// It is accepted and never spoken to.
    Hang,
}

/// A mail as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The address in MAIL FROM.
    pub from: String,
    /// The addresses in RCPT TO.
    pub to: Vec<String>,
    /// The message, with its dots unstuffed.
    pub message: String,
    /// Whether it came over TLS.
    pub is_encrypted: bool,
    /// The answer to AUTH PLAIN, if the client logged in.
    pub login: Option<String>,
}

/// A running server. It ends when it is dropped.
pub struct SmtpServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    protection: Protection,
    tls: Arc<ServerConfig>,
    state: Mutex<State>,
    changed: Condvar,
    is_stopping: AtomicBool,
}

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    connections: usize,
    mails: Vec<ReceivedMail>,
    /// Held open, never spoken to.
    hanging: Vec<TcpStream>,
}

/// The certificate of the only authority that vouches for the server.
pub fn authority_pem() -> PathBuf {
    fixture("authority.pem")
}

/// The server's own certificate and key, for `localhost`.
pub fn relay_pem() -> (PathBuf, PathBuf) {
    (fixture("relay.pem"), fixture("relay.key.pem"))
}

impl SmtpServer {
    /// Starts a server on loopback that takes its connections by these steps, and takes all mail after the last.
    pub fn start(protection: Protection, steps: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("its address");
        let state = State { steps: steps.into_iter().collect(), ..State::default() };
        let shared = Arc::new(Shared {
            protection,
            tls: tls_config(),
            state: Mutex::new(state),
            changed: Condvar::new(),
            is_stopping: AtomicBool::new(false),
        });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { shared, address, accepting: Some(accepting) }
    }

    /// Where it listens, on `localhost`.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections came so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// Waits until so many connections came.
    pub fn until_connections(&self, count: usize) {
        self.until("connections", |state| state.connections >= count, |_| ());
    }

    /// Waits until so many mails were taken.
    pub fn until_mails(&self, count: usize) -> Vec<ReceivedMail> {
        self.until("mails", |state| state.mails.len() >= count, |state| state.mails.clone())
    }

    fn until<T>(&self, what: &str, is_there: impl Fn(&State) -> bool, take: impl Fn(&State) -> T) -> T {
        let state = self.shared.lock();
        let (state, waited) = self
            .shared
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !is_there(state))
            .expect("no connection panics with the lock");
        assert!(!waited.timed_out(), "waited in vain for {what}");
        take(&state)
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        TcpStream::connect(self.address).ok(); // Wakes up whoever accepts.
        if let Some(accepting) = self.accepting.take() {
            accepting.join().ok(); // Its panic has been printed.
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no connection panics with the lock")
    }
}

/// One connection at a time: the order of steps is then the order of attempts.
fn accept(listener: &TcpListener, shared: &Shared) {
    for stream in listener.incoming() {
        if shared.is_stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let step = {
            let mut state = shared.lock();
            state.connections += 1;
            let step = state.steps.pop_front().unwrap_or(Step::Take);
            if step == Step::Hang {
                state.hanging.push(stream.try_clone().expect("a handle of the connection"));
            }
            shared.changed.notify_all();
            step
        };
        if step != Step::Hang {
            stream.set_read_timeout(Some(PATIENCE)).expect("a bound for reads");
            serve(stream, step, shared).ok(); // The client went: what it sent until then counts.
        }
    }
}

fn serve(stream: TcpStream, step: Step, shared: &Shared) -> io::Result<()> {
    let over_tls = |stream| {
        let connection = ServerConnection::new(Arc::clone(&shared.tls)).map_err(io::Error::other)?;
        Ok::<_, io::Error>(StreamOwned::new(connection, stream))
    };
    if shared.protection == Protection::Tls {
        return Dialogue::new(over_tls(stream)?, step, true).run(shared, true).map(drop);
    }
    let dialogue = Dialogue::new(stream, step, false);
    if let Some(stream) = dialogue.run(shared, true)? {
        Dialogue::new(over_tls(stream)?, step, true).run(shared, false)?;
    }
    Ok(())
}

/// The talk over one stream.
struct Dialogue<S> {
    stream: BufReader<S>,
    step: Step,
    is_encrypted: bool,
    login: Option<String>,
    from: String,
    to: Vec<String>,
}

impl<S: Read + Write> Dialogue<S> {
    fn new(stream: S, step: Step, is_encrypted: bool) -> Self {
        let stream = BufReader::new(stream);
        Self { stream, step, is_encrypted, login: None, from: String::new(), to: Vec::new() }
    }

    /// Talks until the client goes. Returns the stream if it is to be protected from here on.
    fn run(mut self, shared: &Shared, greets: bool) -> io::Result<Option<S>> {
        if greets {
            self.say("220 localhost")?;
        }
        let wants_tls = shared.protection == Protection::StartTls && !self.is_encrypted;
        while let Some(line) = self.line()? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" if wants_tls => self.say("250-localhost\r\n250 STARTTLS")?,
                "EHLO" => self.say("250-localhost\r\n250 AUTH PLAIN")?,
                "STARTTLS" if wants_tls => {
                    self.say("220 go ahead")?;
                    return Ok(Some(self.stream.into_inner()));
                }
                "QUIT" => {
                    self.say("221 bye")?;
                    return Ok(None);
                }
                _ if wants_tls => self.say("530 STARTTLS first")?,
                "AUTH" => {
                    self.login = rest.strip_prefix("PLAIN ").map(str::to_owned);
                    self.say("235 welcome")?;
                }
                "MAIL" => {
                    self.from = address(rest);
                    self.say("250 fine")?;
                }
                "RCPT" if self.step == Step::Refuse => self.say("550 nobody of that name here")?,
                "RCPT" => {
                    self.to.push(address(rest));
                    self.say("250 fine")?;
                }
                "DATA" => self.data(shared)?,
                _ => self.say("502 what?")?,
            }
        }
        Ok(None)
    }

    fn data(&mut self, shared: &Shared) -> io::Result<()> {
        self.say("354 go on")?;
        let mut message = String::new();
        while let Some(line) = self.line()? {
            if line == "." {
                return self.end_data(shared, message);
            }
            message.push_str(line.strip_prefix('.').unwrap_or(&line));
            message.push_str("\r\n");
        }
        Ok(())
    }

    fn end_data(&mut self, shared: &Shared, message: String) -> io::Result<()> {
        if self.step == Step::Busy {
            return self.say("451 come again");
        }
        let mail = ReceivedMail {
            from: std::mem::take(&mut self.from),
            to: std::mem::take(&mut self.to),
            message,
            is_encrypted: self.is_encrypted,
            login: self.login.clone(),
        };
        shared.lock().mails.push(mail);
        shared.changed.notify_all();
        self.say("250 taken")
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let length = self.stream.read_line(&mut line)?;
        Ok((length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    fn say(&mut self, reply: &str) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{reply}\r\n").as_bytes())?;
        stream.flush()
    }
}

/// What stands between the angle brackets of MAIL FROM and RCPT TO.
fn address(rest: &str) -> String {
    rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}

fn tls_config() -> Arc<ServerConfig> {
    let (certificate, key) = relay_pem();
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(certificate).expect("the certificate's file").collect();
    let key = PrivateKeyDer::from_pem_file(key).expect("the key's file");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows them")
        .with_no_client_auth()
        .with_single_cert(chain.expect("certificates"), key)
        .expect("a certificate with its key");
    Arc::new(config)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/smtp").join(name)
}
