//! Where treq deliberately answers in another way than a row says. Rules, not ids: they hold for rows of the same kind
//! that nobody has seen yet.

use http::Uri;
use serde_json::Value;
use treq::{Client, Origin, Proxy};

use crate::{Row, cookies, http_dates, outgoing_headers, proxy_env, url_query, urls};

/// The reason for which a row of `suite` may come out otherwise.
pub fn reason(suite: &str, row: &Row) -> Option<&'static str> {
    match suite {
        "h1-responses" => h1_responses(row),
        "redirects" => redirects(row),
        "cookies-http-state" => http_state(row),
        "url-query" => url_query(row),
        "outgoing-headers" => outgoing_headers(row),
        "proxy-env" => proxy_env(row),
        "mime" => mime(row),
        "http-dates" => http_dates(row),
        _ => None,
    }
}

fn redirects(row: &Row) -> Option<&'static str> {
    let origin = |key: &str| Origin::from_uri(&row.text(key)?.parse::<Uri>().ok()?).ok();
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

fn url_query(row: &Row) -> Option<&'static str> {
    if let Some(credentials) = row.get("expect_basic_credentials") {
        let refused = Client::new().get(row.text("url")?).build().is_err();
        return (refused && credentials[0].as_str().is_some_and(|name| name.contains(':'))).then_some(COLON);
    }
    if let Some(output) = row.get("output").filter(|output| output.is_object()) {
        return (output["utf-8"].as_str() == url_query::encoded(row).ok().as_deref()).then_some(
            "the query of a URL is in UTF-8: other charsets are those of the documents of browsers (URL standard, 4.4)",
        );
    }
    if row.get("base").is_some() {
        return urls::taken(row).is_err().then(|| refused_url(row)).flatten();
    }
    if let Some(output) = row.text("output") {
        let refused = cookies::url(&format!("https://{output}/")).is_err();
        return (refused && has_second_spelling(output)).then_some(SECOND_SPELLING);
    }
    let breaks = |text: &str| text.replace("\r\n", "").contains(['\r', '\n']);
    let has_breaks = |pair: &Value| pair.as_array().into_iter().flatten().any(|text| text.as_str().is_some_and(breaks));
    let is_html = row.text("group") == Some("html-form");
    let pairs = row.get("pairs").and_then(Value::as_array);
    (is_html && pairs.is_some_and(|pairs| pairs.iter().any(has_breaks))).then_some(
        "a value is sent as it was given: browsers alone make CRLF of the line ends of their text fields (HTML, 4.10.21.6)",
    )
}

const SECOND_SPELLING: &str = "a coded label that stands for ASCII alone is refused: it would be a second spelling of a host, RUSTSEC-2024-0421; \
     the URL standard takes it since whatwg/url#914, as browsers do";

fn has_second_spelling(host: &str) -> bool {
    let rests = host.split('.').filter_map(|label| label.strip_prefix("xn--"));
    host.is_ascii() && rests.into_iter().any(|rest| rest.is_empty() || rest.ends_with('-'))
}

/// Of URLs that are refused.
fn refused_url(row: &Row) -> Option<&'static str> {
    if !matches!(row.text("protocol")?, "http:" | "https:") {
        return Some("only http and https are spoken: a URL of another scheme is an error that says so");
    }
    if row.text("port") == Some("0") {
        return Some("no server has port 0: it is an error at once, not when the connection fails");
    }
    let host = row.text("hostname")?;
    if host.contains(|char: char| "\"`{}".contains(char)) {
        return Some(
            "such characters stand in no host of a request: RFC 3986, section 3.2.2; the URL standard lets them through",
        );
    }
    if has_second_spelling(host) {
        return Some(SECOND_SPELLING);
    }
    row.text("username").is_some_and(|name| name.contains("%3A")).then_some(COLON)
}

const COLON: &str =
    "a user name with a colon cannot be sent by Basic, the server would read another: RFC 7617, section 2";

fn outgoing_headers(row: &Row) -> Option<&'static str> {
    let value = outgoing_headers::value(row).ok()?;
    let is_control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
    // NUL is an error to all.
    if row.text("expect") == Some("error") || value.contains(&0) || !value.iter().any(is_control) {
        return None;
    }
    let request = Client::new().get("http://a.test/").header(row.text("name")?.to_owned(), value);
    request.build().is_err().then_some(
        "control characters, line ends at the edges among them, are no part of a value: RFC 9110, section 5.5; Fetch is lenient",
    )
}

fn proxy_env(row: &Row) -> Option<&'static str> {
    let env = |name: &str| row.get("env")?.get(name)?.as_str();
    let wants_proxy = row.text("expect_proxy").is_some();
    let Ok(url) = cookies::url(row.text("url")?) else {
        return row.text("url")?.contains("%25").then_some(
            "an IPv6 zone makes a URL an error before any proxy is chosen, as in the URL standard; none ever matches by its end",
        );
    };
    let Ok(_) = proxy_env::proxies(row).ok()? else {
        if row.text("expect_proxy").is_some_and(|proxy| Proxy::try_from(proxy).is_err()) {
            return Some("a proxy of an unknown scheme is an error at once, not when it is used");
        }
        return (!wants_proxy)
            .then_some("a malformed proxy is an error, where the row leaves that or ignoring it open");
    };
    let host = url.host()?;
    let dotted = |list: &str| list.split([',', ' ']).any(|entry| entry.strip_prefix('.') == Some(host));
    let has_dotted = ["NO_PROXY", "no_proxy"].into_iter().filter_map(env).any(dotted);
    (wants_proxy && has_dotted)
        .then_some("a leading dot means nothing, as in curl and requests: Go alone leaves the name itself out")
}

fn mime(row: &Row) -> Option<&'static str> {
    let no_charset = row.get("encoding").or(row.get("expect_encoding"))?.is_null();
    let media_type: treq::headers::MediaType = row.text("expect").or(row.text("expect_mime"))?.parse().ok()?;
    let charset = media_type.param("charset")?;
    (no_charset && (charset.starts_with('\'') || charset.ends_with('\''))).then_some(
        "single quotes around a charset are taken off where text is read, as Python treq does: servers write them",
    )
}

fn http_dates(row: &Row) -> Option<&'static str> {
    let (group, input) = (row.text("group")?, row.text("input")?);
    let no_date = group.starts_with("lenient") && !http_dates::has_form(input) && http_dates::epoch(input).is_none();
    no_date.then_some(
        "what has none of the three forms of RFC 9110, section 5.6.7, is no date: who guesses waits as long as nobody asked",
    )
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

    #[test]
    fn only_what_a_rule_speaks_of_is_listed() {
        for (suite, row, is_listed) in [
            ("url-query", json!({ "group": "html-form", "pairs": [["a", "b\nc"]] }), true),
            ("url-query", json!({ "group": "html-form", "pairs": [["a", "b\r\nc"]] }), false),
            ("url-query", json!({ "group": "serialize", "pairs": [["a", "b\nc"]] }), false),
            ("url-query", json!({ "input": "é", "output": { "utf-8": "%C3%A9", "gbk": "%A8%A6" } }), true),
            ("url-query", json!({ "input": "é", "output": { "utf-8": "%E9", "gbk": "%A8%A6" } }), false),
            ("url-query", json!({ "url": "http://a%3Ab:c@h/", "expect_basic_credentials": ["a:b", "c"] }), true),
            ("url-query", json!({ "url": "http://ab:c@h/", "expect_basic_credentials": ["a:b", "c"] }), false),
            ("url-query", json!({ "input": "xn--a-", "output": "xn--a-" }), true),
            ("url-query", json!({ "input": "xn--a", "output": "xn--a" }), false),
            ("url-query", json!({ "input": "a b", "output": "a b" }), false),
            ("url-query", json!({ "input": "ftp://a/", "base": null, "protocol": "ftp:" }), true),
            ("url-query", json!({ "input": "http://a/", "base": null, "protocol": "ftp:" }), false),
            ("url-query", json!({ "input": "http://", "base": null, "protocol": "http:", "hostname": "a" }), false),
            ("outgoing-headers", json!({ "name": "a", "value_latin1": "b\u{1}", "expect": "sent-as-is" }), true),
            ("outgoing-headers", json!({ "name": "a", "value_latin1": "\nb", "expect_sent_latin1": "b" }), true),
            ("outgoing-headers", json!({ "name": "a", "value_latin1": "b\u{1}", "expect": "error" }), false),
            ("outgoing-headers", json!({ "name": "a", "value_latin1": "b\tc", "expect": "sent-as-is" }), false),
            ("outgoing-headers", json!({ "name": "a b", "value_latin1": "b", "expect": "sent-as-is" }), false),
            ("mime", json!({ "expect": "a/b;charset='gbk'", "encoding": null }), true),
            ("mime", json!({ "expect": "a/b;charset=gbk", "encoding": null }), false),
            ("mime", json!({ "expect": "a/b;charset='gbk'", "encoding": "GBK" }), false),
            ("http-dates", json!({ "group": "lenient-ok", "input": "6 Nov 94", "expect_epoch": 1 }), true),
            ("http-dates", json!({ "group": "strict", "input": "6 Nov 94", "expect_epoch": 1 }), false),
            ("http-dates", json!({ "group": "lenient-ok", "input": "Sun, 06 Nov 1994 08:49:37 GMT" }), false),
        ] {
            assert_eq!(reason(suite, &Row::new(row.clone())).is_some(), is_listed, "{row}");
        }
    }

    #[test]
    fn only_documented_choices_of_proxies_are_listed() {
        for (name, value, url, expect, is_listed) in [
            ("no_proxy", ".a.test", "http://a.test/", Some("http://p"), true),
            ("no_proxy", "a.test", "http://a.test/", Some("http://p"), false),
            ("no_proxy", ".a.test", "http://a.test/", None, false),
            ("http_proxy", "foo://p", "http://a.test/", Some("foo://p"), true),
            ("http_proxy", "p q", "http://a.test/", None, true),
            ("http_proxy", "p q", "http://a.test/", Some("http://p"), false),
            ("http_proxy", "p", "http://[1000::%25a]/", Some("http://p"), true),
            ("http_proxy", "p", "http://a b/", Some("http://p"), false),
        ] {
            let row = json!({ "env": { (name): value }, "url": url, "expect_proxy": expect });
            assert_eq!(reason("proxy-env", &Row::new(row.clone())).is_some(), is_listed, "{row}");
        }
    }
}
