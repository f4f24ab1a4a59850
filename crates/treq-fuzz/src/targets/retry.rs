//! `Retry-After`.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};
use treq_retry::{http_date, retry_after};

use super::now;

/// Each line is a field's value, and a date.
pub(super) fn run(input: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(50) {
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        let date = value.to_str().ok().and_then(|text| http_date(text, now()));
        headers.insert(RETRY_AFTER, value.clone());
        let wait = retry_after(&headers, now());
        if let Some(date) = date {
            // A date that has passed is no wait.
            assert_eq!(wait, Some(date.duration_since(now()).unwrap_or_default()), "{value:?}");
        }
        let digits = line.trim_ascii();
        if !digits.is_empty() && digits.len() < 9 && digits.iter().all(u8::is_ascii_digit) {
            let seconds = String::from_utf8_lossy(digits).parse().expect("a number");
            assert_eq!(wait, Some(Duration::from_secs(seconds)), "{value:?}");
        }
    }
}
