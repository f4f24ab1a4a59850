//! The words of a failure.

use super::expected::{Compared, Entry};
use crate::{StubRequest, show};

/// A request that is none of those that may come now.
pub(super) fn refused(next: &[&Entry], total: usize, request: &StubRequest) -> String {
    // The one that it is most like is most likely meant.
    let Some(likest) = next.iter().min_by_key(|entry| entry.request.differing(request).len()) else {
        let fields = received(request).map(|(name, value)| field(' ', name, &[("received", &value)]));
        let answered = match total {
            0 => "None was expected at all.".to_owned(),
            1 => "The one that was expected has been made.".to_owned(),
            _ => format!("The {total} that were expected have been made."),
        };
        let text = format!("No more requests expected, but request was made. {answered}\n\n{}", fields.concat());
        return text.trim_end().to_owned();
    };
    let differing = likest.request.differing(request).join(", ");
    let of =
        if next.len() > 1 { format!(" (of {} in any order, the one most like it)", next.len()) } else { String::new() };
    let mut text = format!(
        "Expected the next request to be another one{of}: it differs in {differing}.\n\
         Expectation {} of {total} stands at {}.\n\n",
        likest.number, likest.at,
    );
    for (compared, (_, seen)) in likest.request.compare(request).iter().zip(received(request)) {
        text.push_str(&outcome(compared, &seen));
    }
    for other in next.iter().filter(|other| other.number != likest.number) {
        let differing = other.request.differing(request).join(", ");
        text.push_str(&format!("\nNor is it expectation {} at {}: it differs in {differing}.", other.number, other.at));
    }
    text.trim_end().to_owned()
}

/// A request that a matcher could not look at.
pub(super) fn panicked(words: &str, request: &StubRequest) -> String {
    let fields = received(request).map(|(name, value)| field(' ', name, &[("received", &value)]));
    format!("A matcher of the expected requests panicked: {words}\n\n{}", fields.concat()).trim_end().to_owned()
}

/// Requests that were not made.
pub(super) fn left(entries: &[Entry]) -> String {
    let line = |entry: &Entry| {
        let (request, reply) = (entry.request.line(), entry.reply.summary());
        format!("\n- {request}, to be answered by {reply}; expected at {}", entry.at)
    };
    let lines: String = entries.iter().map(line).collect();
    format!("Not all expected requests were made.  Still expecting:{lines}")
}

/// To the test's output: a panic is under way, and another would end the process.
#[allow(clippy::print_stderr)]
pub(super) fn print(failures: &[String]) {
    for failure in failures {
        eprintln!("{failure}\n");
    }
}

fn outcome(compared: &Compared, seen: &str) -> String {
    if compared.matches {
        // Of the rest it is enough that it is right; these say which request it is.
        let seen = if matches!(compared.name, "method" | "url") { seen } else { "" };
        return field(' ', compared.name, &[("as expected", seen)]);
    }
    let (expected, received) = match &compared.apart {
        Some((expected, received)) => (&**expected, &**received),
        None => (&*compared.expected, seen),
    };
    field('!', compared.name, &[("expected", expected), ("received", received)])
}

/// The fields of a request, as they are named in messages.
fn received(request: &StubRequest) -> [(&'static str, String); 5] {
    [
        ("method", request.method.to_string()),
        ("url", request.url.clone()),
        ("params", show::params(&request.params)),
        ("headers", show::headers(&request.headers)),
        ("data", show::body(request)),
    ]
}

/// A field in columns: mark, name, and what is said of it.
fn field(mark: char, name: &str, said: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (at, (by, value)) in said.iter().enumerate() {
        let (mark, name) = if at == 0 { (mark, name) } else { (' ', "") };
        for (at, line) in value.split('\n').enumerate() {
            let (mark, name, by) = if at == 0 { (mark, name, *by) } else { (' ', "", "") };
            let line = format!("{mark} {name:<8} {by:<11} {line}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}
