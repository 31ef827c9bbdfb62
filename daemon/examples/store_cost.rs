//! What the store costs: `cargo run --release -p assist-daemon --example store_cost -- [tickets]`.
//!
//! The work is that of the benchmarks: tickets with a title, a body of 500 characters and three comments of 200,
//! each change signed by its device. Prints one table for each role; every figure is of this run on this machine.
//! Times are wall clock; those marked `cpu` are what the thread itself computed, whoever else used the machine.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use assist_crdt_model::{
    Actor, Author, Body, CommentId, DeviceId, Doc, DocId, Edit, ProjectId, Role, Status, TicketId, Title,
    UnixMillis, UserId,
};
use assist_daemon::store::{
    DeviceReads as _, Reader, RowFilter, RowKey, RowOrder, RowWindow, ServerReads as _, Store, StoreKey,
    StoreOptions, Turn, WindowStart,
};
use assist_proto::envelope::Envelope;
use assist_proto::store::{Audience, DeviceStore, Mark, Record, Seq, ServerStore, TicketRow};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use redb::{ReadableDatabase as _, ReadableTableMetadata as _, TableHandle as _};

fn main() -> anyhow::Result<()> {
    let tickets: u64 = std::env::args().nth(1).map_or(Ok(10_000), |count| count.parse())?;
    let folder = tempfile::tempdir_in(".")?;
    for side in [Side::Server, Side::Device] {
        Bench { path: folder.path().join(format!("{side:?}")), side, tickets }.run()?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Server,
    Device,
}

struct Bench {
    path: PathBuf,
    side: Side,
    tickets: u64,
}

impl Bench {
    fn run(&self) -> anyhow::Result<()> {
        println!("\n{:?}, {} tickets", self.side, self.tickets);
        let mut sample = Sample::new(self.side);
        self.fill(&mut sample)?;
        let options = StoreOptions::default();
        let store = self.open(&self.path, options)?;
        self.report_commits(&store, &mut sample)?;
        let image = self.path.with_extension("killed");
        for suffix in ["", ".journal"] {
            let with_suffix = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            std::fs::copy(with_suffix(&self.path), with_suffix(&image)).context("copy of the live file")?;
            // Else the first sync of whoever opens the copy pays for writing all of it.
            std::fs::File::open(with_suffix(&image))?.sync_all()?;
        }
        drop(store);
        self.report_opening("open after kill -9, first list", &image, options)?;
        self.report_bytes()?;
        self.report_opening("open after a clean close, first list", &self.path, StoreOptions::default())?;
        if self.side == Side::Device {
            self.report_lists()?;
        }
        line("resident memory", format!("{} MB", resident_bytes()? / 1_000_000));
        Ok(())
    }

    fn open(&self, path: &Path, options: StoreOptions) -> anyhow::Result<Store> {
        Ok(Store::open(path, &StoreKey::from_bytes([1; 32]), options)?)
    }

    fn fill(&self, sample: &mut Sample) -> anyhow::Result<()> {
        let store = self.open(&self.path, StoreOptions::default())?;
        let (mut wall, mut cpu) = (Duration::ZERO, Duration::ZERO);
        let mut left = self.tickets;
        while left > 0 {
            let batch: Vec<_> = (0..left.min(64)).map(|_| sample.ticket()).collect::<anyhow::Result<_>>()?;
            left -= batch.len() as u64;
            let (began, cpu_began) = (Instant::now(), cpu_time()?);
            let mut turn = store.begin_turn()?;
            for (records, row) in &batch {
                self.side.write_ticket(&mut turn, records, row)?;
            }
            turn.commit()?;
            wall += began.elapsed();
            cpu += cpu_time()? - cpu_began;
        }
        let rate = |time: Duration| 4.0 * self.tickets as f64 / time.as_secs_f64();
        line("fill, 64 tickets a turn", format!("{:.0} changes/s, cpu {:.0}", rate(wall), rate(cpu)));
        Ok(())
    }

    /// One comment a turn, on a ticket that is there.
    fn report_commits(&self, store: &Store, sample: &mut Sample) -> anyhow::Result<()> {
        let (mut walls, mut cpus) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            let (record, row) = sample.comment(&store.read()?)?;
            let (began, cpu_began) = (Instant::now(), cpu_time()?);
            let mut turn = store.begin_turn()?;
            self.side.write_records(&mut turn, &[record])?;
            self.side.write_row(&mut turn, &row)?;
            turn.commit()?;
            walls.push(began.elapsed());
            cpus.push(cpu_time()? - cpu_began);
        }
        walls.sort_unstable();
        cpus.sort_unstable();
        let name = "  one comment a turn";
        line(name, format!("p50 {:?}, p99 {:?}, cpu p50 {:?}", walls[150], walls[297], cpus[150]));
        Ok(())
    }

    fn report_opening(&self, name: &str, path: &Path, options: StoreOptions) -> anyhow::Result<()> {
        let (began, cpu_began) = (Instant::now(), cpu_time()?);
        let store = self.open(path, options)?;
        let (opened, cpu) = (began.elapsed(), cpu_time()? - cpu_began);
        let reader = store.read()?;
        match self.side {
            Side::Server => drop(reader.tickets_by_activity(Audience::Team, Seq::MAX, 50)?),
            Side::Device => drop(reader.list_rows(&RowFilter::default(), RowOrder::default(), window(0))?),
        }
        line(name, format!("{opened:?} (cpu {cpu:?}), {:?}", began.elapsed() - opened));
        Ok(())
    }

    /// Where the bytes are.
    fn report_bytes(&self) -> anyhow::Result<()> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = std::fs::metadata(&self.path)?;
        let database = redb::Database::open(&self.path)?;
        let allocated = database.begin_write()?.stats()?.allocated_pages() * 4096;
        let figures = [metadata.len(), metadata.blocks() * 512, allocated].map(|bytes| bytes / self.tickets);
        line("bytes a ticket: file, on disk, in use", format!("{figures:?}"));
        let transaction = database.begin_read()?;
        for handle in transaction.list_tables()? {
            let table = transaction.open_untyped_table(handle.clone())?;
            let stats = table.stats()?;
            let pages = stats.leaf_pages() + stats.branch_pages();
            if pages * 100 > self.tickets / 10 {
                let figures = [pages * 4096, stats.stored_bytes()].map(|bytes| bytes / self.tickets);
                line(
                    &format!("  {}: pages, stored", handle.name()),
                    format!("{figures:?}, {} rows", table.len()?),
                );
            }
        }
        Ok(())
    }

    fn report_lists(&self) -> anyhow::Result<()> {
        let store = self.open(&self.path, StoreOptions::default())?;
        let reader = store.read()?;
        let all = RowFilter::default;
        let pending = RowFilter { statuses: vec![Status::Pending], ..all() };
        let titled = RowFilter { title: Some("NODE".into()), ..all() };
        let by_number = RowOrder { key: RowKey::Number, ..RowOrder::default() };
        let lists = [
            ("first 50 rows", all(), RowOrder::default(), 0),
            ("50 rows in the middle, by offset", all(), RowOrder::default(), self.tickets as usize / 2),
            ("first 50 by status", pending, RowOrder::default(), 0),
            ("first 50 by title", titled, RowOrder::default(), 0),
            ("first 50 by number", all(), by_number, 0),
        ];
        for (name, filter, order, offset) in lists {
            let mut cpus = Vec::new();
            let began = Instant::now();
            for _ in 0..5 {
                let cpu_began = cpu_time()?;
                reader.list_rows(&filter, order, window(offset))?;
                cpus.push(cpu_time()? - cpu_began);
            }
            cpus.sort_unstable();
            line(name, format!("{:?}, cpu {:?}", began.elapsed() / 5, cpus[2]));
        }
        let cpu_began = cpu_time()?;
        for number in 0..1_000.min(self.tickets) {
            reader.doc_records(&sample_project(), DocId::Ticket(ticket_id(number)))?;
        }
        line("records of a document", format!("cpu {:?}", (cpu_time()? - cpu_began) / 1_000));
        Ok(())
    }
}

impl Side {
    fn write_ticket(self, turn: &mut Turn, records: &[Record], row: &TicketRow) -> anyhow::Result<()> {
        let mark = Mark { ticket: row.ticket, team: row.last_seq, customers: row.last_seq };
        if self == Self::Server {
            turn.put_member_of(row.ticket, row.requester)?;
        }
        self.write_records(turn, records)?;
        self.write_row(turn, row)?;
        match self {
            Self::Server => ServerStore::put_mark(turn, &mark)?,
            Self::Device => DeviceStore::put_mark(turn, &sample_project(), &mark)?,
        }
        Ok(())
    }

    fn write_records(self, turn: &mut Turn, records: &[Record]) -> anyhow::Result<()> {
        for record in records {
            match self {
                Self::Server => {
                    let ticket = record.envelope.doc.ticket().context("only tickets here")?;
                    let customers = ServerStore::members_of(turn, ticket)?;
                    turn.append(record, &customers)?;
                }
                Self::Device => turn.append_record(&sample_project(), record)?,
            }
        }
        Ok(())
    }

    fn write_row(self, turn: &mut Turn, row: &TicketRow) -> anyhow::Result<()> {
        match self {
            Self::Server => turn.put_ticket(row)?,
            Self::Device => turn.put_row(&sample_project(), row)?,
        }
        Ok(())
    }
}

/// Makes tickets as the model does, with text that looks like text to a compressor.
struct Sample {
    side: Side,
    rng: ChaCha8Rng,
    tickets: u64,
    seq: u64,
}

impl Sample {
    fn new(side: Side) -> Self {
        Self { side, rng: ChaCha8Rng::seed_from_u64(1), tickets: 0, seq: 0 }
    }

    fn ticket(&mut self) -> anyhow::Result<(Vec<Record>, TicketRow)> {
        let number = self.tickets;
        self.tickets += 1;
        let ticket = ticket_id(number);
        let mut doc = Doc::new(DocId::Ticket(ticket));
        let title = Title::parse(&self.text(40))?;
        let body = Body::parse(self.text(500))?;
        let filed = Edit::CreateTicket { requester: customer(number), title, body };
        let mut records = vec![self.record(&mut doc, number, filed)?];
        for _ in 0..3 {
            let comment = self.comment_edit()?;
            records.push(self.record(&mut doc, number, comment)?);
        }
        let summary = doc.summary().context("the ticket was filed")?;
        let now = UnixMillis(1_700_000_000_000 + self.seq * 13);
        let mut row = TicketRow::new(ticket, summary, u32::try_from(number + 1).ok(), now, Seq(self.seq));
        row.status = Status::ALL[(number % 4) as usize];
        Ok((records, row))
    }

    /// A comment on any ticket.
    fn comment(&mut self, reader: &Reader) -> anyhow::Result<(Record, TicketRow)> {
        let number = self.rng.next_u64() % self.tickets;
        let id = DocId::Ticket(ticket_id(number));
        let (records, row) = match self.side {
            Side::Server => (reader.server_doc_records(id)?, reader.ticket(ticket_id(number))?),
            Side::Device => (
                reader.doc_records(&sample_project(), id)?,
                reader.row(&sample_project(), ticket_id(number))?,
            ),
        };
        let mut doc = Doc::load(id, records.iter().map(|record| record.envelope.change.as_slice()))?;
        let edit = self.comment_edit()?;
        let record = self.record(&mut doc, number, edit)?;
        let mut row = row.context("the ticket was filed")?;
        (row.last_seq, row.updated_at) = (record.seq, record.admitted_at);
        Ok((record, row))
    }

    fn comment_edit(&mut self) -> anyhow::Result<Edit> {
        let mut random = [0; 10];
        self.rng.fill_bytes(&mut random);
        let id = CommentId::new(UnixMillis(1_700_000_000_000 + self.seq * 13), random);
        Ok(Edit::AddComment { id, body: Body::parse(self.text(200))?, reply_to: None, attachments: vec![] })
    }

    fn record(&mut self, doc: &mut Doc, number: u64, edit: Edit) -> anyhow::Result<Record> {
        self.seq += 1;
        let (user, role) = if doc.change_count().is_multiple_of(2) {
            (customer(number), Role::Customer)
        } else {
            (UserId::from_bytes([9; 16]), Role::Agent)
        };
        let device = DeviceId::from_bytes(*blake3::hash(user.as_bytes()).as_bytes());
        let now = UnixMillis(1_700_000_000_000 + self.seq * 13);
        let author = Author { user, role, actor: Actor::derive(&device, 0) };
        let change = doc.apply(&author, now, &[edit])?.bytes;
        let mut signature = [0; 64];
        self.rng.fill_bytes(&mut signature);
        let envelope = Envelope { doc: doc.id(), device, incarnation: 0, epoch: 0, change, signature };
        Ok(Record { seq: Seq(self.seq), admitted_at: now, serial: 1, number: None, envelope })
    }

    fn text(&mut self, chars: usize) -> String {
        let mut text = String::new();
        while text.len() < chars {
            // Common words are common, as in prose.
            let mut word = || self.rng.next_u64() as usize % WORDS.len();
            text.push_str(WORDS[word().min(word())]);
            text.push(' ');
        }
        text.truncate(chars);
        text.replace_range(chars - 1.., ".");
        text
    }
}

fn ticket_id(number: u64) -> TicketId {
    let hash = blake3::hash(&number.to_be_bytes());
    TicketId::from_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
}

fn customer(number: u64) -> UserId {
    let hash = blake3::hash(&(number % 50).to_le_bytes());
    UserId::from_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
}

fn sample_project() -> ProjectId {
    ProjectId::from_bytes([4; 32])
}

fn window(offset: usize) -> RowWindow {
    RowWindow { start: WindowStart::Offset(offset), limit: 50 }
}

fn line(name: &str, figure: String) {
    println!("  {name:<40} {figure}");
}

fn resident_bytes() -> anyhow::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).context("statm has a second field")?.parse()?;
    Ok(pages * 4096)
}

/// What this thread has computed so far.
fn cpu_time() -> anyhow::Result<Duration> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(schedstat.split(' ').next().context("schedstat has fields")?.parse()?))
}

const WORDS: &[&str] = &[
    "the",
    "a",
    "to",
    "and",
    "of",
    "is",
    "it",
    "in",
    "that",
    "node",
    "not",
    "on",
    "when",
    "with",
    "for",
    "after",
    "this",
    "we",
    "our",
    "have",
    "from",
    "server",
    "error",
    "starts",
    "connection",
    "again",
    "network",
    "since",
    "update",
    "version",
    "log",
    "shows",
    "cannot",
    "farm",
    "wallet",
    "deploy",
    "machine",
    "virtual",
    "gateway",
    "timeout",
    "reboot",
    "minutes",
    "yesterday",
    "customers",
    "address",
    "overlay",
    "packets",
    "mycelium",
    "firmware",
    "kernel",
    "storage",
    "disk",
    "volume",
    "mounted",
    "permission",
    "denied",
    "certificate",
    "invalid",
    "retry",
    "resolved",
    "workaround",
    "screenshot",
    "attached",
    "please",
    "thanks",
    "regards",
    "tomorrow",
    "colleague",
    "office",
    "morning",
    "behaviour",
    "expected",
    "actual",
    "reproduce",
    "steps",
    "click",
    "button",
    "page",
    "loading",
    "forever",
    "browser",
    "dashboard",
    "balance",
    "token",
    "contract",
    "billing",
    "invoice",
    "capacity",
    "reserved",
    "public",
    "private",
    "subnet",
    "peer",
    "handshake",
    "latency",
    "throughput",
    "degraded",
    "incident",
    "escalate",
    "priority",
    "urgent",
    "production",
    "staging",
    "cluster",
];
