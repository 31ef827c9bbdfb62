//! What people do in the client, from the first start on, against real daemons and a real server.

use assist_proto::api::{sync, user};
use assist_tests::process::DaemonProcess;
use egui::{Key, Modifiers};

use crate::people::Person;

pub(crate) fn member(server: &DaemonProcess, role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    device.join(server, role, name);
    device.until_connection(sync::ConnectionState::Online);
    device
}

#[test]
fn somebody_new_joins_with_a_code_files_a_ticket_and_gets_an_answer() {
    let server = DaemonProcess::server("anvil");
    let (carlas, amirs) = (DaemonProcess::device(), member(&server, user::Role::Agent, "Amir"));
    let invitation = server.invite(user::Role::Customer);

    let mut carla = Person::at(&carlas);
    carla.sees("Welcome");
    carla.presses("I have a code");
    carla.types("Address", &invitation.address);
    carla.types("Code", "no such code");
    carla.types("Your name", "Carla");
    carla.presses("Join");
    carla.until("a refusal", |client| client.state().state().join.error.is_some());
    carla.sees("Welcome");
    carla.keys(Modifiers::NONE, Key::Tab);
    carla.presses("I have no code");
    carla.presses("I have a code");
    carla.replaces("Code", &invitation.code);
    carla.presses("Join");
    carla.sees("All done.");

    carla.presses("New ticket");
    carla.presses("File ticket");
    carla.sees("Give it a title");
    carla.types("Title", "It hums at noon");
    carla.types("What happened", "Every day.");
    carla.presses("File ticket");
    carla.sees("It hums at noon");
    carla.sees("Every day.");

    let mut amir = Person::at(&amirs);
    amir.presses_what_says("It hums at noon");
    amir.sees("Every day.");
    amir.types("Reply", "Which one?");
    amir.keys(Modifiers::COMMAND, Key::Enter);
    carla.sees("Which one?");
    amir.sees("Read by Carla");
    carla.types("Reply", "The left one.");
    carla.presses("Send reply");
    amir.sees("The left one.");
}

#[test]
fn a_note_is_for_the_team_and_never_reaches_the_customer() {
    let server = DaemonProcess::server("anvil");
    let (carlas, amirs) =
        (member(&server, user::Role::Customer, "Carla"), member(&server, user::Role::Agent, "Amir"));
    carlas.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=delivered"]);
    let (mut carla, mut amir) = (Person::at(&carlas), Person::at(&amirs));

    carla.presses_what_says("It hums");
    carla.sees("Now.");
    assert!(!carla.has_in_sight("Only your team"), "a customer has no notes");

    amir.presses_what_says("It hums");
    amir.sees("The customer will read this");
    amir.presses("Note");
    amir.sees("Only your team sees this note");
    amir.types("Note", "Do not promise a date.");
    amir.presses("Add note");
    amir.sees("Do not promise a date.");
    amir.sees("Only your team sees this");
    // What comes behind the note has reached her: so would the note have.
    amir.presses("Reply");
    amir.types("Reply", "We look into it.");
    amir.presses("Send reply");
    carla.sees("We look into it.");
    assert!(!carla.has_in_sight("promise"));
}

#[test]
fn tickets_are_found_by_words_and_by_conditions() {
    let server = DaemonProcess::server("anvil");
    let amirs = member(&server, user::Role::Agent, "Amir");
    for title in ["It hums", "It leaks", "It hums loudly"] {
        amirs.assist_ok(["ticket", "new", "-t", title, "-b", "x"]);
    }
    let mut amir = Person::at(&amirs);
    amir.sees("It leaks");
    amir.types("Find tickets", "hums");
    amir.sees_no_more("It leaks");
    amir.sees("It hums loudly");
    amir.replaces("Find tickets", "is:nonsense");
    amir.until("what is wrong", |client| client.state().state().inbox.error.is_some());
    amir.replaces("Find tickets", "");
    amir.sees("It leaks");
    amir.presses_what_says("It leaks");
    amir.presses("Status: Open");
    amir.presses("Closed");
    amir.presses("Done");
    amir.presses_what_says("It leaks, number");
    amir.sees("Status: Closed");
}

#[test]
fn offline_is_said_quietly_and_what_was_written_leaves_when_the_server_is_back() {
    let server = DaemonProcess::server("anvil");
    let mut carlas = member(&server, user::Role::Customer, "Carla");
    carlas.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=server"]);
    let mut carla = Person::at(&carlas);
    carla.presses_what_says("It hums");
    carla.sees("Now.");

    carla.presses("Settings");
    carla.presses("Work offline");
    carla.sees("You are working offline.");
    carla.presses_what_says("It hums");
    carla.types("Reply", "Still humming.");
    carla.presses("Send reply");
    carla.sees("Saved here");
    carla.sees("1 change is kept here");
    carla.presses("Go online");
    carla.sees_no_more("You are working offline.");
    carla.sees("On server");

    // The daemon itself goes and comes: what is on the screen stays, and goes on.
    carlas.kill();
    carla.sees("The daemon has gone.");
    assert!(carla.has_in_sight("Still humming."));
    carlas.start();
    carla.sees_no_more("The daemon has gone.");
    carla.types("Reply", "And now?");
    carla.presses("Send reply");
    carla.until("an empty field", |client| {
        client.state().state().composers.values().all(|composer| composer.text.is_empty())
    });
    carla.sees("And now?");
}

#[test]
fn words_that_were_not_sent_are_there_after_a_restart() {
    let server = DaemonProcess::server("anvil");
    let carlas = member(&server, user::Role::Customer, "Carla");
    carlas.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now."]);
    let mut carla = Person::at(&carlas);
    carla.presses_what_says("It hums");
    carla.types("Reply", "Half a sen");
    let kept = carlas.home().join("gui.json");
    carla.until("the words on the disk", |_| {
        std::fs::read_to_string(&kept).is_ok_and(|kept| kept.contains("Half a sen"))
    });
    drop(carla);
    let mut carla = Person::at(&carlas);
    carla.presses_what_says("It hums");
    carla.sees("Now.");
    carla.types("Reply", "tence.");
    let written = carla.state().composers.values().next().unwrap().text.clone();
    assert_eq!(written.replace("tence.", ""), "Half a sen", "{written}");
}
