//! `user.*`: the people of a project, as this device knows them.

use assist_crdt_model as model;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store;

/// Parameters of `user.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct List {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    pub project: Option<String>,
}

/// Parameters of `user.rename`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// What others are to call the user of this device.
    pub name: String,
}

/// Answer of `user.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Users {
    /// By name.
    pub users: Vec<User>,
}

/// A member of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// 26 characters.
    pub id: String,
    /// What people call them.
    pub name: String,
    /// Known to the team and to oneself.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Whether it is the user of this device.
    pub is_self: bool,
}

/// Parameters of `user.settings`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GetSettings {
    /// The project: its id, its name, or an unambiguous beginning of either.
    pub project: Option<String>,
}

/// Parameters of `user.configure`. What is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Configure {
    /// The project: its id, its name, or an unambiguous beginning of either.
    pub project: Option<String>,
    /// Whether others are told what is read on this device. Own devices always are.
    pub send_read_marks: Option<bool>,
    /// Whether the project's server mails the user what is new while none of their devices is connected. Holds for all of
    /// them.
    pub mails: Option<bool>,
    /// What this device shows on its desktop of what is for the user.
    pub desktop: Option<DesktopShown>,
    /// When it shows nothing: `22:00-07:00`, by the clock of the device's place; `none` for never.
    pub quiet_hours: Option<String>,
}

/// What of the notifications of a project is shown on the desktop of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DesktopShown {
    /// All.
    #[default]
    All,
    /// Where the user is mentioned, or a ticket is handed to them.
    Mentions,
    /// None.
    Off,
}

/// Answer of `user.settings` and `user.configure`: what holds for a project on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserSettings {
    /// The project's id, 52 characters.
    pub project: String,
    /// Whether others are told what is read on this device. Own devices always are.
    pub send_read_marks: bool,
    /// Whether the project's server mails the user what is new while none of their devices is connected, if it mails at
    /// all. Holds for all their devices.
    #[serde(default = "yes")]
    pub mails: bool,
    /// What this device shows on its desktop of what is for the user, where there is one.
    #[serde(default)]
    pub desktop: DesktopShown,
    /// When it shows nothing, as `22:00-07:00`; null for never.
    #[serde(default)]
    pub quiet_hours: Option<String>,
}

const fn yes() -> bool {
    true
}

/// A user as named beside something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserName {
    /// 26 characters.
    pub id: String,
    /// What people call them; the start of the id while the name is not known here.
    pub name: String,
}

/// What a user may do in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Files tickets and sees those they are members of.
    Customer,
    /// Works all tickets of the project.
    Agent,
    /// An agent who also invites, removes and configures.
    Admin,
}

impl From<model::Role> for Role {
    fn from(role: model::Role) -> Self {
        match role {
            model::Role::Customer => Self::Customer,
            model::Role::Agent => Self::Agent,
            model::Role::Admin => Self::Admin,
        }
    }
}

impl From<Role> for model::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Agent => Self::Agent,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<store::Shown> for DesktopShown {
    fn from(shown: store::Shown) -> Self {
        match shown {
            store::Shown::All => Self::All,
            store::Shown::Mentions => Self::Mentions,
            store::Shown::Off => Self::Off,
        }
    }
}

impl From<DesktopShown> for store::Shown {
    fn from(shown: DesktopShown) -> Self {
        match shown {
            DesktopShown::All => Self::All,
            DesktopShown::Mentions => Self::Mentions,
            DesktopShown::Off => Self::Off,
        }
    }
}
