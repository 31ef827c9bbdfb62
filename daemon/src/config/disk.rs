//! How much of a server's disk is to stay free, as people write it: `5%`, `500 MiB`, `2 GiB`.

use std::fmt;

use assist_proto::hub::{DiskReserves, Reserve};

use super::settings::DiskSettings;
use super::{ConfigError, MIB, value};

/// From where on a disk counts as low, and as full.
pub(super) fn reserves(settings: &DiskSettings) -> Result<DiskReserves, ConfigError> {
    let default = DiskReserves::default();
    let given = |key, text: &Option<String>, default| match text.as_deref().map(str::trim) {
        None | Some("") => Ok(default),
        Some(text) => parse(text).map_err(|problem| value(key, problem)),
    };
    let warn_free = given("disk.warn_free", &settings.warn_free, default.warn_free)?;
    let stop_free = given("disk.stop_free", &settings.stop_free, default.stop_free)?;
    let is_late = match (shares(warn_free), shares(stop_free)) {
        (Some(warn), Some(stop)) => warn < stop,
        (None, None) => warn_free.of(0) < stop_free.of(0),
        _ => false,
    };
    if is_late && settings.warn_free.is_some() {
        return Err(value(
            "disk.warn_free",
            "would warn only when nothing is taken any more: give more than stop_free",
        ));
    }
    Ok(DiskReserves { warn_free, stop_free })
}

fn shares(reserve: Reserve) -> Option<u8> {
    match reserve {
        Reserve::Share { percent, .. } => Some(percent),
        Reserve::Bytes(_) => None,
    }
}

fn parse(text: &str) -> Result<Reserve, &'static str> {
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let count: u64 = number.parse().map_err(|_| EXPECTED)?;
    match text[number.len()..].trim() {
        "%" if count <= PERCENT_MAX => {
            let percent = u8::try_from(count).map_err(|_| EXPECTED)?;
            Ok(Reserve::Share { percent, least_bytes: 0, most_bytes: u64::MAX })
        }
        "%" => Err("is more than half of the disk: then nothing would ever be taken"),
        "MiB" => count.checked_mul(MIB).map(Reserve::Bytes).ok_or(EXPECTED),
        "GiB" => count.checked_mul(1_024 * MIB).map(Reserve::Bytes).ok_or(EXPECTED),
        _ => Err(EXPECTED),
    }
}

/// A reserve as `config check` shows it.
pub struct Shown(pub Reserve);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reserve::Bytes(bytes) => write!(f, "{} MiB", bytes / MIB),
            Reserve::Share { percent, least_bytes: 0, most_bytes: u64::MAX } => write!(f, "{percent}%"),
            Reserve::Share { percent, least_bytes, most_bytes } => {
                write!(
                    f,
                    "{percent}%, at least {} MiB and at most {} MiB",
                    least_bytes / MIB,
                    most_bytes / MIB
                )
            }
        }
    }
}

const EXPECTED: &str = "is to be a share of the disk as \"5%\", or a size as \"500 MiB\" or \"2 GiB\"";
/// Whoever wants more of a disk to stay free has it wrong, or too small a disk.
const PERCENT_MAX: u64 = 50;
