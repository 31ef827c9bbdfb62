//! What the gate costs: microseconds for each step on a small and on the reference ticket.
//!
//! ```text
//! cargo run --release -p assist-crdt-model --example gate_cost
//! ```
//!
//! Each figure is the least of many rounds, so that other work on the machine counts little.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::disallowed_methods, reason = "measuring needs a clock")]
#![expect(clippy::unwrap_used, reason = "an example may fail loudly")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use assist_crdt_model::{
    Actor, Author, Body, CommentId, DeviceId, Doc, DocId, Edit, Role, ScannedChange, Status, TicketId, Title,
    UnixMillis, UserId,
};

const ROUNDS: usize = 300;

fn main() {
    println!("{:<34} {:>12} {:>12} {:>12}", "microseconds", "4 changes", "25 changes", "200 comments");
    let works = [Work::new(3), Work::new(20), Work::new(200)];
    row("scan one comment", &works, |work| {
        let next = work.next.0.clone();
        Box::new(move || drop(black_box(ScannedChange::scan(&next))))
    });
    row("admit one comment (scanned)", &works, |work| work.admit(work.next.clone()));
    row("admit one status (scanned)", &works, |work| work.admit(work.status.clone()));
    row("admit one comment, deps != heads", &works, |work| work.admit_late());
    row("apply one comment", &works, |work| {
        let (doc, author, edit) = (work.doc.clone(), author(1), comment(250));
        Box::new(move || {
            let mut doc = doc.clone();
            let start = Instant::now();
            doc.apply(&author, UnixMillis(9_000), std::slice::from_ref(&edit)).unwrap();
            add(start.elapsed());
        })
    });
    row("scan and verify, each change", &works, |work| {
        let changes = work.changes.clone();
        let count = changes.len() as u32;
        Box::new(move || {
            let start = Instant::now();
            let scanned: Vec<_> =
                changes.iter().map(|(bytes, _)| ScannedChange::scan(bytes).unwrap()).collect();
            let authored = scanned.iter().zip(changes.iter().map(|(_, author)| *author));
            let doc = Doc::verify(DOC, authored).map_err(|(_, rejection)| rejection).unwrap();
            add(start.elapsed() / count);
            drop(black_box(doc));
        })
    });
    row("load", &works, |work| {
        let changes = work.changes.clone();
        Box::new(move || {
            let start = Instant::now();
            let doc = Doc::load(DOC, changes.iter().map(|(bytes, _)| bytes.as_slice())).unwrap();
            add(start.elapsed());
            drop(black_box(doc));
        })
    });
    row("clone", &works, |work| {
        let doc = work.doc.clone();
        Box::new(move || drop(black_box(doc.clone())))
    });
    row("summary", &works, |work| {
        let doc = work.doc.clone();
        Box::new(move || drop(black_box(doc.summary())))
    });
    row("ticket", &works, |work| {
        let doc = work.doc.clone();
        Box::new(move || drop(black_box(doc.ticket())))
    });
}

const DOC: DocId = DocId::Ticket(TicketId::from_bytes([7; 16]));

/// A ticket and what comes next to it.
struct Work {
    doc: Doc,
    changes: Vec<(Vec<u8>, Author)>,
    next: (Vec<u8>, Author),
    status: (Vec<u8>, Author),
}

impl Work {
    /// Makes a ticket with a 500-character body and comments of 200 characters by four people.
    fn new(comments: u8) -> Self {
        let mut doc = Doc::new(DOC);
        let requester = author(1);
        let create = Edit::CreateTicket {
            requester: requester.user,
            title: Title::parse("It hangs when the network changes").unwrap(),
            body: Body::parse("b".repeat(500)).unwrap(),
        };
        let mut changes = Vec::new();
        let mut apply = |doc: &mut Doc, author: Author, edit: Edit| {
            let change = doc.apply(&author, UnixMillis(1_000), &[edit]).unwrap();
            changes.push((change.bytes, author));
        };
        apply(&mut doc, requester, create);
        for number in 0..comments {
            apply(&mut doc, author(number % 4 + 1), comment(number));
        }
        if comments >= 20 {
            apply(&mut doc, author(2), Edit::SetStatus(Status::Pending));
            apply(&mut doc, author(2), Edit::SetAssignee(Some(author(2).user)));
            apply(&mut doc, author(3), Edit::SetStatus(Status::Resolved));
            apply(&mut doc, author(1), Edit::SetStatus(Status::Open));
        }
        let next = doc.clone().apply(&author(2), UnixMillis(9_000), &[comment(250)]).unwrap().bytes;
        let edit = Edit::SetStatus(Status::Closed);
        let status = doc.clone().apply(&author(2), UnixMillis(9_000), &[edit]).unwrap().bytes;
        Self { doc, changes, next: (next, author(2)), status: (status, author(2)) }
    }

    fn admit(&self, (bytes, author): (Vec<u8>, Author)) -> Box<dyn FnMut()> {
        admit(self.doc.clone(), bytes, author)
    }

    /// The change was made before somebody else's change came in.
    fn admit_late(&self) -> Box<dyn FnMut()> {
        let mut doc = self.doc.clone();
        doc.apply(&author(3), UnixMillis(9_000), &[comment(251)]).unwrap();
        admit(doc, self.next.0.clone(), self.next.1)
    }
}

fn admit(doc: Doc, bytes: Vec<u8>, author: Author) -> Box<dyn FnMut()> {
    let scanned = ScannedChange::scan(&bytes).unwrap();
    Box::new(move || {
        let mut doc = doc.clone();
        let start = Instant::now();
        doc.admit(&scanned, &author).unwrap();
        add(start.elapsed());
    })
}

fn author(number: u8) -> Author {
    let device = DeviceId::from_bytes([number; 32]);
    let role = if number == 1 { Role::Customer } else { Role::Agent };
    Author { user: UserId::from_bytes([number; 16]), role, actor: Actor::derive(&device, 0) }
}

fn comment(number: u8) -> Edit {
    let id = CommentId::from_bytes([number.wrapping_add(1); 16]);
    Edit::AddComment {
        id,
        body: Body::parse("c".repeat(200)).unwrap(),
        reply_to: None,
        attachments: Vec::new(),
    }
}

thread_local! {
    /// What a step reports of itself when part of its round is preparation.
    static REPORTED: std::cell::Cell<Option<Duration>> = const { std::cell::Cell::new(None) };
}

fn add(elapsed: Duration) {
    REPORTED.set(Some(elapsed));
}

fn row(name: &str, works: &[Work; 3], step: impl Fn(&Work) -> Box<dyn FnMut()>) {
    print!("{name:<34}");
    for work in works {
        let mut step = step(work);
        let mut least = Duration::MAX;
        for _ in 0..ROUNDS {
            REPORTED.set(None);
            let start = Instant::now();
            step();
            least = least.min(REPORTED.get().unwrap_or_else(|| start.elapsed()));
        }
        print!(" {:>12.1}", least.as_secs_f64() * 1e6);
    }
    println!();
}
