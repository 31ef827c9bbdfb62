//! What a row of the list shows beside the ticket's title and status. Plain data.

use serde::{Deserialize, Serialize};

/// A part of a row that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowPart {
    /// The ticket's number.
    Number,
    /// Whose problem it is.
    Requester,
    /// The project, where tickets of several are listed.
    Project,
    /// Its labels.
    Labels,
    /// Who works on it.
    Assignee,
    /// How far it has come.
    State,
}

/// Which parts are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftOut {
    number: bool,
    requester: bool,
    project: bool,
    labels: bool,
    assignee: bool,
    state: bool,
}

impl RowPart {
    /// All of them, as they are offered.
    pub const ALL: [Self; 6] =
        [Self::Number, Self::Requester, Self::Project, Self::Labels, Self::Assignee, Self::State];

    /// Returns what people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "Number",
            Self::Requester => "Who asked",
            Self::Project => "Project",
            Self::Labels => "Labels",
            Self::Assignee => "Assignee",
            Self::State => "How far it has come",
        }
    }
}

impl LeftOut {
    /// Tells whether rows show a part.
    pub const fn shows(&self, part: RowPart) -> bool {
        !match part {
            RowPart::Number => self.number,
            RowPart::Requester => self.requester,
            RowPart::Project => self.project,
            RowPart::Labels => self.labels,
            RowPart::Assignee => self.assignee,
            RowPart::State => self.state,
        }
    }

    /// Shows a part from now on, or leaves it out.
    pub const fn show(&mut self, part: RowPart, is_shown: bool) {
        let place = match part {
            RowPart::Number => &mut self.number,
            RowPart::Requester => &mut self.requester,
            RowPart::Project => &mut self.project,
            RowPart::Labels => &mut self.labels,
            RowPart::Assignee => &mut self.assignee,
            RowPart::State => &mut self.state,
        };
        *place = !is_shown;
    }
}
