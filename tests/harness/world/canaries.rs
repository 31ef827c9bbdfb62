//! Texts that say where they were written: nobody is sent one that is not for them.

use assist_crdt_model::DocId;
use assist_proto::store::{Audience, EntryKind, Seq, ServerStore as _};

use super::World;
use super::checks::contains;
use crate::peer::PeerId;

impl World {
    /// A text that nobody wrote before.
    pub(super) fn text(&mut self, project: usize) -> String {
        self.texts_made += 1;
        format!("{CANARY}{project}-{};", self.texts_made)
    }

    /// Everything that is sent is of the reader's project, and of documents that they may see at that moment.
    pub(super) fn check_canaries(&mut self, bytes: &[u8], project: usize, to: PeerId) {
        let mut rest = bytes;
        while let Some(at) = rest.windows(CANARY.len()).position(|window| window == CANARY.as_bytes()) {
            rest = &rest[at + CANARY.len()..];
            let Some((of_project, number)) = parse(rest) else { continue };
            assert_eq!(of_project, project, "a text of another project was sent");
            let doc = self.doc_of_text(project, number);
            let may_read = match doc {
                DocId::Project => true,
                DocId::Notes(_) => self.is_team(to, project),
                DocId::Ticket(ticket) => self.may_see(to, project, ticket),
            };
            assert!(may_read, "{} was sent a text of {doc:?}", self.net.peer(to).name);
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
        let records = log.iter().filter(|entry| !matches!(entry.kind, EntryKind::Visibility(_)));
        let found = records
            .map(|entry| server.record(entry).expect("every place has its record").envelope)
            .find(|envelope| contains(&envelope.change, text.as_bytes()));
        let doc = found.expect("what is sent is in the log").doc;
        self.written_in.insert((project, number), doc);
        doc
    }
}

/// What stands behind the beginning of a text.
fn parse(rest: &[u8]) -> Option<(usize, u64)> {
    let end = rest.iter().position(|byte| *byte == b';')?;
    let (project, number) = std::str::from_utf8(&rest[..end]).ok()?.split_once('-')?;
    Some((project.parse().ok()?, number.parse().ok()?))
}

/// How every text begins.
const CANARY: &str = "canary-";
