//! What could stand next in a query: conditions, and the values that this client knows of.

use std::collections::BTreeSet;

use assist_proto::query::{SortKey, State as TicketState, quoted};

use crate::state::State;

/// A way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// What the query would be.
    pub(crate) query: String,
    /// The word that it would end with.
    pub(crate) word: String,
    /// What that means.
    pub(crate) hint: &'static str,
}

/// Returns how the last word of a query could go on: a few ways, the best first.
pub(crate) fn propose(state: &State, query: &str) -> Vec<Proposal> {
    let start = query
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + query[at..].chars().next().map_or(1, char::len_utf8));
    let (before, last) = query.split_at(start);
    if last.is_empty() || last.contains('"') {
        return Vec::new();
    }
    let (sign, last) = last.strip_prefix('-').map_or(("", last), |rest| ("-", rest));
    let proposal = |word: String, ending: &str, hint| {
        let query = format!("{before}{sign}{word}{ending}");
        Proposal { query, word: format!("{sign}{word}"), hint }
    };
    let Some((key, typed)) = last.split_once(':') else {
        let begun = last.to_lowercase();
        let known = KEYS.iter().filter(|(key, _)| key.starts_with(&begun));
        return known.map(|(key, hint)| proposal(format!("{key}:"), "", *hint)).take(SHOWN_MAX).collect();
    };
    let (others, begun) = typed.rfind(',').map_or(("", typed), |comma| typed.split_at(comma + 1));
    let begun = begun.to_lowercase();
    let fitting = values(state, &key.to_lowercase()).into_iter().filter(|(value, _)| {
        let value = value.to_lowercase();
        value.starts_with(&begun) && value != begun
    });
    fitting
        .map(|(value, hint)| proposal(format!("{key}:{others}{}", quoted(&value)), " ", hint))
        .take(SHOWN_MAX)
        .collect()
}

fn values(state: &State, key: &str) -> Vec<(String, &'static str)> {
    let plain = |words: &[&str]| words.iter().map(|word| ((*word).to_owned(), "")).collect();
    let people = |is_wanted: fn(bool) -> bool| {
        let known = state.people.values().flat_map(|people| &people.users);
        let known = known.filter(|user| is_wanted(user.role != assist_proto::api::user::Role::Customer));
        let names = known.map(|user| user.email.clone().unwrap_or_else(|| user.name.clone()));
        names.collect::<BTreeSet<_>>().into_iter().map(|name| (name, "")).collect::<Vec<_>>()
    };
    match key {
        "is" => plain(&TicketState::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>()),
        "status" => plain(&["open", "pending", "resolved", "closed"]),
        "priority" => plain(&["urgent", "high", "normal", "low", "none"]),
        "sort" => plain(&SortKey::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>()),
        "project" => state.projects().iter().map(|project| (project.name.clone(), "")).collect(),
        "assignee" => {
            let mut known =
                vec![("me".to_owned(), "what you work on"), ("none".to_owned(), "what nobody works on")];
            known.extend(people(|is_team| is_team));
            known
        }
        "requester" => {
            let mut known = vec![("me".to_owned(), "what you filed")];
            known.extend(people(|_| true));
            known
        }
        "label" => {
            let catalogues = state.people.values().filter_map(|people| people.details.as_ref());
            let known = catalogues.flat_map(|details| &details.labels).map(|known| known.label.clone());
            let used = state.inbox.pages.values().flatten().flat_map(|row| row.labels.iter().cloned());
            known.chain(used).collect::<BTreeSet<_>>().into_iter().map(|label| (label, "")).collect()
        }
        "updated" | "created" => {
            let times =
                [("<1d", "within a day"), ("<7d", "within a week"), (">30d", "more than a month ago")];
            times.map(|(time, hint)| (time.to_owned(), hint)).to_vec()
        }
        _ => Vec::new(),
    }
}

/// Each with what it asks.
const KEYS: [(&str, &str); 12] = [
    ("is", "what it is: open, unread, unassigned \u{2026}"),
    ("status", "where it is in its life"),
    ("assignee", "who works on it"),
    ("requester", "whose problem it is"),
    ("label", "what was put on it"),
    ("priority", "how urgent it is"),
    ("project", "which project"),
    ("updated", "when something last happened"),
    ("created", "when it was filed"),
    ("number", "its number"),
    ("comments", "how many comments it has"),
    ("sort", "what comes first"),
];

/// As many can be taken in at a glance.
const SHOWN_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use assist_proto::query::Query;

    use super::{KEYS, propose, values};
    use crate::memory::Memory;
    use crate::state::State;

    fn queries(query: &str) -> Vec<String> {
        propose(&State::new(Memory::default()), query).into_iter().map(|proposal| proposal.query).collect()
    }

    #[test]
    fn the_last_word_is_gone_on_with() {
        assert_eq!(queries("hums as"), ["hums assignee:"]);
        assert_eq!(queries("-is:una"), ["-is:unassigned "]);
        assert_eq!(queries("is:open,pen"), ["is:open,pending "]);
        assert_eq!(queries("assignee:"), ["assignee:me ", "assignee:none "]);
        assert_eq!(queries("\u{3000}is:clo"), ["\u{3000}is:closed "]);
        for nothing in ["", "hums ", "xyz", "is:nonsense", "is:open", "\"is:", "nothing:x"] {
            assert_eq!(queries(nothing), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn whatever_is_proposed_is_understood() {
        let state = State::new(Memory::default());
        for (key, _) in KEYS {
            for (value, _) in values(&state, key) {
                let query = format!("{key}:{value}");
                assert!(Query::parse(&query).is_ok(), "{query}");
            }
        }
    }
}
