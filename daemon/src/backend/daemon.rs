//! `daemon.*`: the process behind the socket.

use assist_proto::api::daemon::{DaemonRole, DaemonStatus, GetStatus, Stop};
use assist_proto::api::{API_VERSION, ApiError, Done};

use super::LocalBackend;
use crate::api_server::Handle;
use crate::driver::read_clock;

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

/// As `home.rs` has it.
const STORE: &str = "store.redb";
