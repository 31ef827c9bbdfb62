//! What keeps the index up to date, on a thread of its own: takes over what was written, makes an index anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use assist_crdt_model::ProjectId;
use assist_proto::store::StoreError;

use super::index::{Batch, IndexError, Payload, TextIndex, folder_in};
use super::limits::{
    BATCH_TICKETS_MAX, COMMIT_TEXTS_MIN, LOOK, READ_TEXTS_MAX, RECENT_TEXTS_MAX, TICK, TICKS_UNTIL_COMMIT,
};
use super::{Completeness, Shared, State};
use crate::driver::{Chain, WeakDriverHandle};
use crate::store::{IndexState, Reader, Store, TextKey, Unindexed};

/// Keeps an index up to date.
pub(super) struct Indexer {
    folder: PathBuf,
    store: Store,
    driver: WeakDriverHandle,
    shared: Arc<Shared>,
    open: Option<Open>,
    /// For how many ticks something waits to be indexed.
    ticks: u32,
}

struct Open {
    index: Arc<TextIndex>,
    payload: Payload,
}

/// When to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    AtOnce,
    AfterTick,
    WhenPoked,
}

/// Why the indexer could not go on.
#[derive(Debug, thiserror::Error)]
enum IndexerError {
    #[error("the search index cannot be used")]
    Index(#[from] IndexError),
    #[error("the search index made the engine panic")]
    Panic,
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    #[error("the folder of the search index cannot be used")]
    Io(#[from] std::io::Error),
    #[error("there is no randomness")]
    Random(#[from] getrandom::Error),
    /// The daemon is going down, or the turn could not be stored.
    #[error("the driver did not take it")]
    Driver,
}

impl Indexer {
    pub(super) fn new(folder: PathBuf, store: Store, driver: WeakDriverHandle, shared: Arc<Shared>) -> Self {
        Self { folder, store, driver, shared, open: None, ticks: 0 }
    }

    /// Runs until the driver is gone.
    pub(super) fn run(mut self, pokes: &Receiver<()>, stop: &Receiver<()>) {
        loop {
            let next = self.step().unwrap_or_else(|error| self.recover(&error));
            // Looks by itself now and then: a query that finds the index damaged has nothing to poke with.
            if next == Next::WhenPoked && pokes.recv_timeout(LOOK) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            let pause = if next == Next::AtOnce { std::time::Duration::ZERO } else { TICK };
            if stop.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    fn step(&mut self) -> Result<Next, IndexerError> {
        if self.shared.is_damaged.swap(false, Ordering::AcqRel) {
            self.open = None;
            self.make_anew()?;
        }
        if self.open.is_none() {
            self.open_or_make()?;
        }
        let Some(open) = &self.open else { return Ok(Next::WhenPoked) };
        match open.payload.building {
            Some(after) => self.build(after),
            None => self.take_over(),
        }
    }

    /// What is wrong with the index is mended by making it anew; what is wrong with the disk or the store passes, or
    /// not: what was found without an index stays.
    fn recover(&mut self, error: &IndexerError) -> Next {
        match error {
            IndexerError::Driver => Next::AfterTick,
            IndexerError::Index(_) | IndexerError::Panic => {
                tracing::warn!(error = %Chain(error), "the search index is made anew");
                self.open = None;
                match self.make_anew() {
                    Ok(()) => Next::AtOnce,
                    Err(error) => self.give_up(&error),
                }
            }
            IndexerError::Store(_) | IndexerError::Io(_) | IndexerError::Random(_) => self.give_up(error),
        }
    }

    /// Until something is written again.
    fn give_up(&mut self, error: &IndexerError) -> Next {
        tracing::error!(error = %Chain(error), "there is no search index for now: only what is new is found");
        self.open = None;
        self.shared.set(State::Failed);
        Next::WhenPoked
    }

    fn open_or_make(&mut self) -> Result<(), IndexerError> {
        let folder = folder_in(&self.folder);
        let opened = guarded(|| TextIndex::open(&folder));
        let believed = self.store.read()?.index_state()?;
        let reason = match opened {
            Ok((index, payload)) if is_believed(payload.state, believed) => {
                self.show(index, payload);
                return Ok(());
            }
            Ok(_) => "it is of another store or time".to_owned(),
            Err(_) if !folder.exists() => "there is none".to_owned(),
            Err(error) => Chain(&error).to_string(),
        };
        tracing::info!(%reason, "the search index is made anew");
        self.make_anew()
    }

    /// Makes an empty index, and has the store believe in it and in no other.
    fn make_anew(&mut self) -> Result<(), IndexerError> {
        self.shared.set(State::Opening);
        let folder = folder_in(&self.folder);
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::DirBuilder::new().mode(0o700).recursive(true).create(&folder)?;
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        let state = IndexState { id, number: 0 };
        let reader = self.store.read()?;
        let noted = reader.unindexed()?;
        // Queries look at all that there is themselves, as in a new folder: then nothing is missing from the start.
        let first = reader.text_keys_after(None, READ_TEXTS_MAX + 1)?;
        let is_looked_at =
            first.len() <= READ_TEXTS_MAX && first.iter().all(|key| noted.tickets.contains_key(key));
        drop(reader);
        let payload = Payload { state, building: (!is_looked_at).then_some(None) };
        let index = guarded(|| TextIndex::create(&folder, payload))?;
        // More than queries look at is come across while the index is made.
        let taken = if noted.tickets.len() > READ_TEXTS_MAX { noted } else { Unindexed::default() };
        let keys: BTreeSet<TextKey> = taken.tickets.keys().copied().collect();
        self.report(state, taken)?;
        self.shared.forget(&keys);
        self.show(index, payload);
        Ok(())
    }

    fn show(&mut self, index: TextIndex, payload: Payload) {
        let index = Arc::new(index);
        self.open = Some(Open { index, payload });
        self.show_open();
    }

    fn show_open(&self) {
        let Some(Open { index, payload }) = &self.open else { return };
        let completeness = match payload.building {
            Some(_) => Completeness::Building,
            None => Completeness::Complete,
        };
        self.shared.set(State::Open(Arc::clone(index), completeness));
    }

    /// Takes some more tickets into a new index. What is written meanwhile is noted in the store and comes after it.
    fn build(&mut self, after: Option<TextKey>) -> Result<Next, IndexerError> {
        let reader = self.store.read()?;
        let keys = reader.text_keys_after(after, BATCH_TICKETS_MAX)?;
        let projects = reader.projects_by_scope()?;
        let mut batch = Batch::default();
        for key in &keys {
            self.add(&reader, &projects, *key, None, &mut batch)?;
        }
        // Nothing of them is in a new index.
        batch.gone.clear();
        drop(reader);
        let building = (keys.len() == BATCH_TICKETS_MAX).then(|| keys.last().copied());
        self.write(batch, |payload| payload.building = building)?;
        if let Some(open) = self.open.as_ref().filter(|_| building.is_none()) {
            guarded(|| open.index.pack())?;
        }
        Ok(Next::AtOnce)
    }

    /// Takes over what was written, once it is enough or waits long enough.
    fn take_over(&mut self) -> Result<Next, IndexerError> {
        let reader = self.store.read()?;
        let unindexed = reader.unindexed()?;
        if unindexed.is_empty() {
            self.ticks = 0;
            return Ok(Next::WhenPoked);
        }
        let projects = reader.projects_by_scope()?;
        self.ticks += 1;
        if unindexed.len() < COMMIT_TEXTS_MIN && self.ticks < TICKS_UNTIL_COMMIT {
            // So that queries need not.
            for (key, change) in unindexed.tickets.iter().take(RECENT_TEXTS_MAX) {
                if let Some(project) = projects.get(&key.scope) {
                    self.shared.analysed(&reader, project, *key, *change)?;
                }
            }
            return Ok(Next::AfterTick);
        }
        self.ticks = 0;
        let mut taken = unindexed;
        let mut batch = Batch { left: taken.left.keys().copied().collect(), ..Batch::default() };
        if let Some(first_left) = taken.tickets.keys().nth(BATCH_TICKETS_MAX).copied() {
            taken.tickets.split_off(&first_left);
        }
        for (key, change) in &taken.tickets {
            self.add(&reader, &projects, *key, Some(*change), &mut batch)?;
        }
        drop(reader);
        let state = self.write(batch, |payload| payload.state.number += 1)?;
        let keys: BTreeSet<TextKey> = taken.tickets.keys().copied().collect();
        self.report(state, taken)?;
        self.shared.forget(&keys);
        Ok(Next::AtOnce)
    }

    fn add(
        &self,
        reader: &Reader,
        projects: &BTreeMap<u16, ProjectId>,
        key: TextKey,
        change: Option<u64>,
        batch: &mut Batch,
    ) -> Result<(), IndexerError> {
        let text = match (projects.get(&key.scope), change) {
            (None, _) => None,
            (Some(project), Some(change)) => self.shared.analysed(reader, project, key, change)?,
            (Some(project), None) => reader.text_of(project, key)?.map(|text| Arc::new(text.analyse())),
        };
        match text {
            Some(text) => batch.texts.push((key, text)),
            None => batch.gone.push(key),
        }
        Ok(())
    }

    fn write(
        &mut self,
        batch: Batch,
        advance: impl FnOnce(&mut Payload),
    ) -> Result<IndexState, IndexerError> {
        let Some(open) = &mut self.open else { return Err(IndexerError::Driver) };
        let mut payload = open.payload;
        advance(&mut payload);
        guarded(|| open.index.write(batch, payload))?;
        open.payload = payload;
        self.show_open();
        Ok(payload.state)
    }

    /// Has the driver store how far the index is; it alone writes to the store.
    fn report(&self, state: IndexState, taken: Unindexed) -> Result<(), IndexerError> {
        if self.driver.indexed(state, taken) { Ok(()) } else { Err(IndexerError::Driver) }
    }
}

/// Whether an index is the one that a store knows. It may be one step ahead, if the daemon ended between the two.
fn is_believed(state: IndexState, believed: Option<IndexState>) -> bool {
    believed.is_some_and(|believed| {
        state.id == believed.id && (state.number == believed.number || state.number == believed.number + 1)
    })
}

/// Runs the engine on bytes that may be anything.
fn guarded<T>(run: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexerError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| IndexerError::Panic)?.map_err(Into::into)
}
