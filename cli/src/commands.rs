//! What is done for each noun and verb. A file a noun.

mod attachment;
mod canned;
mod comment;
pub(crate) mod completions;
mod daemon;
mod device;
mod draft;
mod export;
mod help;
mod import;
mod label;
mod member;
mod note;
mod open;
mod presence;
mod project;
mod rpc;
mod search;
mod server;
mod sync;
mod ticket;
mod user;
pub(crate) mod verify;
mod view;
mod watch;

use assist_proto::api::project::ColdStart;
use assist_proto::api::sync::{ConnectionState, DeliveryState};
use serde::Serialize;
use serde_json::Value;

use crate::args::Noun;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::Tone;

/// Does what was asked for.
pub(crate) fn run(noun: Noun, invocation: &mut Invocation) -> Result<(), CliError> {
    match noun {
        Noun::Project(verb) => project::run(verb, invocation),
        Noun::Ticket(verb) => ticket::run(verb, invocation),
        Noun::Search(args) => search::run(args, invocation),
        Noun::View(verb) => view::run(verb, invocation),
        Noun::Canned(verb) => canned::run(verb, invocation),
        Noun::Label(verb) => label::run(verb, invocation),
        Noun::Comment(verb) => comment::run(verb, invocation),
        Noun::Note(verb) => note::run(verb, invocation),
        Noun::Attachment(verb) => attachment::run(verb, invocation),
        Noun::Draft(verb) => draft::run(verb, invocation),
        Noun::User(verb) => user::run(verb, invocation),
        Noun::Member(verb) => member::run(verb, invocation),
        Noun::Presence(verb) => presence::run(verb, invocation),
        Noun::Device(verb) => device::run(verb, invocation),
        Noun::Sync(verb) => sync::run(&verb, invocation),
        Noun::Watch(args) => watch::run(args, invocation),
        Noun::Daemon(verb) => daemon::run(&verb, invocation),
        Noun::Server(verb) => server::run(verb, invocation),
        Noun::Open(args) => open::run(args, invocation),
        Noun::Rpc(args) => rpc::run(&args, invocation),
        Noun::Export(args) => export::run(&args, invocation),
        Noun::Import(args) => import::run(&args, invocation),
        Noun::Verify(args) => verify::run(&args, invocation),
        Noun::Completions { shell } => completions::run(shell, invocation),
        Noun::Man { folder } => help::man(&folder, invocation),
        Noun::Help { words } => help::run(&words, invocation),
    }
}

/// Returns the word that the API has for a value.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Returns a number, or nothing.
fn optional(number: Option<u64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// Says in words how far a change has come.
const fn state_words(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::SavedHere => "saved here",
        DeliveryState::OnServer => "on server",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Read => "read",
        DeliveryState::Further => "read and more",
    }
}

const fn connection_tone(state: ConnectionState) -> Tone {
    match state {
        ConnectionState::Online => Tone::Good,
        ConnectionState::Refused => Tone::Bad,
        ConnectionState::Connecting | ConnectionState::Offline | ConnectionState::Paused => Tone::Notable,
        ConnectionState::Unknown => Tone::Plain,
    }
}

fn cold_start_words(progress: ColdStart) -> String {
    format!(
        "first load: {} of {} rows, {} of {} tickets",
        progress.rows_loaded, progress.rows_total, progress.documents_loaded, progress.documents_total
    )
}
