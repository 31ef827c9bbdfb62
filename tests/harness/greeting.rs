//! How a device greets a server.

use assist_crdt_model::ProjectId;
use assist_proto::store::Seq;
use assist_proto::wire::{Hello, PROTOCOL_VERSION};

/// The greeting of a device that holds nothing of the project yet.
pub fn newcomer(project: ProjectId) -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        project,
        log: None,
        cursor: Seq::ZERO,
        mark_cursor: 0,
        cold: None,
        node_serial: 0,
        serial: 0,
        kept_version: 0,
        certificate: None,
    }
}
