//! `assistd`: arguments, log, exit code.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use assist_crdt_model::ProjectName;
use assist_daemon::compaction;
use assist_daemon::config::{Bind, Config, Flags, MailConfig, ShownReserve};
use assist_daemon::driver::read_clock;
use assist_daemon::overlay::OverlayMode;
use assist_daemon::supervisor::Supervised;
use assist_daemon::{Daemon, DaemonConfig, init_server, pictures, recover_server_from_keys};
use assist_proto::address::{AddressError, Host};
use assist_proto::api::{server, user};
use assist_proto::client::{Client, Home};
use assist_proto::housekeeping::Housekeeping;
use assist_proto::hub::DiskReserves;
use clap::{Args, Parser, Subcommand, ValueEnum};
use tikv_jemallocator::Jemalloc;
use tokio::signal::unix::{SignalKind, signal};

mod backups;
mod demo;
mod service;
mod verify_log;

/// What the driver, the links and the API pass to each other is freed by another thread than made it: with the system's
/// allocator they wait for each other, a server takes a quarter fewer changes, and keeps what it once needed.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Support tickets between a product's customers and its team: the daemon.
#[derive(Parser)]
#[command(name = "assistd", version, about, arg_required_else_help = true)]
struct Cli {
    /// The folder that holds everything of this daemon.
    #[arg(long, global = true, env = "ASSIST_HOME", value_name = "DIR")]
    home: Option<PathBuf>,
    /// What to log, as `info` or `assist_daemon=debug,warn`.
    #[arg(long, global = true, env = "ASSIST_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
    /// How to log: lines for people, or an object in each line for programs.
    #[arg(
        long,
        global = true,
        env = "ASSIST_LOG_FORMAT",
        default_value = "text",
        value_enum,
        value_name = "FORMAT"
    )]
    log_format: LogFormat,
    /// The configuration file; otherwise `config.toml` in that folder, if it is there.
    #[arg(long, global = true, env = "ASSIST_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

/// How to log.
#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// A line for people, in colours on a terminal.
    Text,
    /// A JSON object: time, level, where, message, and whatever belongs to it by name.
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Run on this device, for the person who uses it.
    Run(OverlayArgs),
    /// Serve a project.
    #[command(subcommand)]
    Server(ServerCommand),
    /// What the configuration file may say, and what it says.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Have the system start it by itself, and keep it running.
    #[command(subcommand)]
    Service(service::ServiceCommand),
    /// Show everything at work: two servers, a customer and an agent, on this machine.
    Demo(demo::DemoArgs),
}

#[derive(Subcommand)]
enum ServerCommand {
    /// Make a project: its root key, a key for this server, an empty log.
    Init {
        /// What people will call the project.
        #[arg(long, value_parser = parse_project_name)]
        name: ProjectName,
    },
    /// Begin again with nothing but the root key and the server's key in this folder: its members' devices bring the rest.
    Recover {
        /// What people call the project, until its own document is back.
        #[arg(long, value_parser = parse_project_name)]
        name: ProjectName,
    },
    /// Serve the project of this folder.
    Run(ServerRunArgs),
    /// Make a backup, of a server that runs too: complete, read back, and only of what is new.
    Backup(backups::BackupArgs),
    /// Make a server of a backup, in a folder that holds none.
    Restore(backups::RestoreArgs),
    /// Read everything that the server keeps, and prove what can be proven of it.
    Verify(backups::VerifyArgs),
    /// Remove attachments whose time is over, as `[retention]` says, and give the system back the room that the store
    /// does not use any more. The server must not run.
    Compact,
    /// Read the whole admission log, and say whether it is what the server wrote.
    VerifyLog(verify_log::VerifyLogArgs),
    /// Make a one-time code with which one person joins on one device.
    Invite {
        /// What the person may do: customer, agent or admin.
        #[arg(long, value_parser = parse_role)]
        role: user::Role,
        /// Only for this person; a member's address invites a further device of theirs.
        #[arg(long)]
        email: Option<String>,
        /// What the person will be called.
        #[arg(long)]
        name: Option<String>,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print a file to begin with: every key with what it means.
    Template,
    /// Read the file and the environment as `server run` would, and say what comes of it.
    Check,
}

#[derive(Args)]
struct ServerRunArgs {
    /// Where to listen: `auto:9470` is this machine's overlay address, to who comes over the overlay alone;
    /// `[::]:9470` or `192.0.2.7:9470` is exactly there, to everybody. Otherwise as $ASSIST_BIND or the configuration says.
    #[arg(long, value_name = "auto:PORT|ADDR:PORT")]
    bind: Option<Bind>,
    /// What to tell others as this server's host, if not where it listens. May be given several times.
    #[arg(long, value_name = "HOST[:PORT]", value_parser = parse_host)]
    advertise: Vec<Host>,
    /// For trials: write mails into this folder as files, and send none.
    #[arg(long, value_name = "DIR")]
    mail_to_file: Option<PathBuf>,
    #[command(flatten)]
    overlay: OverlayArgs,
}

#[derive(Args)]
struct OverlayArgs {
    /// `external` follows the mycelium node of this machine, if there is one; `managed` runs one; `none` leaves the
    /// overlay alone. Otherwise as $ASSIST_OVERLAY or the configuration says.
    #[arg(long, value_name = "external|managed|none")]
    overlay: Option<OverlayMode>,
}

fn main() -> ExitCode {
    // Before anything else: what decodes foreign pictures has no use for arguments, a log or a runtime.
    if std::env::args_os().nth(1).is_some_and(|first| first == pictures::COMMAND) {
        return pictures::run();
    }
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let home = Home::locate(cli.home)?.folder().to_owned();
    match cli.command {
        Command::Run(args) => {
            start_log(&cli.log, cli.log_format)?;
            run_daemon(device_config(home, cli.config.as_deref(), &args)?)
        }
        Command::Server(ServerCommand::Run(args)) => {
            start_log(&cli.log, cli.log_format)?;
            run_daemon(server_config(home, cli.config.as_deref(), args)?)
        }
        Command::Server(ServerCommand::Init { name }) => init(&home, &name),
        Command::Server(ServerCommand::Backup(args)) => backups::backup(&home, &args),
        Command::Server(ServerCommand::Restore(args)) => backups::restore(&home, &args),
        Command::Server(ServerCommand::Verify(args)) => backups::verify(&home, &args),
        Command::Server(ServerCommand::Compact) => compact(&home, cli.config.as_deref()),
        Command::Server(ServerCommand::VerifyLog(args)) => verify_log::verify(&home, &args),
        Command::Server(ServerCommand::Recover { name }) => {
            recover_server_from_keys(&home, &name)?;
            say(AFTER_RECOVERY)
        }
        Command::Server(ServerCommand::Invite { role, email, name }) => invite(&home, role, email, name),
        Command::Config(ConfigCommand::Template) => say(&Config::template()),
        Command::Config(ConfigCommand::Check) => check_config(&home, cli.config.as_deref()),
        Command::Service(command) => service::run(&command, &home),
        Command::Demo(args) => demo::run(&args),
    }
}

/// Of what the configuration says, only this is a device's.
fn device_config(home: PathBuf, file: Option<&Path>, args: &OverlayArgs) -> anyhow::Result<DaemonConfig> {
    let flags = Flags { overlay: args.overlay, ..Flags::default() };
    let Config { attachments, hold, overlay, monitor, notifications, housekeeping, .. } =
        Config::load(&home, file, flags)?;
    Ok(DaemonConfig {
        home,
        bind: None,
        advertise: Vec::new(),
        mail: MailConfig::default(),
        attachments,
        hold,
        overlay,
        monitor,
        shows_notifications: notifications,
        disk: DiskReserves::default(),
        housekeeping,
    })
}

fn server_config(home: PathBuf, file: Option<&Path>, args: ServerRunArgs) -> anyhow::Result<DaemonConfig> {
    let ServerRunArgs { bind, advertise, mail_to_file, overlay: OverlayArgs { overlay } } = args;
    let flags = Flags { bind, advertise, mail_folder: mail_to_file, overlay };
    let Config { bind, advertise, mail, attachments, hold, overlay, monitor, disk, housekeeping, .. } =
        Config::load(&home, file, flags)?;
    if housekeeping.is_on() {
        tracing::warn!(
            "a server closes no tickets: what [retention] says of that is for a device of the team's, which signs it"
        );
    }
    let Some(bind) = bind else {
        anyhow::bail!(
            "nobody said where to listen: give `--bind auto:9470`, or set ASSIST_BIND, or `bind` under [server] \
             in {}",
            home.join(assist_daemon::config::FILE_NAME).display()
        );
    };
    Ok(DaemonConfig {
        home,
        bind: Some(bind),
        advertise,
        mail,
        attachments,
        hold,
        overlay,
        monitor,
        // A server's machine is nobody's desk.
        shows_notifications: false,
        disk,
        housekeeping: Housekeeping::default(),
    })
}

fn check_config(home: &Path, file: Option<&Path>) -> anyhow::Result<()> {
    let config = Config::load(home, file, Flags::default())?;
    let Config { bind, advertise, mail, attachments, hold, overlay, monitor, notifications, disk, .. } =
        config;
    let Config { retention, housekeeping, .. } = config;
    let advertise: Vec<String> = advertise.iter().map(ToString::to_string).collect();
    say(&format!(
        "bind\t{}\nadvertise\t{}\nmail_from\t{}\nmail_route\t{}\nmail_digests\t{}\nattachments\tat most {} MiB, unasked {} MiB\nhold\t{}\noverlay\t{}, a node is asked at {}\nmonitor\t{}\nnotifications\t{}\n\
         disk_warn_free\t{}\ndisk_stop_free\t{}\ndelete_attachments_after\t{}\n\
         close_resolved_after\t{}\nclose_pending_after\t{}\n",
        bind.map_or_else(|| "not set: `server run` needs --bind".to_owned(), |bind| bind.to_string()),
        if advertise.is_empty() { "where it listens".to_owned() } else { advertise.join(",") },
        mail.sender,
        mail.route,
        mail.digests.map_or_else(
            || "none".to_owned(),
            |rules| format!(
                "after {} s away, texts {}",
                rules.after_millis / 1_000,
                if rules.has_excerpts { "shown" } else { "not shown" }
            )
        ),
        attachments.bytes_max / MIB,
        attachments.fetch_unasked_bytes_max / MIB,
        hold.map_or_else(|| "as usual".to_owned(), |hold| format!("{} seconds", hold.as_secs())),
        overlay.mode.as_str(),
        overlay.api,
        monitor.map_or_else(|| "nowhere".to_owned(), |at| at.to_string()),
        if notifications { "on a device's desktop" } else { "off" },
        ShownReserve(disk.warn_free),
        ShownReserve(disk.stop_free),
        shown_period(retention.delete_attachments_after_millis),
        shown_period(housekeeping.close_resolved_after_millis),
        shown_period(housekeeping.close_pending_after_millis),
    ))
}

fn shown_period(millis: Option<u64>) -> String {
    millis.map_or_else(|| "never".to_owned(), |millis| format!("{} days", millis / DAY_MILLIS))
}

#[tokio::main]
async fn run_daemon(config: DaemonConfig) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // A limit on the size of files is an error of the write, like a full disk; unheard, it would end the process.
    let _too_large = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    let daemon = Daemon::start(&config)?;
    let info = daemon.info();
    tracing::info!(home = %info.home.display(), device = %info.device, "assistd runs");
    // One line on standard output says that everything is open: a server's address, or, as on a device, the socket of
    // one that still waits for its overlay address.
    match &info.server {
        Some(server) => {
            tracing::info!(project = %server.project.name, listening = server.listening().map(tracing::field::display), "serving");
            match server.address() {
                Some(address) => say(&format!("{address}\n"))?,
                None => {
                    let state = info.overlay.borrow().clone();
                    tracing::warn!(
                        help = state.help(),
                        "nobody can reach this server before its mycelium node is there: {}",
                        state.detail()
                    );
                    say(&format!("{}\n", info.socket.display()))?;
                }
            }
        }
        None => say(&format!("{}\n", info.socket.display()))?,
    }
    let supervised = Supervised::ready(daemon.handle().clone());
    tokio::select! {
        _ = interrupt.recv() => tracing::info!("interrupted"),
        _ = terminate.recv() => tracing::info!("told to terminate"),
        () = daemon.ended() => tracing::info!("told to stop"),
    }
    drop(supervised);
    daemon.stop().await
}

fn init(home: &Path, name: &ProjectName) -> anyhow::Result<()> {
    let (project, root_key) = init_server(home, name)?;
    say(&format!(
        "Project {:?} is ready in {}.\n\
         Its id is {}.\n\n\
         Next:\n\
         1. Take the root key offline: move {} to a medium that you keep apart. The server runs without it;\n\
         \x20  you need it only to move the project to another server key. Whoever has it can become the project.\n\
         2. Serve:   assistd server run --bind auto:9470 --home {}\n\
         3. Invite:  assistd server invite --role agent --home {}\n",
        name.as_str(),
        home.display(),
        project.project,
        root_key.display(),
        home.display(),
        home.display(),
    ))
}

fn compact(home: &Path, file: Option<&Path>) -> anyhow::Result<()> {
    let retention = Config::load(home, file, Flags::default())?.retention;
    if !home.is_dir() {
        anyhow::bail!("there is no server in {}: name its folder with --home", home.display());
    }
    let owned = assist_daemon::home::Home::open(home)?;
    let done = compaction::run(&owned, retention, read_clock())?;
    if owned.was_clean() {
        owned.mark_clean()?;
    }
    say(&format!(
        "attachments_removed\t{}\nattachment_bytes_removed\t{}\nstore_bytes_before\t{}\nstore_bytes_after\t{}\n\
         freed_bytes\t{}\n",
        done.attachments,
        done.attachment_bytes,
        done.store.before,
        done.store.after,
        done.attachment_bytes + (done.store.before - done.store.after),
    ))
}

/// Asks the running server; its store has one owner.
fn invite(home: &Path, role: user::Role, email: Option<String>, name: Option<String>) -> anyhow::Result<()> {
    let mut client = Client::connect(Home::locate(Some(home.to_owned()))?.socket()).with_context(|| {
        format!("the server in {} does not run: start it with `assistd server run`", home.display())
    })?;
    let is_named = name.is_some();
    let invitation = client.call(&server::Invite { role, email, name })?;
    say(&format!(
        "{}\n\nFor one {} on one device, within seven days:\n  {}\n",
        invitation.code,
        match role {
            user::Role::Customer => "customer",
            user::Role::Agent => "agent",
            user::Role::Admin => "admin",
        },
        invitation.join_command(is_named),
    ))
}

fn start_log(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).context("--log")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

fn parse_project_name(text: &str) -> Result<ProjectName, String> {
    ProjectName::parse(text).map_err(|error| error.to_string())
}

fn parse_role(text: &str) -> Result<user::Role, String> {
    text.parse::<assist_crdt_model::Role>().map(user::Role::from).map_err(|error| error.to_string())
}

fn parse_host(text: &str) -> Result<Host, String> {
    text.parse().map_err(|error: AddressError| error.to_string())
}

/// Data goes to standard output; whoever has closed it does not want it.
fn say(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    std::io::stdout().write_all(text.as_bytes()).context("standard output")
}

fn complain(error: &anyhow::Error) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "assistd: {error:#}").ok(); // There is nobody left to tell.
}

/// In which sizes are told.
const MIB: u64 = 1024 * 1024;
/// In which long times are.
const DAY_MILLIS: u64 = 24 * 3_600_000;

/// What an operator has to know and do.
const AFTER_RECOVERY: &str = "Start it: each device gives back what it holds when it connects next.\n\n\
Look to it that this machine's clock is right before anybody connects, and that members and devices that were removed \
are removed again: whoever was certified may come back.\n";
