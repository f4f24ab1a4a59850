//! `Retry-After`.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};
use treq_retry::retry_after;

use super::now;

/// Each line is a field's value.
pub(super) fn run(input: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(50) {
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        headers.insert(RETRY_AFTER, value.clone());
        let wait = retry_after(&headers, now());
        let digits = line.trim_ascii();
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        if let Some(wait) = wait.filter(|wait| !is_number && !wait.is_zero()) {
            // A date comes nearer by the second.
            let later = retry_after(&headers, now() + Duration::from_secs(1));
            assert_eq!(later, Some(wait - Duration::from_secs(1)), "{value:?}");
        }
        if is_number && digits.len() < 9 {
            let seconds = String::from_utf8_lossy(digits).parse().expect("a number");
            assert_eq!(wait, Some(Duration::from_secs(seconds)), "{value:?}");
        }
    }
}
