//! The unit of work: a ticket with a title, a body of 500 characters and three comments of 200, each change signed.

use assist_crdt_model::{
    Actor, Author, Body, CommentId, DeviceId, Doc, DocId, Edit, ProjectId, Role, TicketId, TicketSummary,
    Title, UnixMillis, UserId,
};
use assist_proto::envelope::Envelope;
use assist_tests::dice::Dice;
use ed25519_dalek::SigningKey;

/// Texts and ids; the same seed gives the same.
pub(crate) struct Writer {
    dice: Dice,
    filed: u64,
    /// Whether every third word is one of many that are rare.
    is_wide: bool,
}

/// Somebody who writes.
pub(crate) struct Person {
    /// Of their device.
    pub(crate) key: SigningKey,
    /// Who they are.
    pub(crate) user: UserId,
    /// What they may do.
    pub(crate) role: Role,
}

/// A ticket with all its changes.
pub(crate) struct Filed {
    /// Which.
    pub(crate) ticket: TicketId,
    /// What a list shows.
    pub(crate) summary: TicketSummary,
    /// The first files it, three comment.
    pub(crate) envelopes: Vec<Envelope>,
    /// When each was made.
    pub(crate) times: Vec<UnixMillis>,
    /// Of Automerge's own form of the whole document.
    pub(crate) snapshot_bytes: u64,
}

impl Person {
    /// Makes one with a device.
    pub(crate) fn new(dice: &mut Dice, role: Role) -> Self {
        Self { key: SigningKey::from_bytes(&dice.bytes()), user: UserId::from_bytes(dice.bytes()), role }
    }

    /// Their device.
    pub(crate) fn device(&self) -> DeviceId {
        DeviceId::from_bytes(self.key.verifying_key().to_bytes())
    }

    /// As the author of a change.
    pub(crate) fn author(&self) -> Author {
        Author { user: self.user, role: self.role, actor: Actor::derive(&self.device(), 0) }
    }
}

impl Writer {
    /// Starts from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed), filed: 0, is_wide: false }
    }

    /// One whose texts have rare words too, as those of people have.
    pub(crate) fn wide(seed: u64) -> Self {
        Self { is_wide: true, ..Self::new(seed) }
    }

    /// A word that few texts have: some more, most less.
    pub(crate) fn rare_word(&mut self) -> String {
        let last = self.dice.between(1, RARE_WORDS);
        let mut number = self.dice.between(0, last);
        let mut word = String::with_capacity(8);
        for _ in 0..4 {
            let (consonant, vowel) = (number % 19, number / 19 % 5);
            number /= 95;
            word.push(char::from(b"bcdfghjklmnpqrstvwz"[usize::try_from(consonant).unwrap_or_default()]));
            word.push(char::from(b"aeiou"[usize::try_from(vowel).unwrap_or_default()]));
        }
        word
    }

    /// A word that many texts have.
    pub(crate) fn common_word(&mut self) -> String {
        let last = WORDS.len() as u64 - 1;
        WORDS[usize::try_from(self.dice.between(0, last)).unwrap_or_default()].to_owned()
    }

    /// Chance for others.
    pub(crate) fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    /// Text of exactly so many characters.
    pub(crate) fn text(&mut self, chars: usize) -> String {
        let mut text = String::with_capacity(chars + 16);
        while text.len() < chars {
            // Common words are common, as in prose: the lower of two throws.
            if self.is_wide && self.dice.one_in(3) {
                text.push_str(&self.rare_word());
                text.push(' ');
                continue;
            }
            let last = WORDS.len() as u64 - 1;
            let at = self.dice.between(0, last).min(self.dice.between(0, last));
            text.push_str(WORDS[usize::try_from(at).unwrap_or_default()]);
            text.push(if self.dice.one_in(12) { '\n' } else { ' ' });
        }
        text.truncate(chars);
        // An end of white space would be trimmed from a title.
        text.pop();
        text.push('.');
        text
    }

    /// One line.
    pub(crate) fn title(&mut self) -> String {
        self.text(40).replace('\n', " ")
    }

    /// A ticket of the customer with comments of both, the customer's first.
    pub(crate) fn ticket(
        &mut self,
        project: &ProjectId,
        customer: &Person,
        agent: &Person,
    ) -> anyhow::Result<Filed> {
        let ticket = TicketId::from_bytes(self.dice.bytes());
        let mut doc = Doc::new(DocId::Ticket(ticket));
        self.filed += 1;
        let filed_at = FIRST_MILLIS + self.filed * 60_000;
        let (title, body) = (Title::parse(&self.title())?, Body::parse(self.text(BODY_CHARS))?);
        let create = Edit::CreateTicket { requester: customer.user, title, body };
        let mut envelopes = vec![change(&mut doc, project, customer, filed_at, create)?];
        let mut times = vec![UnixMillis(filed_at)];
        for (number, person) in [customer, agent, customer].into_iter().enumerate() {
            let at = filed_at + 1_000 * (number as u64 + 1);
            let comment = self.comment(at)?;
            envelopes.push(change(&mut doc, project, person, at, comment)?);
            times.push(UnixMillis(at));
        }
        let summary = doc.summary().ok_or_else(|| anyhow::anyhow!("a filed ticket has a summary"))?;
        let snapshot_bytes = doc.save().len() as u64;
        Ok(Filed { ticket, summary, envelopes, times, snapshot_bytes })
    }

    /// A comment of 200 characters.
    pub(crate) fn comment(&mut self, at_millis: u64) -> anyhow::Result<Edit> {
        let id = CommentId::new(UnixMillis(at_millis), self.dice.bytes());
        let body = Body::parse(self.text(COMMENT_CHARS))?;
        Ok(Edit::AddComment { id, body, reply_to: None, attachments: Vec::new() })
    }
}

/// Makes and signs one change.
pub(crate) fn change(
    doc: &mut Doc,
    project: &ProjectId,
    person: &Person,
    at_millis: u64,
    edit: Edit,
) -> anyhow::Result<Envelope> {
    let made = doc.apply(&person.author(), UnixMillis(at_millis), &[edit])?;
    Ok(Envelope::sign(&person.key, project, doc.id(), 0, made))
}

/// Of a report.
pub(crate) const BODY_CHARS: usize = 500;
/// Of a comment.
pub(crate) const COMMENT_CHARS: usize = 200;
/// Of the title, the report and three comments.
pub(crate) const TICKET_TEXT_CHARS: usize = 40 + BODY_CHARS + 3 * COMMENT_CHARS;
/// How many rare words there are.
const RARE_WORDS: u64 = 50_000;
/// Changes of one ticket.
pub(crate) const CHANGES_PER_TICKET: u64 = 4;

/// When the first ticket was filed: November 2023.
const FIRST_MILLIS: u64 = 1_700_000_000_000;

const WORDS: &[&str] = &[
    "the",
    "a",
    "to",
    "and",
    "of",
    "is",
    "it",
    "in",
    "that",
    "node",
    "not",
    "on",
    "when",
    "with",
    "for",
    "after",
    "this",
    "we",
    "our",
    "have",
    "from",
    "server",
    "error",
    "starts",
    "connection",
    "again",
    "network",
    "since",
    "update",
    "version",
    "log",
    "shows",
    "cannot",
    "farm",
    "wallet",
    "deploy",
    "machine",
    "virtual",
    "gateway",
    "timeout",
    "reboot",
    "minutes",
    "yesterday",
    "customers",
    "address",
    "overlay",
    "packets",
    "mycelium",
    "firmware",
    "kernel",
    "storage",
    "disk",
    "volume",
    "mounted",
    "permission",
    "denied",
    "certificate",
    "invalid",
    "retry",
    "resolved",
    "workaround",
    "screenshot",
    "attached",
    "please",
    "thanks",
    "regards",
    "tomorrow",
    "colleague",
    "office",
    "morning",
    "behaviour",
    "expected",
    "actual",
    "reproduce",
    "steps",
    "click",
    "button",
    "page",
    "loading",
    "forever",
    "browser",
    "dashboard",
    "balance",
    "token",
    "contract",
    "billing",
    "invoice",
    "capacity",
    "reserved",
    "public",
    "private",
    "subnet",
    "peer",
    "handshake",
    "latency",
    "throughput",
    "degraded",
    "incident",
    "escalate",
    "priority",
    "urgent",
    "production",
    "staging",
    "cluster",
    "between",
    "because",
    "suddenly",
    "restart",
    "firewall",
    "laptop",
    "hotel",
    "tunnel",
    "interface",
    "route",
    "memory",
];
