//! Dates of HTTP, and how long a `Retry-After` asks to wait.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use treq_retry::{http_date, retry_after};

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

/// The time at which all rows are played: 14 November 2023.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// Seconds since 1970, negative before.
pub(crate) fn epoch(text: &str) -> Option<i64> {
    let date = http_date(text, now())?;
    match date.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok(),
        Err(before) => i64::try_from(before.duration().as_secs()).ok().map(|seconds| -seconds),
    }
}

fn wait(input: &str, want: &Value) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_str(input).map_err(|error| error.to_string())?);
    let found = retry_after(&headers, now());
    let right = match want {
        Value::Null => found.is_none(),
        Value::Number(seconds) => found == Some(Duration::from_secs(seconds.as_u64().ok_or("no whole seconds")?)),
        // Longer than anybody waits, or none.
        Value::String(words) if words.starts_with("huge") => found.is_none_or(|wait| wait.as_secs() > 1 << 40),
        Value::String(words) if words.starts_with("date") => {
            let date = http_date(input, now()).ok_or("no date")?;
            found == Some(date.duration_since(now()).unwrap_or_default())
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
