//! What a host application tells the client that it embeds, and what it hears from it. Plain data.

use std::path::PathBuf;

use assist_proto::neutral;

use crate::limits;
use crate::route::{Route, TicketKey};
use crate::state::State;

/// What happened in the client that its host may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostEvent {
    /// Another place is shown.
    RouteChanged(Route),
    /// So many tickets are unread now.
    UnreadChanged(u64),
    /// This project is joined now, by its id.
    ProjectJoined(String),
    /// This ticket was filed here.
    TicketFiled(TicketKey),
}

/// A ticket as a host begins it. Its person sees all of it, changes it, and files it or does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prefill {
    /// The project's id; the only one, or the one that the client keeps to, without.
    pub project: Option<String>,
    /// What is wrong, in one line.
    pub title: String,
    /// What happened, as Markdown.
    pub body: String,
    /// What the host knows of itself, as names and values: goes along as a file, and is shown before it is sent.
    pub diagnostics: Vec<(String, String)>,
    /// Files that go along.
    pub files: Vec<PathBuf>,
}

/// What the host was told, and what it is to be told.
#[derive(Debug, Default)]
pub(crate) struct HostFeed {
    /// What it has not taken yet, oldest first.
    pub(crate) events: Vec<HostEvent>,
    route: Option<Route>,
    unread: Option<u64>,
}

impl HostFeed {
    /// Tells something. Where nobody listens, the oldest is forgotten.
    pub(crate) fn tell(&mut self, event: HostEvent) {
        if self.events.len() == limits::HOST_EVENTS_MAX {
            self.events.remove(0);
        }
        self.events.push(event);
    }
}

impl State {
    /// Tells the host what has changed since it was last told.
    pub(crate) fn tell_host(&mut self) {
        if self.host.route.as_ref() != Some(&self.route) {
            self.host.route = Some(self.route.clone());
            self.host.tell(HostEvent::RouteChanged(self.route.clone()));
        }
        let unread = self.unread_count();
        if self.projects.is_some() && self.host.unread != Some(unread) {
            self.host.unread = Some(unread);
            self.host.tell(HostEvent::UnreadChanged(unread));
        }
    }
}

/// Returns diagnostics as they are shown and sent: harmless, and no more of them than anybody reads.
pub(crate) fn bounded(diagnostics: Vec<(String, String)>) -> Vec<(String, String)> {
    let cut = |text: &str, max: usize| match text.char_indices().nth(max) {
        Some((at, _)) => format!("{}\u{2026}", &text[..at]),
        None => text.to_owned(),
    };
    let kept = diagnostics.into_iter().take(limits::DIAGNOSTICS_MAX).map(|(name, value)| {
        let name = neutral::line(&cut(&name, limits::DIAGNOSTIC_NAME_CHARS_MAX)).into_owned();
        (name, neutral::block(&cut(&value, limits::DIAGNOSTIC_VALUE_CHARS_MAX)).into_owned())
    });
    kept.collect()
}

/// Returns diagnostics as the text of a file: a line for each, and indented lines where a value has several.
pub(crate) fn text_of(diagnostics: &[(String, String)]) -> String {
    let line = |(name, value): &(String, String)| format!("{name}: {}\n", value.replace('\n', "\n    "));
    diagnostics.iter().map(line).collect()
}

/// What the file is called in which diagnostics go along.
pub(crate) const DIAGNOSTICS: &str = "diagnostics.txt";

#[cfg(test)]
mod tests {
    use super::{HostEvent, bounded, text_of};
    use crate::limits;
    use crate::memory::Memory;
    use crate::route::Route;
    use crate::state::State;

    #[test]
    fn diagnostics_are_bounded_and_read_as_lines() {
        let long = "x".repeat(limits::DIAGNOSTIC_VALUE_CHARS_MAX + 1);
        let given =
            vec![("version".into(), "4.2.0".into()), ("log".into(), "a\nb".into()), ("x".into(), long)];
        let bounded = bounded(given);
        assert!(bounded[2].1.ends_with('\u{2026}'));
        assert_eq!(text_of(&bounded[..2]), "version: 4.2.0\nlog: a\n    b\n");
        let many = vec![("a".to_owned(), "b".to_owned()); limits::DIAGNOSTICS_MAX + 1];
        assert_eq!(super::bounded(many).len(), limits::DIAGNOSTICS_MAX);
    }

    #[test]
    fn a_host_that_does_not_listen_costs_nothing() {
        let mut state = State::new(Memory::default());
        for _ in 0..2 * limits::HOST_EVENTS_MAX {
            state.route = Route::Settings;
            state.tell_host();
            state.route = Route::Join;
            state.tell_host();
        }
        assert_eq!(state.host.events.len(), limits::HOST_EVENTS_MAX);
        assert_eq!(state.host.events.last(), Some(&HostEvent::RouteChanged(Route::Join)));
        state.host.events.clear();
        state.tell_host();
        assert_eq!(state.host.events, [], "nothing has changed");
    }
}
