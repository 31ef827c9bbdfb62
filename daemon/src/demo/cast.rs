//! The processes of the demonstration: two servers and two devices, each with its own folder.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use assist_proto::api::ticket::{self, Conflict, Ticket, TicketRow};
use assist_proto::api::{Method, daemon, project, server, sync, user};
use assist_proto::client::{Client, Home};

use super::STEP_MAX;
use super::narrator::{Narrator, now};

/// Everybody who takes part.
pub(super) struct Cast {
    data: PathBuf,
    servers: Vec<Server>,
    pub(super) customer: Device,
    pub(super) agent: Device,
}

/// A product's server.
struct Server {
    home: PathBuf,
    project: &'static str,
    /// Known once it has run: it comes back where it was.
    bind: String,
    process: Option<Process>,
}

/// A person's device.
pub(super) struct Device {
    name: &'static str,
    home: PathBuf,
    client: Client,
    process: Process,
}

/// A child that does not outlive its owner.
struct Process(Child);

impl Cast {
    /// Starts all four, and lets both devices join both projects.
    pub(super) fn start(data: Option<PathBuf>, narrator: &mut Narrator) -> anyhow::Result<Self> {
        let data = data.unwrap_or_else(|| {
            std::env::temp_dir().join(format!("hero-assistance-demo-{}", std::process::id()))
        });
        let data = std::path::absolute(data)?;
        ensure!(
            !data.exists() || fs::read_dir(&data)?.next().is_none(),
            "{} is not empty: give a new folder with --data",
            data.display()
        );
        fs::create_dir_all(&data)?;
        narrator.line(&format!("The data of this demonstration is in {}.", data.display()))?;
        narrator.chapter("Two products, one customer, one agent")?;
        let mut servers = Vec::new();
        for project in ["mycelium", "hero"] {
            let home = data.join(format!("server-{project}"));
            servers.push(narrator.timed(&format!("The server of {project} is set up and runs"), || {
                Server::start(home, project)
            })?);
        }
        let mut customer =
            narrator.timed("The customer's device runs", || Device::start(&data, "customer"))?;
        let mut agent = narrator.timed("The agent's device runs", || Device::start(&data, "agent"))?;
        for server in &mut servers {
            for (device, role, name) in
                [(&mut customer, user::Role::Customer, "Carla"), (&mut agent, user::Role::Agent, "Amir")]
            {
                let label = format!("{name} joins {} as {role:?} with a one-time code", server.project);
                narrator.timed(&label, || device.join(server, role, name))?;
            }
        }
        Ok(Self { data, servers, customer, agent })
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn stop_servers(&mut self) -> anyhow::Result<()> {
        self.servers.iter_mut().try_for_each(Server::stop)
    }

    pub(super) fn start_servers(&mut self) -> anyhow::Result<()> {
        self.servers.iter_mut().try_for_each(Server::run)
    }

    /// Stops everybody, and returns where the data is left.
    pub(super) fn stop(self) -> anyhow::Result<PathBuf> {
        let Self { servers, customer, agent, data } = self;
        for mut device in [customer, agent] {
            device.client.call(&daemon::Stop {})?;
            device.process.ended()?;
        }
        for mut server in servers {
            server.stop()?;
        }
        Ok(data)
    }

    /// What a person may type next.
    pub(super) fn invitation_to_try(&self) -> String {
        let assist = "cargo run --release --bin assist --";
        let (customer, agent) = (self.customer.home.display(), self.agent.home.display());
        format!(
            "\nEverything worked, and everything still runs. In another terminal, try:\n\n\
             \x20 {assist} --home {agent} ticket list\n\
             \x20 {assist} --home {agent} -P mycelium ticket view '#1'\n\
             \x20 {assist} --home {customer} -P hero ticket new --title 'It works' -b 'Hello from the customer.' --wait=delivered\n\
             \x20 {assist} --home {agent} watch\n\
             \x20 {assist} --home {customer} sync pause\n\
             \x20 {assist} --home {customer} sync status\n\n\
             Press Ctrl-C here to stop all four daemons."
        )
    }
}

impl Server {
    fn start(home: PathBuf, project: &'static str) -> anyhow::Result<Self> {
        let made = assistd()?
            .args(["server", "init", "--name", project, "--home"])
            .arg(&home)
            .stdout(Stdio::null())
            .status()?;
        ensure!(made.success(), "`assistd server init` failed");
        let mut server = Self { home, project, bind: "127.0.0.1:0".to_owned(), process: None };
        server.run()?;
        let status = server.client()?.call(&server::GetStatus {})?;
        server.bind = status.listening_on.first().context("the server listens somewhere")?.clone();
        Ok(server)
    }

    fn run(&mut self) -> anyhow::Result<()> {
        let mut command = assistd()?;
        command.args(["server", "run", "--bind", &self.bind, "--home"]).arg(&self.home);
        self.process = Some(Process::spawn(command, &self.home)?);
        Ok(())
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        self.client()?.call(&daemon::Stop {})?;
        process.ended()
    }

    fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::connect(Home::locate(Some(self.home.clone()))?.socket())?)
    }
}

impl Device {
    fn start(data: &Path, name: &'static str) -> anyhow::Result<Self> {
        let home = data.join(name);
        let mut command = assistd()?;
        command.arg("run").arg("--home").arg(&home);
        let process = Process::spawn(command, &home)?;
        let client = Client::connect(Home::locate(Some(home.clone()))?.socket())?;
        Ok(Self { name, home, client, process })
    }

    pub(super) fn name(&self) -> &str {
        self.name
    }

    fn join(&mut self, server: &Server, role: user::Role, name: &str) -> anyhow::Result<()> {
        let invitation =
            server.client()?.call(&server::Invite { role, email: None, name: Some(name.to_owned()) })?;
        self.client.call(&project::Join {
            address: invitation.address,
            code: invitation.code,
            device_name: Some(format!("{name}'s laptop")),
            ..project::Join::default()
        })?;
        self.until_connection(STEP_MAX, |state| state == sync::ConnectionState::Online)
    }

    pub(super) fn call<M: Method>(&mut self, method: &M) -> anyhow::Result<M::Result> {
        Ok(self.client.call(method)?)
    }

    pub(super) fn ticket(&mut self, id: &str) -> anyhow::Result<Ticket> {
        self.call(&ticket::Get { ticket: id.to_owned(), ..ticket::Get::default() })
    }

    pub(super) fn tickets(&mut self) -> anyhow::Result<Vec<TicketRow>> {
        Ok(self.call(&ticket::List::default())?.tickets)
    }

    /// Waits for an own change to reach the server, then the other side, and says how long each took.
    pub(super) fn states(
        &mut self,
        narrator: &mut Narrator,
        change: &str,
        patience: Duration,
    ) -> anyhow::Result<()> {
        for (until, label) in
            [(sync::WaitUntil::Server, "on server"), (sync::WaitUntil::Delivered, "delivered")]
        {
            let timeout_millis = Some(u64::try_from(patience.as_millis())?);
            narrator.timed(&format!("  {label}"), || {
                let changes = vec![change.to_owned()];
                self.call(&sync::Wait { project: None, changes, until, timeout_millis })
            })?;
        }
        Ok(())
    }

    /// Waits until every project's connection is as wanted.
    pub(super) fn until_connection(
        &mut self,
        patience: Duration,
        wanted: impl Fn(sync::ConnectionState) -> bool,
    ) -> anyhow::Result<()> {
        self.until(patience, "the connections are as they should be", |device| {
            let status = device.call(&sync::GetStatus::default())?;
            let is_so = status.projects.iter().all(|project| wanted(project.connection.state));
            Ok(is_so.then_some(()))
        })
    }

    pub(super) fn until_conflict(&mut self, id: &str, patience: Duration) -> anyhow::Result<Vec<Conflict>> {
        self.until(patience, "the conflict is seen", |device| {
            let conflicts = device.ticket(id)?.conflicts;
            Ok((!conflicts.is_empty()).then_some(conflicts))
        })
    }

    pub(super) fn until_settled(&mut self, id: &str, title: &str, patience: Duration) -> anyhow::Result<()> {
        self.until(patience, "the conflict is settled", |device| {
            let ticket = device.ticket(id)?;
            Ok((ticket.conflicts.is_empty() && ticket.row.title == title).then_some(()))
        })
    }

    /// Looks again after every event until there is what is waited for.
    fn until<T>(
        &mut self,
        patience: Duration,
        what: &str,
        mut look: impl FnMut(&mut Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let started = now();
        let mut events = self.client.events(None)?;
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            let Some(left) = patience.checked_sub(started.elapsed()) else {
                bail!("{} waited {} s in vain until {what}", self.name, patience.as_secs());
            };
            events.next_within(left)?;
        }
    }
}

impl Process {
    /// Starts a daemon whose log goes beside its folder, and waits for the line that says it is ready.
    fn spawn(mut command: Command, home: &Path) -> anyhow::Result<Self> {
        let log = home.with_extension("log");
        let log_file = File::options().create(true).append(true).open(&log)?;
        let mut process = Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file).spawn()?);
        let stdout = process.0.stdout.take().context("its standard output is a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(!line.is_empty(), "a daemon did not start: see {}", log.display());
        Ok(process)
    }

    fn ended(&mut self) -> anyhow::Result<()> {
        let status = self.0.wait()?;
        ensure!(status.success(), "a daemon ended with {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only if it has ended, which is what is wanted.
        if self.0.try_wait().is_ok_and(|status| status.is_none()) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }
}

/// This very program.
fn assistd() -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env_remove(Home::VARIABLE).env_remove("ASSIST_BIND").env("ASSIST_HOLD_SECS", "0");
    Ok(command)
}
