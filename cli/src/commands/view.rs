//! `view`: queries that are saved under a name.

use assist_proto::api::view::{Get, List, Remove, Save, View};

use super::ticket::check_query;
use crate::args::ViewVerb;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Audience, Cell, Row, Times, Tone, neutral};

/// Does what was asked for.
pub(crate) fn run(verb: ViewVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    let project = invocation.project.clone();
    match verb {
        ViewVerb::Save { name, query } => {
            check_query(&query)?;
            invocation.carry_out(&Save { project, name, query }, "saved")
        }
        ViewVerb::List => {
            invocation.output.check_fields::<View>()?;
            let all = invocation.call(&List { project })?.views;
            invocation.output.rows(&all)
        }
        ViewVerb::Show { name } => {
            invocation.output.check_fields::<View>()?;
            let view = invocation.call(&Get { project, name })?;
            invocation.output.document(&view, |view, audience| match audience {
                Audience::Script => vec![view.query.clone()],
                Audience::People(_) => vec![neutral::line(&view.query).into_owned()],
            })
        }
        ViewVerb::Remove { name } => invocation.carry_out(&Remove { project, name }, "removed"),
    }
}

impl Row for View {
    const HEADS: &'static [&'static str] = &["name", "query"];
    const FLEXIBLE: usize = 1;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        vec![Cell::new(&self.name, Tone::Strong), Cell::plain(&self.query)]
    }

    fn values(&self) -> Vec<String> {
        vec![self.name.clone(), self.query.clone(), self.project.clone()]
    }
}
