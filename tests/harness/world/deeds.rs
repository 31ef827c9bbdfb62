//! What people do, at random, as their role allows, and now and then as it does not.

use assist_crdt_model::{
    Body, CommentId, Doc, DocId, Edit, Label, Priority, ProjectName, Role, Status, Ticket, TicketId, Title,
    UnixMillis, UserId,
};
use assist_proto::hub::Command;
use assist_proto::store::DeviceStore as _;

use super::{Asked, Seat, World};
use crate::memory_store::MemoryStore;

impl World {
    /// Somebody does something.
    pub fn act(&mut self) {
        let Some(seat) = self.net.dice.pick(&self.seats) else { return };
        if !self.net.peer(seat.device).is_up() {
            return;
        }
        let tickets = self.tickets_at(seat);
        let texts_before = self.texts_made;
        if self.role_of(seat) == Some(Role::Admin) && self.net.dice.one_in(3) {
            self.change_project(seat);
            return;
        }
        if !tickets.is_empty() && self.net.dice.one_in(5) {
            self.read_something(seat, &tickets);
            return;
        }
        let wants_new = tickets.is_empty() || self.net.dice.one_in(4);
        let (command, token) = if wants_new && tickets.len() < TICKETS_MAX {
            self.new_ticket(seat)
        } else {
            let Some(ticket) = self.net.dice.pick(&tickets) else { return };
            let Some(snapshot) = self.ticket_at(seat, ticket) else { return };
            self.change_ticket(seat, &snapshot)
        };
        self.net
            .trace
            .note(self.net.now(), || format!("{} wants {command:?}", self.net.peer(seat.device).name));
        let call = self.net.ask(seat.device, command);
        self.asked.insert(call, Asked { seat, token, texts: texts_before + 1..=self.texts_made });
    }

    /// Looks at a ticket; now and then the person first makes up their mind about who may know.
    fn read_something(&mut self, seat: Seat, tickets: &[TicketId]) {
        let Some(ticket) = self.net.dice.pick(tickets) else { return };
        let project = self.projects[seat.project].id;
        if self.net.dice.one_in(6) {
            let is_on = self.net.dice.one_in(2);
            self.net.ask(seat.device, Command::SendReadMarks { project, is_on });
        }
        self.net.ask(seat.device, Command::MarkRead { project, ticket, through: None });
    }

    /// The tickets that the device of a seat holds.
    pub fn tickets_at(&self, seat: Seat) -> Vec<TicketId> {
        let store = &self.net.peer(seat.device).store;
        let docs = store.docs(&self.projects[seat.project].id).expect("memory is read");
        docs.into_iter()
            .filter_map(|doc| match doc {
                DocId::Ticket(ticket) => Some(ticket),
                _ => None,
            })
            .collect()
    }

    /// A ticket as the device of a seat has it.
    pub fn ticket_at(&self, seat: Seat, ticket: TicketId) -> Option<Ticket> {
        let store = &self.net.peer(seat.device).store;
        store.doc(&self.projects[seat.project].id, DocId::Ticket(ticket)).ticket()
    }

    fn change_project(&mut self, seat: Seat) {
        let texts_before = self.texts_made;
        let token = self.text(seat.project);
        let edit = match self.net.dice.one_in(2) {
            true => Edit::SetProjectName(ProjectName::parse(&token).expect("a token is short")),
            false => Edit::DefineLabel {
                label: Label::parse(&token).expect("a token is short"),
                description: Body::default(),
            },
        };
        let project = self.projects[seat.project].id;
        let call =
            self.net.ask(seat.device, Command::Edit { project, doc: DocId::Project, edits: vec![edit] });
        self.asked.insert(call, Asked { seat, token: None, texts: texts_before + 1..=self.texts_made });
    }

    fn new_ticket(&mut self, seat: Seat) -> (Command, Option<String>) {
        let customers = self.users_in(seat.project, |role| role == Role::Customer);
        let requester = match self.is_on_team(seat) {
            true => self.net.dice.pick(&customers),
            false => None,
        };
        let token = self.text(seat.project);
        let title = Title::parse(&token).expect("a token is short");
        let body = Body::parse(format!("{token} in full")).expect("a token is short");
        let command = Command::CreateTicket {
            project: self.projects[seat.project].id,
            requester,
            title,
            body,
            edits: Vec::new(),
            attachments: Vec::new(),
        };
        (command, Some(token))
    }

    fn change_ticket(&mut self, seat: Seat, ticket: &Ticket) -> (Command, Option<String>) {
        let project = self.projects[seat.project].id;
        let token = self.text(seat.project);
        let body = Body::parse(self.mentioning(&token)).expect("a token is short");
        if self.net.dice.one_in(3) {
            let last = ticket.comments.last().map(|comment| comment.id);
            let reply_to = last.filter(|_| self.net.dice.one_in(2));
            let (ticket, attachments) = (ticket.id, Vec::new());
            let command = Command::Comment { project, ticket, body, reply_to, attachments, hold_millis: 0 };
            return (command, Some(token));
        }
        if self.is_on_team(seat) && self.net.dice.one_in(6) {
            let (ticket, attachments, reply_to) = (ticket.id, Vec::new(), None);
            let command = Command::Note { project, ticket, body, reply_to, attachments, hold_millis: 0 };
            return (command, Some(token));
        }
        let edits = match self.is_on_team(seat) {
            true => self.team_edits(seat, ticket, &token, body),
            false => self.customer_edits(seat, ticket, &token, body),
        };
        (Command::Edit { project, doc: DocId::Ticket(ticket.id), edits }, None)
    }

    fn customer_edits(&mut self, seat: Seat, ticket: &Ticket, token: &str, body: Body) -> Vec<Edit> {
        let title = Title::parse(token).expect("a token is short");
        match self.net.dice.between(0, 6) {
            0 => vec![Edit::SetTitle(title)],
            1 => vec![Edit::SetBody(body)],
            2 => vec![Edit::SetStatus(Status::Closed)],
            3 => vec![Edit::SetStatus(Status::Open), Edit::SetTitle(title)],
            4 => match self.own_comment(seat, ticket) {
                Some(id) => vec![Edit::DeleteComment(id)],
                None => vec![Edit::SetStatus(Status::Open)],
            },
            _ => match self.own_comment(seat, ticket) {
                Some(id) => vec![Edit::EditComment { id, body }],
                None => vec![Edit::SetBody(body)],
            },
        }
    }

    fn team_edits(&mut self, seat: Seat, ticket: &Ticket, token: &str, body: Body) -> Vec<Edit> {
        let label = self.net.dice.pick(&["bug", "crash", "docs"]).unwrap_or("bug");
        let label = Label::parse(label).expect("a short word");
        match self.net.dice.between(0, 8) {
            0 => vec![Edit::SetTitle(Title::parse(token).expect("a token is short"))],
            1 => vec![Edit::SetStatus(self.net.dice.pick(Status::ALL).unwrap_or(Status::Open))],
            2 => vec![Edit::SetPriority(self.net.dice.pick(Priority::ALL))],
            3 if self.net.dice.one_in(3) => {
                vec![Edit::AddLabel(Label::parse(token).expect("a token is short"))]
            }
            3 => vec![Edit::AddLabel(label)],
            4 => vec![Edit::RemoveLabel(label)],
            5 => vec![Edit::SetSnoozedUntil(Some(UnixMillis(self.net.now())))],
            6 => match self.own_comment(seat, ticket) {
                Some(id) => vec![Edit::EditComment { id, body }],
                None => vec![Edit::AddLabel(label)],
            },
            // Only the server can know that a customer is nobody to assign to.
            7 if self.net.dice.one_in(3) => vec![Edit::SetAssignee(Some(ticket.requester))],
            _ => {
                let team = self.users_in(seat.project, Role::is_team);
                vec![Edit::SetAssignee(self.net.dice.pick(&team)), Edit::SetStatus(Status::Pending)]
            }
        }
    }

    fn is_on_team(&self, seat: Seat) -> bool {
        self.role_of(seat).is_some_and(Role::is_team)
    }

    fn own_comment(&mut self, seat: Seat, ticket: &Ticket) -> Option<CommentId> {
        let user = self.user_of(seat)?;
        let own = ticket.comments.iter().filter(|comment| comment.author == user && !comment.is_deleted);
        let own: Vec<CommentId> = own.map(|comment| comment.id).collect();
        self.net.dice.pick(&own)
    }

    /// The users of a project who sit somewhere, in a fitting role.
    fn users_in(&self, project: usize, fits: impl Fn(Role) -> bool) -> Vec<UserId> {
        let seats = self.seats.iter().filter(|seat| seat.project == project);
        let mut users: Vec<UserId> = seats
            .filter(|seat| self.role_of(**seat).is_some_and(&fits))
            .filter_map(|seat| self.user_of(*seat))
            .collect();
        users.sort();
        users.dedup();
        users
    }
}

impl MemoryStore {
    /// A document as this device shows it: what was admitted, then what waits, unless what that follows is lacking.
    ///
    /// # Panics
    /// If it does not load.
    pub fn doc(&self, project: &assist_crdt_model::ProjectId, doc: DocId) -> Doc {
        let records = self.doc_records(project, doc).expect("memory is read");
        let own = self.outbox_of_doc(project, doc).expect("memory is read");
        let is_lacking = self.sync_state(project).expect("memory is read").lacking.contains(&doc);
        let own = if is_lacking { Vec::new() } else { own };
        let admitted = records.iter().map(|record| record.envelope.change.as_slice());
        let pending = own.iter().map(|(_, entry)| entry.envelope.change.as_slice());
        Doc::load(doc, admitted.chain(pending)).expect("what is stored loads")
    }
}

/// Enough to get in each other's way.
const TICKETS_MAX: usize = 6;
