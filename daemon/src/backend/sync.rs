//! `sync.*`: how far this device and its servers agree, and the switch for working offline.

mod wait;

use assist_proto::api::ApiError;
use assist_proto::api::sync::{GetStatus, Pause, ProjectSync, Resume, SyncStatus, Traffic};
use assist_proto::hub::{self, Command, ProjectStatus};
use assist_proto::store::Membership;

use super::errors::Answer;
use super::{LocalBackend, connection, reference};
use crate::api_server::Handle;
use crate::driver::{Driven, read_clock};
use crate::net::LinkTraffic;
use crate::store::{DeviceReads as _, Reader};

impl Handle<GetStatus> for LocalBackend {
    async fn handle(&self, params: GetStatus) -> Result<SyncStatus, ApiError> {
        Ok(self.sync_status(params.project.as_deref())?)
    }
}

impl Handle<Pause> for LocalBackend {
    async fn handle(&self, params: Pause) -> Result<SyncStatus, ApiError> {
        Ok(self.switch(params.project.as_deref(), Command::Pause).await?)
    }
}

impl Handle<Resume> for LocalBackend {
    async fn handle(&self, params: Resume) -> Result<SyncStatus, ApiError> {
        Ok(self.switch(params.project.as_deref(), Command::Resume).await?)
    }
}

impl LocalBackend {
    async fn switch(
        &self,
        reference: Option<&str>,
        command: impl FnOnce(Option<assist_crdt_model::ProjectId>) -> Command,
    ) -> Answer<SyncStatus> {
        let project = match reference {
            Some(_) => Some(reference::project(&self.reader()?, reference)?.project),
            None => None,
        };
        self.command(command(project)).await?;
        self.sync_status(reference)
    }

    fn sync_status(&self, reference: Option<&str>) -> Answer<SyncStatus> {
        let reader = self.reader()?;
        let joined = reference::projects(&reader, reference)?;
        let driven = self.driver.status();
        let driven = driven.borrow().clone();
        let syncs = joined.iter().map(|own| {
            let traffic = self.traffic(driven.projects.get(&own.project));
            Ok(ProjectSync { traffic, ..project_sync(&reader, own, &driven)? })
        });
        let mut projects = syncs.collect::<Answer<Vec<_>>>()?;
        projects.sort_by(|left, right| (&left.name, &left.project).cmp(&(&right.name, &right.project)));
        Ok(SyncStatus { projects })
    }

    fn traffic(&self, status: Option<&ProjectStatus>) -> Option<Traffic> {
        let hub::Connection::Online { link } = status?.connection else { return None };
        let LinkTraffic { peer, round_trip, sent_bytes, received_bytes } =
            self.driver.meter().traffic(link)?;
        Some(Traffic {
            host: peer.to_string(),
            round_trip_micros: u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX),
            sent_bytes,
            received_bytes,
        })
    }
}

fn project_sync(reader: &Reader, own: &Membership, driven: &Driven) -> Answer<ProjectSync> {
    let now = read_clock();
    let status = driven.projects.get(&own.project);
    let sync = reader.sync_state(&own.project)?;
    let contents = reader.contents(&own.project)?;
    let oldest = reader.outbox(&own.project, 0, 1)?.into_iter().next();
    let head = status.and_then(|status| status.head);
    // To be in step is to have all the news now.
    let has_all = driven.is_in_step(&own.project, &sync);
    Ok(ProjectSync {
        project: own.project.to_string(),
        name: own.name.clone(),
        connection: connection::describe(status, now),
        outbox_count: reader.outbox_count(&own.project)?,
        oldest_unsent_at_millis: oldest.map(|(_, entry)| entry.made_at.0),
        cursor: sync.cursor.0,
        head: head.map(|head| head.max(sync.cursor).0),
        last_sync_at_millis: if has_all { Some(now.0) } else { sync.synced_at_millis },
        documents: contents.verified + contents.unverified,
        unverified: contents.unverified,
        traffic: None,
    })
}
