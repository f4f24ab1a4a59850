//! Dates of HTTP, and how long a `Retry-After` asks to wait.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use treq_retry::retry_after;

use crate::Row;

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    let input = row.text("input").ok_or("no input")?;
    if let Some(want) = row.get("expect_delay") {
        return wait(input, want);
    }
    let want = row.get("expect_epoch").ok_or("no expectation")?;
    if !want.is_null() && !want.is_i64() {
        return Err(format!("{want} is no time"));
    }
    let found = epoch(input);
    if found == want.as_i64() { Ok(()) } else { Err(format!("{found:?}, not {want}")) }
}

/// The time at which all rows are played, in seconds since 1970: 14 November 2023.
const NOW: i64 = 1_700_000_000;

/// Fifty years before, which is as far back as a year of two digits reaches.
const OLD: i64 = NOW - 50 * 31_556_952;

/// The beginning of the year 1.
const FIRST: i64 = -62_135_596_800;

/// The date that a `Retry-After` names, in seconds since 1970: a date that has passed is no wait, so the waits at earlier
/// times tell it.
pub(crate) fn epoch(text: &str) -> Option<i64> {
    let date_after = |now: i64| match i64::try_from(delay(text, now)?.as_secs()) {
        Ok(wait @ 1..) => now.checked_add(wait),
        _ => None,
    };
    let is_number = text.trim().bytes().all(|byte| byte.is_ascii_digit());
    if is_number { None } else { [NOW, OLD, FIRST].into_iter().find_map(date_after) }
}

/// The wait at a time.
fn delay(text: &str, now: i64) -> Option<Duration> {
    let distance = Duration::from_secs(now.unsigned_abs());
    let now: SystemTime = if now < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance };
    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(text).ok()?)]);
    retry_after(&headers, now)
}

fn wait(input: &str, want: &Value) -> Result<(), String> {
    let found = delay(input, NOW);
    let right = match want {
        Value::Null => found.is_none(),
        Value::Number(seconds) => found == Some(Duration::from_secs(seconds.as_u64().ok_or("no whole seconds")?)),
        // Longer than anybody waits, or none.
        Value::String(words) if words.starts_with("huge") => found.is_none_or(|wait| wait.as_secs() > 1 << 40),
        Value::String(words) if words.starts_with("date") => {
            // As long before the date as the years between the two times.
            let old = delay(input, OLD).ok_or("no date")?;
            found == Some(old.saturating_sub(Duration::from_secs(NOW.abs_diff(OLD))))
        }
        _ => return Err(format!("{want} is no wait")),
    };
    if right { Ok(()) } else { Err(format!("the wait is {found:?}, not {want}")) }
}

/// The three forms of RFC 9110, section 5.6.7: `0` stands for a digit, `a` for a letter, `*` for a long name of a day.
const FORMS: [&str; 4] = [
    "aaa, 00 aaa 0000 00:00:00 GMT",
    "*, 00-aaa-00 00:00:00 GMT",
    "aaa aaa 00 00:00:00 0000",
    "aaa aaa  0 00:00:00 0000",
];

/// Whether a text is written as a date of HTTP is, whatever day it names.
pub(crate) fn has_form(text: &str) -> bool {
    let text = text.trim();
    FORMS.iter().any(|form| {
        let (form, text) = match (form.strip_prefix('*'), text.find(',')) {
            (Some(form), Some(comma)) if text[..comma].ends_with("day") => (form, &text[comma..]),
            (Some(_), _) => return false,
            (None, _) => (*form, text),
        };
        let fits = |(form, char): (char, char)| match form {
            '0' => char.is_ascii_digit(),
            'a' => char.is_ascii_alphabetic(),
            other => other == char,
        };
        form.len() == text.len() && form.chars().zip(text.chars()).all(fits)
    })
}
