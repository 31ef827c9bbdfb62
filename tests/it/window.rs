//! The desktop client in a real window, on a screen in memory: keys that are pressed, a picture that is pasted.
//!
//! Needs `Xvfb`, `xdotool` and `xclip`; says so where they are not. The last thing on the screen is kept as
//! `target/tmp/window.png`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assist_proto::api::sync::DeliveryState;
use assist_proto::api::{attachment, server, sync, ticket, user};
use assist_proto::client::{Client, Home};
use assist_tests::process::{DaemonProcess, PATIENCE, desktop_client, private_folder, run};
use image::{ImageFormat, RgbImage};

/// A screen in memory; what is on it is in a file.
struct Screen {
    server: Child,
    display: String,
    folder: tempfile::TempDir,
}

impl Screen {
    fn open() -> Self {
        let folder = private_folder();
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1240x820x24", "-nolisten", "tcp", "-fbdir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { server, display: format!(":{}", number.trim()), folder }
    }

    fn tool(&self, name: &str, args: &[&str]) -> String {
        let done = run(Command::new(name).args(args).env("DISPLAY", &self.display), b"");
        assert_eq!(done.code, Some(0), "{name} {args:?}: {done:?}");
        done.stdout
    }

    /// Waits for a window with this title, and gives it the keyboard.
    fn until_titled(&self, title: &str) {
        let seconds = PATIENCE.as_secs().to_string();
        let search = ["xdotool", "search", "--sync", "--onlyvisible", "--name"];
        let found =
            self.tool("timeout", &[&[&seconds as &str], &search[..], &[&format!("^{title}$")]].concat());
        let window = found.lines().last().expect("a window").to_owned();
        self.tool("xdotool", &["windowfocus", "--sync", &window]);
        self.until_still();
    }

    fn types(&self, text: &str) {
        self.tool("xdotool", &["type", "--delay", "4", text]);
    }

    fn presses(&self, key: &str) {
        self.tool("xdotool", &["key", key]);
    }

    /// Goes to the next field. What is typed within the same frame would still go to the one before.
    fn tabs(&self) {
        self.until_still();
        self.presses("Tab");
        self.until_still();
    }

    /// Waits until nothing moves: all that was typed is on the screen. A cursor blinks in twice that time.
    #[expect(clippy::disallowed_methods, reason = "a bound on a wait for a condition in real processes")]
    fn until_still(&self) {
        let (began, mut since, mut before) = (Instant::now(), Instant::now(), self.picture());
        while since.elapsed() < STILL {
            assert!(began.elapsed() < PATIENCE, "something moves for ever");
            let now = self.picture();
            if now != before {
                (since, before) = (Instant::now(), now);
            }
        }
    }

    /// What is on the screen: the frame buffer is an X window dump, big-endian numbers before 32 bits a pixel.
    fn picture(&self) -> RgbImage {
        let bytes = fs::read(self.folder.path().join("Xvfb_screen0")).unwrap();
        let number =
            |index: usize| u32::from_be_bytes(bytes[index * 4..index * 4 + 4].try_into().unwrap()) as usize;
        let (head, width, height, line, colours) = (number(0), number(4), number(5), number(12), number(19));
        let pixels = &bytes[head + colours * 12..];
        RgbImage::from_fn(u32::try_from(width).unwrap(), u32::try_from(height).unwrap(), |x, y| {
            let at = y as usize * line + x as usize * 4;
            image::Rgb([pixels[at + 2], pixels[at + 1], pixels[at]])
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.server.kill().ok(); // It may have ended by itself.
        self.server.wait().ok();
    }
}

/// The client with its window, and the daemon that it starts.
struct Window {
    process: Child,
    folder: tempfile::TempDir,
}

impl Window {
    /// As from a link to a project.
    fn open(screen: &Screen, address: &str) -> Self {
        let folder = private_folder();
        let mut command = desktop_client(folder.path());
        command.arg(address).env("DISPLAY", &screen.display).env("LIBGL_ALWAYS_SOFTWARE", "1");
        let log = fs::File::create(folder.path().join("window.log")).unwrap();
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { process, folder }
    }

    /// Looks again and again at its daemon, once there is one.
    fn until<T>(&self, what: &str, mut look: impl FnMut(&mut Client) -> Option<T>) -> T {
        #[expect(clippy::disallowed_methods, reason = "a bound on a wait for a condition in real processes")]
        let started = Instant::now();
        let socket = Home::locate(Some(self.folder.path().to_owned())).unwrap().socket();
        loop {
            if let Some(found) = Client::connect(socket.clone()).ok().and_then(|mut client| look(&mut client))
            {
                return found;
            }
            let log = self.folder.path().join("window.log");
            assert!(started.elapsed() < PATIENCE, "{what}: {}", fs::read_to_string(log).unwrap_or_default());
            std::thread::yield_now();
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.process.kill().ok(); // It may have ended by itself.
        self.process.wait().ok();
        let socket = Home::locate(Some(self.folder.path().to_owned())).unwrap().socket();
        if let Ok(mut client) = Client::connect(socket) {
            client.call(&assist_proto::api::daemon::Stop {}).ok(); // Its folder goes with it.
        }
    }
}

#[test]
fn somebody_joins_files_a_screenshot_and_reads_the_answer_in_a_real_window() {
    let is_there = |tool: &&str| Path::new("/usr/bin").join(tool).exists();
    if !["Xvfb", "xdotool", "xclip"].iter().all(is_there) {
        return eprintln!("not run: a real window needs Xvfb, xdotool and xclip");
    }
    let mut mails = PathBuf::new();
    let server = DaemonProcess::server_with("hero", "127.0.0.1:0", |home| {
        mails = home.join("mails");
        vec!["--mail-to-file".into(), mails.display().to_string()]
    });
    let screen = Screen::open();
    let window = Window::open(&screen, &server.call(&server::GetStatus {}).address);

    join(&screen, &server, &mails);
    screen.until_titled("Hero Assistance");
    screen.presses("n");
    screen.until_titled("New ticket - Hero Assistance");
    let colours = RgbImage::from_fn(480, 320, |x, y| {
        image::Rgb([u8::try_from(x / 2).unwrap(), u8::try_from(y / 2).unwrap(), 120])
    });
    let mut clipboard = copy(&screen, &window, &colours);
    screen.types("The export button does nothing");
    screen.tabs();
    screen.types("I press it, and nothing happens.");
    screen.presses("ctrl+v");
    window.until("the pasted picture beside the text", |_| {
        (picture_pixels(&screen.picture()) > 100).then_some(())
    });
    screen.presses("ctrl+Return");
    screen.until_titled("The export button does nothing - Hero Assistance");
    let files = window.until("the ticket with its picture", |client| {
        let ticket = client.call(&ticket::List::default()).ok()?.tickets.into_iter().next()?.id;
        let files =
            client.call(&attachment::List { ticket, ..attachment::List::default() }).ok()?.attachments;
        (files.len() == 1).then_some(files)
    });
    assert_eq!((files[0].name.as_str(), files[0].media_type.as_str()), ("screenshot.png", "image/png"));

    let amir = DaemonProcess::device();
    amir.join(&server, user::Role::Agent, "Amir");
    amir.until_connection(sync::ConnectionState::Online);
    amir.until("the ticket", |client| {
        (!client.call(&ticket::List::default()).ok()?.tickets.is_empty()).then_some(())
    });
    let folder = private_folder();
    let saved = folder.path().join("screenshot.png");
    amir.assist_ok(["attachment", "save", "1", "screenshot.png", "-o", &folder.path().display().to_string()]);
    assert_eq!(image::open(&saved).unwrap().to_rgb8(), colours, "pixel by pixel what was copied");
    let before = screen.picture();
    amir.assist_ok(["ticket", "comment", "1", "-b", "Thank you, it is mended in 0.8.", "--send-now"]);
    amir.until("the answer was read in the window", |client| {
        let get = ticket::Get { ticket: "#1".into(), ..ticket::Get::default() };
        let ticket = client.call(&get).ok()?;
        (ticket.comments.last()?.state == Some(DeliveryState::Read)).then_some(())
    });
    clipboard.kill().ok(); // It ends when something else is copied.
    clipboard.wait().ok();

    let shown = window.until("the answer is on the screen", |_| {
        let shown = screen.picture();
        (text_pixels(&shown) > text_pixels(&before) + 100).then_some(shown)
    });
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("window.png");
    shown.save_with_format(&kept, ImageFormat::Png).unwrap();
    assert!(picture_pixels(&shown) > 1_000, "the picture is in the window: {}", kept.display());
}

/// Half of what a cursor takes from on to off.
const STILL: Duration = Duration::from_millis(250);

/// By the mailed code. The keyboard is in the first empty field of each form.
fn join(screen: &Screen, server: &DaemonProcess, mails: &Path) {
    screen.until_titled("Join a project - Hero Assistance");
    screen.types("carla@example.com");
    screen.tabs();
    screen.types("Carla");
    screen.presses("Return");
    server.until_called("a mail", &server::GetStatus {}, |status| status.mail.sent_count == 1);
    let mail = fs::read_to_string(mails.join("00000001.eml")).unwrap();
    let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
    screen.until_titled("Enter the code - Hero Assistance");
    screen.types(subject.split(' ').next().unwrap());
    screen.presses("Return");
}

/// Puts a picture on the clipboard; who does that has to stay, to give it to whoever pastes.
fn copy(screen: &Screen, window: &Window, colours: &RgbImage) -> Child {
    let picture = window.folder.path().join("picture.png");
    colours.save_with_format(&picture, ImageFormat::Png).unwrap();
    let mut clipboard = Command::new("xclip");
    clipboard.args(["-quiet", "-selection", "clipboard", "-t", "image/png", "-i"]).arg(&picture);
    clipboard.env("DISPLAY", &screen.display).stdout(Stdio::null()).stderr(Stdio::null());
    clipboard.spawn().unwrap()
}

/// How much of the picture there is: nothing else has its blue.
fn picture_pixels(shown: &RgbImage) -> usize {
    let is_of_it = |pixel: &&image::Rgb<u8>| pixel[2].abs_diff(120) < 3 && pixel[0] > 60 && pixel[1] > 60;
    shown.pixels().filter(is_of_it).count()
}

/// How much light text there is in the lower half of the page: where the answer comes.
fn text_pixels(picture: &RgbImage) -> usize {
    let (width, height) = picture.dimensions();
    let page = image::imageops::crop_imm(picture, width / 2, height / 2, width / 2, height / 3);
    page.to_image().pixels().filter(|pixel| pixel.0.iter().all(|value| *value > 170)).count()
}
