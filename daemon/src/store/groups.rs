//! Lists taken apart by what their tickets have in common: counted in one pass over the rows, no document opened.

use std::collections::BTreeMap;

use assist_crdt_model::{Priority, ProjectId, Status, UserId};
use assist_proto::store::StoreResult;

use super::list::{Match, RowFilter};
use super::reader::Reader;

/// By what a list is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// Where tickets are in their lives.
    Status,
    /// How urgent they are.
    Priority,
    /// Who works on them.
    Assignee,
    /// Whose problem they are.
    Requester,
    /// Each of their labels.
    Label,
    /// Whose server keeps them.
    Project,
}

/// What the tickets of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKey {
    /// Where they are in their lives.
    Status(Status),
    /// How urgent they are.
    Priority(Option<Priority>),
    /// A person, who is another user in every project; or nobody, in any.
    User(Option<(ProjectId, UserId)>),
    /// A label; or none.
    Label(Option<String>),
    /// Whose server keeps them.
    Project(ProjectId),
}

impl Reader {
    /// How many of a list's tickets have what in common.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn group_rows(&self, filter: &RowFilter, by: GroupBy) -> StoreResult<BTreeMap<GroupKey, u64>> {
        let scopes = self.scopes(filter.project.as_ref())?;
        let mut labels = BTreeMap::<String, u64>::new();
        let mut counts = BTreeMap::<GroupKey, u64>::new();
        self.each_match(&scopes, filter, &mut |found| {
            if by == GroupBy::Label {
                // Most labels are known already: they need no copy.
                for label in found.row.labels()? {
                    match labels.get_mut(label) {
                        Some(count) => *count += 1,
                        None => drop(labels.insert(label.to_owned(), 1)),
                    }
                }
            }
            if let Some(key) = key_of(&found, by)? {
                *counts.entry(key).or_default() += 1;
            }
            Ok(())
        })?;
        counts.extend(labels.into_iter().map(|(label, count)| (GroupKey::Label(Some(label)), count)));
        Ok(counts)
    }
}

/// The one group that a ticket is in; with labels it is in others.
fn key_of(found: &Match<'_>, by: GroupBy) -> StoreResult<Option<GroupKey>> {
    let row = found.row;
    Ok(Some(match by {
        GroupBy::Status => GroupKey::Status(row.status()?),
        GroupBy::Priority => GroupKey::Priority(row.priority()?),
        GroupBy::Assignee => GroupKey::User(row.assignee().map(|user| (found.project, user))),
        GroupBy::Requester => GroupKey::User(Some((found.project, row.requester()))),
        GroupBy::Project => GroupKey::Project(found.project),
        GroupBy::Label if row.labels()?.is_empty() => GroupKey::Label(None),
        GroupBy::Label => return Ok(None),
    }))
}
