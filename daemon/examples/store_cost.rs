//! What the store costs: run with `cargo run --release -p assist-daemon --example store_cost -- [tickets]`.
//!
//! The work is that of the benchmarks: tickets with a title, a body of 500 characters and three comments of 200,
//! each change signed by its device. Prints one table; every figure is of this run on this machine.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use assist_crdt_model::{DeviceId, DocId, ProjectId, Status, TicketId, UnixMillis, UserId};
use assist_daemon::store::{
    DeviceReads as _, RowFilter, RowKey, RowOrder, RowWindow, ServerReads as _, Store, StoreKey, StoreOptions,
    WindowStart,
};
use assist_proto::envelope::Envelope;
use assist_proto::store::{Audience, DeviceStore as _, Mark, Record, Seq, ServerStore as _, TicketRow};
use rand_chacha::ChaCha8Rng;
use redb::{ReadableDatabase as _, ReadableTableMetadata as _, TableHandle as _};
use rand_core::{Rng as _, SeedableRng as _};

fn main() -> anyhow::Result<()> {
    let tickets: u64 = std::env::args().nth(1).map_or(Ok(10_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    for role in [Role::Server, Role::Device] {
        for quick_repair in [true, false] {
            let options = StoreOptions { quick_repair, ..StoreOptions::default() };
            let path = folder.path().join(format!("{role:?}-{quick_repair}"));
            Bench { path, role, tickets, options }.run()?;
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Device,
}

struct Bench {
    path: PathBuf,
    role: Role,
    tickets: u64,
    options: StoreOptions,
}

impl Bench {
    fn run(&self) -> anyhow::Result<()> {
        println!("\n{:?}, {} tickets, quick repair {}", self.role, self.tickets, self.options.quick_repair);
        let store = self.open()?;
        let mut sample = Sample::new();
        let began = Instant::now();
        self.fill(&store, &mut sample)?;
        let filled = began.elapsed();
        line("fill, turns of 64 tickets", format!("{:.0} changes/s", 4.0 * self.tickets as f64 / filled.as_secs_f64()));
        self.report_commits(&store, &mut sample)?;
        let image = self.path.with_extension("killed");
        std::fs::copy(&self.path, &image).context("copy of the live file")?;
        // Else the first sync of whoever opens the copy pays for writing all of it.
        std::fs::File::open(&image)?.sync_all()?;
        drop(store);
        let size = std::fs::metadata(&self.path)?.len();
        let held = allocated(&self.path)?;
        line("bytes a ticket: file, on disk", format!("{}, {}", size / self.tickets, held / self.tickets));
        self.report_tables()?;
        self.report_opening("open after a clean close, first list", &self.path)?;
        self.report_opening("open after kill -9, first list", &image)?;
        self.report_lists()?;
        line("resident memory", format!("{} MB", resident_bytes()? / 1_000_000));
        std::fs::remove_file(&image)?;
        Ok(())
    }

    fn open(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&self.path, &StoreKey::from_bytes([1; 32]), self.options)?)
    }

    fn fill(&self, store: &Store, sample: &mut Sample) -> anyhow::Result<()> {
        let mut left = self.tickets;
        while left > 0 {
            let mut turn = store.begin_turn()?;
            for _ in 0..left.min(64) {
                sample.file(&mut turn, self.role)?;
                left -= 1;
            }
            turn.commit()?;
        }
        Ok(())
    }

    /// One comment a turn, on a ticket that is there.
    fn report_commits(&self, store: &Store, sample: &mut Sample) -> anyhow::Result<()> {
        for (name, is_durable) in [("turn with one comment, durable", true), ("the same, lazy", false)] {
            let mut times = Vec::new();
            for _ in 0..300 {
                let began = Instant::now();
                let mut turn = store.begin_turn()?;
                sample.comment(&mut turn, self.role)?;
                if is_durable { turn.commit()? } else { turn.commit_lazily()? }
                times.push(began.elapsed());
            }
            times.sort_unstable();
            line(name, format!("p50 {:?}, p99 {:?}", times[150], times[297]));
        }
        store.begin_turn()?.commit()?;
        Ok(())
    }

    fn report_opening(&self, name: &str, path: &Path) -> anyhow::Result<()> {
        let began = Instant::now();
        let store = Store::open(path, &StoreKey::from_bytes([1; 32]), self.options)?;
        let opened = began.elapsed();
        let reader = store.read()?;
        if self.role == Role::Device {
            reader.list_rows(&RowFilter::default(), RowOrder::default(), window(0))?;
        } else {
            reader.tickets_by_activity(Audience::Team, Seq::MAX, 50)?;
        }
        line(name, format!("{opened:?}, {:?}", began.elapsed() - opened));
        Ok(())
    }

    /// Where the bytes are.
    fn report_tables(&self) -> anyhow::Result<()> {
        let database = redb::Database::open(&self.path)?;
        let transaction = database.begin_read()?;
        for handle in transaction.list_tables()? {
            let table = transaction.open_untyped_table(handle.clone())?;
            let stats = table.stats()?;
            let pages = (stats.leaf_pages() + stats.branch_pages()) * 4096;
            if table.len()? > self.tickets / 100 {
                line(
                    &format!("  {}", handle.name()),
                    format!(
                        "{} a ticket: {} stored, {} fragmented; {} rows",
                        (stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes()) / self.tickets,
                        stats.stored_bytes() / self.tickets,
                        stats.fragmented_bytes() / self.tickets,
                        table.len()?
                    ),
                );
                assert!(pages > 0);
            }
        }
        let stats = database.begin_write()?.stats()?;
        line("allocated, free", format!("{} {} {}", stats.allocated_pages() * 4096 / self.tickets, stats.fragmented_bytes() / self.tickets, stats.metadata_bytes()/self.tickets));
        Ok(())
    }

    fn report_lists(&self) -> anyhow::Result<()> {
        if self.role == Role::Server {
            return Ok(());
        }
        let store = self.open()?;
        let reader = store.read()?;
        let open = RowFilter { statuses: vec![Status::Pending], ..RowFilter::default() };
        let titled = RowFilter { title: Some("NODE".into()), ..RowFilter::default() };
        let by_number = RowOrder { key: RowKey::Number, ..RowOrder::default() };
        let lists = [
            ("first 50 rows", RowFilter::default(), RowOrder::default(), 0),
            ("50 rows in the middle", RowFilter::default(), RowOrder::default(), self.tickets as usize / 2),
            ("first 50 by status", open, RowOrder::default(), 0),
            ("first 50 by title", titled, RowOrder::default(), 0),
            ("first 50 by number", RowFilter::default(), by_number, 0),
        ];
        for (name, filter, order, offset) in lists {
            let mut times = Vec::new();
            for _ in 0..5 {
                let began = Instant::now();
                reader.list_rows(&filter, order, window(offset))?;
                times.push(began.elapsed());
            }
            times.sort_unstable();
            line(name, format!("{:?}", times[2]));
        }
        let began = Instant::now();
        let project = sample_project();
        for number in 0..1_000.min(self.tickets) {
            reader.doc_records(&project, DocId::Ticket(ticket_id(number)))?;
        }
        line("records of a document", format!("{:?}", began.elapsed() / 1_000));
        Ok(())
    }
}

/// Makes tickets that look like real ones to a compressor.
struct Sample {
    rng: ChaCha8Rng,
    tickets: u64,
    seq: u64,
}

impl Sample {
    fn new() -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(1), tickets: 0, seq: 0 }
    }

    fn file(&mut self, turn: &mut assist_daemon::store::Turn, role: Role) -> anyhow::Result<()> {
        let number = self.tickets;
        self.tickets += 1;
        let ticket = ticket_id(number);
        if role == Role::Server {
            turn.put_customer_of(ticket, customer(number))?;
        }
        let title = self.text(40);
        self.change(turn, role, number, 500, 200)?;
        for _ in 0..3 {
            self.change(turn, role, number, 200, 130)?;
        }
        let row = TicketRow {
            ticket,
            number: u32::try_from(number + 1).ok(),
            requester: customer(number),
            title,
            status: [Status::Open, Status::Open, Status::Pending, Status::Closed][(number % 4) as usize],
            assignee: None,
            priority: None,
            snoozed_until_millis: None,
            labels: vec![],
            created_at: UnixMillis(1_700_000_000_000 + self.seq),
            updated_at: UnixMillis(1_700_000_000_000 + self.seq),
            comment_count: 3,
            has_conflict: false,
            last_seq: Seq(self.seq),
        };
        let mark = Mark { ticket, team: Seq(self.seq), customers: Seq(self.seq) };
        match role {
            Role::Server => {
                turn.put_ticket(&row)?;
                assist_proto::store::ServerStore::put_mark(turn, &mark)?;
            }
            Role::Device => {
                turn.put_row(&sample_project(), &row)?;
                assist_proto::store::DeviceStore::put_mark(turn, &sample_project(), &mark)?;
            }
        }
        Ok(())
    }

    fn comment(&mut self, turn: &mut assist_daemon::store::Turn, role: Role) -> anyhow::Result<()> {
        let number = self.rng.next_u64() % self.tickets;
        self.change(turn, role, number, 200, 130)?;
        let ticket = ticket_id(number);
        match role {
            Role::Server => {
                let mut row = assist_proto::store::ServerStore::ticket(turn, ticket)?.context("filed")?;
                row.last_seq = Seq(self.seq);
                turn.put_ticket(&row)?;
            }
            Role::Device => {
                let mut row = assist_proto::store::DeviceStore::row(turn, &sample_project(), ticket)?.context("filed")?;
                row.updated_at = UnixMillis(1_700_000_000_000 + self.seq);
                turn.put_row(&sample_project(), &row)?;
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        turn: &mut assist_daemon::store::Turn,
        role: Role,
        number: u64,
        text_chars: usize,
        frame_bytes: usize,
    ) -> anyhow::Result<()> {
        self.seq += 1;
        let author = number % 50;
        // Magic, checksum, kind and length; one dependency; actor; columns that are alike; ids; the text.
        let mut change = b"\x85\x6f\x4a\x83".to_vec();
        change.extend(self.random(4));
        change.push(1);
        change.extend(self.random(34));
        change.extend_from_slice(&blake3::hash(&author.to_be_bytes()).as_bytes()[..16]);
        change.extend(COLUMNS.iter().cycle().take(frame_bytes - 52));
        change.extend(self.random(26));
        change.extend(self.text(text_chars).into_bytes());
        let mut signature = [0; 64];
        self.rng.fill_bytes(&mut signature);
        let record = Record {
            seq: Seq(self.seq),
            admitted_at: UnixMillis(1_700_000_000_000 + self.seq * 13),
            serial: 1,
            number: None,
            envelope: Envelope {
                doc: DocId::Ticket(ticket_id(number)),
                device: DeviceId::from_bytes(*blake3::hash(&author.to_be_bytes()).as_bytes()),
                incarnation: 0,
                epoch: 0,
                change,
                signature,
            },
        };
        match role {
            Role::Server => turn.append(&record, &[customer(number)])?,
            Role::Device => turn.append_record(&sample_project(), &record)?,
        }
        Ok(())
    }

    fn random(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    fn text(&mut self, chars: usize) -> String {
        let mut text = String::new();
        while text.len() < chars {
            // Common words are common, as in prose.
            let (a, b) = (self.rng.next_u64() as usize % WORDS.len(), self.rng.next_u64() as usize % WORDS.len());
            text.push_str(WORDS[a.min(b)]);
            text.push(' ');
        }
        text.truncate(chars);
        text
    }
}

fn ticket_id(number: u64) -> TicketId {
    TicketId::from_bytes(*blake3::hash(&number.to_be_bytes()).as_bytes().first_chunk().expect("32 bytes"))
}

fn customer(number: u64) -> UserId {
    UserId::from_bytes(*blake3::hash(&(number % 50).to_le_bytes()).as_bytes().first_chunk().expect("32 bytes"))
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

fn allocated(path: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(std::fs::metadata(path)?.blocks() * 512)
}

fn resident_bytes() -> anyhow::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).context("statm has a second field")?.parse()?;
    Ok(pages * 4096)
}

const COLUMNS: &[u8] = b"\x01\x04\x02\x04\x13\x08\x15\x28\x21\x02\x23\x0a\x34\x02\x42\x08\x56\x0c\x57\x90\x01\x70\x02\x71\x02\x73\x02commentsauthorcreated_atbodystatusopentitlelabelsrequesterkindticketassigneepriorityv\x7e\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f0000000000000000";

const WORDS: &[&str] = &[
    "the", "a", "to", "and", "of", "is", "it", "in", "that", "node", "not", "on", "when", "with", "for", "after",
    "this", "we", "our", "have", "from", "server", "error", "starts", "connection", "again", "network", "since",
    "update", "version", "log", "shows", "cannot", "farm", "wallet", "deploy", "machine", "virtual", "gateway",
    "timeout", "reboot", "minutes", "yesterday", "customers", "address", "overlay", "packets", "mycelium",
    "firmware", "kernel", "storage", "disk", "volume", "mounted", "permission", "denied", "certificate",
    "invalid", "retry", "resolved", "workaround", "screenshot", "attached", "please", "thanks", "regards",
    "tomorrow", "colleague", "office", "morning", "behaviour", "expected", "actual", "reproduce", "steps",
    "click", "button", "page", "loading", "forever", "browser", "dashboard", "balance", "token", "contract",
    "billing", "invoice", "capacity", "reserved", "public", "private", "subnet", "peer", "handshake", "latency",
    "throughput", "degraded", "incident", "escalate", "priority", "urgent", "production", "staging", "cluster",
];
