//! Links, against a daemon that is made up.

use assist_proto::api::ApiError;
use serde_json::{Value, json};

use crate::fake_daemon::FakeDaemon;

fn opened(outcome: &str) -> Value {
    json!({
        "outcome": outcome, "project": "p".repeat(52), "name": "hero", "address": "assist://p@h", "joined": null,
        "waiting": null,
    })
}

#[test]
fn outcome_is_a_word_to_a_script_and_a_sentence_to_a_person() {
    for (outcome, said) in [
        ("not_joined", "assist project join 'assist://p@h' --email <your address>"),
        ("already_joined", "hero is joined already"),
        ("other_joined", "the other device is in hero now"),
        ("other_waiting", "assist device list"),
        ("moved_to_the_moon", "this version does not know"),
    ] {
        let daemon = FakeDaemon::always(opened(outcome));
        let ran = daemon.run_on_terminal(&["open", "assist://p@h"]);
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
        let word = if outcome.contains("moon") { "unknown" } else { outcome };
        assert_eq!(daemon.run(&["open", "assist://p@h"]).stdout, format!("{word}\t{}\n", "p".repeat(52)));
    }
}

#[test]
fn address_of_a_joined_project_that_is_not_known_leads_to_the_command_that_takes_it() {
    let mut elsewhere = opened("already_joined");
    elsewhere["is_elsewhere"] = true.into();
    let daemon = FakeDaemon::always(elsewhere);
    let ran = daemon.run_on_terminal(&["open", "assist://p@h"]);
    assert!(ran.stdout.contains("assist project relocate 'assist://p@h'"), "{}", ran.stdout);
    assert_eq!(daemon.run(&["open", "assist://p@h"]).stdout, format!("already_joined\t{}\n", "p".repeat(52)));
}

#[test]
fn what_the_other_device_shows_is_sent_along_and_asked_for_where_somebody_sits() {
    let daemon = FakeDaemon::new(|_, params| match params["check"].as_str() {
        Some(_) => Ok(opened("other_joined")),
        None => Err(ApiError::invalid_params("check_needed", "another device had this mail sent")),
    });
    let ran = daemon.run(&["open", "assist://p@h/confirm?x"]);
    assert_eq!(ran.exit_code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("--check"), "{}", ran.stderr);
    assert_eq!(daemon.run(&["open", "assist://p@h/confirm?x", "--check", "7k2m"]).exit_code, 0);
    let (method, params) = daemon.calls().pop().unwrap();
    assert_eq!(method, "link.open");
    assert_eq!(params, json!({ "link": "assist://p@h/confirm?x", "check": "7k2m" }));
}
