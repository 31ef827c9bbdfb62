//! Texts that say where they were written: nobody is sent one that is not for them.

use std::collections::BTreeSet;

use assist_crdt_model::{DocId, UserId};
use assist_proto::certificate::DeviceCertificate;
use assist_proto::mail::Letter;
use assist_proto::store::{Audience, EntryKind, Seq, ServerStore, User};
use assist_proto::wire::{Introduce, codec};

use super::World;
use super::checks::contains;
use crate::peer::PeerId;

impl World {
    /// A text that nobody wrote before.
    pub(super) fn text(&mut self, project: usize) -> String {
        self.texts_made += 1;
        format!("{CANARY}{project}-{};", self.texts_made)
    }

    /// A device sends each project's server what is of that project.
    pub(super) fn check_sent_by_device(&self, bytes: &[u8], to: PeerId) {
        let Some(project) = self.projects.iter().position(|place| place.server == to) else { return };
        for (of_project, number) in texts_in(bytes) {
            assert_eq!(of_project, project, "text {number} was sent to the server of another project");
        }
    }

    /// What a server tells of people: an address to the team and its owner, the name of a customer to the team and to
    /// those who see a ticket that the customer is in, the name of a device to the team and its owner.
    pub(super) fn check_introduced(&self, introduce: &Introduce, project: usize, to: PeerId) {
        let reader = self.member(to, project).expect("only members are told of members");
        if reader.role.is_team() {
            return;
        }
        let server = self.server_store(project);
        for member in introduce.members.iter().filter(|member| member.user != reader.user) {
            assert_eq!(member.email, None, "an address was sent to another customer");
            let is_met = member.role.is_team() || self.meets(&reader, member.user, project);
            assert!(is_met, "{} was told of {}", self.net.peer(to).name, member.name);
        }
        for named in &introduce.devices {
            let device = ServerStore::device(server, &named.device).expect("memory is read");
            assert_eq!(device.map(|device| device.user), Some(reader.user), "another's device was named");
        }
    }

    /// Whether two people are in one document that the reader sees.
    fn meets(&self, reader: &User, other: UserId, project: usize) -> bool {
        let server = self.server_store(project);
        let audience = Audience::new(reader.user, reader.role);
        let log = server.log_after(audience, Seq::ZERO, usize::MAX).expect("memory is read");
        // The project's own document comes with a first load to those who were not there when it was written.
        let docs: BTreeSet<DocId> =
            log.iter().map(|entry| entry.doc).chain(std::iter::once(DocId::Project)).collect();
        docs.into_iter().any(|doc| {
            let members = match doc {
                DocId::Ticket(ticket) => server.members_of(ticket).expect("memory is read"),
                DocId::Project => Vec::new(),
                DocId::Notes(_) => return false,
            };
            let is_seen = doc == DocId::Project || members.contains(&reader.user);
            is_seen
                && (members.contains(&other)
                    || self.has_written(other, doc, project)
                    || self.works_on(other, doc, project)
                    || self.has_read(other, doc, project))
        })
    }

    /// Whether a ticket is somebody's to work on. A server that was restored may have forgotten that they are of the team.
    fn works_on(&self, user: UserId, doc: DocId, project: usize) -> bool {
        let Some(ticket) = doc.ticket() else { return false };
        let row = ServerStore::ticket(self.server_store(project), ticket).expect("memory is read");
        row.is_some_and(|row| row.assignee == Some(user))
    }

    /// Whether somebody's read mark is there for all who see the document.
    fn has_read(&self, user: UserId, doc: DocId, project: usize) -> bool {
        let Some(ticket) = doc.ticket() else { return false };
        let mark = ServerStore::read_mark(self.server_store(project), ticket, user).expect("memory is read");
        mark.is_some_and(|mark| mark.through > Seq::ZERO)
    }

    fn has_written(&self, user: UserId, doc: DocId, project: usize) -> bool {
        let server = self.server_store(project);
        let records = ServerStore::doc_records(server, doc).expect("memory is read");
        records.iter().any(|record| {
            let device = record.envelope.device;
            let on_roster = ServerStore::device(server, &device).expect("memory is read");
            // A server that was restored may know of it by what was given back alone.
            let vouched = ServerStore::certificate(server, &device, record.serial).expect("memory is read");
            let vouched = vouched.and_then(|signed| {
                codec::decode::<DeviceCertificate>("device certificate", &signed.payload).ok()
            });
            on_roster.is_some_and(|device| device.user == user)
                || vouched.is_some_and(|certificate| certificate.user == user)
        })
    }

    /// Everything that is sent is of the reader's project, and of documents that they may see at that moment.
    pub(super) fn check_canaries(&mut self, bytes: &[u8], project: usize, to: PeerId) {
        let reader = self.member(to, project);
        self.check_texts(bytes, project, reader.as_ref());
    }

    /// So is everything that is mailed, and it goes to members.
    pub(super) fn check_mails(&mut self) {
        for index in self.mails_seen..self.net.mails.len() {
            let (server, mail) = self.net.mails[index].clone();
            let project = self.projects.iter().position(|place| place.server == server);
            let project = project.expect("servers alone mail");
            let reader = self.server_store(project).user_by_email(&mail.to).expect("memory is read");
            let rendered = mail.render(None);
            assert!(reader.is_some() || !matches!(mail.letter, Letter::Digest(_)), "a stranger was mailed");
            for part in [&rendered.subject, &rendered.text, &rendered.html] {
                self.check_texts(part.as_bytes(), project, reader.as_ref());
            }
        }
        self.mails_seen = self.net.mails.len();
    }

    fn check_texts(&mut self, bytes: &[u8], project: usize, reader: Option<&User>) {
        for (of_project, number) in texts_in(bytes) {
            self.texts_seen += 1;
            assert_eq!(of_project, project, "a text of another project was sent");
            let doc = self.doc_of_text(project, number);
            let is_team = reader.is_some_and(|reader| reader.role.is_team());
            let may_read = match doc {
                DocId::Project => true,
                DocId::Notes(_) => is_team,
                DocId::Ticket(ticket) => {
                    let customers = self.server_store(project).members_of(ticket).expect("memory is read");
                    is_team || reader.is_some_and(|reader| customers.contains(&reader.user))
                }
            };
            assert!(may_read, "{:?} was sent a text of {doc:?}", reader.map(|reader| &reader.name));
        }
    }

    /// Where a text was written. If the author's device fell over before it said so, the log knows.
    fn doc_of_text(&mut self, project: usize, number: u64) -> DocId {
        if let Some(doc) = self.written_in.get(&(project, number)) {
            return *doc;
        }
        let text = format!("{CANARY}{project}-{number};");
        let server = self.server_store(project);
        let log = server.log_after(Audience::Team, Seq::ZERO, usize::MAX).expect("memory is read");
        let records = log.iter().filter(|entry| matches!(entry.kind, EntryKind::Record { .. }));
        let found = records
            .map(|entry| server.record(entry).expect("every place has its record").envelope)
            .find(|envelope| contains(&envelope.change, text.as_bytes()));
        let doc = found.expect("what is sent is in the log").doc;
        self.written_in.insert((project, number), doc);
        doc
    }
}

/// The texts in some bytes, by project and number.
fn texts_in(bytes: &[u8]) -> Vec<(usize, u64)> {
    let mut texts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(CANARY.len()).position(|window| window == CANARY.as_bytes()) {
        rest = &rest[at + CANARY.len()..];
        texts.extend(parse(rest));
    }
    texts
}

/// What stands behind the beginning of a text.
fn parse(rest: &[u8]) -> Option<(usize, u64)> {
    let end = rest.iter().position(|byte| *byte == b';')?;
    let (project, number) = std::str::from_utf8(&rest[..end]).ok()?.split_once('-')?;
    Some((project.parse().ok()?, number.parse().ok()?))
}

/// How every text begins.
const CANARY: &str = "canary-";
