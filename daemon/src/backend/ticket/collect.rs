//! `ticket.collect`: tickets with all that is kept of each, for an export: every document is read and opened once.
//!
//! **Invariant:** nothing is proved here. What is stored was proved when it came in, and is sealed since.

use assist_crdt_model::{Comment, DocId, ProjectId, TicketId, UnixMillis};
use assist_proto::api::ApiError;
use assist_proto::api::attachment::AttachmentState;
use assist_proto::api::limits::{COLLECT_CHANGE_BYTES_MAX, COLLECT_TICKETS_MAX};
use assist_proto::api::sync::DeliveryState;
use assist_proto::api::ticket::{Collect, CollectedTicket, CollectedTickets, HistoryChange};
use assist_proto::store::{Membership, TicketRow};

use super::{no_such_ticket, show_comment, show_loaded, show_row, tell_all};
use crate::api_server::Handle;
use crate::backend::attachment::{attachments_of, docs_of};
use crate::backend::authorship::{bundle_text, evidence};
use crate::backend::document::{Document, Stored};
use crate::backend::errors::{Answer, invalid};
use crate::backend::rows::Rows;
use crate::backend::{LocalBackend, connection, reference};
use crate::blobs::BlobsHandle;
use crate::driver::read_clock;
use crate::store::{DeviceReads as _, Reader};

impl Handle<Collect> for LocalBackend {
    async fn handle(&self, params: Collect) -> Result<CollectedTickets, ApiError> {
        let asked = self.read(move |reader| find(reader, &params)).await?;
        for (project, doc) in asked.unverified {
            self.verify(project, doc).await?;
        }
        let held_up =
            |own: &Membership| connection::held_up(self.driver.status().borrow().projects.get(&own.project));
        let held_up: Vec<_> = asked.tickets.iter().map(|(own, _)| held_up(own)).collect();
        let (blobs, now) = (self.blobs.clone(), read_clock());
        let mut tickets = self.read(move |reader| collect(reader, &blobs, &asked.tickets, now)).await?;
        for (collected, held_up) in tickets.iter_mut().zip(held_up) {
            let is_waiting = collected.ticket.row.state == Some(DeliveryState::SavedHere);
            collected.ticket.held_up = held_up.filter(|_| is_waiting);
        }
        Ok(CollectedTickets { tickets })
    }
}

/// The tickets that are meant.
struct Asked {
    tickets: Vec<(Membership, TicketId)>,
    /// Documents of them that have not passed the gate yet.
    unverified: Vec<(ProjectId, DocId)>,
}

fn find(reader: &Reader, params: &Collect) -> Answer<Asked> {
    if params.tickets.is_empty() {
        return Err(invalid("no_tickets", "tickets", "say which tickets"));
    }
    if params.tickets.len() > COLLECT_TICKETS_MAX {
        let count = params.tickets.len();
        let message = format!("{count} tickets are asked for, at most {COLLECT_TICKETS_MAX} at once");
        return Err(ApiError::limit("too_many_tickets", message).with_field("tickets").into());
    }
    let mut asked = Asked { tickets: Vec::with_capacity(params.tickets.len()), unverified: Vec::new() };
    for (index, text) in params.tickets.iter().enumerate() {
        let field = format!("tickets[{index}]");
        let (own, ticket) = reference::ticket(reader, params.project.as_deref(), text, &field)?;
        for doc in docs_of(&own, ticket) {
            if reader.is_unverified(&own.project, doc)? {
                asked.unverified.push((own.project, doc));
            }
        }
        asked.tickets.push((own, ticket));
    }
    Ok(asked)
}

/// Collects the first of some tickets: as many as stay below the bound, and one whatever its size is.
fn collect(
    reader: &Reader,
    blobs: &BlobsHandle,
    asked: &[(Membership, TicketId)],
    now: UnixMillis,
) -> Answer<Vec<CollectedTicket>> {
    let mut collector = Collector { rows: Rows::new(reader), blobs, now };
    let (mut collected, mut change_bytes) = (Vec::with_capacity(asked.len()), 0);
    for (own, ticket) in asked {
        let text = Stored::read(reader, own, DocId::Ticket(*ticket))?;
        let notes = if own.role.is_team() {
            Stored::read(reader, own, DocId::Notes(*ticket))?
        } else {
            Stored::default()
        };
        change_bytes += text.change_bytes() + notes.change_bytes();
        if change_bytes > COLLECT_CHANGE_BYTES_MAX && !collected.is_empty() {
            break;
        }
        collected.push(collector.ticket(own, *ticket, text, notes)?);
    }
    Ok(collected)
}

/// What the tickets of one call are looked up with.
struct Collector<'a> {
    rows: Rows<'a>,
    blobs: &'a BlobsHandle,
    now: UnixMillis,
}

/// What is kept of one document.
struct Kept {
    document: Document,
    history: Vec<HistoryChange>,
    bundle: String,
}

impl Collector<'_> {
    fn ticket(
        &mut self,
        own: &Membership,
        ticket: TicketId,
        text: Stored,
        notes: Stored,
    ) -> Answer<CollectedTicket> {
        let row = self.rows.reader().row(&own.project, ticket)?.ok_or_else(no_such_ticket)?;
        let number = row.number;
        let mut collected = self.text(own, row, text)?;
        if let Some(kept) = self.kept(own, DocId::Notes(ticket), number, notes)? {
            let notes = kept.document.doc.notes().unwrap_or_default();
            if collected.ticket.row.is_loaded {
                collected.ticket.note_count = notes.len() as u64;
            }
            collected.attachments.extend(self.attachments(own, DocId::Notes(ticket), &notes)?);
            let names = &mut self.rows.names;
            let shown = notes.into_iter().map(|note| show_comment(&kept.document, own, names, note));
            collected.notes = shown.collect::<Answer<_>>()?;
            collected.notes_bundle = Some(kept.bundle);
        }
        Ok(collected)
    }

    /// The ticket without its notes.
    fn text(&mut self, own: &Membership, row: TicketRow, stored: Stored) -> Answer<CollectedTicket> {
        let doc = DocId::Ticket(row.ticket);
        let kept = self.kept(own, doc, row.number, stored)?;
        let loaded = kept.and_then(|kept| Some((kept.document.doc.ticket()?, kept)));
        let Some((ticket, kept)) = loaded else {
            let ticket = show_row(&mut self.rows, own, row)?;
            let (notes, history, attachments) = (Vec::new(), Vec::new(), Vec::new());
            let (bundle, notes_bundle) = (None, None);
            return Ok(CollectedTicket { ticket, notes, history, attachments, bundle, notes_bundle });
        };
        Ok(CollectedTicket {
            attachments: self.attachments(own, doc, &ticket.comments)?,
            ticket: show_loaded(&mut self.rows, own, row, &kept.document, ticket, 0)?,
            notes: Vec::new(),
            history: kept.history,
            bundle: Some(kept.bundle),
            notes_bundle: None,
        })
    }

    /// Opens a document; `None` if nothing of it is here.
    fn kept(
        &mut self,
        own: &Membership,
        doc: DocId,
        number: Option<u32>,
        stored: Stored,
    ) -> Answer<Option<Kept>> {
        let (reader, names) = (self.rows.reader(), &mut self.rows.names);
        let Some(document) = Document::of(reader, own, doc, &stored, None)? else { return Ok(None) };
        let (history, told) = tell_all(&document, own, names)?;
        let evidence = evidence(reader, own, doc, stored)?;
        let bundle = bundle_text(evidence, own, number, &told, names, self.now)?;
        Ok(Some(Kept { document, history, bundle }))
    }

    fn attachments(
        &mut self,
        own: &Membership,
        doc: DocId,
        texts: &[Comment],
    ) -> Answer<Vec<AttachmentState>> {
        attachments_of(self.rows.reader(), self.blobs, own, &mut self.rows.names, doc, texts)
    }
}
