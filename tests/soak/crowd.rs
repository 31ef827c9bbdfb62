//! Those who use it: real daemons, each with a person who does one thing after the other.

use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use assist_proto::api::{comment, note, server, sync, ticket, user};
use assist_tests::dice::Dice;
use assist_tests::process::DaemonProcess;

use crate::Plan;

/// Some of the people, who take turns on one thread.
pub(crate) struct Crowd {
    people: Vec<Person>,
    dice: Dice,
    /// Between two acts.
    pause: Duration,
}

/// Somebody with a device.
struct Person {
    device: DaemonProcess,
    is_agent: bool,
    standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Online,
    Paused,
    Stopped,
}

/// What was done.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    /// Tickets filed.
    pub(crate) tickets: u64,
    /// Comments, notes and edits.
    pub(crate) changes: u64,
    /// Files, and their bytes.
    pub(crate) files: u64,
    pub(crate) file_bytes: u64,
    reads: u64,
    leaves: u64,
    kills: u64,
}

impl Tally {
    /// Both together.
    pub(crate) fn add(&mut self, other: &Self) {
        self.tickets += other.tickets;
        self.changes += other.changes;
        self.files += other.files;
        self.file_bytes += other.file_bytes;
        self.reads += other.reads;
        self.leaves += other.leaves;
        self.kills += other.kills;
    }

    /// Everything that the server had to admit.
    pub(crate) const fn written(&self) -> u64 {
        self.tickets + self.changes + self.files
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tickets, changes, files, file_bytes, reads, leaves, kills } = self;
        write!(
            f,
            "done: {tickets} tickets, {changes} comments, notes and edits, {files} files of {} KiB together, {reads} \
             tickets read, {leaves} times away, {kills} kills",
            file_bytes / 1024
        )
    }
}

impl Crowd {
    /// Has everybody join: one in ten is of the team.
    pub(crate) fn join_all(server: &DaemonProcess, plan: Plan) -> Vec<Self> {
        let workers = plan.devices.min(WORKERS);
        let pause = Duration::from_micros(1_000_000 * workers as u64 / plan.per_second);
        let crowd = |index: usize| Self {
            people: Vec::new(),
            dice: Dice::new(plan.seed * 1_000 + index as u64),
            pause,
        };
        let mut crowds: Vec<Self> = (0..workers).map(crowd).collect();
        for number in 0..plan.devices {
            let is_agent = number % 10 == 0;
            let role = if is_agent { user::Role::Agent } else { user::Role::Customer };
            let device = DaemonProcess::device();
            device.join(server, role, &format!("Person {number}"));
            crowds[number % workers].people.push(Person { device, is_agent, standing: Standing::Online });
        }
        crowds
    }

    /// Does one thing after the other until it is over.
    pub(crate) fn work(&mut self, is_over: &AtomicBool) -> Tally {
        let mut tally = Tally::default();
        let mut next = Instant::now();
        while !is_over.load(Ordering::Relaxed) {
            let at = usize::try_from(self.dice.between(0, self.people.len() as u64 - 1)).unwrap_or(0);
            self.people[at].act(&mut self.dice, &mut tally);
            next += self.pause;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        tally
    }
}

impl Person {
    fn act(&mut self, dice: &mut Dice, tally: &mut Tally) {
        if self.standing == Standing::Stopped {
            return self.come_back();
        }
        match dice.between(0, 99) {
            0..3 if self.standing == Standing::Online => {
                tally.leaves += 1;
                self.device.call(&sync::Pause { project: None });
                self.standing = Standing::Paused;
            }
            3..5 => {
                tally.leaves += 1;
                self.device.stop();
                self.standing = Standing::Stopped;
            }
            5 => {
                tally.kills += 1;
                self.device.kill();
                self.standing = Standing::Stopped;
            }
            6..20 if self.standing == Standing::Paused => {
                self.come_back();
            }
            20..32 if !self.is_agent => self.file(dice, tally),
            32..40 => self.attach(dice, tally),
            40..70 => self.write(dice, tally),
            _ => self.read(dice, tally),
        }
    }

    /// Whoever was paused still is after a restart.
    fn come_back(&mut self) {
        if self.standing == Standing::Stopped {
            self.device.start();
        }
        self.device.call(&sync::Resume { project: None });
        self.standing = Standing::Online;
    }

    fn file(&self, dice: &mut Dice, tally: &mut Tally) {
        tally.tickets += 1;
        self.device.call(&ticket::Create {
            title: text(dice, 40),
            body: text(dice, 500),
            ..Default::default()
        });
    }

    /// A comment, or of the team a note or a status.
    fn write(&self, dice: &mut Dice, tally: &mut Tally) {
        let Some(ticket) = self.any_ticket(dice) else { return };
        tally.changes += 1;
        match dice.between(0, 3) {
            0 if self.is_agent => {
                self.device.call(&note::Add { ticket, body: text(dice, 200), ..Default::default() });
            }
            1 if self.is_agent => {
                let status =
                    dice.pick(&[ticket::Status::Open, ticket::Status::Pending, ticket::Status::Resolved]);
                let set = ticket::FieldValues { status, ..Default::default() };
                // Nothing is written where it was so already.
                if self.device.call(&ticket::Edit { ticket, set, ..Default::default() }).change.is_none() {
                    tally.changes -= 1;
                }
            }
            _ => {
                self.device.call(&comment::Add { ticket, body: text(dice, 200), ..Default::default() });
            }
        }
    }

    fn attach(&self, dice: &mut Dice, tally: &mut Tally) {
        let Some(ticket) = self.any_ticket(dice) else { return };
        let path = self.device.home().join("attached.bin");
        let seed: [u8; 32] = dice.bytes();
        let size = dice.between(1, 64) * 1024;
        let bytes: Vec<u8> =
            seed.iter().copied().cycle().take(usize::try_from(size).unwrap_or(1024)).collect();
        fs::write(&path, bytes).expect("a file to attach");
        let path = path.to_str().expect("UTF-8");
        self.device.assist_ok(["ticket", "comment", &ticket, "-b", "Here it is.", "--attach", path]);
        tally.files += 1;
        tally.file_bytes += size;
    }

    fn read(&self, dice: &mut Dice, tally: &mut Tally) {
        let Some(ticket) = self.any_ticket(dice) else { return };
        tally.reads += 1;
        self.device.call(&ticket::Get { ticket: ticket.clone(), ..Default::default() });
        self.device.call(&ticket::MarkRead { ticket, project: None, through: None });
    }

    /// One of those that moved last.
    fn any_ticket(&self, dice: &mut Dice) -> Option<String> {
        let list = ticket::List { limit: Some(50), ..Default::default() };
        let rows = self.device.call(&list).tickets;
        let loaded: Vec<String> = rows.into_iter().filter(|row| row.is_loaded).map(|row| row.id).collect();
        dice.pick(&loaded)
    }
}

fn text(dice: &mut Dice, chars: usize) -> String {
    const WORDS: [&str; 12] = [
        "printer", "hums", "at", "noon", "since", "the", "update", "crashes", "again", "when", "nobody",
        "looks",
    ];
    let mut text = String::new();
    while text.len() < chars {
        text.push_str(dice.pick(&WORDS).unwrap_or_default());
        text.push(' ');
    }
    text.trim_end().to_owned()
}

/// Has everybody come back, and checks that what they wrote is everywhere where it belongs.
pub(crate) fn all_is_there(server: &DaemonProcess, crowds: &mut [Crowd]) -> anyhow::Result<()> {
    let mut people: Vec<&mut Person> = crowds.iter_mut().flat_map(|crowd| &mut crowd.people).collect();
    for person in &mut people {
        person.come_back();
    }
    for person in &people {
        person.device.until_connection(sync::ConnectionState::Online);
        person.device.until_sent();
    }
    let tickets = server.call(&server::GetStats::default()).ticket_count;
    for person in people.iter().filter(|person| person.is_agent) {
        let list = ticket::List { limit: Some(1), ..Default::default() };
        person
            .device
            .until("every ticket", |client| (client.call(&list).ok()?.total == tickets).then_some(()));
    }
    let problems = server.call(&server::Verify {}).problems;
    ensure!(problems.is_empty(), "the server's store has problems: {problems:?}");
    println!("all {tickets} tickets are on every device of the team, and the server's store is whole");
    Ok(())
}

/// Each does one thing after the other.
const WORKERS: usize = 10;
