//! What was expected and what came, in a message.

use http::HeaderMap;

use crate::{Params, StubRequest, matcher};

/// How many characters of a body are shown.
const LIMIT: usize = 600;

pub(crate) fn params(params: &Params) -> String {
    if params.is_empty() {
        return "none".to_owned();
    }
    let pairs = params.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("{name} = {value}")));
    pairs.collect::<Vec<_>>().join("\n")
}

/// A line for each value, names sorted.
pub(crate) fn headers(headers: &HeaderMap) -> String {
    let mut names: Vec<_> = headers.keys().collect();
    names.sort_unstable_by_key(|name| name.as_str());
    let lines = names.into_iter().flat_map(|name| {
        headers.get_all(name).iter().map(move |value| format!("{name}: {}", value.as_bytes().escape_ascii()))
    });
    let lines = lines.collect::<Vec<_>>();
    if lines.is_empty() { "none".to_owned() } else { lines.join("\n") }
}

/// Text as it is, bytes with escapes; long ones are cut.
pub(crate) fn data(data: &[u8]) -> String {
    if data.is_empty() {
        return "empty".to_owned();
    }
    let text = match std::str::from_utf8(data) {
        Ok(text) if !text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\t')) => text.to_owned(),
        _ => data.escape_ascii().to_string(),
    };
    match text.char_indices().nth(LIMIT) {
        Some((at, _)) => format!("{}… ({} bytes in all)", &text[..at], data.len()),
        None => text,
    }
}

/// The body of a request: its parts, where it is multipart.
pub(crate) fn body(request: &StubRequest) -> String {
    matcher::parts_of(request).unwrap_or_else(|| data(&request.data))
}
