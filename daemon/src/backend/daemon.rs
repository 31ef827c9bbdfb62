//! `daemon.*`: the process behind the socket.

use assist_proto::api::daemon::{
    DaemonRole, DaemonStatus, GetStatus, OverlayState, OverlayStatus, ScrubStatus, Stop,
};
use assist_proto::api::{API_VERSION, ApiError, Done};

use super::LocalBackend;
use crate::api_server::Handle;
use crate::daemon::{DaemonInfo, ServerInfo};
use crate::driver::read_clock;
use crate::overlay;
use crate::scrub::{self, Scrubbed};

impl Handle<GetStatus> for LocalBackend {
    async fn handle(&self, _params: GetStatus) -> Result<DaemonStatus, ApiError> {
        let info = &self.info;
        let mut roles = vec![DaemonRole::Device];
        roles.extend(info.server.as_ref().map(|_| DaemonRole::Server));
        Ok(DaemonStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api_version: API_VERSION.to_owned(),
            pid: std::process::id(),
            home: info.home.display().to_string(),
            roles,
            device_id: info.device.to_string(),
            started_at_millis: info.started_at.0,
            uptime_millis: read_clock().0.saturating_sub(info.started_at.0),
            // A store that is not on a disk takes nothing of it.
            store_size_bytes: std::fs::metadata(info.home.join(STORE)).map_or(0, |store| store.len()),
            overlay: Some(overlay_status(info)),
            scrub: scrub::last(&info.home).map(scrub_status),
        })
    }
}

impl Handle<Stop> for LocalBackend {
    async fn handle(&self, _params: Stop) -> Result<Done, ApiError> {
        // The driver ends first; the API's server lets this answer out before it goes.
        self.driver.stop().await;
        Ok(Done {})
    }
}

fn scrub_status(scrubbed: Scrubbed) -> ScrubStatus {
    let Scrubbed { at_millis, problem_count, first_problem } = scrubbed;
    ScrubStatus { at_millis, problem_count, first_problem }
}

fn overlay_status(info: &DaemonInfo) -> OverlayStatus {
    let state = info.overlay.borrow().clone();
    let hex = |key: &[u8; 32]| key.iter().map(|byte| format!("{byte:02x}")).collect();
    OverlayStatus {
        mode: info.overlay_mode.as_str().to_owned(),
        state: word_of(&state),
        address: state.address().map(|address| address.to_string()),
        node_key: state.info().map(|node| hex(&node.key)),
        detail: state.detail(),
        help: state.help(),
        ignored_packets: info.server.as_ref().and_then(ServerInfo::ignored_packets),
    }
}

const fn word_of(state: &overlay::OverlayState) -> OverlayState {
    match state {
        overlay::OverlayState::Off => OverlayState::Off,
        overlay::OverlayState::Unknown => OverlayState::Looking,
        overlay::OverlayState::Found(_) => OverlayState::Found,
        overlay::OverlayState::Silent(_) => OverlayState::Silent,
        overlay::OverlayState::NoInterface(_) => OverlayState::NoInterface,
        overlay::OverlayState::Unconfirmed { .. } => OverlayState::Unconfirmed,
        overlay::OverlayState::Wrong { .. } => OverlayState::Wrong,
        overlay::OverlayState::Absent { .. } => OverlayState::Absent,
        overlay::OverlayState::Starting => OverlayState::Starting,
        overlay::OverlayState::NotRunning(_) => OverlayState::NotRunning,
    }
}

/// As `home.rs` has it.
const STORE: &str = "store.redb";
