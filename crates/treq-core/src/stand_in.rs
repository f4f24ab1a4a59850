//! Hosts with a label `xn--…` that stands for no name. The URL standard takes a host of ASCII as it is
//! ([domain to ASCII](https://url.spec.whatwg.org/#concept-domain-to-ascii)), as browsers do; `url` asks what each such
//! label stands for. So another host is parsed in its place. Not so where a label is a second spelling of a name of ASCII,
//! as `xn--example-` is of `example`: who compares hosts after decoding them would take the two for one
//! ([RUSTSEC-2024-0421](https://rustsec.org/advisories/RUSTSEC-2024-0421.html)).

use percent_encoding::percent_decode_str;
use url::{ParseError, Url};

/// A host of ASCII, and the one that was parsed in its place: as long, and with no coded label.
#[derive(Debug)]
pub(crate) struct StandIn {
    host: String,
    parsed: String,
}

impl StandIn {
    /// The host that a parsed URL has in truth.
    pub(crate) fn host<'a>(&'a self, parsed: &'a str) -> &'a str {
        if parsed == self.parsed { &self.host } else { parsed }
    }
}

/// Parses with `parse`, once more with a host of ASCII in the place of one that stands for no name.
pub(crate) fn parsed(
    text: &str,
    parse: impl Fn(&str) -> Result<Url, ParseError>,
) -> Result<(Url, Option<StandIn>), ParseError> {
    match parse(text) {
        Ok(url) => Ok((url, None)),
        Err(error @ ParseError::IdnaError) => match replaced(text) {
            Some((text, stand_in)) => Ok((parse(&text)?, Some(stand_in))),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// The same URL with another host, where its own is of ASCII and has coded labels.
fn replaced(text: &str) -> Option<(String, StandIn)> {
    let is_slash = |char: char| char == '/' || char == '\\';
    let slashes = text.find(is_slash)?;
    let start = slashes + text[slashes..].find(|char: char| !is_slash(char))?;
    let end = text[start..].find(['/', '\\', '?', '#']).map_or(text.len(), |at| start + at);
    let start = text[start..end].rfind('@').map_or(start, |at| start + at + 1);
    let end = text[start..end].find(':').map_or(end, |at| start + at);
    let host = percent_decode_str(&text[start..end]).decode_utf8().ok()?;
    let host: String = host.chars().filter(|char| !matches!(char, '\t' | '\r' | '\n')).collect();
    let host = host.to_ascii_lowercase();
    // Punycode without a digit behind its last hyphen stands for what is before it: RFC 3492, section 3.1.
    let is_second = |label: &str| label.strip_prefix("xn--").is_some_and(|rest| rest.is_empty() || rest.ends_with('-'));
    if !host.is_ascii() || host.split('.').any(is_second) {
        return None;
    }
    let labels = host.split('.').map(|label| match label.strip_prefix("xn--") {
        Some(rest) => format!("xnxn{rest}"),
        None => label.to_owned(),
    });
    let parsed = labels.collect::<Vec<_>>().join(".");
    (parsed != host).then(|| (format!("{}{parsed}{}", &text[..start], &text[end..]), StandIn { host, parsed }))
}
