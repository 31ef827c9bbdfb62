//! The bounds of the model. Those of the wire and the sync machine stand in `proto`'s `limits`.

/// A title fits one line of a list.
pub const TITLE_CHARS_MAX: usize = 80;
/// A project's name stands in window titles and mails.
pub const PROJECT_NAME_CHARS_MAX: usize = 80;
/// A label is a word or two.
pub const LABEL_CHARS_MAX: usize = 40;
/// A long log pasted whole; more belongs in an attachment.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Keeps the load of one document near 10 ms.
pub const COMMENTS_PER_TICKET_MAX: usize = 2_000;
/// As many as comments, for the same reason: they are a document of their own.
pub const NOTES_PER_TICKET_MAX: usize = 2_000;
/// A reason for closing is a sentence.
pub const REASON_CHARS_MAX: usize = 200;
/// Other tickets that one ticket names: a person reads them all.
pub const LINKS_PER_TICKET_MAX: usize = 50;
/// Labels on one ticket.
pub const LABELS_PER_TICKET_MAX: usize = 50;
/// Attachments named by one comment.
pub const ATTACHMENTS_PER_COMMENT_MAX: usize = 20;
/// An attachment's name is a label of a file, not a path.
pub const ATTACHMENT_NAME_CHARS_MAX: usize = 200;
/// An attachment's MIME type.
pub const MEDIA_TYPE_CHARS_MAX: usize = 100;
/// Labels in a project's catalogue, and canned replies.
pub const CATALOGUE_ENTRIES_MAX: usize = 500;
/// A change chunk: the largest comment plus what its operations need, with room.
pub const CHANGE_BYTES_MAX: usize = 160 * 1024;
/// Operations in one change: an honest change has at most a few dozen (a comment with 20 attachments has 90).
pub const OPS_PER_CHANGE_MAX: u64 = 256;
/// Predecessors in one change: one a field, more where the change settles conflicts.
pub const PREDS_PER_CHANGE_MAX: u64 = 1_024;
/// Dependencies of one change: an honest author merges what is there; concurrent heads stay few.
pub const DEPS_PER_CHANGE_MAX: usize = 64;
/// Other actors that one change names: at most those of its dependencies and predecessors.
pub const OTHER_ACTORS_PER_CHANGE_MAX: usize = 256;
/// Changes in one document: 2,000 comments, each edited now and then, and the ticket's own life.
pub const CHANGES_PER_DOC_MAX: usize = 20_000;
/// Operation counters stay far below 2^32, where Automerge breaks.
pub const OP_COUNTER_MAX: u64 = 1 << 30;
/// Any time in a document, in milliseconds: the year 10889. A bound on the number, not on clocks: those are wrong
/// often enough, so a time is clamped for display and never trusted for order.
pub const VALUE_TIMES_MAX: u64 = 1 << 48;
