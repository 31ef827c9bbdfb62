//! What of the notifications of a project is shown on the desktop of a device, and when.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::api::events::Reason;

/// What is shown on the desktop. The default is everything, at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Desktop {
    /// Which notifications.
    #[serde(default)]
    pub shown: Shown,
    /// When none is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
}

/// Which notifications are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// All.
    #[default]
    All,
    /// Where the user is mentioned, or a ticket is handed to them.
    Mentions,
    /// None.
    Off,
}

/// Hours of the day, by the clock of the device's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// The first minute of the day, 0 to 1439.
    pub from_minute: u16,
    /// The minute of the day at which they end; before `from_minute` if they go over midnight.
    pub to_minute: u16,
}

impl Desktop {
    /// Whether a notification is shown in this minute of the day.
    pub fn shows(&self, reason: Reason, minute: u16) -> bool {
        let is_wanted = match self.shown {
            Shown::All => true,
            Shown::Mentions => matches!(reason, Reason::Mentioned | Reason::Assigned),
            Shown::Off => false,
        };
        is_wanted && !self.quiet.is_some_and(|quiet| quiet.contains(minute))
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl QuietHours {
    /// Whether a minute of the day is one of them.
    pub const fn contains(&self, minute: u16) -> bool {
        if self.from_minute <= self.to_minute {
            self.from_minute <= minute && minute < self.to_minute
        } else {
            self.from_minute <= minute || minute < self.to_minute
        }
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from_minute, self.to_minute);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// A text is none that names hours of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected two times of the day, as 22:00-07:00")]
pub struct ParseQuietHoursError;

impl FromStr for QuietHours {
    type Err = ParseQuietHoursError;

    fn from_str(text: &str) -> Result<Self, ParseQuietHoursError> {
        let minute = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let is_number =
                |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            if !is_number(hour) || !is_number(minute) {
                return None;
            }
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        let read = text.split_once('-').and_then(|(from, to)| {
            let (from_minute, to_minute) = (minute(from)?, minute(to)?);
            (from_minute != to_minute).then_some(Self { from_minute, to_minute })
        });
        read.ok_or(ParseQuietHoursError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_they_are_written() {
        for (text, written) in [("22:00-07:00", "22:00-07:00"), (" 9:05 - 17:30 ", "09:05-17:30")] {
            assert_eq!(text.parse::<QuietHours>().unwrap().to_string(), written);
        }
        for text in
            ["", "-", "22-7", "24:00-07:00", "22:60-07:00", "22:00", "+1:00-02:00", "1:00-1:00", "a:b-c:d"]
        {
            assert_eq!(text.parse::<QuietHours>(), Err(ParseQuietHoursError), "{text}");
        }
    }

    #[test]
    fn quiet_hours_go_over_midnight() {
        let night = QuietHours { from_minute: 22 * 60, to_minute: 7 * 60 };
        let noon = QuietHours { from_minute: 12 * 60, to_minute: 13 * 60 };
        let never = QuietHours { from_minute: 60, to_minute: 60 };
        for (hour, is_night, is_noon) in [
            (21, false, false),
            (22, true, false),
            (0, true, false),
            (6, true, false),
            (7, false, false),
            (12, false, true),
        ] {
            assert_eq!((night.contains(hour * 60), noon.contains(hour * 60)), (is_night, is_noon), "{hour}");
            assert!(!never.contains(hour * 60));
        }
        assert!(noon.contains(13 * 60 - 1) && !noon.contains(13 * 60));
    }

    #[test]
    fn what_is_wanted_is_shown_outside_of_quiet_hours() {
        let quiet = Some(QuietHours { from_minute: 0, to_minute: 60 });
        let reasons = [Reason::Assigned, Reason::Mentioned, Reason::Reply, Reason::Resurfaced];
        for (shown, expected) in [
            (Shown::All, [true, true, true, true]),
            (Shown::Mentions, [true, true, false, false]),
            (Shown::Off, [false; 4]),
        ] {
            let desktop = Desktop { shown, quiet };
            assert_eq!(reasons.map(|reason| desktop.shows(reason, 60)), expected);
            assert_eq!(reasons.map(|reason| desktop.shows(reason, 59)), [false; 4]);
        }
    }
}
