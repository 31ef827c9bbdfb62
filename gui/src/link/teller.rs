//! A thread that says where the person is and that they write, again and again for as long as it is so: what is said
//! holds for some seconds. No frame is drawn for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use assist_proto::api::presence::{Set, SetDoing};
use assist_proto::client::{Client, Home};

use super::Shown;

pub(super) struct Teller {
    home: Home,
    shown: Receiver<Option<Shown>>,
    client: Option<Client>,
    /// What holds now; nothing for a client that shows no ticket.
    now: Option<Shown>,
}

impl Teller {
    pub(super) fn new(home: Home, shown: Receiver<Option<Shown>>) -> Self {
        Self { home, shown, client: None, now: None }
    }

    pub(super) fn run(mut self) {
        let mut next = moment();
        let mut typed_at = next;
        loop {
            match self.shown.recv_timeout(next.saturating_duration_since(moment())) {
                Ok(shown) => {
                    typed_at = moment();
                    if shown != self.now {
                        self.turn_to(shown);
                        next = moment() + SAY_EVERY;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(now) = &mut self.now
                        && typed_at.elapsed() > TYPING_FOR
                    {
                        now.doing = SetDoing::Viewing;
                    }
                    self.say();
                    next = moment() + SAY_EVERY;
                }
                Err(RecvTimeoutError::Disconnected) => return self.turn_to(None),
            }
        }
    }

    /// Says what holds from now on, and of another ticket that it was left.
    fn turn_to(&mut self, shown: Option<Shown>) {
        let before = std::mem::replace(&mut self.now, shown);
        let has_left = |before: &Shown| self.now.as_ref().is_none_or(|now| now.key != before.key);
        if let Some(left) = before.filter(has_left) {
            self.set(&Shown { doing: SetDoing::Gone, ..left }.set());
        }
        self.say();
    }

    fn say(&mut self) {
        let here = || Set { doing: Some(SetDoing::Here), ..Set::default() };
        let set = self.now.as_ref().map_or_else(here, Shown::set);
        self.set(&set);
    }

    /// Nobody waits for it: what fails is said again in a moment.
    fn set(&mut self, set: &Set) {
        let client = self.client.take().map_or_else(|| Client::connect(self.home.socket()), Ok);
        let Ok(mut client) = client else { return };
        let is_lost = matches!(client.call(set), Err(error) if !matches!(error, assist_proto::client::ClientError::Api(_)));
        self.client = (!is_lost).then_some(client);
    }
}

impl Shown {
    fn set(&self) -> Set {
        Set {
            project: Some(self.key.project.clone()),
            ticket: Some(self.key.ticket.clone()),
            doing: Some(self.doing),
            ..Set::default()
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "what holds for some seconds is said again after some seconds")]
fn moment() -> Instant {
    Instant::now()
}

/// It holds for 8 seconds: two in a row may be lost.
const SAY_EVERY: Duration = Duration::from_secs(3);

/// Whoever has not touched a key for so long reads.
const TYPING_FOR: Duration = Duration::from_secs(6);
