//! Who may do what: the one table, for edits made here and for changes that come from elsewhere.
//!
//! It speaks of intent and of facts that never change (who the requester is, who wrote a comment), so the answer
//! is the same on every device, whatever else it has or has not seen.
//!
//! `docs/roles.md` shows the same table to people; a test holds the two together.

use crate::actor::Author;
use crate::edit::Edit;
use crate::ids::UserId;
use crate::ticket::{Role, Status};

/// Whom an edit is open to. *Own* is what somebody filed (a ticket) or wrote (a comment) themselves.
///
/// ```text
///                         customer       agent          admin
///                         own   other's  own   other's  own   other's
/// Member                  yes   yes      yes   yes      yes   yes
/// Requester               yes   no       yes   no       yes   no
/// RequesterOrTeam         yes   no       yes   yes      yes   yes
/// Team                    no    no       yes   yes      yes   yes
/// CommentAuthor           yes   no       yes   no       yes   no
/// CommentAuthorOrAdmin    yes   no       yes   no       yes   yes
/// Admin                   no    no       no    no       yes   yes
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// Whoever sees the ticket.
    Member,
    /// The person whose problem it is. Not even the team puts words in a customer's mouth.
    Requester,
    /// That person, or the team.
    RequesterOrTeam,
    /// Agents and admins.
    Team,
    /// Who wrote the comment.
    CommentAuthor,
    /// Who wrote the comment, or an admin, who may have to remove what must not stand.
    CommentAuthorOrAdmin,
    /// Who wrote the note, while of the team.
    NoteAuthor,
    /// The same, or an admin.
    NoteAuthorOrAdmin,
    /// Admins.
    Admin,
}

/// What a right depends on besides the role.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Facts {
    /// Whose ticket it is; of a new ticket, whose it would be.
    pub(crate) requester: Option<UserId>,
    /// Who wrote the comment or note that the edit names.
    pub(crate) comment_author: Option<UserId>,
}

/// The table.
pub(crate) const fn right_to(edit: &Edit) -> Right {
    match edit {
        Edit::CreateTicket { .. } => Right::RequesterOrTeam,
        Edit::SetTitle(_) => Right::RequesterOrTeam,
        Edit::SetBody(_) => Right::Requester,
        Edit::SetStatus(Status::Open | Status::Closed) => Right::RequesterOrTeam,
        Edit::SetStatus(Status::Pending | Status::Resolved) => Right::Team,
        Edit::SetAssignee(_) => Right::Team,
        Edit::SetPriority(_) => Right::Team,
        Edit::SetSnoozedUntil(_) => Right::Team,
        Edit::SetCloseReason(_) => Right::RequesterOrTeam,
        Edit::SetMergedInto(_) => Right::Team,
        Edit::AddLink(_) => Right::Team,
        Edit::RemoveLink(_) => Right::Team,
        Edit::AddLabel(_) => Right::Team,
        Edit::RemoveLabel(_) => Right::Team,
        Edit::AddComment { .. } => Right::Member,
        Edit::EditComment { .. } => Right::CommentAuthor,
        Edit::DeleteComment(_) => Right::CommentAuthorOrAdmin,
        Edit::AddNote { .. } => Right::Team,
        Edit::EditNote { .. } => Right::NoteAuthor,
        Edit::DeleteNote(_) => Right::NoteAuthorOrAdmin,
        Edit::CreateProject(_) => Right::Admin,
        Edit::SetProjectName(_) => Right::Admin,
        Edit::DefineLabel { .. } => Right::Admin,
        Edit::RetireLabel(_) => Right::Admin,
        Edit::DefineCannedReply { .. } => Right::Admin,
        Edit::RetireCannedReply(_) => Right::Admin,
    }
}

impl Right {
    /// Tells whether the author has it.
    pub(crate) fn is_held(self, author: &Author, facts: &Facts) -> bool {
        let is_requester = facts.requester == Some(author.user);
        let is_comment_author = facts.comment_author == Some(author.user);
        match self {
            Self::Member => true,
            Self::Requester => is_requester,
            Self::RequesterOrTeam => is_requester || author.role.is_team(),
            Self::Team => author.role.is_team(),
            Self::CommentAuthor => is_comment_author,
            Self::CommentAuthorOrAdmin => is_comment_author || author.role == Role::Admin,
            Self::NoteAuthor => is_comment_author && author.role.is_team(),
            Self::NoteAuthorOrAdmin => {
                is_comment_author && author.role.is_team() || author.role == Role::Admin
            }
            Self::Admin => author.role == Role::Admin,
        }
    }

    /// Names the holders, for messages.
    pub(crate) const fn holders(self) -> &'static str {
        match self {
            Self::Member => "members of the ticket",
            Self::Requester => "the requester",
            Self::RequesterOrTeam => "the requester and the team",
            Self::Team => "the team",
            Self::CommentAuthor => "the comment's author",
            Self::CommentAuthorOrAdmin => "the comment's author and admins",
            Self::NoteAuthor => "the note's author",
            Self::NoteAuthorOrAdmin => "the note's author and admins",
            Self::Admin => "admins",
        }
    }
}

/// Names the deed, for messages: "only admins may ...".
pub(crate) const fn deed(edit: &Edit) -> &'static str {
    match edit {
        Edit::CreateTicket { .. } => "file the ticket",
        Edit::SetTitle(_) => "change the title",
        Edit::SetBody(_) => "change the report",
        Edit::SetStatus(_) => "set this status",
        Edit::SetAssignee(_) => "assign the ticket",
        Edit::SetPriority(_) => "set the priority",
        Edit::SetSnoozedUntil(_) => "snooze the ticket",
        Edit::SetCloseReason(_) => "say why the ticket was closed",
        Edit::SetMergedInto(_) => "merge the ticket",
        Edit::AddLink(_) | Edit::RemoveLink(_) => "link the ticket",
        Edit::AddLabel(_) | Edit::RemoveLabel(_) => "change the labels",
        Edit::AddComment { .. } => "comment",
        Edit::EditComment { .. } => "rewrite the comment",
        Edit::DeleteComment(_) => "delete the comment",
        Edit::AddNote { .. } => "write notes",
        Edit::EditNote { .. } => "rewrite the note",
        Edit::DeleteNote(_) => "delete the note",
        Edit::CreateProject(_) => "make the project",
        Edit::SetProjectName(_) => "rename the project",
        Edit::DefineLabel { .. } | Edit::RetireLabel(_) => "change the label catalogue",
        Edit::DefineCannedReply { .. } | Edit::RetireCannedReply(_) => "change the canned replies",
    }
}

#[cfg(test)]
mod tests;
