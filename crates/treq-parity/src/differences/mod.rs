//! Where treq deliberately does something else: rules, each of them over the content of a case and what was seen, so that
//! they hold for cases that nobody has seen yet.

mod chains;
mod cookies;
mod requests;
mod responses;
mod testing;
mod urls;

use crate::{Case, Json, Mismatch};

/// A difference that is meant.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The reason.
    pub why: &'static str,
    /// Whether it comes along with whatever a case is about, and so does not settle one that wants something better.
    pub incidental: bool,
    holds: fn(&Case, &Mismatch) -> bool,
}

impl Difference {
    const fn meant(why: &'static str, holds: fn(&Case, &Mismatch) -> bool) -> Difference {
        Difference { why, incidental: false, holds }
    }

    const fn incidental(why: &'static str, holds: fn(&Case, &Mismatch) -> bool) -> Difference {
        Difference { why, incidental: true, holds }
    }
}

/// All rules, in the order in which they are asked.
pub fn all() -> impl Iterator<Item = &'static Difference> {
    let rules = [requests::RULES, responses::RULES, chains::RULES, cookies::RULES, urls::RULES, testing::RULES];
    rules.into_iter().flatten()
}

/// The rule by which this may come out otherwise.
pub fn reason(case: &Case, mismatch: &Mismatch) -> Option<&'static Difference> {
    all().find(|rule| (rule.holds)(case, mismatch))
}

/// The field without the hop that it belongs to.
fn field(mismatch: &Mismatch) -> &str {
    let field = mismatch.field.as_str();
    match field.split_once('.') {
        Some((hop, rest)) if hop.strip_prefix("hop").is_some_and(|at| at.parse::<usize>().is_ok()) => rest,
        _ => field,
    }
}

/// Which request of a chain, the first being 0.
fn hop(mismatch: &Mismatch) -> usize {
    let number = || mismatch.field.split_once('.')?.0.strip_prefix("hop")?.parse().ok();
    number().unwrap_or(0)
}

/// The values of a field that the caller gives.
fn caller_fields<'a>(case: &'a Case, name: &str) -> Vec<&'a Json> {
    let Some(headers) = case.call("headers") else { return Vec::new() };
    let object = headers.marked("headers_object").and_then(Json::list).unwrap_or_default();
    let object = object.iter().filter_map(|field| Some((field.list()?.first()?.text()?, field.list()?.get(1)?)));
    let map = headers.map().unwrap_or_default().iter().map(|(name, values)| (name.as_str(), values));
    object.chain(map).filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, values)| values).collect()
}

/// Whether some text within satisfies this.
fn some_text(json: &Json, is: &dyn Fn(&str) -> bool) -> bool {
    match json {
        Json::Text(text) => is(text),
        Json::List(list) => list.iter().any(|value| some_text(value, is)),
        Json::Map(map) => map.iter().any(|(name, value)| is(name) || some_text(value, is)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// The text of the call's URL.
fn url(case: &Case) -> Option<&str> {
    let url = case.call("url")?;
    let marked = ["bytes", "decoded_url", "encoded_url"].into_iter().find_map(|mark| url.marked(mark)?.text());
    url.text().or(marked)
}

/// What the servers send, each piece.
fn server(case: &Case) -> impl Iterator<Item = &str> {
    let pieces = case.given.get("server").and_then(Json::list).unwrap_or_default();
    pieces.iter().filter_map(Json::text)
}

/// The values of a field of the answers, in lower case.
fn server_fields(case: &Case, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    for piece in server(case) {
        let head = piece.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        values.extend(lines.filter(|(field, _)| *field == name).map(|(_, value)| value.trim().to_owned()));
    }
    values
}

fn is_control(text: &str) -> bool {
    text.contains(|char: char| (char < ' ' && char != '\t') || char == '\x7f')
}
