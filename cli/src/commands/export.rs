//! `export`: everything that this device may see, in a folder that other programs read. `docs/export.md` is the format.
//!
//! **Invariant:** nothing that is there is written over, and the list of files is written last: an export that has one
//! is whole.

mod csv;
mod fetch;
mod folder;
mod markdown;
mod mbox;
mod ticket;
mod verify;
mod work;

use std::path::Path;

use assist_proto::api::project::{ProjectDetails, ProjectInfo};
use assist_proto::api::ticket::List;
use assist_proto::api::user::Role;
use assist_proto::api::{draft, limits, project, user};
use schemars::JsonSchema;
use serde::Serialize;

use self::folder::Folder;
use self::work::Work;
use super::ticket::check_query;
use crate::args::ExportAllArgs;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Audience, tab_separated};

pub(super) use self::csv::{HEAD as CSV_HEAD, line as csv_line};
pub(super) use self::verify::{is_attachment, is_bundle, read_checked_list, run as verify};

/// What was written.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Exported {
    /// How many projects.
    projects: u64,
    /// How many tickets.
    tickets: u64,
    /// How many files, the list of them not counted.
    files: u64,
    /// How many bytes they have.
    size_bytes: u64,
    /// How many attachments are not on this device.
    missing: u64,
}

/// Writes the export.
pub(crate) fn run(args: &ExportAllArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Exported>()?;
    if let Some(query) = &args.query {
        check_query(query)?;
    }
    let mut folder = Folder::create(&args.folder)?;
    let mut exported = Exported::default();
    let projects = wanted_projects(invocation)?;
    for project in &projects {
        export_project(project, args.query.as_deref(), &mut folder, &mut exported, invocation)?;
    }
    folder.json("drafts.json", &invocation.call(&draft::List::default())?.drafts)?;
    folder.text("README.md", README)?;
    exported.projects = projects.len() as u64;
    let manifest = folder.finish()?;
    exported.files = manifest.files.len() as u64;
    exported.size_bytes = manifest.files.iter().map(|file| file.size_bytes).sum();
    exported.missing = manifest.missing.len() as u64;
    if exported.missing > 0 {
        let (count, name) = (exported.missing, folder::LIST);
        invocation.output.say(&format!(
            "{count} attachments are not on this device: {name} names them, `assist attachment save` fetches them"
        ));
    }
    print(&exported, &args.folder, invocation)
}

fn print(exported: &Exported, folder: &Path, invocation: &mut Invocation) -> Result<(), CliError> {
    let folder = folder.display().to_string();
    invocation.output.document(exported, |exported, audience| match audience {
        Audience::Script => vec![tab_separated(&[
            exported.projects.to_string(),
            exported.tickets.to_string(),
            exported.files.to_string(),
            exported.size_bytes.to_string(),
            exported.missing.to_string(),
        ])],
        Audience::People(_) => vec![
            format!("wrote {} tickets of {} projects to {folder}", exported.tickets, exported.projects),
            format!("`assist verify {folder}` checks every file and every signature, anywhere"),
        ],
    })
}

fn wanted_projects(invocation: &mut Invocation) -> Result<Vec<ProjectDetails>, CliError> {
    let wanted = match invocation.project.clone() {
        Some(project) => vec![project],
        None => invocation.call(&project::List {})?.projects.into_iter().map(|project| project.id).collect(),
    };
    let get = |project| invocation.call(&project::Get { project: Some(project) });
    wanted.into_iter().map(get).collect()
}

fn export_project(
    project: &ProjectDetails,
    query: Option<&str>,
    folder: &mut Folder,
    exported: &mut Exported,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    let ProjectInfo { id, name, role, .. } = &project.info;
    let root = folder.root().clone();
    let place = root.new_folder("", name)?;
    folder.json(&format!("{place}/project.json"), project)?;
    let people = user::List { project: Some(id.clone()) };
    folder.json(&format!("{place}/people.json"), &invocation.call(&people)?.users)?;
    let mut rows = root.create_file(&format!("{place}/tickets.csv"))?;
    let mut mails = root.create_file(&format!("{place}/tickets.mbox"))?;
    rows.text(csv::HEAD)?;
    let list = List {
        project: Some(id.clone()),
        query: query.map(str::to_owned),
        limit: Some(limits::PAGE_ROWS_MAX),
        ..List::default()
    };
    let work = Work { list, is_team: *role != Role::Customer, place, root };
    work.run(invocation.client()?, &mut |done| {
        rows.text(&done.rows)?;
        mails.text(&done.mails)?;
        exported.tickets += done.tickets;
        folder.add(done.written);
        Ok(())
    })?;
    folder.add_file(rows)?;
    folder.add_file(mails)
}

/// What stands in every export, for whoever finds it.
const README: &str = include_str!("export/README.md");

#[cfg(test)]
mod tests;
