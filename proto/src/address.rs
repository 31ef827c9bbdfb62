//! The address that a person pastes: `assist://<project id>@<host>[:port][,<host>...]`.
//!
//! A host is an IP address, never a name: names need a resolver, which is one more thing to trust and to be without.
//! An overlay address alone is a whole address too: the project is then learned from the server and shown.
//! Parsing never looks anything up. Who answers there is proven by keys, never by the address.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use assist_crdt_model::{ParseIdError, ProjectId};

use crate::limits::{ADDRESS_CHARS_MAX, ADDRESS_HOSTS_MAX, DEFAULT_PORT};

/// Where a project's server can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    project: Option<ProjectId>,
    hosts: Vec<Host>,
}

/// One place where the server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    ip: IpAddr,
    port: u16,
}

/// Why a text is not an address. Each says what was expected instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing but white space.
    #[error("the address is empty; {EXPECTED}")]
    Empty,
    /// Longer than any address.
    #[error("the address has {chars} characters, at most {ADDRESS_CHARS_MAX} are allowed; {EXPECTED}")]
    TooLong {
        /// How long it is.
        chars: usize,
    },
    /// Another scheme than ours.
    #[error("the address starts with {scheme:?}; {EXPECTED}")]
    OtherScheme {
        /// What stands before `://`.
        scheme: String,
    },
    /// Neither our scheme nor a bare overlay address.
    #[error(
        "{text:?} is neither an address with \"assist://\" nor an overlay address (400::/7) alone; {EXPECTED}"
    )]
    NoScheme {
        /// What was given.
        text: String,
    },
    /// No `@` behind the scheme.
    #[error("the address names no project before an \"@\"; {EXPECTED}")]
    NoProject,
    /// What stands before the `@` is no project.
    #[error("what stands before the \"@\" is no project; {EXPECTED}")]
    Project(#[source] ParseIdError),
    /// No host behind the `@`, or between two commas.
    #[error("a host is missing; {EXPECTED}")]
    NoHost,
    /// More hosts than any server has.
    #[error("the address has {count} hosts, at most {ADDRESS_HOSTS_MAX} are allowed")]
    TooManyHosts {
        /// How many.
        count: usize,
    },
    /// One of the hosts.
    #[error("the host {host:?} {reason}; {EXPECTED}")]
    Host {
        /// Which.
        host: String,
        /// What is wrong with it.
        reason: HostError,
    },
}

/// What is wrong with a host. Completes a sentence that begins with the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// A name that would have to be looked up.
    #[error("is a name; only IP addresses are accepted, so that nobody has to be trusted to look it up")]
    Name,
    /// Digits and dots or colons, but no address.
    #[error("is not a valid IP address")]
    Invalid,
    /// An IPv6 address with a port but no brackets, or with brackets that do not match.
    #[error("needs the IPv6 address in brackets before the port, as in [400::1]:{DEFAULT_PORT}")]
    Brackets,
    /// `0.0.0.0` or `::`.
    #[error("is the unspecified address; name the one that the server can be reached at")]
    Unspecified,
    /// A group of machines.
    #[error("is a multicast or broadcast address")]
    Multicast,
    /// Port 0, or no number up to 65535.
    #[error("has no valid port; a port is a number from 1 to 65535")]
    Port,
    /// The same host twice.
    #[error("is there twice")]
    Twice,
}

impl Address {
    /// Makes the address that a server prints.
    ///
    /// # Errors
    /// When there is no host, too many, or one twice.
    pub fn new(project: ProjectId, hosts: Vec<Host>) -> Result<Self, AddressError> {
        check_hosts(&hosts)?;
        Ok(Self { project: Some(project), hosts })
    }

    /// The project; `None` for a bare overlay address, where it is learned from the server.
    pub const fn project(&self) -> Option<ProjectId> {
        self.project
    }

    /// Where to dial, in the order given. At least one.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The same project at the hosts that are said to be its own now. Those that were known and are not among them come
    /// last, as long as there is room: whoever says so may be wrong about the way from here.
    #[must_use]
    pub fn with_hosts(&self, said: &[Host]) -> Self {
        let mut hosts: Vec<Host> = Vec::new();
        for host in said.iter().chain(&self.hosts) {
            if hosts.len() < ADDRESS_HOSTS_MAX && !hosts.contains(host) {
                hosts.push(*host);
            }
        }
        Self { project: self.project, hosts }
    }

    /// The same address with the project that was learned.
    #[must_use]
    pub fn with_project(self, project: ProjectId) -> Self {
        Self { project: Some(project), hosts: self.hosts }
    }
}

impl Host {
    /// Makes a host of an address and a port.
    ///
    /// # Errors
    /// When nobody can be dialled there.
    pub fn new(ip: IpAddr, port: u16) -> Result<Self, HostError> {
        let is_broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
        match ip.to_canonical() {
            plain if plain.is_unspecified() => Err(HostError::Unspecified),
            plain if plain.is_multicast() || is_broadcast => Err(HostError::Multicast),
            _ if port == 0 => Err(HostError::Port),
            plain => Ok(Self { ip: plain, port }),
        }
    }

    /// The IP address.
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// The UDP port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Both, as a socket takes them.
    pub const fn socket_addr(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }
}

/// Tells whether an address is one of the mycelium overlay: in 400::/7.
pub fn is_overlay(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.octets()[0] & 0xfe == 0x04)
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let chars = text.chars().count();
        if chars == 0 {
            return Err(AddressError::Empty);
        }
        if chars > ADDRESS_CHARS_MAX {
            return Err(AddressError::TooLong { chars });
        }
        let Some((scheme, rest)) = text.split_once("://") else { return bare_overlay_address(text) };
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(AddressError::OtherScheme { scheme: scheme.to_owned() });
        }
        // A browser or a mail program may have put a slash behind it.
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (project, hosts) = rest.split_once('@').ok_or(AddressError::NoProject)?;
        if project.is_empty() {
            return Err(AddressError::NoProject);
        }
        let project = project.parse().map_err(AddressError::Project)?;
        let hosts = hosts.split(',').map(parse_host).collect::<Result<_, _>>()?;
        Self::new(project, hosts)
    }
}

impl fmt::Display for Address {
    /// Writes the shortest text that reads back as the same address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(project) = self.project {
            write!(f, "{SCHEME}://{project}@")?;
        }
        for (index, host) in self.hosts.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{host}")?;
        }
        Ok(())
    }
}

impl FromStr for Host {
    type Err = AddressError;

    /// Reads one host: an IP address, with `:port` behind it where it is not the usual one.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse_host(text)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.port == DEFAULT_PORT { write!(f, "{}", self.ip) } else { write!(f, "{}", self.socket_addr()) }
    }
}

/// Without a project nothing but the overlay address itself ties the address to the server that was meant, so no
/// other kind of address will do.
fn bare_overlay_address(text: &str) -> Result<Address, AddressError> {
    match parse_host(text) {
        Ok(host) if is_overlay(host.ip) => Ok(Address { project: None, hosts: vec![host] }),
        Err(error @ AddressError::Host { reason: HostError::Brackets | HostError::Port, .. }) => Err(error),
        _ => Err(AddressError::NoScheme { text: text.to_owned() }),
    }
}

fn parse_host(text: &str) -> Result<Host, AddressError> {
    if text.is_empty() {
        return Err(AddressError::NoHost);
    }
    split_port(text)
        .and_then(|(ip, port)| Host::new(ip, port))
        .map_err(|reason| AddressError::Host { host: text.to_owned(), reason })
}

fn split_port(text: &str) -> Result<(IpAddr, u16), HostError> {
    if let Ok(ip) = text.parse() {
        return Ok((ip, DEFAULT_PORT));
    }
    if let Some(bracketed) = text.strip_prefix('[') {
        let (ip, rest) = bracketed.split_once(']').ok_or(HostError::Brackets)?;
        let ip: Ipv6Addr = ip.parse().map_err(|_| HostError::Invalid)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((ip.into(), parse_port(port)?)),
            None if rest.is_empty() => Ok((ip.into(), DEFAULT_PORT)),
            None => Err(HostError::Brackets),
        };
    }
    match text.rsplit_once(':') {
        // An IPv6 address that ends in a port but lacks its brackets.
        Some((ip, _)) if ip.parse::<Ipv6Addr>().is_ok() => Err(HostError::Brackets),
        Some((ip, port)) if !ip.contains(':') => Ok((parse_ip_v4(ip)?, parse_port(port)?)),
        _ => parse_ip_v4(text).map(|ip| (ip, DEFAULT_PORT)),
    }
}

fn parse_ip_v4(text: &str) -> Result<IpAddr, HostError> {
    text.parse::<Ipv4Addr>().map(IpAddr::from).map_err(|_| {
        let is_name = !text.contains(':') && text.chars().any(char::is_alphabetic);
        if is_name { HostError::Name } else { HostError::Invalid }
    })
}

fn parse_port(text: &str) -> Result<u16, HostError> {
    // The number parser alone would take a sign.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or(HostError::Port)
}

fn check_hosts(hosts: &[Host]) -> Result<(), AddressError> {
    if hosts.is_empty() {
        return Err(AddressError::NoHost);
    }
    if hosts.len() > ADDRESS_HOSTS_MAX {
        return Err(AddressError::TooManyHosts { count: hosts.len() });
    }
    let mut seen = BTreeSet::new();
    match hosts.iter().find(|host| !seen.insert(**host)) {
        Some(host) => Err(AddressError::Host { host: host.to_string(), reason: HostError::Twice }),
        None => Ok(()),
    }
}

const SCHEME: &str = "assist";
const EXPECTED: &str = "expected assist://<project id>@<host>[:port][,<host>...], as the server prints it";

#[cfg(test)]
mod tests;
