//! What the server writes into its admission log, in the turn in which it decides.
//!
//! A change that is held back by a quota has no verdict yet, so nothing is written of it; one that was judged before
//! has its entry. Refusals beyond a rate are counted: whoever pushes rubbish for ever fills no disk.
//!
//! What is read of it is a window at a time, with the names of those whom the entries tell of.

use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::{ChangeHash, DeviceId, ProjectId, Rejection, Role, UnixMillis, UserId};
use ed25519_dalek::SigningKey;

use super::ServerHub;
use super::asks::Asker;
use super::people::user_of;
use crate::admission::{self, By, Entry, Event, Filter, Head, Page, Span};
use crate::hub::action::Action;
use crate::limits;
use crate::store::{Device, ServerStore, StoreError, StoreResult, StoredVerdict, User};
use crate::wire::NamedDevice;
use crate::wire::admission::{LogLine, LogWindow, NamedUser, ReadLog};
use crate::wire::ask::Who;

/// What is to be written.
#[derive(Default)]
pub(super) struct Admissions {
    /// In the turn under way.
    noted: Vec<(Event, Option<By>)>,
    refusals: Refusals,
}

/// Refusals within the present window.
#[derive(Default)]
struct Refusals {
    /// When the next window begins.
    until: UnixMillis,
    all: u32,
    /// As many as `all` at the most.
    by_device: BTreeMap<DeviceId, u32>,
    /// Beyond what is written one by one.
    more: u64,
}

impl Refusals {
    /// Counts one, and says whether it is written by itself.
    fn count(&mut self, device: DeviceId) -> bool {
        let of_device = self.by_device.get(&device).copied().unwrap_or(0);
        if self.all >= limits::ADMISSION_REFUSALS_MAX
            || of_device >= limits::ADMISSION_REFUSALS_PER_DEVICE_MAX
        {
            self.more += 1;
            return false;
        }
        self.by_device.insert(device, of_device + 1);
        self.all += 1;
        true
    }

    /// Begins the next window if its time has come, and says how many the one before had beyond its bound.
    fn pass(&mut self, now: UnixMillis) -> u64 {
        if now < self.until {
            return 0;
        }
        let until = UnixMillis(now.0.saturating_add(limits::ADMISSION_WINDOW_MILLIS));
        std::mem::replace(self, Self { until, ..Self::default() }).more
    }
}

impl ServerHub {
    /// Has it written at the turn's end.
    pub(super) fn note(&mut self, event: Event, by: Option<By>) {
        self.admissions.noted.push((event, by));
    }

    /// The same of a refusal, unless there are too many: then it is counted.
    pub(super) fn note_refusal(
        &mut self,
        now: UnixMillis,
        change: ChangeHash,
        rejection: &Rejection,
        by: By,
    ) {
        if self.counts_refusal(now, by.device) {
            self.note(Event::Refused { change: Some(change), code: rejection.code.number() }, Some(by));
        }
    }

    /// Counts a refusal, and says whether it is written by itself.
    pub(super) fn counts_refusal(&mut self, now: UnixMillis, device: DeviceId) -> bool {
        self.note_uncounted(now);
        let is_written = self.admissions.refusals.count(device);
        if !is_written && self.admissions.refusals.more == 1 {
            self.actions.push(Action::WakeAt(self.admissions.refusals.until));
        }
        is_written
    }

    fn note_uncounted(&mut self, now: UnixMillis) {
        let count = self.admissions.refusals.pass(now);
        if count > 0 {
            self.note(Event::RefusedMore { count }, None);
        }
    }

    /// Writes what the turn decided, and signs the new end once.
    pub(super) fn write_admissions(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        // Before the first input there is no time that could be written.
        if self.now == UnixMillis::default() {
            return Ok(());
        }
        self.note_uncounted(self.now);
        let noted = std::mem::take(&mut self.admissions.noted);
        append(self.now, &self.key, self.project.project, noted, store)
    }
}

impl By {
    /// A member with a device of theirs.
    pub(super) const fn member(device: DeviceId, user: UserId, role: Role) -> Self {
        Self { device, member: Some((user, role)) }
    }

    /// A device, and whose it is, as far as that is known.
    pub(super) fn author(device: DeviceId, known: Option<&(Device, User)>) -> Self {
        Self { device, member: known.map(|(_, user)| (user.user, user.role)) }
    }

    pub(super) fn asker(asker: &Asker) -> Self {
        Self::member(asker.device, asker.user.user, asker.user.role)
    }
}

/// A window of the log, for an admin or the operator.
pub(super) fn window(read: &ReadLog, store: &dyn ServerStore) -> StoreResult<LogWindow> {
    let signed = store.admission_head()?;
    let end =
        signed.as_ref().map_or(Ok(Head::default()), |signed| Head::of(signed).map_err(|_| damaged()))?;
    let user = match &read.who {
        Some(who) => match user_ever(who, store)? {
            Some(user) => Some(user),
            None => return Ok(LogWindow { head: signed, ..LogWindow::default() }),
        },
        None => None,
    };
    let span = match (read.after, read.before) {
        (Some(after), _) => Span::After(after),
        (None, Some(before)) => Span::Before(before),
        (None, None) => Span::Before(u64::MAX),
    };
    let filter = Filter { is_refusal: read.refused, is_act: read.acts, device: read.device, user };
    let limit = usize::try_from(read.limit).unwrap_or(usize::MAX).max(1);
    let page =
        admission::page(end.number, span, &filter, limit, |first, limit| store.admissions(first, limit))?;
    let (people, devices) = names(&page, store)?;
    let lines = page.entries.into_iter().map(|(bytes, entry)| line(bytes, &entry, store));
    let next = page.next.map(|(Span::Before(number) | Span::After(number))| number);
    Ok(LogWindow { lines: lines.collect::<StoreResult<_>>()?, next, head: signed, people, devices })
}

/// Somebody who is or was in the project: what they did is in the log for ever.
fn user_ever(who: &Who, store: &dyn ServerStore) -> StoreResult<Option<UserId>> {
    match who {
        Who::User(user) => Ok(Some(*user)),
        Who::Email(_) => Ok(user_of(who, store)?.map(|user| user.user)),
    }
}

fn line(bytes: Vec<u8>, entry: &Entry, store: &dyn ServerStore) -> StoreResult<LogLine> {
    let mut line = LogLine { entry: bytes, ticket: None, number: None };
    if let Event::Admitted { change, .. } = &entry.event
        && let Some(StoredVerdict::Admitted(place)) = store.verdict(change)?
        && let Some(ticket) = place.doc.ticket()
    {
        line.ticket = Some(ticket);
        line.number = store.ticket(ticket)?.and_then(|row| row.number);
    }
    Ok(line)
}

/// What those are called of whom a page tells.
fn names(page: &Page, store: &dyn ServerStore) -> StoreResult<(Vec<NamedUser>, Vec<NamedDevice>)> {
    let (mut users, mut devices) = (BTreeSet::new(), BTreeSet::new());
    for (_, entry) in &page.entries {
        users.extend(entry.by.and_then(|by| by.member).map(|(user, _)| user));
        users.extend(entry.event.user());
        devices.extend(entry.by.map(|by| by.device));
        devices.extend(entry.event.device());
    }
    let (mut people, mut named) = (Vec::new(), Vec::new());
    for user in users {
        people.extend(store.user(user)?.map(|known| NamedUser { user, name: known.name }));
    }
    for device in devices {
        named.extend(store.device(&device)?.map(|known| NamedDevice { device, name: known.name }));
    }
    Ok((people, named))
}

/// What a log begins with that a server has not had until now; `None` if it has one.
pub(super) fn beginning(store: &dyn ServerStore) -> StoreResult<Option<Event>> {
    if store.admission_head()?.is_some() {
        return Ok(None);
    }
    let Some(project) = store.project()? else { return Ok(None) };
    Ok(Some(Event::TakenUp { log: project.log, head: store.head()? }))
}

/// Writes what happened behind what is there.
pub(super) fn append(
    now: UnixMillis,
    key: &SigningKey,
    project: ProjectId,
    noted: Vec<(Event, Option<By>)>,
    store: &mut dyn ServerStore,
) -> StoreResult<()> {
    if noted.is_empty() {
        return Ok(());
    }
    let mut head = match store.admission_head()? {
        Some(signed) => Head::of(&signed).map_err(|_| damaged())?,
        None => Head::default(),
    };
    let first = head.number + 1;
    let entries: Vec<Vec<u8>> = noted.into_iter().map(|(event, by)| head.add(now, event, by)).collect();
    store.append_admissions(first, &entries, &head.sign(key, project, now))
}

/// Writes into the admission log of a server that does not run what its operator did: that it was retired, moved or
/// backed up.
///
/// # Errors
/// The store's.
pub fn note_act(
    now: UnixMillis,
    key: &SigningKey,
    event: Event,
    store: &mut dyn ServerStore,
) -> StoreResult<()> {
    let Some(project) = store.project()? else { return Ok(()) };
    let noted = beginning(store)?.into_iter().chain([event]).map(|event| (event, None)).collect();
    append(now, key, project.project, noted, store)
}

fn damaged() -> StoreError {
    StoreError::Damaged { what: "end of the admission log".to_owned() }
}
