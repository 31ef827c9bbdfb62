//! `canned.*`: texts for common answers, kept in the project's own document.

use assist_crdt_model::{DocId, Edit, Label};
use assist_proto::api::canned::{CannedReplies, List, Places, Preview, Previewed, Remove, Set, fill};
use assist_proto::api::project::CannedReply;
use assist_proto::api::{ApiError, Done};
use assist_proto::hub::Command;
use assist_proto::store::Membership;

use super::comment::body;
use super::document::Document;
use super::errors::{Answer, of_text};
use super::rows::Names;
use super::{LocalBackend, reference};
use crate::api_server::Handle;
use crate::store::Reader;

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<CannedReplies, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        Ok(CannedReplies { canned_replies: self.canned_replies(own).await? })
    }
}

impl Handle<Set> for LocalBackend {
    async fn handle(&self, params: Set) -> Result<Done, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let name = Label::parse(&params.name).map_err(of_text("name"))?;
        let edit = Edit::DefineCannedReply { name, body: body(params.body)? };
        Ok(self.edit_project(&own, edit).await?)
    }
}

impl Handle<Remove> for LocalBackend {
    async fn handle(&self, params: Remove) -> Result<Done, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let all = self.canned_replies(own.clone()).await?;
        let name = find(&all, &params.name)?.name.clone();
        let name = Label::parse(&name).map_err(of_text("name"))?;
        Ok(self.edit_project(&own, Edit::RetireCannedReply(name)).await?)
    }
}

impl Handle<Preview> for LocalBackend {
    async fn handle(&self, params: Preview) -> Result<Previewed, ApiError> {
        let (own, row) = self.verified_ticket(params.project.as_deref(), &params.ticket).await?;
        let all = self.canned_replies(own.clone()).await?;
        let canned = find(&all, &params.name)?;
        let reader = self.reader()?;
        let mut names = Names::new(&reader);
        let ticket = names.ticket(own.project, row.ticket)?;
        let number = ticket.number.map_or_else(|| ticket.short_id.clone(), |number| format!("#{number}"));
        let customer = names.user(own.project, row.requester)?.name;
        let agent = names.user(own.project, own.user)?.name;
        let places = Places { customer: &customer, number: &number, agent: &agent, project: &own.name };
        Ok(Previewed { name: canned.name.clone(), body: fill(&canned.body, &places) })
    }
}

impl LocalBackend {
    /// Those of a project, by name, once its document passed the gate.
    async fn canned_replies(&self, own: Membership) -> Answer<Vec<CannedReply>> {
        self.verify(own.project, DocId::Project).await?;
        self.read(move |reader| all(reader, &own)).await
    }

    pub(super) async fn edit_project(&self, own: &Membership, edit: Edit) -> Answer<Done> {
        let (project, doc) = (own.project, DocId::Project);
        self.write(project, doc, Command::Edit { project, doc, edits: vec![edit] }).await?;
        Ok(Done {})
    }
}

fn all(reader: &Reader, own: &Membership) -> Answer<Vec<CannedReply>> {
    let document = Document::load(reader, own, DocId::Project)?;
    let canned = document.and_then(|document| document.doc.project()).map(|project| project.canned_replies);
    let canned = canned.unwrap_or_default().into_iter();
    Ok(canned.map(|(name, body)| CannedReply { name: name.to_string(), body }).collect())
}

/// The one that is meant: by its name, or by the beginning of it.
fn find<'a>(all: &'a [CannedReply], name: &str) -> Answer<&'a CannedReply> {
    let name = name.trim();
    if let Some(whole) = all.iter().find(|canned| canned.name == name) {
        return Ok(whole);
    }
    let folded = name.to_lowercase();
    let fits = |canned: &&CannedReply| !folded.is_empty() && canned.name.to_lowercase().starts_with(&folded);
    let found: Vec<&CannedReply> = all.iter().filter(fits).collect();
    match found.as_slice() {
        [only] => Ok(only),
        [] => {
            let message = format!("there is no canned reply {name:?}: `canned.list` shows those there are");
            Err(ApiError::not_found("no_such_canned_reply", message).with_field("name").into())
        }
        several => {
            let message = format!("{name:?} could be any of {} canned replies", several.len());
            let names = several.iter().map(|canned| canned.name.clone()).collect();
            Err(ApiError::conflict("ambiguous_canned_reply", message)
                .with_field("name")
                .with_nearest(names)
                .into())
        }
    }
}
