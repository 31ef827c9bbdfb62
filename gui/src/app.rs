//! The client as a component: `logic` takes in what came, `ui` draws and carries out what the person did.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use assist_proto::address::{Address, AddressError};
use assist_proto::client::Home;
use egui::{ColorImage, Context, Id, Ui};

use crate::fonts;
use crate::host::{HostEvent, Prefill};
use crate::intent::Intent;
use crate::layouts::Layouts;
use crate::limits;
use crate::link::{Link, Picker, Reply, Request};
use crate::memory::{Keeper, ThemeChoice};
use crate::pictures::{Pictures, Wanted};
use crate::route::Route;
use crate::scene::Scene;
use crate::state::{DaemonState, State};
use crate::theme::Tokens;
use crate::update;
use crate::views;

/// A clock: milliseconds since 1970.
pub type Clock = fn() -> u64;

/// The client. One per window, or several with a salt each.
#[derive(Debug)]
pub struct Support {
    state: State,
    link: Option<Link>,
    keeper: Option<Arc<Keeper>>,
    layouts: Layouts,
    pictures: Pictures,
    salt: Id,
    clock: Clock,
    /// A host's own looks: dark and light.
    tokens: Option<Box<(Tokens, Tokens)>>,
}

impl Support {
    /// Makes a client of the daemon of a home. It is asked for at once, on threads of its own, and started if it does
    /// not run. `salt` tells it from another one in the same window.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn open(ctx: &Context, home: &Home, salt: &str) -> io::Result<Self> {
        let ctx = ctx.clone();
        let (keeper, memory) = Keeper::open(home);
        let keeper = Arc::new(keeper);
        let link = Link::open(home, &keeper, &(Arc::new(move || ctx.request_repaint()) as _))?;
        let (link, keeper) = (Some(link), Some(keeper));
        let client = Self { link, keeper, ..Self::of_state(State::new(memory), salt) };
        Ok(client.with_downloads(downloads()))
    }

    /// Makes a client that shows a state and has no daemon: for pictures and tests.
    pub fn of_state(state: State, salt: &str) -> Self {
        Self {
            state,
            link: None,
            keeper: None,
            layouts: Layouts::default(),
            pictures: Pictures::default(),
            salt: Id::unique(("assist", salt)),
            clock: system_clock,
            tokens: None,
        }
    }

    /// Takes another clock than the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Takes a host's own looks, for dark and for light.
    #[must_use]
    pub fn with_tokens(mut self, dark: Tokens, light: Tokens) -> Self {
        self.tokens = Some(Box::new((dark, light)));
        self
    }

    /// Takes what has the person choose files to attach.
    #[must_use]
    pub fn with_picker(mut self, picker: Picker) -> Self {
        if let Some(link) = &mut self.link {
            link.set_picker(picker);
            self.state.has_picker = true;
        }
        self
    }

    /// Takes another folder to save files in than the user's own for that.
    #[must_use]
    pub fn with_downloads(mut self, folder: PathBuf) -> Self {
        self.state.downloads = folder;
        self
    }

    /// Takes a picture as if the daemon had made it: for pictures and tests.
    pub fn put_picture(&mut self, ctx: &Context, blob: &str, picture: ColorImage) {
        let small = Wanted { blob: blob.to_owned(), is_large: false };
        self.pictures.put(ctx, small, Ok(picture));
    }

    /// Keeps what was not sent for the next start: for when the host ends. Until then it is kept as it is written.
    ///
    /// # Errors
    /// What the system says.
    pub fn remember(&self) -> io::Result<()> {
        self.keeper.as_ref().map_or(Ok(()), |keeper| keeper.keep(self.state.memory()))
    }

    /// Takes in what came from the daemon. To be called each frame, and it may be while the window is hidden.
    pub fn logic(&mut self, ctx: &Context) {
        let now_millis = (self.clock)();
        for taken in 0..=limits::REPLIES_A_FRAME_MAX {
            let Some(reply) = self.link.as_mut().and_then(Link::poll) else { break };
            if taken == limits::REPLIES_A_FRAME_MAX {
                ctx.request_repaint();
            }
            let reply = match reply {
                Reply::Picture { picture, outcome } => {
                    self.pictures.put(ctx, picture, outcome.map_err(|failure| failure.message));
                    continue;
                }
                reply => reply,
            };
            if matches!(reply, Reply::Daemon(DaemonState::Ready)) {
                self.pictures.forget_failures();
            }
            let requests = update::receive(&mut self.state, reply, now_millis);
            self.ask(requests);
        }
        let requests = update::settle(&mut self.state, now_millis);
        self.ask(requests);
        self.state.tell_host();
    }

    /// Draws the client into the room that there is.
    pub fn ui(&mut self, ui: &mut Ui) {
        let now_millis = (self.clock)();
        let tokens = self.tokens(ui);
        ui.set_style(tokens.style(ui.style()));
        let mut scene = Scene {
            state: &self.state,
            tokens: &tokens,
            now_millis,
            layouts: &mut self.layouts,
            pictures: &mut self.pictures,
            salt: self.salt,
            intents: Vec::new(),
        };
        views::client_ui(&mut scene, ui);
        views::keys(&mut scene, ui);
        for intent in scene.intents {
            self.act(intent);
        }
        self.state.is_focused = ui.input(|input| input.raw.focused);
        let mut requests = update::settle(&mut self.state, now_millis);
        requests.extend(self.pictures.take_wanted().into_iter().map(Request::Picture));
        self.ask(requests);
        self.state.tell_host();
        ui.ctx().request_repaint_after(self.next_look());
    }

    /// Does what a person could do.
    pub fn act(&mut self, intent: Intent) {
        let requests = update::act(&mut self.state, intent);
        self.ask(requests);
    }

    /// Goes somewhere.
    pub fn go(&mut self, route: Route) {
        self.act(Intent::Go(route));
    }

    /// Opens a link: a place in the client, the address of a project, or the link in a mail. What it leads to is shown
    /// as soon as the daemon answers.
    pub fn open_link(&mut self, link: &str) {
        match link.parse() {
            Ok(route) => self.go(route),
            Err(_) => self.act(Intent::OpenLink(link.to_owned())),
        }
    }

    /// Begins a ticket for the person to go on with. What they have begun themselves stays.
    pub fn begin_ticket(&mut self, prefill: Prefill) {
        let requests = update::begin_ticket(&mut self.state, prefill);
        self.ask(requests);
    }

    /// Returns what happened since it was last asked, oldest first: for hosts, once a frame.
    pub fn take_events(&mut self) -> Vec<HostEvent> {
        std::mem::take(&mut self.state.host.events)
    }

    /// Shows one project only, by its address; as long as it is not joined, the client joins it.
    ///
    /// # Errors
    /// When the address is none.
    pub fn with_project(mut self, address: &str) -> Result<Self, AddressError> {
        let parsed: Address = address.parse()?;
        let project = parsed.project().ok_or(AddressError::NoProject)?;
        update::keep_to(&mut self.state, project.to_string(), address.to_owned());
        Ok(self)
    }

    /// Remembers how large the window is, and where, as far as the system says.
    pub fn set_window(&mut self, size: Option<[f32; 2]>, place: Option<[f32; 2]>) {
        self.state.window_size = size.or(self.state.window_size);
        self.state.window_place = place.or(self.state.window_place);
    }

    /// Returns what the client knows and shows.
    pub fn state(&self) -> &State {
        &self.state
    }

    fn tokens(&self, ui: &Ui) -> Tokens {
        let is_dark = match self.state.looks.theme {
            ThemeChoice::Dark => true,
            ThemeChoice::Light => false,
            ThemeChoice::System => ui.visuals().dark_mode,
        };
        let mut tokens = match (&self.tokens, is_dark) {
            (Some(own), true) => own.0.clone(),
            (Some(own), false) => own.1.clone(),
            (None, true) => Tokens::dark(),
            (None, false) => Tokens::light(),
        };
        tokens.strong_family = fonts::strong_family(ui.ctx());
        tokens
    }

    /// Returns after how long something on the screen is old by itself: a line on what happened, or "3 minutes ago".
    fn next_look(&self) -> std::time::Duration {
        let looks_at_health =
            self.state.manage.as_ref().is_some_and(|manage| manage.part == crate::manage::Part::Health);
        let millis = match (self.state.toasts.is_empty(), looks_at_health) {
            (false, _) => 500,
            (true, true) => limits::HEALTH_MILLIS,
            (true, false) => 30_000,
        };
        std::time::Duration::from_millis(millis)
    }

    fn ask(&mut self, requests: Vec<Request>) {
        if let Some(link) = &mut self.link {
            requests.into_iter().for_each(|request| link.ask(request));
        }
    }
}

/// Where a user's programs save files: what the desktop says, else `Downloads` in their home.
fn downloads() -> PathBuf {
    let told = std::env::var_os("XDG_DOWNLOAD_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    told.or_else(|| std::env::home_dir().map(|home| home.join("Downloads"))).unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is shown as \"3 minutes ago\" needs the time of day, here alone"
)]
fn system_clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
