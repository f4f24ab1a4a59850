use std::io::{self, Read, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use treq_core::{Error, Kind};

use crate::Jar;
use crate::cookie::{Cookie, Parts};
use crate::date::{from_rfc3339, to_rfc3339};
use crate::host;
use crate::parse::Parsed;

/// The longest line that is read: several times what a cookie can need.
const MAX_LINE: usize = 64 * 1024;

/// The most that is read in all.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Whether cookies without an expiry, which end with the session, are saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionCookies {
    /// They are left out.
    Skip,
    /// They are written, and last as long as the jar that loads them.
    Include,
}

impl Jar {
    /// Writes the cookies that have not expired as JSON, one entry per cookie, oldest first: the format of
    /// `cookie_store::serde::json::save`, which reads it too.
    ///
    /// What that format has no room for (when a cookie came, bytes that are not UTF-8, cookies without a name) stands in
    /// an entry `treq`, which cookie_store passes over; a cookie that it could not read looks to it like an expired one.
    ///
    /// # Errors
    ///
    /// [`Kind::Other`] with the writer's error as its cause.
    pub fn save_json(&self, writer: impl Write, session: SessionCookies) -> Result<(), Error> {
        self.save_json_at(writer, session, SystemTime::now())
    }

    /// As [`save_json`](Jar::save_json), without the cookies that have expired by the time `now`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn save_json_at(&self, writer: impl Write, session: SessionCookies, now: SystemTime) -> Result<(), Error> {
        let failed = |error| Error::new(Kind::Other, "the cookies could not be written").with_source(error);
        self.write_json(writer, session, now).map_err(failed)
    }

    pub(crate) fn write_json(
        &self,
        mut writer: impl Write,
        session: SessionCookies,
        now: SystemTime,
    ) -> io::Result<()> {
        let cookies = self.iter().filter(|cookie| !cookie.is_expired_at(now));
        let written = cookies.filter(|cookie| session == SessionCookies::Include || cookie.expires().is_some());
        let entries: Vec<Value> = written.map(|cookie| to_entry(&cookie)).collect();
        serde_json::to_writer_pretty(&mut writer, &entries)?;
        writer.write_all(b"\n")?;
        writer.flush()
    }

    /// Puts in what [`save_json`](Jar::save_json) or cookie_store has written: an array, or one entry per line. Cookies
    /// that have expired are left out, and those that the rules for cookies forbid. Returns how many were put in.
    ///
    /// # Errors
    ///
    /// [`Kind::Builder`] for anything else, with the line or the entry: a file cut off, an entry of another form, a line
    /// of more than 64 KiB, more than 64 MiB in all. The jar is then unchanged. No value of a cookie stands in the error.
    pub fn load_json(&self, reader: impl Read) -> Result<usize, Error> {
        self.load_json_at(reader, SystemTime::now())
    }

    /// As [`load_json`](Jar::load_json), without the cookies that have expired by the time `now`, which is when those
    /// without a time of their own were made.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn load_json_at(&self, reader: impl Read, now: SystemTime) -> Result<usize, Error> {
        let text = read(reader)?;
        let mut cookies = Vec::new();
        for (at, entry) in (1..).zip(entries(&text)?) {
            cookies.extend(from_entry(&entry, now).map_err(|fault| bad(format!("entry {at}: {fault}")))?);
        }
        cookies.retain(|cookie| !cookie.is_expired_at(now));
        let count = cookies.len();
        self.extend_trusted(cookies, now);
        Ok(count)
    }
}

fn bad(what: String) -> Error {
    Error::new(Kind::Builder, format!("this is no file of cookies: {what}"))
}

fn read(reader: impl Read) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let failed = |error: io::Error| Error::new(Kind::Builder, "the cookies could not be read").with_source(error);
    reader.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(bad(format!("it has more than {MAX_FILE} bytes")));
    }
    let mut lines = (1..).zip(bytes.split(|&byte| byte == b'\n'));
    if let Some((at, line)) = lines.find(|(_, line)| line.len() > MAX_LINE) {
        return Err(bad(format!("line {at} has {} bytes: {MAX_LINE} are the most", line.len())));
    }
    String::from_utf8(bytes).map_err(|error| bad(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to())))
}

fn entries(text: &str) -> Result<Vec<Value>, Error> {
    // Its message may quote what it found.
    let explain = |error: serde_json::Error| {
        let what = if error.is_eof() { "it is cut off" } else { "it is not JSON" };
        bad(format!("{what} at line {}, column {}", error.line(), error.column()))
    };
    match text.trim_start().chars().next() {
        Some('[') => serde_json::from_str(text).map_err(explain),
        Some('{') => serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().map_err(explain),
        Some(_) => Err(bad("it begins neither with [ nor with {".to_owned())),
        None => Err(bad("it is empty".to_owned())),
    }
}

fn to_entry(cookie: &Cookie) -> Value {
    let expires = match cookie.expires() {
        Some(at) => json!({ "AtUtc": to_rfc3339(at) }),
        None => json!("SessionEnd"),
    };
    let scope = if cookie.host_only() { "HostOnly" } else { "Suffix" };
    let mut ours = Map::new();
    if let Some(created) = cookie.created() {
        ours.insert("created".to_owned(), to_rfc3339(created).into());
    }
    let mut entry = json!({
        "raw_cookie": raw(cookie),
        "path": [cookie.path(), true],
        "domain": { scope: cookie.domain() },
        "expires": expires,
    });
    if cookie.name().is_empty() || cookie.name_str().is_none() || cookie.value_str().is_none() {
        ours.insert("name".to_owned(), hex(cookie.name()).into());
        ours.insert("value".to_owned(), hex(cookie.value()).into());
        ours.insert("expires".to_owned(), expires);
        entry["raw_cookie"] = raw_with("unreadable", "", cookie).into();
        entry["expires"] = json!({ "AtUtc": to_rfc3339(UNIX_EPOCH) });
    }
    entry["treq"] = ours.into();
    entry
}

fn raw(cookie: &Cookie) -> String {
    raw_with(cookie.name_str().unwrap_or_default(), cookie.value_str().unwrap_or_default(), cookie)
}

fn raw_with(name: &str, value: &str, cookie: &Cookie) -> String {
    let mut raw = format!("{name}={value}");
    if cookie.http_only() {
        raw.push_str("; HttpOnly");
    }
    if let Some(same_site) = cookie.same_site() {
        raw.push_str("; SameSite=");
        raw.push_str(same_site.as_str());
    }
    if cookie.secure() {
        raw.push_str("; Secure");
    }
    raw.push_str("; Path=");
    raw.push_str(cookie.path());
    if !cookie.host_only() {
        raw.push_str("; Domain=");
        raw.push_str(cookie.domain());
    }
    raw
}

/// `None` for a cookie that the rules forbid.
fn from_entry(entry: &Value, now: SystemTime) -> Result<Option<Cookie>, &'static str> {
    let raw = entry["raw_cookie"].as_str().ok_or("raw_cookie is not a text")?;
    let path = entry["path"][0].as_str().ok_or("path is not a text and a flag")?;
    let (host, host_only) = match (entry["domain"]["HostOnly"].as_str(), entry["domain"]["Suffix"].as_str()) {
        (Some(host), None) => (host, true),
        (None, Some(domain)) => (domain, false),
        _ => return Err("domain is neither HostOnly nor Suffix"),
    };
    let ours = &entry["treq"];
    let expires = expiry(if ours["expires"].is_null() { &entry["expires"] } else { &ours["expires"] })?;
    let created = match &ours["created"] {
        Value::Null => now,
        created => created.as_str().and_then(from_rfc3339).ok_or("created is not a time")?,
    };
    let bytes = match (&ours["name"], &ours["value"]) {
        (Value::Null, Value::Null) => None,
        (name, value) => Some((unhex(name).ok_or("name is not hex")?, unhex(value).ok_or("value is not hex")?)),
    };
    // The rules are those of a `Set-Cookie` field; name and value are judged as its beginning.
    let field = match &bytes {
        Some((name, value)) => [&name[..], b"=", value].concat(),
        None => raw.as_bytes().to_vec(),
    };
    let (Some(named), Some(parsed)) = (Parsed::of(&field), Parsed::of(raw.as_bytes())) else { return Ok(None) };
    let Some(domain) = host::from_attribute(host.as_bytes()).filter(|domain| !domain.is_empty()) else {
        return Ok(None);
    };
    let parts = Parts {
        name: named.name.into(),
        value: named.value.into(),
        path: path.into(),
        expires,
        created: Some(created),
        // A file cannot make a cookie of all hosts below a public suffix.
        host_only: host_only || (host::registrable(&domain).is_none() && !host::is_address(&domain)),
        domain: domain.into(),
        secure: parsed.secure,
        http_only: parsed.http_only,
        same_site: parsed.same_site,
    };
    let allowed = parts.path.starts_with('/') && parts.broken_promise().is_none();
    Ok(allowed.then(|| parts.into()))
}

fn expiry(value: &Value) -> Result<Option<SystemTime>, &'static str> {
    match value["AtUtc"].as_str() {
        Some(at) => from_rfc3339(at).map(Some).ok_or("expires is not a time"),
        None if value == "SessionEnd" => Ok(None),
        None => Err("expires is neither AtUtc nor SessionEnd"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(value: &Value) -> Option<Vec<u8>> {
    let digits = value.as_str()?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if digits.len() % 2 == 1 {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?)).collect()
}
