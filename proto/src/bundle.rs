//! A ticket with all that proves who wrote it, in one file that stands for itself. `docs/bundle.md` is the format.
//!
//! Lines of JSON: what it is, names, certificates, changes, and a hash over all of that. The hash finds damage; the
//! signatures in it, which [`Evidence::check`] follows, find lies. Whoever reads one needs no daemon and no network.
//! Pure, and every file may be hostile: sizes and counts are bounded before anything is kept, nothing is compressed,
//! and what is read must be exactly what would be written.

use std::fmt::Display;
use std::str::FromStr;

use assist_crdt_model::{DeviceId, DocId, ProjectId, TicketId, UnixMillis, UserId};
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};

use crate::authorship::{Claim, Evidence, Place};
use crate::certificate::Signed;
use crate::envelope::Envelope;
use crate::limits::{
    BUNDLE_BYTES_MAX, BUNDLE_CERTIFICATES_MAX, BUNDLE_LINE_BYTES_MAX, BUNDLE_NODES_MAX, BUNDLE_PEOPLE_MAX,
};
use crate::store::Seq;

/// A ticket's evidence with what makes it readable to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Which ticket of which project, with what proves its changes.
    pub evidence: Evidence,
    /// What whoever made the bundle says besides. Signed by nobody.
    pub said: Said,
}

/// What nothing in a bundle proves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// What the project is called.
    pub project_name: String,
    /// The ticket's number.
    pub number: Option<u32>,
    /// When the bundle was made.
    pub made_at: UnixMillis,
    /// What the authors are called.
    pub people: Vec<(UserId, String)>,
}

/// Why evidence is not written as a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteBundleError {
    /// Only tickets and their notes are.
    #[error("a bundle holds a ticket, or its notes")]
    NoTicket,
    /// Beyond a bound.
    #[error("there are {count} {what}, a bundle holds {max}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many may be.
        max: usize,
    },
    /// Beyond [`BUNDLE_BYTES_MAX`].
    #[error("the bundle would be larger than {BUNDLE_BYTES_MAX} bytes")]
    TooLarge,
}

/// Why a file is no bundle, or a damaged one.
#[derive(Debug, thiserror::Error)]
pub enum ReadBundleError {
    /// Beyond [`BUNDLE_BYTES_MAX`].
    #[error("it is larger than {BUNDLE_BYTES_MAX} bytes, which no bundle is")]
    TooLarge,
    /// It begins with something else.
    #[error("it is no bundle of a ticket")]
    NotABundle,
    /// It may be whole, but we do not know what it means.
    #[error("it is a bundle of version {version}, this program reads up to {VERSION}: use a newer one")]
    Version {
        /// Which.
        version: u32,
    },
    /// A line is not what stands in a bundle.
    #[error("line {line} is damaged: {problem}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The hash at the end is of other bytes.
    #[error("it is damaged: what it holds is not what was written")]
    Damaged,
}

impl Bundle {
    /// Writes the file. The same bundle gives the same bytes.
    ///
    /// # Errors
    /// When it is beyond the bounds, or no ticket.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteBundleError> {
        let ticket = self.evidence.doc.ticket().ok_or(WriteBundleError::NoTicket)?;
        for (what, count, max) in [
            ("nodes", self.evidence.nodes.len(), BUNDLE_NODES_MAX),
            ("certificates", self.evidence.certificates.len(), BUNDLE_CERTIFICATES_MAX),
            ("people", self.said.people.len(), BUNDLE_PEOPLE_MAX),
            ("changes", self.evidence.claims.len(), CHANGES_MAX),
        ] {
            if count > max {
                return Err(WriteBundleError::TooMany { what, count, max });
            }
        }
        let mut bytes = Vec::new();
        for line in self.lines(ticket) {
            line.write(&mut bytes);
            if bytes.len() > BUNDLE_BYTES_MAX - END_BYTES {
                return Err(WriteBundleError::TooLarge);
            }
        }
        Line::End { blake3: hash_of(&bytes) }.write(&mut bytes);
        Ok(bytes)
    }

    /// Reads a file. Proves nothing yet: that is [`Evidence::check`].
    ///
    /// # Errors
    /// When it is not exactly what [`Bundle::to_bytes`] writes.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadBundleError> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(ReadBundleError::TooLarge);
        }
        check_head(bytes)?;
        let mut builder = Builder::default();
        let mut start = 0;
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let fail = |problem: String| ReadBundleError::Line { line: index + 1, problem };
            if line.len() > BUNDLE_LINE_BYTES_MAX {
                return Err(fail(format!("it is longer than {BUNDLE_LINE_BYTES_MAX} bytes")));
            }
            let parsed = serde_json::from_slice(line).map_err(|error| fail(error.to_string()))?;
            if let Line::End { blake3 } = parsed {
                let is_last = start + line.len() == bytes.len();
                return if is_last && blake3 == hash_of(&bytes[..start]) {
                    builder.finish(bytes)
                } else {
                    Err(ReadBundleError::Damaged)
                };
            }
            builder.add(parsed).map_err(fail)?;
            start += line.len();
        }
        Err(ReadBundleError::Damaged) // Its end is missing.
    }

    fn lines(&self, ticket: TicketId) -> impl Iterator<Item = Line> + '_ {
        let Self { evidence, said } = self;
        let head = Line::Bundle {
            format: FORMAT.to_owned(),
            version: VERSION,
            project: evidence.project,
            project_name: said.project_name.clone(),
            ticket,
            number: said.number,
            made_at_millis: said.made_at.0,
            notes: matches!(evidence.doc, DocId::Notes(_)),
        };
        let people = said.people.iter().map(|(user, name)| Line::Person { user: *user, name: name.clone() });
        let nodes = evidence
            .nodes
            .iter()
            .map(|it| Line::Node { payload: it.payload.clone(), signature: it.signature });
        let certificates = evidence
            .certificates
            .iter()
            .map(|it| Line::Certificate { payload: it.payload.clone(), signature: it.signature });
        let changes = evidence.claims.iter().map(Line::of_claim);
        std::iter::once(head).chain(people).chain(nodes).chain(certificates).chain(changes)
    }
}

/// The changes of a bundle one behind the other, which any Automerge implementation loads. Of a bundle that one's own
/// daemon has just made: nothing is checked beyond what it takes to find them, as [`Bundle::read`] does.
///
/// # Errors
/// When a line is none of a bundle's.
pub fn changes(text: &str) -> Result<Vec<u8>, ReadBundleError> {
    /// Of a line, what tells whether it is a change; neither has anything escaped in it.
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        kind: &'a str,
        #[serde(borrow, default)]
        change: Option<&'a str>,
    }
    let mut changes = Vec::with_capacity(text.len() / 2);
    for (index, line) in text.lines().enumerate() {
        let fail = |problem: String| ReadBundleError::Line { line: index + 1, problem };
        let chunk: Chunk<'_> = serde_json::from_str(line).map_err(|error| fail(error.to_string()))?;
        if let ("change", Some(change)) = (chunk.kind, chunk.change) {
            changes.extend(BASE64.decode(change.as_bytes()).map_err(|error| fail(error.to_string()))?);
        }
    }
    Ok(changes)
}

/// One line of the file. Names and their order are format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Bundle {
        format: String,
        version: u32,
        #[serde(with = "text")]
        project: ProjectId,
        project_name: String,
        #[serde(with = "text")]
        ticket: TicketId,
        number: Option<u32>,
        made_at_millis: u64,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        notes: bool,
    },
    Person {
        #[serde(with = "text")]
        user: UserId,
        name: String,
    },
    Node {
        #[serde(with = "base64")]
        payload: Vec<u8>,
        #[serde(with = "base64")]
        signature: [u8; 64],
    },
    Certificate {
        #[serde(with = "base64")]
        payload: Vec<u8>,
        #[serde(with = "base64")]
        signature: [u8; 64],
    },
    Change {
        #[serde(with = "text")]
        device: DeviceId,
        incarnation: u32,
        epoch: u32,
        serial: u32,
        admitted: Option<Admitted>,
        #[serde(with = "base64")]
        change: Vec<u8>,
        #[serde(with = "base64")]
        signature: [u8; 64],
    },
    End {
        blake3: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Admitted {
    seq: u64,
    at_millis: u64,
}

impl Line {
    fn of_claim(claim: &Claim) -> Self {
        let Envelope { device, incarnation, epoch, change, signature, .. } = claim.envelope.clone();
        let admitted = claim.place.map(|place| Admitted { seq: place.seq.0, at_millis: place.admitted_at.0 });
        Self::Change { device, incarnation, epoch, serial: claim.serial, admitted, change, signature }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        serde_json::to_writer(&mut *bytes, self).expect("texts and numbers into memory");
        bytes.push(b'\n');
    }
}

/// A bundle while its lines come in.
#[derive(Default)]
struct Builder {
    head: Option<(ProjectId, DocId)>,
    said: Said,
    nodes: Vec<Signed>,
    certificates: Vec<Signed>,
    claims: Vec<Claim>,
}

impl Builder {
    fn add(&mut self, line: Line) -> Result<(), String> {
        match (line, self.head) {
            (Line::Bundle { project, project_name, ticket, number, made_at_millis, notes, .. }, None) => {
                let doc = if notes { DocId::Notes(ticket) } else { DocId::Ticket(ticket) };
                self.head = Some((project, doc));
                self.said =
                    Said { project_name, number, made_at: UnixMillis(made_at_millis), people: Vec::new() };
                Ok(())
            }
            (Line::Person { user, name }, Some(_)) => {
                push(&mut self.said.people, (user, name), BUNDLE_PEOPLE_MAX)
            }
            (Line::Node { payload, signature }, Some(_)) => {
                push(&mut self.nodes, Signed { payload, signature }, BUNDLE_NODES_MAX)
            }
            (Line::Certificate { payload, signature }, Some(_)) => {
                push(&mut self.certificates, Signed { payload, signature }, BUNDLE_CERTIFICATES_MAX)
            }
            (
                Line::Change { device, incarnation, epoch, serial, admitted, change, signature },
                Some((_, doc)),
            ) => {
                let envelope = Envelope { doc, device, incarnation, epoch, change, signature };
                let place =
                    admitted.map(|it| Place { seq: Seq(it.seq), admitted_at: UnixMillis(it.at_millis) });
                push(&mut self.claims, Claim { envelope, serial, place }, CHANGES_MAX)
            }
            _ => Err("it does not stand in its place".to_owned()),
        }
    }

    /// The bundle, if it is written as `bytes` and not in any other way: of a file that says the same in other
    /// words, nobody could say which bytes matter.
    fn finish(self, bytes: &[u8]) -> Result<Bundle, ReadBundleError> {
        let Self { head, said, nodes, certificates, claims } = self;
        let (project, doc) = head.ok_or(ReadBundleError::NotABundle)?;
        let bundle = Bundle { evidence: Evidence { project, doc, nodes, certificates, claims }, said };
        match bundle.to_bytes() {
            Ok(written) if written == bytes => Ok(bundle),
            _ => Err(ReadBundleError::Damaged),
        }
    }
}

fn push<T>(list: &mut Vec<T>, item: T, max: usize) -> Result<(), String> {
    if list.len() >= max {
        return Err(format!("there are more than {max} of its kind"));
    }
    list.push(item);
    Ok(())
}

/// Looks at the first line alone, and of that only at what all versions have.
fn check_head(bytes: &[u8]) -> Result<(), ReadBundleError> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
        version: u32,
    }
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if first.len() > BUNDLE_LINE_BYTES_MAX {
        return Err(ReadBundleError::NotABundle);
    }
    match serde_json::from_slice::<Head>(first) {
        Ok(head) if head.format != FORMAT => Err(ReadBundleError::NotABundle),
        Ok(head) if head.version != VERSION => Err(ReadBundleError::Version { version: head.version }),
        Ok(_) => Ok(()),
        Err(_) => Err(ReadBundleError::NotABundle),
    }
}

fn hash_of(bytes: &[u8]) -> String {
    HEXLOWER.encode(blake3::hash(bytes).as_bytes())
}

/// Ids by their text form.
mod text {
    use super::{Display, FromStr};
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Bytes in base 64 with padding.
mod base64 {
    use super::BASE64;
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    pub(super) fn serialize<T: AsRef<[u8]>, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(value.as_ref()))
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: TryFrom<Vec<u8>>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(D::Error::custom)?;
        T::try_from(bytes).map_err(|_| D::Error::custom("bytes of another size"))
    }
}

const FORMAT: &str = "hero-assistance-bundle";
const VERSION: u32 = 1;
const CHANGES_MAX: usize = assist_crdt_model::limits::CHANGES_PER_DOC_MAX;
/// The last line.
const END_BYTES: usize = 128;

#[cfg(test)]
mod tests;
