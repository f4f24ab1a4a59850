//! What went out beside what the original sends.

use http::HeaderMap;

use crate::case::Compared;
use crate::json::{self, Json};
use crate::wire::Message;
use crate::world::{Received, World};
use crate::{multipart, redirect};

/// Compares two requests; order and case of field names do not count.
pub(crate) fn compare(compared: &mut Compared, want: &[u8], seen: &[u8]) -> Result<(), String> {
    let (want, seen) = (Message::parse(want)?, Message::parse(seen)?);
    compared.same("request.method", &want.method, &seen.method);
    compared.same("request.target", &want.target, &seen.target);
    compared.same("request.version", &want.version, &seen.version);
    let parts = multipart::boundaries(&want, &seen);
    let mut names: Vec<_> = want.fields.iter().chain(&seen.fields).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (wanted, there) = (want.values(name), seen.values(name));
        match name {
            // The boundary is random.
            "content-type" if parts.is_some() => {}
            // Where bodies differ, each has its length.
            "content-length" if wanted.len() == 1 && there.len() == 1 && want.body != seen.body => {
                compared.same("request.length", seen.body.len(), there.join(","));
            }
            _ => compared.same(&format!("request.field.{name}"), wanted.join("\n"), there.join("\n")),
        }
    }
    match parts {
        Some((ours, theirs)) => multipart::compare(compared, &want.body, &ours, &seen.body, &theirs),
        None => {
            compared.same("request.body", crate::json::latin1(&want.body), crate::json::latin1(&seen.body));
            Ok(())
        }
    }
}

/// What went out.
pub(crate) fn sent(
    compared: &mut Compared,
    world: &World,
    key: &str,
    want: &Json,
    seen: &[Received],
) -> Result<(), String> {
    if key == "requests" {
        return redirect::requests(compared, want, seen);
    }
    let want = want.text().ok_or_else(|| format!("a {key} is a text"))?;
    match (key, seen.first()) {
        ("connect_to", _) => {
            compared.same("connect_to", want, world.connections().into_iter().next().unwrap_or_default());
        }
        (_, None) => compared.same("wire", want, NOTHING),
        (_, Some(_)) if want == NOTHING => compared.same("wire", want, seen.len()),
        (_, Some(first)) => compare(compared, &json::bytes(want)?, &first.bytes)?,
    }
    Ok(())
}

/// A wire that is none.
pub(crate) const NOTHING: &str = "nothing is sent";

/// Compares field by field; order and case of names do not count.
pub(crate) fn fields(compared: &mut Compared, what: &str, want: &Json, seen: &HeaderMap) -> Result<(), String> {
    let mut names: Vec<String> = seen.keys().map(|name| name.as_str().to_owned()).collect();
    let mut wanted = Vec::new();
    for field in want.list().ok_or("fields are a list")? {
        let [name, values] = field.list().unwrap_or_default() else { return Err(format!("{field} is no field")) };
        let name = name.text().unwrap_or_default().to_ascii_lowercase();
        let values = values.list().unwrap_or_default().iter().map(|value| value.text().unwrap_or_default());
        wanted.push((name.clone(), values.collect::<Vec<_>>().join("\n")));
        names.push(name);
    }
    names.sort_unstable();
    names.dedup();
    for name in names {
        let there = seen.get_all(&name).iter().map(|value| json::latin1(value.as_bytes())).collect::<Vec<_>>();
        let there = if there.is_empty() { "(none)".to_owned() } else { there.join("\n") };
        let want = wanted.iter().find(|(wanted, _)| *wanted == name).map_or("(none)", |(_, values)| values);
        compared.same(&format!("{what}.{name}"), want, there);
    }
    Ok(())
}

/// Compares the map of fields that the caller still has.
pub(crate) fn caller_headers(compared: &mut Compared, want: &Json, seen: Option<&HeaderMap>) -> Result<(), String> {
    fields(compared, "caller_headers", want, seen.ok_or("the caller has no map of fields")?)
}
