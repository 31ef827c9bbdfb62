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
        UserVerb::Settings { read_marks } => {
            invocation.output.check_fields::<UserSettings>()?;
            let settings = match read_marks {
                Some(switch) => {
                    let send_read_marks = Some(switch == Switch::On);
                    invocation.call(&Configure { project, send_read_marks })?
                }
                None => invocation.call(&GetSettings { project })?,
            };
            invocation.output.document(&settings, |settings, audience| {
                let on = if settings.send_read_marks { "on" } else { "off" };
                audience.facts(&[("read_marks", on.to_owned())])
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
