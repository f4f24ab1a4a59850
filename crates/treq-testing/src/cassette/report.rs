//! The words of a request that is not on the cassette.

use http::HeaderMap;

use super::entry::Asked;
use super::matching::{Matching, Url};
use crate::show;

/// A recorded request, as far as the report is concerned.
pub(super) struct Candidate<'a> {
    pub(super) request: &'a Asked,
    pub(super) is_played: bool,
}

/// What was asked, beside the entry that is most like it.
pub(super) fn unknown(name: &str, matching: &Matching, entries: &[Candidate<'_>], asked: &Asked) -> String {
    let count = match entries.len() {
        0 => return none(name, matching, asked),
        1 => "its only entry".to_owned(),
        count => format!("of its {count} entries"),
    };
    let differing = |entry: &Candidate<'_>| matching.differing(entry.request, asked);
    // The parts in the order of their weight, and of two that are as like the one that is still there.
    let nearest = entries.iter().enumerate().min_by_key(|(_, entry)| {
        let differing = differing(entry);
        let weight = |part: &&str| if matches!(*part, "url" | "method") { 2 } else { 1 };
        (differing.iter().map(weight).sum::<usize>(), entry.is_played)
    });
    let Some((at, nearest)) = nearest else { return none(name, matching, asked) };
    let parts = differing(nearest);
    let which = if entries.len() == 1 { String::new() } else { format!(" number {} is the one most like it:", at + 1) };
    let how = match (parts.is_empty(), nearest.is_played) {
        (true, _) => "it is this request, but it was played before, and repeat(true) is not set".to_owned(),
        (false, true) => format!("it differs in {}, and it was played before", parts.join(", ")),
        (false, false) => format!("it differs in {}", parts.join(", ")),
    };
    let colon = if which.is_empty() { ":" } else { "" };
    let mut text =
        format!("The cassette {name} has no entry for this request. {}{colon}{which} {how}.\n\n", capital(&count));
    for ((part, recorded), (_, seen)) in said(nearest.request, matching).into_iter().zip(said(asked, matching)) {
        if parts.contains(&part) {
            let bodies = || show::data_apart(&nearest.request.message.body, &asked.message.body);
            let apart = Some(part).filter(|part| *part == "body").and_then(|_| bodies());
            let (recorded, seen) = apart.unwrap_or((recorded, seen));
            text.push_str(&field('!', part, &[("recorded", &recorded), ("asked", &seen)]));
        } else {
            let seen = if matches!(part, "method" | "url") { seen.as_str() } else { "" };
            text.push_str(&field(' ', part, &[("as recorded", seen)]));
        }
    }
    if parts.contains(&"closure") {
        text.push_str(&field('!', "closure", &[("says that", "it is another one")]));
    }
    text.trim_end().to_owned()
}

fn none(name: &str, matching: &Matching, asked: &Asked) -> String {
    let fields = said(asked, matching).into_iter().map(|(part, seen)| field(' ', part, &[("asked", &seen)]));
    let text =
        format!("The cassette {name} has no entry for this request: it is empty.\n\n{}", fields.collect::<String>());
    text.trim_end().to_owned()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

fn said(asked: &Asked, matching: &Matching) -> Vec<(&'static str, String)> {
    let url = Url::of(&asked.url);
    let is_compared = |name: &http::HeaderName| matching.headers().contains(name);
    let compared = asked.message.headers.iter().filter(|(name, _)| is_compared(name));
    let compared: HeaderMap = compared.map(|(name, value)| (name.clone(), value.clone())).collect();
    let query = if url.query.is_empty() { "none".to_owned() } else { url.query };
    let mut said = vec![("method", asked.method.to_string()), ("url", url.origin + &url.path), ("query", query)];
    if !matching.headers().is_empty() {
        said.push(("headers", show::headers(&compared)));
    }
    said.push(("body", show::body(&asked.as_stub())));
    said
}

/// A part in columns: mark, name, and what is said of it.
fn field(mark: char, name: &str, said: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (at, (by, value)) in said.iter().enumerate() {
        let (mark, name) = if at == 0 { (mark, name) } else { (' ', "") };
        for (at, line) in value.split('\n').enumerate() {
            let (mark, name, by) = if at == 0 { (mark, name, *by) } else { (' ', "", "") };
            text.push_str(format!("{mark} {name:<8} {by:<11} {line}").trim_end());
            text.push('\n');
        }
    }
    text
}
