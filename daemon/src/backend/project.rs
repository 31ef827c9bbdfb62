//! `project.*`: joining, leaving and describing projects.

use assist_crdt_model::{DocId, Project, ProjectId};
use assist_proto::address::Address;
use assist_proto::api::project::{
    CannedReply, ColdStart, Get, Join, LabelInfo, Leave, List, ProjectDetails, ProjectInfo, Projects,
    Relocate,
};
use assist_proto::api::{ApiError, Done};
use assist_proto::hub::{Command, Reply};
use assist_proto::store::Membership;

use super::document::Document;
use super::errors::{Answer, Failure, invalid, not_joined, of_address};
use super::rows::Names;
use super::{LocalBackend, connection, pending, reference, user};
use crate::api_server::Handle;
use crate::driver::read_clock;
use crate::store::{DeviceReads as _, Reader};

impl Handle<Join> for LocalBackend {
    async fn handle(&self, params: Join) -> Result<ProjectInfo, ApiError> {
        match self.command(join_command(params)?).await? {
            Reply::Joined(project) => Ok(self.joined(project)?),
            _ => Err(Failure::unforeseen("a join was answered with no project").into()),
        }
    }
}

impl Handle<Leave> for LocalBackend {
    async fn handle(&self, params: Leave) -> Result<Done, ApiError> {
        let reader = self.reader()?;
        let project = match reference::project(&reader, Some(&params.project)) {
            Ok(own) => own.project,
            // What was asked for and never came about can be left, too.
            Err(error) => match pending::find(&reader, Some(&params.project)) {
                Ok(pending) => pending.project,
                Err(_) => return Err(error.into()),
            },
        };
        drop(reader);
        self.command(Command::Leave { project, discard_unsent: params.force }).await?;
        Ok(Done {})
    }
}

impl Handle<Relocate> for LocalBackend {
    async fn handle(&self, params: Relocate) -> Result<ProjectInfo, ApiError> {
        let address: Address = params.address.parse().map_err(of_address)?;
        let named = params.project.or_else(|| address.project().map(|project| project.to_string()));
        let own = reference::project(&self.reader()?, named.as_deref())?;
        if address.project().is_some_and(|project| project != own.project) {
            return Err(invalid("other_project", "address", other_project(&own.name)).into());
        }
        self.command(Command::Relocate { address: address.with_project(own.project) }).await?;
        Ok(self.joined(own.project)?)
    }
}

impl Handle<List> for LocalBackend {
    async fn handle(&self, _params: List) -> Result<Projects, ApiError> {
        let reader = self.reader()?;
        let joined = reference::projects(&reader, None)?;
        let infos = joined.iter().map(|own| self.project_info(&reader, own));
        let mut projects = infos.collect::<Answer<Vec<_>>>()?;
        projects.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
        Ok(Projects { projects })
    }
}

impl Handle<Get> for LocalBackend {
    async fn handle(&self, params: Get) -> Result<ProjectDetails, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        self.verify(own.project, DocId::Project).await?;
        let reader = self.reader()?;
        let info = self.project_info(&reader, &own)?;
        let document = Document::load(&reader, &own, DocId::Project)?;
        Ok(details(info, document.and_then(|document| document.doc.project())))
    }
}

impl LocalBackend {
    /// Makes sure that a document which came whole passed the gate.
    pub(super) async fn verify(&self, project: ProjectId, doc: DocId) -> Answer<()> {
        if self.reader()?.is_unverified(&project, doc)? {
            self.command(Command::Verify { project, doc }).await?;
        }
        Ok(())
    }

    /// A project that was joined just now.
    pub(super) fn joined(&self, project: ProjectId) -> Answer<ProjectInfo> {
        let reader = self.reader()?;
        let joined = reader.membership(&project)?;
        self.project_info(&reader, &joined.ok_or_else(not_joined)?)
    }

    fn project_info(&self, reader: &Reader, own: &Membership) -> Answer<ProjectInfo> {
        let status = self.driver.status();
        let connection = connection::describe(status.borrow().projects.get(&own.project), read_clock());
        Ok(ProjectInfo {
            id: own.project.to_string(),
            name: own.name.clone(),
            addresses: hosts(own),
            role: own.role.into(),
            user_id: own.user.to_string(),
            user_name: Names::new(reader).user(own.project, own.user)?.name,
            device_name: own.device_name.clone(),
            unread_count: Some(reader.unread_count(&own.project)?),
            mentioned_count: reader.mentioned_count(&own.project)?,
            connection,
            cold_start: cold_start(reader, own.project)?,
            settings: Some(user::settings(reader, own)?),
        })
    }
}

fn join_command(params: Join) -> Answer<Command> {
    let address: Address = params.address.parse().map_err(of_address)?;
    if params.code.trim().is_empty() {
        return Err(invalid(
            "text_empty",
            "code",
            "the code is empty: the operator gives it with the address",
        ));
    }
    Ok(Command::Join {
        address,
        code: params.code.trim().to_owned(),
        // The server says so if it needs one: the invitation may have it.
        name: given(params.name).unwrap_or_default(),
        email: given(params.email),
        device_name: given(params.device_name).unwrap_or_else(machine_name),
    })
}

fn other_project(name: &str) -> String {
    format!("that is the address of another project than {name}: `assist project join` joins it")
}

/// What was given, if it says anything.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

pub(super) fn machine_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "device".to_owned() } else { name }
}

fn hosts(own: &Membership) -> Vec<String> {
    match own.address.parse::<Address>() {
        Ok(address) => address.hosts().iter().map(ToString::to_string).collect(),
        Err(_) => vec![own.address.clone()],
    }
}

fn cold_start(reader: &Reader, project: ProjectId) -> Answer<Option<ColdStart>> {
    let Some(cold) = reader.sync_state(&project)?.cold else { return Ok(None) };
    let contents = reader.contents(&project)?;
    Ok(Some(ColdStart {
        rows_loaded: contents.rows.min(cold.tickets),
        rows_total: cold.tickets,
        documents_loaded: (contents.verified + contents.unverified).min(cold.tickets),
        documents_total: cold.tickets,
    }))
}

fn details(info: ProjectInfo, project: Option<Project>) -> ProjectDetails {
    let (labels, canned_replies) = match project {
        Some(project) => (project.labels, project.canned_replies),
        None => Default::default(),
    };
    let label = |(label, description): (assist_crdt_model::Label, String)| LabelInfo {
        label: label.to_string(),
        description,
    };
    let reply =
        |(name, body): (assist_crdt_model::Label, String)| CannedReply { name: name.to_string(), body };
    ProjectDetails {
        info,
        labels: labels.into_iter().map(label).collect(),
        canned_replies: canned_replies.into_iter().map(reply).collect(),
    }
}
