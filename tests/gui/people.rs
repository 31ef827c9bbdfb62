//! People at the client: each has a daemon of their own, and eyes that find things by what they are called.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use assist_gui::state::State;
use assist_gui::{Support, fonts};
use assist_proto::client::Home;
use assist_tests::process::{DaemonProcess, PATIENCE};
use egui::accesskit::Role;
use egui::{ColorImage, Event, Key, Modifiers, PointerButton, Pos2, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

/// Somebody who sits before the client.
pub(crate) struct Person {
    harness: Harness<'static, Support>,
    /// Says that there is news to be drawn.
    news: Receiver<()>,
}

impl Person {
    /// Opens the client on a daemon.
    pub(crate) fn at(daemon: &DaemonProcess) -> Self {
        Self::with(daemon, |support| support)
    }

    /// Opens the client as a host has it.
    pub(crate) fn with(daemon: &DaemonProcess, host: impl Fn(Support) -> Support + 'static) -> Self {
        let home = Home::locate(Some(daemon.home().to_owned())).unwrap();
        let (news_tx, news) = mpsc::sync_channel(1);
        let mut is_open = false;
        let saved = daemon.home().join(SAVED);
        let mut harness = Harness::builder()
            .with_size(SIZE)
            .with_context_setup(move |ctx| {
                fonts::install(ctx);
                ctx.set_request_repaint_callback(move |_| {
                    // One that waits already says the same.
                    news_tx.try_send(()).ok();
                });
            })
            .build_ui_state(
                move |ui, state: &mut Support| {
                    // The client wants the context that it is drawn in.
                    if !std::mem::replace(&mut is_open, true) {
                        let client = Support::open(ui.ctx(), &home, "test").unwrap();
                        *state = host(client.with_downloads(saved.clone()));
                    }
                    state.logic(&ui.ctx().clone());
                    state.ui(ui);
                },
                Support::of_state(State::new(assist_gui::memory::Memory::default()), "before"),
            );
        harness.step();
        Self { harness, news }
    }

    /// Looks until something is so.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&Harness<'static, Support>) -> bool) {
        self.until_it_comes(what, is_so);
        // What has just appeared may still move.
        self.harness.step();
    }

    /// Looks until the first frame in which something is so.
    fn until_it_comes(&mut self, what: &str, is_so: impl Fn(&Harness<'static, Support>) -> bool) {
        #[expect(clippy::disallowed_methods, reason = "a bound on a wait for a condition in real processes")]
        let started = Instant::now();
        loop {
            self.harness.step();
            if is_so(&self.harness) {
                return;
            }
            let left = PATIENCE.checked_sub(started.elapsed());
            let left = left.unwrap_or_else(|| panic!("waited in vain: {what}\n{:#?}", self.words()));
            self.news.recv_timeout(left.min(std::time::Duration::from_millis(50))).ok();
        }
    }

    /// Waits until somewhere there stands what contains these words.
    pub(crate) fn sees(&mut self, words: &str) {
        self.until(words, |harness| harness.query_all_by_label_contains(words).next().is_some());
    }

    /// Waits until these words stand nowhere.
    pub(crate) fn sees_no_more(&mut self, words: &str) {
        self.until(words, |harness| harness.query_all_by_label_contains(words).next().is_none());
    }

    /// Tells whether these words stand somewhere now.
    pub(crate) fn has_in_sight(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }

    /// Presses what is called so, once it is there.
    pub(crate) fn presses(&mut self, name: &str) {
        self.until(name, |harness| harness.query_all_by_label(name).next().is_some());
        self.reveals(name, false);
        let at = self.harness.query_all_by_label(name).next().unwrap().rect().center();
        self.presses_at(at);
    }

    /// Presses a place as it was drawn last, in one frame: nothing comes in and moves it away in the midst.
    fn presses_at(&mut self, at: Pos2) {
        let events = &mut self.harness.input_mut().events;
        events.push(Event::PointerMoved(at));
        events.extend([true, false].map(|pressed| {
            let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
            Event::PointerButton { pos: at, button, pressed, modifiers }
        }));
        self.harness.step();
        self.harness.step();
    }

    /// Returns where it is that what is called so stands, once it does.
    pub(crate) fn finds(&mut self, name: &str) -> Pos2 {
        self.until(name, |harness| harness.query_all_by_label(name).next().is_some());
        self.harness.query_all_by_label(name).next().unwrap().rect().center()
    }

    /// Presses a place in the very moment in which something comes in, whatever stands there by then.
    pub(crate) fn presses_as_it_comes(&mut self, at: Pos2, what: &str) {
        self.harness.event(Event::PointerMoved(at));
        self.until_it_comes(what, |harness| harness.query_all_by_label(what).next().is_some());
        for pressed in [true, false] {
            let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
            self.harness.event(Event::PointerButton { pos: at, button, pressed, modifiers });
            self.harness.step();
        }
    }

    /// Presses the last of those that are called so.
    pub(crate) fn presses_last(&mut self, name: &str) {
        self.until(name, |harness| harness.query_all_by_label(name).next().is_some());
        self.reveals(name, true);
        let at = self.harness.query_all_by_label(name).last().unwrap().rect().center();
        self.presses_at(at);
    }

    /// Presses what is called somehow so, once it is there.
    pub(crate) fn presses_what_says(&mut self, words: &str) {
        let is_button = |harness: &Harness<'static, Support>| {
            harness.query_all_by_role(Role::Button).any(|node| says(&node, words))
        };
        self.until(words, is_button);
        let mut buttons = self.harness.query_all_by_role(Role::Button);
        let at = buttons.find(|node| says(node, words)).unwrap().rect().center();
        drop(buttons);
        self.presses_at(at);
    }

    /// Scrolls to what is called so and cannot be seen: nobody presses what they do not see.
    fn reveals(&mut self, name: &str, is_last: bool) {
        let is_out_of_sight = {
            let mut nodes = self.harness.query_all_by_label(name);
            let node = if is_last { nodes.last() } else { nodes.next() }.unwrap();
            let is_out = !egui::Rect::from_min_size(Pos2::ZERO, SIZE).contains_rect(node.rect());
            if is_out {
                node.scroll_to_me();
            }
            is_out
        };
        if is_out_of_sight {
            self.harness.run_steps(30);
        }
    }

    /// Types into the field of that name.
    pub(crate) fn types(&mut self, field: &str, text: &str) {
        self.until(field, |harness| fields(harness, field).next().is_some());
        fields(&self.harness, field).next().unwrap().focus();
        self.harness.step();
        fields(&self.harness, field).next().unwrap().type_text(text);
        self.harness.step();
        self.harness.step();
    }

    /// Types into the field of that name in place of what is there.
    pub(crate) fn replaces(&mut self, field: &str, text: &str) {
        self.types(field, "");
        self.keys(Modifiers::COMMAND, Key::A);
        match text.is_empty() {
            true => self.keys(Modifiers::NONE, Key::Delete),
            false => self.types(field, text),
        }
    }

    /// Presses keys together.
    pub(crate) fn keys(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.step();
        self.harness.step();
    }

    /// Pastes a picture.
    pub(crate) fn pastes(&mut self, picture: ColorImage) {
        self.harness.event(Event::PasteImage(Arc::new(picture)));
        self.harness.step();
    }

    /// Drops a file onto the window.
    pub(crate) fn drops(&mut self, path: PathBuf) {
        self.harness.input_mut().dropped_files.push(Arc::new(Dropped(path)));
        self.harness.step();
        self.harness.input_mut().dropped_files.clear();
    }

    /// Scrolls up what these words stand in.
    pub(crate) fn scrolls_up(&mut self, words: &str) {
        self.until(words, |harness| harness.query_all_by_label_contains(words).next().is_some());
        for _ in 0..3 {
            // What was scrolled away is not there any more.
            if let Some(node) = self.harness.query_all_by_label_contains(words).next() {
                node.scroll_up();
            }
            self.harness.run_steps(4);
        }
    }

    /// What its host can do with the client.
    pub(crate) fn client(&mut self) -> &mut Support {
        self.harness.state_mut()
    }

    /// What the client knows.
    pub(crate) fn state(&self) -> &State {
        self.harness.state().state()
    }

    /// All that can be read now.
    fn words(&self) -> Vec<String> {
        let nodes = self.harness.root().children_recursive();
        // Text on the screen is the value of its node.
        nodes
            .filter_map(|node| node.accesskit_node().label().or_else(|| node.accesskit_node().value()))
            .collect()
    }
}

const SIZE: Vec2 = Vec2::new(1240.0, 820.0);

/// Where people save files, in their folder.
pub(crate) const SAVED: &str = "saved";

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

fn says(node: &egui_kittest::Node<'_>, words: &str) -> bool {
    node.accesskit_node().label().is_some_and(|label| label.contains(words))
}

fn fields<'a>(
    harness: &'a Harness<'static, Support>,
    name: &'a str,
) -> impl Iterator<Item = egui_kittest::Node<'a>> {
    [Role::TextInput, Role::MultilineTextInput]
        .into_iter()
        .flat_map(move |role| harness.query_all_by_role_and_label(role, name))
}
