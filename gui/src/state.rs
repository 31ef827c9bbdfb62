//! All that the client knows and shows, as plain data. Changed by [`crate::update`] alone, drawn by [`crate::views`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use assist_proto::api::attachment::{AttachmentState, BlobState};
use assist_proto::api::comment::Comment;
use assist_proto::api::draft::Draft;
use assist_proto::api::presence::PresentPerson;
use assist_proto::api::project::{PendingJoin, ProjectDetails, ProjectInfo};
use assist_proto::api::sync::{ConnectionState, ProjectSync};
use assist_proto::api::ticket::{HistoryChange, List, Sort, Ticket, TicketRow};
use assist_proto::api::user::{Role, User};
use assist_proto::api::view::View as SavedView;
use assist_proto::neutral;
use serde::{Deserialize, Serialize};

use crate::files::{NewFile, NewFileState, Slot, UnsentFile, is_picture};
use crate::host::HostFeed;
use crate::limits;
use crate::link::Shown;
use crate::manage::Manage;
use crate::memory::{Looks, Memory};
use crate::route::{Route, TicketKey, View};

/// Everything.
#[derive(Debug)]
pub struct State {
    /// Whether there is a daemon to talk to.
    pub daemon: DaemonState,
    /// Where the window stands.
    pub route: Route,
    /// Where it stood before, the latest last.
    pub back: Vec<Route>,
    /// Where it stood before going back, the latest last.
    pub forward: Vec<Route>,
    /// The joined projects, by name; nothing before the daemon told.
    pub projects: Option<Vec<ProjectInfo>>,
    /// Those that this device has asked to join.
    pub pending: Vec<PendingJoin>,
    /// How each project stands with its server.
    pub syncs: Vec<ProjectSync>,
    /// Queries that the user saved under a name.
    pub saved_views: Vec<SavedView>,
    /// Projects whose server was out of reach when last tried: trying again is no news.
    pub(crate) offline: BTreeSet<String>,
    /// Members and catalogues, by the project's id.
    pub people: BTreeMap<String, People>,
    /// What was refused, oldest first.
    pub drafts: Vec<Draft>,
    /// The list of tickets.
    pub inbox: Inbox,
    /// The ticket that is shown.
    pub open: Option<OpenTicket>,
    /// The form that files a ticket.
    pub new_ticket: NewTicket,
    /// The form that joins a project.
    pub join: JoinForm,
    /// A project that is about to be left, until it is confirmed.
    pub leaving: Option<Leaving>,
    /// The project whose server's new address is asked for.
    pub relocating: Option<Relocating>,
    /// The project that is being managed.
    pub manage: Option<Manage>,
    /// What was written and not sent, by ticket.
    pub composers: BTreeMap<TicketKey, Composer>,
    /// What happened, for a moment.
    pub toasts: Vec<Toast>,
    /// What is to be asked of the daemon again.
    pub stale: Stale,
    /// How it looks.
    pub looks: Looks,
    /// How large the window is, where there is one.
    pub window_size: Option<[f32; 2]>,
    /// Where it is, where the system says that.
    pub window_place: Option<[f32; 2]>,
    /// What somebody types to do something by its name, while that is open.
    pub palette: Option<Palette>,
    /// Whether the page of shortcuts is open.
    pub are_shortcuts_open: bool,
    /// A picture that is shown large, over everything.
    pub large: Option<LargePicture>,
    /// Where files are saved.
    pub downloads: PathBuf,
    /// Whether there is a dialog to choose files in.
    pub has_picker: bool,
    /// Whether the details of the connections are shown.
    pub are_connections_open: bool,
    /// Whether the window has the keyboard: else nobody looks.
    pub is_focused: bool,
    /// Whether the first empty field of a form is to have the keyboard: it has just come.
    pub(crate) wants_focus: bool,
    /// Whether the person has just typed under the ticket.
    pub(crate) has_typed: bool,
    /// What others were last told that is shown.
    pub(crate) told: Option<Option<Shown>>,
    /// The one project that is shown, where a host wants no other.
    pub scope: Option<Scope>,
    /// What the host is told.
    pub(crate) host: HostFeed,
    /// A link that is opened as soon as the daemon answers.
    pub(crate) link: Option<String>,
    /// Counts what was asked, so that late answers are told from current ones.
    pub(crate) last_serial: u64,
    /// Whether what is remembered has changed since it was last stored.
    pub(crate) is_memory_stale: bool,
}

/// Whether there is a daemon to talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DaemonState {
    /// Being looked for.
    Looking,
    /// Did not run, and is being started.
    Starting,
    /// Answers.
    Ready,
    /// Went away; being looked for.
    Lost,
    /// Cannot be reached or started; tried again in a while.
    Failed(String),
}

/// The one project that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Its id.
    pub project: String,
    /// Where to join it.
    pub address: String,
}

/// A project's people and words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    /// Members that this device knows.
    pub users: Vec<User>,
    /// The project with its catalogue, once it was told.
    pub details: Option<ProjectDetails>,
}

/// The list of tickets: a window of pages into it.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Only of this project, by its id.
    pub project: Option<String>,
    /// Which of them.
    pub view: Option<View>,
    /// What was typed besides, in the query language.
    pub query: String,
    /// By what it is sorted.
    pub sort: Sort,
    /// How many rows it has; nothing before the daemon told.
    pub total: Option<u64>,
    /// Rows by page.
    pub pages: BTreeMap<u64, Vec<TicketRow>>,
    /// Why the query was not understood.
    pub error: Option<String>,
    /// Those that were chosen, to do something with all of them.
    pub chosen: BTreeSet<TicketKey>,
    /// Where choosing began, for a run of several.
    pub(crate) anchor: Option<TicketKey>,
    /// A label for them while it is being typed.
    pub label: String,
    /// The name under which the query is to be saved, while it is being typed.
    pub saving: Option<String>,
    /// How many tickets each view has.
    pub counts: BTreeMap<View, u64>,
    /// Rows that are on the screen.
    pub(crate) shown: std::ops::Range<u64>,
    /// Pages that were asked for and have not come.
    pub(crate) awaited: BTreeSet<u64>,
    /// Pages that are shown and may be old.
    pub(crate) stale: BTreeSet<u64>,
    /// The serial of what is asked for now: answers to anything before are dropped.
    pub(crate) serial: u64,
    /// Whether counts were asked for and have not come.
    pub(crate) are_counts_awaited: bool,
}

/// A ticket that is shown.
#[derive(Debug)]
pub struct OpenTicket {
    /// Which.
    pub key: TicketKey,
    /// What it holds; nothing before the daemon told.
    pub ticket: Option<Box<Ticket>>,
    /// The team's notes.
    pub notes: Vec<Comment>,
    /// The files of both, and where their bytes are.
    pub files: Vec<AttachmentState>,
    /// Who else is there.
    pub present: Vec<PresentPerson>,
    /// Whether the end of the thread is on the screen.
    pub is_at_end: bool,
    /// How many texts there were when it last was.
    pub(crate) seen_count: usize,
    /// Rises when the end is to be shown.
    pub(crate) jumps: u64,
    /// What changed it, oldest first; asked for when it is shown.
    pub history: Option<Vec<HistoryChange>>,
    /// The ticket as it was, while that is shown.
    pub past: Option<Past>,
    /// Whether the history is shown in place of the thread.
    pub is_history_open: bool,
    /// Why it cannot be shown.
    pub error: Option<String>,
    /// The title while it is being rewritten.
    pub title: Option<String>,
    /// A label while it is being typed.
    pub label: String,
    pub(crate) is_awaited: bool,
    /// How far it was told that it was read.
    pub(crate) read_through: Option<u64>,
}

/// A ticket as it was once.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// When the change was made after which it was so, if that is known.
    pub at_millis: Option<u64>,
    /// The ticket then.
    pub ticket: Box<Ticket>,
}

/// What somebody writes under a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Composer {
    /// The text.
    pub text: String,
    /// Whether it is a note.
    pub is_note: bool,
    /// The comment that it answers.
    pub reply_to: Option<String>,
    /// What goes along.
    pub files: Vec<NewFile>,
    /// Whether it is shown as others will see it.
    pub is_preview: bool,
    /// Whether it was given to the daemon and nothing came back yet.
    pub is_sending: bool,
    /// Why it could not be sent.
    pub error: Option<String>,
    /// A text of one's own in the thread that is to say something else.
    pub rewriting: Option<Rewriting>,
}

/// A text of one's own that is being rewritten, or about to be struck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewriting {
    /// The comment's or note's id.
    pub comment: String,
    /// Whether it is a note.
    pub is_note: bool,
    /// What it is to say; nothing where it is to be struck.
    pub text: Option<String>,
    /// Whether the daemon was told and nothing came back yet.
    #[serde(skip)]
    pub is_sending: bool,
}

/// What somebody writes to file a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewTicket {
    /// The project's id; the only one if there is one.
    pub project: Option<String>,
    /// The title.
    pub title: String,
    /// The report.
    pub body: String,
    /// What goes along.
    pub files: Vec<NewFile>,
    /// What a host knows of itself, as it stands in one of these files.
    pub diagnostics: Vec<(String, String)>,
    /// Whether it was given to the daemon and nothing came back yet.
    pub is_sending: bool,
    /// Why it could not be filed.
    pub error: Option<String>,
}

/// What somebody types to join a project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JoinForm {
    /// What the operator gave.
    pub address: String,
    /// One's own email address.
    pub email: String,
    /// One's own name.
    pub name: String,
    /// The code of an invitation or of a mail.
    pub code: String,
    /// Whether there is a code already.
    pub has_code: bool,
    /// The link of a mail that another device had sent, and what that device shows.
    pub check: Option<LinkCheck>,
    /// The project whose mailed code is waited for.
    pub pending: Option<String>,
    /// Whether the server was asked and nothing came back yet.
    pub is_asking: bool,
    /// Why it did not work.
    pub error: Option<String>,
}

/// The link of a mail that another device had sent.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkCheck {
    /// The link. It holds a code, a secret until it is used.
    pub(crate) link: String,
    /// What the other device shows.
    pub check: String,
}

impl std::fmt::Debug for LinkCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkCheck").finish_non_exhaustive()
    }
}

/// What somebody types to do something by its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    /// What was typed.
    pub text: String,
    /// Which of those found would be done.
    pub chosen: usize,
}

/// A picture that is shown large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargePicture {
    /// The hash of its bytes.
    pub blob: String,
    /// How large, in percent; what fits without.
    pub zoom_percent: Option<u16>,
}

/// A project that is about to be left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Its id.
    pub project: String,
    /// Why the daemon would not do it unless forced.
    pub objection: Option<String>,
}

/// A project whose server has another address now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocating {
    /// Its id.
    pub project: String,
    /// What the person has typed or a link brought.
    pub address: String,
    /// Why the daemon did not take it.
    pub error: Option<String>,
}

/// A line on what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// What.
    pub text: String,
    /// Whether it went well.
    pub tone: ToastTone,
    /// When it came.
    pub at_millis: u64,
    /// Where a click on it leads.
    pub route: Option<Route>,
}

/// Whether something went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToastTone {
    /// Done.
    Good,
    /// Something happened elsewhere.
    News,
    /// It did not work.
    Bad,
}

/// What may have changed since it was last asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stale {
    /// Projects, pending joins and connections.
    pub overview: bool,
    /// The list.
    pub inbox: bool,
    /// The ticket that is shown.
    pub open: bool,
    /// What was refused.
    pub drafts: bool,
    /// Who is at the ticket that is shown.
    pub presence: bool,
    /// Members and catalogues of these projects.
    pub people: BTreeSet<String>,
    /// Who is in the project that is being managed.
    pub manage: bool,
    pub(crate) is_overview_awaited: bool,
}

impl State {
    /// Makes the state of a client that has just started.
    pub fn new(memory: Memory) -> Self {
        let mut last_serial = 0;
        let mut files = |unsent: Vec<UnsentFile>| -> Vec<NewFile> {
            let numbered = unsent.into_iter().map(|file| {
                last_serial += 1;
                file.into_file(last_serial)
            });
            numbered.collect()
        };
        let composers = memory.drafts.into_iter().map(|draft| draft.into_composer(&mut files)).collect();
        let new_ticket = NewTicket {
            title: memory.new_title,
            body: memory.new_body,
            files: files(memory.new_files),
            diagnostics: memory.new_diagnostics,
            ..NewTicket::default()
        };
        Self {
            daemon: DaemonState::Looking,
            route: Route::START,
            back: Vec::new(),
            forward: Vec::new(),
            projects: None,
            pending: Vec::new(),
            syncs: Vec::new(),
            saved_views: Vec::new(),
            offline: BTreeSet::new(),
            people: BTreeMap::new(),
            drafts: Vec::new(),
            inbox: Inbox { view: Some(View::Active), ..Inbox::default() },
            open: None,
            new_ticket,
            join: JoinForm::default(),
            leaving: None,
            relocating: None,
            manage: None,
            composers,
            toasts: Vec::new(),
            stale: Stale::default(),
            looks: memory.looks,
            window_size: memory.window_size,
            window_place: memory.window_place,
            palette: None,
            are_shortcuts_open: false,
            large: None,
            downloads: PathBuf::new(),
            has_picker: false,
            are_connections_open: false,
            is_focused: true,
            wants_focus: false,
            has_typed: false,
            told: None,
            scope: None,
            host: HostFeed::default(),
            link: None,
            last_serial,
            is_memory_stale: false,
        }
    }

    /// Returns the joined projects.
    pub fn projects(&self) -> &[ProjectInfo] {
        self.projects.as_deref().unwrap_or_default()
    }

    /// Returns a joined project.
    pub fn project(&self, id: &str) -> Option<&ProjectInfo> {
        self.projects().iter().find(|project| project.id == id)
    }

    /// Returns what this user may do in a project.
    pub fn role(&self, project: &str) -> Role {
        self.project(project).map_or(Role::Customer, |project| project.role)
    }

    /// Tells whether this user is of the team of a project.
    pub fn is_team(&self, project: &str) -> bool {
        self.role(project) != Role::Customer
    }

    /// Tells whether this user manages a project.
    pub fn is_admin(&self, project: &str) -> bool {
        self.role(project) == Role::Admin
    }

    /// Tells whether this user is of the team of the ticket that is shown, and sees it as it is.
    pub fn is_team_here(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.past.is_none() && self.is_team(&open.key.project))
    }

    /// Returns the views that make sense to this user.
    pub fn views(&self) -> &'static [View] {
        let is_team = self.projects().iter().any(|project| project.role != Role::Customer);
        if is_team { View::TEAM } else { View::CUSTOMER }
    }

    /// Returns what is shown, in a few words: for the title of a window. Nothing for the list alone.
    pub fn page_title(&self) -> Option<String> {
        if self.projects.is_some() && self.projects().is_empty() {
            return Some(self.joining_title().to_owned());
        }
        Some(match &self.route {
            Route::Inbox { .. } => return None,
            Route::Ticket(key) => {
                let open = self.open.as_ref().filter(|open| open.key == *key);
                let ticket = open.and_then(|open| open.ticket.as_ref())?;
                neutral::line(&ticket.row.title).into_owned()
            }
            Route::NewTicket => "New ticket".to_owned(),
            Route::Join => self.joining_title().to_owned(),
            Route::Settings => "Settings".to_owned(),
            Route::Manage(id) => {
                let project = self.project(id)?;
                format!("Manage {}", neutral::line(&project.name))
            }
        })
    }

    fn joining_title(&self) -> &'static str {
        match self.join.pending {
            Some(_) => "Enter the code",
            None => "Join a project",
        }
    }

    /// Returns how many tickets are unread in all.
    pub fn unread_count(&self) -> u64 {
        self.projects().iter().filter_map(|project| project.unread_count).sum()
    }

    /// Returns how many own changes wait to be sent.
    pub fn unsent_count(&self) -> u64 {
        self.syncs.iter().map(|sync| sync.outbox_count).sum()
    }

    /// Returns how a project stands with its server, without the flicker of trying again.
    pub fn connection_of(&self, project: &str, now: ConnectionState) -> ConnectionState {
        match now {
            ConnectionState::Connecting if self.offline.contains(project) => ConnectionState::Offline,
            now => now,
        }
    }

    /// Returns the worst of all connections.
    pub fn connection(&self) -> Option<&ProjectSync> {
        let rank = |sync: &ProjectSync| match self.connection_of(&sync.project, sync.connection.state) {
            ConnectionState::Online => 0,
            ConnectionState::Connecting => 1,
            ConnectionState::Paused => 2,
            ConnectionState::Offline => 3,
            ConnectionState::Unknown => 4,
            ConnectionState::Refused => 5,
        };
        self.syncs.iter().max_by_key(|sync| rank(sync))
    }

    /// Returns what is written under a ticket.
    pub fn composer(&self, key: &TicketKey) -> Composer {
        self.composers.get(key).cloned().unwrap_or_default()
    }

    /// Returns the files that are gathered somewhere.
    pub fn gathered(&self, slot: &Slot) -> &[NewFile] {
        match slot {
            Slot::Ticket(key) => self.composers.get(key).map_or(&[], |composer| &composer.files),
            Slot::NewTicket => &self.new_ticket.files,
        }
    }

    /// The same, to be changed.
    pub(crate) fn gathered_mut(&mut self, slot: &Slot) -> &mut Vec<NewFile> {
        match slot {
            Slot::Ticket(key) => &mut self.composers.entry(key.clone()).or_default().files,
            Slot::NewTicket => &mut self.new_ticket.files,
        }
    }

    /// Returns where files go that are pasted or dropped now.
    pub fn slot(&self) -> Option<Slot> {
        match (&self.route, &self.open) {
            (Route::NewTicket, _) => Some(Slot::NewTicket),
            (Route::Ticket(_), Some(open)) if open.ticket.is_some() => Some(Slot::Ticket(open.key.clone())),
            _ => None,
        }
    }

    /// Returns what is worth keeping until the next start.
    pub fn memory(&self) -> Memory {
        Memory::of(self)
    }
}

impl Inbox {
    /// Returns a row, if it is here.
    pub fn row(&self, index: u64) -> Option<&TicketRow> {
        let page = self.pages.get(&(index / limits::PAGE_ROWS))?;
        page.get(usize::try_from(index % limits::PAGE_ROWS).ok()?)
    }

    /// Returns the name of the saved view that is shown, if it is one and nothing else.
    pub(crate) fn saved_view(&self) -> Option<&str> {
        let name = self.query.trim().strip_prefix("view:")?;
        (self.view == Some(View::All) && !name.contains(char::is_whitespace)).then_some(name)
    }

    /// Returns what would be saved: everything that is looked for, if that is more than a view that is there anyway.
    pub(crate) fn savable_query(&self) -> Option<String> {
        let is_one = !self.query.trim().is_empty() && !self.query.contains("view:");
        if is_one { self.request(0).query } else { None }
    }

    /// Returns the rows that are here, in order, each with its key.
    pub(crate) fn keys(&self) -> impl Iterator<Item = TicketKey> {
        self.pages
            .values()
            .flatten()
            .map(|row| TicketKey { project: row.project.clone(), ticket: row.id.clone() })
    }

    /// Returns what asks for a page.
    pub(crate) fn request(&self, page: u64) -> List {
        let view = self.view.map_or("", View::query);
        let typed = self.query.trim();
        let query = [view, typed].join(" ").trim().to_owned();
        List {
            project: self.project.clone(),
            query: (!query.is_empty()).then_some(query),
            sort: self.sort,
            offset: Some(page * limits::PAGE_ROWS),
            limit: u32::try_from(limits::PAGE_ROWS).ok(),
            ..List::default()
        }
    }
}

impl Composer {
    /// Tells whether there is something to send, and all of it can be sent.
    pub fn is_ready(&self) -> bool {
        let has_any = !self.text.trim().is_empty() || !self.files.is_empty();
        has_any && !self.is_sending && are_stored(&self.files)
    }
}

/// Tells whether the daemon keeps all of these files.
pub(crate) fn are_stored(files: &[NewFile]) -> bool {
    files.iter().all(|file| matches!(file.state, NewFileState::Stored { .. }))
}

impl OpenTicket {
    /// Makes one of which nothing is known yet.
    pub fn new(key: TicketKey) -> Self {
        Self {
            key,
            ticket: None,
            notes: Vec::new(),
            files: Vec::new(),
            present: Vec::new(),
            is_at_end: true,
            seen_count: 0,
            jumps: 0,
            history: None,
            past: None,
            is_history_open: false,
            error: None,
            title: None,
            label: String::new(),
            is_awaited: false,
            read_through: None,
        }
    }

    /// Returns what is shown of it: as it is, or as it was.
    pub fn shown(&self) -> Option<&Ticket> {
        self.past.as_ref().map(|past| &*past.ticket).or(self.ticket.as_deref())
    }

    /// Returns how many texts came while the end was not on the screen.
    pub fn new_count(&self) -> usize {
        let comments = self.ticket.as_deref().map_or(0, |ticket| ticket.comments.len());
        if self.is_at_end { 0 } else { (comments + self.notes.len()).saturating_sub(self.seen_count) }
    }

    /// Returns the pictures that are here, in the order in which they stand in the thread.
    pub fn pictures(&self) -> Vec<&AttachmentState> {
        let mut pictures: Vec<&AttachmentState> = Vec::new();
        for entry in self.thread() {
            let of_it = self.files.iter().filter(|file| file.comment == entry.comment.id && is_shown(file));
            pictures.extend(of_it);
        }
        pictures.dedup_by(|one, other| one.blob == other.blob);
        pictures
    }

    /// Returns comments and notes as one thread: each in its own order, and together by time.
    pub fn thread(&self) -> Vec<Entry<'_>> {
        let comments = self.shown().map_or(&[][..], |ticket| &ticket.comments);
        // Of notes only the present is told.
        let notes = if self.past.is_some() { &[][..] } else { &self.notes };
        let mut entries = Vec::with_capacity(comments.len() + notes.len());
        let (mut comments, mut notes) = (comments.iter().peekable(), notes.iter().peekable());
        loop {
            let is_note_next = match (comments.peek(), notes.peek()) {
                (Some(comment), Some(note)) => note.created_at_millis < comment.created_at_millis,
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (None, None) => return entries,
            };
            let next = if is_note_next { notes.next() } else { comments.next() };
            entries.extend(next.map(|comment| Entry { comment, is_note: is_note_next }));
        }
    }
}

/// Tells whether a small picture of a file can be shown.
pub(crate) fn is_shown(file: &AttachmentState) -> bool {
    file.state == BlobState::Here && is_picture(&file.media_type)
}

/// One text of a thread.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The text.
    pub comment: &'a Comment,
    /// Whether only the team sees it.
    pub is_note: bool,
}
