//! What a member's device asks of the server beside syncing, and what the server answers: people, devices, invitations.
//!
//! Every ask is answered once, in the order in which the server came to it. What may be asked by whom is decided by the
//! roster at that moment; nothing here decides anything.

use assist_crdt_model::{DeviceId, Role, TicketId, UnixMillis, UserId};
use serde::{Deserialize, Serialize};

use super::admission::{LogWindow, ReadLog};
use super::health::Health;
use super::{Member, id, list};
use crate::certificate::{millis, role};
use crate::limits;

/// A question of a member, or a wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Chosen by the device; the answer repeats it.
    #[serde(rename = "i")]
    pub id: u32,
    /// What it wants.
    #[serde(rename = "a")]
    pub request: Request,
}

/// The answer to the ask of the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The ask's.
    #[serde(rename = "i")]
    pub id: u32,
    /// What came of it.
    #[serde(rename = "o")]
    pub outcome: Outcome,
}

/// All that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Who is in the project? For the team.
    #[serde(rename = "members")]
    Members(ListMembers),
    /// Which devices are there? One's own; for admins anybody's.
    #[serde(rename = "devices")]
    Devices(ListDevices),
    /// Which invitations are open? For admins.
    #[serde(rename = "invitations")]
    Invitations,
    /// Make a one-time code. For admins.
    #[serde(rename = "invite")]
    Invite(MakeInvitation),
    /// Take back what is open for this email address. For admins.
    #[serde(rename = "uninvite")]
    Uninvite(String),
    /// Change what somebody may do. For admins.
    #[serde(rename = "set-role")]
    SetRole(SetRole),
    /// Take somebody out of the project, with all their devices. For admins.
    #[serde(rename = "remove")]
    RemoveMember(Who),
    /// Call me this.
    #[serde(rename = "rename")]
    Rename(String),
    /// Call a device of mine this.
    #[serde(rename = "rename-device")]
    RenameDevice(RenameDevice),
    /// Shut a device out: one's own; for admins anybody's.
    #[serde(rename = "revoke")]
    RevokeDevice(#[serde(with = "id")] DeviceId),
    /// Let a device in that waits for it: one's own; for admins anybody's.
    #[serde(rename = "approve")]
    ApproveDevice(#[serde(with = "id")] DeviceId),
    /// Turn a device away that waits.
    #[serde(rename = "reject")]
    RejectDevice(#[serde(with = "id")] DeviceId),
    /// Who sees this ticket beside the team? For the team and the ticket's members.
    #[serde(rename = "ticket-members")]
    TicketMembers(#[serde(with = "id")] TicketId),
    /// Let somebody see a ticket, with all that was written in it. For the team and the requester.
    #[serde(rename = "share")]
    ShareTicket(TicketShare),
    /// Take a ticket from somebody's list. For the team and the requester; anybody may leave.
    #[serde(rename = "unshare")]
    UnshareTicket(TicketShare),
    /// What did the server decide? For admins; to others there is no such thing.
    #[serde(rename = "log")]
    ReadLog(ReadLog),
    /// How does the server fare? For admins; to others there is no such thing.
    #[serde(rename = "health")]
    Health,
}

/// A ticket and the person it is to be shared with, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketShare {
    /// Which ticket.
    #[serde(rename = "i", with = "id")]
    pub ticket: TicketId,
    /// With whom. Whether an address is anybody's, no answer tells.
    #[serde(rename = "u")]
    pub who: Who,
}

/// A window of the roster, by user id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListMembers {
    /// Those behind this one.
    #[serde(rename = "a", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub after: Option<UserId>,
    /// At most so many; the server gives no more than [`limits::ROSTER_WINDOW_MAX`].
    #[serde(rename = "n")]
    pub limit: u32,
}

/// A window of devices, by device id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDevices {
    /// Whose; absent for all that the asker may see.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Who>,
    /// Those behind this one.
    #[serde(rename = "a", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeviceId>,
    /// At most so many; the server gives no more than [`limits::ROSTER_WINDOW_MAX`].
    #[serde(rename = "n")]
    pub limit: u32,
}

/// A person, as the asker knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// By id.
    #[serde(rename = "u")]
    User(#[serde(with = "id")] UserId),
    /// By email address.
    #[serde(rename = "e")]
    Email(String),
}

/// What an invitation is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeInvitation {
    /// As what.
    #[serde(rename = "r", with = "role")]
    pub role: Role,
    /// Only for this person.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What they will be called.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A new role for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRole {
    /// For whom.
    #[serde(rename = "u")]
    pub who: Who,
    /// From now on.
    #[serde(rename = "r", with = "role")]
    pub role: Role,
}

/// A new name for a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameDevice {
    /// Which.
    #[serde(rename = "k", with = "id")]
    pub device: DeviceId,
    /// From now on.
    #[serde(rename = "n")]
    pub name: String,
}

/// What came of an ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was done, or here is what was asked for.
    #[serde(rename = "y")]
    Given(Response),
    /// It was not done.
    #[serde(rename = "n")]
    Refused(AskRefused),
}

impl From<Result<Response, AskRefused>> for Outcome {
    fn from(result: Result<Response, AskRefused>) -> Self {
        match result {
            Ok(response) => Self::Given(response),
            Err(refused) => Self::Refused(refused),
        }
    }
}

/// All that can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// It was done, and is durable.
    #[serde(rename = "done")]
    Done,
    /// A window of the roster.
    #[serde(rename = "members")]
    Members(MemberWindow),
    /// A window of devices.
    #[serde(rename = "devices")]
    Devices(DeviceWindow),
    /// The open invitations.
    #[serde(rename = "invitations")]
    Invitations(
        #[serde(deserialize_with = "list::at_most::<{ limits::INVITATIONS_OPEN_MAX }, _, _>")]
        Vec<OpenInvitation>,
    ),
    /// A one-time code.
    #[serde(rename = "invited")]
    Invited(Invited),
    /// Who sees a ticket beside the team; the requester first.
    #[serde(rename = "ticket-members")]
    TicketMembers(
        #[serde(deserialize_with = "list::at_most::<{ limits::TICKET_MEMBERS_MAX }, _, _>")]
        Vec<TicketMember>,
    ),
    /// Some of the admission log.
    #[serde(rename = "log")]
    Log(Box<LogWindow>),
    /// How the server fares.
    #[serde(rename = "health")]
    Health(Box<Health>),
}

/// Somebody who sees a ticket beside the team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketMember {
    /// How they come to see it.
    #[serde(rename = "s")]
    pub state: TicketMemberState,
    /// Who, as far as the asker may know: whoever was named by an address is an address to customers.
    #[serde(rename = "u", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// What they are called, likewise.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address that they were named by, or, for the team, theirs.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// How somebody comes to see a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketMemberState {
    /// It is their problem.
    #[serde(rename = "requester")]
    Requester,
    /// It was shared with them.
    #[serde(rename = "member")]
    Member,
    /// It was shared with an address: they see it as soon as somebody joins who owns that. What the team is told; to
    /// customers everybody who was named by an address is this.
    #[serde(rename = "invited")]
    Invited,
}

/// Some of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberWindow {
    /// By user id, at most [`limits::ROSTER_WINDOW_MAX`].
    #[serde(rename = "m", deserialize_with = "list::at_most::<{ limits::ROSTER_WINDOW_MAX }, _, _>")]
    pub members: Vec<RosterMember>,
    /// Whether more are behind the last.
    #[serde(rename = "f")]
    pub has_more: bool,
}

/// A person on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterMember {
    /// Who.
    #[serde(rename = "m")]
    pub member: Member,
    /// When they joined.
    #[serde(rename = "t", with = "millis")]
    pub joined_at: UnixMillis,
    /// How many devices of theirs are let in.
    #[serde(rename = "d")]
    pub devices: u32,
    /// How many wait for approval.
    #[serde(rename = "w", default, skip_serializing_if = "is_zero")]
    pub waiting: u32,
}

/// Some devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceWindow {
    /// By device id, at most [`limits::ROSTER_WINDOW_MAX`].
    #[serde(rename = "d", deserialize_with = "list::at_most::<{ limits::ROSTER_WINDOW_MAX }, _, _>")]
    pub devices: Vec<RosterDevice>,
    /// Whether more are behind the last.
    #[serde(rename = "f")]
    pub has_more: bool,
}

/// A device on the roster, or before its door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterDevice {
    /// Its key.
    #[serde(rename = "k", with = "id")]
    pub device: DeviceId,
    /// Whose.
    #[serde(rename = "u", with = "id")]
    pub user: UserId,
    /// What its owner calls it.
    #[serde(rename = "n")]
    pub name: String,
    /// When it was enrolled, or asked to be.
    #[serde(rename = "t", with = "millis")]
    pub since: UnixMillis,
    /// How it stands.
    #[serde(rename = "s")]
    pub state: DeviceState,
}

/// How a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceState {
    /// Let in, and connected now.
    #[serde(rename = "online")]
    Online,
    /// Let in, and not connected.
    #[serde(rename = "offline")]
    Offline,
    /// Its address is proven, and somebody must approve it.
    #[serde(rename = "waiting")]
    Waiting,
    /// Shut out.
    #[serde(rename = "revoked")]
    Revoked,
}

/// An invitation that nobody has used yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenInvitation {
    /// As what.
    #[serde(rename = "r", with = "role")]
    pub role: Role,
    /// For whom, if only for them.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What they will be called.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Until when.
    #[serde(rename = "t", with = "millis")]
    pub expires_at: UnixMillis,
}

/// A one-time code, told once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// What the person types.
    #[serde(rename = "c")]
    pub code: String,
    /// Until when.
    #[serde(rename = "t", with = "millis")]
    pub expires_at: UnixMillis,
}

impl std::fmt::Debug for Invited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The code is a secret until it is used: it must not get into logs.
        f.debug_struct("Invited").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskRefused {
    /// For machines.
    #[serde(rename = "c")]
    pub code: AskCode,
    /// For people: what to do.
    #[serde(rename = "r")]
    pub reason: String,
}

impl AskRefused {
    /// Makes a refusal.
    pub fn new(code: AskCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// Why an ask is refused. Numbers are wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u16", from = "u16")]
pub enum AskCode {
    /// The role does not allow this kind of ask at all.
    NotAllowed,
    /// There is no such person, device or ticket, or none that the asker may know of: one answer for both.
    NotFound,
    /// It clashes with what is there.
    Conflict,
    /// A text or number is none that can be taken.
    BadValue,
    /// Too much or too many.
    Limit,
    /// The server cannot do it now.
    Unavailable,
    /// A code of a later version.
    Other(u16),
}

impl From<AskCode> for u16 {
    fn from(code: AskCode) -> Self {
        match code {
            AskCode::NotAllowed => 1,
            AskCode::NotFound => 2,
            AskCode::Conflict => 3,
            AskCode::BadValue => 4,
            AskCode::Limit => 5,
            AskCode::Unavailable => 6,
            AskCode::Other(number) => number,
        }
    }
}

impl From<u16> for AskCode {
    fn from(number: u16) -> Self {
        match number {
            1 => Self::NotAllowed,
            2 => Self::NotFound,
            3 => Self::Conflict,
            4 => Self::BadValue,
            5 => Self::Limit,
            6 => Self::Unavailable,
            other => Self::Other(other),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
