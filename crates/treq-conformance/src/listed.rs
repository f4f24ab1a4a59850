//! Where treq deliberately answers in another way than a row says. Rules, not ids: they hold for rows of the same kind
//! that nobody has seen yet.

use http::Uri;
use serde_json::Value;
use treq::Origin;

use crate::{Row, cookies};

/// The reason for which a row of `suite` may come out otherwise.
pub fn reason(suite: &str, row: &Row) -> Option<&'static str> {
    match suite {
        "h1-responses" => h1_responses(row),
        "redirects" => redirects(row),
        "cookies-http-state" => http_state(row),
        _ => None,
    }
}

fn redirects(row: &Row) -> Option<&'static str> {
    let origin = |key: &str| Origin::of(&row.text(key)?.parse::<Uri>().ok()?).ok();
    if row.text("expect") == Some("stripped") && origin("first").is_some_and(|first| origin("location") == Some(first))
    {
        return Some(
            "a default port that is written out makes no other origin, within which fields stay: RFC 9110, section 4.2.3",
        );
    }
    None
}

fn http_state(row: &Row) -> Option<&'static str> {
    let old = row.get("expect_cookie_6265bis").is_none() && row.get("expect_cookie").is_some_and(Value::is_null);
    (old && cookies::sends_nameless_only(row) == Ok(true)).then_some(
        "a cookie without a name is kept: RFC 6265bis, section 5.7; the row has the verdict of RFC 6265 alone",
    )
}

fn h1_responses(row: &Row) -> Option<&'static str> {
    let wire = row.bytes("response").ok()?;
    let text = String::from_utf8_lossy(&wire);
    let end = text.find("\r\n\r\n").or_else(|| text.find("\n\n")).unwrap_or(text.len());
    let head = &text[..end];
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    let lengths = || {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).flat_map(|(_, value)| value.split(','))
    };
    let wants_error = match row.get("expect") {
        Some(expect) => expect.get("error").is_some_and(|error| !error.is_null() && error.as_bool() != Some(false)),
        None => false,
    };
    if wants_error {
        let numbers: Vec<_> = lengths().filter_map(|value| value.trim().parse::<u64>().ok()).collect();
        if numbers.len() > 1 && numbers.len() == lengths().count() && numbers.iter().all(|number| *number == numbers[0])
        {
            return Some(
                "a Content-Length that repeats one decimal value may be taken as that value: RFC 9110, section 8.6",
            );
        }
        if ends_lines_with_lf(&wire) {
            return Some("a line may end with LF alone: RFC 9112, section 2.2; other clients take it too");
        }
        return None;
    }
    if lengths().any(|value| {
        value.is_empty() || !value.trim().bytes().all(|byte| byte.is_ascii_digit()) || value.trim().is_empty()
    }) {
        return Some("a Content-Length that is no number is refused: RFC 9112, section 6.3; browsers ignore it");
    }
    if status.len() != 3 || status.starts_with('0') {
        return Some("a status has three digits, the first not 0: RFC 9112, section 4; browsers are lenient");
    }
    let no_body = row.get("expect").and_then(|expect| expect.get("body_len")).and_then(Value::as_u64) == Some(0);
    if status == "205" && no_body {
        return Some(
            "content of a 205 is framed by its Content-Length: RFC 9112, section 6.3; Fetch drops it afterwards",
        );
    }
    None
}

/// Whether some line of the head ends with LF alone, and no CR stands by itself, which is another matter.
fn ends_lines_with_lf(wire: &[u8]) -> bool {
    let end = wire.windows(2).position(|pair| pair == b"\n\n").map(|at| at + 2);
    let end = end.or_else(|| wire.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4));
    let head = &wire[..end.unwrap_or(wire.len())];
    let follows = |at: usize, byte: u8| at.checked_sub(1).is_some_and(|before| head[before] == byte);
    let lone_lf = head.iter().enumerate().any(|(at, &byte)| byte == b'\n' && !follows(at, b'\r'));
    let lone_cr = head.iter().enumerate().any(|(at, &byte)| byte == b'\r' && head.get(at + 1) != Some(&b'\n'));
    lone_lf && !lone_cr
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_fields_within_one_origin_are_listed() {
        let listed = |first: &str, location: &str, expect: &str| {
            let row = Row::new(json!({ "first": first, "location": location, "expect": expect }));
            reason("redirects", &row).is_some()
        };
        assert!(listed("https://a.test/1", "https://a.test:443/2", "stripped"));
        assert!(!listed("https://a.test/1", "https://a.test:443/2", "sent"));
        assert!(!listed("https://a.test/1", "http://a.test:443/2", "stripped"));
        assert!(!listed("https://a.test/1", "https://b.test/2", "stripped"));
        assert!(!listed("no URL", "no URL", "stripped"));
    }

    #[test]
    fn only_nameless_cookies_are_listed() {
        let listed = |cookie: &str, expect: Option<&str>| {
            let row = Row::new(json!({
                "set_url": "http://a.test/", "request_url": "http://a.test/", "set_cookie": [{ "text": cookie }],
                "expect_cookie": expect.map(|text| json!({ "text": text })),
            }));
            reason("cookies-http-state", &row).is_some()
        };
        assert!(listed("nameless", None));
        assert!(!listed("name=d", None));
        assert!(!listed("nameless", Some("other")));
        assert!(!listed("", None));
    }
}
