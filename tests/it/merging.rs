//! Links and merges with real programs: two customers with the same trouble, and an agent who puts it together.

use assist_proto::api::ticket::{Get, Status, Ticket};
use assist_proto::api::{sync, user};
use assist_tests::process::{DaemonProcess, Finished};

fn member(server: &DaemonProcess, role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    device.join(server, role, name);
    device.until_connection(sync::ConnectionState::Online);
    device
}

/// Waits until a device shows a ticket as wanted.
fn until_shown(device: &DaemonProcess, ticket: &str, is_wanted: impl Fn(&Ticket) -> bool) -> Ticket {
    device.until("the ticket", |client| {
        let get = Get { ticket: ticket.into(), ..Get::default() };
        client.call(&get).ok().filter(|seen| seen.row.is_loaded && is_wanted(seen))
    })
}

fn refused(finished: &Finished, code: i32, words: &str) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert!(finished.stderr.contains(words), "{finished:?}");
}

fn texts(ticket: &Ticket) -> Vec<&str> {
    ticket.comments.iter().map(|comment| comment.body.as_str()).collect()
}

fn links(ticket: &Ticket) -> Vec<&str> {
    ticket.links.iter().map(|link| link.id.as_str()).collect()
}

fn into(ticket: &Ticket) -> Option<&str> {
    ticket.row.merged_into.as_ref().map(|into| into.id.as_str())
}

#[test]
fn duplicate_is_linked_merged_and_unmerged_and_each_customer_keeps_what_was_theirs() {
    let server = DaemonProcess::server("hero");
    let carla = member(&server, user::Role::Customer, "Carla");
    let bob = member(&server, user::Role::Customer, "Bob");
    let amir = member(&server, user::Role::Agent, "Amir");
    let file = |device: &DaemonProcess, title: &str, body: &str| {
        device.assist_ok(["ticket", "new", "-t", title, "-b", body, "--wait=delivered"]).trim().to_owned()
    };
    let one = file(&carla, "It hums", "All day.");
    let two = file(&bob, "canary: a humming box", "canary: all night.");
    for ticket in [&one, &two] {
        until_shown(&amir, ticket, |_| true);
    }

    amir.assist_ok(["ticket", "link", &one, &two, "--wait=delivered"]);
    assert_eq!(links(&until_shown(&amir, &one, |it| !it.links.is_empty())), [two.as_str()]);
    assert_eq!(links(&until_shown(&amir, &two, |it| !it.links.is_empty())), [one.as_str()]);
    // Customers are shown links to what they see.
    for (customer, own) in [(&carla, &one), (&bob, &two)] {
        assert!(links(&until_shown(customer, own, |_| true)).is_empty());
    }
    let shown = carla.assist_ok(["ticket", "show", &one, "--json"]);
    assert!(!shown.contains("canary"), "nothing of what another wrote: {shown}");
    refused(&carla.assist(["ticket", "show", &two]), 3, "no ticket");
    refused(&carla.assist(["ticket", "merge", &one, "--into", &one]), 2, "it is the same ticket");
    refused(&bob.assist(["ticket", "unlink", &two, &one]), 4, "team");
    amir.assist_ok(["ticket", "unlink", &two, &one, "--wait=delivered"]);
    until_shown(&amir, &one, |it| it.links.is_empty());
    until_shown(&amir, &two, |it| it.links.is_empty());

    // Merged while the agent is offline, against what the customer writes meanwhile.
    amir.call(&sync::Pause::default());
    amir.assist_ok(["ticket", "merge", &one, "--into", &two]);
    carla.assist_ok(["ticket", "comment", &one, "-b", "Since the update.", "--wait=server"]);
    amir.call(&sync::Resume::default());
    let merged = until_shown(&carla, &one, |it| it.row.merged_into.is_some());
    assert_eq!((into(&merged), merged.row.status), (Some(two.as_str()), Status::Closed));
    assert_eq!(texts(&merged), ["Since the update."]);
    refused(&carla.assist(["ticket", "show", &two]), 3, "no ticket");
    carla.assist_ok(["ticket", "comment", &one, "-b", "Still there.", "--wait=delivered"]);
    assert!(links(&until_shown(&bob, &two, |_| true)).is_empty(), "whose it was is not his to know");
    refused(&bob.assist(["ticket", "show", &one]), 3, "no ticket");
    let target = until_shown(&amir, &two, |it| !it.merged.is_empty());
    assert_eq!(target.merged.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), [one.as_str()]);

    amir.assist_ok(["ticket", "unmerge", &one, "--wait=delivered"]);
    let back = until_shown(&carla, &one, |it| it.row.merged_into.is_none());
    assert_eq!(back.row.status, Status::Open, "as it was before");
    assert_eq!(texts(&back), ["Since the update.", "Still there."], "with what was written since");
    until_shown(&amir, &two, |it| it.links.is_empty());

    amir.assist_ok(["ticket", "merge", &one, "--into", &two, "--share", "--wait=delivered"]);
    let shared = until_shown(&carla, &two, |_| true);
    assert_eq!(shared.body, "canary: all night.", "she sees where it went");
    refused(&bob.assist(["ticket", "show", &one]), 3, "no ticket");
    let history = amir.assist_ok(["ticket", "history", &one]);
    assert!(history.contains("set_merged_into") || history.contains("merged"), "{history}");
}
