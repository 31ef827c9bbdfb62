//! `view.*`: queries that the user has saved under a name. What is saved offline is told to the server later.

use assist_proto::api::view::{Get, List, Remove, Save, View, Views};
use assist_proto::api::{ApiError, Done};
use assist_proto::hub::Command;
use assist_proto::query::{Condition, Query};
use assist_proto::store::{Kept, KeptView, Membership, is_view_name};

use super::errors::{Answer, invalid};
use super::{LocalBackend, query, reference};
use crate::api_server::Handle;
use crate::store::{DeviceReads as _, Reader};

impl Handle<Save> for LocalBackend {
    async fn handle(&self, params: Save) -> Result<Done, ApiError> {
        let Save { project, name, query: text } = params;
        let own = {
            let reader = self.reader()?;
            let own = reference::project(&reader, project.as_deref())?;
            check(&reader, &name, &text)?;
            own
        };
        let kept = Kept::View(KeptView { name, query: Some(text) });
        self.command(Command::Keep { project: own.project, kept }).await?;
        Ok(Done {})
    }
}

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<Views, ApiError> {
        let reader = self.reader()?;
        let projects = reference::projects(&reader, params.project.as_deref())?;
        Ok(Views { views: all(&reader, &projects)? })
    }
}

impl Handle<Get> for LocalBackend {
    async fn handle(&self, params: Get) -> Result<View, ApiError> {
        let reader = self.reader()?;
        let projects = reference::projects(&reader, params.project.as_deref())?;
        Ok(find(&reader, &projects, &params.name, "name")?)
    }
}

impl Handle<Remove> for LocalBackend {
    async fn handle(&self, params: Remove) -> Result<Done, ApiError> {
        let own = {
            let reader = self.reader()?;
            let projects = reference::projects(&reader, params.project.as_deref())?;
            let view = find(&reader, &projects, &params.name, "name")?;
            reference::project(&reader, Some(&view.project))?
        };
        let kept = Kept::View(KeptView { name: params.name, query: None });
        self.command(Command::Keep { project: own.project, kept }).await?;
        Ok(Done {})
    }
}

/// A view is saved only if it can be asked for, and leads to no other view.
fn check(reader: &Reader, name: &str, text: &str) -> Answer<()> {
    if !is_view_name(name) {
        let message = "a view is called by one word of letters, digits, -, _ and ., of 64 bytes at the most";
        return Err(invalid("bad_view_name", "name", message.to_owned()));
    }
    query::bind(reader, None, text, "query")?;
    let parsed = Query::parse(text);
    if parsed.is_ok_and(|it| it.terms.iter().any(|term| matches!(term.condition, Condition::View(_)))) {
        return Err(invalid("view_in_view", "query", "a view stands on no other view".to_owned()));
    }
    Ok(())
}

/// All views of some projects, by project and name.
fn all(reader: &Reader, projects: &[Membership]) -> Answer<Vec<View>> {
    let mut views = Vec::new();
    for own in projects {
        let pending = reader.pending_kept(&own.project)?;
        let kept = reader.own_kept(&own.project)?;
        views.extend(kept.iter().filter_map(|kept| match kept {
            Kept::View(KeptView { name, query: Some(query) }) => Some(View {
                name: name.clone(),
                query: query.clone(),
                project: own.project.to_string(),
                is_on_server: !pending.contains(kept),
            }),
            Kept::View(_) | Kept::Follow(_) | Kept::Mails(_) => None,
        }));
    }
    Ok(views)
}

/// The one view of that name.
pub(super) fn find(reader: &Reader, projects: &[Membership], name: &str, field: &str) -> Answer<View> {
    let all = all(reader, projects)?;
    let mut named = all.iter().filter(|view| view.name == name);
    match (named.next(), named.next()) {
        (Some(view), None) => Ok(view.clone()),
        (None, _) => {
            let message = format!("there is no view {name:?}: `view.list` shows those there are");
            let nearest = all.iter().map(|view| view.name.clone()).take(5).collect();
            let error = ApiError::not_found("no_such_view", message).with_field(field);
            Err(error.with_nearest(nearest).into())
        }
        (Some(_), Some(_)) => {
            let message = format!("several projects keep a view {name:?}: say which project is meant");
            Err(ApiError::conflict("ambiguous_view", message).with_field(field).into())
        }
    }
}
