//! What concerns this device's user: where they are mentioned, and of what front ends are told that it is for them.
//!
//! Where they are mentioned is found when texts of others come, and kept beside the row: a list opens no document. Who
//! is meant by a name can change with the people that this device hears of; then everything is looked through again,
//! some at a time.
//!
//! News are what comes by the stream, never what a first load brings. What came while the device was away waits until
//! it is known what the user has read elsewhere meanwhile. They are hints: what waits is lost with the process.

use std::collections::{BTreeMap, VecDeque};

use assist_crdt_model::{
    ChangeHash, CommentId, DocId, Edit, ProjectId, ScannedChange, TicketId, UnixMillis, UserId,
};

use super::super::action::{Action, Cause, Notice, Notification, NotifiedText, Reason};
use super::{CommandError, DeviceHub, Project, Reply};
use crate::limits;
use crate::mention::Names;
use crate::neutral::excerpt;
use crate::store::{Desktop, DeviceStore, Follow, KeptAll, Mentions, Seq, StoreResult};
use crate::wire::Ack;

/// What is known of one project.
#[derive(Default)]
pub(super) struct Concerns {
    names: Names,
    /// What decides by these names whether the user is mentioned.
    token: [u8; 16],
    /// Documents to be looked through, since that is other than before.
    queue: VecDeque<DocId>,
    news: VecDeque<News>,
    /// News of what came while the device was away are not told before.
    quiet_until: UnixMillis,
}

/// What of a document's texts is other than before, as far as mentions of the user go.
pub(super) enum Heard {
    /// New ones came; where the newest of them stands that mentions the user.
    Mentioned(Seq),
    /// Any of them: all are looked through.
    Anything,
}

/// Something that somebody else did.
struct News {
    doc: DocId,
    seq: Seq,
    at: UnixMillis,
    by: UserId,
    what: What,
}

/// What they did.
enum What {
    Assigned,
    Wrote(CommentId),
}

impl Project {
    /// Whether documents are still to be looked through for mentions.
    pub(super) fn has_unsought_mentions(&self) -> bool {
        self.sync.names_token != Some(self.concerns.token)
    }

    /// When news that wait can be told; `None` if none do, or more has to come first.
    pub(super) fn news_at(&self) -> Option<UnixMillis> {
        let is_behind = self.link().is_some() && self.session.reached < self.session.began_at_head;
        (!self.concerns.news.is_empty() && !is_behind).then_some(self.concerns.quiet_until)
    }
}

impl DeviceHub {
    /// People of a project are new here, or called otherwise.
    pub(super) fn learn_new_names(&mut self, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        self.learn_names(id, store)?;
        match self.projects.get(&id) {
            Some(project) if project.has_unsought_mentions() => store.put_sync_state(&id, &project.sync),
            _ => Ok(()),
        }
    }

    /// Looks at what people are called, and has all looked through again where that decides otherwise than before.
    pub(super) fn learn_names(&mut self, id: ProjectId, store: &dyn DeviceStore) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let names = Names::of_members(&store.members(&id)?);
        let token = names.token_of(project.membership.user);
        let concerns = &mut project.concerns;
        concerns.names = names;
        concerns.token = token;
        if project.has_unsought_mentions() {
            // From here on some of it is found by the new names: it is known of no names for all.
            project.sync.names_token = None;
            project.concerns.queue = store.docs(&id)?.into_iter().collect();
        }
        Ok(())
    }

    /// Looks some documents through again. Broken off, all are looked through anew.
    pub(super) fn seek_some_mentions(&mut self, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let behind = self.projects.iter_mut().find(|(_, project)| project.has_unsought_mentions());
        let Some((id, project)) = behind else { return Ok(()) };
        let id = *id;
        let count = project.concerns.queue.len().min(limits::SOUGHT_DOCS_PER_TURN);
        let docs: Vec<DocId> = project.concerns.queue.drain(..count).collect();
        if project.concerns.queue.is_empty() {
            project.sync.names_token = Some(project.concerns.token);
            store.put_sync_state(&id, &project.sync)?;
        }
        for doc in docs {
            if self.seek_mentions(id, doc, store)? {
                self.notify_ticket(id, doc, Cause::Remote, None);
            }
        }
        Ok(())
    }

    /// Somebody's change came by the stream.
    pub(super) fn hear(&mut self, id: ProjectId, place: &Ack, edits: &[Edit], by: UserId) {
        let Some(project) = self.projects.get_mut(&id) else { return };
        let me = project.membership.user;
        if by == me {
            return;
        }
        let names = &project.concerns.names;
        for edit in edits {
            match edit {
                Edit::AddComment { body, .. } | Edit::AddNote { body, .. }
                    if !names.is_mentioned(me, body.as_str()) => {}
                Edit::AddComment { .. } | Edit::AddNote { .. } => {
                    let heard = self.heard.entry((id, place.doc)).or_insert(Heard::Mentioned(place.seq));
                    heard.and_mentioned(place.seq);
                }
                Edit::EditComment { .. }
                | Edit::DeleteComment(_)
                | Edit::EditNote { .. }
                | Edit::DeleteNote(_) => {
                    self.heard.insert((id, place.doc), Heard::Anything);
                }
                _ => {}
            }
        }
        let is_first_load = project.sync.cold.is_some_and(|cold| place.seq <= cold.position.at);
        if is_first_load || place.seq <= project.sync.cursor {
            return;
        }
        for edit in edits {
            let what = match edit {
                Edit::AddComment { id, .. } | Edit::AddNote { id, .. } => What::Wrote(*id),
                Edit::SetAssignee(Some(user)) if *user == me => What::Assigned,
                _ => continue,
            };
            let concerns = &mut project.concerns;
            if concerns.news.len() == limits::NEWS_WAITING_MAX {
                concerns.news.pop_front();
            }
            concerns.news.push_back(News { doc: place.doc, seq: place.seq, at: place.admitted_at, by, what });
            if place.seq <= project.session.began_at_head {
                concerns.quiet_until = UnixMillis(self.now.0 + limits::NEWS_QUIET_MILLIS);
            }
        }
    }

    /// Texts of a document are other than before, whichever.
    pub(super) fn hear_anew(&mut self, id: ProjectId, doc: DocId) {
        self.heard.insert((id, doc), Heard::Anything);
    }

    /// Writes where the user is mentioned in the documents that texts of others came to in this turn.
    pub(super) fn note_mentions(&mut self, store: &mut dyn DeviceStore) -> StoreResult<()> {
        for ((id, doc), heard) in std::mem::take(&mut self.heard) {
            let _is_elsewhere = match heard {
                Heard::Mentioned(seq) => put_newest_mention(id, doc, |before| seq.max(before), store)?,
                Heard::Anything => self.seek_mentions(id, doc, store)?,
            };
        }
        Ok(())
    }

    /// The user was shown a ticket on this device, and its notes with it. Tells whether that says anything new.
    pub(super) fn mark_notes_read(
        id: ProjectId,
        ticket: TicketId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<bool> {
        let mentions = store.mentions(&id, ticket)?;
        if mentions.in_notes <= mentions.notes_read {
            return Ok(false);
        }
        store.put_mentions(&id, ticket, &Mentions { notes_read: mentions.in_notes, ..mentions })?;
        Ok(true)
    }

    /// Tells front ends what is news to the user, if nothing speaks against it any more.
    pub(super) fn tell_news(&mut self, store: &dyn DeviceStore) -> StoreResult<()> {
        let is_due = |project: &Project| project.news_at().is_some_and(|at| at <= self.now);
        let due = self.projects.iter_mut().filter(|(_, project)| is_due(project));
        let due: Vec<(ProjectId, VecDeque<News>)> =
            due.map(|(id, project)| (*id, std::mem::take(&mut project.concerns.news))).collect();
        for (id, news) in due {
            let kept = kept_of(id, store)?;
            let mut assigned = BTreeMap::new();
            for (index, news) in news.iter().enumerate() {
                if matches!(news.what, What::Assigned) {
                    assigned.insert(news.doc, index);
                }
            }
            for (index, news) in news.into_iter().enumerate() {
                let is_superseded =
                    matches!(news.what, What::Assigned) && assigned.get(&news.doc) != Some(&index);
                if !is_superseded {
                    self.tell(id, &news, &kept, store)?;
                }
            }
        }
        Ok(())
    }

    /// A ticket came back from its sleep. That concerns whoever works on it or follows it.
    pub(super) fn tell_resurfaced(
        &mut self,
        id: ProjectId,
        ticket: TicketId,
        assignee: Option<UserId>,
        at: UnixMillis,
        store: &dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get(&id) else { return Ok(()) };
        let follow = kept_of(id, store)?.follow_of(ticket);
        let is_theirs = assignee == Some(project.membership.user) || follow == Some(Follow::Following);
        if is_theirs && follow != Some(Follow::Muted) {
            self.notify(Notification {
                project: id,
                ticket,
                reason: Reason::Resurfaced,
                comment: None,
                by: None,
                at,
            });
        }
        Ok(())
    }

    /// What of notifications is shown on this device's desktop from now on.
    pub(super) fn set_desktop(
        &mut self,
        id: ProjectId,
        desktop: Desktop,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(Err(CommandError::NotJoined)) };
        if project.membership.desktop != desktop {
            project.membership.desktop = desktop;
            store.put_membership(&project.membership)?;
            self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }));
        }
        Ok(Ok(Reply::Done))
    }

    fn notify(&mut self, notification: Notification) {
        self.actions.push(Action::Notify(Notice::Notification(notification)));
    }

    fn tell(
        &mut self,
        id: ProjectId,
        news: &News,
        kept: &KeptAll,
        store: &dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(ticket) = news.doc.ticket() else { return Ok(()) };
        let is_note = matches!(news.doc, DocId::Notes(_));
        let mut read = store.own_read(&id, ticket)?.unwrap_or_default();
        if is_note {
            read = read.max(store.mentions(&id, ticket)?.notes_read);
        }
        // What is no longer here was taken from the user meanwhile.
        let Some(row) = store.row(&id, ticket)?.filter(|_| read < news.seq) else { return Ok(()) };
        let Some(project) = self.projects.get(&id) else { return Ok(()) };
        let (me, names) = (project.membership.user, project.concerns.names.clone());
        let is_theirs = [Some(row.requester), row.assignee].contains(&Some(me));
        let (reason, comment) = match news.what {
            What::Assigned if row.assignee == Some(me) => (Reason::Assigned, None),
            What::Assigned => return Ok(()),
            What::Wrote(comment) => {
                let doc = self.load_doc(id, news.doc, store)?;
                let Some(text) = doc.text(comment) else { return Ok(()) };
                let is_heard = match kept.follow_of(ticket) {
                    Some(Follow::Muted) => false,
                    Some(Follow::Following) => true,
                    Some(Follow::Other(_)) | None => is_theirs,
                };
                let reason = match names.is_mentioned(me, &text.body) {
                    true => Reason::Mentioned,
                    false if is_heard && !is_note => Reason::Reply,
                    false => return Ok(()),
                };
                let excerpt = excerpt(&text.body, limits::NEWS_EXCERPT_CHARS_MAX);
                (reason, Some(NotifiedText { comment, is_note, excerpt }))
            }
        };
        self.notify(Notification { project: id, ticket, reason, comment, by: Some(news.by), at: news.at });
        Ok(())
    }

    /// Finds where the user is mentioned in a document, and writes it. Tells whether it is other than before.
    fn seek_mentions(&mut self, id: ProjectId, doc: DocId, store: &mut dyn DeviceStore) -> StoreResult<bool> {
        let newest = self.newest_mention(id, doc, store)?;
        put_newest_mention(id, doc, |_| newest, store)
    }

    /// The place of the newest record that wrote a text, by somebody else, which mentions the user.
    fn newest_mention(&mut self, id: ProjectId, doc: DocId, store: &dyn DeviceStore) -> StoreResult<Seq> {
        let Some(project) = self.projects.get(&id) else { return Ok(Seq::ZERO) };
        let (me, names) = (project.membership.user, project.concerns.names.clone());
        let loaded = self.load_doc(id, doc, store)?;
        let texts = loaded.texts(|text| names.is_mentioned(me, text)).into_iter();
        let written: Vec<ChangeHash> =
            texts.filter(|text| text.author != me).map(|text| text.written_by).collect();
        if written.is_empty() {
            return Ok(Seq::ZERO);
        }
        let mut newest = Seq::ZERO;
        for record in store.doc_records(&id, doc)?.into_iter().filter(|record| record.seq > Seq::ZERO) {
            let hash = ScannedChange::hash_of(&record.envelope.change).ok();
            if record.seq > newest && hash.is_some_and(|hash| written.contains(&hash)) {
                newest = record.seq;
            }
        }
        Ok(newest)
    }
}

impl Heard {
    fn and_mentioned(&mut self, seq: Seq) {
        if let Self::Mentioned(newest) = self {
            *newest = seq.max(*newest);
        }
    }
}

/// Writes where the newest mention of the user in a document stands, found from where it stood. Tells whether that is
/// elsewhere.
fn put_newest_mention(
    id: ProjectId,
    doc: DocId,
    find: impl FnOnce(Seq) -> Seq,
    store: &mut dyn DeviceStore,
) -> StoreResult<bool> {
    let Some(ticket) = doc.ticket() else { return Ok(false) };
    let before = store.mentions(&id, ticket)?;
    let now = match doc {
        DocId::Notes(_) => before.with_notes(find(before.in_notes), store.own_read(&id, ticket)?),
        DocId::Ticket(_) | DocId::Project => Mentions { in_comments: find(before.in_comments), ..before },
    };
    if now != before {
        store.put_mentions(&id, ticket, &now)?;
    }
    Ok(now != before)
}

/// What the user keeps, with what the server has not confirmed.
fn kept_of(id: ProjectId, store: &dyn DeviceStore) -> StoreResult<KeptAll> {
    Ok(store.kept(&id)?.into_iter().chain(store.pending_kept(&id)?).collect())
}
