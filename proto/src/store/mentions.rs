//! Where this device's user is mentioned in a ticket, as far as a list has to know.

use super::Seq;

/// The newest places of a ticket that mention the user, and what of its notes they have been shown here. Notes have no
/// read marks on the server: a ticket's mark goes as far as what customers may see of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mentions {
    /// The newest record that wrote a comment with a mention, of those that stand now; 0 for none.
    pub in_comments: Seq,
    /// The same of notes.
    pub in_notes: Seq,
    /// The newest record of the notes that was shown on this device; 0 for none.
    pub notes_read: Seq,
}

impl Mentions {
    /// Whether the user is mentioned at all.
    pub fn is_any(&self) -> bool {
        self.in_comments.max(self.in_notes) > Seq::ZERO
    }

    /// Whether they are where they have not read, if they have read the ticket this far. The log is one: whoever has read
    /// a comment had the notes that came before it.
    pub fn is_new(&self, read: Option<Seq>) -> bool {
        let read = read.unwrap_or_default();
        self.in_comments > read || self.in_notes > read.max(self.notes_read)
    }

    /// The same after the notes were looked through again. What was read in a former log is so at its new place.
    #[must_use]
    pub fn with_notes(self, in_notes: Seq, read: Option<Seq>) -> Self {
        let has_moved = self.notes_read.is_former() && !in_notes.is_former();
        let was_read = self.in_notes <= self.notes_read.max(read.unwrap_or_default());
        let notes_read = match (has_moved, was_read) {
            (false, _) => self.notes_read,
            (true, true) => in_notes,
            (true, false) => Seq::ZERO,
        };
        Self { in_notes, notes_read, ..self }
    }
}
