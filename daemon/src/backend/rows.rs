//! Rows and names: what the API shows beside ids.

use std::collections::BTreeMap;

use assist_crdt_model::{DeviceId, DocId, ProjectId, TicketId, UserId};
use assist_proto::api::comment::{Author, ReadBy};
use assist_proto::api::sync::DeliveryState;
use assist_proto::api::ticket::{self, TicketRef};
use assist_proto::api::user::UserName;
use assist_proto::store::{
    Follow, Kept, KeptAll, KeptKey, Mark, Membership, ReadMark, Seq, StoreResult, SyncState, TicketRow,
};
use assist_proto::wire::Member;

use super::errors::{Answer, Failure, not_joined};
use super::reference::SHORT_CHARS;
use crate::store::{DeviceReads as _, Reader};

/// Looks names up, each once.
pub(super) struct Names<'a> {
    reader: &'a Reader,
    members: BTreeMap<(ProjectId, UserId), Option<Member>>,
    devices: BTreeMap<(ProjectId, DeviceId), Option<String>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(reader: &'a Reader) -> Self {
        Self { reader, members: BTreeMap::new(), devices: BTreeMap::new() }
    }

    /// A person, if this device was told of them.
    pub(super) fn member(&mut self, project: ProjectId, user: UserId) -> Answer<Option<&Member>> {
        let key = (project, user);
        if !self.members.contains_key(&key) {
            self.members.insert(key, self.reader.member(&project, user)?);
        }
        Ok(self.members[&key].as_ref())
    }

    /// A user as named beside something else.
    pub(super) fn user(&mut self, project: ProjectId, user: UserId) -> Answer<UserName> {
        let name = self.member(project, user)?.map(|member| member.name.clone());
        Ok(UserName { id: user.to_string(), name: name.unwrap_or_else(|| short(user)) })
    }

    /// A user as named above a comment.
    pub(super) fn author(&mut self, project: ProjectId, user: UserId) -> Answer<Author> {
        let role = self.member(project, user)?.map(|member| member.role.into());
        let UserName { id, name } = self.user(project, user)?;
        Ok(Author { id, name, role })
    }

    /// What its owner calls a device, if this device was told.
    pub(super) fn device(&mut self, project: ProjectId, device: &DeviceId) -> Answer<Option<String>> {
        let key = (project, *device);
        if !self.devices.contains_key(&key) {
            self.devices.insert(key, self.reader.device_name(&project, device)?);
        }
        Ok(self.devices[&key].clone())
    }

    /// A ticket as named beside something else.
    pub(super) fn ticket(&self, project: ProjectId, ticket: TicketId) -> Answer<TicketRef> {
        let row = self.reader.row(&project, ticket)?;
        Ok(TicketRef {
            project: project.to_string(),
            id: ticket.to_string(),
            short_id: ticket.short(),
            number: row.as_ref().and_then(|row| row.number).map(u64::from),
            title: row.map(|row| row.title).unwrap_or_default(),
        })
    }
}

/// Makes the rows of lists: from what stands in the store's rows, without opening a document.
pub(super) struct Rows<'a> {
    reader: &'a Reader,
    pub(super) names: Names<'a>,
    projects: BTreeMap<ProjectId, (Membership, SyncState)>,
    kept: BTreeMap<ProjectId, KeptAll>,
}

/// What the store's row does not tell.
pub(super) struct RowFacts {
    pub(super) state: Option<DeliveryState>,
    pub(super) is_loaded: bool,
}

/// How far a ticket has come to others, as its server told.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    mark: Option<Mark>,
    reads: Vec<ReadMark>,
}

impl Deliveries {
    pub(super) fn load(reader: &Reader, project: ProjectId, ticket: TicketId) -> StoreResult<Self> {
        Ok(Self { mark: reader.mark(&project, ticket)?, reads: reader.read_marks(&project, ticket)? })
    }

    /// How far an admitted record of one's own has come.
    pub(super) fn state(&self, seq: Seq, own: &Membership) -> DeliveryState {
        if seq.is_former() {
            return DeliveryState::SavedHere;
        }
        let is_read = |read: &ReadMark| read.is_team != own.role.is_team() && read.through >= seq;
        if self.reads.iter().any(is_read) {
            return DeliveryState::Read;
        }
        match self.mark {
            Some(mark) if mark.other_side(own.role) >= seq => DeliveryState::Delivered,
            _ => DeliveryState::OnServer,
        }
    }

    /// Who else has read a record, earliest first.
    pub(super) fn read_by(&self, seq: Seq, own: &Membership, names: &mut Names<'_>) -> Answer<Vec<ReadBy>> {
        let has_read = |read: &&ReadMark| read.user != own.user && read.through >= seq;
        let mut reads: Vec<&ReadMark> = self.reads.iter().filter(has_read).collect();
        reads.sort_by_key(|read| (read.at, read.user));
        let name =
            |read: &ReadMark| Ok(ReadBy { user: names.user(own.project, read.user)?, at_millis: read.at.0 });
        reads.into_iter().map(name).collect()
    }
}

impl<'a> Rows<'a> {
    pub(super) fn new(reader: &'a Reader) -> Self {
        Self { reader, names: Names::new(reader), projects: BTreeMap::new(), kept: BTreeMap::new() }
    }

    /// Where it looks.
    pub(super) const fn reader(&self) -> &'a Reader {
        self.reader
    }

    /// A row of a list.
    pub(super) fn row(&mut self, project: ProjectId, row: TicketRow) -> Answer<ticket::TicketRow> {
        let facts = self.facts(project, &row)?;
        self.row_with(project, row, facts)
    }

    /// A row of which more is known.
    pub(super) fn row_with(
        &mut self,
        project: ProjectId,
        row: TicketRow,
        facts: RowFacts,
    ) -> Answer<ticket::TicketRow> {
        let assignee = row.assignee.map(|user| self.names.user(project, user)).transpose()?;
        let merged_into = row.merged_into.map(|ticket| self.names.ticket(project, ticket));
        let follow = self.follow(project, row.ticket)?;
        let beside = self.reader.beside_row(&project, row.ticket)?;
        Ok(ticket::TicketRow {
            project: project.to_string(),
            id: row.ticket.to_string(),
            short_id: row.ticket.short(),
            number: row.number.map(u64::from),
            title: row.title,
            status: row.status.into(),
            priority: row.priority.map(Into::into),
            assignee,
            requester: self.names.user(project, row.requester)?,
            labels: row.labels,
            created_at_millis: row.created_at.0,
            updated_at_millis: row.updated_at.0,
            snoozed_until_millis: row.snoozed_until_millis,
            merged_into: merged_into.transpose()?,
            comment_count: row.comment_count.into(),
            has_conflict: row.has_conflict,
            state: facts.state,
            is_loaded: facts.is_loaded,
            is_unread: beside.is_unread,
            is_mentioned: beside.is_mentioned,
            is_newly_mentioned: beside.is_newly_mentioned,
            follow,
        })
    }

    /// The state is that of one's own newest change, as the document says it. A document that came whole and was not
    /// looked into yet has none: the list never says more than what was checked.
    fn facts(&mut self, project: ProjectId, row: &TicketRow) -> Answer<RowFacts> {
        let has_unsent = self.reader.has_unsent(&project, DocId::Ticket(row.ticket))?;
        let reader = self.reader;
        let (membership, sync) = self.project(project)?;
        // A cold start brings the newest documents first.
        let own_seq = reader.own_seq(&project, row.ticket)?;
        let is_loaded = has_unsent || sync.cold.is_none_or(|cold| row.last_seq >= cold.position.before);
        let state = if has_unsent {
            Some(DeliveryState::SavedHere)
        } else if let Some(seq) = own_seq {
            Some(Deliveries::load(reader, project, row.ticket)?.state(seq, membership))
        } else {
            None
        };
        Ok(RowFacts { state, is_loaded })
    }

    /// What the user said of following a ticket.
    fn follow(&mut self, project: ProjectId, ticket: TicketId) -> Answer<Option<ticket::Follow>> {
        if !self.kept.contains_key(&project) {
            self.kept.insert(project, self.reader.own_kept(&project)?);
        }
        Ok(match self.kept[&project].get(&KeptKey::Follow(ticket)) {
            Some(Kept::Follow(kept)) => kept.follow.map(|follow| match follow {
                Follow::Following => ticket::Follow::Following,
                Follow::Muted => ticket::Follow::Muted,
                Follow::Other(_) => ticket::Follow::Other,
            }),
            _ => None,
        })
    }

    fn project(&mut self, project: ProjectId) -> Answer<&(Membership, SyncState)> {
        if !self.projects.contains_key(&project) {
            let membership = self.reader.membership(&project)?.ok_or_else(|| Failure::from(not_joined()))?;
            self.projects.insert(project, (membership, self.reader.sync_state(&project)?));
        }
        Ok(&self.projects[&project])
    }
}

/// The beginning of a user's id, for people.
fn short(user: UserId) -> String {
    let mut text = user.to_string();
    text.truncate(SHORT_CHARS);
    text
}
