//! `draft.*`: what the server refused, kept until its author says otherwise.

use assist_crdt_model::RejectCode;
use assist_proto::api::draft::{Discard, Draft, Drafts, Get, List, Retry};
use assist_proto::api::ticket::TicketWritten;
use assist_proto::api::{ApiError, Done};
use assist_proto::hub::{Command, CommandError};
use assist_proto::store::{self, DraftId};

use super::errors::{Answer, invalid};
use super::rows::Names;
use super::{LocalBackend, edits, reference};
use crate::api_server::Handle;
use crate::store::{DeviceReads as _, Reader};

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<Drafts, ApiError> {
        Ok(list(&self.reader()?, params.project.as_deref())?)
    }
}

impl Handle<Get> for LocalBackend {
    async fn handle(&self, params: Get) -> Result<Draft, ApiError> {
        let reader = self.reader()?;
        let (_, draft) = find(&reader, &params.draft)?;
        Ok(show(&mut Names::new(&reader), draft)?)
    }
}

impl Handle<Discard> for LocalBackend {
    async fn handle(&self, params: Discard) -> Result<Done, ApiError> {
        let (id, _) = find(&self.reader()?, &params.draft)?;
        self.command(Command::DiscardDraft(id)).await?;
        Ok(Done {})
    }
}

impl Handle<Retry> for LocalBackend {
    async fn handle(&self, params: Retry) -> Result<TicketWritten, ApiError> {
        let (id, draft) = find(&self.reader()?, &params.draft)?;
        let written = self.write(draft.project, draft.doc, Command::RetryDraft(id)).await?;
        if written.change.is_none() {
            // Everything is as it asked already: there is nothing left to keep it for.
            self.discard_done(id).await?;
        }
        Ok(self.ticket_written(&written)?)
    }
}

impl LocalBackend {
    async fn discard_done(&self, id: DraftId) -> Answer<()> {
        match self.driver.command(Command::DiscardDraft(id)).await? {
            Ok(_) | Err(CommandError::NoSuchDraft) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn list(reader: &Reader, project: Option<&str>) -> Answer<Drafts> {
    let only = match project {
        Some(_) => Some(reference::project(reader, project)?.project),
        None => None,
    };
    let mut names = Names::new(reader);
    let drafts = reader.drafts()?.into_iter().map(|(_, draft)| draft);
    let drafts = drafts.filter(|draft| only.is_none_or(|only| only == draft.project));
    Ok(Drafts { drafts: drafts.map(|draft| show(&mut names, draft)).collect::<Answer<_>>()? })
}

fn find(reader: &Reader, reference: &str) -> Answer<(DraftId, store::Draft)> {
    let beginning = reference::spell(reference.trim());
    if beginning.is_empty() {
        return Err(invalid("bad_id", "draft", "expected a draft's id or the beginning of one"));
    }
    let mut found: Vec<(DraftId, store::Draft)> = reader
        .drafts()?
        .into_iter()
        .filter(|(_, draft)| draft.change.to_string().starts_with(&beginning))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => {
            let message = format!("there is no draft {reference}: draft.list shows those there are");
            Err(ApiError::not_found("no_such_draft", message).with_field("draft").into())
        }
        (Some(last), false) => {
            found.push(last);
            let ids = found.iter().map(|(_, draft)| draft.change.to_string()).collect();
            let message =
                format!("{reference:?} could be any of {} drafts: give more of the id", found.len());
            let error = ApiError::conflict("ambiguous_draft", message);
            Err(error.with_field("draft").with_nearest(ids).into())
        }
    }
}

fn show(names: &mut Names<'_>, draft: store::Draft) -> Answer<Draft> {
    let project = draft.project;
    let ticket = draft.doc.ticket().map(|ticket| names.ticket(project, ticket)).transpose()?;
    let mut told = Vec::with_capacity(draft.edits.len());
    for edit in draft.edits {
        told.extend(edits::describe(names, project, edit, None)?);
    }
    Ok(Draft {
        id: draft.change.to_string(),
        project: project.to_string(),
        ticket,
        created_at_millis: draft.made_at.0,
        refused_at_millis: draft.refused_at.unwrap_or(draft.made_at).0,
        reason: reason(draft.code).to_owned(),
        message: draft.reason,
        edits: told,
    })
}

/// Why it is a draft, for machines.
fn reason(code: u16) -> &'static str {
    match code {
        store::Draft::TAKEN_BACK => "taken_back",
        code => RejectCode::from_number(code).map_or("refused", RejectCode::as_str),
    }
}
