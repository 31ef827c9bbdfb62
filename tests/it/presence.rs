//! Presence with real programs: customers and agents of two projects, and a daemon that is killed.

#![expect(clippy::disallowed_methods, reason = "what is to be over in ten seconds is timed")]

use std::time::{Duration, Instant};

use assist_proto::api::presence::{Doing, List, PresenceList, Set, SetDoing};
use assist_proto::api::ticket::Patch;
use assist_proto::api::{sync, user};
use assist_tests::process::DaemonProcess;

fn member(servers: &[&DaemonProcess], role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    for server in servers {
        device.join(server, role, name);
    }
    device.until_connection(sync::ConnectionState::Online);
    device
}

fn file(device: &DaemonProcess, title: &str) -> String {
    device.assist_ok(["ticket", "new", "-t", title, "-b", "Now.", "--wait=delivered"]).trim().to_owned()
}

fn show(device: &DaemonProcess, ticket: &str, doing: SetDoing) {
    let ticket = Some(ticket.to_owned());
    device.call(&Set { ticket, doing: Some(doing), ..Set::default() });
}

/// Who is at tickets, each with what they do.
fn seen(list: &PresenceList) -> Vec<(String, String, Doing)> {
    let people = list.tickets.iter().flat_map(|at| at.people.iter().map(move |person| (at, person)));
    people.map(|(at, person)| (at.ticket.title.clone(), person.user.name.clone(), person.doing)).collect()
}

/// Waits until that is who is seen. Whoever shows something goes on showing it meanwhile, as front ends do.
fn until_seen(device: &DaemonProcess, wanted: &[(&str, &str, Doing)], keep_showing: impl Fn()) {
    device.until_called(&format!("{wanted:?}"), &List::default(), |list| {
        keep_showing();
        let seen = seen(list);
        let seen: Vec<_> = seen.iter().map(|(at, who, doing)| (at.as_str(), who.as_str(), *doing)).collect();
        seen == wanted
    });
}

#[test]
fn who_looks_at_a_ticket_and_writes_is_seen_both_ways_and_by_nobody_else() {
    let (anvil, bellows) = (DaemonProcess::server("anvil"), DaemonProcess::server("bellows"));
    let carla = member(&[&anvil], user::Role::Customer, "Carla");
    let dora = member(&[&bellows], user::Role::Customer, "Dora");
    let mut amir = member(&[&anvil, &bellows], user::Role::Agent, "Amir");
    let arno = member(&[&anvil], user::Role::Agent, "Arno");
    let (hums, leaks) = (file(&carla, "It hums"), file(&dora, "It leaks"));

    let amir_views = || show(&amir, &hums, SetDoing::Viewing);
    let carla_types = || show(&carla, &hums, SetDoing::Typing);
    until_seen(&carla, &[("It hums", "Amir", Doing::Viewing)], amir_views);
    assert_eq!(seen(&dora.call(&List::default())), []);
    let both = [("It hums", "Carla", Doing::Typing), ("It hums", "Amir", Doing::Viewing)];
    until_seen(&arno, &both, || (amir_views(), carla_types()).1);
    let both = [("It hums", "Carla", Doing::Typing), ("It hums", "Amir", Doing::TypingNote)];
    until_seen(&arno, &both, || (show(&amir, &hums, SetDoing::TypingNote), carla_types()).1);
    assert_eq!(seen(&carla.call(&List::default())), [("It hums".into(), "Amir".into(), Doing::Viewing)]);
    until_seen(&dora, &[("It leaks", "Amir", Doing::Typing)], || show(&amir, &leaks, SetDoing::Typing));

    // Word of oneself is for the team, and stands without a front end.
    amir.assist_ok(["presence", "set", "--status", "in the cellar"]);
    arno.until_called("the status", &List::default(), |list| {
        list.projects[0].people.iter().any(|person| person.status.as_deref() == Some("in the cellar"))
    });
    let listed = carla.assist_ok(["presence", "list", "--json"]);
    assert!(!listed.contains("cellar"), "{listed}");
    let long = "x".repeat(81);
    assert_eq!(amir.assist(["presence", "set", "--status", &long]).code, Some(2));

    show(&amir, &hums, SetDoing::Typing);
    let first = carla.assist_ok(["presence", "list", "--watch", "-n", "1"]);
    assert_eq!(first.trim_end().split('\t').nth(1), Some(hums.as_str()), "{first}");
    amir.call(&Set { doing: Some(SetDoing::Gone), status: Patch::Clear, ..Set::default() });
    until_seen(&carla, &[], || ());

    // Killed, it says nothing more; nobody is told that it has gone but by its silence.
    until_seen(&carla, &[("It hums", "Amir", Doing::Viewing)], || show(&amir, &hums, SetDoing::Viewing));
    amir.kill();
    let killed_at = Instant::now();
    until_seen(&carla, &[], || ());
    let shown_for = killed_at.elapsed();
    assert!(shown_for < Duration::from_secs(12), "shown for {shown_for:?} after its end");
    amir.start();
    amir.until_connection(sync::ConnectionState::Online);
    assert_eq!(amir.call(&List::default()).projects[0].own_status, None, "nothing of it was stored");
}
