//! `user`: the people of a project.

use assist_proto::api::user::{Configure, GetSettings, List, Rename, User, UserSettings};

use super::word;
use crate::args::{Switch, UserVerb};
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Cell, Row, Times, Tone};

/// Does what was asked for.
pub(crate) fn run(verb: UserVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    let project = invocation.project.clone();
    match verb {
        UserVerb::List => {
            invocation.output.check_fields::<User>()?;
            let users = invocation.call(&List { project })?.users;
            invocation.output.rows(&users)
        }
        UserVerb::Rename { name } => {
            invocation.carry_out(&Rename { project, name }, "done: others will see it soon")
        }
        UserVerb::Settings { read_marks, mails, desktop, quiet_hours } => {
            invocation.output.check_fields::<UserSettings>()?;
            let is_on = |switch| switch == Switch::On;
            let (send_read_marks, mails) = (read_marks.map(is_on), mails.map(is_on));
            let change = Configure { project: project.clone(), send_read_marks, mails, desktop, quiet_hours };
            let is_shown_only = change == Configure { project: project.clone(), ..Configure::default() };
            let settings = match is_shown_only {
                true => invocation.call(&GetSettings { project })?,
                false => invocation.call(&change)?,
            };
            invocation.output.document(&settings, |settings, audience| {
                let on = |is_on| if is_on { "on" } else { "off" }.to_owned();
                audience.facts(&[
                    ("read_marks", on(settings.send_read_marks)),
                    ("mails", on(settings.mails)),
                    ("desktop", word(&settings.desktop)),
                    ("quiet_hours", settings.quiet_hours.clone().unwrap_or_else(|| "none".to_owned())),
                ])
            })
        }
    }
}

impl Row for User {
    const HEADS: &'static [&'static str] = &["name", "email", "role", "id"];
    const FLEXIBLE: usize = 0;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        let name = if self.is_self { format!("{} (you)", self.name) } else { self.name.clone() };
        vec![
            Cell::new(name, Tone::Strong),
            Cell::plain(self.email.as_deref().unwrap_or_default()),
            Cell::plain(word(&self.role)),
            Cell::dim(&self.id),
        ]
    }

    fn values(&self) -> Vec<String> {
        let email = self.email.clone().unwrap_or_default();
        vec![self.id.clone(), self.name.clone(), email, word(&self.role), self.is_self.to_string()]
    }
}
