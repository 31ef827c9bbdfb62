//! The index on disk: which tickets have which terms where. The only user of `tantivy::`.
//!
//! It holds the terms of `assist_proto::search` at their positions and no text. Files are written by renaming, with
//! checksums that are looked at when it is opened; who wrote them last, and how far, stands in the commit's payload.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assist_crdt_model::TicketId;
use assist_proto::search::{Analysed, Term as TextTerm, Wanted};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::ColumnValues;
use tantivy::index::SegmentId;
use tantivy::query::{
    BooleanQuery, BoostQuery, EmptyQuery, FuzzyTermQuery, Occur, PhraseQuery, Query, TermQuery,
};
use tantivy::schema::{
    BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{
    DocId, Index, IndexReader, IndexWriter, ReloadPolicy, Score, SegmentReader, TantivyDocument, Term,
};

use super::limits::{TITLE_BOOST, TYPO_SCORE, WRITER_BYTES};
use crate::store::{IndexState, TextKey};

/// An open index.
pub(super) struct TextIndex {
    index: Index,
    reader: IndexReader,
    fields: Fields,
}

#[derive(Clone, Copy)]
struct Fields {
    key: Field,
    scope: Field,
    high: Field,
    low: Field,
    title: Field,
    text: Field,
}

/// Which tickets a search may find.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// Of these projects.
    pub(super) projects: Vec<u16>,
    /// But none of these.
    pub(super) hidden: HashSet<TextKey>,
}

/// What the index is to take over.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) texts: Vec<(TextKey, Arc<Analysed>)>,
    pub(super) gone: Vec<TextKey>,
    pub(super) left: Vec<u16>,
}

/// What stands with a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) state: IndexState,
    /// While the index is being made: up to where it has all tickets, if it has any.
    pub(super) building: Option<Option<TextKey>>,
}

/// Why an index is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum IndexError {
    /// The engine's word.
    #[error("the search index failed")]
    Engine(#[from] tantivy::TantivyError),
    /// Files that are not what was written.
    #[error("{} files of the search index are damaged", .0)]
    Damaged(usize),
    /// Of another version.
    #[error("the search index is of another version")]
    OtherVersion,
}

impl TextIndex {
    /// Opens an index after looking at the checksums of all its files.
    pub(super) fn open(folder: &Path) -> Result<(Self, Payload), IndexError> {
        let index = Index::open_in_dir(folder)?;
        let (schema, fields) = schema();
        if index.schema() != schema {
            return Err(IndexError::OtherVersion);
        }
        let payload = index.load_metas()?.payload.as_deref().and_then(Payload::parse);
        let payload = payload.ok_or(IndexError::OtherVersion)?;
        let damaged = index.validate_checksum()?;
        if !damaged.is_empty() {
            return Err(IndexError::Damaged(damaged.len()));
        }
        Ok((Self::with(index, fields)?, payload))
    }

    /// Makes an empty one in an empty folder.
    pub(super) fn create(folder: &Path, payload: Payload) -> Result<Self, IndexError> {
        let (schema, fields) = schema();
        let this = Self::with(Index::create_in_dir(folder, schema)?, fields)?;
        this.write(Batch::default(), payload)?;
        Ok(this)
    }

    fn with(index: Index, fields: Fields) -> Result<Self, IndexError> {
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { index, reader, fields })
    }

    /// Takes a batch over: durable, and what searches from now on find.
    pub(super) fn write(&self, batch: Batch, payload: Payload) -> Result<(), IndexError> {
        let purges = !batch.gone.is_empty() || !batch.left.is_empty();
        let mut writer: IndexWriter = self.index.writer_with_num_threads(1, WRITER_BYTES)?;
        for scope in batch.left {
            writer.delete_term(Term::from_field_u64(self.fields.scope, scope.into()));
        }
        for key in batch.gone {
            writer.delete_term(self.key_term(key));
        }
        for (key, text) in batch.texts {
            writer.delete_term(self.key_term(key));
            writer.add_document(self.document(key, &text))?;
        }
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&payload.to_string());
        commit.commit()?;
        self.reader.reload()?;
        if purges {
            self.purge(&mut writer)?;
        }
        writer.wait_merging_threads()?;
        self.reader.reload()?;
        Ok(())
    }

    /// Writes segments anew that hold something of tickets that are gone, so that their files hold nothing of them.
    fn purge(&self, writer: &mut IndexWriter) -> Result<(), IndexError> {
        let segments = self.index.searchable_segment_metas()?;
        let dirty: Vec<_> =
            segments.iter().filter(|segment| segment.has_deletes()).map(|segment| segment.id()).collect();
        drop(segments);
        self.merge(writer, &dirty)
    }

    /// Makes one segment of all: quicker to search, and no word stands in several.
    pub(super) fn pack(&self) -> Result<(), IndexError> {
        let segments = self.index.searchable_segment_ids()?;
        if segments.len() > 1 {
            let mut writer: IndexWriter = self.index.writer_with_num_threads(1, WRITER_BYTES)?;
            self.merge(&mut writer, &segments)?;
            writer.wait_merging_threads()?;
        }
        Ok(())
    }

    /// Makes one of these segments, and has the files of those before removed.
    fn merge(&self, writer: &mut IndexWriter, segments: &[SegmentId]) -> Result<(), IndexError> {
        if !segments.is_empty() {
            writer.merge(segments).wait()?;
        }
        self.reader.reload()?;
        writer.garbage_collect_files().wait()?;
        Ok(())
    }

    /// The tickets that have all of this, the best first, at most `limit`, and how many there are.
    pub(super) fn search(
        &self,
        wanted: &[&Wanted],
        scope: Scope,
        limit: usize,
    ) -> Result<(Vec<(TextKey, f32)>, u64), IndexError> {
        let clauses = wanted.iter().map(|wanted| (Occur::Must, self.query(wanted))).collect();
        let found = Visible { scope: Arc::new(scope), limit };
        Ok(self.reader.searcher().search(&BooleanQuery::new(clauses), &found)?)
    }

    fn query(&self, wanted: &Wanted) -> Box<dyn Query> {
        let Fields { title, text, .. } = self.fields;
        let term = |field: Field, word: &str| -> Box<dyn Query> {
            let term = Term::from_field_text(field, word);
            Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
        };
        let boosted =
            |query: Box<dyn Query>, boost| -> Box<dyn Query> { Box::new(BoostQuery::new(query, boost)) };
        let queries = match wanted {
            Wanted::Word(word) => vec![boosted(term(title, word), TITLE_BOOST), term(text, word)],
            Wanted::Near(word) => {
                let near = |field, score| -> Box<dyn Query> {
                    let term = Term::from_field_text(field, word);
                    boosted(Box::new(FuzzyTermQuery::new(term, 1, true)), score)
                };
                vec![
                    boosted(term(title, word), TITLE_BOOST),
                    term(text, word),
                    near(title, TYPO_SCORE * TITLE_BOOST),
                    near(text, TYPO_SCORE),
                ]
            }
            Wanted::Prefix(prefix) => {
                let begins = |field| -> Box<dyn Query> {
                    Box::new(FuzzyTermQuery::new_prefix(Term::from_field_text(field, prefix), 0, true))
                };
                vec![boosted(begins(title), TITLE_BOOST), begins(text)]
            }
            Wanted::Phrase(units) => {
                let phrase = |field| -> Box<dyn Query> {
                    let terms = units.iter().map(|(offset, unit)| {
                        (usize::try_from(*offset).unwrap_or(usize::MAX), Term::from_field_text(field, unit))
                    });
                    let terms: Vec<_> = terms.collect();
                    if terms.len() < 2 {
                        Box::new(EmptyQuery)
                    } else {
                        Box::new(PhraseQuery::new_with_offset(terms))
                    }
                };
                vec![boosted(phrase(title), TITLE_BOOST), phrase(text)]
            }
        };
        Box::new(BooleanQuery::union(queries))
    }

    fn document(&self, key: TextKey, text: &Analysed) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        let (high, low) = halves(key.ticket);
        document.add_bytes(self.fields.key, &key_bytes(key));
        document.add_u64(self.fields.scope, key.scope.into());
        document.add_u64(self.fields.high, high);
        document.add_u64(self.fields.low, low);
        document.add_pre_tokenized_text(self.fields.title, tokens(text.title()));
        document.add_pre_tokenized_text(self.fields.text, tokens(text.text()));
        document
    }

    fn key_term(&self, key: TextKey) -> Term {
        Term::from_field_bytes(self.fields.key, &key_bytes(key))
    }

    /// In how many tickets a word stands in the files, searchable or not; for tests.
    #[cfg(test)]
    pub(super) fn trace_count(&self, word: &str) -> u64 {
        let searcher = self.reader.searcher();
        let count = |field| searcher.doc_freq(&Term::from_field_text(field, word)).unwrap();
        count(self.fields.title) + count(self.fields.text)
    }
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    // Terms come ready: no tokenizer of the engine is ever used.
    let terms = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let terms = TextOptions::default().set_indexing_options(terms);
    let fields = Fields {
        key: builder.add_bytes_field("key", BytesOptions::default().set_indexed()),
        scope: builder.add_u64_field("scope", NumericOptions::default().set_indexed().set_fast()),
        high: builder.add_u64_field(HIGH, NumericOptions::default().set_fast()),
        low: builder.add_u64_field(LOW, NumericOptions::default().set_fast()),
        title: builder.add_text_field("title", terms.clone()),
        text: builder.add_text_field("text", terms),
    };
    (builder.build(), fields)
}

fn tokens(terms: &[TextTerm]) -> PreTokenizedString {
    let token = |term: &TextTerm| Token {
        offset_from: 0,
        offset_to: 0,
        position: usize::try_from(term.position).unwrap_or(usize::MAX),
        text: term.text.clone(),
        position_length: 1,
    };
    PreTokenizedString { text: String::new(), tokens: terms.iter().map(token).collect() }
}

fn key_bytes(key: TextKey) -> Vec<u8> {
    [key.scope.to_be_bytes().as_slice(), key.ticket.as_bytes()].concat()
}

fn halves(ticket: TicketId) -> (u64, u64) {
    let both = u128::from_be_bytes(*ticket.as_bytes());
    ((both >> 64) as u64, both as u64)
}

/// Collects what may be seen: all is counted, the best are kept.
struct Visible {
    scope: Arc<Scope>,
    limit: usize,
}

struct VisibleOfSegment {
    scope: Arc<Scope>,
    limit: usize,
    scopes: Arc<dyn ColumnValues<u64>>,
    highs: Arc<dyn ColumnValues<u64>>,
    lows: Arc<dyn ColumnValues<u64>>,
    found: Vec<(TextKey, f32)>,
    total: u64,
}

impl Collector for Visible {
    type Fruit = (Vec<(TextKey, f32)>, u64);
    type Child = VisibleOfSegment;

    fn for_segment(&self, _segment: u32, reader: &SegmentReader) -> tantivy::Result<VisibleOfSegment> {
        let column = |name| reader.fast_fields().column_first_or_default::<u64>(name);
        Ok(VisibleOfSegment {
            scope: Arc::clone(&self.scope),
            limit: self.limit,
            scopes: column("scope")?,
            highs: column(HIGH)?,
            lows: column(LOW)?,
            found: Vec::new(),
            total: 0,
        })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, fruits: Vec<Self::Fruit>) -> tantivy::Result<Self::Fruit> {
        let (mut best, mut total) = (Vec::new(), 0);
        for (found, count) in fruits {
            best.extend(found);
            total += count;
        }
        keep_best(&mut best, self.limit);
        Ok((best, total))
    }
}

impl SegmentCollector for VisibleOfSegment {
    type Fruit = (Vec<(TextKey, f32)>, u64);

    fn collect(&mut self, doc: DocId, score: Score) {
        let scope = self.scopes.get_val(doc);
        let Some(scope) = self.scope.projects.iter().copied().find(|one| u64::from(*one) == scope) else {
            return;
        };
        let both = (u128::from(self.highs.get_val(doc)) << 64) | u128::from(self.lows.get_val(doc));
        let key = TextKey { scope, ticket: TicketId::from_bytes(both.to_be_bytes()) };
        if !self.scope.hidden.is_empty() && self.scope.hidden.contains(&key) {
            return;
        }
        self.total += 1;
        self.found.push((key, score));
        if self.found.len() >= self.limit.saturating_mul(2).max(KEPT_MIN) {
            keep_best(&mut self.found, self.limit);
        }
    }

    fn harvest(mut self) -> Self::Fruit {
        keep_best(&mut self.found, self.limit);
        (self.found, self.total)
    }
}

/// Keeps the best, the best first.
fn keep_best(found: &mut Vec<(TextKey, f32)>, limit: usize) {
    let order = |(a, a_score): &(TextKey, f32), (b, b_score): &(TextKey, f32)| {
        b_score.total_cmp(a_score).then(a.cmp(b))
    };
    if limit < found.len() {
        found.select_nth_unstable_by(limit, order);
        found.truncate(limit);
    }
    // All of them are a set.
    if limit < usize::MAX {
        found.sort_unstable_by(order);
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let IndexState { id, number } = self.state;
        write!(f, "{VERSION} {:032x} {number}", u128::from_be_bytes(id))?;
        match self.building {
            None => f.write_str(" complete"),
            Some(None) => f.write_str(" building"),
            Some(Some(key)) => write!(f, " building {} {}", key.scope, key.ticket),
        }
    }
}

impl Payload {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.strip_prefix(VERSION)?.strip_prefix(' ')?.split(' ');
        let id = u128::from_str_radix(words.next()?, 16).ok()?.to_be_bytes();
        let state = IndexState { id, number: words.next()?.parse().ok()? };
        let building = match (words.next()?, words.next(), words.next()) {
            ("complete", None, None) => None,
            ("building", None, None) => Some(None),
            ("building", Some(scope), Some(ticket)) => {
                Some(Some(TextKey { scope: scope.parse().ok()?, ticket: ticket.parse().ok()? }))
            }
            _ => return None,
        };
        Some(Self { state, building })
    }
}

/// Where the files of an index lie in a folder of ours.
pub(super) fn folder_in(folder: &Path) -> PathBuf {
    folder.join("index")
}

/// Raised when terms, fields or positions change their meaning: an index of another version is made anew.
const VERSION: &str = "assist-search-1";
const HIGH: &str = "high";
const LOW: &str = "low";
/// Results are sorted out not oftener than after so many.
const KEPT_MIN: usize = 256;
