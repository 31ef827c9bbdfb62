//! The daemon's configuration: a TOML file, the environment over it, flags over both.
//!
//! What comes out is checked and whole. A key that nobody knows is refused with its place, so that a slip of the
//! finger is no silent default. **Invariant:** no secret appears in an error, a log or a `Debug` form.

mod bind;
mod disk;
mod retention;
mod settings;

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assist_proto::address::{AddressError, Host};
use assist_proto::api::limits::HOLD_MAX;
use assist_proto::housekeeping::Housekeeping;
use assist_proto::hub::{DigestRules, DiskReserves};
use assist_proto::limits::{self, DIGEST_AFTER_MILLIS_MIN};
use assist_proto::retention::Retention;
use confique::{Config as _, Layer as _};
use lettre::message::Mailbox;
use zeroize::Zeroizing;

use crate::mail::MailError;
use crate::monitor::MonitorAt;
use crate::overlay::managed::ParsePeerError;
use crate::overlay::{API_DEFAULT, OverlayConfig, OverlayMode, PeerEndpoint};
pub use bind::{Bind, ParseBindError};
pub use disk::Shown as ShownReserve;
use settings::{AttachmentsSettings, MailSettings, OverlaySettings, RelaySettings, Settings};
pub use settings::{Secret, Security};

/// How a daemon is to run, from all sources together.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where a server listens.
    pub bind: Option<Bind>,
    /// What a server tells others as its hosts.
    pub advertise: Vec<Host>,
    /// Whether what is for the user of this device may be shown on a desktop.
    pub notifications: bool,
    /// How mail leaves a server.
    pub mail: MailConfig,
    /// How large attachments may be.
    pub attachments: AttachmentsConfig,
    /// How long comments and notes are held back, if not as usual.
    pub hold: Option<Duration>,
    /// How the overlay is used.
    pub overlay: OverlayConfig,
    /// Where whoever watches asks.
    pub monitor: Option<MonitorAt>,
    /// From where on a server's disk counts as low, and as full.
    pub disk: DiskReserves,
    /// How long a server keeps what.
    pub retention: Retention,
    /// After how long a device closes what.
    pub housekeeping: Housekeeping,
}

/// How large attachments may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachmentsConfig {
    /// The largest that a server takes.
    pub bytes_max: u64,
    /// The largest that a device fetches unasked.
    pub fetch_unasked_bytes_max: u64,
}

impl Default for AttachmentsConfig {
    fn default() -> Self {
        Self {
            bytes_max: limits::BLOB_BYTES_MAX_DEFAULT,
            fetch_unasked_bytes_max: limits::FETCH_UNASKED_BYTES_MAX_DEFAULT,
        }
    }
}

impl AttachmentsConfig {
    fn from_settings(settings: &AttachmentsSettings) -> Result<Self, ConfigError> {
        let bytes = |mib: u64| mib.saturating_mul(MIB);
        let default = Self::default();
        let bytes_max = settings.max_mib.map_or(default.bytes_max, bytes);
        if bytes_max == 0 || bytes_max > limits::BLOB_BYTES_MAX {
            let problem = format!("is to be between 1 and {}", limits::BLOB_BYTES_MAX / MIB);
            return Err(value("attachments.max_mib", problem));
        }
        let fetch_unasked_bytes_max =
            settings.fetch_unasked_mib.map_or(default.fetch_unasked_bytes_max, bytes);
        Ok(Self { bytes_max, fetch_unasked_bytes_max })
    }
}

/// How mail leaves, and from whom.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// Whom mails are from.
    pub sender: Mailbox,
    /// Where they go next.
    pub route: MailRoute,
    /// How members who are away are mailed what is new; `None` if they are not.
    pub digests: Option<DigestRules>,
}

/// Where mails go next.
#[derive(Debug, Clone)]
pub enum MailRoute {
    /// Nowhere: this server can send none.
    None,
    /// Into a folder, for trials.
    Folder(PathBuf),
    /// To a relay.
    Relay(Box<RelayConfig>),
}

/// An SMTP relay.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// Its name, which its certificate has to show, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Who we are to it.
    pub login: Option<Login>,
    /// The only authorities that may vouch for it, instead of the system's.
    pub ca_pem: Option<Vec<u8>>,
}

/// A user name with its password.
#[derive(Debug, Clone)]
pub struct Login {
    /// Who.
    pub username: String,
    /// Their secret.
    pub password: Secret,
}

/// What flags say, over everything else.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--bind`.
    pub bind: Option<Bind>,
    /// `--advertise`; empty if it was not given.
    pub advertise: Vec<Host>,
    /// `--mail-to-file`.
    pub mail_folder: Option<PathBuf>,
    /// `--overlay`.
    pub overlay: Option<OverlayMode>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file is beyond any that a person writes.
    #[error("{} is larger than {max} bytes", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The bound.
        max: u64,
    },
    /// A file with a secret that everybody on the machine can read.
    #[error("{} holds a password and can be read by other users: run `chmod o-rwx {}`", path.display(), path.display())]
    TooOpen {
        /// Which.
        path: PathBuf,
    },
    /// The file is not TOML, or says what nobody understands.
    #[error("{}, line {line}, column {column}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there. Never the line itself, which may hold a secret.
        message: String,
    },
    /// A variable of the environment cannot be read.
    #[error("{0:#}")]
    Environment(confique::Error),
    /// A value that makes no sense, alone or beside the others.
    #[error("{key}: {problem}")]
    Value {
        /// Which key, as in the file.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl Config {
    /// Reads the configuration. Without `path`, the file in the daemon's folder counts if it is there.
    ///
    /// # Errors
    /// When a source cannot be read or says what makes no sense; each says where and what to do.
    pub fn load(home: &Path, path: Option<&Path>, flags: Flags) -> Result<Self, ConfigError> {
        let file = match path {
            Some(path) => Some(path.to_owned()),
            None => Some(home.join(FILE_NAME)).filter(|path| path.exists()),
        };
        let file = file.map(|path| Source::read(&path)).transpose()?;
        let environment = SettingsLayer::from_env().map_err(ConfigError::Environment)?;
        Self::from_layers(file, environment, flags)
    }

    /// Puts the sources together.
    fn from_layers(
        file: Option<Source>,
        environment: SettingsLayer,
        flags: Flags,
    ) -> Result<Self, ConfigError> {
        // Paths in the file are meant from where it lies.
        let folder = file.as_ref().and_then(|file| file.path.parent()).map(Path::to_owned);
        let layer = file.map_or_else(SettingsLayer::empty, |file| file.layer);
        let merged = environment.with_fallback(layer).with_fallback(SettingsLayer::default_values());
        let settings = Settings::from_layer(merged).map_err(ConfigError::Environment)?;
        let resolve =
            |path: PathBuf| folder.as_ref().map_or_else(|| path.clone(), |folder| folder.join(&path));
        let advertise = match flags.advertise.as_slice() {
            [] => hosts(settings.server.advertise.unwrap_or_default())?,
            given => given.to_vec(),
        };
        let hold = settings.hold_secs.map(Duration::from_secs);
        if hold.is_some_and(|hold| hold > HOLD_MAX) {
            return Err(value("hold_secs", format!("at most {} seconds are held back", HOLD_MAX.as_secs())));
        }
        let bind = flags.bind.or(settings.server.bind);
        Ok(Self {
            bind,
            overlay: overlay(settings.overlay, flags.overlay, bind, resolve)?,
            monitor: given(settings.monitor.listen).map(|text| monitor(&text)).transpose()?,
            advertise,
            attachments: AttachmentsConfig::from_settings(&settings.attachments)?,
            mail: MailConfig::from_settings(settings.mail, flags.mail_folder, resolve)?,
            disk: disk::reserves(&settings.disk)?,
            retention: retention::retention(&settings.retention)?,
            housekeeping: retention::housekeeping(&settings.retention)?,
            hold,
            notifications: settings.notifications,
        })
    }

    /// A file to begin with: every key with what it means, all commented out.
    pub fn template() -> String {
        confique::toml::template::<Settings>(confique::toml::FormatOptions::default())
    }
}

impl Default for MailConfig {
    fn default() -> Self {
        let sender = crate::mail::mailbox(DEFAULT_SENDER, None).expect("the constant is an address");
        Self { sender, route: MailRoute::None, digests: None }
    }
}

impl MailConfig {
    fn from_settings(
        settings: MailSettings,
        folder_flag: Option<PathBuf>,
        resolve: impl Fn(PathBuf) -> PathBuf,
    ) -> Result<Self, ConfigError> {
        let from = given(settings.from);
        let relay = RelayConfig::from_settings(settings.relay, &resolve)?;
        // A folder wins: whoever names one wants to see mails, not to send them.
        let folder = folder_flag.or_else(|| settings.folder.filter(|path| !is_empty(path)).map(&resolve));
        let route = match (folder, relay) {
            (Some(folder), _) => MailRoute::Folder(folder),
            (None, Some(_)) if from.is_none() => {
                return Err(value("mail.from", "is needed with a relay: the address that mails come from"));
            }
            (None, Some(relay)) => MailRoute::Relay(Box::new(relay)),
            (None, None) => MailRoute::None,
        };
        let address = from.unwrap_or_else(|| DEFAULT_SENDER.to_owned());
        let sender = crate::mail::mailbox(&address, given(settings.from_name).as_deref());
        let sender = sender.map_err(|error: MailError| value("mail.from", error))?;
        let digests = digest_rules(settings.digest_after_secs, settings.digest_excerpts)?;
        Ok(Self { sender, route, digests })
    }
}

/// `None` with 0 seconds.
fn digest_rules(after_secs: u64, has_excerpts: bool) -> Result<Option<DigestRules>, ConfigError> {
    let after_millis = after_secs.saturating_mul(1_000);
    match after_millis {
        0 => Ok(None),
        1..DIGEST_AFTER_MILLIS_MIN => {
            Err(value("mail.digest_after_secs", "is 5 or more, or 0 for no such mails"))
        }
        _ => Ok(Some(DigestRules { after_millis, has_excerpts })),
    }
}

impl RelayConfig {
    /// `None` without a host.
    fn from_settings(
        settings: RelaySettings,
        resolve: impl Fn(PathBuf) -> PathBuf,
    ) -> Result<Option<Self>, ConfigError> {
        let RelaySettings { host, port, security, username, password, password_file, ca_file } = settings;
        let Some(host) = given(host) else { return Ok(None) };
        if host.len() > HOST_BYTES_MAX || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(value("mail.relay.host", "is no name of a host"));
        }
        if security == Security::Plain && !is_this_machine(&host) {
            let problem = "\"plain\" is for a relay on this machine alone: use \"starttls\" or \"tls\"";
            return Err(value("mail.relay.security", problem));
        }
        let password = match (password.filter(|secret| !secret.expose().is_empty()), password_file) {
            (Some(_), Some(_)) => {
                return Err(value(
                    "mail.relay.password_file",
                    "is there beside `password`: give one of them",
                ));
            }
            (password, None) => password,
            (None, Some(path)) => Some(read_password(&resolve(path))?),
        };
        let login = match (given(username), password) {
            (Some(username), Some(password)) => Some(Login { username, password }),
            (None, None) => None,
            (Some(_), None) => {
                return Err(value("mail.relay.password", "is missing beside `username`"));
            }
            (None, Some(_)) => return Err(value("mail.relay.username", "is missing beside the password")),
        };
        let ca_pem = ca_file.map(|path| read_bounded(&resolve(path), CA_BYTES_MAX)).transpose()?;
        let ca_pem = ca_pem.map(|(bytes, _)| bytes.to_vec());
        Ok(Some(Self { host, port: port.unwrap_or(security.port()), security, login, ca_pem }))
    }
}

type SettingsLayer = <Settings as confique::Config>::Layer;

/// A file that was read.
struct Source {
    path: PathBuf,
    layer: SettingsLayer,
}

impl Source {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        let (bytes, metadata) = read_bounded(path, FILE_BYTES_MAX)?;
        let parse_error = |offset, message: &str| {
            let before = &bytes[..offset];
            let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let column = 1 + String::from_utf8_lossy(&before[line_start..]).chars().count();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            ConfigError::Parse { path: path.to_owned(), line, column, message: message.to_owned() }
        };
        let text =
            std::str::from_utf8(&bytes).map_err(|error| parse_error(error.valid_up_to(), "not UTF-8"))?;
        // Not the error's own text: it quotes the line.
        let layer: SettingsLayer = toml::from_str(text)
            .map_err(|error| parse_error(error.span().map_or(0, |span| span.start), error.message()))?;
        if layer.mail.relay.password.is_some() && is_open_to_others(&metadata) {
            return Err(ConfigError::TooOpen { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), layer })
    }
}

impl fmt::Display for MailRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "none: this server can send no mail"),
            Self::Folder(path) => write!(f, "the folder {}: nothing is sent", path.display()),
            Self::Relay(relay) => {
                write!(f, "the relay {}, port {}, {}", relay.host, relay.port, relay.security.as_str())?;
                match &relay.login {
                    Some(login) => write!(f, ", as {}", login.username),
                    None => Ok(()),
                }
            }
        }
    }
}

fn overlay(
    settings: OverlaySettings,
    flag: Option<OverlayMode>,
    bind: Option<Bind>,
    resolve: impl Fn(PathBuf) -> PathBuf,
) -> Result<OverlayConfig, ConfigError> {
    let mode = flag.or(settings.mode).unwrap_or_default();
    let api = settings.api.unwrap_or(API_DEFAULT);
    if !api.ip().is_loopback() || api.port() == 0 {
        let problem = format!(
            "is to be a port of this machine alone, as \"{API_DEFAULT}\": anybody could answer elsewhere"
        );
        return Err(value("overlay.api", problem));
    }
    if let (OverlayMode::None, Some(bind @ Bind::Auto { .. })) = (mode, bind) {
        let problem = format!(
            "\"none\" leaves nothing for \"{bind}\" to find: give `bind` as a literal address, or follow the node with \
             \"external\""
        );
        return Err(value("overlay.mode", problem));
    }
    let default = OverlayConfig::default();
    let peers = match settings.peers {
        Some(texts) => parse_peers(&texts)?,
        None => default.peers,
    };
    // A name alone is looked for on the PATH; anything with a folder is a path.
    let program = settings
        .program
        .filter(|program| !is_empty(program))
        .map(|program| if program.components().count() > 1 { resolve(program) } else { program });
    let key_folder = settings.key_folder.filter(|folder| !is_empty(folder)).map(resolve);
    Ok(OverlayConfig { mode, api, program: program.unwrap_or(default.program), key_folder, peers })
}

fn parse_peers(texts: &[String]) -> Result<Vec<PeerEndpoint>, ConfigError> {
    if texts.is_empty() {
        return Err(value("overlay.peers", "is empty: a node without a peer reaches nobody"));
    }
    let peers = texts.iter().map(|text| text.parse());
    peers.collect::<Result<_, ParsePeerError>>().map_err(|error| value("overlay.peers", error))
}

fn monitor(text: &str) -> Result<MonitorAt, ConfigError> {
    let wrong = |problem| value("monitor.listen", problem);
    if text.starts_with('/') {
        return Ok(MonitorAt::Socket(PathBuf::from(text)));
    }
    let address: std::net::SocketAddr = text
        .parse()
        .map_err(|_| wrong("is neither an address with a port nor the whole path of a socket"))?;
    match address.ip().is_loopback() {
        true => Ok(MonitorAt::Loopback(address)),
        false => {
            Err(wrong("would tell everybody: use 127.0.0.1 or [::1], and a proxy that asks who they are"))
        }
    }
}

fn hosts(texts: Vec<String>) -> Result<Vec<Host>, ConfigError> {
    let parsed = texts.iter().map(|text| text.trim().parse());
    parsed.collect::<Result<_, AddressError>>().map_err(|error| value("server.advertise", error))
}

fn read_password(path: &Path) -> Result<Secret, ConfigError> {
    let (bytes, metadata) = read_bounded(path, PASSWORD_BYTES_MAX)?;
    if is_open_to_others(&metadata) {
        return Err(ConfigError::TooOpen { path: path.to_owned() });
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| value("mail.relay.password_file", "does not hold UTF-8"))?
        .trim_end_matches(['\r', '\n']);
    if text.is_empty() || text.contains(char::is_control) {
        return Err(value("mail.relay.password_file", "holds no password in one line"));
    }
    Ok(Secret::new(text))
}

/// Reads a file that is no longer than it may be. Wiped after use: it may hold a secret.
fn read_bounded(path: &Path, max: u64) -> Result<(Zeroizing<Vec<u8>>, Metadata), ConfigError> {
    let io_error = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(io_error)?;
    let metadata = file.metadata().map_err(io_error)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(max + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > max {
        return Err(ConfigError::TooLarge { path: path.to_owned(), max });
    }
    Ok((bytes, metadata))
}

fn is_open_to_others(metadata: &Metadata) -> bool {
    // A group is fine: that is how an administrator gives a service its secrets.
    metadata.permissions().mode() & 0o007 != 0
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An empty text says "not set", so that a variable of the environment can take back what the file says.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

fn value(key: &'static str, problem: impl fmt::Display) -> ConfigError {
    ConfigError::Value { key, problem: problem.to_string() }
}

/// Sizes in the file are told in MiB.
const MIB: u64 = 1024 * 1024;
/// The file's name in the daemon's folder.
pub const FILE_NAME: &str = "config.toml";
/// Whom mails in a folder are from when nobody says.
const DEFAULT_SENDER: &str = "hero-assistance@localhost";
/// A page of settings with comments, many times over.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Longer than any password that a relay takes.
const PASSWORD_BYTES_MAX: u64 = 1_024;
/// A chain of a few certificates.
const CA_BYTES_MAX: u64 = 256 * 1024;
/// RFC 1035, section 2.3.4.
const HOST_BYTES_MAX: usize = 255;

#[cfg(test)]
mod tests;
