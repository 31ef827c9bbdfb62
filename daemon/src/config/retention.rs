//! How long a server keeps what, and after how long a device closes what, as people write it: `365d`.

use assist_proto::housekeeping::Housekeeping;
use assist_proto::retention::Retention;

use super::settings::RetentionSettings;
use super::{ConfigError, value};

/// How long a server keeps what.
pub(super) fn retention(settings: &RetentionSettings) -> Result<Retention, ConfigError> {
    let RetentionSettings { delete_attachments_after, .. } = settings;
    let delete_attachments_after_millis =
        period("retention.delete_attachments_after", delete_attachments_after.as_deref())?;
    Ok(Retention { delete_attachments_after_millis })
}

/// After how long a device closes what.
pub(super) fn housekeeping(settings: &RetentionSettings) -> Result<Housekeeping, ConfigError> {
    let RetentionSettings { close_resolved_after, close_pending_after, .. } = settings;
    Ok(Housekeeping {
        close_resolved_after_millis: period(
            "retention.close_resolved_after",
            close_resolved_after.as_deref(),
        )?,
        close_pending_after_millis: period("retention.close_pending_after", close_pending_after.as_deref())?,
    })
}

/// Milliseconds; `None`, which is never, unless something was said.
fn period(key: &'static str, text: Option<&str>) -> Result<Option<u64>, ConfigError> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(|text| millis(text).ok_or_else(|| value(key, EXPECTED))).transpose()
}

fn millis(text: &str) -> Option<u64> {
    let days: u64 = text.strip_suffix('d')?.parse().ok()?;
    (days > 0).then(|| days.checked_mul(DAY_MILLIS))?
}

const EXPECTED: &str = "is to be a number of days as \"365d\", at least one";
const DAY_MILLIS: u64 = 24 * 3_600_000;
