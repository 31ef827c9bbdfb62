//! `assistd server backup`, `restore`, `verify`: through the server if it runs, else on its folder.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use assist_daemon::backup::{self, BackupOptions, Checked};
use assist_daemon::device_key::DeviceKey;
use assist_daemon::driver::read_clock;
use assist_daemon::home::Home;
use assist_daemon::store::Store;
use assist_proto::admission::Event;
use assist_proto::api::server::{Backup, Verify};
use assist_proto::client::{Client, ClientError};
use assist_proto::hub::note_act;
use assist_proto::store::Seq;
use clap::Args;

use crate::say;

/// Arguments of `server backup`.
#[derive(Args)]
pub(crate) struct BackupArgs {
    /// The folder that backups are kept in, best on another disk; made if it is not there.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Leave the keys out. Nobody can then read or restore it who has not got device.key and node.key from elsewhere.
    #[arg(long)]
    without_keys: bool,
    /// Keep so many generations, this one with them, and remove older ones; all unless told.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
    /// The last one, to move the server to another machine: it serves no more here, and goes on there where it ended.
    /// The server must not run.
    #[arg(long)]
    retire: bool,
}

/// Arguments of `server restore`.
#[derive(Args)]
pub(crate) struct RestoreArgs {
    /// The folder of backups, for the newest; or one generation in it. Restored into --home, which must hold no server.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Arguments of `server verify`.
#[derive(Args)]
pub(crate) struct VerifyArgs {
    /// Verify a backup instead: the newest in this folder, or the generation that it is.
    #[arg(long, value_name = "FOLDER")]
    backup: Option<PathBuf>,
}

pub(crate) fn backup(home: &Path, args: &BackupArgs) -> anyhow::Result<()> {
    let folder = std::path::absolute(&args.folder)?;
    if args.without_keys {
        warn("without the keys: keep device.key and node.key apart, or nobody can ever restore it");
    }
    let made = match running(home)? {
        Some(_) if args.retire => bail!("the server runs: stop it first, then make its last backup"),
        Some(mut client) => {
            let folder = folder.display().to_string();
            let made = client.call(&Backup { folder, without_keys: args.without_keys, keep: args.keep })?;
            facts(
                &made.generation,
                made.head,
                made.ticket_count,
                made.blob_count,
                made.new_blob_count,
                made.written_bytes,
            )
        }
        None => {
            let options = BackupOptions {
                has_keys: !args.without_keys,
                is_last: args.retire,
                keep: args.keep.map(|keep| keep as usize),
            };
            let made = at_rest(home, |owned, store| {
                if args.retire {
                    note(owned, store, Event::Retired)?;
                    owned.retire().context("the folder cannot be marked as one that serves no more")?;
                }
                let made = backup::make(home, store, &folder, options, read_clock());
                if made.is_err() && args.retire {
                    owned
                        .unretire()
                        .context("the backup failed, and the folder is marked as retired still")?;
                }
                let made = made?;
                if !args.retire {
                    note(owned, store, Event::BackedUp { head: Seq(made.head) })?;
                }
                Ok(made)
            })?;
            let generation = made.generation.display().to_string();
            facts(&generation, made.head, made.tickets, made.blobs, made.new_blobs, made.written_bytes)
        }
    };
    say(&made)?;
    if args.retire {
        warn("this folder serves no more: restore the backup on the other machine, and start it there");
    }
    Ok(())
}

pub(crate) fn restore(home: &Path, args: &RestoreArgs) -> anyhow::Result<()> {
    let restored = backup::restore(&args.folder, home)?;
    say(&format!(
        "project\t{}\ngeneration\t{}\nhead\t{}\ntickets\t{}\n",
        restored.name,
        restored.generation.display(),
        restored.head,
        restored.tickets
    ))?;
    warn(match restored.is_moved {
        true => {
            "moved: start it with `assistd server run`; devices find it if its address is the same, else tell them"
        }
        false => {
            "restored, with a new log: start it with `assistd server run`. Look over its members and devices: whoever \
             was removed after this backup was made is back"
        }
    });
    Ok(())
}

pub(crate) fn verify(home: &Path, args: &VerifyArgs) -> anyhow::Result<()> {
    let (counts, problems) = match (&args.backup, running(home)?) {
        (Some(folder), _) => words(backup::check_backup(folder)?),
        (None, Some(mut client)) => {
            let verified = client.call(&Verify {})?;
            let counts = [
                verified.place_count,
                verified.change_count,
                verified.document_count,
                verified.blob_count,
                verified.admission_count,
            ];
            let problems = verified.problems.into_iter();
            (counts, problems.map(|it| [it.place, it.what, it.advice]).collect())
        }
        (None, None) => words(at_rest(home, |_, store| Ok(backup::check(home, &store.read()?)?))?),
    };
    let [places, changes, documents, blobs, admissions] = counts;
    say(&format!(
        "places\t{places}\nchanges\t{changes}\ndocuments\t{documents}\nattachments\t{blobs}\nadmissions\t{admissions}\n"
    ))?;
    for [place, what, advice] in &problems {
        say(&format!("problem\t{place}\t{what}\t{advice}\n"))?;
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("something is damaged; what to do stands above"),
        count => bail!("{count} things are damaged; what to do stands above"),
    }
}

/// Writes into the admission log of a server that does not run.
fn note(owned: &Home, store: &Store, event: Event) -> anyhow::Result<()> {
    if !owned.node_key().exists() {
        return Ok(()); // It serves nothing, and is told so in a moment.
    }
    let node_key = DeviceKey::load(&owned.node_key())?;
    let mut turn = store.begin_turn()?;
    note_act(read_clock(), node_key.signing_key(), event, &mut turn)?;
    Ok(turn.commit()?)
}

/// The server of a folder, if it runs.
pub(crate) fn running(home: &Path) -> anyhow::Result<Option<Client>> {
    match Client::connect(assist_proto::client::Home::locate(Some(home.to_owned()))?.socket()) {
        Ok(client) => Ok(Some(client)),
        Err(ClientError::NotRunning { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Works on the store of a folder that no daemon runs in, and leaves it as it was.
pub(crate) fn at_rest<T>(
    home: &Path,
    work: impl FnOnce(&Home, &Store) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if !home.is_dir() {
        bail!("there is no server in {}: name its folder with --home", home.display());
    }
    let owned = Home::open(home)?;
    let store =
        backup::open_store(home).with_context(|| format!("the store in {} does not open", home.display()))?;
    let outcome = work(&owned, &store);
    store.close();
    if owned.was_clean() {
        owned.mark_clean()?;
    }
    outcome
}

fn words(checked: Checked) -> ([u64; 5], Vec<[String; 3]>) {
    let counts = [checked.places, checked.changes, checked.documents, checked.blobs, checked.admissions];
    let problems = checked.problems.into_iter();
    (counts, problems.map(|it| [it.place, it.what, it.advice.to_owned()]).collect())
}

fn facts(
    generation: &str,
    head: u64,
    tickets: u64,
    blobs: u64,
    new_blobs: u64,
    written_bytes: u64,
) -> String {
    format!(
        "generation\t{generation}\nhead\t{head}\ntickets\t{tickets}\nattachments\t{blobs}\nnew_attachments\t{new_blobs}\n\
         written_bytes\t{written_bytes}\n"
    )
}

/// What is not data, for whoever reads along.
fn warn(text: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "assistd: {text}").ok(); // There is nobody left to tell.
}
