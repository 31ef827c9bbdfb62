//! People, documents and short ways to write edits, for the tests of this crate.

use crate::{
    Actor, Attachment, Author, BlobHash, Body, CommentId, DeviceId, Doc, DocId, Edit, Label, NewChange,
    Rejection, Role, ScannedChange, TicketId, Title, UnixMillis, UserId,
};

pub(crate) const TICKET: TicketId = TicketId::from_bytes([7; 16]);
pub(crate) const DOC: DocId = DocId::Ticket(TICKET);

/// A person with one device.
pub(crate) fn person(number: u8, role: Role) -> Author {
    let device = DeviceId::from_bytes([number; 32]);
    Author { user: UserId::from_bytes([number; 16]), role, actor: Actor::derive(&device, 0) }
}

/// The requester.
pub(crate) fn customer() -> Author {
    person(1, Role::Customer)
}

/// Another customer who was made a member of the ticket.
pub(crate) fn colleague() -> Author {
    person(2, Role::Customer)
}

pub(crate) fn agent() -> Author {
    person(3, Role::Agent)
}

pub(crate) fn admin() -> Author {
    person(4, Role::Admin)
}

pub(crate) fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}

pub(crate) fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

pub(crate) fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

pub(crate) fn create() -> Edit {
    Edit::CreateTicket { requester: customer().user, title: title("It hangs"), body: body("On start.") }
}

pub(crate) fn comment_id(number: u8) -> CommentId {
    CommentId::from_bytes([number; 16])
}

pub(crate) fn comment(number: u8, text: &str) -> Edit {
    Edit::AddComment { id: comment_id(number), body: body(text), reply_to: None, attachments: Vec::new() }
}

pub(crate) fn note(number: u8, text: &str) -> Edit {
    Edit::AddNote { id: comment_id(number), body: body(text), reply_to: None, attachments: Vec::new() }
}

/// An attachment, of the blob whose hash is all nines.
pub(crate) fn log_file() -> Attachment {
    Attachment {
        blob: BlobHash::from_bytes([9; 32]),
        name: "log.txt".to_owned(),
        size_bytes: 70_000,
        media_type: "text/plain".to_owned(),
    }
}

/// A ticket that the customer filed, and its first change.
pub(crate) fn ticket_doc() -> (Doc, NewChange) {
    let mut doc = Doc::new(DOC);
    let change = doc.apply(&customer(), UnixMillis(1_000), &[create()]).unwrap();
    (doc, change)
}

/// Scans and admits.
pub(crate) fn admit(doc: &mut Doc, bytes: &[u8], author: &Author) -> Result<Vec<Edit>, Rejection> {
    doc.admit(&ScannedChange::scan(bytes)?, author)
}
