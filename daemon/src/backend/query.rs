//! Queries of callers, with the names that this device knows.

use assist_crdt_model::{ProjectId, UserId};
use assist_proto::api::ApiError;
use assist_proto::query::{BindError, Bound, Follows, Me, Names, Query};
use assist_proto::store::{Kept, Membership};

use super::errors::{Answer, Failure, invalid};
use super::reference;
use crate::driver::read_clock;
use crate::store::{DeviceReads as _, Reader};

/// Takes a query apart and finds out who and what it means, in one project or in all.
pub(super) fn bind(reader: &Reader, project: Option<&str>, text: &str, field: &str) -> Answer<Bound> {
    let query = Query::parse(text).map_err(|error| {
        let message = format!("at character {}: {error}", error.column(text));
        invalid("bad_query", field, message)
    })?;
    let projects = reference::projects(reader, project)?;
    query.bind(read_clock(), &mut Book { reader, projects }).map_err(|error| {
        let BindError { value, error } = error;
        let column = text.get(..value.span.start).unwrap_or(text).chars().count() + 1;
        error.with_prefix(&format!("{field}: at character {column}: "))
    })
}

struct Book<'a> {
    reader: &'a Reader,
    projects: Vec<Membership>,
}

impl Names for Book<'_> {
    type Error = Failure;

    fn users(&mut self, name: &str) -> Answer<Vec<UserId>> {
        reference::users(self.reader, &self.projects, name, "query")
    }

    fn me(&mut self) -> Answer<Vec<Me>> {
        let me = |own: &Membership| Me { project: own.project, user: own.user, is_team: own.role.is_team() };
        Ok(self.projects.iter().map(me).collect())
    }

    fn follows(&mut self) -> Answer<Follows> {
        let mut follows = Follows::new();
        for own in &self.projects {
            let kept = self.reader.own_kept(&own.project)?;
            follows.extend(kept.iter().filter_map(|kept| match kept {
                Kept::Follow(of) => Some(((own.project, of.ticket), of.follow?)),
                Kept::View(_) | Kept::Mails(_) => None,
            }));
        }
        Ok(follows)
    }

    fn view(&mut self, name: &str) -> Answer<Query> {
        let saved = super::view::find(self.reader, &self.projects, name, "query")?;
        Query::parse(&saved.query).map_err(|error| {
            let message = format!("the view {name:?} holds a query that this version does not know: {error}");
            ApiError::conflict("unknown_view_query", message).with_field("query").into()
        })
    }

    fn projects(&mut self, name: &str) -> Answer<Vec<ProjectId>> {
        Ok(vec![reference::project(self.reader, Some(name))?.project])
    }
}
