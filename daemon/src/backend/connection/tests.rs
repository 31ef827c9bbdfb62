//! Every connection in words.

use assist_crdt_model::{DeviceId, UnixMillis};
use assist_proto::api::sync::{ConnectionState, HeldUpReason};
use assist_proto::hub::{self, DialId, LinkId, ProjectStatus};
use assist_proto::wire::{HoldCause, RefusedCode};

use super::{describe, short_words, words};

const NOW: UnixMillis = UnixMillis(1_000_000_000);

fn status(connection: hub::Connection, held_up: Option<hub::HeldUp>) -> ProjectStatus {
    ProjectStatus { connection, since: UnixMillis(NOW.0 - 185_000), head: None, held_up }
}

#[track_caller]
fn check(connection: hub::Connection, state: ConnectionState, detail: &str) {
    let status = status(connection, None);
    let told = describe(Some(&status), NOW);
    assert_eq!((told.state, told.detail.as_str()), (state, detail));
    assert_eq!(told.since_millis, status.since.0);
}

#[test]
fn every_connection_says_how_it_stands_and_what_comes_next() {
    let reason = || "no answer from 127.0.0.1:9470".to_owned();
    let soon = UnixMillis(NOW.0 + 11_001);
    let peer = DeviceId::from_bytes([1; 32]);
    check(hub::Connection::Online { link: LinkId(1) }, ConnectionState::Online, "connected for 3 minutes");
    check(
        hub::Connection::Offline { until: soon, tries: 4, reason: reason() },
        ConnectionState::Offline,
        "offline for 3 minutes: no answer from 127.0.0.1:9470; trying again in 12 s",
    );
    check(
        hub::Connection::Offline { until: UnixMillis(NOW.0 - 1), tries: 4, reason: reason() },
        ConnectionState::Offline,
        "offline for 3 minutes: no answer from 127.0.0.1:9470; trying again now",
    );
    check(
        hub::Connection::Connecting { dial: DialId(1), tries: 0, reason: "not connected yet".into() },
        ConnectionState::Connecting,
        "connecting",
    );
    check(
        hub::Connection::Connecting { dial: DialId(1), tries: 2, reason: reason() },
        ConnectionState::Connecting,
        "offline for 3 minutes: no answer from 127.0.0.1:9470; trying again now",
    );
    check(
        hub::Connection::Greeting { link: LinkId(1), peer, tries: 0 },
        ConnectionState::Connecting,
        "the server answers; waiting for its welcome",
    );
    check(
        hub::Connection::Paused,
        ConnectionState::Paused,
        "paused for 3 minutes: `assist sync resume` connects again",
    );
}

#[test]
fn a_refusal_says_whom_to_ask() {
    let refused = |code| hub::Connection::Refused {
        code,
        reason: "this device is not on the roster".into(),
        until: UnixMillis(NOW.0 + 299_000),
    };
    let start = "refused for 3 minutes: this device is not on the roster";
    check(
        refused(RefusedCode::Device),
        ConnectionState::Refused,
        &format!("{start}; ask the operator to let this device in again"),
    );
    check(
        refused(RefusedCode::Project),
        ConnectionState::Refused,
        &format!(
            "{start}; ask the operator where the project is now; `assist project relocate <address>` takes it"
        ),
    );
    check(
        refused(RefusedCode::Unavailable),
        ConnectionState::Refused,
        &format!("{start}; trying again in 5 min"),
    );
}

#[test]
fn a_server_that_takes_nothing_new_is_told_with_its_reason() {
    let online = || hub::Connection::Online { link: LinkId(1) };
    for (cause, again_at, reason, detail) in [
        (
            HoldCause::DiskFull,
            Some(UnixMillis(NOW.0 + 8_000)),
            HeldUpReason::ServerDiskFull,
            "the server's disk is nearly full: what is not sent stays here and goes by itself; trying again in 8 s",
        ),
        (
            HoldCause::Quota,
            None,
            HeldUpReason::Quota,
            "too much was written in a short time: what is not sent stays here and goes by itself; trying again now",
        ),
        (
            HoldCause::Other(9),
            None,
            HeldUpReason::Other,
            "the server takes nothing new for now: what is not sent stays here and goes by itself; trying again now",
        ),
    ] {
        let told = describe(Some(&status(online(), Some(hub::HeldUp { cause, again_at }))), NOW);
        assert_eq!(told.detail, format!("connected for 3 minutes; {detail}"));
        assert_eq!(told.state, ConnectionState::Online);
        let held_up = told.held_up.unwrap();
        assert_eq!((held_up.reason, held_up.again_at_millis), (reason, again_at.map(|at| at.0)));
    }
}

#[test]
fn a_project_without_a_status_is_about_to_connect() {
    assert_eq!(describe(None, NOW).state, ConnectionState::Connecting);
}

#[test]
fn spans_of_time_are_said_in_the_largest_unit() {
    let said: Vec<String> =
        [0, 1_999, 59_999, 60_000, 3_599_999, 7_200_000, 90_000_000].into_iter().map(words).collect();
    assert_eq!(said, ["0 seconds", "1 second", "59 seconds", "1 minute", "59 minutes", "2 hours", "1 day"]);
    assert_eq!([1, 1_000, 119_000, 121_000].map(short_words), ["1 s", "1 s", "119 s", "3 min"]);
}
