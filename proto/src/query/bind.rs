//! From the terms of a query to what can be asked of a row: names become ids, durations become times.

use std::collections::BTreeMap;
use std::convert::Infallible;

use assist_crdt_model::{Priority, ProjectId, Status, TicketId, UnixMillis, UserId};

use super::{Bounds, Condition, Moment, NumberField, Query, SortBy, State, TimeField, Value};
use crate::limits;
use crate::search::Wanted;
use crate::store::{Follow, TicketRow};

/// Who and what names mean. A person is another user in every project.
pub trait Names {
    /// Why a name means nothing.
    type Error;

    /// The users that a name means; `me` is the user of this device.
    ///
    /// # Errors
    /// When it means nobody, or the names cannot be read.
    fn users(&mut self, name: &str) -> Result<Vec<UserId>, Self::Error>;

    /// Who the user of this device is, in each project.
    ///
    /// # Errors
    /// When that cannot be read.
    fn me(&mut self) -> Result<Vec<Me>, Self::Error>;

    /// What the user of this device follows and has muted.
    ///
    /// # Errors
    /// When that cannot be read.
    fn follows(&mut self) -> Result<Follows, Self::Error>;

    /// The query that a saved view stands for.
    ///
    /// # Errors
    /// When there is no such view, or the views cannot be read.
    fn view(&mut self, name: &str) -> Result<Query, Self::Error>;

    /// The projects that a name means.
    ///
    /// # Errors
    /// When it means none, or the names cannot be read.
    fn projects(&mut self, name: &str) -> Result<Vec<ProjectId>, Self::Error>;
}

/// What a user said of tickets.
pub type Follows = BTreeMap<(ProjectId, TicketId), Follow>;

/// The user of this device in one project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Me {
    /// Where.
    pub project: ProjectId,
    /// Who.
    pub user: UserId,
    /// Whether of the team.
    pub is_team: bool,
}

/// A name that means nothing, with its place in the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindError<E> {
    /// Which name.
    pub value: Value,
    /// Why.
    pub error: E,
}

/// A query that can be asked of rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bound {
    /// All must hold; the cheap ones come first.
    terms: Vec<BoundTerm>,
    /// What must, or must not, be in the text.
    texts: Vec<BoundText>,
    /// How to sort, if the query says so.
    pub sort: Option<SortBy>,
}

/// What is looked for in the text of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundText {
    /// Whether it must not be there.
    pub is_negated: bool,
    /// What.
    pub wanted: Wanted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct BoundTerm {
    is_negated: bool,
    asked: Asked,
}

/// What is asked of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Status(Vec<Status>),
    Is(Vec<State>, UnixMillis, Vec<Me>, Follows),
    Project(Vec<ProjectId>),
    /// Whether nobody will do, and who else.
    Assignee(bool, Vec<UserId>),
    Requester(Vec<UserId>),
    Priority(Vec<Option<Priority>>),
    Number(NumberField, Bounds),
    /// From, until before.
    Time(TimeField, u64, u64),
    Label(Vec<String>),
}

/// A row as a query looks at it: the parts are read one by one, because most rows fail at the first condition.
pub trait RowView {
    /// Why a part cannot be read.
    type Error;

    /// Where the ticket is in its life.
    ///
    /// # Errors
    /// When it cannot be read.
    fn status(&self) -> Result<Status, Self::Error>;
    /// How urgent it is.
    ///
    /// # Errors
    /// When it cannot be read.
    fn priority(&self) -> Result<Option<Priority>, Self::Error>;
    /// Who works on it.
    fn assignee(&self) -> Option<UserId>;
    /// Whose problem it is.
    fn requester(&self) -> UserId;
    /// What the server calls it.
    fn number(&self) -> Option<u32>;
    /// How many comments it has.
    fn comment_count(&self) -> u32;
    /// Whether somebody else wrote more of it than the user has read.
    fn is_unread(&self) -> bool;
    /// Whether the user is mentioned in it.
    fn is_mentioned(&self) -> bool;
    /// Whether they are where they have not read.
    fn is_newly_mentioned(&self) -> bool;
    /// When it was filed.
    fn created_at(&self) -> UnixMillis;
    /// When something last happened.
    fn updated_at(&self) -> UnixMillis;
    /// Until when it is asleep.
    fn snoozed_until(&self) -> Option<UnixMillis>;
    /// Whether it goes on in another one.
    fn is_merged(&self) -> bool;
    /// Whether a field was written by several while apart.
    fn has_conflict(&self) -> bool;
    /// Its labels.
    ///
    /// # Errors
    /// When they cannot be read.
    fn labels(&self) -> Result<Vec<&str>, Self::Error>;
}

impl Query {
    /// Finds out who and what is meant, as of `now`.
    ///
    /// # Errors
    /// The first name that means nothing, with its place.
    pub fn bind<N: Names>(&self, now: UnixMillis, names: &mut N) -> Result<Bound, BindError<N::Error>> {
        let mut sort = self.sort;
        let (mut terms, mut texts) = (Vec::with_capacity(self.terms.len()), Vec::new());
        for term in &self.terms {
            let is_negated = term.is_negated;
            if let Condition::View(value) = &term.condition {
                let of_view = bind_view(value, now, names)?;
                terms.extend(of_view.terms);
                texts.extend(of_view.texts);
                sort = sort.or(of_view.sort);
                continue;
            }
            match bind_condition(&term.condition, now, names)? {
                Ok(asked) => terms.push(BoundTerm { is_negated, asked }),
                Err(wanted) => texts.push(BoundText { is_negated, wanted }),
            }
        }
        terms.sort_by_key(|term| matches!(term.asked, Asked::Label(_)));
        Ok(Bound { terms, texts, sort })
    }
}

/// What a view asks for. What is wrong in it is wrong at its name.
fn bind_view<N: Names>(value: &Value, now: UnixMillis, names: &mut N) -> Result<Bound, BindError<N::Error>> {
    let here = |error| BindError { value: value.clone(), error };
    let mut query = names.view(&value.text).map_err(here)?;
    // A view is saved without views in it: one of them would lead round in a circle.
    query.terms.retain(|term| !matches!(term.condition, Condition::View(_)));
    query.bind(now, names).map_err(|BindError { error, .. }| here(error))
}

/// What is asked of a row, or what is looked for in a text.
fn bind_condition<N: Names>(
    condition: &Condition,
    now: UnixMillis,
    names: &mut N,
) -> Result<Result<Asked, Wanted>, BindError<N::Error>> {
    let mut users = |values: &[Value]| {
        let mut all = Vec::new();
        for value in values {
            let found = names.users(&value.text);
            all.extend(found.map_err(|error| BindError { value: value.clone(), error })?);
        }
        Ok(all)
    };
    Ok(Ok(match condition {
        Condition::Text(wanted) => return Ok(Err(wanted.clone())),
        Condition::Is(states) => {
            let asks = |known: &[State]| states.iter().any(|state| known.contains(state));
            let of_users = [State::Mine, State::WaitingForMe, State::WaitingForThem, State::Following];
            let me = if asks(&of_users) { names.me().map_err(nobody)? } else { Vec::new() };
            let is_of_follows = asks(&[State::Following, State::Muted]);
            let follows = if is_of_follows { names.follows().map_err(nobody)? } else { Follows::new() };
            Asked::Is(states.clone(), now, me, follows)
        }
        Condition::Status(statuses) => Asked::Status(statuses.clone()),
        Condition::Label(labels) => Asked::Label(labels.clone()),
        Condition::Priority(priorities) => Asked::Priority(priorities.clone()),
        Condition::Number(field, bounds) => Asked::Number(*field, *bounds),
        Condition::Time(field, range) => {
            Asked::Time(*field, millis_of(range.from, now), millis_of(range.to, now))
        }
        // Taken apart before.
        Condition::View(_) => Asked::Project(Vec::new()),
        Condition::Requester(values) => Asked::Requester(users(values)?),
        Condition::Assignee(values) => {
            let (nobody, somebody): (Vec<Value>, Vec<Value>) =
                values.iter().cloned().partition(|value| value.text.eq_ignore_ascii_case("none"));
            Asked::Assignee(!nobody.is_empty(), users(&somebody)?)
        }
        Condition::Project(values) => {
            let mut all = Vec::new();
            for value in values {
                let found = names.projects(&value.text);
                all.extend(found.map_err(|error| BindError { value: value.clone(), error })?);
            }
            Asked::Project(all)
        }
    }))
}

/// Who the user is cannot be read: no name of the query is to blame.
fn nobody<E>(error: E) -> BindError<E> {
    BindError { value: Value { text: String::new(), span: 0..0 }, error }
}

const fn millis_of(moment: Moment, now: UnixMillis) -> u64 {
    match moment {
        Moment::Start => 0,
        Moment::End => u64::MAX,
        Moment::At(at) => at.0,
        Moment::Ago(millis) => now.0.saturating_sub(millis),
        Moment::Ahead(millis) => now.0.saturating_add(millis),
    }
}

impl Bound {
    /// What is looked for in texts; [`Bound::holds`] says nothing of it.
    pub fn texts(&self) -> &[BoundText] {
        &self.texts
    }

    /// Tells whether a row is one of those that are asked for, as far as a row can tell.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn holds<R: RowView>(&self, project: ProjectId, ticket: TicketId, row: &R) -> Result<bool, R::Error> {
        for term in &self.terms {
            if term.asked.holds((project, ticket), row)? == term.is_negated {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The same without words that are found with a typo: what is changed by a query is what it says.
    #[must_use]
    pub fn to_the_letter(mut self) -> Self {
        for text in &mut self.texts {
            if let Wanted::Near(word) = &text.wanted {
                text.wanted = Wanted::Word(word.clone());
            }
        }
        self
    }

    /// Whether every row holds.
    pub fn is_of_any_row(&self) -> bool {
        self.terms.is_empty()
    }
}

impl Asked {
    fn holds<R: RowView>(&self, of: (ProjectId, TicketId), row: &R) -> Result<bool, R::Error> {
        Ok(match self {
            Self::Status(statuses) => statuses.contains(&row.status()?),
            Self::Is(states, now, me, follows) => {
                let me = me.iter().find(|me| me.project == of.0);
                for state in states {
                    let follow = || follows.get(&of).copied();
                    if is_in(*state, *now, me, follow, row)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Project(projects) => projects.contains(&of.0),
            Self::Assignee(nobody, users) => {
                row.assignee().map_or(*nobody, |assignee| users.contains(&assignee))
            }
            Self::Requester(users) => users.contains(&row.requester()),
            Self::Priority(priorities) => priorities.contains(&row.priority()?),
            Self::Number(field, Bounds { from, to }) => {
                let number = match field {
                    NumberField::Number => row.number(),
                    NumberField::Comments => Some(row.comment_count()),
                };
                number.is_some_and(|number| (*from..=*to).contains(&u64::from(number)))
            }
            Self::Time(field, from, to) => {
                let time = match field {
                    TimeField::Updated => Some(row.updated_at()),
                    TimeField::Created => Some(row.created_at()),
                    TimeField::Snoozed => row.snoozed_until(),
                };
                time.is_some_and(|time| (*from..*to).contains(&time.0))
            }
            Self::Label(labels) => {
                let has = |label: &String| Ok(row.labels()?.iter().any(|its| its.to_lowercase() == *label));
                for label in labels {
                    if has(label)? {
                        return Ok(true);
                    }
                }
                false
            }
        })
    }
}

fn is_in<R: RowView>(
    state: State,
    now: UnixMillis,
    me: Option<&Me>,
    follow: impl Fn() -> Option<Follow>,
    row: &R,
) -> Result<bool, R::Error> {
    let works_on = |me: &Me| row.assignee() == Some(me.user);
    let is_theirs = |me: &Me| works_on(me) || row.requester() == me.user;
    // Of the team, whoever works on it; else whose problem it is. Whose turn it is, the status says.
    let is_turn_of = |mine: bool| -> Result<bool, R::Error> {
        let Some(me) = me else { return Ok(false) };
        let is_concerned = if me.is_team { works_on(me) } else { row.requester() == me.user };
        let status_wanted = if me.is_team == mine { Status::Open } else { Status::Pending };
        Ok(is_concerned && row.status()? == status_wanted)
    };
    Ok(match state {
        State::Open => row.status()? == Status::Open,
        State::Pending => row.status()? == Status::Pending,
        State::Resolved => row.status()? == Status::Resolved,
        State::Closed => row.status()? == Status::Closed,
        State::Active => row.status()?.is_active(),
        State::Done => !row.status()?.is_active(),
        State::Snoozed => row.snoozed_until().is_some_and(|until| until > now),
        State::Assigned => row.assignee().is_some(),
        State::Unassigned => row.assignee().is_none(),
        State::Labelled => !row.labels()?.is_empty(),
        State::Unlabelled => row.labels()?.is_empty(),
        State::Merged => row.is_merged(),
        State::Archived => {
            row.status()? == Status::Closed
                && now.0.saturating_sub(row.updated_at().0) >= limits::ARCHIVED_AFTER_MILLIS
        }
        State::Conflict => row.has_conflict(),
        State::Numbered => row.number().is_some(),
        State::Unread => row.is_unread(),
        State::Mentioned => row.is_mentioned(),
        State::NewlyMentioned => row.is_newly_mentioned(),
        State::Following => match follow() {
            Some(Follow::Following) => true,
            Some(Follow::Muted) => false,
            Some(Follow::Other(_)) | None => me.is_some_and(is_theirs),
        },
        State::Muted => follow() == Some(Follow::Muted),
        State::Mine => me.is_some_and(is_theirs),
        State::WaitingForMe => is_turn_of(true)?,
        State::WaitingForThem => is_turn_of(false)?,
    })
}

impl RowView for TicketRow {
    type Error = Infallible;

    fn status(&self) -> Result<Status, Infallible> {
        Ok(self.status)
    }

    fn priority(&self) -> Result<Option<Priority>, Infallible> {
        Ok(self.priority)
    }

    fn assignee(&self) -> Option<UserId> {
        self.assignee
    }

    fn requester(&self) -> UserId {
        self.requester
    }

    fn number(&self) -> Option<u32> {
        self.number
    }

    fn comment_count(&self) -> u32 {
        self.comment_count
    }

    /// A row alone knows nothing of reads.
    fn is_unread(&self) -> bool {
        false
    }

    /// Nor of mentions.
    fn is_mentioned(&self) -> bool {
        false
    }

    fn is_newly_mentioned(&self) -> bool {
        false
    }

    fn created_at(&self) -> UnixMillis {
        self.created_at
    }

    fn updated_at(&self) -> UnixMillis {
        self.updated_at
    }

    fn snoozed_until(&self) -> Option<UnixMillis> {
        self.snoozed_until_millis.map(UnixMillis)
    }

    fn is_merged(&self) -> bool {
        self.merged_into.is_some()
    }

    fn has_conflict(&self) -> bool {
        self.has_conflict
    }

    fn labels(&self) -> Result<Vec<&str>, Infallible> {
        Ok(self.labels.iter().map(String::as_str).collect())
    }
}
