//! What an admin sees and types to manage a project: its people, their devices, invitations, labels, canned replies, and
//! what its server says of itself. Plain data.

use assist_proto::api::device::{Device, DeviceState};
use assist_proto::api::member::{OpenInvitation, RosterMember};
use assist_proto::api::server::log::LogEntry;
use assist_proto::api::server::{Invitation, ServerStats};
use assist_proto::api::user::Role;

/// A project that is being managed.
#[derive(Debug, Clone)]
pub struct Manage {
    /// Its id.
    pub project: String,
    /// Who is in it, as its server has it; nothing before it told.
    pub roster: Option<Roster>,
    /// Why the server could not be asked.
    pub error: Option<String>,
    /// Whether it was asked and nothing came back yet.
    pub is_awaited: bool,
    /// Whom to invite.
    pub invite: InviteForm,
    /// A label that is being written.
    pub label: WordForm,
    /// A canned reply that is being written.
    pub canned: WordForm,
    /// What cannot be undone, until it is confirmed.
    pub asked: Option<Irreversible>,
    /// Which part of it is shown.
    pub part: Part,
    /// What its server says of itself.
    pub server: Server,
}

/// A part of what there is to manage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// People, devices, invitations, labels, canned replies.
    #[default]
    People,
    /// How the server fares.
    Health,
    /// What the server decided.
    Log,
}

/// What a server says of itself.
#[derive(Debug, Clone, Default)]
pub struct Server {
    /// How it fares, as far as it was told.
    pub health: Option<ServerHealth>,
    /// Whether that was asked and nothing came back yet.
    pub is_health_awaited: bool,
    /// When it is asked again, if somebody looks.
    pub health_due_at_millis: u64,
    /// What it decided.
    pub log: LogView,
    /// Why it could not be asked.
    pub error: Option<String>,
}

/// How a server fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHealth {
    /// In figures.
    pub stats: ServerStats,
    /// When it refused something lately, newest first.
    pub refused_at: Vec<u64>,
    /// Whether it refused more than that.
    pub has_more_refused: bool,
}

/// As much of the admission log as is shown.
#[derive(Debug, Clone, Default)]
pub struct LogView {
    /// Newest first.
    pub entries: Vec<LogEntry>,
    /// Those before this number are not here; nothing where all are.
    pub next: Option<u64>,
    /// Whether only what was refused is shown.
    pub is_refused_only: bool,
    /// Whether the newest were asked for since they were last wanted.
    pub is_asked: bool,
    /// Whether something was asked and nothing came back yet.
    pub is_awaited: bool,
}

/// Which part of the admission log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPart {
    /// Those before this number; the newest without.
    pub before: Option<u64>,
    /// Whether only what was refused.
    pub is_refused_only: bool,
}

/// Who is in a project, and who is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// By name.
    pub members: Vec<RosterMember>,
    /// Whether there are more.
    pub has_more_members: bool,
    /// Those that wait first, then by whose they are.
    pub devices: Vec<Device>,
    /// Whether there are more.
    pub has_more_devices: bool,
    /// Those that nobody has used.
    pub invitations: Vec<OpenInvitation>,
}

/// What an admin types to invite somebody.
#[derive(Debug, Clone)]
pub struct InviteForm {
    /// Whom; anybody without.
    pub email: String,
    /// What they will be called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether the server was asked and nothing came back yet.
    pub is_asking: bool,
    /// Why it did not work.
    pub error: Option<String>,
    /// What to give to them: its code is told once.
    pub made: Option<Invitation>,
}

/// What an admin types to describe a label, or to write a canned reply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WordForm {
    /// What it is called.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// What cannot be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Irreversible {
    /// To take somebody off the roster: their id and name.
    RemoveMember(String, String),
    /// To shut a device out: its id and name.
    RevokeDevice(String, String),
}

/// What an admin does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Managing {
    /// To ask the server again.
    LookAgain,
    /// To see another part.
    Show(Part),
    /// To see only what was refused, or everything.
    RefusedOnly(bool),
    /// To see what was decided before.
    ShowOlder,
    /// What the invited person may do.
    InviteAs(Role),
    /// To invite them.
    Invite,
    /// To put the invitation that was made away.
    ForgetInvitation,
    /// To take back what was sent to this email address.
    Uninvite(String),
    /// What a member may do from now on.
    SetRole {
        /// Their id.
        member: String,
        /// What.
        role: Role,
    },
    /// To let a device in.
    Approve(String),
    /// To turn a device away.
    Reject(String),
    /// To do what cannot be undone: asks first. `None` thinks better of it.
    Ask(Option<Irreversible>),
    /// To do what was asked about.
    CarryOut,
    /// To rewrite what stands there.
    EditLabel(WordForm),
    /// To offer the label that was typed.
    SaveLabel,
    /// To offer a label no more.
    RemoveLabel(String),
    /// To rewrite what stands there.
    EditCanned(WordForm),
    /// To keep the canned reply that was typed.
    SaveCanned,
    /// To drop a canned reply.
    RemoveCanned(String),
}

impl Manage {
    /// Begins with a project of which nothing is known yet.
    pub fn new(project: String) -> Self {
        Self {
            project,
            roster: None,
            error: None,
            is_awaited: false,
            invite: InviteForm::new(),
            label: WordForm::default(),
            canned: WordForm::default(),
            asked: None,
            part: Part::default(),
            server: Server::default(),
        }
    }
}

impl InviteForm {
    /// An empty one: most who are invited by hand are of the team.
    pub(crate) fn new() -> Self {
        let (email, name) = (String::new(), String::new());
        Self { email, name, role: Role::Agent, is_asking: false, error: None, made: None }
    }
}

impl Roster {
    /// Puts everything into the order in which it is shown.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.members.sort_by_key(|member| (member.name.to_lowercase(), member.id.clone()));
        let rank = |device: &Device| match device.state {
            DeviceState::Waiting => 0,
            DeviceState::Online => 1,
            DeviceState::Offline | DeviceState::Unknown => 2,
            DeviceState::Revoked => 3,
        };
        self.devices.sort_by_key(|device| {
            (rank(device), device.user_name.to_lowercase(), device.name.to_lowercase(), device.id.clone())
        });
        self
    }
}

/// Says what somebody may do, in a word.
pub(crate) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Customer => "customer",
        Role::Agent => "agent",
        Role::Admin => "admin",
    }
}
