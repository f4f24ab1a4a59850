//! The rows of `treq-conformance/data` on cookies, each against a jar of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue, Uri};
use serde_json::Value;
use treq_cookies::{Jar, Store, parse_date, registrable_domain};

use crate::support::url;

/// How a row went.
enum Outcome {
    Passed,
    /// The row asks for what the jar does otherwise, by the rule named.
    Listed(&'static str),
    Failed(String),
}

#[test]
fn parser() {
    // Open: disabled there, since RFC 6265bis decides otherwise, or nothing does.
    run("cookies-http-state/parser.jsonl", 111, [2, 2], |row| {
        let jar = Jar::new();
        step(&jar, row, now(row));
        let bis = row.get("expect_cookie_6265bis");
        match compare(bis.unwrap_or(&row["expect_cookie"]), &jar, row) {
            Outcome::Failed(_) if bis.is_none() && row["expect_cookie"].is_null() && all_nameless(&jar, row) => {
                Outcome::Listed("RFC 6265bis keeps cookies without a name; the row has the verdict of RFC 6265 alone")
            }
            outcome => outcome,
        }
    });
}

#[test]
fn dates() {
    run("cookies-http-state/dates.jsonl", 35, [0, 0], |row| {
        let found = parse_date(row["input"].as_str().unwrap().as_bytes());
        // The verdicts are in the form that any reader of dates knows.
        let expected = row["expect"].as_str().map(imf);
        if found == expected { Outcome::Passed } else { Outcome::Failed(format!("{found:?}, not {expected:?}")) }
    });
}

#[test]
fn cases() {
    // Open: `__Http-`, a prefix that RFC 6265bis does not have.
    run("cookies-6265bis/cases.jsonl", 176, [1, 0], |row| {
        let jar = Jar::new();
        for part in row["steps"].as_array().unwrap() {
            step(&jar, part, now(row));
        }
        match row["expect_at_least"].as_u64() {
            Some(least) => {
                let sent = jar.cookies_for(&request_url(row), now(row)).len();
                if sent as u64 >= least { Outcome::Passed } else { Outcome::Failed(format!("{sent} sent")) }
            }
            None => compare(&row["expect_cookie"], &jar, row),
        }
    });
}

#[test]
fn public_suffixes() {
    run("public-suffix/psl.jsonl", 38, [0, 0], |row| {
        let host = row["host"].as_str().unwrap();
        let found = registrable_domain(host);
        if found.as_deref() != row["registrable"].as_str() {
            return Outcome::Failed(format!("{found:?}"));
        }
        if host.starts_with('.') {
            // No URL has such a host.
            return Outcome::Passed;
        }
        let below = url(&format!("http://below.{host}/"));
        let taken = Jar::new().set_cookie(format!("a=1; Domain={host}").as_bytes(), &below, now(row));
        if taken == (row["cookie_domain_refused"] == true) {
            return Outcome::Failed(format!("a cookie for it is taken: {taken}"));
        }
        Outcome::Passed
    });
}

fn all_nameless(jar: &Jar, row: &Value) -> bool {
    jar.cookies_for(&request_url(row), now(row)).iter().all(|cookie| cookie.name().is_empty())
}

fn run(file: &str, rows: usize, [open, listed]: [usize; 2], play: impl Fn(&Value) -> Outcome) {
    let path = format!("{}/../treq-conformance/data/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut counts = [0; 4];
    let mut notes = Vec::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let may_differ = row["optional"] == true || matches!(row["status"].as_str(), Some("disabled" | "optional"));
        let (at, note) = match play(&row) {
            Outcome::Passed => (0, None),
            Outcome::Listed(rule) => (2, Some(format!("listed: {rule}"))),
            Outcome::Failed(fault) if may_differ => (1, Some(format!("open: {fault}"))),
            Outcome::Failed(fault) => (3, Some(fault)),
        };
        counts[at] += 1;
        notes.extend(note.map(|note| format!("{}: {note}", row["id"])));
    }
    assert_eq!(counts, [rows - open - listed, open, listed, 0], "{file}\n{}", notes.join("\n"));
}

fn now(row: &Value) -> SystemTime {
    let text = row["now"].as_str().unwrap_or("2026-01-01T00:00:00Z");
    let field = |at: usize, length: usize| text[at..at + length].to_owned();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months[field(5, 2).parse::<usize>().unwrap() - 1];
    parse_date(format!("{} {month} {} {}", field(8, 2), field(0, 4), field(11, 8)).as_bytes()).unwrap()
}

/// `Wed, 09 Dec 2009 16:27:23 GMT`, reckoned without the code under test.
fn imf(text: &str) -> SystemTime {
    let fields: Vec<&str> = text.split([' ', ':']).collect();
    let number = |at: usize| fields[at].parse::<u64>().unwrap();
    let (day, year) = (number(1), number(3));
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut days: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    for (month, length) in [
        ("Jan", 31),
        ("Feb", 28 + u64::from(is_leap(year))),
        ("Mar", 31),
        ("Apr", 30),
        ("May", 31),
        ("Jun", 30),
        ("Jul", 31),
        ("Aug", 31),
        ("Sep", 30),
        ("Oct", 31),
        ("Nov", 30),
        ("Dec", 31),
    ] {
        if fields[2] == month {
            break;
        }
        days += length;
    }
    let seconds = (days + day - 1) * 86_400 + number(4) * 3600 + number(5) * 60 + number(6);
    UNIX_EPOCH + std::time::Duration::from_secs(seconds)
}

fn request_url(row: &Value) -> Uri {
    url(row["request_url"].as_str().unwrap())
}

/// One response.
fn step(jar: &Jar, step: &Value, now: SystemTime) {
    let from = url(step["set_url"].as_str().unwrap());
    let generated = &step["set_cookie_generated"];
    let fields: Vec<Vec<u8>> = match step["set_cookie"].as_array() {
        Some(fields) => fields.iter().map(bytes).collect(),
        None => (0..generated["count"].as_u64().unwrap())
            .map(|at| generated["pattern"].as_str().unwrap().replace("{i}", &at.to_string()).into_bytes())
            .collect(),
    };
    let mut headers = HeaderMap::new();
    for field in &fields {
        match HeaderValue::from_bytes(field) {
            Ok(value) => headers.append("set-cookie", value),
            // Bytes that no header of this crate's users can hold; the parser is asked all the same.
            Err(_) => jar.set_cookie(field, &from, now),
        };
    }
    jar.set_cookies(&from, &headers, now);
}

fn bytes(value: &Value) -> Vec<u8> {
    if let Some(parts) = value["parts"].as_array() {
        let times = |part: &Value| usize::try_from(part["times"].as_u64().unwrap_or(1)).unwrap();
        return parts.iter().flat_map(|part| bytes(part).repeat(times(part))).collect();
    }
    match value["b64"].as_str() {
        Some(text) => BASE64_STANDARD.decode(text).unwrap(),
        None => value["text"].as_str().unwrap().as_bytes().to_vec(),
    }
}

fn compare(expected: &Value, jar: &Jar, row: &Value) -> Outcome {
    let sent = jar.cookie_field(&request_url(row), now(row));
    let sent = sent.as_ref().map(HeaderValue::as_bytes);
    let expected = (!expected.is_null()).then(|| bytes(expected));
    if sent == expected.as_deref() {
        return Outcome::Passed;
    }
    let shown = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    Outcome::Failed(format!("{:?} sent, not {:?}", shown(sent), shown(expected.as_deref())))
}
