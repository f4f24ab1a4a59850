//! What a case expects, judged against what was seen.
//!
//! Of the call (the last one, or each one under `calls`): `outcome`; `status`, `body`, `body_len`, `body_not` where it is
//! ok; `kind`, one or several of them, where it is an error; `body_max` of either. Of listeners, by name: `absent`,
//! `present` (in the last request), `last_absent` (where there are several), `requests`, `max_requests`, `conns`,
//! `max_conns`, `last_body`, `last_line` (its beginning), `max_header`, `count`, `not_both`, `raw_absent`. Of the whole:
//! `max_ms`, `max_rss_mb`, `max_cpu_ms`. An error counts only if some listener saw a connection, unless the case says that
//! nothing may arrive, or `nothing_sent`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::escape::unescape;
use crate::listener::{Record, Request};

/// How much of a text is shown where it is not what was expected.
const SHOWN: usize = 90;

/// What was seen of a case.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The outcomes of the case's own calls.
    pub outcomes: Vec<Value>,
    /// By name.
    pub listeners: BTreeMap<String, Record>,
    /// From the start of the client to its end.
    pub took: Duration,
    /// As the adapter says.
    pub rss_mb: Option<f64>,
    /// As the adapter says.
    pub cpu_ms: Option<f64>,
}

/// The keys of a call and of the whole that are judged, or say how. The others are those of `Judgement::one`.
const KEYS: [&str; 14] = [
    "outcome",
    "status",
    "body",
    "body_len",
    "body_not",
    "body_max",
    "kind",
    "calls",
    "max_ms",
    "max_rss_mb",
    "max_cpu_ms",
    "nothing_sent",
    "needs",
    "skip_if_connect",
];
const OF_LISTENERS: [&str; 13] = [
    "absent",
    "present",
    "last_absent",
    "requests",
    "max_requests",
    "conns",
    "max_conns",
    "last_body",
    "last_line",
    "max_header",
    "count",
    "not_both",
    "raw_absent",
];

/// What a case expects that nothing here judges.
pub fn unjudged(expect: &Value) -> Vec<&str> {
    let keys = expect.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    keys.filter(|key| !KEYS.contains(key) && !OF_LISTENERS.contains(key)).collect()
}

/// All that is not as expected; empty where everything is.
pub fn judge(expect: &Value, seen: &Seen) -> Vec<String> {
    let mut judgement = Judgement { seen, wrong: Vec::new() };
    let Some(expect) = expect.as_object() else { return vec!["the case expects nothing".to_owned()] };
    judgement.calls(expect);
    for (key, value) in expect {
        judgement.one(key, value, expect);
    }
    judgement.contact(expect);
    judgement.wrong
}

struct Judgement<'a> {
    seen: &'a Seen,
    wrong: Vec<String>,
}

impl Judgement<'_> {
    fn check(&mut self, fine: bool, what: impl FnOnce() -> String) {
        if !fine {
            self.wrong.push(what());
        }
    }

    fn calls(&mut self, expect: &Map<String, Value>) {
        let outcomes = &self.seen.outcomes;
        let Some(last) = outcomes.last() else {
            self.wrong.push("no call has an outcome".to_owned());
            return;
        };
        match expect.get("calls").and_then(Value::as_array) {
            Some(each) => {
                for (at, expect) in each.iter().enumerate() {
                    let outcome = outcomes.get(at).unwrap_or(&Value::Null);
                    self.call(&format!("call {at}: "), expect, outcome);
                }
            }
            None => self.call("", &Value::Object(expect.clone()), last),
        }
    }

    fn call(&mut self, which: &str, expect: &Value, seen: &Value) {
        let outcome = seen["outcome"].as_str().unwrap_or("none");
        if let Some(wanted) = expect["outcome"].as_str().filter(|wanted| *wanted != "any") {
            let more = seen.get("error").or(seen.get("status")).map(shown).unwrap_or_default();
            self.check(outcome == wanted, || format!("{which}outcome {outcome} ({more}), expected {wanted}"));
        }
        if outcome == "ok" {
            for key in ["status", "body", "body_len"] {
                let Some(wanted) = expect.get(key) else { continue };
                let own = seen.get(key).unwrap_or(&Value::Null);
                self.check(own == wanted, || format!("{which}{key} {}, expected {}", shown(own), shown(wanted)));
            }
            let not = expect.get("body_not");
            self.check(not.is_none() || not != seen.get("body"), || format!("{which}body fully decoded"));
        }
        if let (Some(wanted), "error") = (expect.get("kind"), outcome) {
            let own = &seen["kind"];
            let fine = own == wanted || wanted.as_array().is_some_and(|any| any.contains(own));
            self.check(fine, || format!("{which}kind {own} ({}), expected {wanted}", shown(&seen["error"])));
        }
        if let Some(max) = expect["body_max"].as_u64() {
            let len = seen["body_len"].as_u64().unwrap_or(0);
            self.check(len <= max, || format!("{which}body_len {len} is over {max}"));
        }
    }

    fn one(&mut self, key: &str, wanted: &Value, expect: &Map<String, Value>) {
        let seen = self.seen;
        match key {
            "max_ms" => {
                let (took, max) = (seen.took.as_secs_f64() * 1000.0, wanted.as_f64().unwrap_or(0.0));
                self.check(took <= max, || format!("took {took:.0} ms, over {max}"));
            }
            "max_rss_mb" => self.at_most("rss in MB", seen.rss_mb, wanted),
            "max_cpu_ms" => self.at_most("cpu in ms", seen.cpu_ms, wanted),
            key if OF_LISTENERS.contains(&key) => {
                for (name, wanted) in wanted.as_object().into_iter().flatten() {
                    match seen.listeners.get(name) {
                        Some(record) => self.listener(key, name, wanted, record, expect),
                        None => self.wrong.push(format!("{key}: there is no listener {name}")),
                    }
                }
            }
            _ => {}
        }
    }

    fn at_most(&mut self, what: &str, own: Option<f64>, max: &Value) {
        if let (Some(own), Some(max)) = (own, max.as_f64()) {
            self.check(own <= max, || format!("{what} {own}, over {max}"));
        }
    }

    fn listener(&mut self, key: &str, name: &str, wanted: &Value, record: &Record, expect: &Map<String, Value>) {
        let requests = record.requests.as_slice();
        let last = requests.last();
        let number = |count: usize| wanted.as_u64() == Some(count as u64);
        let within = |count: usize| wanted.as_u64().is_some_and(|max| count as u64 <= max);
        match key {
            "absent" => self.absent(name, wanted, requests),
            "last_absent" if requests.len() > 1 => self.absent(name, wanted, &requests[requests.len() - 1..]),
            "present" => {
                for field in texts(wanted) {
                    let (own, value) = named(field);
                    let fine = last.is_some_and(|request| request.values(own).any(|own| own.contains(value)));
                    self.check(fine, || format!("{name} lacks {field}"));
                }
            }
            "requests" | "max_requests" => {
                let count = requests.len();
                let fine = if key == "requests" { number(count) } else { within(count) };
                self.check(fine, || format!("{name} saw {count} requests, {key} is {wanted}"));
            }
            "conns" | "max_conns" => {
                let count = record.connections;
                let fine = if key == "conns" { number(count) } else { within(count) };
                self.check(fine, || format!("{name} saw {count} connections, {key} is {wanted}"));
            }
            "last_body" => {
                let fine = last.is_none_or(|request| Some(request.body.as_str()) == wanted.as_str());
                self.check(fine, || {
                    format!("{name} got the body {:?}, expected {wanted}", last.map(|last| &last.body))
                });
            }
            "last_line" => {
                let fine = match last {
                    Some(request) => request.line.starts_with(wanted.as_str().unwrap_or_default()),
                    None => expect.get("outcome").and_then(Value::as_str) != Some("ok"),
                };
                self.check(fine, || {
                    format!("{name} got the line {:?}, expected {wanted}", last.map(|last| &last.line))
                });
            }
            "max_header" => {
                for (field, max) in wanted.as_object().into_iter().flatten() {
                    for request in requests {
                        let len: usize = request.values(field).map(|value| value.trim().chars().count()).sum();
                        let fine = max.as_u64().is_some_and(|max| len as u64 <= max);
                        self.check(fine, || format!("{name} got {len} bytes of {field}, over {max}"));
                    }
                }
            }
            "count" => {
                for (field, count) in wanted.as_object().into_iter().flatten() {
                    let own = last.map_or(0, |request| request.values(field).count());
                    self.check(count.as_u64() == Some(own as u64), || {
                        format!("{name} got {field} x{own}, expected {count}")
                    });
                }
            }
            "not_both" => {
                let fields: Vec<_> = texts(wanted).collect();
                let all = |request: &Request| fields.iter().all(|field| request.values(field).next().is_some());
                self.check(!requests.iter().any(all), || format!("{name} got all of {wanted}"));
            }
            "raw_absent" => match wanted.as_str().map(unescape) {
                Some(Ok(bytes)) => {
                    let found = !bytes.is_empty() && record.raw.windows(bytes.len()).any(|window| window == bytes);
                    self.check(!found, || format!("{name} got {wanted}"));
                }
                _ => self.wrong.push(format!("raw_absent is no text: {wanted}")),
            },
            _ => {}
        }
    }

    /// No request has any of these fields: `name`, or `name=part of the value`.
    fn absent(&mut self, name: &str, wanted: &Value, requests: &[Request]) {
        for field in texts(wanted) {
            let (own, part) = named(field);
            for value in requests.iter().flat_map(|request| request.values(own)).filter(|value| value.contains(part)) {
                self.wrong.push(format!("{name} got {own}:{}", cut(value)));
            }
        }
    }

    /// An error of a client that never went anywhere proves nothing.
    fn contact(&mut self, expect: &Map<String, Value>) {
        let none = |key: &str| {
            let counts = expect.get(key).and_then(Value::as_object).into_iter().flatten();
            counts.into_iter().any(|(_, count)| count.as_u64() == Some(0))
        };
        let says_so = none("requests") || none("conns") || expect.get("nothing_sent").is_some_and(is_true);
        let listeners = &self.seen.listeners;
        let reached = listeners.is_empty() || listeners.values().any(|record| record.connections > 0);
        if expect.get("outcome").and_then(Value::as_str) == Some("error") {
            self.check(reached || says_so, || "error without any connection made".to_owned());
        }
    }
}

fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn named(field: &str) -> (&str, &str) {
    field.split_once('=').unwrap_or((field, ""))
}

fn shown(value: &Value) -> String {
    cut(&value.to_string()).to_owned()
}

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(line: &str, headers: &[(&str, &str)], body: &str) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request { line: line.to_owned(), headers, body: body.to_owned() }
    }

    /// Two requests at A, none at B.
    fn seen() -> Seen {
        let first = request("GET /1 HTTP/1.1", &[("Cookie", " sid=1"), ("X-A", " 12345"), ("x-a", " 6")], "");
        let last = request("POST /2 HTTP/1.1", &[("Host", " a"), ("HOST", " b"), ("Content-Length", " 3")], "abc");
        let raw = b"GET /1\r\nsecret".to_vec();
        let a = Record { connections: 2, requests: vec![first, last], raw };
        Seen {
            outcomes: vec![
                json!({ "outcome": "error", "error": "cut", "kind": "Body", "body_len": 7 }),
                json!({ "outcome": "ok", "status": 200, "body": "hello", "body_len": 5 }),
            ],
            listeners: [("A".to_owned(), a), ("B".to_owned(), Record::default())].into(),
            took: Duration::from_millis(1500),
            rss_mb: Some(20.0),
            cpu_ms: Some(300.0),
        }
    }

    /// The one failed call.
    fn failed() -> Seen {
        let mut seen = seen();
        seen.outcomes.truncate(1);
        seen
    }

    #[test]
    fn each_key_is_judged() {
        for (fine, wrong) in [
            (json!({ "outcome": "ok" }), json!({ "outcome": "error" })),
            (json!({ "outcome": "any" }), json!({ "outcome": "cancelled" })),
            (json!({ "status": 200 }), json!({ "status": 201 })),
            (json!({ "body": "hello" }), json!({ "body": "hell" })),
            (json!({ "body_len": 5 }), json!({ "body_len": 4 })),
            (json!({ "body_not": "hell" }), json!({ "body_not": "hello" })),
            (json!({ "body_max": 5 }), json!({ "body_max": 4 })),
            (
                json!({ "calls": [{ "kind": "Body" }, { "outcome": "ok" }] }),
                json!({ "calls": [{ "outcome": "ok" }, {}] }),
            ),
            (json!({ "calls": [{}, {}] }), json!({ "calls": [{}, {}, { "outcome": "ok" }] })),
            (json!({ "absent": { "A": ["cookies", "cookie=2"] } }), json!({ "absent": { "A": ["cookie"] } })),
            (json!({ "absent": { "B": ["cookie"] } }), json!({ "absent": { "A": ["COOKIE=sid"] } })),
            (json!({ "present": { "A": ["host", "host=b"] } }), json!({ "present": { "A": ["cookie"] } })),
            (json!({ "last_absent": { "A": ["cookie"] } }), json!({ "last_absent": { "A": ["host=b"] } })),
            (json!({ "requests": { "A": 2, "B": 0 } }), json!({ "requests": { "A": 1 } })),
            (json!({ "max_requests": { "A": 2 } }), json!({ "max_requests": { "A": 1 } })),
            (json!({ "conns": { "A": 2 } }), json!({ "conns": { "B": 2 } })),
            (json!({ "max_conns": { "A": 2 } }), json!({ "max_conns": { "A": 1 } })),
            (json!({ "last_body": { "A": "abc", "B": "x" } }), json!({ "last_body": { "A": "ab" } })),
            (json!({ "last_line": { "A": "POST /2 ", "B": "GET" } }), json!({ "last_line": { "A": "GET" } })),
            (json!({ "outcome": "any" }), json!({ "outcome": "ok", "last_line": { "B": "GET" } })),
            (json!({ "max_header": { "A": { "x-a": 6 } } }), json!({ "max_header": { "A": { "x-a": 5 } } })),
            (json!({ "count": { "A": { "host": 2, "cookie": 0 } } }), json!({ "count": { "A": { "host": 1 } } })),
            (
                json!({ "not_both": { "A": ["host", "cookie"] } }),
                json!({ "not_both": { "A": ["host", "content-length"] } }),
            ),
            (json!({ "raw_absent": { "A": "\\r\\n\\r\\n" } }), json!({ "raw_absent": { "A": "\\r\\nsec" } })),
            (json!({ "max_ms": 1500 }), json!({ "max_ms": 1499 })),
            (json!({ "max_rss_mb": 20 }), json!({ "max_rss_mb": 19 })),
            (json!({ "max_cpu_ms": 300 }), json!({ "max_cpu_ms": 299 })),
            (json!({}), json!({ "requests": { "C": 0 } })),
            (json!({}), Value::Null),
        ] {
            assert_eq!(judge(&fine, &seen()), [""; 0], "{fine}");
            assert_eq!(judge(&wrong, &seen()).len(), 1, "{wrong}: {:?}", judge(&wrong, &seen()));
        }
    }

    #[test]
    fn errors_are_judged() {
        for (fine, wrong) in [
            (json!({ "outcome": "error" }), json!({ "outcome": "ok" })),
            (json!({ "kind": "Body" }), json!({ "kind": "Protocol" })),
            (json!({ "kind": ["Protocol", "Body"] }), json!({ "kind": ["Protocol", "Decode"] })),
            (json!({ "body": "x", "status": 1, "body_not": "y" }), json!({ "body_max": 6 })),
        ] {
            assert_eq!(judge(&fine, &failed()), [""; 0], "{fine}");
            assert_eq!(judge(&wrong, &failed()).len(), 1, "{wrong}: {:?}", judge(&wrong, &failed()));
        }
        let mut nameless = failed();
        nameless.outcomes = vec![json!({ "outcome": "error" })];
        assert_eq!(judge(&json!({ "kind": "Body" }), &nameless).len(), 1);
    }

    #[test]
    fn an_error_needs_a_connection_unless_nothing_may_arrive() {
        let mut seen = failed();
        seen.listeners.values_mut().for_each(|record| *record = Record::default());
        let expect = |more: Value| {
            let mut expect = json!({ "outcome": "error" });
            expect.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            judge(&expect, &seen).len()
        };
        assert_eq!(expect(json!({})), 1);
        assert_eq!(expect(json!({ "nothing_sent": false })), 1);
        for excuse in
            [json!({ "requests": { "A": 0 } }), json!({ "conns": { "B": 0 } }), json!({ "nothing_sent": true })]
        {
            assert_eq!(expect(excuse), 0);
        }
        seen.listeners.clear();
        assert_eq!(judge(&json!({ "outcome": "error" }), &seen), [""; 0]);
        seen.outcomes.clear();
        assert_eq!(judge(&json!({}), &seen).len(), 1);
    }

    #[test]
    fn says_what_it_does_not_judge() {
        assert_eq!(unjudged(&json!({ "outcome": "ok", "colour": 1, "conns": {}, "needs": "br" })), ["colour"]);
    }
}
