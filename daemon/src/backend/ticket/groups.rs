//! `ticket.groups`: what the tickets of a list have in common, with names and with the query that finds them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use assist_crdt_model::{Priority, ProjectId, UserId};
use assist_proto::api::ticket::{GroupBy, Groups, TicketGroup, TicketGroups};
use assist_proto::api::{ApiError, limits};
use assist_proto::query::quoted;
use assist_proto::store::Membership;

use super::list::filter_of;
use crate::api_server::Handle;
use crate::backend::errors::Answer;
use crate::backend::rows::Names;
use crate::backend::{LocalBackend, reference};
use crate::search::Search;
use crate::store::{self, GroupKey, Reader};

impl Handle<Groups> for LocalBackend {
    async fn handle(&self, params: Groups) -> Result<TicketGroups, ApiError> {
        // They are counted over every row there is.
        let search = self.search.clone();
        Ok(self.read(move |reader| groups(reader, &search, params)).await?)
    }
}

fn groups(reader: &Reader, search: &Search, params: Groups) -> Answer<TicketGroups> {
    let projects = reference::projects(reader, params.list.project.as_deref())?;
    let (filter, is_complete) = filter_of(reader, search, &params.list, &projects)?;
    let counts = reader.group_rows(&filter, counted_by(params.by))?;
    let mut namer = Namer { names: Names::new(reader), projects, by: params.by };
    let mut by_key = BTreeMap::<String, (GroupKey, TicketGroup)>::new();
    for (key, count) in counts {
        let group = namer.group(&key, count)?;
        // Somebody with the same address in two projects is one person.
        by_key
            .entry(group.query.clone())
            .and_modify(|(_, known)| known.count += count)
            .or_insert((key, group));
    }
    let total = by_key.len() as u64;
    let mut groups: Vec<(GroupKey, TicketGroup)> = by_key.into_values().collect();
    groups.sort_by(|left, right| rank(left).cmp(&rank(right)));
    groups.truncate(limits::PAGE_ROWS_MAX as usize);
    Ok(TicketGroups { groups: groups.into_iter().map(|(_, group)| group).collect(), total, is_complete })
}

const fn counted_by(by: GroupBy) -> store::GroupBy {
    match by {
        GroupBy::Status => store::GroupBy::Status,
        GroupBy::Priority => store::GroupBy::Priority,
        GroupBy::Assignee => store::GroupBy::Assignee,
        GroupBy::Requester => store::GroupBy::Requester,
        GroupBy::Label => store::GroupBy::Label,
        GroupBy::Project => store::GroupBy::Project,
    }
}

/// Where a group stands: steps in their order, the others by how many they are, what has none at the end.
fn rank((key, group): &(GroupKey, TicketGroup)) -> (bool, u64, Reverse<u64>, &str) {
    let (is_last, step) = match key {
        GroupKey::Status(status) => (false, *status as u64),
        GroupKey::Priority(priority) => {
            (priority.is_none(), priority.map_or(0, |priority| Priority::Urgent as u64 - priority as u64))
        }
        GroupKey::User(None) | GroupKey::Label(None) => (true, 0),
        GroupKey::User(_) | GroupKey::Label(_) | GroupKey::Project(_) => (false, 0),
    };
    (is_last, step, Reverse(group.count), &group.name)
}

/// Says what a group is.
struct Namer<'a> {
    names: Names<'a>,
    projects: Vec<Membership>,
    by: GroupBy,
}

impl Namer<'_> {
    fn group(&mut self, key: &GroupKey, count: u64) -> Answer<TicketGroup> {
        let (key, name, query) = match key {
            GroupKey::Status(status) => (status.to_string(), status.to_string(), format!("status:{status}")),
            GroupKey::Priority(Some(priority)) => {
                (priority.to_string(), priority.to_string(), format!("priority:{priority}"))
            }
            GroupKey::Priority(None) => none("no priority", "priority:none"),
            GroupKey::User(None) => none("nobody", "assignee:none"),
            GroupKey::User(Some((project, user))) => self.person(*project, *user)?,
            GroupKey::Label(Some(label)) => {
                (label.clone(), label.clone(), format!("label:{}", quoted(label)))
            }
            GroupKey::Label(None) => none("no label", "is:unlabelled"),
            GroupKey::Project(project) => self.project(*project),
        };
        Ok(TicketGroup { key, name, count, query })
    }

    fn person(&mut self, project: ProjectId, user: UserId) -> Answer<(String, String, String)> {
        let email = self.names.member(project, user)?.and_then(|member| member.email.clone());
        let name = self.names.user(project, user)?.name;
        let key = email.unwrap_or_else(|| user.to_string());
        let condition = if self.by == GroupBy::Requester { "requester" } else { "assignee" };
        let query = format!("{condition}:{}", quoted(&key));
        Ok((key, name, query))
    }

    fn project(&self, project: ProjectId) -> (String, String, String) {
        let id = project.to_string();
        let known = self.projects.iter().find(|known| known.project == project);
        let name = known.map_or_else(|| id.clone(), |known| known.name.clone());
        let query = format!("project:{id}");
        (id, name, query)
    }
}

fn none(name: &str, query: &str) -> (String, String, String) {
    ("none".to_owned(), name.to_owned(), query.to_owned())
}
