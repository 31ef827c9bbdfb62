//! What views draw from and hand up to: the state as it is, the looks, the moment, and what the person did.

use egui::Id;

use crate::intent::Intent;
use crate::layouts::Layouts;
use crate::pictures::Pictures;
use crate::state::State;
use crate::theme::Tokens;

/// One frame's surroundings.
pub(crate) struct Scene<'a> {
    /// What is shown.
    pub(crate) state: &'a State,
    /// How it looks.
    pub(crate) tokens: &'a Tokens,
    /// The moment, in milliseconds since 1970.
    pub(crate) now_millis: u64,
    /// What was measured and read before.
    pub(crate) layouts: &'a mut Layouts,
    /// Pictures that came.
    pub(crate) pictures: &'a mut Pictures,
    /// Tells this client's parts from those of another in the same window.
    pub(crate) salt: Id,
    /// What the person did.
    pub(crate) intents: Vec<Intent>,
}

impl Scene<'_> {
    /// Hands up what the person did.
    pub(crate) fn act(&mut self, intent: Intent) {
        self.intents.push(intent);
    }

    /// Hands it up if it was done.
    pub(crate) fn act_if(&mut self, is_done: bool, intent: impl FnOnce() -> Intent) {
        if is_done {
            self.intents.push(intent());
        }
    }
}
