//! Forms of several parts: sent by the client, or made by hand.

use treq::Form;

use crate::call::{self, Refusal};
use crate::case::{Case, Compared, Mismatch};
use crate::json::{self, Json};
use crate::wire::{Message, find};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    fields: Vec<(String, String)>,
    content: Vec<u8>,
}

impl Part {
    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }
}

/// The boundaries of both, where both are forms of several parts.
pub(crate) fn boundaries(want: &Message, seen: &Message) -> Option<(String, String)> {
    let boundary = |message: &Message| {
        let value = message.values("content-type").pop()?;
        let boundary = value.strip_prefix("multipart/form-data; boundary=")?.trim_matches('"').to_owned();
        Some(boundary)
    };
    Some((boundary(want)?, boundary(seen)?))
}

/// Compares two bodies part by part.
pub(crate) fn compare(
    compared: &mut Compared,
    want: &[u8],
    want_boundary: &str,
    seen: &[u8],
    seen_boundary: &str,
) -> Result<(), String> {
    // The original writes a zero-length chunk in the middle of some bodies: what is behind it is lost.
    let want = parts(want, want_boundary);
    let seen = parts(seen, seen_boundary).ok_or("the body is not of the form that its boundary says")?;
    let Some(want) = want else {
        compared.0.push(Mismatch::new("parts.whole", "a body that is cut", format!("{} parts", seen.len())));
        return Ok(());
    };
    compared.same("parts.count", want.len(), seen.len());
    let key = |part: &Part| (part.field("content-disposition").to_owned(), part.content.clone());
    let keys = |parts: &[Part]| parts.iter().map(key).collect::<Vec<_>>();
    let (order, theirs) = (keys(&want), keys(&seen));
    let sorted = |mut keys: Vec<_>| {
        keys.sort_unstable();
        keys
    };
    let mut seen = seen;
    if order != theirs && sorted(order.clone()) == sorted(theirs) {
        compared.0.push(Mismatch::new("parts.order", "sorted by name", "as given"));
        // Stable: those that are equal stay in their order.
        seen.sort_by_key(|part| order.iter().position(|one| *one == key(part)));
    }
    for (want, seen) in want.iter().zip(&seen) {
        let mut names: Vec<_> = want.fields.iter().chain(&seen.fields).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            compared.same(&format!("part.field.{name}"), want.field(name), seen.field(name));
        }
        compared.same("part.content", json::latin1(&want.content), json::latin1(&seen.content));
    }
    Ok(())
}

fn parts(body: &[u8], boundary: &str) -> Option<Vec<Part>> {
    let delimiter = format!("--{boundary}");
    let body =
        body.strip_prefix(b"\r\n").filter(|_| body.ends_with(b"--\r\n") && body.starts_with(b"\r\n")).unwrap_or(body);
    let mut rest = body.strip_prefix(delimiter.as_bytes())?;
    let mut parts = Vec::new();
    let delimiter = format!("\r\n{delimiter}");
    loop {
        if rest == b"--\r\n" {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, delimiter.as_bytes())?;
        parts.push(part(&rest[..end])?);
        rest = &rest[end + delimiter.len()..];
    }
}

fn part(bytes: &[u8]) -> Option<Part> {
    let head = find(bytes, b"\r\n\r\n")?;
    let fields = json::latin1(&bytes[..head]);
    let fields = fields.split("\r\n").map(|line| line.split_once(": "));
    let fields = fields.map(|field| field.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())));
    Some(Part { fields: fields.collect::<Option<_>>()?, content: bytes[head + 4..].to_vec() })
}

/// Plays a form that is made by hand: `fields` and `boundary`.
pub(crate) async fn play(case: &Case) -> Result<Option<Vec<Mismatch>>, String> {
    let (Some(fields), Some(boundary)) = (case.given.get("fields"), case.given.get("boundary").and_then(Json::text))
    else {
        return Ok(None);
    };
    let Some(fields) = fields.map() else { return Ok(None) };
    if case.given.map().is_some_and(|all| all.len() != 2) {
        return Ok(None);
    }
    let mut form = Form::new().boundary(boundary);
    for (name, value) in fields {
        let part = match value.text() {
            Some(text) => treq::Part::text(text),
            None => match call::part(value) {
                Ok(part) => part,
                Err(Refusal::NoCounterpart(why)) => return Err(format!("{why} has no counterpart")),
                Err(Refusal::Unknown(why)) => return Err(why),
            },
        };
        form = form.part(name.clone(), part);
    }
    let mut compared = Compared::default();
    let body = form.into_body().map_err(|error| error.to_string())?;
    let length = http_body::Body::size_hint(&body).exact();
    let bytes = crate::response::gather(body).await?;
    for (key, want) in case.expect.map().unwrap_or_default() {
        match key.as_str() {
            "length" => {
                compared.same("form.length", bytes.len(), length.map_or("unknown".to_owned(), |it| it.to_string()));
            }
            "bytes" => {
                let want = json::bytes(want.text().ok_or("bytes are a text")?)?;
                if want.starts_with(b"\r\n") != bytes.starts_with(b"\r\n") {
                    compared.0.push(Mismatch::new("form.preamble", "an empty line", "none"));
                }
                compare(&mut compared, &want, boundary, &bytes, boundary)?;
            }
            "note" => {}
            other => return Err(format!("what {other:?} expects is not known")),
        }
    }
    Ok(Some(compared.0))
}
