//! Thumbnails with real programs: what people see of a picture, and what a hostile one can do.

mod hostile;

use std::fs;
use std::io::Cursor;

use assist_proto::api::{daemon, user};
use assist_proto::client::{Client, TransferError};
use assist_tests::dice::Dice;
use assist_tests::process::{DaemonProcess, Finished};
use image::ImageFormat;
use rustix::process::{Pid, Signal, kill_process};

fn refused(finished: &Finished, code: i32, words: &str) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert!(finished.stderr.contains(words), "{finished:?}");
}

fn size_of(png: &[u8]) -> (u32, u32) {
    let picture = image::load_from_memory_with_format(png, ImageFormat::Png).unwrap();
    (picture.width(), picture.height())
}

#[test]
fn agent_gets_a_small_copy_of_what_a_customer_attached() {
    let server = DaemonProcess::server("hero");
    let [carla, bob, amir] =
        [("Carla", user::Role::Customer), ("Bob", user::Role::Customer), ("Amir", user::Role::Agent)].map(
            |(name, role)| {
                let device = DaemonProcess::device();
                device.join(&server, role, name);
                device
            },
        );
    let path = carla.home().join("screen.dat");
    fs::write(&path, hostile::picture(1_000, 500, ImageFormat::Jpeg)).unwrap();
    let text = carla.home().join("log.txt");
    fs::write(&text, "nothing to see").unwrap();
    let [path, text] = [&path, &text].map(|path| path.to_str().unwrap());
    let filed = carla.assist_ok([
        "ticket",
        "new",
        "-t",
        "It hums",
        "-b",
        "See.",
        "--attach",
        path,
        "--attach",
        text,
        "--wait=delivered",
    ]);
    let id = filed.trim();
    let small = amir.home().join("small.png");
    let output = small.to_str().unwrap();
    amir.assist_ok(["attachment", "thumbnail", id, "-o", output]);
    assert_eq!(size_of(&fs::read(&small).unwrap()), (800, 400), "known by its bytes, whatever its name");
    refused(&amir.assist(["attachment", "thumbnail", id, "-o", output]), 1, "cannot make");
    let other = amir.home().join("other.png");
    let other = other.to_str().unwrap();
    refused(&amir.assist(["attachment", "thumbnail", id, "log.txt", "-o", other]), 3, "no picture");
    assert!(!fs::exists(other).unwrap(), "no file where there is no picture");
    refused(&bob.assist(["attachment", "thumbnail", id, "-o", other]), 3, "no ticket");
}

/// Peak of a daemon's memory in KiB, as the system counts it.
fn peak_kib(device: &DaemonProcess) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", device.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What the daemon makes of the bytes: a PNG, or the reason why not.
fn thumbnail(client: &Client, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let stored = client.put_blob(bytes).unwrap();
    let mut png = Vec::new();
    match client.get_thumbnail(&stored.blob, &mut png) {
        Ok(size) => {
            assert_eq!(size, png.len() as u64);
            Ok(png)
        }
        Err(TransferError::Client(assist_proto::client::ClientError::Api(error))) => {
            assert!(!error.message.is_empty());
            Err(error.data.reason)
        }
        Err(error) => panic!("the daemon no longer answers: {error}"),
    }
}

#[test]
fn thousand_hostile_pictures_cost_little_and_none_is_shown_for_what_it_is_not() {
    let device = DaemonProcess::device();
    let client = device.client();
    thumbnail(&client, &hostile::picture(900, 900, ImageFormat::Png)).unwrap();
    let before = peak_kib(&device);
    let mut dice = Dice::new(4);
    let mut shown = 0;
    for (index, hostile) in hostile::all(&mut dice, 1_000).into_iter().enumerate() {
        let name = format!("{index}: {}", hostile.name);
        match thumbnail(&client, &hostile.bytes) {
            Ok(png) => {
                shown += 1;
                let (width, height) = size_of(&png);
                assert!(width.max(height) <= 800, "{name}: {width} by {height}");
                match hostile.honest {
                    hostile::Honest::Nothing => panic!("{name}: shown"),
                    hostile::Honest::This(whole) => {
                        assert!(thumbnail(&client, &whole).unwrap() == png, "{name}: not what it shows");
                    }
                    hostile::Honest::Whatever => {}
                }
            }
            Err(reason) => {
                let known = ["no_picture", "picture_too_large", "picture_damaged"];
                assert!(known.contains(&reason.as_str()), "{name}: {reason}");
            }
        }
    }
    assert!(shown > 50, "those that are a picture as well are shown: {shown}");
    let grown = peak_kib(&device).saturating_sub(before);
    assert!(grown < 64 * 1024, "the daemon itself took {grown} KiB more");
    let kept: u64 = fs::read_dir(device.home().join("blobs/thumbnails"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(kept <= 64 * 1024 * 1024, "{kept} bytes kept");
    device.call(&daemon::GetStatus {});
}

#[test]
fn helper_gives_up_memory_time_and_files_before_it_reads() {
    let home = assist_tests::process::private_folder();
    let mut helper = assist_tests::process::assistd(home.path())
        .arg("shrink-picture")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", helper.id());
    let has = |limits: &str, name: &str, most: &str| {
        limits.lines().any(|line| line.starts_with(name) && line.split_whitespace().any(|word| word == most))
    };
    // The last that it gives up is its core file.
    let found = (0..1_000_000).map(|_| fs::read_to_string(&limits).unwrap_or_default()).find(|found| {
        found
            .lines()
            .any(|line| line.starts_with("Max core file size") && line.split_whitespace().nth(5) == Some("0"))
    });
    let found = found.expect("it bounds itself");
    for (name, most) in [
        ("Max address space", "671088640"),
        ("Max cpu time", "10"),
        ("Max open files", "16"),
        ("Max file size", "0"),
    ] {
        assert!(has(&found, name, most), "{name}: {found}");
    }
    kill_process(Pid::from_child(&helper), Signal::KILL).unwrap();
    helper.wait().unwrap();
}

/// What `image` makes of bytes in memory.
fn written(picture: &image::DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}
