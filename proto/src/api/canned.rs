//! `canned.*`: texts for common answers, kept in the project's own document, with places that a ticket fills.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::project::CannedReply;

/// Parameters of `canned.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
}

/// Answer of `canned.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CannedReplies {
    /// By name.
    pub canned_replies: Vec<CannedReply>,
}

/// Parameters of `canned.set`. For admins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// What agents type: 1 to 40 characters.
    pub name: String,
    /// Any text up to 64 KiB that is not blank. `{customer}`, `{number}`, `{agent}` and `{project}` are filled in when it
    /// is used.
    pub body: String,
}

/// Parameters of `canned.remove`. For admins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// Its name.
    pub name: String,
}

/// Parameters of `canned.preview`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The ticket that it is for: the id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// Its name, or an unambiguous beginning of it.
    pub name: String,
}

/// Answer of `canned.preview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Previewed {
    /// Its whole name.
    pub name: String,
    /// The text as it would be written.
    pub body: String,
}

/// What a canned reply says of a ticket.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// For `{customer}`: what the requester is called.
    pub customer: &'a str,
    /// For `{number}`: as people call the ticket.
    pub number: &'a str,
    /// For `{agent}`: what whoever answers is called.
    pub agent: &'a str,
    /// For `{project}`: its name.
    pub project: &'a str,
}

/// Fills the places of a text in. What stands in braces and is no place stays as it is, and so does what is filled in.
pub fn fill(text: &str, places: &Places<'_>) -> String {
    let known = [
        ("{customer}", places.customer),
        ("{number}", places.number),
        ("{agent}", places.agent),
        ("{project}", places.project),
    ];
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        match known.iter().find(|(place, _)| rest.starts_with(place)) {
            Some((place, value)) => {
                filled.push_str(value);
                rest = &rest[place.len()..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::{Places, fill};

    #[test]
    fn places_are_filled_once_and_other_braces_stay() {
        let places = Places { customer: "{agent}", number: "#142", agent: "Bob", project: "Hero" };
        let filled = |text: &str| fill(text, &places);
        assert_eq!(
            filled("Dear {customer}, {number} is done. {agent}, {project}"),
            "Dear {agent}, #142 is done. Bob, Hero"
        );
        assert_eq!(
            filled("{{number}} {nobody} { } {Number} {number"),
            "{#142} {nobody} { } {Number} {number"
        );
        assert_eq!(filled("\u{e4}{agent}\u{e4}{"), "\u{e4}Bob\u{e4}{");
        assert_eq!(filled(""), "");
    }
}
