//! `comment`: second thoughts on what was written, and the verbs of `ticket comment` under names of their own.

use assist_proto::api::comment::{Undo, Undone};

use super::ticket::{self, name_of};
use crate::args::{CommentArgs, CommentDeleteArgs, CommentEditArgs, CommentReplyArgs, CommentVerb, HoldArgs};
use crate::attach::AttachArgs;
use crate::body::BodyArgs;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Audience, neutral, wrap};

/// Does what was asked for.
pub(crate) fn run(verb: CommentVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    match verb {
        CommentVerb::Undo { comment } => undo(comment, invocation),
        CommentVerb::Reply(CommentReplyArgs { ticket, comment, body, attach, hold, wait }) => {
            let (reply_to, canned, edit, strike) = (Some(comment), None, None, None);
            let args = CommentArgs { ticket, body, reply_to, canned, edit, strike, attach, hold, wait };
            ticket::write_comment(args, invocation)
        }
        CommentVerb::Edit(CommentEditArgs { ticket, comment, body, wait }) => {
            let (edit, hold, attach) = (Some(comment), HoldArgs::default(), AttachArgs::default());
            let (reply_to, canned, strike) = (None, None, None);
            let args = CommentArgs { ticket, body, reply_to, canned, edit, strike, attach, hold, wait };
            ticket::write_comment(args, invocation)
        }
        CommentVerb::Delete(CommentDeleteArgs { ticket, comment, wait }) => {
            let (strike, hold, body) = (Some(comment), HoldArgs::default(), BodyArgs::default());
            let (reply_to, canned, edit, attach) = (None, None, None, AttachArgs::default());
            let args = CommentArgs { ticket, body, reply_to, canned, edit, strike, attach, hold, wait };
            ticket::write_comment(args, invocation)
        }
    }
}

fn undo(comment: Option<String>, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Undone>()?;
    let undone = invocation.call(&Undo { project: invocation.project.clone(), comment })?;
    let kept = undone.draft.get(..DRAFT_CHARS_SHOWN).unwrap_or(&undone.draft).to_owned();
    invocation.output.document(&undone, |undone, audience| match audience {
        Audience::Script => vec![neutral::block(&undone.body).into_owned()],
        Audience::People(people) => {
            let kind = if undone.is_note { "note" } else { "comment" };
            let ticket = name_of(undone.ticket.number, &undone.ticket.short_id);
            let mut lines = vec![format!("took the {kind} on {ticket} back:")];
            lines.extend(wrap(&neutral::block(&undone.body), people.width, 2));
            lines
        }
    })?;
    invocation.output.say(&format!("it is kept: `assist draft retry {kept}` writes it again"));
    Ok(())
}

/// Enough of a draft's id to name it.
const DRAFT_CHARS_SHOWN: usize = 10;

#[cfg(test)]
mod tests;
