//! What the team does in the client: several tickets at once, by name and by keys, conflicts, and the past.

use assist_gui::Route;
use assist_gui::route::View;
use assist_proto::api::{comment, sync, ticket, user, view};
use assist_tests::process::DaemonProcess;
use egui::{Key, Modifiers};

use crate::flows::member;
use crate::people::Person;

fn file(device: &DaemonProcess, title: &str) -> String {
    device.assist_ok(["ticket", "new", "-t", title, "-b", "Now.", "--wait=server"]).trim().to_owned()
}

#[test]
fn several_tickets_are_chosen_and_changed_at_once() {
    let server = DaemonProcess::server("anvil");
    let amirs = member(&server, user::Role::Agent, "Amir");
    for title in ["It hums", "It leaks", "It squeaks"] {
        file(&amirs, title);
    }
    let mut amir = Person::at(&amirs);
    amir.presses_what_says("It hums, number");
    amir.sees("Now.");
    amir.keys(Modifiers::NONE, Key::X);
    amir.sees("1 chosen");
    amir.presses("Choose It leaks");
    amir.sees("2 chosen");
    amir.presses("Status of all that are chosen");
    amir.presses("Closed");
    amir.sees("2 tickets changed.");
    amir.sees_no_more("It leaks");
    amir.sees("It squeaks");
    amir.sees_no_more("chosen");
    assert_eq!(amir.state().inbox.total, Some(1));
}

#[test]
fn anything_is_done_by_its_name_and_a_query_is_gone_on_with() {
    let server = DaemonProcess::server("anvil");
    let amirs = member(&server, user::Role::Agent, "Amir");
    file(&amirs, "It hums");
    let mut amir = Person::at(&amirs);
    amir.presses_what_says("It hums");
    amir.sees("Now.");
    amir.keys(Modifiers::COMMAND, Key::K);
    amir.types("Find a command", "urgent");
    amir.keys(Modifiers::NONE, Key::Enter);
    amir.sees("Priority: Urgent");
    amir.keys(Modifiers::COMMAND, Key::K);
    amir.types("Find a command", "go done");
    amir.keys(Modifiers::NONE, Key::Enter);
    assert_eq!(amir.state().route, Route::Inbox { project: None, view: View::Done });
    amir.keys(Modifiers::COMMAND, Key::K);
    amir.types("Find a command", "shortcuts");
    amir.keys(Modifiers::NONE, Key::Enter);
    amir.sees("do anything, by its name");
    amir.keys(Modifiers::NONE, Key::Escape);
    amir.sees_no_more("do anything, by its name");

    amir.presses("Active");
    amir.types("Find tickets", "is:assig");
    amir.presses("is:assigned");
    assert_eq!(amir.state().inbox.query, "is:assigned ");
    amir.sees_no_more("It hums, number");
    amir.replaces("Find tickets", "is:una");
    amir.keys(Modifiers::NONE, Key::ArrowDown);
    amir.keys(Modifiers::NONE, Key::Enter);
    assert_eq!(amir.state().inbox.query, "is:unassigned ");
    amir.sees("It hums, number");
}

#[test]
fn what_two_wrote_while_apart_is_settled_by_a_click() {
    let server = DaemonProcess::server("anvil");
    let (amirs, arnos) =
        (member(&server, user::Role::Agent, "Amir"), member(&server, user::Role::Agent, "Arno"));
    let id = file(&amirs, "It hums");
    let knows = |client: &mut assist_proto::client::Client| {
        let get = ticket::Get { ticket: id.clone(), ..ticket::Get::default() };
        client.call(&get).ok().filter(|ticket| ticket.row.is_loaded)
    };
    arnos.until("the ticket", knows);
    for (device, title) in [(&amirs, "It hums at noon"), (&arnos, "It hums all day")] {
        device.call(&sync::Pause { project: None });
        let set = ticket::FieldValues { title: Some(title.into()), ..ticket::FieldValues::default() };
        device.call(&ticket::Edit { ticket: id.clone(), set, ..ticket::Edit::default() });
    }
    amirs.call(&sync::Resume { project: None });
    arnos.call(&sync::Resume { project: None });
    for device in [&amirs, &arnos] {
        device.until("the conflict", |client| knows(client).filter(|ticket| ticket.row.has_conflict));
    }
    let (mut amir, mut arno) = (Person::at(&amirs), Person::at(&arnos));
    amir.presses_what_says("It hums");
    amir.sees("The title was written at the same time by several.");
    arno.presses_what_says("It hums");
    arno.sees("The title was written at the same time by several.");
    amir.presses("Keep \u{201c}It hums at noon\u{201d}");
    for person in [&mut amir, &mut arno] {
        person.sees_no_more("The title was written at the same time by several.");
        let shown = person.state().open.as_ref().unwrap().ticket.as_ref().unwrap().row.title.clone();
        assert_eq!(shown, "It hums at noon");
    }
}

#[test]
fn a_ticket_is_seen_as_it_was() {
    let server = DaemonProcess::server("anvil");
    let amirs = member(&server, user::Role::Agent, "Amir");
    let id = file(&amirs, "It hums");
    amirs.assist_ok(["ticket", "resolve", &id]);
    let mut amir = Person::at(&amirs);
    amir.presses("All tickets");
    amir.presses_what_says("It hums");
    amir.sees("Status: Resolved");
    amir.presses("History");
    amir.sees("changed the status from open to resolved");
    amir.sees("filed \u{201c}It hums\u{201d}");
    amir.presses_last("See it then");
    amir.sees("This is the ticket as it was on");
    amir.sees_no_more("Status: Resolved");
    assert!(!amir.has_in_sight("Send reply"), "nobody writes into the past");
    amir.presses("Back to now");
    amir.presses("Conversation");
    amir.sees("Status: Resolved");
    amir.sees("Send reply");
}

#[test]
fn one_s_own_words_are_rewritten_struck_and_settled() {
    let server = DaemonProcess::server("anvil");
    let desk = DaemonProcess::device_of(&server, user::Role::Customer, "carla@example.org");
    let phone = DaemonProcess::device_of(&server, user::Role::Customer, "carla@example.org");
    let amirs = member(&server, user::Role::Agent, "Amir");
    let id = file(&desk, "It hums");
    for body in ["Since noon.", "And it leaks."] {
        desk.assist_ok(["ticket", "comment", &id, "-b", body, "--wait=server"]);
    }
    let mut carla = Person::at(&desk);
    carla.presses_what_says("It hums");
    carla.sees("And it leaks.");
    carla.presses("Rewrite the text");
    carla.replaces("The new text", "Since one.");
    carla.presses("Active");
    carla.presses_what_says("It hums");
    carla.sees("Keep the new text");
    carla.presses("Keep the new text");
    carla.sees_no_more("Keep the new text");
    carla.sees("Since one.");
    carla.sees("edited");
    carla.presses_last("Strike the text");
    carla.sees("And it leaks.");
    carla.presses("Leave it as it was");
    carla.sees_no_more("Strike it?");
    carla.presses_last("Strike the text");
    carla.presses("Strike it");
    carla.sees("Struck by its author.");

    let comment = |device: &DaemonProcess| {
        let shown = device.call(&ticket::Get { ticket: id.clone(), ..ticket::Get::default() });
        shown.comments[0].clone()
    };
    phone.until("the rewrite", |_| (comment(&phone).body == "Since one.").then_some(()));
    for (device, body) in [(&desk, "Since two."), (&phone, "Since ten.")] {
        device.call(&sync::Pause { project: None });
        let comment = comment(device).id;
        device.call(&comment::Edit {
            ticket: id.clone(),
            comment,
            body: body.into(),
            ..comment::Edit::default()
        });
    }
    desk.call(&sync::Resume { project: None });
    phone.call(&sync::Resume { project: None });
    carla.sees("Was rewritten at the same time elsewhere to:");
    let mut amir = Person::at(&amirs);
    amir.presses_what_says("It hums");
    amir.sees("Was rewritten at the same time elsewhere to:");
    assert!(!amir.has_in_sight("Keep this one"), "it is hers to settle");
    let shown = comment(&desk).body;
    carla.presses("Keep this one");
    carla.sees_no_more("Was rewritten at the same time elsewhere to:");
    amir.sees_no_more("Was rewritten at the same time elsewhere to:");
    assert_eq!((comment(&desk).body, comment(&amirs).body), (shown.clone(), shown));
}

#[test]
fn a_query_is_saved_under_a_name_shown_by_it_and_removed() {
    let server = DaemonProcess::server("anvil");
    let desk = DaemonProcess::device_of(&server, user::Role::Agent, "amir@example.org");
    let laptop = DaemonProcess::device_of(&server, user::Role::Agent, "amir@example.org");
    file(&desk, "It hums");
    file(&desk, "It leaks");
    let mut amir = Person::at(&desk);
    amir.types("Find tickets", "hums");
    amir.sees_no_more("It leaks, number");
    amir.presses("Save view");
    amir.types("Name of the view", "humming");
    amir.keys(Modifiers::NONE, Key::Enter);
    amir.sees("Saved views");
    assert_eq!(amir.state().inbox.query, "view:humming");
    amir.sees("It hums, number");
    laptop.until("the view", |client| {
        let views = client.call(&view::List::default()).ok()?.views;
        (views.len() == 1 && views[0].query == "is:active -is:snoozed hums").then_some(())
    });
    amir.presses("Done");
    amir.replaces("Find tickets", "");
    amir.sees_no_more("It hums, number");
    amir.presses("humming");
    amir.sees("It hums, number");
    amir.presses("Remove view");
    amir.sees_no_more("Saved views");
    amir.sees("It leaks, number");
}
