use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Method, Version};
use serde_json::{Map, Value};

use crate::content::Content;
use crate::text;

/// A request, read and taken apart: what an endpoint decides by.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path's segments, decoded.
    pub(crate) segments: Vec<String>,
    pub(crate) args: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// Who asks: an address, or empty for a Unix socket.
    pub(crate) origin: String,
    /// What was sent, where the endpoint reads it.
    pub(crate) content: Content,
    /// How many bytes were sent.
    pub(crate) length: u64,
    pub(crate) secure: bool,
    host: String,
    path: String,
    query: String,
}

/// Fields that proxies add; they are shown only where the query has `show_env`.
const HIDDEN: [&str; 15] = [
    "x-varnish",
    "x-request-start",
    "x-heroku-queue-depth",
    "x-real-ip",
    "x-forwarded-proto",
    "x-forwarded-protocol",
    "x-forwarded-ssl",
    "x-heroku-queue-wait-time",
    "x-forwarded-for",
    "x-heroku-dynos-in-use",
    "x-forwarded-port",
    "x-request-id",
    "via",
    "total-route-time",
    "connect-time",
];

/// The segments of a path, decoded.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.strip_prefix('/').unwrap_or(path).split('/').map(|segment| text::decode(segment, false)).collect()
}

impl Call {
    pub(crate) fn new(mut head: Parts, segments: Vec<String>, peer: String, secure: bool) -> Call {
        if head.version == Version::HTTP_2 && !head.headers.contains_key(HOST) {
            let host = head.uri.authority().and_then(|authority| authority.as_str().parse().ok());
            host.map(|host| head.headers.insert(HOST, host));
        }
        let field =
            |name: &str| head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let query = head.uri.query().unwrap_or_default().to_owned();
        Call {
            args: text::pairs(&query),
            origin: field("x-forwarded-for").unwrap_or(peer),
            host: field("host").unwrap_or_else(|| "localhost".to_owned()),
            path: head.uri.path().to_owned(),
            method: head.method,
            headers: head.headers,
            content: Content::default(),
            length: 0,
            segments,
            secure,
            query,
        }
    }

    /// The segment in this place: the route has seen that there is one.
    pub(crate) fn segment(&self, at: usize) -> &str {
        self.segments.get(at).map_or("", String::as_str)
    }

    /// The number in this place: the route has seen that it is one.
    pub(crate) fn number(&self, at: usize) -> u64 {
        self.segment(at).parse().unwrap_or(u64::MAX)
    }

    /// The first argument of this name, whatever its case.
    pub(crate) fn arg(&self, name: &str) -> Option<&str> {
        let found = self.args.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The argument as a number, or `default` where it is not given.
    pub(crate) fn number_arg<T: std::str::FromStr>(&self, name: &str, default: T) -> Option<T> {
        match self.arg(name) {
            Some(text) => text.trim().parse().ok(),
            None => Some(default),
        }
    }

    /// The field as text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let mut values = self.headers.get_all(name).iter().peekable();
        values.peek()?;
        let values: Vec<_> = values.map(latin1).collect();
        // HTTP/2 may send a cookie in pieces: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3
        Some(values.join(if name == "cookie" { "; " } else { "," }))
    }

    /// Path and query as they came.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// The URL that was asked for.
    pub(crate) fn url(&self) -> String {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", text::shown_query(&self.query)) };
        self.absolute(&format!("{}{query}", text::shown_path(&self.path)))
    }

    /// The URL of a path of this server, by the name under which the client knows it.
    pub(crate) fn absolute(&self, path: &str) -> String {
        let forwarded = self.header("x-forwarded-proto").or_else(|| self.header("x-forwarded-protocol"));
        let ssl = self.header("x-forwarded-ssl").is_some_and(|value| value == "on");
        let own = if self.secure || ssl { "https" } else { "http" };
        format!("{}://{}{path}", forwarded.as_deref().unwrap_or(own), self.host)
    }

    /// The fields by their names in title case, repeated ones joined.
    pub(crate) fn shown_headers(&self) -> Value {
        let all = self.args.iter().any(|(key, _)| key == "show_env");
        let shown = self.headers.keys().map(http::HeaderName::as_str).filter(|name| {
            // A server behind WSGI drops names with an underscore.
            (all || !HIDDEN.contains(name)) && !name.contains('_')
        });
        let fields = shown.filter_map(|name| Some((title(name), Value::from(self.header(name)?))));
        Value::Object(fields.collect())
    }

    /// What `/get` tells.
    pub(crate) fn told(&self) -> Map<String, Value> {
        Map::from_iter([
            ("args".to_owned(), flat(&self.args)),
            ("headers".to_owned(), self.shown_headers()),
            ("origin".to_owned(), self.origin.as_str().into()),
            ("url".to_owned(), self.url().into()),
        ])
    }
}

/// Pairs as an object: the values of a repeated key as a list.
pub(crate) fn flat(pairs: &[(String, String)]) -> Value {
    let mut object = Map::new();
    for (key, value) in pairs {
        let value = Value::from(value.as_str());
        match object.get_mut(key) {
            None => {
                object.insert(key.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(object)
}

/// Each byte as a character: what WSGI makes of a field.
fn latin1(value: &http::HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

fn title(name: &str) -> String {
    let mut inside = false;
    name.chars()
        .map(|letter| {
            let shown = if inside { letter } else { letter.to_ascii_uppercase() };
            inside = letter.is_ascii_alphabetic();
            shown
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_names_a_title() {
        for (name, expected) in [("host", "Host"), ("x-b3-traceid", "X-B3-Traceid"), ("x-1abc", "X-1Abc")] {
            assert_eq!(title(name), expected);
        }
    }
}
