//! What becomes of texts of one's own in the thread: rewritten, struck, settled.

use super::acting::open_key;
use super::write;
use crate::intent::Rewrite;
use crate::link::{Request, Write};
use crate::route::TicketKey;
use crate::state::{Rewriting, State};

/// Carries out what somebody does with a text of theirs.
pub(super) fn act(state: &mut State, rewrite: Rewrite, requests: &mut Vec<Request>) {
    let Some(key) = open_key(state) else { return };
    match rewrite {
        Rewrite::Begin { comment, is_note } => {
            let shown = state.open.as_ref().map(|open| open.thread()).unwrap_or_default();
            let body = shown.into_iter().find(|entry| entry.comment.id == comment);
            let text = body.map(|entry| entry.comment.body.clone());
            begin(
                state,
                key,
                text.map(|text| Rewriting { comment, is_note, text: Some(text), is_sending: false }),
            );
        }
        Rewrite::AskToStrike { comment, is_note } => {
            begin(state, key, Some(Rewriting { comment, is_note, text: None, is_sending: false }));
        }
        Rewrite::Leave => begin(state, key, None),
        Rewrite::Do => {
            let composer = state.composers.entry(key.clone()).or_default();
            let begun = composer.rewriting.as_mut().filter(|begun| begun.is_ready());
            if let Some(begun) = begun {
                begun.is_sending = true;
                write(requests, Write::Rewrite(key, begun.clone()));
            }
        }
        Rewrite::Settle { comment, is_note, body } => {
            let settled = Rewriting { comment, is_note, text: Some(body), is_sending: true };
            write(requests, Write::Rewrite(key, settled));
        }
    }
}

fn begin(state: &mut State, key: TicketKey, rewriting: Option<Rewriting>) {
    state.composers.entry(key).or_default().rewriting = rewriting;
    state.is_memory_stale = true;
}

/// Takes in what is typed.
pub(super) fn type_into(state: &mut State, typed: String) {
    let Some(key) = open_key(state) else { return };
    let rewriting = state.composers.get_mut(&key).and_then(|composer| composer.rewriting.as_mut());
    if let Some(text) = rewriting.and_then(|rewriting| rewriting.text.as_mut()) {
        *text = typed;
        state.is_memory_stale = true;
    }
}

/// The text says what it was to say.
pub(super) fn done(state: &mut State, key: &TicketKey, done: &Rewriting) {
    if let Some(composer) = state.composers.get_mut(key)
        && composer.rewriting.as_ref().is_some_and(|begun| begun.is_sending && begun.comment == done.comment)
    {
        composer.rewriting = None;
        state.is_memory_stale = true;
    }
    state.stale.open = state.open.is_some();
}

/// It does not; what was typed is still there.
pub(super) fn failed(state: &mut State, key: &TicketKey) {
    if let Some(rewriting) = state.composers.get_mut(key).and_then(|composer| composer.rewriting.as_mut()) {
        rewriting.is_sending = false;
    }
    state.stale.open = state.open.is_some();
}

impl Rewriting {
    /// Whether there is something to do: a text that is not blank, or a text to strike.
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_sending && self.text.as_ref().is_none_or(|text| !text.trim().is_empty())
    }
}
