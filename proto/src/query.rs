//! The query language of lists: `is:open assignee:me label:crash,ui updated:<7d "panic at" -label:wontfix sort:updated`.
//!
//! Terms stand one behind the other and must all hold; `-` turns one round. `key:a,b` holds for either value. What
//! has no key is looked for in the text of the ticket ([`crate::search`]). [`Query::parse`] takes the query apart,
//! [`Query::bind`] finds out who and which project is meant, [`Bound::holds`] looks at one row and at nothing else: no
//! document is opened. What is looked for in texts ([`Bound::texts`]) is the index's to say.
//!
//! Pure: the time and the names are arguments. The text comes from anywhere, so it is bounded and never panics; what
//! is wrong with it is said with the place ([`QueryError::span`]).

mod bind;
mod parse;
mod time;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use assist_crdt_model::{Priority, Status, UnixMillis};

pub use bind::{BindError, Bound, BoundText, Follows, Me, Names, RowView};

use crate::search::Wanted;

/// A query that was taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// All must hold.
    pub terms: Vec<Term>,
    /// How to sort, if the query says so.
    pub sort: Option<SortBy>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Whether it must not hold.
    pub is_negated: bool,
    /// What is asked of a ticket.
    pub condition: Condition,
    /// Where it stands in the text, in bytes.
    pub span: Range<usize>,
}

/// What is asked of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Its text has this.
    Text(Wanted),
    /// It is in one of these states.
    Is(Vec<State>),
    /// Its status is one of these.
    Status(Vec<Status>),
    /// It is in one of these projects.
    Project(Vec<Value>),
    /// One of these works on it; `none` for nobody.
    Assignee(Vec<Value>),
    /// It is the problem of one of these.
    Requester(Vec<Value>),
    /// It has one of these labels, in small letters.
    Label(Vec<String>),
    /// It has one of these priorities; `None` for none.
    Priority(Vec<Option<Priority>>),
    /// A number of it lies here.
    Number(NumberField, Bounds),
    /// A time of it lies here.
    Time(TimeField, TimeRange),
    /// It is one of those that a saved view shows.
    View(Value),
}

/// A text that names somebody or something, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// As it was written, without quotes.
    pub text: String,
    /// Where it stands in the query, in bytes.
    pub span: Range<usize>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Each with its word in a query.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($text, Self::$variant)),+];
        }
    };
}

words! {
    /// What a ticket can be.
    State {
        /// Its status is open.
        Open = "open",
        /// Its status is pending.
        Pending = "pending",
        /// Its status is resolved.
        Resolved = "resolved",
        /// Its status is closed.
        Closed = "closed",
        /// Open or pending.
        Active = "active",
        /// Resolved or closed.
        Done = "done",
        /// Asleep.
        Snoozed = "snoozed",
        /// Somebody works on it.
        Assigned = "assigned",
        /// Nobody does.
        Unassigned = "unassigned",
        /// It has labels.
        Labelled = "labelled",
        /// It has none.
        Unlabelled = "unlabelled",
        /// It goes on in another ticket.
        Merged = "merged",
        /// It is closed, and nothing happened for [`crate::limits::ARCHIVED_AFTER_MILLIS`].
        Archived = "archived",
        /// A field was written by several while apart.
        Conflict = "conflict",
        /// The server gave it a number.
        Numbered = "numbered",
        /// Somebody else wrote more than the user has read.
        Unread = "unread",
        /// The user is mentioned in it.
        Mentioned = "mentioned",
        /// The user is mentioned where they have not read.
        NewlyMentioned = "newly-mentioned",
        /// The user said so; or it is theirs, and they did not mute it.
        Following = "following",
        /// The user wants to hear nothing of it.
        Muted = "muted",
        /// The user works on it, or it is their problem.
        Mine = "mine",
        /// It is the user's turn: theirs to work on, or they are asked something.
        WaitingForMe = "waiting-for-me",
        /// It is the user's, and the turn of the other side.
        WaitingForThem = "waiting-for-them",
    }
}

words! {
    /// By what to sort.
    SortKey {
        /// When something last happened.
        Updated = "updated",
        /// When it was filed.
        Created = "created",
        /// The number.
        Number = "number",
        /// The urgency.
        Priority = "priority",
        /// How well the text fits what is looked for.
        Relevance = "relevance",
    }
}

words! {
    /// A number of a ticket.
    NumberField {
        /// What the server calls it.
        Number = "number",
        /// How many comments it has.
        Comments = "comments",
    }
}

words! {
    /// A time of a ticket.
    TimeField {
        /// When something last happened.
        Updated = "updated",
        /// When it was filed.
        Created = "created",
        /// Until when it is asleep.
        Snoozed = "snoozed",
    }
}

/// A value as it has to be written in a query: in quotes, where it would be taken apart without them.
#[must_use]
pub fn quoted(value: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !c.is_whitespace() && !matches!(c, ',' | '"' | '\\');
    if !value.is_empty() && value.chars().all(is_plain) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// How to sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortBy {
    /// By what.
    pub key: SortKey,
    /// Whether the oldest, lowest or least urgent comes first.
    pub is_ascending: bool,
}

/// Numbers from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The lowest.
    pub from: u64,
    /// The highest.
    pub to: u64,
}

/// Times between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first that is in it.
    pub from: Moment,
    /// The first that is not.
    pub to: Moment,
}

/// A moment, which may depend on when one asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before everything.
    Start,
    /// After everything.
    End,
    /// That one.
    At(UnixMillis),
    /// That many milliseconds ago.
    Ago(u64),
    /// In that many milliseconds.
    Ahead(u64),
}

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct QueryError {
    /// What.
    pub kind: QueryFault,
    /// Where in the text, in bytes; at character boundaries.
    pub span: Range<usize>,
}

/// What can be wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// Over [`crate::api::limits::QUERY_BYTES_MAX`].
    #[error("the query has {size_bytes} bytes, at most {} are allowed", crate::api::limits::QUERY_BYTES_MAX)]
    TooLong {
        /// How many it has.
        size_bytes: usize,
    },
    /// Over [`crate::api::limits::QUERY_TERMS_MAX`].
    #[error("at most {} conditions and values are allowed", crate::api::limits::QUERY_TERMS_MAX)]
    TooMany,
    /// A quote without its end.
    #[error("the quote does not end")]
    OpenQuote,
    /// A text that has nothing in it.
    #[error("there is nothing to look for")]
    Empty,
    /// A text that has only signs in it.
    #[error("there is no word in it to look for")]
    NoWord,
    /// A star that does not stand behind a word.
    #[error("* stands behind one word of {} letters or more", crate::limits::PREFIX_CHARS_MIN)]
    BadPrefix,
    /// A key that is none.
    #[error("there is no {0:?} to ask for: put it in quotes to look for it in texts; known are: {known}", known = KEYS)]
    UnknownKey(String),
    /// A word that the key does not know.
    #[error("{word:?} is none of: {known}")]
    UnknownWord {
        /// What was written.
        word: String,
        /// What could have been.
        known: String,
    },
    /// Neither a duration nor a date.
    #[error("{0:?} is no time: write <7d, >2w, a date as 2026-11-01, or two dates with .. between them")]
    BadTime(String),
    /// A duration that does not say which side of it is meant.
    #[error("say <{0} for what is newer or >{0} for what is older")]
    NoSide(String),
    /// No number.
    #[error("{0:?} is no number: write 142, >5 or 3..9")]
    BadNumber(String),
    /// Several views, or all tickets but those of one.
    #[error("a view stands alone: view:<name>, without - and commas")]
    NotOneView,
    /// The order is said twice.
    #[error("the order is said already")]
    SortedTwice,
    /// Something that cannot be turned round.
    #[error("an order has no opposite: write sort:<what>-asc or sort:<what>-desc")]
    NegatedSort,
}

/// What can stand before a colon.
const KEYS: &str = "is, status, project, assignee, requester, label, priority, number, comments, updated, \
                    created, snoozed, view, sort";

/// Whether a text begins with a condition that is turned round, as `-label:crash`: a command line takes it for options.
#[must_use]
pub fn begins_negated(text: &str) -> bool {
    let key = text.strip_prefix('-').and_then(|text| text.split_once(':'));
    key.is_some_and(|(key, _)| KEYS.split(", ").any(|known| known.eq_ignore_ascii_case(key)))
}

impl QueryError {
    fn new(kind: QueryFault, span: Range<usize>) -> Self {
        Self { kind, span }
    }

    /// Returns the query with a line below it that points at the place.
    pub fn point_at(&self, query: &str) -> String {
        let line: String = query.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        let before = query.get(..self.span.start).unwrap_or(query).chars().count();
        let marked = query.get(self.span.clone()).unwrap_or_default().chars().count().max(1);
        format!("{line}\n{}{}", " ".repeat(before), "^".repeat(marked))
    }

    /// Returns where it is, in characters from 1 on, for people.
    pub fn column(&self, query: &str) -> usize {
        query.get(..self.span.start).unwrap_or(query).chars().count() + 1
    }
}

impl Query {
    /// Takes a query apart.
    ///
    /// # Errors
    /// What is wrong with it and where.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::parse(text)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
