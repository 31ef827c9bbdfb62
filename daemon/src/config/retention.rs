//! How long a server keeps what, as people write it: `365d`.

use assist_proto::retention::Retention;

use super::settings::RetentionSettings;
use super::{ConfigError, value};

/// How long a server keeps what.
pub(super) fn retention(settings: &RetentionSettings) -> Result<Retention, ConfigError> {
    let text = settings.delete_attachments_after.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let delete_attachments_after_millis = text
        .map(|text| millis(text).ok_or_else(|| value("retention.delete_attachments_after", EXPECTED)))
        .transpose()?;
    Ok(Retention { delete_attachments_after_millis })
}

fn millis(text: &str) -> Option<u64> {
    let days: u64 = text.strip_suffix('d')?.parse().ok()?;
    (days > 0).then(|| days.checked_mul(DAY_MILLIS))?
}

const EXPECTED: &str = "is to be a number of days as \"365d\", at least one";
const DAY_MILLIS: u64 = 24 * 3_600_000;
