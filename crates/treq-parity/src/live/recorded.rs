//! What the original does now beside what is recorded of it.

use crate::case::{Compared, Mismatch};
use crate::json::{self, Json, latin1};
use crate::multipart;
use crate::request::{self, NOTHING};
use crate::wire::Message;

/// Where the two differ: as recorded in `want`, as it is now in `seen`. What is not recorded does not count, nor do the
/// words of errors, the order and case of names of fields, and random boundaries.
pub(super) fn otherwise(recorded: &Json, seen: &Json) -> Result<Vec<Mismatch>, String> {
    let mut compared = Compared::default();
    for (key, want) in recorded.map().unwrap_or_default() {
        let there = seen.get(key);
        let text = |json: Option<&Json>| json.map_or_else(|| "(none)".to_owned(), said);
        match key.as_str() {
            "note" => {}
            "wire" | "connect_to" | "requests" => sent(&mut compared, key, want, seen)?,
            "error" | "read_error" => {
                compared.same(if key == "error" { "outcome.kind" } else { "read.error" }, kinds(want), kinds_of(there));
            }
            "connection" => {
                let there = text(there);
                if !said(want).starts_with(&there) {
                    compared.same("connection", said(want), there);
                }
            }
            "headers" | "caller_headers_after" => {
                compared.same(key, fields(want), there.map_or_else(|| "(none)".to_owned(), fields));
            }
            "headers_as_treq_shows_them" => {}
            "steps" => steps(&mut compared, want, there),
            "jar_after" => compared.same(key, sorted(want), there.map_or_else(|| "(none)".to_owned(), sorted)),
            _ => compared.same(key, said(want), text(there)),
        }
    }
    Ok(compared.0)
}

fn said(json: &Json) -> String {
    json.text().map_or_else(|| json.to_string(), str::to_owned)
}

/// The requests that were sent: where to, over which connection, and what.
fn all_sent(seen: &Json) -> Vec<(String, u64, String)> {
    let text = |json: &Json, key: &str| json.get(key).and_then(Json::text).unwrap_or_default().to_owned();
    match seen.get("requests").and_then(Json::list) {
        Some(list) => {
            let one = |it: &Json| {
                let connection = it.get("connection").and_then(Json::number).unwrap_or(0);
                (text(it, "to"), connection, text(it, "bytes"))
            };
            list.iter().map(one).collect()
        }
        None if text(seen, "wire") == NOTHING || seen.get("wire").is_none() => Vec::new(),
        None => vec![(text(seen, "connect_to"), 1, text(seen, "wire"))],
    }
}

fn sent(compared: &mut Compared, key: &str, want: &Json, seen: &Json) -> Result<(), String> {
    let there = all_sent(seen);
    match (key, there.first()) {
        ("requests", _) => {
            let wanted = Json::Map(vec![(key.to_owned(), want.clone())]);
            let wanted = all_sent(&wanted);
            compared.same("requests", wanted.len(), there.len());
            for (at, (want, seen)) in wanted.iter().zip(&there).enumerate() {
                let mut one = Compared::default();
                one.same("to", &want.0, &seen.0);
                one.same("connection", want.1, seen.1);
                wire(&mut one, &want.2, &seen.2)?;
                let named = one.0.into_iter();
                compared.0.extend(
                    named.map(|mismatch| Mismatch { field: format!("hop{at}.{}", mismatch.field), ..mismatch }),
                );
            }
        }
        ("connect_to", first) => compared.same(key, said(want), first.map_or("(none)", |it| &it.0)),
        (_, None) => compared.same("wire", said(want), NOTHING),
        (_, Some(first)) if said(want) == NOTHING => compared.same("wire", NOTHING, &first.2),
        (_, Some(first)) => wire(compared, &said(want), &first.2)?,
    }
    Ok(())
}

fn wire(compared: &mut Compared, want: &str, seen: &str) -> Result<(), String> {
    let (want, seen) = (json::bytes(want)?, json::bytes(seen)?);
    let messages = (Message::parse(&want)?, Message::parse(&seen)?);
    if let Some((ours, theirs)) = multipart::boundaries(&messages.0, &messages.1) {
        let cut = |message: &Message, boundary: &str| !latin1(&message.body).ends_with(&format!("--{boundary}--\r\n"));
        if cut(&messages.0, &ours) && cut(&messages.1, &theirs) {
            let alike = |message: &Message, boundary: &str| latin1(&message.body).replace(boundary, "(boundary)");
            compared.same("request.body", alike(&messages.0, &ours), alike(&messages.1, &theirs));
            return Ok(());
        }
    }
    request::compare(compared, &want, &seen)
}

fn kinds_of(error: Option<&Json>) -> String {
    error.map_or_else(|| "(none)".to_owned(), kinds)
}

/// The kind of an error and those of its causes.
fn kinds(error: &Json) -> String {
    let Some(kind) = error.get("kind").and_then(Json::text) else { return said(error) };
    let causes = error.get("causes").and_then(Json::list).unwrap_or_default();
    let causes: Vec<_> = causes.iter().filter_map(|cause| cause.get("kind")?.text()).collect();
    if causes.is_empty() { kind.to_owned() } else { format!("{kind} of {}", causes.join(", ")) }
}

fn fields(list: &Json) -> String {
    let mut lines = Vec::new();
    for field in list.list().unwrap_or_default() {
        let [name, values] = field.list().unwrap_or_default() else { continue };
        let values: Vec<_> = values.list().unwrap_or_default().iter().map(said).collect();
        let line = format!("{}: {}", said(name).to_ascii_lowercase(), values.join(" | "));
        // It stands in all answers there, and is recorded once.
        if line != "content-encoding: " {
            lines.push(line);
        }
    }
    lines.sort_unstable();
    lines.join("\n")
}

fn sorted(list: &Json) -> String {
    let mut all: Vec<_> = list.list().unwrap_or_default().iter().map(without_note).collect();
    all.sort_unstable();
    all.join("\n")
}

fn without_note(json: &Json) -> String {
    let mut entries: Vec<_> = json.map().unwrap_or_default().iter().filter(|(key, _)| key != "note").collect();
    entries.sort_unstable_by_key(|(key, _)| key);
    entries.iter().map(|(key, value)| format!("{key}={}", said(value))).collect::<Vec<_>>().join(" ")
}

fn steps(compared: &mut Compared, want: &Json, seen: Option<&Json>) {
    let seen = seen.and_then(Json::list).unwrap_or_default();
    let want = want.list().unwrap_or_default();
    compared.same("steps", want.len(), seen.len());
    for (want, seen) in want.iter().zip(seen) {
        let lines = |step: &Json| step.get("sent_cookie_lines").map_or_else(|| "(none)".to_owned(), said);
        if want.get("error").is_some() || seen.get("error").is_some() {
            compared.same("step.outcome", kinds_of(want.get("error")), kinds_of(seen.get("error")));
        } else if want.get("sent_cookie_lines").is_some() {
            compared.same("step.cookies", lines(want), lines(seen));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields_of(recorded: &str, seen: &str) -> Vec<String> {
        let json = |text: &str| serde_json::from_str(text).unwrap();
        otherwise(&json(recorded), &json(seen)).unwrap().into_iter().map(|it| it.field).collect()
    }

    #[test]
    fn what_does_not_count_is_no_difference() {
        let recorded = r#"{"note":"x","wire":"GET / HTTP/1.1\r\nB: 2\r\nHost: a\r\n\r\n","status":200,"headers":[["X-A",["1"]]],
            "error":{"kind":"E","message":"one"},"connection":"returned to pool, later"}"#;
        let seen = r#"{"wire":"GET / HTTP/1.1\r\nHost: a\r\nb: 2\r\n\r\n","status":200,"headers":[["x-a",["1"]]],"reason":"OK",
            "error":{"kind":"E","message":"other"},"connection":"returned to pool"}"#;
        assert_eq!(fields_of(recorded, seen), Vec::<String>::new());
    }

    #[test]
    fn each_field_is_looked_at() {
        let wire = |target: &str| format!(r#"{{"wire":"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"}}"#);
        assert_eq!(fields_of(&wire("/a"), &wire("/b")), ["request.target"]);
        assert_eq!(fields_of(&wire("/a"), r#"{"wire":"nothing is sent"}"#), ["wire"]);
        assert_eq!(fields_of(r#"{"wire":"nothing is sent"}"#, &wire("/a")), ["wire"]);
        assert_eq!(
            fields_of(r#"{"error":{"kind":"A","causes":[{"kind":"B"}]}}"#, r#"{"error":{"kind":"A"}}"#),
            ["outcome.kind"]
        );
        assert_eq!(fields_of(r#"{"read":"a"}"#, r#"{"read_error":{"kind":"A"}}"#), ["read"]);
        assert_eq!(
            fields_of(r#"{"connection":"returned to pool"}"#, r#"{"connection":"closed by client"}"#),
            ["connection"]
        );
        let requests =
            r#"{"requests":[{"to":"http://a:80","connection":1,"bytes":"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}]}"#;
        assert_eq!(fields_of(requests, &wire("/b")), ["hop0.to", "hop0.request.target"]);
        assert_eq!(
            fields_of(r#"{"steps":[{"sent_cookie_lines":["a"]}]}"#, r#"{"steps":[{"sent_cookie_lines":[]}]}"#),
            ["step.cookies"]
        );
        let jar = |value: &str| format!(r#"{{"jar_after":[{{"name":"a","value":"{value}"}}]}}"#);
        assert_eq!(fields_of(&jar("1"), &jar("2")), ["jar_after"]);
    }
}
