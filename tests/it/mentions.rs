//! Mentions with real programs: told as they come, counted, found, and gone when they are read.

use assist_proto::api::events::{News, Reason};
use assist_proto::api::{project, sync, ticket, user};
use assist_tests::process::DaemonProcess;

fn until_counted(device: &DaemonProcess, count: u64) {
    device.until_called("the count of mentions", &project::List {}, |list| {
        list.projects.iter().map(|project| project.mentioned_count).sum::<u64>() == count
    });
}

#[test]
fn who_is_mentioned_is_told_why_and_finds_the_ticket_until_they_have_read_it() {
    let server = DaemonProcess::server("hero");
    let member = |role, name: &str| {
        let device = DaemonProcess::device();
        device.join(&server, role, name);
        device.until_connection(sync::ConnectionState::Online);
        device
    };
    let carla = member(user::Role::Customer, "Carla");
    let amir = member(user::Role::Agent, "Amir Haddad");
    let dora = member(user::Role::Agent, "Dora");
    let hums = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "", "--wait=delivered"]);
    let hums = hums.trim();
    for device in [&amir, &dora] {
        device.until_called("the ticket", &ticket::List::default(), |list| list.total == 1);
    }
    let mut told = amir.client().events(None).unwrap();
    carla.assist_ok(["ticket", "comment", hums, "-b", "Can @amir haddad hear it?", "--wait=delivered"]);
    let mut news = told.by_ref().map(|event| event.unwrap().news);
    let news = news.find(|news| matches!(news, News::NotificationAdded { .. }));
    let Some(News::NotificationAdded { ticket, reason, is_note, actor, .. }) = news else {
        panic!("the stream ended")
    };
    assert_eq!((ticket.title.as_str(), reason, is_note), ("It hums", Reason::Mentioned, false));
    assert_eq!(actor.as_deref(), Some("Carla"));
    until_counted(&amir, 1);
    until_counted(&dora, 0);
    let found = amir.assist_ok(["ticket", "list", "is:newly-mentioned"]);
    assert!(found.trim_end().ends_with("\tIt hums\ttrue\ttrue"), "{found}");
    amir.assist_ok(["ticket", "read", hums]);
    until_counted(&amir, 0);
    assert_eq!(amir.assist_ok(["ticket", "list", "is:mentioned"]).lines().count(), 1);

    // Among the team: the customer is told nothing, whoever is named.
    amir.assist_ok(["note", "add", hums, "-b", "@Carla is right. @dora, look.", "--wait=server"]);
    until_counted(&dora, 1);
    carla.assist_ok(["ticket", "comment", hums, "-b", "Well?", "--wait=delivered"]);
    until_counted(&carla, 0);
}
