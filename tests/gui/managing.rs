//! What admins do with a project in the client, against real daemons and a real server.

use assist_proto::api::device;
use assist_proto::api::user;
use assist_tests::process::DaemonProcess;
use egui::{Key, Modifiers};

use crate::flows::member;
use crate::people::Person;

#[test]
fn an_admin_invites_somebody_changes_their_role_and_removes_them() {
    let server = DaemonProcess::server("anvil");
    let (bobs, amirs) = (member(&server, user::Role::Admin, "Bob"), DaemonProcess::device());
    let mut bob = Person::at(&bobs);
    bob.presses("Settings");
    bob.presses("Manage anvil");
    bob.sees("admin (you)");
    bob.types("Email address", "amir@example.org");
    bob.types("Their name", "Amir");
    bob.presses("customer");
    bob.presses("Make an invitation");
    bob.sees("Give both to them");
    bob.sees("An invitation for Amir as customer, not used yet");
    let made = bob.state().manage.as_ref().unwrap().invite.made.clone().unwrap();
    amirs.assist_ok(["project", "join", &made.address, "--code", &made.code]);
    bob.presses("Put it away");
    bob.presses("Look again");
    bob.presses("Role of Amir: customer");
    bob.presses_last("agent");
    bob.sees("Role of Amir: agent");
    amirs.until("the role", |client| {
        let projects = client.call(&assist_proto::api::project::List {}).ok()?.projects;
        (projects[0].role == user::Role::Agent).then_some(())
    });

    bob.presses("Remove Amir");
    bob.sees("Amir loses the project on all devices at once.");
    bob.presses("Leave it");
    bob.sees_no_more("Amir loses the project");
    bob.presses("Remove Amir");
    bob.presses("Remove them");
    bob.sees("They are off the roster.");
    bob.sees_no_more("Role of Amir");
    bobs.until("his device shut out", |client| {
        let devices = client.call(&device::List::default()).ok()?.devices;
        let is_let_in = |it: &device::Device| it.state != device::DeviceState::Revoked;
        (!devices.iter().any(|it| it.user_name == "Amir" && is_let_in(it))).then_some(())
    });
}

#[test]
fn labels_and_canned_replies_of_an_admin_are_there_for_the_team() {
    let server = DaemonProcess::server("anvil");
    let (bobs, amirs) =
        (member(&server, user::Role::Admin, "Bob"), member(&server, user::Role::Agent, "Amir"));
    let carlas = member(&server, user::Role::Customer, "Carla");
    carlas.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=delivered"]);
    let (mut bob, mut amir) = (Person::at(&bobs), Person::at(&amirs));
    amir.presses_what_says("It hums");
    amir.sees("Now.");
    bob.keys(Modifiers::COMMAND, Key::K);
    bob.types("Find a command", "manage anvil");
    bob.sees("Manage anvil"); // Known once it is told that Bob is an admin.
    bob.keys(Modifiers::NONE, Key::Enter);
    bob.types("Label", "noise");
    bob.types("What it is for", "Hums, squeaks");
    bob.presses("Keep the label");
    bob.sees("Drop noise");
    bob.types("Name of the reply", "thanks");
    bob.types("What it says", "Dear {customer}, thank you for {number}.");
    bob.presses("Keep the reply");
    bob.sees("Drop thanks");

    amir.presses("Canned replies");
    amir.presses_what_says("thanks");
    let key = amir.state().open.as_ref().unwrap().key.clone();
    assert_eq!(amir.state().composer(&key).text, "Dear Carla, thank you for #1.");
    amir.presses("Add a label");
    amir.presses("noise");
    amir.sees("Label: noise");

    bob.presses("Rewrite thanks");
    bob.replaces("What it says", "Dear {customer}.");
    bob.presses("Keep the reply");
    bob.presses("Drop noise");
    bob.sees_no_more("Drop noise");
    amir.until("the new words", |client| {
        let people = client.state().state().people.values().next().unwrap();
        let details = people.details.as_ref().unwrap();
        details.canned_replies[0].body == "Dear {customer}." && details.labels.is_empty()
    });
    assert!(amir.has_in_sight("Label: noise"), "tickets keep it");
}

#[test]
fn an_admin_sees_how_the_server_fares_and_what_it_decided() {
    let server = DaemonProcess::server("anvil");
    let bobs = member(&server, user::Role::Admin, "Bob");
    let carlas = member(&server, user::Role::Customer, "Carla");
    carlas.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=server"]);
    let mut bob = Person::at(&bobs);
    bob.presses("Settings");
    bob.presses("Manage anvil");
    bob.presses("Health");
    bob.sees("2 of 3 devices");
    bob.sees("not at all: nobody can join by email");
    bob.sees("never");
    bob.sees("nothing");
    // It is asked again while somebody looks.
    let ulla = DaemonProcess::device();
    ulla.join(&server, user::Role::Customer, "Ulla");
    bob.sees("3 of 4 devices");

    bob.presses("Log");
    bob.sees("Let in: a change to ticket #1");
    bob.sees("Carla came in as customer, on");
    bob.sees("The project was made");
    bob.presses("Refused only");
    bob.sees("Nothing was refused.");
    bob.sees_no_more("The project was made");
    bob.presses("Everything");
    bob.sees("Ulla came in as customer, on");
    bobs.assist_ok(["sync", "pause"]);
    bob.sees("You are working offline.");
    bob.presses("Look again");
    bob.sees("known only while connected");
}

#[test]
fn nobody_else_manages_a_project() {
    let server = DaemonProcess::server("anvil");
    let amirs = member(&server, user::Role::Agent, "Amir");
    let mut amir = Person::at(&amirs);
    amir.presses("Settings");
    amir.sees("Work offline");
    assert!(!amir.has_in_sight("Manage anvil"));
    let project = amir.state().projects()[0].id.clone();
    amir.client().open_link(&format!("assist://{project}/manage"));
    amir.sees("Only admins manage a project.");
}
