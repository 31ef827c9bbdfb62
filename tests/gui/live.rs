//! What one person sees of another while both are there.

use assist_proto::api::sync::{ConnectionState, GetStatus};
use assist_proto::api::{comment, user};
use assist_tests::process::DaemonProcess;
use egui::{Key, Modifiers};

use crate::flows::member;
use crate::people::Person;

#[test]
fn who_looks_and_who_writes_is_seen_and_is_over_when_it_is_over() {
    let server = DaemonProcess::server("anvil");
    let (carlas, amirs) =
        (member(&server, user::Role::Customer, "Carla"), member(&server, user::Role::Agent, "Amir"));
    carlas.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=delivered"]);
    let (mut carla, mut amir) = (Person::at(&carlas), Person::at(&amirs));
    carla.presses_what_says("It hums");
    carla.sees("Now.");
    assert!(!carla.has_in_sight("is looking at this"));
    amir.presses_what_says("It hums");
    amir.sees("Now.");
    carla.sees("Amir is looking at this");
    carla.types("Reply", "It");
    amir.sees("Carla is writing");
    amir.presses("Note");
    amir.types("Note", "Third one.");
    carla.sees("Amir is looking at this");
    assert!(!carla.has_in_sight("a note"), "customers do not hear of notes");
    carla.presses("Active");
    amir.sees_no_more("Carla is writing");
    assert!(!amir.has_in_sight("Carla is looking"));
}

#[test]
fn whoever_reads_further_up_is_told_what_came_and_is_not_moved() {
    let server = DaemonProcess::server("anvil");
    let (carlas, amirs) =
        (member(&server, user::Role::Customer, "Carla"), member(&server, user::Role::Agent, "Amir"));
    let ticket = carlas.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=delivered"]);
    let ticket = ticket.trim().to_owned();
    let says = |body: &str| {
        let add = comment::Add { ticket: ticket.clone(), body: body.to_owned(), ..comment::Add::default() };
        carlas.call(&add);
    };
    (0..12).for_each(|index| says(&format!("Hum number {index}.\n\nAnd again.\n\nAnd again.")));
    let mut amir = Person::at(&amirs);
    amir.presses_what_says("It hums");
    amir.sees("Hum number 11.");
    amir.until("the end", |client| client.state().state().open.as_ref().is_some_and(|open| open.is_at_end));
    says("It is louder.");
    amir.sees("It is louder.");
    assert!(!amir.has_in_sight("1 new"), "whoever reads at the end sees it come");
    amir.scrolls_up("It is louder.");
    amir.until("not the end", |client| {
        client.state().state().open.as_ref().is_some_and(|open| !open.is_at_end)
    });
    says("And louder.");
    amir.sees("1 new");
    says("And it leaks.");
    amir.presses("2 new");
    amir.sees_no_more("2 new");
    amir.sees("And it leaks.");
}

#[test]
fn whom_an_at_sign_may_mean_is_proposed_and_put_in() {
    let server = DaemonProcess::server("anvil");
    let (carlas, amirs) =
        (member(&server, user::Role::Customer, "Carla"), member(&server, user::Role::Agent, "Amir"));
    let erins = member(&server, user::Role::Agent, "Erin Berg");
    let carlottas = member(&server, user::Role::Customer, "Carlotta");
    carlottas.assist_ok(["ticket", "new", "-t", "It leaks", "-b", "Now.", "--wait=delivered"]);
    carlas.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=delivered"]);
    let mut amir = Person::at(&amirs);
    amir.presses_what_says("It hums");
    amir.sees("Now.");
    amir.until("everybody", |client| {
        let known = client.state().state().people.values().flat_map(|people| &people.users);
        let known: Vec<&str> = known.map(|user| user.name.as_str()).collect();
        ["Carla", "Carlotta", "Erin Berg"].iter().all(|name| known.contains(name))
    });
    amir.types("Reply", "Dear @car");
    // There is nobody below her: Carlotta could not read it.
    amir.keys(Modifiers::NONE, Key::ArrowDown);
    amir.keys(Modifiers::NONE, Key::Enter);
    amir.types("Reply", ": @e");
    amir.keys(Modifiers::NONE, Key::Escape);
    amir.sees_no_more("Erin Berg");
    amir.types("Reply", "rin b");
    amir.presses("Erin Berg");
    let text = |amir: &Person| amir.state().composers.values().next().unwrap().text.clone();
    assert_eq!(text(&amir), "Dear @Carla : @Erin Berg ");
    amir.types("Reply", "knows.");
    amir.keys(Modifiers::COMMAND, Key::Enter);
    erins.until("the mention", |client| {
        let list =
            assist_proto::api::ticket::List { query: Some("is:mentioned".into()), ..Default::default() };
        (client.call(&list).ok()?.tickets.len() == 1).then_some(())
    });

    amir.presses("Note");
    amir.types("Note", "@ca");
    amir.keys(Modifiers::NONE, Key::Enter);
    assert_eq!(text(&amir), "@ca\n", "a note is not for customers");
}

#[test]
fn what_comes_under_a_hand_that_presses_is_not_pressed() {
    let server = DaemonProcess::server("anvil");
    let carlas = member(&server, user::Role::Customer, "Carla");
    carlas.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=server"]);
    let mut carla = Person::at(&carlas);
    carlas.assist_ok(["sync", "pause"]);
    let there = carla.finds("Go online");
    carla.presses("Go online");
    carla.sees_no_more("You are working offline.");
    carlas.assist_ok(["sync", "pause"]);
    carla.presses_as_it_comes(there, "Go online");
    // The client asks one thing after the other: what that press had done is done by then.
    carla.presses_what_says("It hums");
    carla.sees("Now.");
    let status = carlas.call(&GetStatus::default());
    assert_eq!(status.projects[0].connection.state, ConnectionState::Paused);
}
