//! The task that empties the queue: attempts, pauses, and the end of patience. Knows nothing of SMTP or files.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::message::{Mailbox, Message};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::limits::{
    MAIL_ATTEMPT_MAX, MAIL_FAILURE_CHARS_MAX, MAIL_RETRY_MAX, MAIL_RETRY_MIN, MAIL_STOP_MAX,
    MAIL_UNDER_WAY_MAX,
};
use super::{MailReport, Queued};

/// Takes one message to where it goes next.
pub(super) trait Post: Send + Sync + 'static {
    /// Makes one attempt.
    fn post(&self, message: Arc<Message>) -> impl Future<Output = Result<(), PostError>> + Send;
}

/// Why an attempt failed, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PostError {
    /// The next one may do better.
    Later(String),
    /// None will.
    Never(String),
}

/// The queue's other end.
pub(super) struct Worker<P> {
    sender: Mailbox,
    post: Arc<P>,
    queued: mpsc::Receiver<Queued>,
    /// By the time of the next attempt, in the order of arrival.
    waiting: BTreeMap<(Instant, u64), Letter>,
    under_way: JoinSet<(Letter, Result<(), PostError>)>,
    report: Arc<Mutex<MailReport>>,
    random: ChaCha8Rng,
    letters: u64,
}

/// A mail on its way through attempts.
struct Letter {
    number: u64,
    queued: Queued,
    message: Arc<Message>,
    attempts: u32,
    give_up_at: Instant,
}

impl<P: Post> Worker<P> {
    pub(super) fn new(
        sender: Mailbox,
        post: P,
        queued: mpsc::Receiver<Queued>,
        report: Arc<Mutex<MailReport>>,
        seed: [u8; 32],
    ) -> Self {
        Self {
            sender,
            post: Arc::new(post),
            queued,
            waiting: BTreeMap::new(),
            under_way: JoinSet::new(),
            report,
            random: ChaCha8Rng::from_seed(seed),
            letters: 0,
        }
    }

    /// Runs until it is told to stop.
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        loop {
            self.start_due();
            let is_free = self.under_way.len() < MAIL_UNDER_WAY_MAX;
            let next = self.waiting.first_key_value().map(|((at, _), _)| *at).filter(|_| is_free);
            tokio::select! {
                biased;
                _ = &mut stop => break,
                Some(done) = self.under_way.join_next() => self.end_attempt(done),
                Some(queued) = self.queued.recv() => self.take(queued),
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
        self.wind_up().await;
    }

    fn take(&mut self, queued: Queued) {
        let mut id = [0; 16];
        self.random.fill_bytes(&mut id);
        let message = match queued.mail.compose(&self.sender, id) {
            Ok(message) => Arc::new(message),
            Err(error) => {
                let why = format!("the mail cannot be written: {error}");
                return self.fail(queued.mail.address(), 0, &why);
            }
        };
        let now = Instant::now();
        self.letters += 1;
        let give_up_at = now + queued.mail.patience();
        let letter = Letter { number: self.letters, queued, message, attempts: 0, give_up_at };
        self.waiting.insert((now, letter.number), letter);
    }

    fn start_due(&mut self) {
        while self.under_way.len() < MAIL_UNDER_WAY_MAX
            && let Some(first) = self.waiting.first_entry()
            && first.key().0 <= Instant::now()
        {
            let mut letter = first.remove();
            letter.attempts += 1;
            let (post, message) = (Arc::clone(&self.post), Arc::clone(&letter.message));
            self.under_way.spawn(async move {
                let attempt = timeout(MAIL_ATTEMPT_MAX, post.post(message)).await;
                let outcome = attempt.unwrap_or_else(|_| Err(PostError::Later(NO_ANSWER.to_owned())));
                (letter, outcome)
            });
        }
    }

    fn end_attempt(&mut self, done: Result<(Letter, Result<(), PostError>), tokio::task::JoinError>) {
        let (mut letter, outcome) = match done {
            Ok(done) => done,
            // The letter went with the task.
            Err(error) => return self.fail("(lost)", 1, &error.to_string()),
        };
        if let Some(watcher) = letter.queued.first_attempt.take() {
            let told = outcome.as_ref().copied().map_err(|error| error.words().to_owned());
            watcher.send(told).ok(); // Whoever asked may have gone.
        }
        match outcome {
            Ok(()) => self.sent(&letter),
            Err(PostError::Never(words)) => {
                self.fail(letter.queued.mail.address(), letter.attempts, &words);
            }
            Err(PostError::Later(words)) => self.put_off(letter, &words),
        }
    }

    fn sent(&self, letter: &Letter) {
        tracing::debug!(to = letter.queued.mail.address(), attempts = letter.attempts, "mail sent");
        self.report(|report| report.sent += 1);
    }

    fn put_off(&mut self, letter: Letter, words: &str) {
        let next = Instant::now() + pause(letter.attempts, self.random.next_u32());
        if next >= letter.give_up_at {
            return self.fail(letter.queued.mail.address(), letter.attempts, words);
        }
        tracing::info!(to = letter.queued.mail.address(), attempts = letter.attempts, words, "mail put off");
        self.report(|report| {
            report.retried += 1;
            report.last_failure = Some(shortened(words));
        });
        self.waiting.insert((next, letter.number), letter);
    }

    fn fail(&self, to: &str, attempts: u32, words: &str) {
        tracing::warn!(to, attempts, words, "a mail was not sent and is given up");
        self.report(|report| {
            report.failed += 1;
            report.last_failure = Some(shortened(words));
        });
    }

    fn report(&self, change: impl FnOnce(&mut MailReport)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits a while for what is under way. The rest is lost, as `mail.rs` says.
    async fn wind_up(mut self) {
        self.queued.close();
        let mut lost = self.waiting.len() + self.queued.len();
        let patience = timeout(MAIL_STOP_MAX, async {
            while let Some(done) = self.under_way.join_next().await {
                let is_sent = matches!(done, Ok((_, Ok(()))));
                lost += usize::from(!is_sent);
            }
        });
        patience.await.ok(); // What hangs until now is dropped with the set, and counted below.
        lost += self.under_way.len();
        if lost > 0 {
            tracing::warn!(lost, "stopping with unsent mails: people can ask for their codes again");
        }
    }
}

impl PostError {
    fn words(&self) -> &str {
        match self {
            Self::Later(words) | Self::Never(words) => words,
        }
    }
}

/// The pause after so many attempts: doubled each time up to the longest, with a jitter of plus or minus half, so that
/// mails that failed together do not come back together.
pub(super) fn pause(attempts: u32, random: u32) -> Duration {
    let doubled = MAIL_RETRY_MIN.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    let whole = doubled.min(MAIL_RETRY_MAX);
    whole / 2 + whole.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

fn shortened(words: &str) -> String {
    words.chars().filter(|character| !character.is_control()).take(MAIL_FAILURE_CHARS_MAX).collect()
}

const NO_ANSWER: &str = "the relay did not answer in time";
