//! A ticket in one file, with all that proves who wrote it.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use assist_proto::api::ticket::Export;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::verify::check;
use super::name_of;
use crate::args::ExportArgs;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Audience, neutral, tab_separated};

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
struct Exported {
    /// Which ticket.
    ticket: String,
    /// Of which project.
    project: String,
    /// How many changes the bundle holds.
    changes: u64,
    /// How many bytes it has.
    size_bytes: u64,
    /// Whether it proves every change.
    is_proven: bool,
}

/// Writes the bundle, and checks it as whoever gets it will.
pub(crate) fn run(args: ExportArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Exported>()?;
    let project = invocation.project.clone();
    let packed = invocation.call(&Export { project, ticket: super::reference(args.ticket), notes: false })?;
    let bytes = packed.bundle.as_bytes();
    let verification = check(bytes, &args.bundle)?;
    write(&args.bundle, args.force, bytes)?;
    let exported = Exported {
        ticket: packed.ticket.id.clone(),
        project: packed.ticket.project.clone(),
        changes: verification.changes.len() as u64,
        size_bytes: bytes.len() as u64,
        is_proven: verification.is_proven,
    };
    if !verification.is_proven {
        invocation
            .output
            .say("it holds changes that are not provably their authors': `assist verify` tells which");
    }
    invocation.output.document(&exported, |exported, audience| match audience {
        Audience::Script => vec![tab_separated(&[
            exported.ticket.clone(),
            exported.project.clone(),
            exported.changes.to_string(),
            exported.size_bytes.to_string(),
        ])],
        Audience::People(_) => vec![
            format!(
                "wrote {} with {} changes, signed for the project",
                neutral::line(&name_of(packed.ticket.number, &packed.ticket.short_id)),
                exported.changes
            ),
            format!("  {}", neutral::line(&exported.project)),
            "whoever checks it has to know that id from elsewhere".to_owned(),
        ],
    })
}

/// Only its owner may read it: who else may is theirs to say.
fn write(path: &Path, is_forced: bool, bytes: &[u8]) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if is_forced {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            CliError::message(ErrorKind::Usage, format!("{} is there already", path.display()))
                .hint("`--force` writes over it")
        }
        _ => CliError::new(
            ErrorKind::Failed,
            anyhow::Error::new(error).context(format!("cannot write {}", path.display())),
        ),
    })
}
