//! The keys of the file, as they are written and as the environment names them. Means nothing yet: `config.rs` does.
//!
//! The comments here become the template's.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use zeroize::Zeroizing;

use super::bind::Bind;
use crate::overlay::OverlayMode;

/// Settings of a daemon of Hero Assistance, read from `config.toml` in its folder, or from where `--config` says.
///
/// A flag wins over a variable of the environment, and that over this file.
/// Paths are meant from the folder that this file is in.
#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(super) struct Settings {
    /// How many seconds a comment or note stays on this device before it leaves, so that it can be taken back: at most
    /// 3600. Unless told, 5 where this device's user is of the team, and 0 where they are a customer.
    #[config(env = "ASSIST_HOLD_SECS")]
    pub(super) hold_secs: Option<u64>,
    /// Whether this daemon may show what is for its user on a desktop, where there is one. What of it and when is up to
    /// the user: `assist user settings`.
    #[config(env = "ASSIST_NOTIFICATIONS", default = true)]
    pub(super) notifications: bool,
    /// What `assistd server run` serves.
    #[config(nested)]
    pub(super) server: ServerSettings,
    /// Mails with codes, and news to members. Without a relay or a folder, nobody can join by email.
    #[config(nested)]
    pub(super) mail: MailSettings,
    /// Files under comments.
    #[config(nested)]
    pub(super) attachments: AttachmentsSettings,
    /// What a server does when its disk gets full.
    #[config(nested)]
    pub(super) disk: DiskSettings,
    /// What goes, and what is closed, after a time.
    #[config(nested)]
    pub(super) retention: RetentionSettings,
    /// Figures and signs of life, for whoever watches.
    #[config(nested)]
    pub(super) monitor: MonitorSettings,
    /// The mycelium overlay: how this machine's node is found (docs/overlay.md).
    #[config(nested)]
    pub(super) overlay: OverlaySettings,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(super) struct DiskSettings {
    /// With less room than this the server warns: in its log, its status and its figures. A share of the disk as "5%",
    /// or a size as "500 MiB" or "2 GiB". Unless told, 5% of the disk, at least 256 MiB and at most 5 GiB.
    #[config(env = "ASSIST_DISK_WARN_FREE")]
    pub(super) warn_free: Option<String>,
    /// With less room than this the server takes no changes and no attachments; devices keep theirs, and bring them
    /// once there is some more. Unless told, 2% of the disk, at least 64 MiB and at most 1 GiB.
    #[config(env = "ASSIST_DISK_STOP_FREE")]
    pub(super) stop_free: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RetentionSettings {
    /// The attachments of a ticket go from the server when it was closed and nobody has written in it for so long, as
    /// "365d". What devices have stays there. Never unless told.
    #[config(env = "ASSIST_DELETE_ATTACHMENTS_AFTER")]
    pub(super) delete_attachments_after: Option<String>,
    /// This device closes tickets that are resolved and in which nothing happened for so long, as "14d": in its user's
    /// name, in each project where they are of the team, with the reason "no answer for 14 days". For `assistd run`: a
    /// server has no user in whose name it could close. Never unless told.
    #[config(env = "ASSIST_CLOSE_RESOLVED_AFTER")]
    pub(super) close_resolved_after: Option<String>,
    /// The same for tickets that are pending, where the team waits for their requester. Never unless told.
    #[config(env = "ASSIST_CLOSE_PENDING_AFTER")]
    pub(super) close_pending_after: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(super) struct MonitorSettings {
    /// Where /metrics (for Prometheus), /healthz and /readyz are answered: "127.0.0.1:9471", or the whole path of a
    /// Unix socket. Nowhere unless told; only this machine can ask.
    #[config(env = "ASSIST_MONITOR")]
    pub(super) listen: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(super) struct OverlaySettings {
    /// "external" follows the mycelium node that runs on this machine, if there is one, as nobody has to be told;
    /// "managed" has the daemon run one; "none" leaves the overlay alone.
    #[config(env = "ASSIST_OVERLAY")]
    pub(super) mode: Option<OverlayMode>,
    /// Where the node's REST API listens: "127.0.0.1:8989" unless told.
    #[config(env = "ASSIST_MYCELIUM_API")]
    pub(super) api: Option<SocketAddr>,
    /// The program for "managed": a path, or a name on the PATH. "mycelium" unless told.
    #[config(env = "ASSIST_MYCELIUM_PROGRAM")]
    pub(super) program: Option<PathBuf>,
    /// Where the managed node's key lies: `overlay` in the daemon's folder unless told. A new key is a new address.
    #[config(env = "ASSIST_MYCELIUM_KEY_FOLDER")]
    pub(super) key_folder: Option<PathBuf>,
    /// Whom the managed node connects to, as ["tcp://192.0.2.7:9651"]: a public peer unless told. tcp:// carries large
    /// packets without harm. With commas between in the environment.
    #[config(env = "ASSIST_MYCELIUM_PEERS", parse_env = confique::env::parse::list_by_comma)]
    pub(super) peers: Option<Vec<String>>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(super) struct AttachmentsSettings {
    /// The largest that this server takes, in MiB: 100 unless told, at most 1024.
    #[config(env = "ASSIST_ATTACHMENT_MAX_MIB")]
    pub(super) max_mib: Option<u64>,
    /// The largest that this device fetches although nobody asked for it, in MiB: 10 unless told, 0 for none.
    #[config(env = "ASSIST_FETCH_UNASKED_MIB")]
    pub(super) fetch_unasked_mib: Option<u64>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(super) struct ServerSettings {
    /// Where to listen: "auto:9470" is this machine's overlay address, wherever its mycelium node has it, and hears
    /// who comes over the overlay alone; "0.0.0.0:9470" is every IPv4 address of this machine, and hears everybody.
    /// An IPv6 address stands in brackets.
    #[config(env = "ASSIST_BIND")]
    pub(super) bind: Option<Bind>,
    /// What to tell others as this server's hosts, if not where it listens, as ["192.0.2.7:9470"].
    /// With commas between in the environment.
    #[config(env = "ASSIST_ADVERTISE", parse_env = confique::env::parse::list_by_comma)]
    pub(super) advertise: Option<Vec<String>>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(super) struct MailSettings {
    /// The address that mails come from, as "support@example.org". Needed with a relay.
    #[config(env = "ASSIST_MAIL_FROM")]
    pub(super) from: Option<String>,
    /// The name beside that address, as "Support of Example".
    #[config(env = "ASSIST_MAIL_FROM_NAME")]
    pub(super) from_name: Option<String>,
    /// For trials: writes mails into this folder as files, and sends none even if there is a relay.
    #[config(env = "ASSIST_MAIL_FOLDER")]
    pub(super) folder: Option<PathBuf>,
    /// How many seconds a member is away, with none of their devices connected, before what is new for them is mailed:
    /// one mail for all of it, then ever more seldom. At least 5; 0 mails no news at all.
    #[config(env = "ASSIST_MAIL_DIGEST_AFTER_SECS", default = 3600)]
    pub(super) digest_after_secs: u64,
    /// Whether these mails show how texts begin, or only who wrote. Notes of the team are shown to the team alone.
    #[config(env = "ASSIST_MAIL_DIGEST_EXCERPTS", default = true)]
    pub(super) digest_excerpts: bool,
    /// The SMTP server that takes mails from here.
    #[config(nested)]
    pub(super) relay: RelaySettings,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RelaySettings {
    /// Its name, as "smtp.example.org". Its certificate has to show this name.
    #[config(env = "ASSIST_MAIL_HOST")]
    pub(super) host: Option<String>,
    /// Its port: 587 unless told, 465 with security = "tls", 25 with security = "plain".
    #[config(env = "ASSIST_MAIL_PORT")]
    pub(super) port: Option<u16>,
    /// "starttls" demands TLS after the greeting, "tls" speaks it from the start, "plain" is for a relay on this
    /// machine alone.
    #[config(env = "ASSIST_MAIL_SECURITY", default = "starttls")]
    pub(super) security: Security,
    /// Who this server is to the relay, if it wants to know.
    #[config(env = "ASSIST_MAIL_USERNAME")]
    pub(super) username: Option<String>,
    /// The password to that name. Better: password_file.
    #[config(env = "ASSIST_MAIL_PASSWORD")]
    pub(super) password: Option<Secret>,
    /// A file with the password in its one line, which other users cannot read.
    #[config(env = "ASSIST_MAIL_PASSWORD_FILE")]
    pub(super) password_file: Option<PathBuf>,
    /// Certificates (PEM) of the only authorities that may vouch for the relay, instead of the system's.
    #[config(env = "ASSIST_MAIL_CA_FILE")]
    pub(super) ca_file: Option<PathBuf>,
}

/// How a connection to a relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS after a greeting in plain; without it no mail.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None.
    Plain,
}

impl Security {
    /// As in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Tls => "tls",
            Self::Plain => "plain",
        }
    }

    /// Where relays listen for it.
    pub(super) fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::Plain => 25,
        }
    }
}

/// A text that is wiped after use and never shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

/// Takes a text. Serde's own answers to anything else would show it.
struct SecretVisitor;

impl Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(QUOTES)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::new(text))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Secret, E> {
        Err(E::custom(QUOTES))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
        Err(E::custom(QUOTES))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Secret, E> {
        Err(E::custom(QUOTES))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
        Err(E::custom(QUOTES))
    }
}

const QUOTES: &str = "a password in quotes";
