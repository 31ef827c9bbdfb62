//! All that can be done now, as one list of names: what the palette offers, and what the page of shortcuts tells.

use assist_proto::api::ticket::{Priority, Status};

use crate::intent::{Change, Intent};
use crate::memory::ThemeChoice;
use crate::route::Route;
use crate::state::State;

/// Something that can be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Command {
    /// What it is called.
    pub(crate) name: String,
    /// Which keys do it.
    pub(crate) keys: &'static str,
    /// What it is.
    pub(crate) intent: Intent,
}

/// Returns what can be done now and has all these words in its name.
pub(crate) fn matching(state: &State, typed: &str) -> Vec<Command> {
    let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
    let mut all = commands(state);
    all.retain(|command| {
        let name = command.name.to_lowercase();
        words.iter().all(|word| name.contains(word))
    });
    // What begins as was typed is meant.
    all.sort_by_key(|command| {
        !words.first().is_some_and(|word| command.name.to_lowercase().starts_with(word))
    });
    all
}

fn commands(state: &State) -> Vec<Command> {
    let mut all = Vec::new();
    let mut add = |name: &str, keys, intent| all.push(Command { name: name.to_owned(), keys, intent });
    if !state.projects().is_empty() {
        add("New ticket", "N", Intent::Go(Route::NewTicket));
    }
    of_ticket(state, &mut add);
    let project = state.inbox.project.clone();
    for view in state.views() {
        let route = Route::Inbox { project: project.clone(), view: *view };
        add(&format!("Go to {}", view.name()), "", Intent::Go(route));
    }
    let view = state.inbox.view.unwrap_or(crate::route::View::Active);
    for project in state.projects() {
        let route = Route::Inbox { project: Some(project.id.clone()), view };
        add(&format!("Go to project {}", project.name), "", Intent::Go(route));
    }
    if state.projects().len() > 1 {
        add("Go to all projects", "", Intent::Go(Route::Inbox { project: None, view }));
    }
    for project in state.projects().iter().filter(|project| state.is_admin(&project.id)) {
        add(&format!("Manage {}", project.name), "", Intent::Go(Route::Manage(project.id.clone())));
    }
    if state.scope.is_none() {
        add("Join a project", "", Intent::Go(Route::Join));
    }
    add("Settings", "", Intent::Go(Route::Settings));
    add("Keyboard shortcuts", "?", Intent::ShowShortcuts(true));
    add("Back", "Alt+Left", Intent::Back);
    add("Forward", "Alt+Right", Intent::Forward);
    add("Work offline", "", Intent::Pause { project: None, is_paused: true });
    add("Go online", "", Intent::Pause { project: None, is_paused: false });
    add("Show connections", "", Intent::ShowConnections(!state.are_connections_open));
    add("Theme: dark", "", Intent::Theme(ThemeChoice::Dark));
    add("Theme: light", "", Intent::Theme(ThemeChoice::Light));
    add("Theme: as the system has it", "", Intent::Theme(ThemeChoice::System));
    all
}

/// What can be done with the ticket that is shown.
fn of_ticket(state: &State, add: &mut impl FnMut(&str, &'static str, Intent)) {
    let Some(open) = state.open.as_ref().filter(|open| open.past.is_none()) else { return };
    let Some(ticket) = open.ticket.as_deref() else { return };
    let row = &ticket.row;
    add("Next ticket", "J", Intent::Step(crate::intent::Step::Next));
    add("Previous ticket", "K", Intent::Step(crate::intent::Step::Previous));
    let history = if open.is_history_open { "Show the conversation" } else { "Show the history" };
    add(history, "H", Intent::ShowHistory(!open.is_history_open));
    add("Go to the newest comment", "", Intent::GoToEnd);
    let is_own = state.project(&row.project).is_some_and(|project| project.user_id == row.requester.id);
    if is_own || state.is_team(&row.project) {
        add("Rename the ticket", "", Intent::Change(Change::BeginTitle));
    }
    if !state.is_team(&row.project) {
        if is_own {
            let is_done = matches!(row.status, Status::Resolved | Status::Closed);
            let (name, status) = if is_done {
                ("Open the ticket again", Status::Open)
            } else {
                ("Close the ticket", Status::Closed)
            };
            add(name, "", Intent::Change(Change::Status(status)));
        }
        return;
    }
    add("Write a note", "M", Intent::WriteNote(true));
    let statuses = [
        ("Status: open", Status::Open),
        ("Status: pending", Status::Pending),
        ("Status: resolved", Status::Resolved),
        ("Status: closed", Status::Closed),
    ];
    for (name, status) in statuses.into_iter().filter(|(_, status)| *status != row.status) {
        add(name, "", Intent::Change(Change::Status(status)));
    }
    let priorities = [
        ("Priority: urgent", Some(Priority::Urgent)),
        ("Priority: high", Some(Priority::High)),
        ("Priority: normal", Some(Priority::Normal)),
        ("Priority: low", Some(Priority::Low)),
        ("Priority: none", None),
    ];
    for (name, priority) in priorities.into_iter().filter(|(_, priority)| *priority != row.priority) {
        add(name, "", Intent::Change(Change::Priority(priority)));
    }
    if let Some(project) = state.project(&row.project) {
        add("Assign to me", "A", Intent::Change(Change::Assignee(Some(project.user_id.clone()))));
    }
    let users = state.people.get(&row.project).map_or(&[][..], |people| &people.users);
    for user in
        users.iter().filter(|user| !user.is_self && user.role != assist_proto::api::user::Role::Customer)
    {
        let name = format!("Assign to {}", user.name);
        add(&name, "", Intent::Change(Change::Assignee(Some(user.id.clone()))));
    }
    if row.assignee.is_some() {
        add("Assign to nobody", "", Intent::Change(Change::Assignee(None)));
    }
}

/// What keys do, for the page that tells.
pub(crate) const KEYS: [(&str, &str); 16] = [
    ("Ctrl+K", "do anything, by its name"),
    ("?", "this page"),
    ("J, K", "the next ticket, the one before"),
    ("N, Ctrl+N", "file a ticket"),
    ("R", "reply"),
    ("M", "write a note (team)"),
    ("A", "assign the ticket to yourself (team)"),
    ("H", "what changed the ticket, and how it was"),
    ("X", "choose the ticket, for doing something with several"),
    ("Ctrl+Enter", "send what was written"),
    ("Ctrl+V", "attach the picture that was copied"),
    ("/, Ctrl+F", "find tickets"),
    ("Alt+Left, Alt+Right", "back, forward"),
    ("Escape", "leave what is open, or the field"),
    ("Tab", "on to the next button or field"),
    ("Ctrl++, Ctrl+-, Ctrl+0", "larger, smaller, as it was"),
];

#[cfg(test)]
mod tests {
    use super::matching;
    use crate::intent::Intent;
    use crate::memory::Memory;
    use crate::route::Route;
    use crate::state::State;

    #[test]
    fn commands_are_found_by_any_of_their_words() {
        let state = State::new(Memory::default());
        let names =
            |typed: &str| matching(&state, typed).into_iter().map(|command| command.name).collect::<Vec<_>>();
        assert_eq!(names("proj join"), ["Join a project"]);
        assert_eq!(names("LIGHT"), ["Theme: light"]);
        assert_eq!(names("nothing like it"), [""; 0]);
        assert_eq!(matching(&state, "settings")[0].intent, Intent::Go(Route::Settings));
        assert!(!names("").contains(&"Close the ticket".to_owned()), "there is none");
    }
}
