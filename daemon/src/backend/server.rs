//! `server.*`: what only a daemon in the server role answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use assist_crdt_model::{DeviceId, ProjectId, UnixMillis, UserId, base32};
use assist_proto::api::ApiError;
use assist_proto::api::limits;
use assist_proto::api::server::{
    self, Backup, BackupMade, DiskStatus, GetStats, GetStatus, Invitation, Invite, Mail, MailTried, Member,
    MemberDevice, MemberList, Members, ServerStats, ServerStatus, Verified, Verify, VerifyProblem,
};
use assist_proto::certificate::DeviceCertificate;
use assist_proto::hub::{AdminCommand, AdminReply};
use assist_proto::store::{Audience, Device, Seq, User};
use assist_proto::wire::ask::{Request, Response};
use assist_proto::wire::codec;
use tokio::task::spawn_blocking;

use super::errors::{Answer, Failure, invalid};
use super::member::other_answer;
use super::ticket::page_limit;
use super::{LocalBackend, reference};
use crate::api_server::Handle;
use crate::backup::{self, BackupError, BackupOptions, Checked};
use crate::daemon::ServerInfo;
use crate::disk;
use crate::driver::{Chain, read_clock};
use crate::mail::{MailError, OutgoingMail, QueueError};
use crate::monitor::{self, Watched, disk_status};
use crate::store::{Reader, ServerReads as _};

impl Handle<GetStatus> for LocalBackend {
    async fn handle(&self, _params: GetStatus) -> Result<ServerStatus, ApiError> {
        let server = self.server()?;
        let told = self.driver.status().borrow().server.unwrap_or_default();
        let free_bytes = disk::space(&self.info.home).map_or(0, |space| space.free_bytes);
        let status = status(&self.reader()?, server, told.sessions as u64, self.mailer.status())?;
        Ok(ServerStatus { disk: disk_status(told.disk, free_bytes), ..status })
    }
}

impl Handle<Invite> for LocalBackend {
    async fn handle(&self, params: Invite) -> Result<Invitation, ApiError> {
        let server = self.server()?;
        Ok(self.invite(server, params).await?)
    }
}

impl Handle<Mail> for LocalBackend {
    async fn handle(&self, params: Mail) -> Result<MailTried, ApiError> {
        let server = self.server()?;
        Ok(self.try_mail(server, &params.to).await?)
    }
}

impl Handle<Members> for LocalBackend {
    async fn handle(&self, params: Members) -> Result<MemberList, ApiError> {
        self.server()?;
        let limit = page_limit(params.limit, limits::PAGE_ROWS_DEFAULT)?;
        let presence = self.sessions().await?;
        Ok(self.read(move |reader| members(reader, &presence, params.offset, limit)).await?)
    }
}

impl Handle<Backup> for LocalBackend {
    async fn handle(&self, params: Backup) -> Result<BackupMade, ApiError> {
        self.server()?;
        let folder = PathBuf::from(&params.folder);
        if !folder.is_absolute() {
            return Err(ApiError::invalid_params("relative_path", "give the whole path of the folder")
                .with_field("folder"));
        }
        let options = BackupOptions {
            has_keys: !params.without_keys,
            is_last: false,
            keep: params.keep.map(|keep| keep as usize),
        };
        let (home, store, now) = (self.info.home.clone(), self.driver.store().clone(), read_clock());
        let made = spawn_blocking(move || backup::make(&home, &store, &folder, options, now)).await;
        let made = made.map_err(|_| Failure::stopping())?.map_err(of_backup)?;
        let noted = AdminCommand::BackedUp { head: Seq(made.head) };
        self.driver.admin(noted).await.map_err(Failure::from)?.map_err(Failure::from)?;
        Ok(BackupMade {
            generation: made.generation.display().to_string(),
            head: made.head,
            ticket_count: made.tickets,
            blob_count: made.blobs,
            new_blob_count: made.new_blobs,
            written_bytes: made.written_bytes,
            removed_count: made.removed as u64,
        })
    }
}

impl Handle<GetStats> for LocalBackend {
    async fn handle(&self, params: GetStats) -> Result<ServerStats, ApiError> {
        if let Asked::There(project) = self.asked_server(params.project.as_deref())? {
            return match self.ask(project, Request::Health).await.map_err(far)? {
                Response::Health(health) => Ok(monitor::stats_of(*health)),
                _ => Err(other_answer().into()),
            };
        }
        let watched = Watched {
            driver: self.driver.clone(),
            info: Arc::clone(&self.info),
            mailer: self.mailer.clone(),
        };
        let figures = watched.figures().await.map_err(Failure::from)?;
        let stats = figures.stats(read_clock().0);
        Ok(stats.ok_or_else(|| Failure::unforeseen("a server without figures of one"))?)
    }
}

impl Handle<Verify> for LocalBackend {
    async fn handle(&self, _params: Verify) -> Result<Verified, ApiError> {
        self.server()?;
        let (home, store) = (self.info.home.clone(), self.driver.store().clone());
        let checking = spawn_blocking(move || backup::check(&home, &store.read()?)).await;
        Ok(verified(checking.map_err(|_| Failure::stopping())?.map_err(of_backup)?))
    }
}

impl LocalBackend {
    /// The server that is asked: this daemon's own, unless another project is named.
    pub(super) fn asked_server(&self, project: Option<&str>) -> Answer<Asked> {
        let Some(named) = project else {
            self.server()?;
            return Ok(Asked::Here);
        };
        let is_own = |own: &ServerInfo| {
            let id = own.project.project.to_string();
            id == named.trim() || own.project.name == named.trim()
        };
        if self.info.server.as_ref().is_some_and(is_own) {
            return Ok(Asked::Here);
        }
        Ok(Asked::There(reference::project(&self.reader()?, project)?.project))
    }

    pub(super) fn server(&self) -> Answer<&ServerInfo> {
        self.info.server.as_ref().ok_or_else(|| {
            let message = "this daemon serves no project: `assistd server init --name <project>` makes one, then \
                `assistd server run` serves it; ask there";
            ApiError::not_allowed("not_a_server", message).into()
        })
    }

    /// Who is connected. This server's own device is, as long as it answers.
    async fn sessions(&self) -> Answer<Sessions> {
        let AdminReply::Sessions { now, mut devices } = self.driver.admin(AdminCommand::Sessions).await??
        else {
            return Err(Failure::unforeseen("a question for sessions was answered with something else"));
        };
        devices.insert(self.info.device);
        Ok(Sessions { now, devices })
    }

    async fn try_mail(&self, server: &ServerInfo, to: &str) -> Answer<MailTried> {
        let mail = OutgoingMail::trial(to, &server.project.name, read_clock())
            .map_err(|error: MailError| invalid("bad_email", "to", error))?;
        let attempt = self.mailer.send_watched(mail).map_err(of_queue)?;
        let outcome = attempt.await.map_err(|_| Failure::stopping())?;
        Ok(MailTried { route: self.mailer.route(), failure: outcome.err() })
    }

    async fn invite(&self, server: &ServerInfo, params: Invite) -> Answer<Invitation> {
        let Invite { role, email, name } = params;
        let address = server.address().ok_or_else(no_address)?;
        let command = AdminCommand::Invite { role: role.into(), email, name };
        let AdminReply::Invited { code, expires_at } = self.driver.admin(command).await?? else {
            return Err(Failure::unforeseen("an invitation was answered with something else"));
        };
        let address = address.to_string();
        Ok(Invitation { code, address, role, expires_at_millis: expires_at.0 })
    }
}

/// Whose word is wanted on how a server fares and what it decided.
pub(super) enum Asked {
    /// This daemon's.
    Here,
    /// That of the server of a joined project.
    There(ProjectId),
}

/// Says of a server that cannot be reached that nobody else knows.
pub(super) fn far(failure: Failure) -> Failure {
    match failure.is_of("offline") {
        true => failure.with_prefix("what the server says is known only while connected: "),
        false => failure,
    }
}

/// Which devices are connected, at one moment.
struct Sessions {
    now: UnixMillis,
    devices: BTreeSet<DeviceId>,
}

fn status(
    reader: &Reader,
    server: &ServerInfo,
    sessions: u64,
    mail: server::MailStatus,
) -> Answer<ServerStatus> {
    Ok(ServerStatus {
        project: server.project.project.to_string(),
        name: server.project.name.clone(),
        address: server.address().map(|address| address.to_string()).unwrap_or_default(),
        listening_on: server.listening().iter().map(ToString::to_string).collect(),
        log_id: base32().encode(&server.project.log),
        head: reader.head()?.0,
        ticket_count: reader.ticket_count(Audience::Team)?,
        member_count: reader.users()?.iter().filter(|user| user.is_member()).count() as u64,
        device_count: reader.devices()?.len() as u64,
        connected_count: sessions,
        mail,
        disk: DiskStatus::default(),
    })
}

/// Nobody could come with the code.
fn no_address() -> Failure {
    let message = "this server has no address yet, for it has never seen this machine's mycelium node: `assist daemon \
        status` says what is missing; or give `--advertise <host>`";
    ApiError::offline("no_address", message).into()
}

/// In the words of the local API.
pub(crate) fn verified(checked: Checked) -> Verified {
    let problems = checked.problems.into_iter();
    Verified {
        place_count: checked.places,
        change_count: checked.changes,
        document_count: checked.documents,
        blob_count: checked.blobs,
        admission_count: checked.admissions,
        problems: problems
            .map(|problem| VerifyProblem {
                place: problem.place,
                what: problem.what,
                advice: problem.advice.to_owned(),
            })
            .collect(),
    }
}

pub(super) fn of_backup(error: BackupError) -> Failure {
    let message = Chain(&error).to_string();
    match error {
        BackupError::Busy(_) => ApiError::conflict("backup_busy", message).into(),
        BackupError::Inside(_) => {
            ApiError::invalid_params("inside_home", message).with_field("folder").into()
        }
        BackupError::NoServer(_) => ApiError::not_allowed("not_a_server", message).into(),
        _ => ApiError::internal("backup_failed", message).into(),
    }
}

fn of_queue(error: QueueError) -> Failure {
    let message = error.to_string();
    match error {
        QueueError::NoRoute => ApiError::not_allowed("no_mail", message).into(),
        QueueError::Full => ApiError::limit("mail_queue_full", message).into(),
        QueueError::Stopping => Failure::stopping(),
    }
}

fn members(reader: &Reader, sessions: &Sessions, offset: u64, limit: usize) -> Answer<MemberList> {
    let mut users = reader.users()?;
    users.retain(User::is_member);
    users.sort_by(|left, right| (&left.name, left.user).cmp(&(&right.name, right.user)));
    let total = users.len() as u64;
    let mut devices: BTreeMap<UserId, Vec<Device>> = BTreeMap::new();
    for device in reader.devices()? {
        devices.entry(device.user).or_default().push(device);
    }
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let shown = users.into_iter().skip(skipped).take(limit);
    let members = shown.map(|user| {
        let devices = devices.remove(&user.user).unwrap_or_default();
        member(reader, sessions, user, devices)
    });
    Ok(MemberList { members: members.collect::<Answer<_>>()?, total })
}

fn member(reader: &Reader, sessions: &Sessions, user: User, devices: Vec<Device>) -> Answer<Member> {
    let devices = devices.into_iter().map(|device| member_device(reader, sessions, device));
    Ok(Member {
        id: user.user.to_string(),
        name: user.name,
        email: user.email.unwrap_or_default(),
        role: user.role.into(),
        devices: devices.collect::<Answer<_>>()?,
    })
}

fn member_device(reader: &Reader, sessions: &Sessions, device: Device) -> Answer<MemberDevice> {
    let is_connected = sessions.devices.contains(&device.device);
    let last_seen_at = if is_connected { Some(sessions.now) } else { device.last_seen_at };
    // Certificates are renewed; the first one was issued at the enrolment.
    let first = reader.server_certificate(&device.device, 1)?;
    let first = first
        .and_then(|signed| codec::decode::<DeviceCertificate>("device certificate", &signed.payload).ok());
    Ok(MemberDevice {
        id: device.device.to_string(),
        name: device.name,
        enrolled_at_millis: first.map_or(device.issued_at, |first| first.issued_at).0,
        last_seen_at_millis: last_seen_at.map(|time| time.0),
        is_connected,
        is_revoked: device.is_revoked,
    })
}
