//! Who is there and looks at what: in memory, for as long as their devices say so, told to whom it concerns.
//!
//! A session takes part while it says so; what it said holds for [`limits::PRESENCE_LIFETIME_MILLIS`]. The first news
//! of a ticket goes out in the turn that brought it; what follows within an interval goes out at its end, the newest
//! state once. So the cost of a ticket rises with those who look at it and not with their square.
//!
//! It never writes anything to the store. What is told of a ticket goes to the team and to its members, read anew
//! each time; a status text, and that somebody writes a note, to the team alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::{DocId, TicketId, UnixMillis, UserId};
use bytes::Bytes;

use super::ServerHub;
use crate::hub::action::{Action, LinkId};
use crate::limits;
use crate::store::{Audience, ServerStore, StoreResult};
use crate::wire::presence::{
    Doing, People, PresenceNews, Present, PresentPerson, TicketPresence, View, status_line,
};
use crate::wire::{self, PeerMessage};

/// All that is known of who is there.
#[derive(Default)]
pub(super) struct Presences {
    here: BTreeMap<LinkId, Here>,
    /// Sessions by whose they are: a person is there with several devices.
    by_user: BTreeSet<(UserId, LinkId)>,
    /// Tickets that somebody looks at, and those that the last one has left and nobody was told so.
    tickets: BTreeMap<TicketId, Watched>,
    /// Of what others have to be told.
    unsaid: BTreeSet<Subject>,
    team_next_at: UnixMillis,
    /// When to look who has fallen silent. A session may have spoken since.
    ends: BTreeSet<(UnixMillis, LinkId)>,
    /// Sessions that spoke too soon, by when their newest word is taken.
    early: BTreeSet<(UnixMillis, LinkId)>,
    /// The wish for a wake-up that stands.
    wake_at: Option<UnixMillis>,
}

/// A session that takes part.
struct Here {
    user: UserId,
    audience: Audience,
    is_here: bool,
    views: BTreeMap<TicketId, Doing>,
    status: Option<String>,
    until: UnixMillis,
    /// Before that nothing more is taken.
    next_at: UnixMillis,
    /// What came before that.
    early: Option<Present>,
    /// Its queue was full when there was something to tell: it is told all anew when it speaks next.
    lags: bool,
}

/// A ticket that somebody looks at.
struct Watched {
    viewers: BTreeSet<LinkId>,
    /// Its members, to know whose coming and going concerns it.
    members: BTreeSet<UserId>,
    next_at: UnixMillis,
    /// What customers were told last: where nothing is new to them they are not told that something is.
    told_customers: Option<Bytes>,
}

/// Of what there may be news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Team,
    Ticket(TicketId),
}

/// Somebody at a ticket, with all their devices.
struct Person {
    doing: Doing,
    is_team: bool,
    status: Option<String>,
}

impl Watched {
    const fn new(members: BTreeSet<UserId>) -> Self {
        let next_at = UnixMillis(0);
        Self { viewers: BTreeSet::new(), members, next_at, told_customers: None }
    }
}

impl Here {
    const fn is_shown(&self) -> bool {
        self.is_here || self.status.is_some()
    }
}

impl ServerHub {
    /// A device says who is there. Who says it too often is heard less often.
    pub(super) fn handle_present(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        present: Present,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(session) = self.session(link) else { return Ok(()) };
        let (user, audience) = (session.user, session.audience);
        let until = UnixMillis(now.0 + limits::PRESENCE_LIFETIME_MILLIS);
        let here = self.presences.join(link, user, audience, until);
        here.until = until;
        let next_at = here.next_at;
        if now < next_at {
            if here.early.replace(present).is_none() {
                self.presences.early.insert((next_at, link));
            }
            return Ok(());
        }
        // What came too early is older than this.
        if here.early.take().is_some() {
            self.presences.early.remove(&(next_at, link));
        }
        self.take_present(now, link, present, store)
    }

    fn take_present(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        present: Present,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(here) = self.presences.here.get(&link) else { return Ok(()) };
        let (user, audience) = (here.user, here.audience);
        let mut views = BTreeMap::new();
        for View { ticket, doing } in present.views {
            if store.ticket(ticket)?.is_some() && self.may_see(DocId::Ticket(ticket), audience, store)? {
                let doing = doing.max(Doing::Viewing);
                // Customers write no notes.
                let is_note = doing == Doing::TypingNote && audience != Audience::Team;
                views.insert(ticket, if is_note { Doing::Viewing } else { doing });
            }
        }
        for ticket in views.keys() {
            if !self.presences.tickets.contains_key(ticket) {
                let members = store.members_of(*ticket)?.into_iter().collect();
                self.presences.tickets.insert(*ticket, Watched::new(members));
            }
        }
        let status = present.status.as_deref().and_then(status_line);
        self.presences.replace(link, present.is_here, views, status);
        let Some(here) = self.presences.here.get_mut(&link) else { return Ok(()) };
        here.next_at = UnixMillis(now.0 + limits::PRESENT_STEP_MILLIS);
        if std::mem::take(&mut here.lags) {
            self.tell_all_presence(link, user, audience, store)?;
        }
        // Others hear of it in this turn, too; whoever asked knows all there is.
        self.send(
            link,
            &PeerMessage::PresenceNews(PresenceNews { is_answer: true, ..PresenceNews::default() }),
        );
        Ok(())
    }

    /// A session ended: nobody is there any more.
    pub(super) fn forget_presence(&mut self, link: LinkId) {
        if self.presences.here.contains_key(&link) {
            self.presences.replace(link, false, BTreeMap::new(), None);
            self.presences.drop_session(link);
        }
    }

    /// Who sees a ticket is other than before: who may not see it does not look at it, and others may look at it now.
    pub(super) fn regroup_presence(&mut self, ticket: TicketId, store: &dyn ServerStore) -> StoreResult<()> {
        if !self.presences.tickets.contains_key(&ticket) {
            return Ok(());
        }
        let members: BTreeSet<UserId> = store.members_of(ticket)?.into_iter().collect();
        self.presences.regroup(ticket, members);
        Ok(())
    }

    /// Ends what has run out, takes what came too early, and tells what there is to tell. Asks to be woken for the
    /// rest.
    pub(super) fn run_presence(&mut self, store: &dyn ServerStore) -> StoreResult<()> {
        let now = self.now;
        for link in self.presences.take_silent(now) {
            self.forget_presence(link);
        }
        while let Some((at, link)) = self.presences.early.first().copied()
            && at <= now
        {
            self.presences.early.remove(&(at, link));
            let early = self.presences.here.get_mut(&link).and_then(|here| here.early.take());
            if let Some(present) = early {
                self.take_present(now, link, present, store)?;
            }
        }
        for subject in self.presences.due(now) {
            match subject {
                Subject::Team => self.tell_team_presence(now, store)?,
                Subject::Ticket(ticket) => self.tell_ticket_presence(now, ticket, store)?,
            }
        }
        if let Some(at) = self.presences.next_wish(now) {
            self.actions.push(Action::WakeAt(at));
        }
        Ok(())
    }

    fn tell_ticket_presence(
        &mut self,
        now: UnixMillis,
        ticket: TicketId,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let people = self.presences.people_at(ticket);
        let mut recipients =
            self.tell_presence(Audience::Team, &Told::ticket(ticket, &people, true), store)?;
        let for_customers = Told::ticket(ticket, &people, false);
        if self.presences.is_new_to_customers(ticket, &for_customers) {
            for member in store.members_of(ticket)? {
                recipients += self.tell_presence(Audience::Customer(member), &for_customers, store)?;
            }
        }
        let is_left = self.presences.tickets.get(&ticket).is_some_and(|watched| watched.viewers.is_empty());
        if is_left {
            self.presences.tickets.remove(&ticket);
        } else if let Some(watched) = self.presences.tickets.get_mut(&ticket) {
            watched.next_at = after_telling(now, recipients);
        }
        Ok(())
    }

    fn tell_team_presence(&mut self, now: UnixMillis, store: &dyn ServerStore) -> StoreResult<()> {
        let told = Told::team(&self.presences.team());
        let recipients = self.tell_presence(Audience::Team, &told, store)?;
        self.presences.team_next_at = after_telling(now, recipients);
        Ok(())
    }

    /// Tells those of an audience who take part; says how many they are.
    fn tell_presence(
        &mut self,
        audience: Audience,
        told: &Told,
        store: &dyn ServerStore,
    ) -> StoreResult<u64> {
        let mut links = self.links_to(audience);
        links.retain(|link| self.presences.here.contains_key(link));
        for &link in &links {
            if self.session(link).is_some_and(|session| session.has_room()) {
                self.introduce_users(link, audience, told.named.clone(), store)?;
                self.send_frame(link, told.frame.clone());
            } else if let Some(here) = self.presences.here.get_mut(&link) {
                here.lags = true;
            }
        }
        Ok(links.len() as u64)
    }

    /// Tells a session that has just come all that it may know.
    fn tell_all_presence(
        &mut self,
        link: LinkId,
        user: UserId,
        audience: Audience,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let is_seen = |(_, watched): &(&TicketId, &Watched)| {
            audience == Audience::Team || watched.members.contains(&user)
        };
        let tickets = self.presences.tickets.iter().filter(is_seen).map(|(ticket, _)| *ticket);
        let tickets: Vec<TicketId> = tickets.collect();
        let mut all = Vec::new();
        for tickets in tickets.chunks(limits::PRESENCE_TICKETS_PER_FRAME_MAX) {
            let mut told = Told::default();
            let presence = tickets.iter().map(|ticket| {
                let people = shown(&self.presences.people_at(*ticket), audience == Audience::Team);
                told.named.extend(people.named.iter().map(|person| person.user));
                TicketPresence { ticket: *ticket, people }
            });
            let tickets: Vec<TicketPresence> = presence.collect();
            told.frame = frame_of(PresenceNews { tickets, ..PresenceNews::default() });
            all.push(told);
        }
        if audience == Audience::Team {
            all.push(Told::team(&self.presences.team()));
        }
        for told in all {
            self.introduce_users(link, audience, told.named, store)?;
            self.send_frame(link, told.frame);
        }
        Ok(())
    }
}

impl Presences {
    /// The session, which takes part from now on if it did not.
    fn join(&mut self, link: LinkId, user: UserId, audience: Audience, until: UnixMillis) -> &mut Here {
        let Self { here, by_user, ends, .. } = self;
        here.entry(link).or_insert_with(|| {
            by_user.insert((user, link));
            ends.insert((until, link));
            Here {
                user,
                audience,
                is_here: false,
                views: BTreeMap::new(),
                status: None,
                until,
                next_at: UnixMillis::default(),
                early: None,
                lags: true,
            }
        })
    }

    /// What a session says takes the place of what it said before; what is other then is to be told.
    fn replace(
        &mut self,
        link: LinkId,
        is_here: bool,
        views: BTreeMap<TicketId, Doing>,
        status: Option<String>,
    ) {
        let Some(here) = self.here.get_mut(&link) else { return };
        let before = std::mem::replace(&mut here.views, views);
        let is_other_person = (here.is_here, &here.status) != (is_here, &status);
        (here.is_here, here.status) = (is_here, status);
        let (user, audience) = (here.user, here.audience);
        for (ticket, doing) in &here.views {
            if let Some(watched) = self.tickets.get_mut(ticket) {
                watched.viewers.insert(link);
            }
            if is_other_person || before.get(ticket) != Some(doing) {
                self.unsaid.insert(Subject::Ticket(*ticket));
            }
        }
        for ticket in before.keys().filter(|ticket| !here.views.contains_key(ticket)) {
            if let Some(watched) = self.tickets.get_mut(ticket) {
                watched.viewers.remove(&link);
                self.unsaid.insert(Subject::Ticket(*ticket));
            }
        }
        if !is_other_person {
            return;
        }
        if audience == Audience::Team {
            self.unsaid.insert(Subject::Team);
        }
        let concerned = self.tickets.iter().filter(|(_, watched)| watched.members.contains(&user));
        self.unsaid.extend(concerned.map(|(ticket, _)| Subject::Ticket(*ticket)));
    }

    fn drop_session(&mut self, link: LinkId) {
        let Some(here) = self.here.remove(&link) else { return };
        self.by_user.remove(&(here.user, link));
        self.early.remove(&(here.next_at, link));
    }

    /// Members of a ticket are others now: whoever lost it does not look at it any more.
    fn regroup(&mut self, ticket: TicketId, members: BTreeSet<UserId>) {
        let Some(watched) = self.tickets.get_mut(&ticket) else { return };
        for link in watched.viewers.clone() {
            let Some(here) = self.here.get_mut(&link) else { continue };
            if here.audience != Audience::Team && !members.contains(&here.user) {
                here.views.remove(&ticket);
                watched.viewers.remove(&link);
            }
        }
        watched.members = members;
        watched.told_customers = None;
        self.unsaid.insert(Subject::Ticket(ticket));
    }

    /// Those who have said nothing for too long.
    fn take_silent(&mut self, now: UnixMillis) -> Vec<LinkId> {
        let mut silent = Vec::new();
        while let Some((at, link)) = self.ends.first().copied()
            && at <= now
        {
            self.ends.remove(&(at, link));
            match self.here.get(&link) {
                Some(here) if here.until <= now => silent.push(link),
                Some(here) => {
                    self.ends.insert((here.until, link));
                }
                None => {}
            }
        }
        silent
    }

    /// What is to be told now.
    fn due(&mut self, now: UnixMillis) -> Vec<Subject> {
        let due: Vec<Subject> =
            self.unsaid.iter().copied().filter(|subject| self.next_at(*subject) <= now).collect();
        for subject in &due {
            self.unsaid.remove(subject);
        }
        due
    }

    fn next_at(&self, subject: Subject) -> UnixMillis {
        match subject {
            Subject::Team => self.team_next_at,
            Subject::Ticket(ticket) => {
                self.tickets.get(&ticket).map(|watched| watched.next_at).unwrap_or_default()
            }
        }
    }

    /// A new wish for a wake-up, unless one stands that comes no later.
    fn next_wish(&mut self, now: UnixMillis) -> Option<UnixMillis> {
        let ends = self.ends.first().map(|(at, _)| *at);
        let early = self.early.first().map(|(at, _)| *at);
        let unsaid = self.unsaid.iter().map(|subject| self.next_at(*subject)).min();
        let next = [ends, early, unsaid].into_iter().flatten().min()?;
        if self.wake_at.is_some_and(|at| at > now && at <= next) {
            return None;
        }
        self.wake_at = Some(next);
        Some(next)
    }

    /// Whether customers were told something else before; remembers what they are told now.
    fn is_new_to_customers(&mut self, ticket: TicketId, told: &Told) -> bool {
        let Some(watched) = self.tickets.get_mut(&ticket) else { return false };
        let before = watched.told_customers.replace(told.frame.clone());
        before.as_ref() != Some(&told.frame)
    }

    /// Who is at a ticket: those who look at it, and its members who are there.
    fn people_at(&self, ticket: TicketId) -> BTreeMap<UserId, Person> {
        let mut people = BTreeMap::new();
        let Some(watched) = self.tickets.get(&ticket).filter(|watched| !watched.viewers.is_empty()) else {
            return people;
        };
        for link in &watched.viewers {
            let Some(here) = self.here.get(link) else { continue };
            let doing = here.views.get(&ticket).copied().unwrap_or(Doing::Viewing);
            add(&mut people, here, doing);
        }
        for user in &watched.members {
            let sessions = (*user, LinkId(0))..=(*user, LinkId(u64::MAX));
            for (_, link) in self.by_user.range(sessions) {
                // A member who is of the team is shown when they look at it, as the others of the team are.
                if let Some(here) = self.here.get(link).filter(|here| here.audience != Audience::Team)
                    && here.is_here
                {
                    add(&mut people, here, Doing::Online);
                }
            }
        }
        people
    }

    /// Who of the team is there, or left word.
    fn team(&self) -> BTreeMap<UserId, Person> {
        let mut people = BTreeMap::new();
        for here in self.here.values().filter(|here| here.audience == Audience::Team && here.is_shown()) {
            add(&mut people, here, if here.is_here { Doing::Online } else { Doing::Away });
        }
        people
    }
}

/// What is told to many in the same bytes.
#[derive(Clone, Default)]
struct Told {
    /// Whom it names: they are introduced before.
    named: BTreeSet<UserId>,
    frame: Bytes,
}

impl Told {
    fn ticket(ticket: TicketId, people: &BTreeMap<UserId, Person>, is_for_team: bool) -> Self {
        let people = shown(people, is_for_team);
        let named = people.named.iter().map(|person| person.user).collect();
        let tickets = vec![TicketPresence { ticket, people }];
        Self { named, frame: frame_of(PresenceNews { tickets, ..PresenceNews::default() }) }
    }

    fn team(people: &BTreeMap<UserId, Person>) -> Self {
        let people = shown(people, true);
        let named = people.named.iter().map(|person| person.user).collect();
        Self { named, frame: frame_of(PresenceNews { team: Some(people), ..PresenceNews::default() }) }
    }
}

fn frame_of(news: PresenceNews) -> Bytes {
    Bytes::from(wire::encode(&PeerMessage::PresenceNews(news)))
}

/// A person does the most that one of their devices does.
fn add(people: &mut BTreeMap<UserId, Person>, here: &Here, doing: Doing) {
    let is_team = here.audience == Audience::Team;
    let person = people.entry(here.user).or_insert(Person { doing, is_team, status: None });
    person.doing = person.doing.max(doing);
    if person.status.is_none() {
        person.status.clone_from(&here.status);
    }
}

/// People as an audience may see them: the first by name, all by count.
fn shown(people: &BTreeMap<UserId, Person>, is_for_team: bool) -> People {
    let doing = |person: &Person| match person.doing {
        Doing::TypingNote if !is_for_team => Doing::Viewing,
        doing => doing,
    };
    let mut order: Vec<(&UserId, &Person)> = people.iter().collect();
    order.sort_by_key(|(user, person)| (Reverse(doing(person)), Reverse(person.is_team), **user));
    let named = order.into_iter().take(limits::PRESENCE_NAMES_MAX).map(|(user, person)| PresentPerson {
        user: *user,
        doing: doing(person),
        status: person.status.clone().filter(|_| is_for_team),
    });
    People { count: u32::try_from(people.len()).unwrap_or(u32::MAX), named: named.collect() }
}

/// When the next news of the same may go out: the more are told, the later.
fn after_telling(now: UnixMillis, recipients: u64) -> UnixMillis {
    UnixMillis(now.0 + limits::PRESENCE_STEP_MILLIS.max(recipients * limits::PRESENCE_MILLIS_EACH))
}
