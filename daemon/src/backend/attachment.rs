//! `attachment.*`: which files there are under a ticket, and where their bytes are.

use assist_crdt_model::{self as model, BlobHash, DocId, ProjectId, TicketId};
use assist_proto::api::attachment::{
    Attach, AttachmentState, Attachments, BlobState, Fetch, GetThumbnail, List, Thumbnail, Upload,
};
use assist_proto::api::{ApiError, Done};
use assist_proto::blob::media_type;
use assist_proto::hub::Command;
use assist_proto::store::{Direction, Membership, Transfer, TransferCause};
use assist_proto::wire::blob::{BlobCode, BlobPlace};

use super::document::Document;
use super::errors::{Answer, Failure, invalid, of_id};
use super::rows::Names;
use super::{LocalBackend, reference};
use crate::api_server::Handle;
use crate::blobs::{BlobFault, BlobsHandle};
use crate::store::{DeviceReads as _, Reader};

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<Attachments, ApiError> {
        let (own, ticket) =
            reference::ticket(&self.reader()?, params.project.as_deref(), &params.ticket, "ticket")?;
        for doc in docs_of(&own, ticket) {
            self.verify(own.project, doc).await?;
        }
        let blobs = self.blobs.clone();
        Ok(self.read(move |reader| list(reader, &blobs, &own, ticket)).await?)
    }
}

impl Handle<Fetch> for LocalBackend {
    async fn handle(&self, params: Fetch) -> Result<Done, ApiError> {
        let (own, ticket) =
            reference::ticket(&self.reader()?, params.project.as_deref(), &params.ticket, "ticket")?;
        let blob: BlobHash = params.blob.parse().map_err(of_id("blob"))?;
        for doc in docs_of(&own, ticket) {
            let place = BlobPlace { doc, blob };
            self.blobs.forget_no_room(own.project, place);
            let command = Command::FetchBlob { project: own.project, place };
            match self.command(command).await {
                Ok(_) => return Ok(Done {}),
                Err(failure) if failure.is_of("no_such_attachment") => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(not_named())
    }
}

impl Handle<GetThumbnail> for LocalBackend {
    async fn handle(&self, params: GetThumbnail) -> Result<Thumbnail, ApiError> {
        let (own, ticket) =
            reference::ticket(&self.reader()?, params.project.as_deref(), &params.ticket, "ticket")?;
        let blob: BlobHash = params.blob.parse().map_err(of_id("blob"))?;
        for doc in docs_of(&own, ticket) {
            self.verify(own.project, doc).await?;
        }
        let is_named = self.read(move |reader| names(reader, &own, ticket, blob)).await?;
        if !is_named {
            return Err(not_named());
        }
        let png = self.thumbnails.of(blob).await.map_err(|fault| fault.as_api_error())?;
        Ok(Thumbnail { media_type: "image/png".to_owned(), size_bytes: png.len() as u64 })
    }
}

impl LocalBackend {
    /// What a caller wants to attach, with what only the bytes tell: they are here already.
    pub(super) async fn attachments(&self, given: Vec<Attach>) -> Answer<Vec<model::Attachment>> {
        if given.is_empty() {
            return Ok(Vec::new());
        }
        let folder = self.blobs.folder().clone();
        self.read(move |_| {
            given
                .into_iter()
                .map(|attach| {
                    let blob: BlobHash = attach.blob.parse().map_err(of_id("attachments.blob"))?;
                    let reading = folder.read(blob).map_err(|fault| match fault {
                        BlobFault::Missing => {
                            invalid("no_such_blob", "attachments.blob", "PUT the bytes to /blobs first")
                        }
                        fault => Failure::from(fault),
                    })?;
                    let media_type = match attach.media_type {
                        Some(media_type) => media_type,
                        None => media_type(&reading.piece(0)?, &attach.name).to_owned(),
                    };
                    let size_bytes = reading.pieces().size_bytes();
                    Ok(model::Attachment { blob, name: attach.name, size_bytes, media_type })
                })
                .collect()
        })
        .await
    }

    /// What a caller attached is named now, durably.
    pub(super) fn uploads_are_named(&self, blobs: Vec<BlobHash>) {
        self.blobs.folder().uploads_are_named(blobs);
    }
}

/// Which bytes they are.
pub(super) fn blobs_of(attachments: &[model::Attachment]) -> Vec<BlobHash> {
    attachments.iter().map(|attachment| attachment.blob).collect()
}

/// Which documents of a ticket name blobs for this user.
pub(super) fn docs_of(own: &Membership, ticket: TicketId) -> Vec<DocId> {
    let mut docs = vec![DocId::Ticket(ticket)];
    if own.role.is_team() {
        docs.push(DocId::Notes(ticket));
    }
    docs
}

fn names(reader: &Reader, own: &Membership, ticket: TicketId, blob: BlobHash) -> Answer<bool> {
    for doc in docs_of(own, ticket) {
        let Some(document) = Document::load(reader, own, doc)? else { continue };
        if document.doc.attachments().iter().any(|attachment| attachment.blob == blob) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn not_named() -> ApiError {
    let message = "no comment of the ticket names it: attachment.list shows those there are";
    ApiError::not_found("no_such_attachment", message).with_field("blob")
}

fn list(reader: &Reader, blobs: &BlobsHandle, own: &Membership, ticket: TicketId) -> Answer<Attachments> {
    let mut names = Names::new(reader);
    let mut attachments = Vec::new();
    for doc in docs_of(own, ticket) {
        let Some(document) = Document::load(reader, own, doc)? else { continue };
        let texts = match doc {
            DocId::Notes(_) => document.doc.notes().unwrap_or_default(),
            _ => document.doc.ticket().map(|ticket| ticket.comments).unwrap_or_default(),
        };
        attachments.extend(attachments_of(reader, blobs, own, &mut names, doc, &texts)?);
    }
    Ok(Attachments { attachments })
}

/// What the texts of one document name, those apart that were struck.
pub(super) fn attachments_of(
    reader: &Reader,
    blobs: &BlobsHandle,
    own: &Membership,
    names: &mut Names<'_>,
    doc: DocId,
    texts: &[model::Comment],
) -> Answer<Vec<AttachmentState>> {
    let mut attachments = Vec::new();
    for text in texts.iter().filter(|text| !text.is_deleted && !text.attachments.is_empty()) {
        let author = names.author(own.project, text.author)?;
        for attachment in &text.attachments {
            let place = BlobPlace { doc, blob: attachment.blob };
            let (state, fetched_bytes) = state_of(reader, blobs, own.project, place)?;
            attachments.push(AttachmentState {
                comment: text.id.to_string(),
                is_note: matches!(doc, DocId::Notes(_)),
                author: author.clone(),
                blob: attachment.blob.to_string(),
                name: attachment.name.clone(),
                size_bytes: attachment.size_bytes,
                media_type: attachment.media_type.clone(),
                state,
                fetched_bytes,
                trouble: trouble_of(blobs, own.project, place, state),
                upload: upload_of(reader, blobs, own.project, place)?,
            });
        }
    }
    Ok(attachments)
}

fn state_of(
    reader: &Reader,
    blobs: &BlobsHandle,
    project: ProjectId,
    place: BlobPlace,
) -> Answer<(BlobState, Option<u64>)> {
    if blobs.folder().size_of(place.blob)?.is_some() {
        return Ok((BlobState::Here, None));
    }
    if let Some(done) = blobs.progress(project, Direction::Fetch, place) {
        return Ok((BlobState::Fetching, Some(done)));
    }
    let state = match reader.transfer(&project, Direction::Fetch, place)? {
        Some(Transfer { refused: Some(BlobCode::Absent), .. }) => BlobState::Missing,
        Some(_) => BlobState::Waiting,
        None => BlobState::OnServer,
    };
    Ok((state, None))
}

fn trouble_of(blobs: &BlobsHandle, project: ProjectId, place: BlobPlace, state: BlobState) -> Option<String> {
    let is_full = state == BlobState::Waiting && blobs.had_no_room(project, place);
    is_full.then(|| "the disk of this device is full: free some space, then it comes by itself".to_owned())
}

fn upload_of(
    reader: &Reader,
    blobs: &BlobsHandle,
    project: ProjectId,
    place: BlobPlace,
) -> Answer<Option<Upload>> {
    let Some(transfer) = reader.transfer(&project, Direction::Send, place)? else { return Ok(None) };
    if transfer.cause == TransferCause::Lost && blobs.folder().size_of(place.blob)?.is_none() {
        return Ok(None);
    }
    let sent_bytes = blobs.progress(project, Direction::Send, place);
    Ok(Some(Upload { sent_bytes, refused: transfer.refused.map(refusal).map(str::to_owned) }))
}

const fn refusal(code: BlobCode) -> &'static str {
    match code {
        BlobCode::Absent => "the server does not know yet which comment it belongs to",
        BlobCode::TooLarge => "it is larger than the server takes",
        BlobCode::Quota => "too much was sent in a short time",
        BlobCode::Full => "the server has no room left",
        BlobCode::Busy => "the server has too much to do",
        BlobCode::Protocol | BlobCode::Other(_) => "the server and this device do not understand each other",
    }
}
