use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Map, Value};
use treq_core::Body;

use super::expect::{Got, Seen};

/// How much a standard asks for what a [`Case`] checks, in the words of
/// [RFC 2119](https://www.rfc-editor.org/rfc/rfc2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// "SHOULD": a client may have its reasons.
    Should,
    /// "MUST", or what a grammar or an algorithm leaves no choice in.
    Must,
}

/// One case of a suite.
#[derive(Clone, Debug)]
pub struct Case(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    suite: &'static str,
    name: String,
    section: String,
    level: Level,
    play: Play,
}

/// What is sent, what is answered, and what must come of it.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) sent: Vec<Sent>,
    pub(super) answers: Vec<Answer>,
    /// Whether the last answer is given for ever.
    pub(super) repeat: bool,
    /// None where any requests will do.
    pub(super) seen: Option<Vec<Seen>>,
    /// One for each that is sent.
    pub(super) got: Vec<Got>,
}

/// A request that is handed to the client.
#[derive(Debug)]
pub(super) struct Sent {
    method: Method,
    url: String,
    fields: Vec<(String, String)>,
    body: Bytes,
}

/// What the server writes for one request, and whether it then closes.
#[derive(Debug)]
pub(super) struct Answer {
    /// Each is read by the client before the next is written.
    pub(super) pieces: Vec<Bytes>,
    pub(super) close: bool,
}

impl Case {
    /// All cases of a file of lines of JSON. The files are part of this crate: a fault in one is a fault of ours.
    pub(super) fn read(suite: &'static str, lines: &str) -> Vec<Case> {
        let lines = lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let parse = |(at, line): (usize, &str)| match Inner::parse(suite, line) {
            Ok(inner) => Case(Arc::new(inner)),
            Err(fault) => unreachable!("suites/{suite}.jsonl:{}: {fault}", at + 1),
        };
        lines.map(parse).collect()
    }

    /// The suite: `redirects`, `cookies`, `decoding` or `framing`.
    pub fn suite(&self) -> &'static str {
        self.0.suite
    }

    /// What is checked, as a clause.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Where a standard says so, such as `RFC 9110, section 15.4.4`.
    pub fn section(&self) -> &str {
        &self.0.section
    }

    /// How much the standard asks for it.
    pub fn level(&self) -> Level {
        self.0.level
    }

    /// Whether a URL of the case is an https one.
    pub fn needs_https(&self) -> bool {
        let play = &self.0.play;
        play.sent.iter().any(|sent| sent.url.starts_with("https:")) || play.seen.iter().flatten().any(Seen::is_secure)
    }

    pub(super) fn play(&self) -> &Play {
        &self.0.play
    }
}

impl Inner {
    fn parse(suite: &'static str, line: &str) -> Result<Inner, String> {
        let row: Map<String, Value> = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let known = ["name", "section", "level", "send", "answers", "repeat", "seen", "got"];
        if let Some(key) = row.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("there is no key {key:?}"));
        }
        let list = |key: &str| row.get(key).and_then(Value::as_array).ok_or_else(|| format!("no list {key}"));
        let level = match text(&row, "level")? {
            "must" => Level::Must,
            "should" => Level::Should,
            other => return Err(format!("{other:?} is no level")),
        };
        let seen = match row.get("seen") {
            Some(_) => Some(list("seen")?.iter().map(Seen::parse).collect::<Result<_, _>>()?),
            None => None,
        };
        let play = Play {
            sent: list("send")?.iter().map(Sent::parse).collect::<Result<_, _>>()?,
            answers: list("answers")?.iter().map(Answer::parse).collect::<Result<_, _>>()?,
            repeat: row.get("repeat") == Some(&Value::Bool(true)),
            seen,
            got: list("got")?.iter().map(Got::parse).collect::<Result<_, _>>()?,
        };
        if play.sent.len() != play.got.len() || play.answers.is_empty() {
            return Err("each request needs what is got, and there must be an answer".to_owned());
        }
        let (name, section) = (text(&row, "name")?.to_owned(), text(&row, "section")?.to_owned());
        Ok(Inner { suite, name, section, level, play })
    }
}

impl Sent {
    fn parse(value: &Value) -> Result<Sent, String> {
        let row = value.as_object().ok_or("a request is no object")?;
        let method = row.get("method").map_or(Ok("GET"), |_| text(row, "method"))?;
        let sent = Sent {
            method: method.parse().map_err(|_| format!("{method:?} is no method"))?,
            url: text(row, "url")?.to_owned(),
            fields: fields(row)?,
            body: row.get("body").map_or(Ok(Bytes::new()), bytes)?,
        };
        sent.request().map(|_| sent)
    }

    /// The request, made anew.
    pub(super) fn request(&self) -> Result<Request<Body>, String> {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.url);
        for (name, value) in &self.fields {
            request = request.header(name, value);
        }
        let body = if self.body.is_empty() { Body::empty() } else { Body::from(self.body.clone()) };
        request.body(body).map_err(|error| format!("{}: {error}", self.url))
    }

    /// The request in a word.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.url)
    }
}

impl Answer {
    /// `{"raw": ..}` as it stands, or `{"status", "fields", "body"}` with the length that such an answer needs.
    fn parse(value: &Value) -> Result<Answer, String> {
        let row = value.as_object().ok_or("an answer is no object")?;
        let close = row.get("close") == Some(&Value::Bool(true));
        match row.get("raw") {
            Some(Value::Array(pieces)) => {
                Ok(Answer { pieces: pieces.iter().map(bytes).collect::<Result<_, _>>()?, close })
            }
            Some(raw) => Ok(Answer { pieces: vec![bytes(raw)?], close }),
            None => Ok(Answer { pieces: vec![whole(row)?], close }),
        }
    }
}

fn whole(row: &Map<String, Value>) -> Result<Bytes, String> {
    let status = row.get("status").and_then(Value::as_u64).ok_or("an answer has neither raw nor status")?;
    let fields = fields(row)?;
    let body = row.get("body").map_or(Ok(Bytes::new()), bytes)?;
    let mut wire = format!("HTTP/1.1 {status} Answer\r\n").into_bytes();
    for (name, value) in &fields {
        wire.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    let framed = |(name, _): &(String, String)| {
        name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
    };
    if !fields.iter().any(framed) && status != 204 && status != 304 {
        wire.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    wire.extend_from_slice(b"\r\n");
    wire.extend_from_slice(&body);
    Ok(wire.into())
}

pub(super) fn text<'a>(row: &'a Map<String, Value>, key: &str) -> Result<&'a str, String> {
    row.get(key).and_then(Value::as_str).ok_or_else(|| format!("no text {key}"))
}

/// `[[name, value], ..]` under `fields`, none where it is absent.
fn fields(row: &Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let pair = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
        Some([Value::String(name), Value::String(value)]) => Ok((name.clone(), value.clone())),
        _ => Err(format!("{pair} is no field")),
    };
    row.get("fields").and_then(Value::as_array).into_iter().flatten().map(pair).collect()
}

/// A text, or `{"hex": digits}`, or `{"times": [text, count]}`.
pub(super) fn bytes(value: &Value) -> Result<Bytes, String> {
    let wrong = || format!("{value} is neither text nor hex nor times");
    if let Some(text) = value.as_str() {
        return Ok(Bytes::copy_from_slice(text.as_bytes()));
    }
    if let Some([Value::String(text), count]) = value.get("times").and_then(Value::as_array).map(Vec::as_slice) {
        let count = count.as_u64().and_then(|count| usize::try_from(count).ok()).ok_or_else(wrong)?;
        return Ok(text.repeat(count).into());
    }
    let digits = value.get("hex").and_then(Value::as_str).ok_or_else(wrong)?.as_bytes();
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| Some(nibble(*pair.first()?)? << 4 | nibble(*pair.get(1)?)?);
    digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>().map(Bytes::from).ok_or_else(wrong)
}
