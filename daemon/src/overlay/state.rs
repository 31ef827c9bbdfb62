//! What is known of this machine's node, and what one look changes about it. Pure.
//!
//! | state | is | leaves by |
//! |---|---|---|
//! | `Off` | nobody looks | never |
//! | `Unknown` | nobody has looked yet | the first look |
//! | `Found` | a node answers, and its address is on an interface | every look may |
//! | `Silent` | it was found, answers no more, and its address is still there: its API is taken or slow | the same |
//! | `NoInterface` | a node answers, but its address is not this machine's | the same |
//! | `Unconfirmed` | an interface has an overlay address, and nobody answers for it | the same |
//! | `Wrong` | something else than a node answers | the same |
//! | `Starting` | this daemon runs a node, which does not answer yet | the same |
//! | `NotRunning` | this daemon runs a node, and cannot | the same |
//! | `Absent` | nobody answers, and no interface has an overlay address | the same |

use std::collections::BTreeSet;
use std::net::{Ipv6Addr, SocketAddr};

use super::api::AskError;
use super::managed::{Failure, ProgramState};
use super::node::NodeInfo;

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The node's word.
    pub answer: Result<NodeInfo, AskError>,
    /// Overlay addresses of this machine's interfaces.
    pub addresses: BTreeSet<Ipv6Addr>,
    /// How mycelium is installed here.
    pub program: Program,
    /// How the program fares that this daemon runs, if it does.
    pub managed: Option<ProgramState>,
}

/// How mycelium is installed on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// As a service of the system.
    Service,
    /// As a program alone.
    Alone,
    /// Not where we look.
    Missing,
}

/// A node of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// An address of its subnet that an interface has: its own, if it is among them.
    pub address: Ipv6Addr,
    /// What it says of itself.
    pub info: NodeInfo,
}

/// What is known of this machine's node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverlayState {
    /// Nobody looks.
    Off,
    /// Nobody has looked yet.
    Unknown,
    /// A node answers, and its address is on an interface.
    Found(Node),
    /// It was found and answers no more, but its address is still there.
    Silent(Node),
    /// A node answers, but its address is not this machine's.
    NoInterface(NodeInfo),
    /// An interface has an overlay address, and nobody answers for it.
    Unconfirmed {
        /// That address.
        address: Ipv6Addr,
        /// Where nobody answers.
        api: SocketAddr,
    },
    /// Something else than a node answers.
    Wrong {
        /// Where.
        api: SocketAddr,
        /// What is wrong with it.
        problem: AskError,
    },
    /// This daemon runs a node, which does not answer yet.
    Starting,
    /// This daemon runs a node, and cannot.
    NotRunning(Failure),
    /// Nobody answers, and no interface has an overlay address.
    Absent {
        /// Where nobody answers.
        api: SocketAddr,
        /// How mycelium is installed.
        program: Program,
    },
}

impl OverlayState {
    /// What is known after a look; `api` is where it asked.
    #[must_use]
    pub fn after(&self, look: &Look, api: SocketAddr) -> Self {
        if *self == Self::Off {
            return Self::Off;
        }
        let was = match self {
            Self::Found(node) | Self::Silent(node) => Some(*node),
            _ => None,
        };
        match (&look.answer, was) {
            (Ok(info), _) => match address_on_interface(info, &look.addresses) {
                Some(address) => Self::Found(Node { address, info: *info }),
                None => Self::NoInterface(*info),
            },
            // One answer that does not come says nothing yet: the network it carries is there.
            (Err(AskError::Nobody(_) | AskError::Silent), Some(node))
                if look.addresses.contains(&node.address) =>
            {
                Self::Silent(node)
            }
            (Err(AskError::Nobody(_)), _) => match (look.addresses.first(), &look.managed) {
                (Some(address), _) => Self::Unconfirmed { address: *address, api },
                (None, Some(ProgramState::Running)) => Self::Starting,
                (None, Some(ProgramState::Failed(failure))) => Self::NotRunning(failure.clone()),
                (None, None) => Self::Absent { api, program: look.program },
            },
            (Err(problem), _) => Self::Wrong { api, problem: problem.clone() },
        }
    }

    /// The address at which this machine is reached, as far as its node vouches for it.
    pub fn address(&self) -> Option<Ipv6Addr> {
        match self {
            Self::Found(node) | Self::Silent(node) => Some(node.address),
            _ => None,
        }
    }

    /// The node's word of itself.
    pub fn info(&self) -> Option<&NodeInfo> {
        match self {
            Self::Found(node) | Self::Silent(node) => Some(&node.info),
            Self::NoInterface(info) => Some(info),
            _ => None,
        }
    }

    /// For people: one sentence without its end.
    pub fn detail(&self) -> String {
        match self {
            Self::Off => "the overlay is left alone, as --overlay none says".to_owned(),
            Self::Unknown => "looking for a mycelium node".to_owned(),
            Self::Starting => "the mycelium node of this daemon is starting".to_owned(),
            Self::NotRunning(failure) => failure.to_string(),
            Self::Found(node) => format!("a mycelium node runs here; this machine is {}", node.address),
            Self::Silent(node) => format!(
                "the mycelium node answers no more, but its address {} is still on this machine",
                node.address
            ),
            Self::NoInterface(info) => format!(
                "a mycelium node answers, but no interface of this machine has its address {}: it runs without one, \
                 or in another network namespace",
                info.address
            ),
            Self::Unconfirmed { address, api } => format!(
                "an interface has the overlay address {address}, but no mycelium node answers at {api} to confirm it"
            ),
            Self::Wrong { api, problem } => {
                format!(
                    "what answers at {api} is no mycelium node: {problem}; if the node's API is elsewhere, `api` under \
                     [overlay] says so"
                )
            }
            Self::Absent { api, .. } => {
                format!("no mycelium node runs here: nobody answers at {api}")
            }
        }
    }

    /// Why nobody can be reached over the overlay while no interface has an overlay address, with what helps.
    pub fn hindrance(&self) -> String {
        let detail = match self {
            Self::Found(_) | Self::Silent(_) => "the mycelium node's address has just gone".to_owned(),
            other => other.detail(),
        };
        match self.help() {
            Some(help) => format!("{detail}: `{help}`"),
            None => detail,
        }
    }

    /// The one command that helps, if something is to be done.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Off | Self::Unknown | Self::Starting | Self::Found(_) => None,
            Self::NotRunning(failure) => failure.help(),
            Self::Silent(_) => Some("sudo systemctl restart mycelium".to_owned()),
            Self::NoInterface(_) => Some(start_command()),
            Self::Unconfirmed { api, .. } => Some(format!("{} --api-addr {api}", start_command())),
            // Names the program that has the port.
            Self::Wrong { api, .. } => Some(format!("sudo ss -ltnp sport = :{}", api.port())),
            Self::Absent { program: Program::Service, .. } => {
                Some("sudo systemctl enable --now mycelium".to_owned())
            }
            Self::Absent { program: Program::Alone, .. } => Some(start_command()),
            Self::Absent { program: Program::Missing, .. } => {
                Some(format!("{} (from {DOWNLOADS})", start_command()))
            }
        }
    }
}

/// The node's own address if an interface has it, else another one of its subnet.
fn address_on_interface(info: &NodeInfo, addresses: &BTreeSet<Ipv6Addr>) -> Option<Ipv6Addr> {
    let own = addresses.get(&info.address);
    own.or_else(|| addresses.iter().find(|address| info.has(**address))).copied()
}

fn start_command() -> String {
    format!("sudo mycelium --peers {PUBLIC_PEER}")
}

/// One of the public peers that mycelium's own service file names. tcp:// links take large packets without harm.
pub(super) const PUBLIC_PEER: &str = "tcp://188.40.132.242:9651";
pub(super) const DOWNLOADS: &str = "https://github.com/threefoldtech/mycelium/releases";

#[cfg(test)]
mod tests;
