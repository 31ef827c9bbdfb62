//! The local API: typed methods between a front end and its daemon.
//!
//! Each method is the struct of its parameters: `client.call(&ticket::Get { .. })` knows its result.
//! The table [`for_each_method!`](crate::for_each_method) is the one list of them all: from it come the
//! [`Method`] impls, the daemon's dispatch, the OpenRPC document and the command line's `rpc`.
//!
//! The types stand for themselves: ids are texts, times are milliseconds (`*_at_millis`), choices are
//! snake_case words. **Invariant:** no type of the model is part of the API, so the model can move freely.
//! **Invariant:** parameters refuse fields they do not know; results may gain fields in any version.
//!
//! No IO here: the socket's two ends are `crate::client` (a feature) and the daemon's `api_server`.

pub mod attachment;
pub mod canned;
pub mod comment;
pub mod daemon;
pub mod device;
pub mod draft;
pub mod error;
pub mod events;
pub mod label;
pub mod limits;
pub mod link;
pub mod member;
pub mod note;
pub mod openrpc;
pub mod presence;
pub mod project;
pub mod rpc;
pub mod search;
pub mod server;
pub mod sync;
pub mod ticket;
pub mod user;
pub mod view;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use error::{ApiError, ErrorCode, ErrorData};

/// The version of the API, as the OpenRPC document and `daemon.status` report it. Additions raise the minor
/// number; anything that could break a client raises the major one.
pub const API_VERSION: &str = "1.0.0";

/// A method of the local API: a struct of named parameters that knows its name and its result.
pub trait Method: Serialize + DeserializeOwned + JsonSchema + Send + 'static {
    /// As sent: `noun.verb`, without underscores.
    const NAME: &'static str;
    /// One sentence on what it does.
    const SUMMARY: &'static str;
    /// Whether it leaves everything as it was.
    const READ_ONLY: bool;
    /// What it answers.
    type Result: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
}

/// What is known of a method without its types: a row of [`METHODS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodInfo {
    /// As sent.
    pub name: &'static str,
    /// One sentence on what it does.
    pub summary: &'static str,
    /// Whether it leaves everything as it was.
    pub is_read_only: bool,
}

/// The answer of a method that has nothing to tell but that it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

/// Calls the macro `$with` with the table of all methods. A row is
/// `"name" read|write Params => Result: "summary";`.
#[macro_export]
macro_rules! for_each_method {
    ($with:ident) => {
        $with! {
            "attachment.fetch" write $crate::api::attachment::Fetch => $crate::api::Done:
                "Has an attachment's bytes brought to this device, as soon as that can be.";
            "attachment.list" read $crate::api::attachment::List => $crate::api::attachment::Attachments:
                "Lists the attachments of a ticket, and where the bytes of each are.";
            "attachment.thumbnail" read $crate::api::attachment::GetThumbnail => $crate::api::attachment::Thumbnail:
                "Makes a small picture of a PNG, JPEG, WebP or GIF that is on this device.";
            "canned.list" read $crate::api::canned::List => $crate::api::canned::CannedReplies:
                "Lists the texts that a project keeps for common answers.";
            "canned.preview" read $crate::api::canned::Preview => $crate::api::canned::Previewed:
                "Fills a canned reply in for a ticket, and writes nothing.";
            "canned.remove" write $crate::api::canned::Remove => $crate::api::Done:
                "Drops a canned reply (admins).";
            "canned.set" write $crate::api::canned::Set => $crate::api::Done:
                "Stores a canned reply under its name (admins).";
            "comment.add" write $crate::api::comment::Add => $crate::api::comment::CommentWritten:
                "Writes a comment under a ticket.";
            "comment.delete" write $crate::api::comment::Delete => $crate::api::comment::CommentWritten:
                "Strikes one's own comment; a tombstone keeps its place.";
            "comment.edit" write $crate::api::comment::Edit => $crate::api::comment::CommentWritten:
                "Rewrites one's own comment; it is then marked as edited.";
            "comment.undo" write $crate::api::comment::Undo => $crate::api::comment::Undone:
                "Takes back a comment or note that has not left this device; its text is kept as a draft.";
            "daemon.status" read $crate::api::daemon::GetStatus => $crate::api::daemon::DaemonStatus:
                "Reports which daemon this is and how it fares.";
            "daemon.stop" write $crate::api::daemon::Stop => $crate::api::Done:
                "Stops the daemon cleanly; the answer comes before it goes.";
            "device.approve" write $crate::api::device::Approve => $crate::api::Done:
                "Lets a device in that waits for it: one's own, or as an admin anybody's.";
            "device.list" read $crate::api::device::List => $crate::api::device::DevicePage:
                "Lists devices as the server has them: one's own, or as an admin anybody's.";
            "device.reject" write $crate::api::device::Reject => $crate::api::Done:
                "Turns a device away that waits to be let in.";
            "device.rename" write $crate::api::device::Rename => $crate::api::Done:
                "Calls a device of one's own something else.";
            "device.revoke" write $crate::api::device::Revoke => $crate::api::Done:
                "Shuts a device out for good: one's own, or as an admin anybody's.";
            "draft.discard" write $crate::api::draft::Discard => $crate::api::Done:
                "Throws a draft away for good.";
            "draft.get" read $crate::api::draft::Get => $crate::api::draft::Draft:
                "Shows one draft with its full texts.";
            "draft.list" read $crate::api::draft::List => $crate::api::draft::Drafts:
                "Lists one's own edits that were refused, each with the reason.";
            "draft.retry" write $crate::api::draft::Retry => $crate::api::ticket::TicketWritten:
                "Makes the edits of a draft again, as new ones.";
            "label.list" read $crate::api::label::List => $crate::api::label::Labels:
                "Lists the labels that a project offers.";
            "label.remove" write $crate::api::label::Remove => $crate::api::Done:
                "Drops a label from what a project offers; tickets keep it (admins).";
            "label.set" write $crate::api::label::Set => $crate::api::Done:
                "Offers a label, or describes it anew (admins).";
            "link.open" write $crate::api::link::Open => $crate::api::link::Opened:
                "Says what a link leads to; the one in a mail confirms the device that had it sent.";
            "member.edit" write $crate::api::member::Edit => $crate::api::Done:
                "Changes what a member may do (admins).";
            "member.invitations" read $crate::api::member::ListInvitations => $crate::api::member::Invitations:
                "Lists the invitations that nobody has used yet (admins).";
            "member.invite" write $crate::api::member::Invite => $crate::api::server::Invitation:
                "Makes a one-time code that enrols one device of one person (admins).";
            "member.list" read $crate::api::member::List => $crate::api::member::RosterPage:
                "Lists who is in a project, as the server has it (the team).";
            "member.remove" write $crate::api::member::Remove => $crate::api::Done:
                "Takes a member out of the project, with all their devices (admins).";
            "member.uninvite" write $crate::api::member::Uninvite => $crate::api::Done:
                "Takes back the open invitations of an email address (admins).";
            "note.add" write $crate::api::note::Add => $crate::api::note::NoteWritten:
                "Writes a note that only the team sees.";
            "note.delete" write $crate::api::note::Delete => $crate::api::note::NoteWritten:
                "Strikes one's own note; a tombstone keeps its place.";
            "note.edit" write $crate::api::note::Edit => $crate::api::note::NoteWritten:
                "Rewrites one's own note; it is then marked as edited.";
            "note.list" read $crate::api::note::List => $crate::api::note::Notes:
                "Lists the notes of a ticket, oldest first.";
            "presence.list" read $crate::api::presence::List => $crate::api::presence::PresenceList:
                "Lists who else is there, looks at which ticket, and writes just now.";
            "presence.set" write $crate::api::presence::Set => $crate::api::Done:
                "Says for some seconds what the user does, or until further notice a line of theirs.";
            "project.confirm" write $crate::api::project::Confirm => $crate::api::project::Confirmed:
                "Enrols this device with a mailed code, or once it was let in.";
            "project.get" read $crate::api::project::Get => $crate::api::project::ProjectDetails:
                "Shows a project with its label catalogue and canned replies.";
            "project.join" write $crate::api::project::Join => $crate::api::project::ProjectInfo:
                "Enrols this device at a project's server; answers once enrolled or refused.";
            "project.leave" write $crate::api::project::Leave => $crate::api::Done:
                "Removes a project and its tickets from this device.";
            "project.list" read $crate::api::project::List => $crate::api::project::Projects:
                "Lists the projects that this device has joined.";
            "project.pending" read $crate::api::project::ListPending => $crate::api::project::PendingJoins:
                "Lists the projects that this device has asked to join by email.";
            "project.relocate" write $crate::api::project::Relocate => $crate::api::project::ProjectInfo:
                "Tells where the server of a joined project is now; the addresses known before are tried after it.";
            "project.request" write $crate::api::project::Request => $crate::api::project::PendingJoin:
                "Has a code mailed with which this device joins a project.";
            "rpc.discover" read $crate::api::rpc::Discover => $crate::api::rpc::OpenRpcDocument:
                "Returns the OpenRPC document of this API.";
            "search.query" read $crate::api::search::Query => $crate::api::search::Results:
                "Finds tickets by what was written in them, the best first.";
            "server.backup" write $crate::api::server::Backup => $crate::api::server::BackupMade:
                "Makes a backup of this server while it runs, and reads it back.";
            "server.invite" write $crate::api::server::Invite => $crate::api::server::Invitation:
                "Makes a one-time code that enrols one device of one person.";
            "server.log" read $crate::api::server::log::GetLog => $crate::api::server::log::LogPage:
                "Lists what this server decided: verdicts on changes, and who was let in, shut out or given a role.";
            "server.mail" write $crate::api::server::Mail => $crate::api::server::MailTried:
                "Sends a trial mail, and answers how the first attempt went.";
            "server.members" read $crate::api::server::Members => $crate::api::server::MemberList:
                "Lists the roster: members with their devices.";
            "server.stats" read $crate::api::server::GetStats => $crate::api::server::ServerStats:
                "Reports how this server fares, in figures.";
            "server.status" read $crate::api::server::GetStatus => $crate::api::server::ServerStatus:
                "Reports how the server role fares.";
            "server.verify" read $crate::api::server::Verify => $crate::api::server::Verified:
                "Reads everything that this server keeps, and proves what can be proven of it.";
            "server.verifylog" read $crate::api::server::log::VerifyLog => $crate::api::server::log::LogVerified:
                "Reads this server's whole admission log, and says whether it is what was written.";
            "sync.pause" write $crate::api::sync::Pause => $crate::api::sync::SyncStatus:
                "Works offline from now on: closes the connections and opens none.";
            "sync.resume" write $crate::api::sync::Resume => $crate::api::sync::SyncStatus:
                "Ends a pause: connects again at once.";
            "sync.status" read $crate::api::sync::GetStatus => $crate::api::sync::SyncStatus:
                "Reports for each project how far this device and its server agree.";
            "sync.wait" read $crate::api::sync::Wait => $crate::api::sync::Reached:
                "Answers once one's own changes have come as far as asked.";
            "ticket.bulk" write $crate::api::ticket::Bulk => $crate::api::ticket::BulkDone:
                "Changes many tickets in the same way: those named, or those that a query finds.";
            "ticket.claim" write $crate::api::ticket::Claim => $crate::api::ticket::TicketWritten:
                "Takes a ticket on that nobody works on (the team).";
            "ticket.collect" read $crate::api::ticket::Collect => $crate::api::ticket::CollectedTickets:
                "Shows several tickets with all that is kept of each: text, notes, history, attachments, and what proves them.";
            "ticket.create" write $crate::api::ticket::Create => $crate::api::ticket::TicketWritten:
                "Files a ticket; it is durable on this device when the answer comes.";
            "ticket.edit" write $crate::api::ticket::Edit => $crate::api::ticket::TicketWritten:
                "Changes fields and labels of a ticket, all in one change.";
            "ticket.export" read $crate::api::ticket::Export => $crate::api::ticket::TicketBundle:
                "Packs a ticket with all that proves who wrote it, as the text of one file.";
            "ticket.follow" write $crate::api::ticket::SetFollow => $crate::api::Done:
                "Says whether the user follows a ticket or wants to hear nothing of it, on all their devices.";
            "ticket.get" read $crate::api::ticket::Get => $crate::api::ticket::Ticket:
                "Shows one ticket whole: body, comments, conflicts.";
            "ticket.groups" read $crate::api::ticket::Groups => $crate::api::ticket::TicketGroups:
                "Counts the tickets of a list by what they have in common: status, assignee, label, project.";
            "ticket.history" read $crate::api::ticket::History => $crate::api::ticket::TicketHistory:
                "Lists who changed what of a ticket, oldest first.";
            "ticket.import" write $crate::api::ticket::Import => $crate::api::ticket::TicketImported:
                "Takes in what a bundle has and this device has not: for what a server and its members lost.";
            "ticket.link" write $crate::api::ticket::Link => $crate::api::ticket::TicketWritten:
                "Says that two tickets have to do with each other (the team).";
            "ticket.list" read $crate::api::ticket::List => $crate::api::ticket::TicketPage:
                "Lists tickets: filtered, sorted, one window at a time.";
            "ticket.members" read $crate::api::ticket::ListMembers => $crate::api::ticket::TicketMembers:
                "Lists who sees a ticket beside the team, as its server has it.";
            "ticket.merge" write $crate::api::ticket::Merge => $crate::api::ticket::TicketWritten:
                "Closes a duplicate and says in which ticket it goes on (the team).";
            "ticket.read" write $crate::api::ticket::MarkRead => $crate::api::Done:
                "Remembers that a ticket was shown to the user, and tells its server when it can.";
            "ticket.resolve" read $crate::api::ticket::Resolve => $crate::api::ticket::TicketRef:
                "Finds the one ticket that a reference means.";
            "ticket.share" write $crate::api::ticket::Share => $crate::api::Done:
                "Lets somebody see a ticket, with all that was written in it (the team, the requester).";
            "ticket.undo" write $crate::api::ticket::Undo => $crate::api::ticket::TicketWritten:
                "Takes a change back: what it wrote is as it was before, unless somebody has gone on from it.";
            "ticket.unlink" write $crate::api::ticket::Unlink => $crate::api::ticket::TicketWritten:
                "Takes back that two tickets have to do with each other (the team).";
            "ticket.unmerge" write $crate::api::ticket::Unmerge => $crate::api::ticket::TicketWritten:
                "Undoes a merge: the ticket is as it was before, with what was written since (the team).";
            "ticket.unshare" write $crate::api::ticket::Unshare => $crate::api::Done:
                "Takes a ticket from somebody's list (the team, the requester; anybody their own).";
            "ticket.verify" read $crate::api::ticket::Verify => $crate::api::ticket::Verification:
                "Checks who wrote each change of a ticket: signatures, certificates, roles.";
            "user.configure" write $crate::api::user::Configure => $crate::api::user::UserSettings:
                "Changes what this device tells of its user.";
            "user.list" read $crate::api::user::List => $crate::api::user::Users:
                "Lists the members of a project that this device knows.";
            "user.rename" write $crate::api::user::Rename => $crate::api::Done:
                "Changes what others call the user of this device.";
            "user.settings" read $crate::api::user::GetSettings => $crate::api::user::UserSettings:
                "Shows what this device tells of its user.";
            "view.get" read $crate::api::view::Get => $crate::api::view::View:
                "Shows a saved view.";
            "view.list" read $crate::api::view::List => $crate::api::view::Views:
                "Lists the views that the user has saved.";
            "view.remove" write $crate::api::view::Remove => $crate::api::Done:
                "Removes a saved view from all the user's devices.";
            "view.save" write $crate::api::view::Save => $crate::api::Done:
                "Saves a query under a name, on all the user's devices and for nobody else.";
        }
    };
}

macro_rules! is_read_only {
    (read) => {
        true
    };
    (write) => {
        false
    };
}

macro_rules! implement_methods {
    ($($name:literal $access:ident $params:ty => $result:ty: $summary:literal;)+) => {
        $(impl Method for $params {
            const NAME: &'static str = $name;
            const SUMMARY: &'static str = $summary;
            const READ_ONLY: bool = is_read_only!($access);
            type Result = $result;
        })+

        /// All methods, by name.
        pub const METHODS: &[MethodInfo] = &[$(MethodInfo {
            name: $name,
            summary: $summary,
            is_read_only: is_read_only!($access),
        }),+];
    };
}

for_each_method!(implement_methods);

#[cfg(test)]
mod tests;
