//! Full text: what of a ticket is searched, what counts as a word, and what a query's words match.
//!
//! [`TicketText`] is what of a ticket can be found, [`terms()`] takes a text apart, [`Wanted`] is one thing that a query
//! looks for. An index on disk only makes it quick: it holds the same terms at the same positions, and whatever it
//! does not hold yet is asked of the text itself by [`Wanted::is_in`]. Both must find the same.
//!
//! Pure, and bounded: a word counts with its first [`crate::limits::WORD_CHARS_MAX`] characters.

mod fold;
mod snippet;
mod terms;
mod wanted;

use std::ops::Range;

use assist_crdt_model::{Comment, CommentId, Ticket};

pub(crate) use fold::fold;
pub use snippet::{Snippet, snippets};
pub use terms::{Term, TermKind, terms};
pub use wanted::{NothingWanted, Wanted};

/// What of a ticket can be found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TicketText {
    /// In the order in which they are shown; the title first.
    pub parts: Vec<Part>,
}

/// One text of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which.
    pub kind: PartKind,
    /// The comment or note that it is, or belongs to.
    pub comment: Option<CommentId>,
    /// As it was written.
    pub text: String,
}

/// Which text of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// The title.
    Title,
    /// The report.
    Body,
    /// A comment.
    Comment,
    /// A note; only devices of the team have any.
    Note,
    /// What an attachment is called.
    Attachment,
}

/// A text taken apart once, to be asked many times.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Analysed {
    title: Vec<Term>,
    text: Vec<Term>,
}

impl TicketText {
    /// The text of a ticket of which only the title is known yet.
    pub fn of_title(title: &str) -> Self {
        Self { parts: vec![Part { kind: PartKind::Title, comment: None, text: title.to_owned() }] }
    }

    /// The text of a ticket with its notes. What was struck is not in it.
    pub fn new(ticket: &Ticket, notes: &[Comment]) -> Self {
        let mut text = Self::of_title(&ticket.title);
        text.parts.push(Part { kind: PartKind::Body, comment: None, text: ticket.body.clone() });
        text.push_comments(PartKind::Comment, &ticket.comments);
        text.push_comments(PartKind::Note, notes);
        text.parts.retain(|part| !part.text.is_empty());
        text
    }

    fn push_comments(&mut self, kind: PartKind, comments: &[Comment]) {
        for comment in comments.iter().filter(|comment| !comment.is_deleted) {
            let id = Some(comment.id);
            self.parts.push(Part { kind, comment: id, text: comment.body.clone() });
            let names = comment.attachments.iter().map(|attachment| attachment.name.clone());
            self.parts.extend(names.map(|text| Part { kind: PartKind::Attachment, comment: id, text }));
        }
    }

    /// Takes it apart: the title by itself, everything else one behind the other with gaps that no phrase crosses.
    pub fn analyse(&self) -> Analysed {
        let mut analysed = Analysed::default();
        let mut next = 0;
        for part in &self.parts {
            if part.kind == PartKind::Title {
                analysed.title.extend(terms(&part.text));
                continue;
            }
            let first = next;
            for mut term in terms(&part.text) {
                term.position += first;
                next = term.position + PART_GAP;
                analysed.text.push(term);
            }
        }
        analysed
    }
}

impl Analysed {
    /// The terms of the title, by position.
    pub fn title(&self) -> &[Term] {
        &self.title
    }

    /// The terms of everything else, by position.
    pub fn text(&self) -> &[Term] {
        &self.text
    }
}

/// Where something stands in a text, in bytes.
pub type Place = Range<usize>;

/// From the last position of a part to the first of the next: one that nothing has is between them, and no phrase has a
/// hole. Wider gaps would only make positions larger, of which an index holds one for each word.
const PART_GAP: u32 = 2;

#[cfg(test)]
mod tests;
