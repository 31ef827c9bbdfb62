//! Folders of a server and of an agent's device that hold many tickets: written straight into their stores, once,
//! and kept for later runs. Scenarios work on copies.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use assist_crdt_model::{Role, UnixMillis};
use assist_daemon::store::{FORMAT_VERSION, Store};
use assist_proto::api::user;
use assist_proto::store::{
    Audience, DeviceStore, Mark, Record, Seq, ServerStore, SyncState, TicketRow, Watermarks,
};
use serde::{Deserialize, Serialize};

use crate::Bench;
use crate::measure::disk_bytes;
use crate::node::{Node, copy_home, data_folder};
use crate::people::{Registry, SERIAL};
use crate::work::{Filed, Person, Writer};

/// Folders that are ready.
pub(crate) struct Prepared {
    folder: PathBuf,
    /// What is in them.
    pub(crate) facts: Facts,
}

/// Of which words the texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    /// Few words that are all common.
    Plain,
    /// With rare ones, as people have them.
    Wide,
}

/// What prepared folders hold.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// How many.
    pub(crate) tickets: u64,
    /// Of all of them.
    pub(crate) changes: u64,
    /// Sum of the documents in Automerge's own compact form.
    pub(crate) snapshot_bytes: u64,
    /// Sum of the changes as they are signed.
    pub(crate) change_bytes: u64,
}

impl Prepared {
    /// Finds the folders, or makes them.
    pub(crate) fn with(bench: &Bench, tickets: u64) -> anyhow::Result<Self> {
        Self::with_words(bench, tickets, Vocabulary::Plain)
    }

    /// The same with texts of other words.
    pub(crate) fn with_words(bench: &Bench, tickets: u64, words: Vocabulary) -> anyhow::Result<Self> {
        let of_words = match words {
            Vocabulary::Plain => "",
            Vocabulary::Wide => "-wide",
        };
        let folder = data_folder()?.join(format!("{tickets}-f{FORMAT_VERSION}-{CONTENT_VERSION}{of_words}"));
        if let Ok(file) = File::open(folder.join(FACTS)) {
            return Ok(Self { folder, facts: serde_json::from_reader(file)? });
        }
        eprintln!("preparing {tickets} tickets, once ...");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        let facts = prepare(bench, &folder, tickets, words)?;
        serde_json::to_writer(File::create(folder.join(FACTS))?, &facts)?;
        Ok(Self { folder, facts })
    }

    /// Copies the server's folder.
    pub(crate) fn copy_server(&self, to: &Path) -> anyhow::Result<()> {
        copy_home(&self.folder.join("s"), to)
    }

    /// Copies the folder of the agent's device, whose user works offline.
    pub(crate) fn copy_agent(&self, to: &Path) -> anyhow::Result<()> {
        copy_home(&self.folder.join("a"), to)
    }

    /// What the server's and the device's stores take of the disk. Of copies nothing is to be learned: they have no holes.
    pub(crate) fn disk_bytes(&self) -> anyhow::Result<[u64; 2]> {
        let [server, agent] = ["s", "a"].map(|home| disk_bytes(&self.folder.join(home).join("store.redb")));
        Ok([server?, agent?])
    }
}

fn prepare(bench: &Bench, folder: &Path, tickets: u64, words: Vocabulary) -> anyhow::Result<Facts> {
    let server = Node::new_server(&bench.runtime, &folder.join("s"))?;
    let agent = Node::device(&bench.runtime, &folder.join("a"))?;
    agent.join(&server, user::Role::Agent, "Amir")?;
    agent.pause()?;
    let facts = Filling::begin(&server, &agent, words)?.fill(tickets)?;
    agent.stop()?;
    server.stop()?;
    settle(bench, folder)?;
    Ok(facts)
}

/// Lets the device do what it does once: look through all texts for mentions of its user.
fn settle(bench: &Bench, folder: &Path) -> anyhow::Result<()> {
    let agent = Node::device(&bench.runtime, &folder.join("a"))?;
    let project = agent.project()?;
    agent.until("all texts looked through", |view| Ok(view.sync(&project).names_token.is_some()))?;
    agent.stop()
}

/// Writes what a server and a device that have been in step for long would hold.
struct Filling<'a> {
    server: &'a Store,
    agent: &'a Store,
    registry: Registry,
    customers: Vec<Person>,
    colleagues: Vec<Person>,
    writer: Writer,
    seq: Seq,
    facts: Facts,
}

impl<'a> Filling<'a> {
    fn begin(server: &'a Node<'_>, agent: &'a Node<'_>, words: Vocabulary) -> anyhow::Result<Self> {
        let registry = Registry::open(server.home(), server.store())?;
        let mut writer = match words {
            Vocabulary::Plain => Writer::new(7),
            Vocabulary::Wide => Writer::wide(7),
        };
        let customers = registry.enrol(writer.dice(), Role::Customer, CUSTOMERS, server.store())?;
        let colleagues = registry.enrol(writer.dice(), Role::Agent, COLLEAGUES, server.store())?;
        let mut turn = agent.store().begin_turn()?;
        registry.introduce(&customers, &mut turn)?;
        registry.introduce(&colleagues, &mut turn)?;
        turn.commit()?;
        let turn = server.store().begin_turn()?;
        let seq = as_server(&turn).head()?;
        drop(turn);
        let (server, agent) = (server.store(), agent.store());
        Ok(Self { server, agent, registry, customers, colleagues, writer, seq, facts: Facts::default() })
    }

    fn fill(mut self, tickets: u64) -> anyhow::Result<Facts> {
        while self.facts.tickets < tickets {
            let mut at_server = self.server.begin_turn()?;
            let mut at_agent = self.agent.begin_turn()?;
            for _ in 0..TICKETS_PER_TURN.min(tickets - self.facts.tickets) {
                self.file(&mut at_server, &mut at_agent)?;
            }
            at_server.commit()?;
            at_agent.commit()?;
        }
        self.finish()?;
        Ok(self.facts)
    }

    fn file(&mut self, server: &mut dyn ServerStore, agent: &mut dyn DeviceStore) -> anyhow::Result<()> {
        let turn = usize::try_from(self.facts.tickets)?;
        let customer = &self.customers[turn % self.customers.len()];
        let colleague = &self.colleagues[turn % self.colleagues.len()];
        let project = self.registry.id();
        let Filed { ticket, summary, envelopes, times, snapshot_bytes } =
            self.writer.ticket(&project, customer, colleague)?;
        server.put_member_of(ticket, customer.user)?;
        let number = server.take_ticket_number()?;
        self.facts.tickets += 1;
        self.facts.snapshot_bytes += snapshot_bytes;
        let mut updated_at = UnixMillis::default();
        for (index, (envelope, at)) in envelopes.into_iter().zip(times).enumerate() {
            self.seq = self.seq.next();
            self.facts.changes += 1;
            self.facts.change_bytes += envelope.change.len() as u64;
            let (seq, admitted_at) = (self.seq, at);
            let number = (index == 0).then_some(number);
            let record = Record { seq, admitted_at, serial: SERIAL, number, envelope };
            server.append(&record, &[customer.user])?;
            agent.append_record(&project, &record)?;
            updated_at = at;
        }
        let row = TicketRow::new(ticket, summary, Some(number), updated_at, self.seq);
        server.put_ticket(&row)?;
        agent.put_row(&project, &row)?;
        let mark = Mark { ticket, team: self.seq, customers: self.seq };
        server.put_mark(&mark)?;
        Ok(agent.put_mark(&project, &mark)?)
    }

    /// Both sides know that the device is in step.
    fn finish(&self) -> anyhow::Result<()> {
        let mut turn = self.server.begin_turn()?;
        let server: &mut dyn ServerStore = &mut turn;
        let marks = Watermarks { seen: self.seq, marked: self.seq };
        server.put_watermark(Audience::Team, marks)?;
        for customer in &self.customers {
            server.put_watermark(Audience::Customer(customer.user), marks)?;
        }
        let mark_cursor = server.mark_head()?;
        turn.commit()?;
        let mut turn = self.agent.begin_turn()?;
        let agent: &mut dyn DeviceStore = &mut turn;
        let log = Some(self.registry.project.log);
        let state = SyncState { log, cursor: self.seq, mark_cursor, ..SyncState::default() };
        agent.put_sync_state(&self.registry.id(), &state)?;
        Ok(turn.commit()?)
    }
}

/// Makes the device find a server that has moved: a copy of it listens elsewhere. Takes effect with the next start.
pub(crate) fn readdress(device: &Node<'_>, address: &str) -> anyhow::Result<()> {
    let mut turn = device.store().begin_turn()?;
    let store: &mut dyn DeviceStore = &mut turn;
    let mut membership = store.memberships()?.into_iter().next().context("no project was joined")?;
    membership.address = address.to_owned();
    store.put_membership(&membership)?;
    Ok(turn.commit()?)
}

fn as_server(turn: &assist_daemon::store::Turn) -> &dyn ServerStore {
    turn
}

const FACTS: &str = "facts.json";
/// Rises when other tickets are written.
const CONTENT_VERSION: u32 = 3;
const CUSTOMERS: usize = 50;
const COLLEAGUES: usize = 5;
const TICKETS_PER_TURN: u64 = 256;
