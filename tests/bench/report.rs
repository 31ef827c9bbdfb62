//! What was measured against what was promised: a table for people, JSON for machines.

use std::fmt;
use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::measure::Spread;

/// Everything that one run found out.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where and how.
    pub(crate) machine: Machine,
    /// One line each.
    pub(crate) rows: Vec<Row>,
}

/// The machine at the start of the run: other jobs share it, so figures of two runs do not compare.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// Cores that this process may use.
    pub(crate) cores: usize,
    /// Load average over 1, 5 and 15 minutes, as the system says it.
    pub(crate) load_at_start: String,
    /// The same at the end.
    pub(crate) load_at_end: String,
    /// `small` or `full`: goals are for `full`.
    pub(crate) scale: Scale,
    /// When it began.
    pub(crate) started_at_millis: u64,
}

/// How much work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scale {
    /// A twentieth, to see that everything runs.
    Small,
    /// What the goals speak of.
    Full,
}

impl Scale {
    /// So many, or fewer in a small run.
    pub(crate) fn of(self, full: u64) -> u64 {
        match self {
            Self::Small => (full / 20).max(10),
            Self::Full => full,
        }
    }
}

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// The scenario.
    pub(crate) scenario: &'static str,
    /// What was measured.
    pub(crate) what: String,
    /// Of all the numbers of this row.
    pub(crate) unit: Unit,
    /// The median of many, or the total of one.
    pub(crate) value: f64,
    /// Of many.
    pub(crate) p99: Option<f64>,
    /// How many.
    pub(crate) count: usize,
    /// What was promised of `value`.
    pub(crate) goal: Option<Goal>,
    /// The least that it could be, measured in the same run.
    pub(crate) floor: Option<f64>,
    /// `value` in floors.
    pub(crate) ratio: Option<f64>,
    /// Whether the promise is kept; absent without one.
    pub(crate) passes: Option<bool>,
}

impl Row {
    /// A figure that was taken once.
    pub(crate) fn one(scenario: &'static str, what: impl Into<String>, unit: Unit, value: f64) -> Self {
        let what = what.into();
        Self {
            scenario,
            what,
            unit,
            value,
            p99: None,
            count: 1,
            goal: None,
            floor: None,
            ratio: None,
            passes: None,
        }
    }

    /// A time that was taken often.
    pub(crate) fn spread(scenario: &'static str, what: impl Into<String>, spread: &Spread) -> Self {
        let mut row = Self::one(scenario, what, Unit::Millis, millis(spread.p50));
        row.p99 = Some(millis(spread.p99));
        row.count = spread.count;
        row
    }

    /// A time that was taken once.
    pub(crate) fn time(scenario: &'static str, what: impl Into<String>, time: std::time::Duration) -> Self {
        Self::one(scenario, what, Unit::Millis, millis(time))
    }

    /// Sets the least that it could be.
    #[must_use]
    pub(crate) fn over(mut self, floor: f64) -> Self {
        self.floor = Some(floor);
        self.ratio = Some(self.value / floor);
        self
    }

    /// Sets what was promised.
    #[must_use]
    pub(crate) fn goal(mut self, goal: Goal) -> Self {
        self.passes = Some(match goal {
            Goal::AtMost(bound) => self.value <= bound,
            Goal::AtLeast(bound) => self.value >= bound,
        });
        self.goal = Some(goal);
        self
    }
}

/// What was promised.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// Less is better.
    AtMost(f64),
    /// More is better.
    AtLeast(f64),
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Milliseconds.
    Millis,
    /// So many in a second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// 1,024 bytes.
    Kib,
    /// 1,000,000 bytes.
    Mb,
    /// Things.
    Count,
    /// Of one for each of another.
    Ratio,
}

impl Report {
    /// Writes it for machines.
    pub(crate) fn write_json(&self, path: &Path) -> anyhow::Result<()> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(serde_json::to_writer_pretty(file, self)?)
    }

    /// How many promises are not kept.
    pub(crate) fn misses(&self) -> usize {
        self.rows.iter().filter(|row| row.passes == Some(false)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cells =
            vec![["", "what", "p50/total", "p99", "goal", "floor", "ratio", ""].map(String::from)];
        cells.extend(self.rows.iter().map(|row| self.cells(row)));
        let widths: Vec<usize> = (0..8)
            .map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        for row in cells {
            for (column, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[column] - cell.chars().count());
                let is_text = column < 2 || column == 7;
                let (before, after) = if is_text { ("", pad.as_str()) } else { (pad.as_str(), "") };
                write!(f, "{before}{cell}{after}  ")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Report {
    fn cells(&self, row: &Row) -> [String; 8] {
        let number = |value: f64| format_number(row.unit, value);
        let verdict = match row.passes {
            None => "",
            Some(_) if self.machine.scale == Scale::Small => "(small)",
            Some(true) => "pass",
            Some(false) => "MISS",
        };
        [
            row.scenario.into(),
            row.what.clone(),
            number(row.value),
            row.p99.map(number).unwrap_or_default(),
            row.goal.map(|goal| goal_text(row.unit, goal)).unwrap_or_default(),
            row.floor.map(number).unwrap_or_default(),
            row.ratio.map(|ratio| format!("{ratio:.2}x")).unwrap_or_default(),
            verdict.into(),
        ]
    }
}

fn goal_text(unit: Unit, goal: Goal) -> String {
    match goal {
        Goal::AtMost(bound) => format!("<= {}", format_number(unit, bound)),
        Goal::AtLeast(bound) => format!(">= {}", format_number(unit, bound)),
    }
}

fn format_number(unit: Unit, value: f64) -> String {
    let digits = match value.abs() {
        _ if unit == Unit::Count || unit == Unit::Bytes => 0,
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    let suffix = match unit {
        Unit::Millis => " ms",
        Unit::PerSecond => "/s",
        Unit::Bytes => " B",
        Unit::Kib => " KiB",
        Unit::Mb => " MB",
        Unit::Count | Unit::Ratio => "",
    };
    format!("{value:.digits$}{suffix}")
}

/// Milliseconds with their fraction.
pub(crate) fn millis(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
