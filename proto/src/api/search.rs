//! `search.*`: finding tickets by what was written in them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ticket::TicketRow;

/// Parameters of `search.query`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// What to look for: words, phrases in quotes, and conditions as `ticket.list` takes them.
    pub query: String,
    /// Only in this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// How many results at most, up to 100; 20 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How many of the best to skip, up to 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// The best first, or as `sort:` in the query says.
    pub results: Vec<FoundTicket>,
    /// How many there are in all.
    pub total: u64,
    /// Whether everything on this device was looked at. False while the index is made, as after a first sync.
    pub is_complete: bool,
}

/// A ticket that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoundTicket {
    /// As lists show it.
    pub ticket: TicketRow,
    /// The texts that show best why it was found, at most three; none if nothing is looked for in texts.
    pub snippets: Vec<Snippet>,
}

/// A piece of one text of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Snippet {
    /// Which text it is from.
    pub part: Part,
    /// The comment or note that it is from, or that names the attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// A line or two of it.
    pub text: String,
    /// What was found, in characters of `text`, in order.
    pub highlights: Vec<Highlight>,
    /// Whether something stands before it.
    pub is_cut_before: bool,
    /// Whether something stands behind it.
    pub is_cut_behind: bool,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Highlight {
    /// The first character, from 0 on.
    pub start: u64,
    /// The character behind the last.
    pub end: u64,
}

/// Which text of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The title.
    Title,
    /// The report.
    Body,
    /// A comment.
    Comment,
    /// A note of the team.
    Note,
    /// The name of an attachment.
    Attachment,
}
