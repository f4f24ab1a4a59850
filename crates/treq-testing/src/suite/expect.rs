use std::fmt;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::case::{bytes, text};
use super::server::Arrived;

/// One way in which a client did not do what a [`Case`](super::Case) asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) unsound: bool,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Fault {
        Fault { what: what.into(), expected: expected.into(), found: found.into(), unsound: false }
    }

    pub(super) fn unsound(what: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Fault {
        Fault { unsound: true, ..Fault::new(what, expected, found) }
    }

    /// Whether it is a hang, a panic, or something left behind: what no client may do, and not even where the IO below it
    /// [fails](crate::Faults).
    pub fn is_unsound(&self) -> bool {
        self.unsound
    }

    /// What differs: a field of a request, a body, a connection.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What the case asks for.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What the client did instead.
    pub fn found(&self) -> &str {
        &self.found
    }
}

/// On one line: the case's requests are fixed, so nothing secret can stand in it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.what, self.expected, self.found)
    }
}

/// How a request must arrive.
#[derive(Debug)]
pub(super) struct Seen {
    /// Method and target.
    line: String,
    /// The origin that it was sent to.
    at: Option<String>,
    has: Vec<(String, String)>,
    /// The pairs of the one `Cookie` field, in whichever order.
    cookies: Option<Vec<String>>,
    lacks: Vec<String>,
    body: Option<Bytes>,
    /// Whether it must not come on a connection that had carried another.
    fresh: bool,
}

impl Seen {
    pub(super) fn parse(value: &Value) -> Result<Seen, String> {
        let row = value.as_object().ok_or("a request that is seen is no object")?;
        known(row, &["line", "at", "has", "cookies", "lacks", "body", "fresh"])?;
        let mut has = Vec::new();
        for (name, value) in row.get("has").and_then(Value::as_object).into_iter().flatten() {
            has.push((name.clone(), value.as_str().ok_or("a value is no text")?.to_owned()));
        }
        let texts = |key: &str| {
            let texts = row.get(key).and_then(Value::as_array)?.iter();
            Some(texts.filter_map(|text| Some(text.as_str()?.to_owned())).collect())
        };
        Ok(Seen {
            line: text(row, "line")?.to_owned(),
            at: row.get("at").map(|_| text(row, "at").map(str::to_owned)).transpose()?,
            has,
            cookies: texts("cookies"),
            lacks: texts("lacks").unwrap_or_default(),
            body: row.get("body").map(bytes).transpose()?,
            fresh: row.get("fresh") == Some(&Value::Bool(true)),
        })
    }

    pub(super) fn is_secure(&self) -> bool {
        self.at.as_ref().is_some_and(|at| at.starts_with("https:"))
    }

    /// What is wrong with the requests that arrived.
    pub(super) fn judge(wanted: &[Seen], arrived: &[Arrived], faults: &mut Vec<Fault>) {
        for (at, (want, found)) in wanted.iter().zip(arrived).enumerate() {
            let reused = arrived[..at].iter().any(|before| before.request.connection == found.request.connection);
            want.compare(&format!("request {}", at + 1), found, reused, faults);
        }
        if wanted.len() != arrived.len() {
            let lines = |lines: Vec<String>| format!("{} ({})", lines.len(), lines.join(", "));
            let expected = lines(wanted.iter().map(|want| want.line.clone()).collect());
            let found = lines(arrived.iter().map(Arrived::line).collect());
            faults.push(Fault::new("requests", expected, found));
        }
    }

    fn compare(&self, what: &str, found: &Arrived, reused: bool, faults: &mut Vec<Fault>) {
        let mut unlike = |part: &str, expected: &str, found: &str| {
            if expected != found {
                faults.push(Fault::new(format!("{what}{part}"), expected, found));
            }
        };
        unlike("", &self.line, &found.line());
        if let Some(at) = &self.at {
            unlike(", sent to", at, &found.origin);
        }
        for (name, value) in &self.has {
            let all: Vec<_> = found.values(name).collect();
            let shown = if all.is_empty() { "none".to_owned() } else { all.join(" | ") };
            unlike(&format!(", {name}"), value, &shown);
        }
        if let Some(cookies) = &self.cookies {
            let all: Vec<_> = found.values("cookie").collect();
            let shown = if all.is_empty() { "none".to_owned() } else { all.join(" | ") };
            let sorted = |mut pairs: Vec<String>| {
                pairs.sort_unstable();
                pairs.join("; ")
            };
            let pairs = shown.split("; ").map(str::to_owned).collect();
            unlike(", cookie", &sorted(cookies.clone()), &sorted(pairs));
        }
        for name in &self.lacks {
            let shown: Vec<_> = found.values(name).collect();
            unlike(&format!(", {name}"), "none", if shown.is_empty() { "none" } else { &shown[0] });
        }
        if let Some(body) = &self.body {
            unlike(", body", &show(body), &show(&found.request.body));
        }
        if self.fresh && reused {
            unlike(", connection", "a new one", "one that had carried another request");
        }
        if let Some(fault) = &found.fault {
            unlike(", framing", "a whole request", fault);
        }
    }
}

/// What the caller must get.
#[derive(Debug)]
pub(super) enum Got {
    /// An answer or an error, but an end.
    End,
    /// The call fails, or the body does.
    Error,
    Answer {
        status: u16,
        body: Option<Bytes>,
        /// None: the field must be absent.
        fields: Vec<(String, Option<String>)>,
    },
    /// One of these.
    Either(Vec<Got>),
}

/// What the caller got.
#[derive(Debug)]
pub(super) enum Found {
    Error(String),
    Answer(http::response::Parts, Bytes),
}

impl Got {
    pub(super) fn parse(value: &Value) -> Result<Got, String> {
        match value {
            Value::String(word) if word == "end" => Ok(Got::End),
            Value::String(word) if word == "error" => Ok(Got::Error),
            Value::Array(list) => Ok(Got::Either(list.iter().map(Got::parse).collect::<Result<_, _>>()?)),
            Value::Object(row) => {
                known(row, &["status", "body", "fields"])?;
                let status = row.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
                let fields = row.get("fields").and_then(Value::as_object).into_iter().flatten();
                let field = |(name, value): (&String, &Value)| (name.clone(), value.as_str().map(str::to_owned));
                Ok(Got::Answer {
                    status: status.ok_or("what is got has no status")?,
                    body: row.get("body").map(bytes).transpose()?,
                    fields: fields.map(field).collect(),
                })
            }
            other => Err(format!("{other} cannot be got")),
        }
    }

    pub(super) fn judge(&self, what: &str, found: &Found, faults: &mut Vec<Fault>) {
        match self {
            Got::End => {}
            Got::Error => {
                if let Found::Answer(..) = found {
                    faults.push(Fault::new(what, self.to_string(), found.to_string()));
                }
            }
            Got::Either(list) => {
                let fits = |got: &Got| {
                    let mut faults = Vec::new();
                    got.judge(what, found, &mut faults);
                    faults.is_empty()
                };
                if !list.iter().any(fits) {
                    faults.push(Fault::new(what, self.to_string(), found.to_string()));
                }
            }
            Got::Answer { status, body, fields } => {
                let Found::Answer(parts, content) = found else {
                    faults.push(Fault::new(what, self.to_string(), found.to_string()));
                    return;
                };
                if parts.status.as_u16() != *status || body.as_ref().is_some_and(|body| body != content) {
                    faults.push(Fault::new(what, self.to_string(), found.to_string()));
                }
                for (name, value) in fields {
                    let found = parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
                    if found.as_deref() != value.as_deref() {
                        let shown = |value: Option<&str>| value.unwrap_or("none").to_owned();
                        let (expected, found) = (shown(value.as_deref()), shown(found.as_deref()));
                        faults.push(Fault::new(format!("{what}, {name}"), expected, found));
                    }
                }
            }
        }
    }
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Got::End => f.write_str("an end"),
            Got::Error => f.write_str("an error"),
            Got::Answer { status, body: Some(body), .. } => write!(f, "{status} with {}", show(body)),
            Got::Answer { status, .. } => write!(f, "{status}"),
            Got::Either(list) => {
                let list: Vec<_> = list.iter().map(Got::to_string).collect();
                f.write_str(&list.join(" or "))
            }
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Error(error) => write!(f, "the error \"{error}\""),
            Found::Answer(parts, body) => write!(f, "{} with {}", parts.status.as_u16(), show(body)),
        }
    }
}

/// A body on one line, its first bytes where it is long.
fn show(body: &[u8]) -> String {
    const SHOWN: usize = 48;
    match body.get(..SHOWN) {
        Some(first) => format!("{:?}.. ({} bytes)", String::from_utf8_lossy(first), body.len()),
        None => format!("{:?}", String::from_utf8_lossy(body)),
    }
}

fn known(row: &Map<String, Value>, keys: &[&str]) -> Result<(), String> {
    match row.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("there is no key {key:?}")),
        None => Ok(()),
    }
}
