//! A thread that finds the daemon, starts it where there is none, and tells what happens as long as it runs.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use assist_proto::client::launch::{self, StartError};
use assist_proto::client::{Client, ClientError, EventStream, Home};

use super::{Reply, Wake};
use crate::limits;
use crate::state::DaemonState;

pub(super) struct Follower {
    home: Home,
    replies: SyncSender<Reply>,
    wake: Wake,
    /// Says nothing, and ends with the link.
    alive: Receiver<()>,
    last_id: Option<String>,
}

/// The window is gone.
struct Gone;

impl Follower {
    pub(super) fn new(home: Home, replies: SyncSender<Reply>, wake: Wake, alive: Receiver<()>) -> Self {
        Self { home, replies, wake, alive, last_id: None }
    }

    pub(super) fn run(mut self) {
        // It ends when nobody listens any more.
        self.follow().ok();
    }

    fn follow(&mut self) -> Result<(), Gone> {
        let mut looks_left = 0;
        loop {
            match self.connect(looks_left)? {
                Some(events) => {
                    self.tell(Reply::Daemon(DaemonState::Ready))?;
                    self.pass_on(events)?;
                    self.tell(Reply::Daemon(DaemonState::Lost))?;
                    looks_left = limits::LOOKS_BEFORE_START;
                }
                None => self.pause(limits::START_AGAIN_AFTER)?,
            }
        }
    }

    /// Looks so often whether the daemon is there, then starts it.
    fn connect(&mut self, looks: u32) -> Result<Option<EventStream>, Gone> {
        for _ in 0..looks {
            match self.events() {
                Ok(events) => return Ok(Some(events)),
                Err(_) => self.pause(limits::LOOK_EVERY)?,
            }
        }
        let error = match self.events() {
            Ok(events) => return Ok(Some(events)),
            Err(ClientError::NotRunning { .. }) => {
                self.tell(Reply::Daemon(DaemonState::Starting))?;
                let started = launch::start(&self.home);
                match started.and_then(|_| Ok::<_, StartError>(self.events()?)) {
                    Ok(events) => return Ok(Some(events)),
                    Err(error) => error.to_string(),
                }
            }
            Err(error) => error.to_string(),
        };
        self.tell(Reply::Daemon(DaemonState::Failed(error)))?;
        Ok(None)
    }

    fn events(&self) -> Result<EventStream, ClientError> {
        Client::connect(self.home.socket())?.events(self.last_id.as_deref())
    }

    fn pass_on(&mut self, mut events: EventStream) -> Result<(), Gone> {
        loop {
            let next = events.next_within(LISTEN_FOR);
            self.last_id = events.last_id().map(str::to_owned);
            match next {
                Ok(Some(event)) => self.tell(Reply::News(Box::new(event.news)))?,
                Ok(None) => self.pause(Duration::ZERO)?,
                Err(_) => return Ok(()),
            }
        }
    }

    fn tell(&self, reply: Reply) -> Result<(), Gone> {
        self.replies.send(reply).map_err(|_| Gone)?;
        (self.wake)();
        Ok(())
    }

    fn pause(&self, time: Duration) -> Result<(), Gone> {
        match self.alive.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(Gone),
        }
    }
}

/// After so long without news it looks whether the window is still there.
const LISTEN_FOR: Duration = Duration::from_secs(1);
