//! Rows: columns that fit the terminal for people, tab-separated values that are never cut for scripts.

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Color, ColumnConstraint, ContentArrangement};
use schemars::JsonSchema;
use serde::Serialize;

use super::neutral;
use super::times::Times;

/// Something that a list shows, each in two ways.
pub(crate) trait Row: Serialize + JsonSchema {
    /// The heads of the columns for people.
    const HEADS: &'static [&'static str];
    /// Which of them gives way on a narrow terminal.
    const FLEXIBLE: usize;

    /// Returns the columns for people.
    fn cells(&self, times: &Times) -> Vec<Cell>;

    /// Returns the columns for scripts: whole ids, exact times, empty where there is nothing. Their order is a
    /// promise; new ones come last.
    fn values(&self) -> Vec<String>;
}

/// A cell for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

/// What a text is like; the colour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Usual.
    Plain,
    /// Beside the point.
    Dim,
    /// To the point.
    Strong,
    /// As it should be.
    Good,
    /// Wants a look.
    Notable,
    /// Wants an act.
    Bad,
}

impl Cell {
    /// Makes a cell of a tone.
    pub(crate) fn new(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: neutral::line(text.as_ref()).into_owned(), tone }
    }

    /// Makes a usual cell.
    pub(crate) fn plain(text: impl AsRef<str>) -> Self {
        Self::new(text, Tone::Plain)
    }

    /// Makes a cell that is beside the point.
    pub(crate) fn dim(text: impl AsRef<str>) -> Self {
        Self::new(text, Tone::Dim)
    }
}

/// Lays rows out in columns of at most `width` together; what does not fit is cut with an ellipsis.
pub(crate) fn columns<R: Row>(rows: &[R], times: &Times, width: u16) -> String {
    let mut table = comfy_table::Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .enforce_styling()
        .set_truncation_indicator(ELLIPSIS)
        .set_header(R::HEADS.iter().map(|head| styled(&Cell::dim(*head))));
    for row in rows {
        let mut cells = comfy_table::Row::from(row.cells(times).iter().map(styled));
        cells.max_height(1);
        table.add_row(cells);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if index != R::FLEXIBLE {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

/// Joins values to one line with tabs between; a tab or a line end within one becomes a space.
pub(crate) fn tab_separated(values: &[String]) -> String {
    let values: Vec<_> = values.iter().map(|value| neutral::line(value)).collect();
    values.join("\t")
}

fn styled(cell: &Cell) -> comfy_table::Cell {
    let styled = comfy_table::Cell::new(&cell.text);
    match cell.tone {
        Tone::Plain => styled,
        Tone::Dim => styled.add_attribute(Attribute::Dim),
        Tone::Strong => styled.add_attribute(Attribute::Bold),
        Tone::Good => styled.fg(Color::Green),
        Tone::Notable => styled.fg(Color::Yellow),
        Tone::Bad => styled.fg(Color::Red),
    }
}

/// Spaces between two columns.
const GAP: u16 = 2;

const ELLIPSIS: &str = "\u{2026}";

#[cfg(test)]
mod tests;
