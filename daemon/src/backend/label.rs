//! `label.*`: the catalogue of labels, kept in the project's own document.

use assist_crdt_model::{Body, DocId, Edit, Label};
use assist_proto::api::label::{Labels, List, Remove, Set};
use assist_proto::api::project::LabelInfo;
use assist_proto::api::{ApiError, Done};
use assist_proto::store::Membership;

use super::document::Document;
use super::errors::{Answer, of_text};
use super::{LocalBackend, reference};
use crate::api_server::Handle;
use crate::store::Reader;

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<Labels, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        Ok(Labels { labels: self.labels(own).await? })
    }
}

impl Handle<Set> for LocalBackend {
    async fn handle(&self, params: Set) -> Result<Done, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let label = Label::parse(&params.label).map_err(of_text("label"))?;
        let description = Body::parse(params.description).map_err(of_text("description"))?;
        Ok(self.edit_project(&own, Edit::DefineLabel { label, description }).await?)
    }
}

impl Handle<Remove> for LocalBackend {
    async fn handle(&self, params: Remove) -> Result<Done, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let label = Label::parse(&params.label).map_err(of_text("label"))?;
        let all = self.labels(own.clone()).await?;
        if !all.iter().any(|known| known.label == label.as_str()) {
            let message = format!(
                "the catalogue has no label {:?}: `label.list` shows those there are",
                label.as_str()
            );
            return Err(ApiError::not_found("no_such_label", message).with_field("label"));
        }
        Ok(self.edit_project(&own, Edit::RetireLabel(label)).await?)
    }
}

impl LocalBackend {
    /// Those of a project, by label, once its document passed the gate.
    async fn labels(&self, own: Membership) -> Answer<Vec<LabelInfo>> {
        self.verify(own.project, DocId::Project).await?;
        self.read(move |reader| all(reader, &own)).await
    }
}

fn all(reader: &Reader, own: &Membership) -> Answer<Vec<LabelInfo>> {
    let document = Document::load(reader, own, DocId::Project)?;
    let labels = document.and_then(|document| document.doc.project()).map(|project| project.labels);
    let labels = labels.unwrap_or_default().into_iter();
    Ok(labels.map(|(label, description)| LabelInfo { label: label.to_string(), description }).collect())
}
