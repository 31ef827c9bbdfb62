//! What people do with files in the client, against real daemons and a real server.

use assist_gui::state::State;
use assist_proto::api::user;
use assist_tests::process::DaemonProcess;
use egui::{Key, Modifiers};

use crate::flows::member;
use crate::people::{Person, SAVED};
use crate::pictured::screen;

/// What is gathered under the only ticket.
fn gathered(state: &State) -> Vec<String> {
    state.composers.values().flat_map(|composer| &composer.files).map(|file| file.name.clone()).collect()
}

#[test]
fn a_screenshot_that_was_pasted_is_seen_large_and_saved_by_the_team() {
    let server = DaemonProcess::server("anvil");
    let (carlas, amirs) =
        (member(&server, user::Role::Customer, "Carla"), member(&server, user::Role::Agent, "Amir"));
    let log = carlas.home().join("noon.log");
    std::fs::write(&log, "12:00 hum").unwrap();
    let mut carla = Person::at(&carlas);
    carla.presses("New ticket");
    carla.types("Title", "It hums at noon");
    carla.pastes(screen());
    carla.drops(log.clone());
    carla.drops(carlas.home().to_owned());
    carla.sees("It is no file: pack a folder first.");
    carla.presses("File ticket");
    carla.sees("A file is not ready");
    carla.presses_what_says("Do not send .tmp");
    carla.presses("File ticket");
    carla.sees("Picture screenshot.png");
    carla.sees("File noon.log");

    let mut amir = Person::at(&amirs);
    amir.presses_what_says("It hums at noon");
    amir.presses("Picture screenshot.png");
    amir.presses("Save the original");
    amir.sees("Saved as");
    let saved = std::fs::read(amirs.home().join(SAVED).join("screenshot.png")).unwrap();
    let saved = image::load_from_memory(&saved).unwrap().into_rgba8();
    assert_eq!(saved.dimensions(), (720, 420));
    assert_eq!(saved.get_pixel(79, 67).0[..3], [0xe0, 0x6c, 0x60]);
    amir.presses("Larger");
    amir.sees("150 %");
    amir.keys(Modifiers::NONE, Key::Escape);
    amir.sees_no_more("Close the picture");
    amir.presses("Save noon.log");
    amir.until("the file", |_| {
        std::fs::read_to_string(amirs.home().join(SAVED).join("noon.log"))
            .is_ok_and(|text| text == "12:00 hum")
    });
}

#[test]
fn what_was_attached_and_not_sent_is_there_after_a_restart() {
    let server = DaemonProcess::server("anvil");
    let carlas = member(&server, user::Role::Customer, "Carla");
    carlas.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now."]);
    let path = carlas.home().join("noon.txt");
    std::fs::write(&path, "hum").unwrap();
    let mut carla = Person::at(&carlas);
    carla.presses_what_says("It hums");
    carla.presses("Attach files");
    carla.types("Path of a file", path.to_str().unwrap());
    carla.keys(Modifiers::NONE, Key::Enter);
    carla.sees("File noon.txt, 3 B");
    let kept = carlas.home().join("gui.json");
    carla.until("its name on the disk", |_| {
        std::fs::read_to_string(&kept).is_ok_and(|kept| kept.contains("noon.txt"))
    });
    drop(carla);

    let mut carla = Person::at(&carlas);
    carla.presses_what_says("It hums");
    carla.sees("Do not send noon.txt");
    assert_eq!(gathered(carla.state()), ["noon.txt"]);
    // A file needs no words.
    carla.presses("Send reply");
    carla.sees("Save noon.txt");
    assert_eq!(gathered(carla.state()), [""; 0]);
}
