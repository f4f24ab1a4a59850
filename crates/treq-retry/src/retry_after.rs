use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

use crate::date::http_date;

/// Returns the wait from `now` on that a `Retry-After` field ([RFC 9110, section
/// 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)) asks for: a number of whole seconds, or a date in any
/// of the three forms, a past one of which means zero. The layer reads the field by itself; this function is for policies
/// and for callers that get a response whose wait is longer than the
/// [limit](crate::RetryLayer::retry_after_limit).
///
/// `None` if there is no field or it is malformed, as `-1`, `1.5` or `9e9`. A number beyond all numbers of seconds is the
/// largest one. Of several fields, which one server never means to send, the longest wait counts.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("retry-after", "120".parse().unwrap());
/// assert_eq!(treq_retry::retry_after(&headers, SystemTime::now()), Some(Duration::from_secs(120)));
/// ```
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let values = headers.get_all(RETRY_AFTER).iter().filter_map(|value| value.to_str().ok());
    values.filter_map(|value| wait(value.trim_matches([' ', '\t']), now)).max()
}

fn wait(value: &str, now: SystemTime) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits alone fail to be a number only by being too many.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = http_date(value, now)?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests;
