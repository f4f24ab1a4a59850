//! The rows of `tests/data`.

use http::HeaderValue;
use serde_json::Value;

use super::*;

/// The three forms of RFC 9110, section 5.6.7: `0` stands for a digit, `a` for a letter, `*` for a long name of a day.
const FORMS: [&str; 4] = [
    "aaa, 00 aaa 0000 00:00:00 GMT",
    "*, 00-aaa-00 00:00:00 GMT",
    "aaa aaa 00 00:00:00 0000",
    "aaa aaa  0 00:00:00 0000",
];

fn has_form(text: &str) -> bool {
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

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn epoch(text: &str) -> Option<i64> {
    let date = http_date(text, now())?;
    Some(match date.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(past) => i64::try_from(past.as_secs()).unwrap(),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap(),
    })
}

fn delay(value: &str) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_str(value).unwrap());
    retry_after(&headers, now())
}

#[test]
fn dates_and_waits() {
    let path = format!("{}/tests/data/http-dates.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let (mut faults, mut played) = (Vec::new(), [0; 3]);
    for row in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let (group, input) = (row["group"].as_str().unwrap(), row["input"].as_str().unwrap());
        let (which, right) = match group {
            "strict" => (0, epoch(input) == row["expect_epoch"].as_i64()),
            "retry-after" => {
                let seen = delay(input);
                let right = match &row["expect_delay"] {
                    Value::Null => seen.is_none(),
                    Value::Number(seconds) => seen == seconds.as_u64().map(Duration::from_secs),
                    // Longer than anybody waits, or none.
                    Value::String(words) if words.starts_with("huge") => {
                        seen.is_none_or(|wait| wait.as_secs() > 1 << 40)
                    }
                    // The wait is the one until that date.
                    _ => {
                        seen.is_some()
                            && seen == http_date(input, now()).and_then(|date| date.duration_since(now()).ok())
                    }
                };
                (1, right)
            }
            // What curl takes beyond the three forms is no date: by that rule, and for no row alone. Whoever guesses what
            // was meant waits for as long as nobody asked for.
            _ if has_form(input) => (2, epoch(input) == row["expect_epoch"].as_i64()),
            _ => (2, epoch(input).is_none()),
        };
        played[which] += 1;
        if !right {
            faults.push(format!("{row}: {:?} {:?}", epoch(input), delay(input)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(played.iter().sum::<usize>(), 105, "{played:?}");
}

#[test]
fn waits_are_whole_seconds_or_dates() {
    let seconds = Duration::from_secs;
    for (value, want) in [
        ("0", Some(0)),
        ("120", Some(120)),
        ("00120", Some(120)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", Some(u64::MAX)),
        ("Tue, 14 Nov 2023 22:13:30 GMT", Some(10)),
        ("Tuesday, 14-Nov-23 22:13:30 GMT", Some(10)),
        ("Tue Nov 14 22:13:30 2023", Some(10)),
        ("Tue, 14 Nov 2023 22:13:20 GMT", Some(0)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Wed, 31 Dec 1969 00:00:00 GMT", Some(0)),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("1 s", None),
        ("1, 2", None),
        ("9e9", None),
        ("0x10", None),
        ("x", None),
        ("Tue, 14 Nov 2023 22:13:30", None),
    ] {
        assert_eq!(delay(value), want.map(seconds), "{value}");
    }
    let mut headers = HeaderMap::new();
    assert_eq!(retry_after(&headers, now()), None);
    for value in [&b"5"[..], b"x", b"\xff", b" 9\t", b"7"] {
        headers.append("retry-after", HeaderValue::from_bytes(value).unwrap());
    }
    assert_eq!(retry_after(&headers, now()), Some(seconds(9)));
}
