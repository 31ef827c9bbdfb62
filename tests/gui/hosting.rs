//! The client within another product: one project, a ticket that the product begins, and what it hears.

use assist_gui::{HostEvent, Prefill, Route};
use assist_proto::api::{attachment, user};
use assist_tests::process::DaemonProcess;

use crate::flows::member;
use crate::people::Person;

#[test]
fn a_host_shows_its_own_project_only_and_joins_it_first() {
    let (anvil, bellows) = (DaemonProcess::server("anvil"), DaemonProcess::server("bellows"));
    let carlas = member(&bellows, user::Role::Customer, "Carla");
    carlas.assist_ok(["ticket", "new", "-t", "It leaks", "-b", "Now."]);
    let invitation = anvil.invite(user::Role::Customer);
    let address = invitation.address.clone();
    let mut carla = Person::with(&carlas, move |client| client.with_project(&address).unwrap());
    carla.sees("Say who you are, once");
    assert!(!carla.has_in_sight("It leaks"), "another project's tickets are not shown");
    carla.presses("I have a code");
    carla.types("Code", &invitation.code);
    carla.types("Your name", "Carla");
    carla.presses("Join");
    carla.sees("All done.");
    assert!(!carla.has_in_sight("Join a project"));
    let events = carla.client().take_events();
    assert!(events.iter().any(|event| matches!(event, HostEvent::ProjectJoined(_))), "{events:?}");
    assert!(!carla.has_in_sight("It leaks"));
    assert!(carla.client().take_events().is_empty(), "each is told once");
}

#[test]
fn a_host_begins_a_ticket_whose_diagnostics_are_seen_before_they_are_sent() {
    let server = DaemonProcess::server("anvil");
    let carlas = member(&server, user::Role::Customer, "Carla");
    let log = carlas.home().join("studio.log");
    std::fs::write(&log, "12:00 hum").unwrap();
    let mut carla = Person::at(&carlas);
    carla.sees("All done.");
    let prefill = Prefill {
        title: "It crashed".into(),
        body: "I had just opened a drawing.".into(),
        diagnostics: vec![("version".into(), "4.2.0".into()), ("renderer".into(), "OpenGL".into())],
        files: vec![log],
        ..Prefill::default()
    };
    carla.client().begin_ticket(prefill.clone());
    carla.sees("diagnostics.txt says of this product");
    carla.sees("OpenGL");
    carla.sees("File studio.log");
    carla.presses("Do not send studio.log");
    carla.types("Title", " twice");
    // Pressed once more meanwhile: what she wrote stays, and the diagnostics are there once.
    carla.client().begin_ticket(Prefill { title: "Another".into(), files: Vec::new(), ..prefill });
    carla.sees("File diagnostics.txt, 32 B");
    carla.presses("File ticket");
    carla.sees("I had just opened a drawing.");
    let Route::Ticket(key) = carla.state().route.clone() else { panic!("{:?}", carla.state().route) };
    let events = carla.client().take_events();
    assert!(events.contains(&HostEvent::TicketFiled(key.clone())), "{events:?}");
    assert!(events.contains(&HostEvent::RouteChanged(Route::NewTicket)), "{events:?}");

    let ticket =
        carlas.call(&assist_proto::api::ticket::Get { ticket: key.ticket.clone(), ..Default::default() });
    assert!(
        ticket.row.title.contains("twice") && ticket.row.title.contains("It crashed"),
        "{}",
        ticket.row.title
    );
    let list = attachment::List { project: None, ticket: key.ticket };
    let files = carlas.call(&list).attachments;
    assert_eq!(files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["diagnostics.txt"]);
    let text = carlas.assist_ok(["attachment", "save", "1", "diagnostics.txt", "-o", "-"]);
    assert_eq!(text, "version: 4.2.0\nrenderer: OpenGL\n");
}
