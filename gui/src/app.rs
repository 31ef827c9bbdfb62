//! The client as a component: `logic` takes in what came, `ui` draws and carries out what the person did.

use std::io;
use std::sync::Arc;

use assist_proto::client::Home;
use egui::{Context, Id, Ui};

use crate::fonts;
use crate::intent::{Field, Intent};
use crate::layouts::Layouts;
use crate::limits;
use crate::link::{Link, Request};
use crate::memory::{Memory, ThemeChoice};
use crate::route::Route;
use crate::scene::Scene;
use crate::state::State;
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
    layouts: Layouts,
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
        let link = Link::open(home, &(Arc::new(move || ctx.request_repaint()) as _))?;
        Ok(Self { link: Some(link), ..Self::of_state(State::new(Memory::load(home)), salt) })
    }

    /// Makes a client that shows a state and has no daemon: for pictures and tests.
    pub fn of_state(state: State, salt: &str) -> Self {
        Self {
            state,
            link: None,
            layouts: Layouts::default(),
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

    /// Takes in what came from the daemon. To be called each frame, and it may be while the window is hidden.
    pub fn logic(&mut self, ctx: &Context) {
        let now_millis = (self.clock)();
        for taken in 0..=limits::REPLIES_A_FRAME_MAX {
            let Some(reply) = self.link.as_mut().and_then(Link::poll) else { break };
            let requests = update::receive(&mut self.state, reply, now_millis);
            self.ask(requests);
            if taken == limits::REPLIES_A_FRAME_MAX {
                ctx.request_repaint();
            }
        }
        let requests = update::settle(&mut self.state, now_millis);
        self.ask(requests);
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
            salt: self.salt,
            intents: Vec::new(),
        };
        views::client_ui(&mut scene, ui);
        views::keys(&mut scene, ui);
        for intent in scene.intents {
            self.act(intent);
        }
        let requests = update::settle(&mut self.state, now_millis);
        self.ask(requests);
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

    /// Begins to join the project at an address.
    pub fn join(&mut self, address: &str) {
        self.act(Intent::Type(Field::JoinAddress, address.to_owned()));
        self.go(Route::Join);
    }

    /// Remembers how large the window is.
    pub fn set_window_size(&mut self, size: Option<[f32; 2]>) {
        self.state.window_size = size.or(self.state.window_size);
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
        let millis = if self.state.toasts.is_empty() { 30_000 } else { 500 };
        std::time::Duration::from_millis(millis)
    }

    fn ask(&mut self, requests: Vec<Request>) {
        if let Some(link) = &mut self.link {
            requests.into_iter().for_each(|request| link.ask(request));
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is shown as \"3 minutes ago\" needs the time of day, here alone"
)]
fn system_clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
