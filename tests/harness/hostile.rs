//! Every way that is known to hurt a program that gives foreign changes to Automerge, as envelopes that a member of a
//! project could push: what each does there, and the verdict that it gets from us.
//!
//! The envelopes are judged by what a server judges them by before the hub: signature, author, gate. Tests check the
//! verdicts and what judging costs; the benchmark `gate` measures the same shapes.

pub mod shapes;

use assist_crdt_model::{
    Actor, Author, Body, ChangeHash, CommentId, DeviceId, Doc, DocId, Edit, NewChange, ProjectId, RejectCode,
    Rejection, Role, ScannedChange, Status, TicketId, Title, UnixMillis, UserId,
};
use assist_proto::envelope::Envelope;
use ed25519_dalek::SigningKey;

/// One way to attack.
#[derive(Clone, Copy)]
pub struct Shape {
    /// As a test is called.
    pub name: &'static str,
    /// What comes of it without a gate.
    pub harm: Harm,
    /// What it gets.
    pub code: RejectCode,
    /// Makes it, in one or several variants.
    pub make: fn(&Bed) -> Vec<Envelope>,
}

/// What bare Automerge does with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// It panics.
    Panics,
    /// It takes it, and what it saves then never loads again.
    NeverLoadsAgain,
    /// It spends memory or time that nobody bounds.
    Costs,
    /// It believes what is not so, or becomes unusable later.
    Misleads,
}

/// Calls the macro `$with` with the list of all shapes. A row is `name harm code;`.
#[macro_export]
macro_rules! for_each_hostile_shape {
    ($with:ident) => {
        $with! {
            gap_in_the_sequence Panics WrongSeq;
            first_change_numbered_five Panics WrongSeq;
            operation_on_a_missing_object Panics NoSuchTarget;
            operation_on_an_object_of_a_stranger Panics NoSuchTarget;
            operation_on_a_scalar Panics NoSuchTarget;
            author_footer Panics Malformed;
            deletion_of_nothing NeverLoadsAgain NotAnEdit;
            operation_counter_too_low NeverLoadsAgain WrongStartOp;
            own_operation_ids_again NeverLoadsAgain WrongStartOp;
            predecessor_of_another_key NeverLoadsAgain WrongPred;
            predecessor_that_is_not_there NeverLoadsAgain WrongPred;
            dependencies_emptied NeverLoadsAgain WrongDeps;
            operation_counter_at_its_end Misleads TooLarge;
            sequence_number_used_twice Misleads WrongSeq;
            unknown_key_that_removes_a_field Misleads NotAnEdit;
            field_that_removes_another_one Misleads WrongPred;
            million_operations Costs TooLarge;
            ten_million_operations Costs TooLarge;
            deflated_chunk Costs Malformed;
            large_deflated_chunk Costs TooLarge;
            deflated_column Costs Malformed;
            billion_predecessors Costs Malformed;
            value_longer_than_the_change Costs Malformed;
            million_dependencies Costs TooLarge;
            thousands_of_dependencies Costs TooLarge;
            orphan Costs MissingDep;
            change_of_megabytes Costs TooLarge;
            text_over_its_limit Costs BadValue;
            clock_at_its_ends Misleads Malformed;
            value_time_at_its_ends Misleads BadValue;
            signature_in_anothers_name Misleads BadSignature;
            actor_of_another Misleads WrongActor;
            comment_in_anothers_name Misleads BadValue;
            change_moved_to_another_document Misleads BadSignature;
            change_of_another_document_signed_again Misleads MissingDep;
            beginning_of_another_document_signed_again Misleads AlreadyThere;
            change_of_another_project Misleads BadSignature;
        }
    };
}

macro_rules! table {
    ($($name:ident $harm:ident $code:ident;)+) => {
        /// All of them.
        pub const SHAPES: &[Shape] = &[$(Shape {
            name: stringify!($name),
            harm: Harm::$harm,
            code: RejectCode::$code,
            make: shapes::$name,
        }),+];
    };
}

for_each_hostile_shape!(table);

/// Somebody with a device of their own.
pub struct Member {
    /// The device's key.
    pub key: SigningKey,
    /// Who it is to the gate.
    pub author: Author,
}

impl Member {
    fn new(number: u8, role: Role) -> Self {
        let key = SigningKey::from_bytes(&[number; 32]);
        let device = DeviceId::from_bytes(key.verifying_key().to_bytes());
        let author = Author {
            user: UserId::from_bytes([number; 16]),
            role,
            actor: Actor::derive(&device, INCARNATION),
        };
        Self { key, author }
    }

    /// Of their device.
    pub fn device(&self) -> DeviceId {
        DeviceId::from_bytes(self.key.verifying_key().to_bytes())
    }
}

/// Of every device here.
pub const INCARNATION: u32 = 0;
/// When everything here was written.
pub const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

const TICKET: TicketId = TicketId::from_bytes([7; 16]);

/// The reference ticket: 25 changes by four people, 20 comments; and what is needed to attack it.
pub struct Bed {
    /// Which project.
    pub project: ProjectId,
    /// The ticket.
    pub doc: Doc,
    /// Its changes, as they are stored.
    pub stored: Vec<Vec<u8>>,
    /// As it was before the agent's last change.
    pub behind: Doc,
    /// Whose ticket it is.
    pub customer: Member,
    /// Another customer on the ticket.
    pub colleague: Member,
    /// Works the ticket.
    pub agent: Member,
    /// On the roster, and has written nothing yet.
    pub admin: Member,
}

impl Default for Bed {
    fn default() -> Self {
        Self::new()
    }
}

impl Bed {
    /// Makes the ticket; the same each time.
    ///
    /// # Panics
    /// If the model does not let honest people write.
    pub fn new() -> Self {
        let people =
            [Member::new(1, Role::Customer), Member::new(2, Role::Customer), Member::new(3, Role::Agent)];
        let [customer, colleague, agent] = people;
        let mut doc = Doc::new(DocId::Ticket(TICKET));
        let mut stored = Vec::new();
        let mut write = |doc: &mut Doc, author: &Author, edit: Edit| {
            stored.push(doc.apply(author, NOW, &[edit]).expect("an honest edit").bytes);
        };
        write(&mut doc, &customer.author, filed_by(&customer));
        let second_agent = Member::new(5, Role::Agent);
        let writers = [&customer, &colleague, &agent, &second_agent];
        for number in 0..20 {
            write(&mut doc, &writers[usize::from(number) % 4].author, comment(number, 200));
        }
        let statuses = [Status::Pending, Status::Resolved, Status::Open];
        for status in statuses {
            write(&mut doc, &agent.author, Edit::SetStatus(status));
        }
        let behind = doc.clone();
        write(&mut doc, &agent.author, Edit::SetAssignee(Some(agent.author.user)));
        let project = ProjectId::from_bytes(SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes());
        let admin = Member::new(4, Role::Admin);
        Self { project, doc, stored, behind, customer, colleague, agent, admin }
    }

    /// The next honest change of somebody.
    ///
    /// # Panics
    /// If they may not make it.
    pub fn next(&self, member: &Member, edit: Edit) -> NewChange {
        self.doc.clone().apply(&member.author, NOW, &[edit]).expect("an honest edit")
    }

    /// Signs whatever bytes somebody makes, for this ticket.
    pub fn sign(&self, member: &Member, bytes: Vec<u8>) -> Envelope {
        let hash =
            ScannedChange::scan(&bytes).map_or(ChangeHash::from_bytes([0; 32]), |change| change.hash());
        let change = NewChange { hash, bytes };
        Envelope::sign(&member.key, &self.project, self.doc.id(), INCARNATION, change)
    }

    /// Judges an envelope: signature, roster, gate.
    ///
    /// # Errors
    /// The verdict, if it is a refusal.
    pub fn judge(&self, doc: &mut Doc, envelope: Envelope) -> Result<Vec<Edit>, Rejection> {
        let verified = envelope.verify(&self.project).map_err(|refused| refused.rejection)?;
        let members = [&self.customer, &self.colleague, &self.agent, &self.admin];
        let device = verified.envelope().device;
        let Some(member) = members.into_iter().find(|member| member.device() == device) else {
            let detail = "not on the roster".to_owned();
            return Err(Rejection { code: RejectCode::UnknownDevice, detail });
        };
        let actor = Actor::derive(&device, verified.envelope().incarnation);
        doc.admit(verified.change(), &Author { actor, ..member.author })
    }
}

/// Files a ticket for oneself.
fn filed_by(member: &Member) -> Edit {
    Edit::CreateTicket {
        requester: member.author.user,
        title: Title::parse("It hangs when the network changes").expect("a title"),
        body: text(500),
    }
}

/// A comment of so many characters.
///
/// # Panics
/// If that is more than a comment may have.
pub fn comment(number: u8, chars: usize) -> Edit {
    let id = CommentId::from_bytes([number.wrapping_add(1); 16]);
    Edit::AddComment { id, body: text(chars), reply_to: None, attachments: Vec::new() }
}

fn text(chars: usize) -> Body {
    Body::parse("c".repeat(chars)).expect("a text within its limit")
}

#[cfg(test)]
mod tests;
