//! `ticket.verify`, `ticket.export` and `ticket.import`: what this device can prove of a ticket, from its own store
//! alone, and what comes into it that somebody else can prove.

use std::collections::BTreeSet;

use assist_crdt_model::{BlobHash, DeviceId, DocId, TicketId, UnixMillis, UserId};
use assist_proto::api::ApiError;
use assist_proto::api::ticket::{
    Export, Import, TicketBundle, TicketImported, TicketRef, Verification, Verify,
};
use assist_proto::authorship::{Claim, Evidence, Place};
use assist_proto::bundle::{Bundle, Said};
use assist_proto::hub::{Command, Reply};
use assist_proto::limits::BUNDLE_BYTES_MAX;
use assist_proto::store::{Membership, TicketRow};

use super::LocalBackend;
use super::document::{Document, Stored};
use super::errors::{Answer, Failure, invalid, of_id};
use super::rows::Names;
use super::ticket::tell_all;
use crate::api_server::Handle;
use crate::blobs::BlobFolder;
use crate::driver::read_clock;
use crate::store::{DeviceReads as _, Reader};

impl Handle<Verify> for LocalBackend {
    async fn handle(&self, params: Verify) -> Result<Verification, ApiError> {
        let (own, row) = self.verified_ticket(params.project.as_deref(), &params.ticket).await?;
        Ok(self.read(move |reader| verify(reader, &own, row.ticket)).await?)
    }
}

impl Handle<Export> for LocalBackend {
    async fn handle(&self, params: Export) -> Result<TicketBundle, ApiError> {
        let (own, row) = self.verified_ticket(params.project.as_deref(), &params.ticket).await?;
        let doc = if params.notes { DocId::Notes(row.ticket) } else { DocId::Ticket(row.ticket) };
        self.verify(own.project, doc).await?;
        let now = read_clock();
        Ok(self.read(move |reader| export(reader, &own, doc, &row, now)).await?)
    }
}

impl Handle<Import> for LocalBackend {
    async fn handle(&self, params: Import) -> Result<TicketImported, ApiError> {
        let folder = self.blobs.folder().clone();
        let bundle = self.read(move |_| read_bundle(&params, &folder)).await?;
        let (project, doc) = (bundle.evidence.project, bundle.evidence.doc);
        let ticket = doc.ticket().ok_or_else(|| Failure::unforeseen("a bundle is of no ticket"))?;
        let Reply::Imported(imported) = self.command(Command::Import(Box::new(bundle))).await? else {
            return Err(Failure::unforeseen("an import was answered with something else").into());
        };
        let ticket: TicketRef = self.read(move |reader| Names::new(reader).ticket(project, ticket)).await?;
        Ok(TicketImported {
            ticket,
            is_notes: matches!(doc, DocId::Notes(_)),
            added: imported.added,
            known: imported.known,
            refused: imported.refused,
        })
    }
}

/// Reads a bundle all of whose changes are provably their authors'.
fn read_bundle(params: &Import, folder: &BlobFolder) -> Answer<Bundle> {
    let bytes = match (&params.bundle, &params.blob) {
        (Some(text), None) => text.clone().into_bytes(),
        (None, Some(blob)) => read_blob(blob.parse().map_err(of_id("blob"))?, folder)?,
        _ => {
            return Err(invalid(
                "missing_field",
                "bundle",
                "give the text of a bundle, or the blob that has it",
            ));
        }
    };
    let bundle = Bundle::read(&bytes).map_err(|error| invalid("bad_bundle", "bundle", error))?;
    let report = bundle.evidence.check();
    if !report.is_whole() {
        let text = format!(
            "{} of its {} changes are not provably their authors': `assist verify` tells which",
            report.fault_count(),
            report.findings.len()
        );
        return Err(ApiError::not_allowed("not_proven", text).into());
    }
    Ok(bundle)
}

fn read_blob(blob: BlobHash, folder: &BlobFolder) -> Answer<Vec<u8>> {
    let reading = folder.read(blob)?;
    if reading.pieces().size_bytes() > BUNDLE_BYTES_MAX as u64 {
        return Err(invalid("bad_bundle", "blob", "it is larger than a bundle can be"));
    }
    let mut bytes = Vec::new();
    for index in 0..reading.pieces().count() {
        bytes.extend(reading.piece(index)?);
    }
    Ok(bytes)
}

fn verify(reader: &Reader, own: &Membership, ticket: TicketId) -> Answer<Verification> {
    let doc = DocId::Ticket(ticket);
    let evidence = evidence(reader, own, doc, Stored::read(reader, own, doc)?)?;
    let mut names = Names::new(reader);
    let named = names.ticket(own.project, ticket)?;
    let mut verification =
        Verification::new(named, own.name.clone(), evidence.check(), |user| -> Answer<String> {
            Ok(names.user(own.project, user)?.name)
        })?;
    for (change, claim) in verification.changes.iter_mut().zip(&evidence.claims) {
        change.device_name = names.device(own.project, &claim.envelope.device)?;
    }
    let quarantined = reader.quarantined(&own.project)?;
    let is_of_it = |doc| doc == DocId::Ticket(ticket);
    verification.set_aside = quarantined.iter().filter(|it| is_of_it(it.record.envelope.doc)).count() as u64;
    Ok(verification)
}

/// Proves nothing again: what is stored was proved when it came, and whoever reads the bundle will prove it anyway.
fn export(
    reader: &Reader,
    own: &Membership,
    doc: DocId,
    row: &TicketRow,
    now: UnixMillis,
) -> Answer<TicketBundle> {
    let stored = Stored::read(reader, own, doc)?;
    let mut names = Names::new(reader);
    let told = match Document::of(reader, own, doc, &stored, None)? {
        Some(document) => tell_all(&document, own, &mut names)?.1,
        None => BTreeSet::new(),
    };
    let evidence = evidence(reader, own, doc, stored)?;
    let bundle = bundle_text(evidence, own, row.number, &told, &mut names, now)?;
    Ok(TicketBundle { ticket: names.ticket(own.project, row.ticket)?, bundle })
}

/// The text of a bundle with the names of those whom its changes name, as far as they are known here.
pub(super) fn bundle_text(
    evidence: Evidence,
    own: &Membership,
    number: Option<u32>,
    told: &BTreeSet<UserId>,
    names: &mut Names<'_>,
    now: UnixMillis,
) -> Answer<String> {
    let mut people = Vec::with_capacity(told.len());
    for user in told {
        people.extend(names.member(own.project, *user)?.map(|member| (*user, member.name.clone())));
    }
    let said = Said { project_name: own.name.clone(), number, made_at: now, people };
    let bytes = Bundle { evidence, said }
        .to_bytes()
        .map_err(|error| ApiError::limit("bundle_too_large", error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| Failure::unforeseen("a bundle is no text"))
}

/// All that is here of a ticket, or of its notes: what was admitted in the order in which it came, then what waits.
pub(super) fn evidence(reader: &Reader, own: &Membership, doc: DocId, stored: Stored) -> Answer<Evidence> {
    let project = own.project;
    let admitted = stored.records.into_iter().map(|record| Claim {
        serial: record.serial,
        place: Some(Place { seq: record.seq.in_its_log(), admitted_at: record.admitted_at }),
        envelope: record.envelope,
    });
    let waiting = stored.waiting.into_iter().map(|entry| Claim {
        serial: own.serial,
        place: None,
        envelope: entry.envelope,
    });
    let claims: Vec<Claim> = admitted.chain(waiting).collect();
    if claims.is_empty() && matches!(doc, DocId::Notes(_)) {
        return Err(ApiError::not_found("no_notes", "nobody noted anything under the ticket").into());
    }
    if claims.is_empty() {
        return Err(ApiError::conflict(
            "not_loaded",
            "the ticket's text has not arrived yet: try again in a moment, `assist sync status` shows how far it is",
        )
        .into());
    }
    let signers: BTreeSet<(DeviceId, u32)> =
        claims.iter().map(|claim| (claim.envelope.device, claim.serial)).collect();
    let mut certificates = Vec::with_capacity(signers.len());
    for (device, serial) in signers {
        certificates.extend(reader.certificate(&project, &device, serial)?);
    }
    Ok(Evidence { project, doc, nodes: reader.nodes(&project)?, certificates, claims })
}
