//! What a device gives back to a server that lost it: changes of anybody, with what proves whose they are.

use assist_crdt_model::ProjectId;
use serde::{Deserialize, Serialize};

use super::{Member, id, list};
use crate::certificate::Signed;
use crate::limits;
use crate::store::Record;

/// Records of a log that the server has no more. Each gets a verdict, as if its author had pushed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveBack {
    /// The project that the signatures are for.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// Who the authors are; each is told once in a session.
    #[serde(rename = "v")]
    pub vouchers: Vouchers,
    /// As they were, each after those it follows; at most [`limits::PUSH_ENVELOPES_MAX`].
    #[serde(rename = "r", deserialize_with = "list::at_most::<{ limits::PUSH_ENVELOPES_MAX }, _, _>")]
    pub records: Vec<Record>,
}

/// What proves who somebody is, and what is only said of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Vouchers {
    /// Certificates of nodes, by the root; at most [`limits::GIVEN_NODES_MAX`].
    #[serde(
        rename = "n",
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list::at_most::<{ limits::GIVEN_NODES_MAX }, _, _>"
    )]
    pub nodes: Vec<Signed>,
    /// Certificates of devices, by a node; at most [`limits::GIVEN_CERTIFICATES_MAX`].
    #[serde(
        rename = "k",
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list::at_most::<{ limits::GIVEN_CERTIFICATES_MAX }, _, _>"
    )]
    pub certificates: Vec<Signed>,
    /// What people are called: nobody signs that. At most [`limits::GIVEN_CERTIFICATES_MAX`].
    #[serde(
        rename = "m",
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list::at_most::<{ limits::GIVEN_CERTIFICATES_MAX }, _, _>"
    )]
    pub members: Vec<Member>,
}
