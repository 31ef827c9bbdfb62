//! `export`: everything that this device may see, in a folder that other programs read. `docs/export.md` is the format.
//!
//! **Invariant:** nothing that is there is written over, and the list of files is written last: an export that has one
//! is whole.

mod csv;
mod folder;
mod markdown;
mod mbox;
mod verify;

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use assist_proto::api::attachment::{self, AttachmentState, BlobState};
use assist_proto::api::comment::Comment;
use assist_proto::api::project::{ProjectDetails, ProjectInfo};
use assist_proto::api::ticket::{Export, Get, History, HistoryChange, List, Ticket, TicketRow};
use assist_proto::api::user::Role;
use assist_proto::api::{draft, limits, project, user};
use assist_proto::blob::{file_name, numbered};
use assist_proto::bundle::Bundle;
use assist_proto::client::{Client, Home};
use assist_proto::manifest::MissingFile;
use schemars::JsonSchema;
use serde::Serialize;

use self::folder::{Folder, NewFile};
use super::attachment::saving_error;
use super::note::all_notes;
use super::ticket::check_query;
use crate::args::ExportAllArgs;
use crate::error::{CliError, ErrorKind};
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
    let place = folder.new_folder("", name)?;
    folder.json(&format!("{place}/project.json"), project)?;
    let people = user::List { project: Some(id.clone()) };
    folder.json(&format!("{place}/people.json"), &invocation.call(&people)?.users)?;
    let mut rows = folder.create_file(&format!("{place}/tickets.csv"))?;
    let mut mails = folder.create_file(&format!("{place}/tickets.mbox"))?;
    rows.text(csv::HEAD)?;
    let mut page = List {
        project: Some(id.clone()),
        query: query.map(str::to_owned),
        limit: Some(limits::PAGE_ROWS_MAX),
        ..List::default()
    };
    loop {
        let found = invocation.call(&page)?;
        let home = invocation.home.clone();
        fetch_all(&found.tickets, *role != Role::Customer, &home, &mut |row, fetched| {
            rows.text(&csv::line(row))?;
            exported.tickets += 1;
            write_ticket(&place, row, &fetched, &mut mails, folder, invocation.client()?)
        })?;
        page.cursor = found.next_cursor;
        if page.cursor.is_none() {
            break;
        }
    }
    folder.close(rows)?;
    folder.close(mails)
}

/// What a ticket is written from.
struct Fetched {
    ticket: Ticket,
    notes: Vec<Comment>,
    history: Vec<HistoryChange>,
    attachments: Vec<AttachmentState>,
    /// The changes with what proves them, of a ticket whose text is here.
    bundle: Option<String>,
    /// The same of its notes, if there are any.
    notes_bundle: Option<String>,
}

/// Fetches tickets over several connections at once, and hands them over in their order.
fn fetch_all(
    rows: &[TicketRow],
    is_team: bool,
    home: &Home,
    take: &mut dyn FnMut(&TicketRow, Fetched) -> Result<(), CliError>,
) -> Result<(), CliError> {
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES.min(rows.len()))
            .map(|lane| {
                let (sender, fetched) = sync_channel(FETCHED_AHEAD);
                scope.spawn(move || {
                    let mut client = Client::connect(home.socket()).map_err(CliError::from);
                    for row in rows.iter().skip(lane).step_by(LANES) {
                        let outcome = match &mut client {
                            Ok(client) => fetch(client, row, is_team),
                            Err(_) => break,
                        };
                        if sender.send(outcome).is_err() {
                            return; // Nobody goes on: something could not be written.
                        }
                    }
                    if let Err(error) = client {
                        sender.send(Err(error)).ok(); // Likewise.
                    }
                });
                fetched
            })
            .collect();
        for (index, row) in rows.iter().enumerate() {
            let fetched =
                lanes[index % LANES].recv().expect("each lane answers for each of its rows or fails");
            take(row, fetched?)?;
        }
        Ok(())
    })
}

fn fetch(client: &mut Client, row: &TicketRow, is_team: bool) -> Result<Fetched, CliError> {
    let (project, ticket) = (Some(row.project.clone()), row.id.clone());
    let get = Get { project: project.clone(), ticket: ticket.clone(), ..Get::default() };
    let shown = client.call(&get)?;
    let notes = if is_team { all_notes(Some(&row.project), &row.id, client)? } else { Vec::new() };
    let list = attachment::List { project: project.clone(), ticket: ticket.clone() };
    let mut bundle = |notes| -> Result<String, CliError> {
        let export = Export { project: project.clone(), ticket: ticket.clone(), notes };
        Ok(client.call(&export)?.bundle)
    };
    Ok(Fetched {
        bundle: if shown.row.is_loaded { Some(bundle(false)?) } else { None },
        notes_bundle: if notes.is_empty() { None } else { Some(bundle(true)?) },
        ticket: shown,
        notes,
        history: history(row, client)?,
        attachments: client.call(&list)?.attachments,
    })
}

/// A ticket in a folder of its own, under its number, or the beginning of its id while it has none.
fn write_ticket(
    place: &str,
    row: &TicketRow,
    fetched: &Fetched,
    mails: &mut NewFile,
    folder: &mut Folder,
    client: &mut Client,
) -> Result<(), CliError> {
    let Fetched { ticket, notes, .. } = fetched;
    let name = row.number.map_or_else(|| row.short_id.clone(), |number| number.to_string());
    let place = folder.new_folder(place, &name)?;
    let at = |name: &str| format!("{place}/{name}");
    folder.json(&at("ticket.json"), ticket)?;
    folder.json(&at("history.json"), &fetched.history)?;
    let saved = save_attachments(&place, &fetched.attachments, folder, client)?;
    folder.text(&at("ticket.md"), &markdown::ticket(ticket, &saved))?;
    mails.text(&mbox::ticket(ticket))?;
    if let Some(bundle) = &fetched.bundle {
        raw(&at("ticket"), bundle, folder)?;
    }
    if !notes.is_empty() {
        folder.json(&at("notes.json"), notes)?;
        folder.text(&at("notes.md"), &markdown::notes(ticket, notes, &saved))?;
    }
    if let Some(bundle) = &fetched.notes_bundle {
        raw(&at("notes"), bundle, folder)?;
    }
    Ok(())
}

/// The changes with what proves them, and the same as a plain Automerge document.
fn raw(stem: &str, bundle: &str, folder: &mut Folder) -> Result<(), CliError> {
    folder.text(&format!("{stem}.bundle"), bundle)?;
    let bundle = Bundle::read(bundle.as_bytes()).map_err(|error| {
        let error = anyhow::Error::new(error).context("the daemon gave a bundle that is none");
        CliError::new(ErrorKind::Failed, error)
    })?;
    let changes = bundle.evidence.claims.iter().map(|claim| claim.envelope.change.as_slice());
    folder.bytes(&format!("{stem}.automerge"), &changes.collect::<Vec<_>>().concat())
}

fn history(row: &TicketRow, client: &mut Client) -> Result<Vec<HistoryChange>, CliError> {
    let mut all = Vec::new();
    loop {
        let page = History {
            project: Some(row.project.clone()),
            ticket: row.id.clone(),
            offset: all.len() as u64,
            limit: Some(limits::PAGE_ROWS_MAX),
        };
        let page = client.call(&page)?;
        let is_last = page.changes.is_empty() || (all.len() + page.changes.len()) as u64 >= page.total;
        all.extend(page.changes);
        if is_last {
            return Ok(all);
        }
    }
}

/// An attachment and where it stands in the ticket's folder.
struct Saved {
    /// The comment or note that names it.
    comment: String,
    name: String,
    path: String,
    size_bytes: u64,
    is_here: bool,
}

/// Saves those whose bytes are on this device. Their names are labels: two of one name both find a place.
fn save_attachments(
    place: &str,
    attachments: &[AttachmentState],
    folder: &mut Folder,
    client: &mut Client,
) -> Result<Vec<Saved>, CliError> {
    let mut saved: Vec<Saved> = Vec::new();
    for attachment in attachments {
        let name = file_name(&attachment.name);
        let is_taken = |path: &str| saved.iter().any(|it| it.path.eq_ignore_ascii_case(path));
        let paths = std::iter::once(name.clone()).chain((2..).map(|count| numbered(&name, count)));
        let path = paths.map(|name| format!("attachments/{name}")).find(|path| !is_taken(path));
        let path = path.expect("numbers do not end");
        let is_here = attachment.state == BlobState::Here;
        let whole = format!("{place}/{path}");
        if is_here {
            let mut file = folder.create_file(&whole)?;
            client.get_blob(&attachment.blob, &mut file).map_err(saving_error)?;
            folder.close(file)?;
        } else {
            let (size_bytes, blob) = (attachment.size_bytes, attachment.blob.clone());
            folder.miss(MissingFile { path: whole, size_bytes, blob });
        }
        saved.push(Saved {
            comment: attachment.comment.clone(),
            name: attachment.name.clone(),
            path,
            size_bytes: attachment.size_bytes,
            is_here,
        });
    }
    Ok(saved)
}

/// What stands in every export, for whoever finds it.
const README: &str = include_str!("export/README.md");
/// So many tickets are fetched at once: while one waits for its answer, others are worked on.
const LANES: usize = 4;
/// So many of each lane may wait to be written.
const FETCHED_AHEAD: usize = 4;
