//! `assistd service`: has systemd start the daemon by itself, and keep it running.
//!
//! A person's daemon is a unit of their own session; a project's server is one of the machine, run by whoever owns
//! the server's folder. Nothing but the unit's file is written, and data is never touched.

mod unit;

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use etcetera::BaseStrategy as _;

use crate::say;
use unit::{Kind, Unit};

#[derive(Subcommand)]
pub(crate) enum ServiceCommand {
    /// Start it now and from now on: a person's daemon whenever they log in, a server with its machine.
    Install(ServiceArgs),
    /// Print the unit that `install` writes.
    Print(ServiceArgs),
    /// Stop it, and start it no more. What it holds stays.
    Remove(ServiceArgs),
}

#[derive(Args)]
pub(crate) struct ServiceArgs {
    /// The server of the project in this folder, for the whole machine: needs root.
    #[arg(long)]
    server: bool,
    /// What the unit is called, where one machine has several.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    unit: Option<String>,
}

impl ServiceArgs {
    fn file_name(&self) -> String {
        let usual = if self.server { "assistd-server" } else { "assistd" };
        format!("{}.service", self.unit.as_deref().unwrap_or(usual))
    }

    fn path(&self) -> anyhow::Result<PathBuf> {
        let folder = if self.server {
            PathBuf::from(SYSTEM_UNITS)
        } else {
            let strategy = etcetera::choose_base_strategy().context("cannot tell where your settings are")?;
            strategy.config_dir().join("systemd/user")
        };
        Ok(folder.join(self.file_name()))
    }

    /// `systemctl` for this unit.
    fn systemctl(&self) -> Command {
        let mut command = Command::new(SYSTEMCTL);
        if !self.server {
            command.arg("--user");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

pub(crate) fn run(command: &ServiceCommand, home: &Path) -> anyhow::Result<()> {
    match command {
        ServiceCommand::Print(args) => say(&unit_text(args, home)?),
        ServiceCommand::Install(args) => install(args, home),
        ServiceCommand::Remove(args) => remove(args),
    }
}

fn unit_text(args: &ServiceArgs, home: &Path) -> anyhow::Result<String> {
    let program = env::current_exe().context("cannot tell where this program is")?;
    let kind = if args.server { Kind::Server { user: server_user(home)? } } else { Kind::Device };
    Ok(Unit { program: &program, home, kind }.text()?)
}

/// Whoever made the server's folder runs it, and nobody else could read it.
fn server_user(home: &Path) -> anyhow::Result<String> {
    let owner = fs::metadata(home).with_context(|| {
        let home = home.display();
        format!(
            "no server is in {home}: make one first with `assistd server init --name <project> --home {home}`"
        )
    })?;
    let uid = owner.uid();
    if uid == 0 {
        anyhow::bail!(
            "{home} belongs to root, and a server is to have no rights that it does not need: make a user for it \
             (`useradd --system --home-dir {home} assist`) and give it the folder (`chown -R assist: {home}`)",
            home = home.display()
        );
    }
    Ok(uid.to_string())
}

fn install(args: &ServiceArgs, home: &Path) -> anyhow::Result<()> {
    let (text, path) = (unit_text(args, home)?, args.path()?);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let wrote =
        DirBuilder::new().recursive(true).mode(0o755).create(folder).and_then(|()| fs::write(&path, text));
    wrote
        .map_err(|error| explained(error, args))
        .with_context(|| format!("cannot write {}", path.display()))?;
    let name = args.file_name();
    tell_systemd(args, &["daemon-reload"])?;
    tell_systemd(args, &["enable", "--now", &name])?;
    let (user, scope) = if args.server { ("", "") } else { (" --user", " --user") };
    say(&format!(
        "{name} runs, and starts by itself from now on.\n\
         How it is:   systemctl{user} status {name}\n\
         What it says: journalctl{scope} -u {name}\n"
    ))
}

fn remove(args: &ServiceArgs) -> anyhow::Result<()> {
    let (name, path) = (args.file_name(), args.path()?);
    if !path.exists() {
        anyhow::bail!("there is no {}: nothing is to be removed", path.display());
    }
    tell_systemd(args, &["disable", "--now", &name])?;
    let removed = fs::remove_file(&path).map_err(|error| explained(error, args));
    removed.with_context(|| format!("cannot remove {}", path.display()))?;
    tell_systemd(args, &["daemon-reload"])?;
    say(&format!("{name} is stopped and gone. What it holds is where it was.\n"))
}

fn tell_systemd(args: &ServiceArgs, words: &[&str]) -> anyhow::Result<()> {
    let mut command = args.systemctl();
    let outcome = command.args(words).output();
    let advice = || {
        let scope = if args.server { "" } else { "--user " };
        let words = words.join(" ");
        format!("the unit is {}; what systemd was to do: systemctl {scope}{words}", args.file_name())
    };
    let output =
        outcome.context("systemctl cannot be run: is this a machine with systemd?").with_context(advice)?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(anyhow::anyhow!("systemctl: {}", complaint.trim())).with_context(advice);
    }
    Ok(())
}

fn explained(error: io::Error, args: &ServiceArgs) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::PermissionDenied if args.server => {
            anyhow::Error::new(error).context("a server's unit is the machine's: run it as root")
        }
        _ => error.into(),
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    if text.is_empty() || text.len() > NAME_MAX || !text.chars().all(is_plain) {
        return Err(format!("is to be 1 to {NAME_MAX} letters, digits, - or _"));
    }
    Ok(text.to_owned())
}

const SYSTEMCTL: &str = "systemctl";
/// Where the administrator's units are (systemd.unit(5)).
const SYSTEM_UNITS: &str = "/etc/systemd/system";
/// Of a unit's name without its end: systemd allows 255 in all.
const NAME_MAX: usize = 64;
