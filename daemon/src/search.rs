//! Search over everything that this device holds: the index on disk, and what it does not have yet.
//!
//! The index is derived: the store is right, and says in each turn what the index lacks ([`Unindexed`]). A query asks
//! the index for everything but that, and looks at the texts of the rest itself. So what was written is found at
//! once, what was taken back is neither found nor counted, and a crash makes nobody wrong. An index that is missing,
//! damaged, of another version or of another store is made anew, in the background.
//!
//! What a text and a query mean is `assist_proto::search`'s to say; nothing is decided here.

mod index;
mod indexer;
mod limits;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use assist_crdt_model::ProjectId;
use assist_proto::search::{Analysed, Wanted};
use assist_proto::store::StoreResult;

use crate::driver::DriverHandle;
#[cfg(test)]
use crate::store::Store;
use crate::store::{Reader, TextKey, Unindexed};
use index::{Scope, TextIndex};
use indexer::Indexer;

/// Searches. Clones search the same index.
#[derive(Clone)]
pub(crate) struct Search {
    shared: Arc<Shared>,
}

/// Tells the indexer that something was written; when it is dropped, the indexer ends.
pub(crate) struct Poker {
    poke: SyncSender<()>,
    /// Nothing is ever sent.
    _alive: mpsc::Sender<()>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Hits {
    /// The best first, each with how well it fits; equal ones by key.
    pub(crate) best: Vec<(TextKey, f32)>,
    /// How many there are.
    pub(crate) total: u64,
    /// Whether everything was looked at. Not while an index is being made.
    pub(crate) is_complete: bool,
}

struct Shared {
    state: Mutex<State>,
    is_open: Condvar,
    is_damaged: AtomicBool,
    /// Texts that the index does not have yet, by the number of their change.
    recent: Mutex<HashMap<TextKey, (u64, Arc<Analysed>)>>,
}

enum State {
    Opening,
    Open(Arc<TextIndex>, Completeness),
    /// It cannot be used; why stands in the log.
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Completeness {
    Building,
    Complete,
}

/// A search that was not started yet.
pub(crate) struct SearchParts {
    search: Search,
    poke: SyncSender<()>,
    pokes: mpsc::Receiver<()>,
    alive: mpsc::Sender<()>,
    stop: mpsc::Receiver<()>,
}

impl SearchParts {
    pub(crate) fn new() -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::Opening),
            is_open: Condvar::new(),
            is_damaged: AtomicBool::new(false),
            recent: Mutex::default(),
        });
        let (poke, pokes) = mpsc::sync_channel(1);
        let (alive, stop) = mpsc::channel();
        Self { search: Search { shared }, poke, pokes, alive, stop }
    }

    /// For the driver.
    pub(crate) fn poker(&self) -> Poker {
        Poker { poke: self.poke.clone(), _alive: self.alive.clone() }
    }

    /// Starts the indexer, which ends with the driver, on a folder of its own.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn start(
        self,
        folder: PathBuf,
        driver: &DriverHandle,
    ) -> std::io::Result<(Search, JoinHandle<()>)> {
        let Self { search, pokes, stop, .. } = self;
        let shared = Arc::clone(&search.shared);
        let indexer = Indexer::new(folder, driver.store().clone(), driver.downgrade(), shared);
        let thread = std::thread::Builder::new().name("indexer".into());
        Ok((search, thread.spawn(move || indexer.run(&pokes, &stop))?))
    }
}

impl Poker {
    /// Something may have been written.
    pub(crate) fn poke(&self) {
        self.poke.try_send(()).ok(); // Full: it is told already.
    }
}

impl Search {
    /// Finds the tickets of these projects that have all of this in their texts.
    ///
    /// # Errors
    /// When the store cannot be read. Trouble with the index is none: it is made anew.
    pub(crate) fn find(
        &self,
        reader: &Reader,
        projects: &BTreeMap<u16, ProjectId>,
        wanted: &[&Wanted],
        limit: usize,
    ) -> StoreResult<Hits> {
        // In this order: what is taken from this list later is in the index by then.
        let unindexed = reader.unindexed()?;
        let mut hits = self.find_indexed(projects, &unindexed, wanted, limit);
        let recent = self.find_recent(reader, projects, &unindexed, wanted)?;
        hits.is_complete &= recent.is_complete;
        hits.total += recent.total;
        hits.best.extend(recent.best);
        if limit == usize::MAX {
            // Whoever wants all of them wants a set.
            return Ok(hits);
        }
        hits.best.sort_by(|(a, a_score), (b, b_score)| b_score.total_cmp(a_score).then(a.cmp(b)));
        hits.best.truncate(limit);
        Ok(hits)
    }

    /// What the index finds but for what was written since.
    fn find_indexed(
        &self,
        projects: &BTreeMap<u16, ProjectId>,
        unindexed: &Unindexed,
        wanted: &[&Wanted],
        limit: usize,
    ) -> Hits {
        let Some((index, completeness)) = self.index() else { return Hits::default() };
        let scope = Scope {
            projects: projects.keys().copied().collect(),
            hidden: unindexed.tickets.keys().copied().collect(),
        };
        // Bytes on disk may be anything.
        let found = catch_unwind(AssertUnwindSafe(|| index.search(wanted, scope, limit)));
        match found {
            Ok(Ok((best, total))) => {
                Hits { best, total, is_complete: completeness == Completeness::Complete }
            }
            Ok(Err(error)) => self.report_damage(&error),
            Err(_) => self.report_damage(&"it made the search panic"),
        }
    }

    fn report_damage(&self, error: &dyn std::fmt::Display) -> Hits {
        tracing::error!(%error, "the search index cannot be used; it is made anew");
        self.shared.is_damaged.store(true, Ordering::Release);
        Hits::default()
    }

    /// What is found in texts that the index does not have yet.
    fn find_recent(
        &self,
        reader: &Reader,
        projects: &BTreeMap<u16, ProjectId>,
        unindexed: &Unindexed,
        wanted: &[&Wanted],
    ) -> StoreResult<Hits> {
        let mut newest: Vec<(u64, TextKey)> =
            unindexed.tickets.iter().map(|(key, change)| (*change, *key)).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        let mut hits = Hits { is_complete: newest.len() <= limits::READ_TEXTS_MAX, ..Hits::default() };
        for (change, key) in newest.into_iter().take(limits::READ_TEXTS_MAX) {
            let Some(project) = projects.get(&key.scope) else { continue };
            let Some(text) = self.shared.analysed(reader, project, key, change)? else { continue };
            if wanted.iter().all(|wanted| wanted.is_in(&text)) {
                let in_title = wanted.iter().filter(|wanted| wanted.is_in_title(&text)).count();
                hits.best.push((key, limits::RECENT_SCORE + in_title as f32));
                hits.total += 1;
            }
        }
        Ok(hits)
    }

    /// The index, as soon as it is open.
    fn index(&self) -> Option<(Arc<TextIndex>, Completeness)> {
        let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_opening = |state: &mut State| matches!(state, State::Opening);
        let waited = self.shared.is_open.wait_timeout_while(state, limits::OPENING_MAX, is_opening);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open(index, completeness) => Some((Arc::clone(index), *completeness)),
            State::Opening | State::Failed => None,
        }
    }

    /// In how many tickets of its files a word stands; for tests.
    #[cfg(test)]
    pub(crate) fn trace_count(&self, word: &str) -> u64 {
        self.index().map_or(0, |(index, _)| index.trace_count(word))
    }

    /// Whether nothing is left to be indexed; for tests.
    #[cfg(test)]
    pub(crate) fn is_settled(&self, store: &Store) -> bool {
        let is_complete = self.index().is_some_and(|(_, state)| state == Completeness::Complete);
        is_complete && store.read().is_ok_and(|reader| reader.unindexed().is_ok_and(|left| left.is_empty()))
    }
}

impl Shared {
    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.is_open.notify_all();
    }

    /// The text of a ticket as of a change, taken apart; `None` if it is not to be seen.
    fn analysed(
        &self,
        reader: &Reader,
        project: &ProjectId,
        key: TextKey,
        change: u64,
    ) -> StoreResult<Option<Arc<Analysed>>> {
        let recent = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, text)) = recent().get(&key)
            && *known == change
        {
            return Ok(Some(Arc::clone(text)));
        }
        let Some(text) = reader.text_of(project, key)? else { return Ok(None) };
        let text = Arc::new(text.analyse());
        let mut recent = recent();
        // Whoever reads an older state of the store must not put it over a newer one.
        if recent.len() < limits::RECENT_TEXTS_MAX
            && recent.get(&key).is_none_or(|(known, _)| *known < change)
        {
            recent.insert(key, (change, Arc::clone(&text)));
        }
        Ok(Some(text))
    }

    /// Forgets texts that the index has now.
    fn forget(&self, taken: &BTreeSet<TextKey>) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| !taken.contains(key));
    }
}
