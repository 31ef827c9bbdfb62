//! `canned`: texts for common answers.

use assist_proto::api::Done;
use assist_proto::api::canned::{List, Preview, Previewed, Remove, Set};
use assist_proto::api::project::CannedReply;

use super::ticket::reference;
use crate::args::CannedVerb;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Audience, Cell, Row, Times, Tone, neutral, wrap};

/// Does what was asked for.
pub(crate) fn run(verb: CannedVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    let project = invocation.project.clone();
    match verb {
        CannedVerb::List => {
            invocation.output.check_fields::<CannedReply>()?;
            let all = invocation.call(&List { project })?.canned_replies;
            invocation.output.rows(&all)
        }
        CannedVerb::Set { name, body } => {
            let text = body.read_or_edit("")?;
            let set = Set { project, name, body: text.text.clone() };
            invocation.call(&set).map(|Done {}| ()).map_err(|error| text.mention(error))?;
            text.forget_file();
            invocation.output.say("stored");
            Ok(())
        }
        CannedVerb::Remove { name } => invocation.carry_out(&Remove { project, name }, "dropped"),
        CannedVerb::Preview { ticket, name } => {
            invocation.output.check_fields::<Previewed>()?;
            let previewed = invocation.call(&Preview { project, ticket: reference(ticket), name })?;
            invocation.output.document(&previewed, |previewed, audience| {
                let text = neutral::block(&previewed.body).into_owned();
                match audience {
                    Audience::Script => vec![text],
                    Audience::People(people) => wrap(&text, people.width, 0),
                }
            })
        }
    }
}

impl Row for CannedReply {
    const HEADS: &'static [&'static str] = &["name", "text"];
    const FLEXIBLE: usize = 1;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        let line = self.body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        vec![Cell::new(&self.name, Tone::Strong), Cell::plain(line)]
    }

    fn values(&self) -> Vec<String> {
        vec![self.name.clone(), self.body.clone()]
    }
}
