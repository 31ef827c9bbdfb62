//! What people follow, mute and save, with real programs: on all their devices, offline and after a kill, and on nobody
//! else's.

use assist_proto::api::{ticket, user, view};
use assist_tests::process::DaemonProcess;

fn until_found(device: &DaemonProcess, query: &str, titles: &[&str]) {
    let list = ticket::List { query: Some(query.into()), ..ticket::List::default() };
    device.until(query, |client| {
        let found = client.call(&list).ok()?.tickets;
        let found: Vec<String> = found.into_iter().map(|row| row.title).collect();
        (found == titles).then_some(())
    });
}

fn until_views(device: &DaemonProcess, wanted: &[(&str, &str)]) {
    device.until("the views", |client| {
        let views = client.call(&view::List::default()).unwrap().views;
        let is_kept = views.iter().all(|view| view.is_on_server);
        let found: Vec<(&str, &str)> =
            views.iter().map(|view| (view.name.as_str(), view.query.as_str())).collect();
        (is_kept && found == wanted).then_some(())
    });
}

#[test]
fn follows_and_views_are_on_all_devices_of_their_user_and_on_no_other() {
    let server = DaemonProcess::server("hero");
    let carla = DaemonProcess::device_of(&server, user::Role::Customer, "carla@example.org");
    let mut desk = DaemonProcess::device_of(&server, user::Role::Agent, "amir@example.org");
    let phone = DaemonProcess::device_of(&server, user::Role::Agent, "amir@example.org");
    let dora = DaemonProcess::device_of(&server, user::Role::Agent, "dora@example.org");
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "", "--wait=delivered"]);
    carla.assist_ok(["ticket", "new", "-t", "It leaks", "-b", "", "--wait=delivered"]);
    for device in [&desk, &phone, &dora] {
        until_found(device, "sort:number", &["It leaks", "It hums"]);
    }
    until_found(&carla, "is:following sort:number", &["It leaks", "It hums"]);

    // Live.
    desk.assist_ok(["ticket", "follow", "1"]);
    desk.assist_ok(["view", "save", "leaks", "leaks is:open"]);
    until_found(&phone, "is:following", &["It hums"]);
    until_views(&phone, &[("leaks", "leaks is:open")]);
    until_found(&phone, "view:leaks", &["It leaks"]);
    let row = phone.call(&ticket::Get { ticket: "#1".into(), ..ticket::Get::default() }).row;
    assert_eq!(row.follow, Some(ticket::Follow::Following));

    // Offline on both, and killed before it could be told; what comes last to the server counts.
    for device in [&desk, &phone] {
        device.assist_ok(["sync", "pause"]);
    }
    desk.assist_ok(["ticket", "mute", "1"]);
    desk.assist_ok(["ticket", "follow", "2"]);
    desk.assist_ok(["view", "save", "hums", "hums sort:created-asc"]);
    desk.assist_ok(["view", "remove", "leaks"]);
    desk.kill();
    desk.start();
    until_found(&desk, "is:muted", &["It hums"]);
    assert_eq!(desk.assist(["view", "show", "leaks"]).code, Some(3));
    assert!(!desk.call(&view::Get { name: "hums".into(), project: None }).is_on_server);
    phone.assist_ok(["ticket", "unfollow", "2"]);
    desk.assist_ok(["sync", "resume"]);
    until_views(&desk, &[("hums", "hums sort:created-asc")]);
    phone.assist_ok(["sync", "resume"]);
    for device in [&desk, &phone] {
        until_views(device, &[("hums", "hums sort:created-asc")]);
        until_found(device, "is:muted", &["It hums"]);
        until_found(device, "is:following", &["It leaks"]);
    }

    // Nobody else has any of it, not even a device that comes later; one of theirs has all.
    let late = DaemonProcess::device_of(&server, user::Role::Agent, "amir@example.org");
    until_views(&late, &[("hums", "hums sort:created-asc")]);
    until_found(&late, "view:hums is:muted", &["It hums"]);
    for device in [&dora, &carla] {
        until_views(device, &[]);
        until_found(device, "is:muted", &[]);
    }
    until_found(&dora, "is:following", &[]);
    // What customers may mute and save is theirs alone, too.
    carla.assist_ok(["ticket", "mute", "1"]);
    until_found(&carla, "is:following", &["It leaks"]);
}

#[test]
fn views_that_cannot_be_asked_for_are_not_saved() {
    let server = DaemonProcess::server("hero");
    let amir = DaemonProcess::device_of(&server, user::Role::Agent, "amir@example.org");
    amir.assist_ok(["view", "save", "crashes", "label:crash"]);
    let refused = amir.assist(["view", "save", "bad", "lable:crash"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for (name, query) in [("two words", "is:open"), ("", "is:open"), ("round", "view:crashes is:open")] {
        let refused =
            amir.client().call(&view::Save { name: name.into(), query: query.into(), project: None });
        assert!(refused.is_err(), "{name:?} {query:?}");
    }
    let list = ticket::List { query: Some("is:open view:gone".into()), ..ticket::List::default() };
    let error = amir.client().call(&list).unwrap_err().to_string();
    assert!(error.contains("character 14") && error.contains("no view"), "{error}");
    until_views(&amir, &[("crashes", "label:crash")]);
}
