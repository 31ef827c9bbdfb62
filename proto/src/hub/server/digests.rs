//! Members who are away are mailed what is new: one mail for all of it, and never twice for the same.
//!
//! Whoever has no device here is away. What comes from then on may be news to them ([`news`]); after a while it is
//! mailed, and as long as they stay away the pauses between mails grow. What was mailed is durable before the mail
//! leaves: a crash can lose one, and repeats none.

mod news;

use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::{UnixMillis, UserId};

use super::{Phase, ServerHub, Session, server_user};
use crate::hub::action::{Action, Durability};
use crate::limits;
use crate::mail::{Letter, Mail};
use crate::mention::Names;
use crate::store::{Audience, Away, Seq, ServerStore, StoreResult, User};

/// How members who are away are mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestRules {
    /// How long somebody is away before, in milliseconds; at least [`limits::DIGEST_AFTER_MILLIS_MIN`].
    pub after_millis: u64,
    /// Whether a mail shows the beginnings of texts, or only that there are some.
    pub has_excerpts: bool,
}

/// Who is away, and when their news are looked for.
#[derive(Default)]
pub(super) struct Digests {
    /// `None` where nobody is mailed.
    rules: Option<DigestRules>,
    is_loaded: bool,
    aways: BTreeMap<UserId, Waiting>,
    /// Those of them who are of the team: what is written anywhere may be news to them.
    team: BTreeSet<UserId>,
    /// Those who may have news, by when they are looked for.
    due: BTreeSet<(UnixMillis, UserId)>,
    /// Whose devices came or went in this turn, with what they had when the last one went.
    changed: BTreeMap<UserId, Option<Seq>>,
}

/// A member who is away.
struct Waiting {
    away: Away,
    looked_at: UnixMillis,
    /// Their place in `due`.
    due_at: Option<UnixMillis>,
}

impl Waiting {
    fn next_look(&self, rules: &DigestRules) -> UnixMillis {
        let after = rules.after_millis.max(limits::DIGEST_AFTER_MILLIS_MIN);
        let pause = match self.away.mailed_at_millis {
            None => self.away.since.0.saturating_add(after),
            Some(at) => {
                let grown = after.checked_shl(self.away.mailed).unwrap_or(u64::MAX);
                at.saturating_add(grown.clamp(after, limits::DIGEST_PAUSE_MILLIS_MAX.max(after)))
            }
        };
        UnixMillis(pause.max(self.looked_at.0.saturating_add(limits::DIGEST_LOOK_MILLIS.min(after))))
    }
}

impl Digests {
    pub(super) fn new(rules: Option<DigestRules>) -> Self {
        Self { rules, ..Self::default() }
    }

    fn wait(&mut self, away: Away, audience: Audience) {
        self.forget(away.user);
        let waiting = Waiting { away, looked_at: UnixMillis::default(), due_at: None };
        self.aways.insert(away.user, waiting);
        if audience == Audience::Team {
            self.team.insert(away.user);
        }
        self.expect(away.user);
    }

    /// Has somebody's news looked for as soon as it is time.
    fn expect(&mut self, user: UserId) {
        let (Some(rules), Some(waiting)) = (&self.rules, self.aways.get_mut(&user)) else { return };
        if waiting.due_at.is_none() {
            let at = waiting.next_look(rules);
            waiting.due_at = Some(at);
            self.due.insert((at, user));
        }
    }

    /// They are there, or nobody to be mailed any more. Tells whether they were away.
    fn forget(&mut self, user: UserId) -> bool {
        let Some(waiting) = self.aways.remove(&user) else { return false };
        self.team.remove(&user);
        if let Some(at) = waiting.due_at {
            self.due.remove(&(at, user));
        }
        true
    }

    /// Takes somebody whose time has come.
    fn take_due(&mut self, now: UnixMillis) -> Option<UserId> {
        let (at, user) = *self.due.first().filter(|(at, _)| *at <= now)?;
        self.due.remove(&(at, user));
        if let Some(waiting) = self.aways.get_mut(&user) {
            waiting.due_at = None;
            waiting.looked_at = now;
        }
        Some(user)
    }
}

impl ServerHub {
    /// Has members who are away mailed what is new.
    #[must_use]
    pub fn with_digests(self, rules: DigestRules) -> Self {
        Self { digests: Digests::new(Some(rules)), ..self }
    }

    /// A device of somebody is there.
    pub(super) fn note_arrival(&mut self, user: UserId) {
        self.digests.changed.insert(user, None);
    }

    /// A device of somebody went.
    pub(super) fn note_departure(&mut self, session: &Session) {
        self.digests.changed.insert(session.user, Some(session.has_all_before()));
    }

    /// Somebody has another role: what is written elsewhere may be news to them from now on.
    pub(super) fn note_role(&mut self, user: &User) {
        if let Some(away) = self.digests.aways.get(&user.user).map(|waiting| waiting.away) {
            self.digests.wait(away, Audience::new(user.user, user.role));
        }
    }

    /// Ends a turn for those who are away: who came and went, who may have news, and some of the mails whose time
    /// has come. Comes before windows are filled, which forgets whom the turn's records concern.
    pub(super) fn run_digests(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        if self.digests.rules.is_none() || !self.has_mail {
            self.digests.changed.clear();
            return Ok(());
        }
        if !self.digests.is_loaded {
            self.load_digests(store)?;
        }
        self.write_comings_and_goings(store)?;
        for audience in &self.woken {
            let concerned: Vec<UserId> = match audience {
                Audience::Customer(user) => vec![*user],
                Audience::Team => self.digests.team.iter().copied().collect(),
            };
            concerned.into_iter().for_each(|user| self.digests.expect(user));
        }
        self.mail_some_news(store)?;
        match self.digests.due.first() {
            Some((at, _)) if *at <= self.now => self.actions.push(Action::Continue),
            Some((at, _)) => self.actions.push(Action::WakeAt(*at)),
            None => {}
        }
        Ok(())
    }

    /// Everybody is away at first. Those of whom nothing was written were there when the last run ended, or there was
    /// no version yet that mailed: what a customer's devices have is known, what those of one of the team do is not,
    /// so what is there by now is left to these.
    fn load_digests(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        self.digests.is_loaded = true;
        let head = store.head()?;
        let mut written: BTreeMap<UserId, Away> =
            store.aways()?.into_iter().map(|away| (away.user, away)).collect();
        let mut users = store.users()?;
        users.retain(|user| self.may_be_mailed(user));
        for user in users {
            let audience = Audience::new(user.user, user.role);
            let away = match written.remove(&user.user) {
                Some(away) => away,
                None => {
                    let seen = match audience {
                        Audience::Team => Seq::ZERO,
                        Audience::Customer(_) => store.watermark(audience)?.seen,
                    };
                    let had = if seen > Seq::ZERO { seen.min(head) } else { head };
                    let away = Away::new(user.user, self.now, had);
                    store.put_away(&away)?;
                    away
                }
            };
            self.digests.wait(away, audience);
        }
        for gone in written.into_keys() {
            store.remove_away(gone)?;
        }
        Ok(())
    }

    fn may_be_mailed(&self, user: &User) -> bool {
        user.is_member() && user.email.is_some() && user.user != server_user(&self.node())
    }

    fn write_comings_and_goings(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        for (user, had) in std::mem::take(&mut self.digests.changed) {
            let has_session = self
                .links
                .values()
                .any(|link| matches!(&link.phase, Phase::Ready(session) if session.user == user));
            let member = store.user(user)?.filter(|member| self.may_be_mailed(member));
            match (member, had) {
                (Some(member), Some(had)) if !has_session => {
                    let away = Away::new(user, self.now, had);
                    store.put_away(&away)?;
                    self.digests.wait(away, Audience::new(user, member.role));
                }
                (Some(_), _) if !has_session => {}
                _ if self.digests.forget(user) => store.remove_away(user)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn mail_some_news(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        let mut names = None;
        for _ in 0..limits::DIGESTS_PER_TURN {
            let Some(user) = self.digests.take_due(self.now) else { break };
            let Some(waiting) = self.digests.aways.get(&user) else { continue };
            let mut away = waiting.away;
            let member = store.user(user)?.filter(|member| self.may_be_mailed(member));
            let Some((member, to)) = member.and_then(|member| Some((member.clone(), member.email?))) else {
                self.digests.forget(user);
                store.remove_away(user)?;
                continue;
            };
            let names = match &mut names {
                Some(names) => names,
                none => none.insert(names_of(store)?),
            };
            let audience = Audience::new(user, member.role);
            let found = self.find_news(&away, audience, names, store)?;
            away.news_after = found.through;
            if let Some(digest) = found.digest {
                away.mailed = away.mailed.saturating_add(1);
                away.mailed_at_millis = Some(self.now.0);
                self.durability = Durability::Now;
                self.actions.push(Action::Mail(Mail {
                    to,
                    project: self.project.project,
                    project_name: self.project.name.clone(),
                    written_at: self.now,
                    letter: Letter::Digest(digest),
                }));
            }
            store.put_away(&away)?;
            if let Some(waiting) = self.digests.aways.get_mut(&user) {
                waiting.away = away;
            }
            if found.has_more {
                self.digests.expect(user);
            }
        }
        Ok(())
    }
}

impl Away {
    fn new(user: UserId, since: UnixMillis, news_after: Seq) -> Self {
        Self { user, since, news_after, mailed: 0, mailed_at_millis: None }
    }
}

/// The names of everybody in the project.
fn names_of(store: &dyn ServerStore) -> StoreResult<Names> {
    let users = store.users()?;
    let members = users.iter().filter(|user| user.is_member());
    Ok(Names::new(members.map(|user| (user.user, user.name.as_str(), user.email.as_deref()))))
}

#[cfg(test)]
mod tests;
