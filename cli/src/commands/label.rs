//! `label`: the catalogue of labels that agents are offered.

use assist_proto::api::label::{List, Remove, Set};
use assist_proto::api::project::LabelInfo;

use crate::args::LabelVerb;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Cell, Row, Times, Tone};

/// Does what was asked for.
pub(crate) fn run(verb: LabelVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    let project = invocation.project.clone();
    match verb {
        LabelVerb::List => {
            invocation.output.check_fields::<LabelInfo>()?;
            let all = invocation.call(&List { project })?.labels;
            invocation.output.rows(&all)
        }
        LabelVerb::Set { label, description } => {
            invocation.carry_out(&Set { project, label, description }, "stored")
        }
        LabelVerb::Remove { label } => invocation.carry_out(&Remove { project, label }, "dropped"),
    }
}

impl Row for LabelInfo {
    const HEADS: &'static [&'static str] = &["label", "what it is for"];
    const FLEXIBLE: usize = 1;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        let line = self.description.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        vec![Cell::new(&self.label, Tone::Strong), Cell::plain(line)]
    }

    fn values(&self) -> Vec<String> {
        vec![self.label.clone(), self.description.clone()]
    }
}
