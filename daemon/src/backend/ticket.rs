//! `ticket.*`: filing, reading and changing tickets.

mod bulk;
mod collect;
mod groups;
mod list;
mod merge;
mod past;
mod sharing;

use std::collections::BTreeSet;

use assist_crdt_model::{self as model, Body, DocId, Edit, Field, Label, Reason, Title, UnixMillis, UserId};
use assist_proto::api::comment::{Attachment, Comment};
use assist_proto::api::limits;
use assist_proto::api::sync::DeliveryState;
use assist_proto::api::ticket::{
    Conflict, ConflictValue, Create, Edit as EditParams, FieldValues, Follow, Get, History, HistoryChange,
    MarkRead, Patch, Resolve, SetFollow, Ticket, TicketHistory, TicketRef, TicketWritten, describe,
};
use assist_proto::api::user::UserName;
use assist_proto::api::{ApiError, Done};
use assist_proto::hub::{Command, WireEdit};
use assist_proto::store::{self, Kept, KeptFollow, Membership, Seq, TicketRow};

use super::attachment::blobs_of;
use super::document::Document;
use super::errors::{Answer, Failure, invalid, of_text};
use super::rows::{Names, RowFacts, Rows};
use super::{LocalBackend, Written, connection, edits, reference};
use crate::api_server::Handle;
use crate::store::{DeviceReads as _, Reader};

impl Handle<Create> for LocalBackend {
    async fn handle(&self, params: Create) -> Result<TicketWritten, ApiError> {
        let attachments = self.attachments(params.attachments.clone()).await?;
        let blobs = blobs_of(&attachments);
        let command = create_command(&self.reader()?, params, attachments)?;
        let written = Written::of(self.command(command).await?)?;
        self.uploads_are_named(blobs);
        Ok(self.ticket_written(&written)?)
    }
}

impl Handle<EditParams> for LocalBackend {
    async fn handle(&self, params: EditParams) -> Result<TicketWritten, ApiError> {
        let (project, doc, edits) = edit_parts(&self.reader()?, params)?;
        let written = self.write(project, doc, Command::Edit { project, doc, edits }).await?;
        Ok(self.ticket_written(&written)?)
    }
}

impl Handle<Get> for LocalBackend {
    async fn handle(&self, params: Get) -> Result<Ticket, ApiError> {
        let (own, row) = self.verified_ticket(params.project.as_deref(), &params.ticket).await?;
        let held_up = connection::held_up(self.driver.status().borrow().projects.get(&own.project));
        let ticket = self.read(move |reader| show(reader, &own, row, &params)).await?;
        let is_waiting = ticket.row.state == Some(DeliveryState::SavedHere);
        Ok(Ticket { held_up: held_up.filter(|_| is_waiting), ..ticket })
    }
}

impl Handle<History> for LocalBackend {
    async fn handle(&self, params: History) -> Result<TicketHistory, ApiError> {
        let limit = page_limit(params.limit, limits::PAGE_ROWS_MAX)?;
        let (own, row) = self.verified_ticket(params.project.as_deref(), &params.ticket).await?;
        Ok(self.read(move |reader| tell_history(reader, &own, row, params.offset, limit)).await?)
    }
}

impl Handle<MarkRead> for LocalBackend {
    async fn handle(&self, params: MarkRead) -> Result<Done, ApiError> {
        let (own, row) = self.verified_ticket(params.project.as_deref(), &params.ticket).await?;
        let through = params.through.map(Seq);
        self.command(Command::MarkRead { project: own.project, ticket: row.ticket, through }).await?;
        Ok(Done {})
    }
}

impl Handle<SetFollow> for LocalBackend {
    async fn handle(&self, params: SetFollow) -> Result<Done, ApiError> {
        let (own, ticket) =
            reference::ticket(&self.reader()?, params.project.as_deref(), &params.ticket, "ticket")?;
        let follow = match params.follow {
            None => None,
            Some(Follow::Following) => Some(store::Follow::Following),
            Some(Follow::Muted) => Some(store::Follow::Muted),
            Some(Follow::Other) => {
                let message = "a ticket is `following`, `muted`, or null for what is usual";
                return Err(ApiError::invalid_params("bad_follow", message).with_field("follow"));
            }
        };
        let kept = Kept::Follow(KeptFollow { ticket, follow });
        self.command(Command::Keep { project: own.project, kept }).await?;
        Ok(Done {})
    }
}

impl Handle<Resolve> for LocalBackend {
    async fn handle(&self, params: Resolve) -> Result<TicketRef, ApiError> {
        let reader = self.reader()?;
        let (own, ticket) =
            reference::ticket(&reader, params.project.as_deref(), &params.reference, "reference")?;
        Ok(Names::new(&reader).ticket(own.project, ticket)?)
    }
}

impl LocalBackend {
    /// The ticket that is meant, once its document passed the gate.
    pub(super) async fn verified_ticket(
        &self,
        project: Option<&str>,
        reference: &str,
    ) -> Answer<(Membership, TicketRow)> {
        let (own, ticket) = reference::ticket(&self.reader()?, project, reference, "ticket")?;
        self.verify(own.project, DocId::Ticket(ticket)).await?;
        let row = self.reader()?.row(&own.project, ticket)?.ok_or_else(no_such_ticket)?;
        Ok((own, row))
    }

    pub(super) fn ticket_written(&self, written: &Written) -> Answer<TicketWritten> {
        let ticket =
            written.doc.ticket().ok_or_else(|| Failure::unforeseen("a ticket's change has no ticket"))?;
        let reader = self.reader()?;
        let ticket = Names::new(&reader).ticket(written.project, ticket)?;
        Ok(TicketWritten { ticket, change: written.change() })
    }
}

fn create_command(reader: &Reader, params: Create, attachments: Vec<model::Attachment>) -> Answer<Command> {
    let own = reference::project(reader, params.project.as_deref())?;
    let user = |text: &str, field: &str| reference::user(reader, &own, text, field);
    let title = Title::parse(&params.title).map_err(of_text("title"))?;
    let body = Body::parse(params.body).map_err(of_text("body"))?;
    let requester = params.requester.map(|text| user(&text, "requester")).transpose()?;
    let mut edits: Vec<Edit> = labels(&params.labels, "labels")?.into_iter().map(Edit::AddLabel).collect();
    edits.extend(params.priority.map(|priority| Edit::SetPriority(Some(priority.into()))));
    if let Some(text) = params.assignee {
        edits.push(Edit::SetAssignee(Some(agent(reader, &own, &text, "assignee")?)));
    }
    Ok(Command::CreateTicket { project: own.project, requester, title, body, edits, attachments })
}

fn edit_parts(reader: &Reader, params: EditParams) -> Answer<(model::ProjectId, DocId, Vec<Edit>)> {
    let (own, ticket) = reference::ticket(reader, params.project.as_deref(), &params.ticket, "ticket")?;
    let EditParams { set, add_labels, remove_labels, .. } = params;
    let edits = ticket_edits(reader, &own, ticket, set, &add_labels, &remove_labels)?;
    Ok((own.project, DocId::Ticket(ticket), edits))
}

/// What is to be written to one ticket.
pub(super) fn ticket_edits(
    reader: &Reader,
    own: &Membership,
    ticket: model::TicketId,
    set: FieldValues,
    add_labels: &[String],
    remove_labels: &[String],
) -> Answer<Vec<Edit>> {
    let is_asleep = reader.row(&own.project, ticket)?.is_some_and(|row| row.snoozed_until_millis.is_some());
    let mut edits = field_edits(reader, own, set, is_asleep)?;
    let added = labels(add_labels, "add_labels")?;
    let removed = labels(remove_labels, "remove_labels")?;
    if let Some(label) = added.intersection(&removed).next() {
        return Err(invalid("label_twice", "remove_labels", format!("{:?} is put on too", label.as_str())));
    }
    edits.extend(added.into_iter().map(Edit::AddLabel));
    edits.extend(removed.into_iter().map(Edit::RemoveLabel));
    Ok(edits)
}

fn field_edits(reader: &Reader, own: &Membership, set: FieldValues, is_asleep: bool) -> Answer<Vec<Edit>> {
    let mut edits = Vec::new();
    if let Some(title) = set.title {
        edits.push(Edit::SetTitle(Title::parse(&title).map_err(of_text("set.title"))?));
    }
    if let Some(body) = set.body {
        edits.push(Edit::SetBody(Body::parse(body).map_err(of_text("set.body"))?));
    }
    let reason =
        new_value(set.close_reason).map(|text| close_reason(text, "set.close_reason")).transpose()?;
    if let Some(status) = set.status.map(model::Status::from) {
        edits.push(Edit::SetStatus(status));
        edits.extend(reason_with(status, reason.is_some()));
    }
    edits.extend(reason.map(Edit::SetCloseReason));
    if let Some(assignee) = new_value(set.assignee) {
        let user = assignee.map(|text| agent(reader, own, &text, "set.assignee")).transpose()?;
        edits.push(Edit::SetAssignee(user));
    }
    edits.extend(
        new_value(set.priority).map(|priority| Edit::SetPriority(priority.map(model::Priority::from))),
    );
    if let Some(time) = new_value(set.snoozed_until_millis) {
        if time.is_some_and(|time| time > model::limits::VALUE_TIMES_MAX) {
            return Err(invalid("bad_time", "set.snoozed_until_millis", "the time is out of bounds"));
        }
        // A snooze that a reply has ended still stands in the document: written over, it begins anew.
        edits.extend(time.filter(|_| !is_asleep).map(|_| Edit::SetSnoozedUntil(None)));
        edits.push(Edit::SetSnoozedUntil(time.map(UnixMillis)));
    }
    Ok(edits)
}

fn close_reason(text: Option<String>, field: &str) -> Answer<Option<Reason>> {
    text.map(|text| Reason::parse(&text).map_err(of_text(field))).transpose()
}

/// What a status means for the reason: one of an earlier closing does not come back.
pub(super) fn reason_with(status: model::Status, has_reason: bool) -> Option<Edit> {
    (status == model::Status::Closed && !has_reason).then_some(Edit::SetCloseReason(None))
}

/// What a field is to hold from now on, if it is to change.
fn new_value<T>(patch: Patch<T>) -> Option<Option<T>> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(None),
        Patch::Set(value) => Some(Some(value)),
    }
}

fn labels(texts: &[String], field: &str) -> Answer<BTreeSet<Label>> {
    let parse =
        |(index, text): (usize, &String)| Label::parse(text).map_err(of_text(&format!("{field}[{index}]")));
    texts.iter().enumerate().map(parse).collect()
}

/// A user to hand a ticket to: of the team, as far as is known here.
fn agent(reader: &Reader, own: &Membership, text: &str, field: &str) -> Answer<UserId> {
    let user = reference::user(reader, own, text, field)?;
    let member = reader.member(&own.project, user)?;
    match member {
        // A customer must not assign at all, which the hub says better.
        Some(member) if own.role.is_team() && !member.role.is_team() => {
            Err(invalid("not_an_agent", field, format!("{} is not of the team", member.name)))
        }
        _ => Ok(user),
    }
}

fn show(reader: &Reader, own: &Membership, row: TicketRow, params: &Get) -> Answer<Ticket> {
    let mut rows = Rows::new(reader);
    let document = Document::load(reader, own, DocId::Ticket(row.ticket))?;
    let moment = document.as_ref().map(|document| past::moment(&document.doc, params)).transpose()?.flatten();
    let (document, row) = match moment {
        Some(moment) => past::as_of(reader, own, row, moment).map(|(document, row)| (Some(document), row))?,
        None => (document, row),
    };
    let loaded = document.as_ref().and_then(|document| Some((document, document.doc.ticket()?)));
    let Some((document, mut ticket)) = loaded else { return show_row(&mut rows, own, row) };
    let skipped = usize::try_from(params.comments_offset).unwrap_or(usize::MAX);
    let count =
        params.comments_limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    ticket.comments = ticket.comments.into_iter().skip(skipped).take(count).collect();
    let note_count = note_count(reader, own, ticket.id)?;
    let newest = moment.and_then(|_| document.doc.history().pop());
    let as_of_change = newest.map(|entry| entry.change.to_string());
    Ok(Ticket { as_of_change, ..show_loaded(&mut rows, own, row, document, ticket, note_count)? })
}

/// A ticket that is listed, but whose document is still on its way: the row is all there is.
fn show_row(rows: &mut Rows<'_>, own: &Membership, row: TicketRow) -> Answer<Ticket> {
    let facts = RowFacts { state: None, is_loaded: false };
    Ok(Ticket {
        row: rows.row_with(own.project, row, facts)?,
        body: String::new(),
        comments: Vec::new(),
        conflicts: Vec::new(),
        note_count: 0,
        close_reason: None,
        links: Vec::new(),
        merged: Vec::new(),
        place: 0,
        read_by: Vec::new(),
        as_of_change: None,
        held_up: None,
    })
}

/// A ticket with those of its comments that are to be shown.
fn show_loaded(
    rows: &mut Rows<'_>,
    own: &Membership,
    row: TicketRow,
    document: &Document,
    ticket: model::Ticket,
    note_count: u64,
) -> Answer<Ticket> {
    let facts = RowFacts { state: document.newest_state(), is_loaded: true };
    let row = rows.row_with(own.project, row, facts)?;
    let reader = rows.reader();
    let names = &mut rows.names;
    let (links, merged) = show_links(reader, own, names, ticket.id, ticket.links)?;
    let filed = document.doc.first_change();
    let read_by = filed.map(|change| document.read_by(&change, names)).transpose()?.unwrap_or_default();
    let comments = ticket.comments.into_iter().map(|comment| show_comment(document, own, names, comment));
    let comments = comments.collect::<Answer<_>>()?;
    Ok(Ticket {
        row,
        body: ticket.body,
        comments,
        conflicts: show_conflicts(document, own, names, ticket.conflicts)?,
        note_count,
        close_reason: ticket.close_reason.map(|reason| reason.to_string()),
        links,
        merged,
        place: document.newest_place().0,
        read_by,
        as_of_change: None,
        held_up: None,
    })
}

/// The tickets that have to do with this one, and those of them that go on in it. What a customer cannot see is not
/// shown to them, not even that it is there.
fn show_links(
    reader: &Reader,
    own: &Membership,
    names: &Names<'_>,
    ticket: model::TicketId,
    links: BTreeSet<model::TicketId>,
) -> Answer<(Vec<TicketRef>, Vec<TicketRef>)> {
    let (mut shown, mut merged) = (Vec::new(), Vec::new());
    for other in links {
        let row = reader.row(&own.project, other)?;
        if row.is_none() && !own.role.is_team() {
            continue;
        }
        let name = names.ticket(own.project, other)?;
        if row.is_some_and(|row| row.merged_into == Some(ticket)) {
            merged.push(name.clone());
        }
        shown.push(name);
    }
    Ok((shown, merged))
}

fn note_count(reader: &Reader, own: &Membership, ticket: model::TicketId) -> Answer<u64> {
    if !own.role.is_team() {
        return Ok(0);
    }
    let notes = Document::load(reader, own, DocId::Notes(ticket))?.and_then(|document| document.doc.notes());
    Ok(notes.map_or(0, |notes| notes.len() as u64))
}

pub(super) fn show_comment(
    document: &Document,
    own: &Membership,
    names: &mut Names<'_>,
    comment: model::Comment,
) -> Answer<Comment> {
    Ok(Comment {
        id: comment.id.to_string(),
        author: names.author(own.project, comment.author)?,
        created_at_millis: document.shown_at(&comment.change, comment.created_at).0,
        body: comment.body,
        reply_to: comment.reply_to.map(|id| id.to_string()),
        edited_at_millis: comment.edited_at.map(|time| time.0),
        is_deleted: comment.is_deleted,
        attachments: comment.attachments.into_iter().map(show_attachment).collect(),
        state: document.state(&comment.change),
        read_by: document.read_by(&comment.change, names)?,
        held_until_millis: document.held_until(&comment.change).map(|until| until.0),
        losing_bodies: comment.losing_bodies.iter().map(ToString::to_string).collect(),
        change: comment.change.to_string(),
    })
}

fn show_attachment(attachment: model::Attachment) -> Attachment {
    let model::Attachment { blob, name, size_bytes, media_type } = attachment;
    Attachment { blob: blob.to_string(), name, size_bytes, media_type }
}

fn show_conflicts(
    document: &Document,
    own: &Membership,
    names: &mut Names<'_>,
    conflicts: Vec<model::Conflict>,
) -> Answer<Vec<Conflict>> {
    if conflicts.is_empty() {
        return Ok(Vec::new());
    }
    // Who wrote a value and when stands in the change.
    let history = document.doc.history();
    let mut show_value = |value: model::ConflictValue, is_of_user: bool| -> Answer<ConflictValue> {
        let written_at = history.iter().find(|entry| entry.change == value.change).map(|entry| entry.at);
        Ok(ConflictValue {
            text: if is_of_user { edits::user_text(names, own.project, value.text)? } else { value.text },
            author: author_of(document, own, names, &value.change)?,
            at_millis: document.shown_at(&value.change, written_at.unwrap_or_default()).0,
            change: value.change.to_string(),
        })
    };
    let mut show = |conflict: model::Conflict| -> Answer<Conflict> {
        let is_of_user = conflict.field == Field::Assignee;
        let field = field_name(conflict.field).to_owned();
        let values = conflict.values.into_iter().map(|value| show_value(value, is_of_user));
        let values = values.collect::<Answer<_>>()?;
        Ok(Conflict { field, values })
    };
    conflicts.into_iter().map(&mut show).collect()
}

/// The API says the unit of a time with its name.
const fn field_name(field: Field) -> &'static str {
    match field {
        Field::SnoozedUntil => "snoozed_until_millis",
        other => other.as_str(),
    }
}

fn tell_history(
    reader: &Reader,
    own: &Membership,
    row: TicketRow,
    offset: u64,
    limit: usize,
) -> Answer<TicketHistory> {
    let Some(document) = Document::load(reader, own, DocId::Ticket(row.ticket))? else {
        return Ok(TicketHistory::default());
    };
    let (mut names, mut told) = (Names::new(reader), BTreeSet::new());
    let history = document.doc.history();
    let total = history.len() as u64;
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let changes = history.into_iter().skip(skipped).take(limit);
    let changes = changes.map(|entry| tell_change(&document, own, &mut names, &mut told, entry));
    Ok(TicketHistory { changes: changes.collect::<Answer<_>>()?, total })
}

/// Tells a change, and notes down whom it names.
fn tell_change(
    document: &Document,
    own: &Membership,
    names: &mut Names<'_>,
    told: &mut BTreeSet<UserId>,
    entry: model::HistoryEntry,
) -> Answer<HistoryChange> {
    let mut edits = Vec::with_capacity(entry.edits.len());
    for (edit, before) in entry.edits {
        edits.extend(describe(WireEdit::from(&edit), before, |user| -> Answer<String> {
            told.insert(user);
            Ok(names.user(own.project, user)?.name)
        })?);
    }
    let place = document.place(&entry.change);
    told.extend(place.and_then(|place| place.author));
    let device = place.map(|place| place.device);
    Ok(HistoryChange {
        change: entry.change.to_string(),
        at_millis: document.shown_at(&entry.change, entry.at).0,
        author: author_of(document, own, names, &entry.change)?,
        device: device.map(|device| device.to_string()),
        device_name: device.map(|device| names.device(own.project, &device)).transpose()?.flatten(),
        state: document.state(&entry.change),
        edits,
    })
}

/// Tells all changes of a document, and whom they name.
pub(super) fn tell_all(
    document: &Document,
    own: &Membership,
    names: &mut Names<'_>,
) -> Answer<(Vec<HistoryChange>, BTreeSet<UserId>)> {
    let mut told = BTreeSet::new();
    let history = document.doc.history().into_iter();
    let changes = history.map(|entry| tell_change(document, own, names, &mut told, entry));
    Ok((changes.collect::<Answer<_>>()?, told))
}

fn author_of(
    document: &Document,
    own: &Membership,
    names: &mut Names<'_>,
    change: &model::ChangeHash,
) -> Answer<UserName> {
    match document.place(change).and_then(|place| place.author) {
        Some(user) => names.user(own.project, user),
        // The gate lets nothing in whose author is unknown, so this is of a device that was forgotten since.
        None => Ok(UserName { id: String::new(), name: "unknown".to_owned() }),
    }
}

/// How many rows a page has.
pub(super) fn page_limit(asked: Option<u32>, default: u32) -> Answer<usize> {
    let limit = asked.unwrap_or(default);
    if limit > limits::PAGE_ROWS_MAX {
        let message = format!("{limit} rows are asked for, at most {} come at once", limits::PAGE_ROWS_MAX);
        return Err(invalid("page_too_large", "limit", message));
    }
    Ok(limit as usize)
}

fn no_such_ticket() -> Failure {
    ApiError::not_found("no_such_ticket", "the ticket is not here any more").with_field("ticket").into()
}
