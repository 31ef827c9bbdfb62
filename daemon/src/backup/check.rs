//! Whether all that a server keeps is what it was: seals, signatures, certificates, the log, attachments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use assist_crdt_model::{DeviceId, DocId, ProjectId};
use assist_proto::authorship::{Claim, Evidence, Place};
use assist_proto::certificate::Signed;
use assist_proto::store::{Audience, EntryKind, Record, Seq, ServerProject, StoreError, StoreResult};

use super::manifest::Manifest;
use super::restore::{check_blobs, check_files, generation_of};
use super::{BackupError, check_blob};
use crate::admissions;
use crate::blobs::BlobFolder;
use crate::home;
use crate::store::{Reader, ServerReads as _};

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Places of the log that were read.
    pub places: u64,
    /// Changes whose signature, certificate and right were proven.
    pub changes: u64,
    /// Documents that they make.
    pub documents: u64,
    /// Attachments that were read to their end.
    pub blobs: u64,
    /// Entries of the admission log that were read.
    pub admissions: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Documents that cannot be read.
    pub damaged: BTreeSet<DocId>,
    /// How many changes of a document were set aside and did not come back yet.
    pub lost: BTreeMap<DocId, u64>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// Reads everything that a server keeps, and proves what can be proven of it. Holds nobody up. Takes a second for
/// some ten thousand changes, and as long as the disk takes for attachments.
///
/// # Errors
/// When there is no server, or the folder of attachments cannot be listed. What is wrong is no error.
pub fn check(home: &Path, reader: &Reader) -> Result<Checked, BackupError> {
    let project = reader.project()?.ok_or_else(|| BackupError::NoServer(home.to_owned()))?;
    let mut checked = Checked::default();
    let store = reader.verify();
    let docs = check_log(reader, &mut checked);
    for (doc, named) in docs {
        if let Err(error) = check_doc(reader, &project, (doc, named), &mut checked) {
            checked.tell_of_doc(doc, &error);
        }
    }
    for (doc, count) in checked.lost.clone() {
        let what = format!("{count} of its changes were damaged, and did not come back from a device yet");
        checked.tell(&name_of(doc), &StoreError::Io(what.into()), LOST_ADVICE);
    }
    if let Err(error) = store
        && checked.damaged.is_empty()
    {
        checked.tell("the store", &error, STORE_ADVICE);
    }
    let log = admissions::check(home, reader, None)?;
    checked.admissions = log.entries;
    if let Err(fault) = log.outcome {
        checked.tell("the admission log", &fault, LOG_ADVICE);
    }
    let blobs = BlobFolder::open(&home.join(home::BLOBS))?;
    for blob in blobs.whole()? {
        match check_blob(&blobs, blob) {
            Ok(()) => checked.blobs += 1,
            Err(fault) => checked.tell(&format!("the attachment {blob}"), &fault, BLOB_ADVICE),
        }
    }
    Ok(checked)
}

/// The same of a backup, as far as that is possible without its keys: every file and attachment has to be what it was.
///
/// # Errors
/// The first that is not.
pub fn check_backup(from: &Path) -> Result<Checked, BackupError> {
    let generation = generation_of(from)?;
    let folder = generation.parent().unwrap_or(from).to_owned();
    let manifest = Manifest::read(&generation)?;
    check_files(&generation, &manifest)?;
    let blobs = BlobFolder::open(&folder.join(home::BLOBS))?;
    let mut checked = Checked { places: manifest.head, ..Checked::default() };
    for (blob, _) in check_blobs(&folder, &blobs, &manifest)? {
        match check_blob(&blobs, blob) {
            Ok(()) => checked.blobs += 1,
            Err(fault) => checked.tell(&format!("the attachment {blob}"), &fault, BACKUP_ADVICE),
        }
    }
    Ok(checked)
}

impl Checked {
    fn tell(&mut self, place: &str, error: &dyn std::error::Error, advice: &'static str) {
        let what = crate::driver::Chain(error).to_string();
        self.problems.push(Problem { place: place.to_owned(), what, advice });
    }
}

impl Checked {
    /// Says once of each document that it cannot be read.
    fn tell_of_doc(&mut self, doc: DocId, error: &StoreError) {
        let is_known = matches!(error, StoreError::DamagedDoc { .. }) && !self.damaged.insert(doc);
        if !is_known {
            self.tell(&name_of(doc), error, DOC_ADVICE);
        }
    }
}

/// Goes over the log: no place is missing. Returns the documents that it speaks of, and how many records of each.
fn check_log(reader: &Reader, checked: &mut Checked) -> BTreeMap<DocId, usize> {
    let mut docs = BTreeMap::<DocId, usize>::new();
    let mut last = Seq::ZERO;
    loop {
        let entries = match reader.log_after(Audience::Team, last, LOG_PLACES) {
            Ok(entries) => entries,
            Err(error) => {
                checked.tell(&format!("the log behind {}", last.0), &error, STORE_ADVICE);
                return docs;
            }
        };
        let Some(end) = entries.last().map(|entry| entry.seq) else { return docs };
        for entry in &entries {
            let expected = last.next();
            if entry.seq != expected {
                let gap = StoreError::Damaged { what: format!("place {} is missing", expected.0) };
                checked.tell("the log", &gap, STORE_ADVICE);
            }
            last = entry.seq;
            checked.places += 1;
            let named = docs.entry(entry.doc).or_default();
            match entry.kind {
                EntryKind::Lost => *checked.lost.entry(entry.doc).or_default() += 1,
                EntryKind::Record { .. } => *named += 1,
                EntryKind::Visibility(_) | EntryKind::Whole => {}
            }
        }
        last = end;
    }
}

/// Whether a document's records are those that the log names: as many, and at the place of each stands that one.
fn check_places(reader: &Reader, doc: DocId, named: usize, records: &[Record]) -> StoreResult<()> {
    let stands = |(index, record): (usize, &Record)| {
        let Some(before) = record.seq.0.checked_sub(1) else { return Ok(false) };
        let entries = reader.log_after(Audience::Team, Seq(before), 1)?;
        let expected = u32::try_from(index).map(|index| EntryKind::Record { index }).ok();
        let found = entries.first().map(|entry| (entry.doc, Some(entry.kind)));
        Ok(record.envelope.doc == doc && found == Some((doc, expected)))
    };
    let mut are_there = named == records.len();
    for numbered in records.iter().enumerate() {
        are_there = are_there && stands(numbered)?;
    }
    if are_there {
        return Ok(());
    }
    let what = "the log and its records disagree".to_owned();
    Err(StoreError::Damaged { what }.of_doc(None, doc))
}

/// Proves every change of a document: signed by its device, which the project's node certified, for somebody who might.
fn check_doc(
    reader: &Reader,
    project: &ServerProject,
    (doc, named): (DocId, usize),
    checked: &mut Checked,
) -> StoreResult<()> {
    let records = reader.server_doc_records(doc)?;
    check_places(reader, doc, named, &records)?;
    if records.is_empty() {
        return Ok(());
    }
    let mut certificates: BTreeMap<(DeviceId, u32), Signed> = BTreeMap::new();
    for record in &records {
        let whose = (record.envelope.device, record.serial);
        if !certificates.contains_key(&whose)
            && let Some(signed) = reader.server_certificate(&whose.0, whose.1)?
        {
            certificates.insert(whose, signed);
        }
    }
    let report = evidence(project.project, project, doc, certificates, records).check();
    checked.documents += 1;
    for finding in &report.findings {
        let Some(fault) = &finding.fault else {
            checked.changes += 1;
            continue;
        };
        let place = finding.place.map_or_else(|| "no place".to_owned(), |place| place.seq.0.to_string());
        checked.tell(&format!("{}, place {place} of the log", name_of(doc)), fault, DOC_ADVICE);
    }
    Ok(())
}

fn evidence(
    id: ProjectId,
    project: &ServerProject,
    doc: DocId,
    certificates: BTreeMap<(DeviceId, u32), Signed>,
    records: Vec<Record>,
) -> Evidence {
    let claims = records.into_iter().map(|record| Claim {
        serial: record.serial,
        place: Some(Place { seq: record.seq, admitted_at: record.admitted_at }),
        envelope: record.envelope,
    });
    Evidence {
        project: id,
        doc,
        nodes: vec![project.node.clone()],
        certificates: certificates.into_values().collect(),
        claims: claims.collect(),
    }
}

fn name_of(doc: DocId) -> String {
    match doc {
        DocId::Project => "the project's own document".to_owned(),
        DocId::Ticket(ticket) => format!("the ticket {ticket}"),
        DocId::Notes(ticket) => format!("the notes of the ticket {ticket}"),
    }
}

/// Looked at together: bounded memory.
const LOG_PLACES: usize = 1_000;

const STORE_ADVICE: &str = "stop the server, put its folder aside, and restore the newest backup: devices bring back \
                            what came after it";
const DOC_ADVICE: &str = "a server that runs sets it aside and asks the devices for it; if it stays, restore the newest \
                          backup in which this is whole: devices bring back what came after it";
const LOST_ADVICE: &str = "the server asks every device that connects; if it stays, restore the newest backup in which \
                           this is whole: devices bring back what came after it";
const LOG_ADVICE: &str =
    "somebody changed it: keep the folder as it is, and compare with the newest backup in which it is whole";
const BLOB_ADVICE: &str =
    "copy it from a backup in its place: devices that have it do not send it again by themselves";
const BACKUP_ADVICE: &str = "make a new backup into another folder";
