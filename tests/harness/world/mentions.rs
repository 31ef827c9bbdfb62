//! Who is mentioned: what a device knows beside its rows is what its documents say, and front ends are told of nothing
//! else.

use std::collections::BTreeMap;

use assist_crdt_model::{ChangeHash, Comment, CommentId, Doc, DocId, Edit, ProjectId, ScannedChange, UserId};
use assist_proto::hub::{Notice, Notification, NotifiedText, Reason};
use assist_proto::mention::Names;
use assist_proto::store::{DeviceStore, Mentions, Seq};

use super::{Seat, World};
use crate::memory_store::MemoryStore;
use crate::peer::PeerId;

impl World {
    /// A text with somebody mentioned in it, or nobody.
    pub(super) fn mentioning(&self, token: &str) -> String {
        let names = self.people.iter().map(|person| format!("{token} @{}", person.name));
        let all: Vec<String> = std::iter::once(token.to_owned()).chain(names).collect();
        let at = usize::try_from(self.texts_made).expect("few texts are made") % all.len();
        all[at].clone()
    }

    /// What front ends of a seat's device were told that is for its user, so far.
    pub fn told_of(&self, seat: Seat) -> Vec<(Reason, Option<CommentId>)> {
        let of_seat = self.notifications.iter().filter(|(peer, _)| *peer == seat.device);
        let told = of_seat.filter_map(|(_, notice)| match notice {
            Notice::Notification(told) => Some((told.reason, told.comment.as_ref().map(|text| text.comment))),
            _ => None,
        });
        told.collect()
    }

    /// What is told to be for a user is so, is somebody else's doing, and is told once.
    pub(super) fn check_notification(&mut self, peer: PeerId, notice: &Notice) {
        let Notice::Notification(Notification { project, ticket, reason, comment, by, .. }) = notice else {
            return;
        };
        let (name, store) = (&self.net.peer(peer).name, &self.net.peer(peer).store);
        let memberships = store.memberships().expect("memory is read");
        let own = memberships.into_iter().find(|own| own.project == *project).expect("it is a member");
        assert_ne!(*by, Some(own.user), "{name} was told of its own doing");
        if let Some(NotifiedText { comment, is_note, excerpt }) = comment {
            assert!(!is_note || own.role.is_team(), "{name} was told of a note");
            let doc = if *is_note { DocId::Notes(*ticket) } else { DocId::Ticket(*ticket) };
            let text = store.doc(project, doc).text(*comment);
            let text = text.unwrap_or_else(|| panic!("{name} was told of what it does not have"));
            let is_mentioned = names_at(store, project).is_mentioned(own.user, &text.body);
            assert!(text.body.trim().starts_with(excerpt.trim_end_matches('\u{2026}')), "{excerpt:?}");
            assert_eq!(is_mentioned, *reason == Reason::Mentioned, "{name}: {:?}", text.body);
            let is_first = self.told_comments.insert((peer, *comment));
            assert!(is_first || self.restored.contains(&peer), "{name} was told twice");
        }
        self.notifications.push((peer, notice.clone()));
    }

    /// What a device keeps of a document's mentions is what the document says.
    pub(super) fn check_mentions(&self, seat: Seat, doc: &Doc) {
        let Some(ticket) = doc.id().ticket() else { return };
        let (peer, project) = (self.net.peer(seat.device), self.projects[seat.project].id);
        let user = self.user_of(seat).expect("a seat is a member");
        let known = peer.store.mentions(&project, ticket).expect("memory is read");
        let (known, texts) = match doc.id() {
            DocId::Notes(_) => (known.in_notes, doc.notes().unwrap_or_default()),
            _ => (known.in_comments, doc.ticket().map(|it| it.comments).unwrap_or_default()),
        };
        let wanted = newest(&peer.store, &project, doc, &texts, user);
        assert_eq!(known, wanted, "{}: mentions in {:?}", peer.name, doc.id());
    }

    /// The count is that of the tickets.
    pub(super) fn check_mentioned_count(&self, seat: Seat) {
        let (peer, project) = (self.net.peer(seat.device), self.projects[seat.project].id);
        let is_new = |doc: &DocId| {
            let DocId::Ticket(ticket) = doc else { return false };
            let mentions: Mentions = peer.store.mentions(&project, *ticket).expect("memory is read");
            mentions.is_new(peer.store.own_read(&project, *ticket).expect("memory is read"))
        };
        let docs = peer.store.docs(&project).expect("memory is read");
        let count = peer.store.mentioned_count(&project).expect("memory is read");
        assert_eq!(count, docs.iter().filter(|doc| is_new(doc)).count() as u64, "{}", peer.name);
    }
}

/// The place of the newest record that wrote, as it stands, what mentions a user.
fn newest(store: &MemoryStore, project: &ProjectId, doc: &Doc, texts: &[Comment], user: UserId) -> Seq {
    let names = names_at(store, project);
    let mut written_by: BTreeMap<CommentId, (String, ChangeHash)> = BTreeMap::new();
    for entry in doc.history() {
        for (edit, _) in &entry.edits {
            let (Edit::AddComment { id, body, .. }
            | Edit::EditComment { id, body }
            | Edit::AddNote { id, body, .. }
            | Edit::EditNote { id, body }) = edit
            else {
                continue;
            };
            let text = texts.iter().find(|text| text.id == *id);
            if text.is_some_and(|text| text.body == body.as_str()) {
                written_by.insert(*id, (body.as_str().to_owned(), entry.change));
            }
        }
    }
    let mentioning = texts.iter().filter(|text| !text.is_deleted && text.author != user);
    let mentioning = mentioning.filter(|text| names.mentions(&text.body).iter().any(|it| it.user == user));
    let changes: Vec<ChangeHash> = mentioning.map(|text| written_by[&text.id].1).collect();
    let records = DeviceStore::doc_records(store, project, doc.id()).expect("memory is read");
    let hash = |change: &[u8]| ScannedChange::scan(change).expect("it was admitted").hash();
    let found = records.iter().filter(|record| changes.contains(&hash(&record.envelope.change)));
    found.map(|record| record.seq).max().unwrap_or_default()
}

fn names_at(store: &MemoryStore, project: &ProjectId) -> Names {
    Names::of_members(&store.members(project).expect("memory is read"))
}
