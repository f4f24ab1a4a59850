//! What was expected and what came, in a message.

use http::HeaderMap;

use crate::{Params, StubRequest, matcher};

/// How many characters of a body are shown.
const LIMIT: usize = 600;
/// How many bytes are shown before the one from which two bodies differ.
const BEFORE: usize = 40;

pub(crate) fn params(params: &Params) -> String {
    if params.is_empty() {
        return "none".to_owned();
    }
    pairs(params, |name, value| format!("{name} = {value}"))
}

fn pairs(params: &Params, shown: impl Fn(&str, &str) -> String) -> String {
    let pairs = params.iter().flat_map(|(name, values)| values.iter().map(|value| shown(name, value)));
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
    cut(text, data.len())
}

/// The same in a line with other words: in quotes where its ends could not be seen.
pub(crate) fn inline(content: &[u8]) -> String {
    match std::str::from_utf8(content) {
        Ok(text) if text.trim() == text && !text.chars().any(is_unseen) => data(content),
        _ => exact(content),
    }
}

/// Both of two that differ, where shown as they are they would look alike: from where they part, with escapes.
pub(crate) fn data_apart(one: &[u8], other: &[u8]) -> Option<(String, String)> {
    let head = |data: &[u8]| self::data(data).chars().take(LIMIT).collect::<String>();
    let heads = [head(one), head(other)];
    let is_long = heads.iter().all(|head| head.chars().count() == LIMIT);
    if is_long && heads[0] == heads[1] {
        let parting = one.iter().zip(other).position(|(one, other)| one != other).unwrap_or(one.len().min(other.len()));
        let from = parting.saturating_sub(BEFORE);
        let rest = |data: &[u8]| format!("from byte {from} on: {} (of {} bytes)", exact(&data[from..]), data.len());
        return Some((rest(one), rest(other)));
    }
    look_alike(&heads[0], &heads[1]).then(|| (exact(one), exact(other)))
}

/// The same of pairs.
pub(crate) fn params_apart(one: &Params, other: &Params) -> Option<(String, String)> {
    let exact = |params: &Params| pairs(params, |name, value| format!("{name:?} = {value:?}"));
    look_alike(&params(one), &params(other)).then(|| (exact(one), exact(other)))
}

/// Spaces at the end of a line are not seen.
fn look_alike(one: &str, other: &str) -> bool {
    let seen = |text: &str| text.trim_end().split('\n').map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    seen(one) == seen(other) || [one, other].iter().any(|text| text.chars().any(is_unseen))
}

/// Whether nobody sees it, or not for what it is: combined with another, or one of several that look the same.
fn is_unseen(char: char) -> bool {
    let is_usual = matches!(char, ' ' | '\n' | '\t' | '"' | '\'' | '\\');
    !is_usual && (char.is_whitespace() || char.escape_debug().count() > 1)
}

/// In quotes, with escapes.
fn exact(data: &[u8]) -> String {
    let text = match std::str::from_utf8(data) {
        Ok(text) => format!("\"{}\"", text.chars().flat_map(char::escape_debug).collect::<String>()),
        Err(_) => format!("b\"{}\"", data.escape_ascii()),
    };
    cut(text, data.len())
}

fn cut(text: String, bytes: usize) -> String {
    match text.char_indices().nth(LIMIT) {
        Some((at, _)) => format!("{}… ({bytes} bytes in all)", &text[..at]),
        None => text,
    }
}

/// The body of a request: its parts, where it is multipart.
pub(crate) fn body(request: &StubRequest) -> String {
    matcher::parts_of(request).unwrap_or_else(|| data(&request.data))
}
