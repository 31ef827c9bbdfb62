//! From the text of a query to its terms.

use std::ops::Range;

use assist_crdt_model::{Priority, Status};

use super::{
    Bounds, Condition, NumberField, Query, QueryError, QueryFault, SortBy, SortKey, State, Term, TimeField,
    Value, time,
};
use crate::api::limits;
use crate::search::{NothingWanted, Wanted};

type Parsed<T> = Result<T, QueryError>;

pub(super) fn parse(text: &str) -> Parsed<Query> {
    if text.len() > limits::QUERY_BYTES_MAX {
        return Err(QueryError::new(QueryFault::TooLong { size_bytes: text.len() }, 0..0));
    }
    let mut parser = Parser { text, at: 0, values: 0, query: Query::default() };
    while parser.skip_space() {
        parser.term()?;
    }
    Ok(parser.query)
}

struct Parser<'a> {
    text: &'a str,
    /// In bytes, at a character boundary.
    at: usize,
    /// How many values there were.
    values: usize,
    query: Query,
}

impl Parser<'_> {
    /// Tells whether something is left.
    fn skip_space(&mut self) -> bool {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.at < self.text.len()
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn term(&mut self) -> Parsed<()> {
        let start = self.at;
        // A dash alone is a text.
        let rest = &self.text[self.at..];
        let is_negated = rest.starts_with('-') && rest[1..].starts_with(|char: char| !char.is_whitespace());
        self.at += usize::from(is_negated);
        let Some(key) = self.key() else {
            let is_quoted = self.peek() == Some('"');
            let value = self.value(false)?;
            let condition = text_condition(&value, is_quoted)?;
            self.push(Term { is_negated, condition, span: start..self.at });
            return Ok(());
        };
        let key_span = self.at - key.len() - 1..self.at - 1;
        let values = self.values()?;
        if key == "sort" {
            return self.sort(is_negated, &values, start..self.at);
        }
        if key == "view" && (is_negated || values.len() > 1) {
            return Err(QueryError::new(QueryFault::NotOneView, start..self.at));
        }
        let condition = condition(&key, key_span, values)?;
        self.push(Term { is_negated, condition, span: start..self.at });
        Ok(())
    }

    fn push(&mut self, term: Term) {
        self.query.terms.push(term);
    }

    /// Takes `key:` if a word and a colon come next; a colon with nothing behind it belongs to a text.
    fn key(&mut self) -> Option<String> {
        let rest = &self.text[self.at..];
        let length = rest.find(|char: char| !char.is_ascii_alphabetic() && char != '_')?;
        let behind = rest[length..].strip_prefix(':')?;
        if length == 0 || behind.is_empty() || behind.starts_with(char::is_whitespace) {
            return None;
        }
        self.at += length + 1;
        Some(rest[..length].to_ascii_lowercase())
    }

    /// Takes values with commas between them.
    fn values(&mut self) -> Parsed<Vec<Value>> {
        let mut values = vec![self.value(true)?];
        while self.peek() == Some(',') {
            self.at += 1;
            values.push(self.value(true)?);
        }
        Ok(values)
    }

    /// Takes a word, or what stands in quotes.
    fn value(&mut self, ends_at_comma: bool) -> Parsed<Value> {
        self.values += 1;
        let start = self.at;
        let value = match self.peek() {
            Some('"') => self.quoted()?,
            _ => {
                let rest = &self.text[self.at..];
                let is_end = |char: char| char.is_whitespace() || (ends_at_comma && char == ',');
                let length = rest.find(is_end).unwrap_or(rest.len());
                self.at += length;
                Value { text: rest[..length].to_owned(), span: start..self.at }
            }
        };
        if value.text.trim().is_empty() {
            return Err(QueryError::new(QueryFault::Empty, value.span));
        }
        if self.values > limits::QUERY_TERMS_MAX {
            return Err(QueryError::new(QueryFault::TooMany, value.span));
        }
        Ok(value)
    }

    /// Takes what stands in quotes; a backslash takes the next character as it is.
    fn quoted(&mut self) -> Parsed<Value> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.text[start..].char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(Value { text, span: start..self.at });
                }
                '\\' => text.extend(chars.next().map(|(_, char)| char)),
                char => text.push(char),
            }
        }
        Err(QueryError::new(QueryFault::OpenQuote, start..self.text.len()))
    }

    fn sort(&mut self, is_negated: bool, values: &[Value], span: Range<usize>) -> Parsed<()> {
        if is_negated {
            return Err(QueryError::new(QueryFault::NegatedSort, span));
        }
        let [value] = values else { return Err(QueryError::new(QueryFault::SortedTwice, span)) };
        if self.query.sort.is_some() {
            return Err(QueryError::new(QueryFault::SortedTwice, span));
        }
        let lower = value.text.to_ascii_lowercase();
        let (name, is_ascending) = match (lower.strip_suffix("-asc"), lower.strip_suffix("-desc")) {
            (Some(name), _) => (name, true),
            (_, Some(name)) => (name, false),
            _ => (lower.as_str(), false),
        };
        let key = word(SortKey::WORDS, name, value)?;
        self.query.sort = Some(SortBy { key, is_ascending });
        Ok(())
    }
}

/// What is no key and value: a text to look for, or the number of a ticket.
fn text_condition(value: &Value, is_quoted: bool) -> Parsed<Condition> {
    let number = value.text.strip_prefix('#').and_then(|digits| digits.parse().ok());
    if let Some(number) = number.filter(|_| !is_quoted) {
        return Ok(Condition::Number(NumberField::Number, Bounds { from: number, to: number }));
    }
    let wanted = Wanted::parse(&value.text, is_quoted).map_err(|nothing| {
        let fault = match nothing {
            NothingWanted::NoWord => QueryFault::NoWord,
            NothingWanted::BadPrefix => QueryFault::BadPrefix,
        };
        QueryError::new(fault, value.span.clone())
    })?;
    Ok(Condition::Text(wanted))
}

fn condition(key: &str, key_span: Range<usize>, values: Vec<Value>) -> Parsed<Condition> {
    let words = || values.iter().map(|value| (value.text.to_lowercase(), value));
    Ok(match key {
        "is" => Condition::Is(
            words().map(|(name, value)| word(State::WORDS, &name, value)).collect::<Parsed<_>>()?,
        ),
        "status" => {
            Condition::Status(words().map(|(name, value)| status(&name, value)).collect::<Parsed<_>>()?)
        }
        "project" => Condition::Project(values),
        "assignee" => Condition::Assignee(values),
        "requester" => Condition::Requester(values),
        "label" => Condition::Label(words().map(|(label, _)| label.trim().to_owned()).collect()),
        "priority" => {
            let mut wanted = Vec::new();
            for (name, value) in words() {
                wanted.extend(priorities(&name, value)?);
            }
            Condition::Priority(wanted)
        }
        "number" => Condition::Number(NumberField::Number, bounds(&values)?),
        "comments" => Condition::Number(NumberField::Comments, bounds(&values)?),
        "updated" => Condition::Time(TimeField::Updated, time::range(&values, false)?),
        "created" => Condition::Time(TimeField::Created, time::range(&values, false)?),
        "snoozed" => Condition::Time(TimeField::Snoozed, time::range(&values, true)?),
        "view" => Condition::View(values.into_iter().next().expect("a key has a value")),
        _ => return Err(QueryError::new(QueryFault::UnknownKey(cut(key)), key_span)),
    })
}

fn word<T: Copy>(words: &[(&'static str, T)], name: &str, value: &Value) -> Parsed<T> {
    let found = words.iter().find(|(word, _)| *word == name).map(|(_, meant)| *meant);
    found.ok_or_else(|| unknown_word(value, words.iter().map(|(word, _)| *word)))
}

fn status(name: &str, value: &Value) -> Parsed<Status> {
    name.parse().map_err(|_| unknown_word(value, Status::ALL.iter().map(|status| status.as_str())))
}

/// `high`, `none`, or `>=high`.
fn priorities(name: &str, value: &Value) -> Parsed<Vec<Option<Priority>>> {
    let (side, name) = side(name);
    let known = || ["none"].into_iter().chain(Priority::ALL.iter().map(|priority| priority.as_str()));
    if name == "none" && side == Side::Same {
        return Ok(vec![None]);
    }
    let named: Priority = name.parse().map_err(|_| unknown_word(value, known()))?;
    let is_wanted = |priority: &Priority| match side {
        Side::Same => *priority == named,
        Side::Less => *priority < named,
        Side::AtMost => *priority <= named,
        Side::More => *priority > named,
        Side::AtLeast => *priority >= named,
    };
    Ok(Priority::ALL.iter().copied().filter(is_wanted).map(Some).collect())
}

/// `142`, `>5`, or `3..9`.
fn bounds(values: &[Value]) -> Parsed<Bounds> {
    let [value] = values else { return Err(bad_number(&values[1])) };
    let number = |text: &str| text.parse::<u64>().map_err(|_| bad_number(value));
    if let Some((from, to)) = value.text.split_once("..") {
        return Ok(Bounds { from: number(from)?, to: number(to)? });
    }
    let (side, text) = side(&value.text);
    let number = number(text.trim_start_matches('#'))?;
    Ok(match side {
        Side::Same => Bounds { from: number, to: number },
        // No number is less than 0: the bounds are then the wrong way round, and nothing is between them.
        Side::Less if number == 0 => Bounds { from: 1, to: 0 },
        Side::Less => Bounds { from: 0, to: number - 1 },
        Side::AtMost => Bounds { from: 0, to: number },
        Side::More => Bounds { from: number.saturating_add(1), to: u64::MAX },
        Side::AtLeast => Bounds { from: number, to: u64::MAX },
    })
}

/// Which side of a value is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Same,
    Less,
    AtMost,
    More,
    AtLeast,
}

pub(super) fn side(text: &str) -> (Side, &str) {
    let sides = [("<=", Side::AtMost), (">=", Side::AtLeast), ("<", Side::Less), (">", Side::More)];
    let found = sides.iter().find_map(|(sign, side)| Some((*side, text.strip_prefix(sign)?)));
    found.unwrap_or((Side::Same, text))
}

fn bad_number(value: &Value) -> QueryError {
    QueryError::new(QueryFault::BadNumber(cut(&value.text)), value.span.clone())
}

fn unknown_word<'a>(value: &Value, known: impl Iterator<Item = &'a str>) -> QueryError {
    let known = known.collect::<Vec<_>>().join(", ");
    QueryError::new(QueryFault::UnknownWord { word: cut(&value.text), known }, value.span.clone())
}

/// As much of what was written as a message repeats.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}
