//! Real `assistd` and `assist` binaries on temporary folders, talking over loopback.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assist_proto::api::{Method, daemon, server, sync, user};
use assist_proto::client::{Client, Home};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tempfile::TempDir;

use crate::udp_relay::{Line, UdpRelay};

/// Longer than anything takes on a slow machine that is busy; only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon of either role with its folder. Killed when dropped.
pub struct DaemonProcess {
    folder: TempDir,
    args: Vec<String>,
    /// The process whose network it shares, if not this one's.
    network_of: Option<u32>,
    child: Option<Child>,
    /// What it printed when it was ready: a server's address, a device's socket.
    ready_line: String,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Finished {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
}

impl DaemonProcess {
    /// Starts a device's daemon.
    pub fn device() -> Self {
        Self::device_with(|_| {})
    }

    /// The same once the folder is prepared.
    pub fn device_with(prepare: impl FnOnce(&Path)) -> Self {
        Self::started(prepare, None)
    }

    /// The same in the network namespace of another process.
    pub fn device_in_network_of(process: u32) -> Self {
        Self::started(|_| {}, Some(process))
    }

    fn started(prepare: impl FnOnce(&Path), network_of: Option<u32>) -> Self {
        let folder = private_folder();
        prepare(folder.path());
        let args = vec!["run".into()];
        let mut daemon = Self { folder, args, network_of, child: None, ready_line: String::new() };
        daemon.start();
        daemon
    }

    /// Makes a project and starts its server.
    pub fn server(project: &str) -> Self {
        Self::server_with(project, "127.0.0.1:0", |_| Vec::new())
    }

    /// The same at an address that is known.
    pub fn server_at(project: &str, bind: &str) -> Self {
        Self::server_with(project, bind, |_| Vec::new())
    }

    /// The same with more arguments, once the folder is prepared.
    pub fn server_with(project: &str, bind: &str, prepare: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let folder = private_folder();
        let init = run(assistd(folder.path()).args(["server", "init", "--name", project]), b"");
        assert_eq!(init.code, Some(0), "{init:?}");
        let mut daemon = Self::server_of(folder, bind, prepare);
        if !bind.starts_with("auto") {
            // From now on it comes back where it was.
            daemon.args[3] = daemon.call(&server::GetStatus {}).listening_on[0].clone();
        }
        daemon
    }

    /// Starts the server whose folder somebody made before.
    pub fn server_in(bind: &str, prepare: impl FnOnce(&Path)) -> Self {
        Self::server_of(private_folder(), bind, |home| {
            prepare(home);
            Vec::new()
        })
    }

    fn server_of(folder: TempDir, bind: &str, prepare: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let mut args = ["server", "run", "--bind", bind].map(String::from).to_vec();
        args.extend(prepare(folder.path()));
        let mut daemon = Self { folder, args, network_of: None, child: None, ready_line: String::new() };
        daemon.start();
        daemon
    }

    /// Starts it again.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = std::fs::File::options().create(true).append(true).open(self.log()).expect("a log file");
        let mut command = assistd(self.folder.path());
        command.args(&self.args);
        if let Some(process) = self.network_of {
            command = in_network_of(process, &command);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("assistd starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line when it is ready");
        assert!(
            !line.is_empty(),
            "assistd did not start: {}",
            std::fs::read_to_string(self.log()).unwrap_or_default()
        );
        self.ready_line = line.trim().to_owned();
        self.child = Some(child);
    }

    /// Starts it again with another value for one of its options.
    pub fn start_with(&mut self, option: &str, value: &str) {
        match self.args.iter().position(|word| word == option) {
            Some(at) => self.args[at + 1] = value.to_owned(),
            None => self.args.extend([option.to_owned(), value.to_owned()]),
        }
        self.start();
    }

    /// Ends it as a machine that loses power would: at once.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("kill -9");
        child.wait().expect("it ends");
    }

    /// Ends it properly.
    pub fn stop(&mut self) {
        self.client().call(&daemon::Stop {}).expect("it takes the call");
        let status = self.child.take().expect("it runs").wait().expect("it ends");
        assert!(status.success(), "it ended with {status}");
    }

    /// Takes everything of it away but some files, and the log that the test looks at.
    pub fn lose_all_but(&mut self, kept: &[&str]) {
        if self.child.is_some() {
            self.kill();
        }
        for entry in std::fs::read_dir(self.home()).expect("its folder") {
            let path = entry.expect("an entry").path();
            let is_kept = path == self.log() || kept.iter().any(|name| path.ends_with(name));
            match path.is_dir() {
                true => std::fs::remove_dir_all(path).expect("a folder goes"),
                false if is_kept => {}
                false => std::fs::remove_file(path).expect("a file goes"),
            }
        }
    }

    /// Its folder.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// What it logs.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log.txt")
    }

    /// What it printed when it was ready.
    pub fn ready_line(&self) -> &str {
        &self.ready_line
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// From now on its store cannot grow, as if the disk were full; or it can again.
    pub fn forbid_growth(&self, is_forbidden: bool) {
        let pid = self.child.as_ref().map(Pid::from_child);
        let size = std::fs::metadata(self.home().join("store.redb")).expect("a store").len();
        let current = is_forbidden.then_some(size);
        let limit = Rlimit { current, maximum: getrlimit(Resource::Fsize).maximum };
        prlimit(pid, Resource::Fsize, limit).expect("a limit of one's own process");
    }

    /// From now on no file of it may be larger than its store and so much more, as if the disk were nearly full: its
    /// store goes on, a large blob does not; or all is as before.
    pub fn forbid_files_over(&self, extra_bytes: Option<u64>) {
        let pid = self.child.as_ref().map(Pid::from_child);
        let size = std::fs::metadata(self.home().join("store.redb")).expect("a store").len();
        let current = extra_bytes.map(|extra| size + extra);
        let limit = Rlimit { current, maximum: getrlimit(Resource::Fsize).maximum };
        prlimit(pid, Resource::Fsize, limit).expect("a limit of one's own process");
    }

    /// A connection to its local API.
    pub fn client(&self) -> Client {
        Client::connect(self.socket()).expect("its socket answers")
    }

    /// Where it answers front ends.
    pub fn socket(&self) -> PathBuf {
        Home::locate(Some(self.folder.path().to_owned())).expect("a home").socket()
    }

    /// Calls a method that must succeed.
    pub fn call<M: Method>(&self, params: &M) -> M::Result {
        self.client().call(params).unwrap_or_else(|error| panic!("{}: {error}", M::NAME))
    }

    /// Makes a code for one person.
    pub fn invite(&self, role: user::Role) -> server::Invitation {
        self.call(&server::Invite { role, email: None, name: None })
    }

    /// Joins a server's project in a role, with the command line.
    pub fn join(&self, server: &Self, role: user::Role, name: &str) {
        let invitation = server.invite(role);
        let joined =
            self.assist(["project", "join", &invitation.address, "--code", &invitation.code, "--name", name]);
        assert_eq!(joined.code, Some(0), "{joined:?}");
    }

    /// Joins it by a line that leads to the server.
    pub fn join_over(&self, line: &UdpRelay, server: &Self, role: user::Role, name: &str) {
        let invitation = server.invite(role);
        let (project, _) = invitation.address.split_once('@').expect("an address has a host");
        let address = format!("{project}@{}", line.address());
        self.assist_ok(["project", "join", &address, "--code", &invitation.code, "--name", name]);
    }

    /// Puts a line in front of this server.
    pub fn behind(&self, line: Line, seed: u64) -> UdpRelay {
        let status = self.call(&server::GetStatus {});
        UdpRelay::before(status.listening_on[0].parse().expect("an address"), line, seed)
    }

    /// One more device of the person with this address.
    pub fn device_of(server: &Self, role: user::Role, email: &str) -> Self {
        let invite = server::Invite { role, email: Some(email.into()), name: Some("Somebody".into()) };
        let invitation = server.call(&invite);
        let device = Self::device();
        device.assist_ok(["project", "join", &invitation.address, "--code", &invitation.code]);
        device.until_connection(sync::ConnectionState::Online);
        device
    }

    /// Runs `assist` on this daemon's folder.
    pub fn assist<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Finished {
        self.assist_with_input(args, b"")
    }

    /// Runs `assist` with something on standard input.
    pub fn assist_with_input<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Finished {
        run(assist(self.folder.path()).args(args), input)
    }

    /// Runs `assist`, which must succeed, and returns what it printed.
    pub fn assist_ok<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let finished = self.assist(args);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.stdout
    }

    /// Looks again after every event until there is what is waited for.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut(&mut Client) -> Option<T>) -> T {
        #[expect(clippy::disallowed_methods, reason = "a bound on a wait for a condition in real processes")]
        let started = Instant::now();
        let mut client = self.client();
        let mut events = client.events(None).expect("events");
        loop {
            if let Some(found) = look(&mut client) {
                return found;
            }
            let left =
                PATIENCE.checked_sub(started.elapsed()).unwrap_or_else(|| panic!("waited in vain: {what}"));
            if let Err(error) = events.next_within(left) {
                panic!("waited for {what}: {error}");
            }
        }
    }

    /// Calls a method again and again until it answers as wanted: for what brings no event.
    pub fn until_called<M: Method>(&self, what: &str, params: &M, is_wanted: impl Fn(&M::Result) -> bool) {
        #[expect(clippy::disallowed_methods, reason = "a bound on a wait for a condition in real processes")]
        let started = Instant::now();
        let mut client = self.client();
        while !is_wanted(&client.call(params).expect("it answers")) {
            assert!(started.elapsed() < PATIENCE, "waited in vain: {what}");
        }
    }

    /// Waits until all connections are in this state.
    pub fn until_connection(&self, wanted: sync::ConnectionState) {
        self.until("the connection's state", |client| {
            let status = client.call(&sync::GetStatus::default()).expect("a status");
            let all = status.projects.iter().all(|project| project.connection.state == wanted);
            (all && !status.projects.is_empty()).then_some(())
        });
    }

    /// Waits until everything that was written here is on the server, however much that is: as long as it gets less.
    pub fn until_sent(&self) {
        let waiting = |client: &mut Client| {
            let status = client.call(&sync::GetStatus::default()).expect("a status");
            status.projects.iter().map(|project| project.outbox_count).sum::<u64>()
        };
        let mut left = waiting(&mut self.client());
        while left > 0 {
            left = self.until(&format!("less than {left} changes in the outbox"), |client| {
                Some(waiting(client)).filter(|now| *now < left)
            });
        }
    }
}

impl Drop for DaemonProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok(); // It may have ended by itself.
            child.wait().ok();
        }
    }
}

/// `assistd` on a folder, with nothing of the caller's environment that could steer it.
pub fn assistd(home: &Path) -> Command {
    program("assistd", home)
}

/// `assist-gui` on a folder, likewise.
pub fn desktop_client(home: &Path) -> Command {
    program("assist-gui", home)
}

/// `assist` on a folder, likewise.
pub fn assist(home: &Path) -> Command {
    program("assist", home)
}

/// The same command in the network namespace of another process.
pub fn in_network_of(process: u32, command: &Command) -> Command {
    let mut outer = Command::new("nsenter");
    outer.args(["--target", &process.to_string(), "--net", "--"]);
    outer.arg(command.get_program()).args(command.get_args()).env_clear();
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

/// Bash on a person's home folder, with the programs of this build before all others on its path, and in front of
/// them what is in `first`.
pub fn shell(home: &Path, first: &Path, script: &str) -> Command {
    let mut command = Command::new("bash");
    let path = format!("{}:{}:/usr/bin:/bin", first.display(), folder_of_programs().display());
    command.args(["-euo", "pipefail", "-c", script]).current_dir(home);
    command.env_clear().env("HOME", home).env("PATH", path).env("TZ", "UTC");
    // What is held is a test of its own.
    command.env("ASSIST_HOLD_SECS", "0").env("ASSIST_NOTIFICATIONS", "false");
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command, input: &[u8]) -> Finished {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that does not want it may have closed it.
    stdin.write_all(input).ok();
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    Finished {
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        code: output.status.code(),
    }
}

/// A temporary folder that only its owner can read, as the daemon wants it.
pub fn private_folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).expect("its mode");
    folder
}

fn program(name: &str, home: &Path) -> Command {
    let mut command = Command::new(binary(name));
    command
        .env_clear()
        .env("HOME", home)
        .env("ASSIST_HOME", home)
        .env("PATH", "/usr/bin:/bin")
        .env("TZ", "UTC")
        .env("ASSIST_HOLD_SECS", "0")
        .env("ASSIST_NOTIFICATIONS", "false");
    command
}

/// The program that this very build made.
fn binary(name: &str) -> PathBuf {
    let path = folder_of_programs().join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo test --workspace`, or `cargo build` first",
        path.display()
    );
    path
}

/// Where the programs of this build are.
pub fn folder_of_programs() -> PathBuf {
    let own = std::env::current_exe().expect("the program's own path");
    let folder = own.parent().expect("the folder of the build");
    // Tests stand in a folder below.
    if folder.ends_with("deps") {
        folder.parent().expect("the folder of the build").to_owned()
    } else {
        folder.to_owned()
    }
}
