//! The whole way with real programs: offline and back, crashes in the middle, and who may see what.

use assist_proto::api::{comment, note, sync, ticket, user};
use assist_tests::process::{DaemonProcess, PATIENCE};

/// A server with a customer's and an agent's device.
fn trio() -> (DaemonProcess, DaemonProcess, DaemonProcess) {
    let server = DaemonProcess::server("hero");
    let customer = DaemonProcess::device();
    let agent = DaemonProcess::device();
    customer.join(&server, user::Role::Customer, "Carla");
    agent.join(&server, user::Role::Agent, "Amir");
    customer.until_connection(sync::ConnectionState::Online);
    agent.until_connection(sync::ConnectionState::Online);
    (server, customer, agent)
}

fn file(device: &DaemonProcess, title: &str) -> ticket::TicketWritten {
    device.call(&ticket::Create {
        title: title.into(),
        body: "What happened.".into(),
        ..ticket::Create::default()
    })
}

fn total(device: &DaemonProcess) -> u64 {
    device.call(&ticket::List { limit: Some(1), ..ticket::List::default() }).total
}

/// Waits until the device lists so many tickets, with their texts.
fn until_loaded(device: &DaemonProcess, count: u64) {
    device.until("all tickets with their texts", |client| {
        let status = client.call(&sync::GetStatus::default()).unwrap();
        let listed = client.call(&ticket::List { limit: Some(1), ..ticket::List::default() }).unwrap().total;
        let is_checked = status.projects.iter().all(|project| project.unverified == 0);
        (listed == count && is_checked).then_some(())
    });
}

fn wait(device: &DaemonProcess, change: Option<String>, until: sync::WaitUntil) {
    let timeout_millis = Some(u64::try_from(PATIENCE.as_millis()).unwrap());
    device.call(&sync::Wait { project: None, changes: change.into_iter().collect(), until, timeout_millis });
}

#[test]
fn ticket_filed_offline_reaches_the_agent_and_the_answer_comes_back() {
    let (mut server, customer, agent) = trio();
    server.stop();
    customer.until("the server is gone", |client| {
        let status = client.call(&sync::GetStatus::default()).unwrap();
        (status.projects[0].connection.state != sync::ConnectionState::Online).then_some(())
    });
    let id = customer.assist_ok(["ticket", "new", "-t", "It flaps", "-b", "Every few minutes."]);
    let id = id.trim();
    assert_eq!(id.len(), 26, "just the id when piped: {id:?}");
    server.start();
    let seen = agent.until("the ticket", |client| {
        client
            .call(&ticket::Get { ticket: id.into(), ..ticket::Get::default() })
            .ok()
            .filter(|seen| seen.row.is_loaded)
    });
    assert_eq!(seen.body, "Every few minutes.");
    agent.assist_ok(["ticket", "comment", id, "-b", "Fixed in 0.8.", "--wait=delivered"]);
    let answered = customer.call(&ticket::Get { ticket: id.into(), ..ticket::Get::default() });
    assert_eq!(answered.comments[0].body, "Fixed in 0.8.");
    assert_eq!(answered.comments[0].author.name, "Amir");
}

#[test]
fn notes_are_shared_by_the_team_and_refused_to_customers() {
    let (server, customer, agent) = trio();
    let colleague = DaemonProcess::device();
    colleague.join(&server, user::Role::Agent, "Dave");
    let id = customer.assist_ok(["ticket", "new", "-t", "It flaps", "-b", "", "--wait=delivered"]);
    let id = id.trim();
    let note = agent.assist_ok(["note", "add", id, "-b", "The relay, again.", "--wait"]);
    let seen = colleague.until("the note", |client| {
        let notes = client.call(&note::List { ticket: id.into(), ..note::List::default() }).ok()?;
        (notes.total == 1).then_some(notes)
    });
    assert_eq!((seen.notes[0].id.as_str(), seen.notes[0].body.as_str()), (note.trim(), "The relay, again."));

    // The note is behind the comment: a customer who has the comment would have the note too, if ever.
    agent.assist_ok(["ticket", "comment", id, "-b", "We are on it.", "--wait=delivered"]);
    let refused = customer.assist(["note", "list", id]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert_eq!(customer.call(&ticket::Get { ticket: id.into(), ..ticket::Get::default() }).note_count, 0);
    let history = customer.assist_ok(["ticket", "history", id]);
    assert!(!history.contains("relay"), "{history}");
}

#[test]
fn full_outbox_of_a_thousand_tickets_survives_kills_on_both_sides() {
    let (mut server, mut customer, agent) = trio();
    customer.call(&sync::Pause::default());
    for number in 0..1_000 {
        file(&customer, &format!("Report {number}"));
    }
    customer.call(&sync::Resume::default());
    // In the middle of the upload: the server loses power, then the customer's machine.
    agent.until("the first tickets", |client| {
        (client.call(&ticket::List { limit: Some(1), ..ticket::List::default() }).unwrap().total > 0)
            .then_some(())
    });
    server.kill();
    server.start();
    customer.kill();
    customer.start();
    customer.until_sent();
    until_loaded(&agent, 1_000);
    assert_eq!(total(&customer), 1_000);
    let listed = agent.call(&ticket::List { limit: Some(500), ..ticket::List::default() });
    let mut numbers: Vec<_> = listed.tickets.iter().filter_map(|row| row.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 500, "every ticket has a number of its own");
}

#[test]
fn agent_killed_during_its_first_load_goes_on_from_there() {
    let (server, customer, _agent) = trio();
    customer.call(&sync::Pause::default());
    for number in 0..300 {
        file(&customer, &format!("Report {number}"));
    }
    customer.call(&sync::Resume::default());
    customer.until_sent();
    let mut late = DaemonProcess::device();
    late.join(&server, user::Role::Agent, "Late");
    late.kill();
    late.start();
    until_loaded(&late, 300);
}

#[test]
fn two_agents_who_edit_at_once_lose_nothing() {
    let (server, customer, amir) = trio();
    let bea = DaemonProcess::device();
    bea.join(&server, user::Role::Agent, "Bea");
    let filed = file(&customer, "Both look at this");
    wait(&customer, filed.change, sync::WaitUntil::Server);
    for agent in [&amir, &bea] {
        until_loaded(agent, 1);
        agent.call(&sync::Pause::default());
    }
    amir.assist_ok(["ticket", "edit", &filed.ticket.id, "--title", "Amir's title"]);
    bea.assist_ok(["ticket", "edit", &filed.ticket.id, "--title", "Bea's title"]);
    for agent in [&amir, &bea] {
        agent.call(&sync::Resume::default());
    }
    for device in [&amir, &bea, &customer] {
        let conflict = device.until("the conflict", |client| {
            let seen = client
                .call(&ticket::Get { ticket: filed.ticket.id.clone(), ..ticket::Get::default() })
                .ok()?;
            seen.conflicts.into_iter().next()
        });
        let mut titles: Vec<_> = conflict.values.iter().map(|value| value.text.as_str()).collect();
        titles.sort_unstable();
        assert_eq!(titles, ["Amir's title", "Bea's title"]);
    }
}

#[test]
fn customer_never_gets_anything_of_another_customers_ticket() {
    const CANARY: &str = "canary-7f3a91";
    let (server, carla, agent) = trio();
    let mut mallory = DaemonProcess::device();
    mallory.join(&server, user::Role::Customer, "Mallory");
    let secret = file(&carla, CANARY);
    carla.call(&comment::Add {
        ticket: secret.ticket.id.clone(),
        body: CANARY.into(),
        ..comment::Add::default()
    });
    carla.until_sent();
    until_loaded(&agent, 1);
    // Something of his own, admitted later, so that everything before it has passed him by.
    let own = file(&mallory, "Mine");
    wait(&mallory, own.change, sync::WaitUntil::Delivered);
    assert_eq!(total(&mallory), 1);
    let denied = mallory.assist(["ticket", "view", &secret.ticket.id]);
    let absent = mallory.assist(["ticket", "view", "00000000000000000000000000"]);
    assert_eq!((denied.code, absent.code), (Some(3), Some(3)));
    assert_eq!(
        denied.stderr.replace(&secret.ticket.id, "X"),
        absent.stderr.replace("00000000000000000000000000", "X"),
        "absent and forbidden look the same"
    );
    mallory.stop();
    for entry in std::fs::read_dir(mallory.home()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn daemon_that_was_stopped_has_everything_when_it_starts_again() {
    let (_server, mut customer, _agent) = trio();
    customer.call(&sync::Pause::default());
    let filed = file(&customer, "Kept");
    customer.stop();
    customer.start();
    let kept = customer.call(&ticket::Get { ticket: filed.ticket.id.clone(), ..ticket::Get::default() });
    assert_eq!(kept.row.title, "Kept");
    let status = customer.call(&sync::GetStatus::default());
    assert_eq!(status.projects[0].connection.state, sync::ConnectionState::Paused, "the user's switch stays");
    assert_eq!(status.projects[0].outbox_count, 1);
}
