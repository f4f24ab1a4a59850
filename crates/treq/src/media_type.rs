//! What a `Content-Type` says.

use std::fmt;
use std::str::FromStr;

use data_url::mime::Mime;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use treq_core::{Error, Kind};

/// A media type with its parameters, read as browsers read it
/// ([MIME Sniffing standard, section 4.4](https://mimesniff.spec.whatwg.org/#parsing-a-mime-type)).
///
/// ```
/// let media_type: treq::headers::MediaType = "Text/HTML; Charset=\"utf-8\"".parse()?;
/// assert_eq!((media_type.essence().as_str(), media_type.param("charset")), ("text/html", Some("utf-8")));
/// assert_eq!(media_type.to_string(), "text/html;charset=utf-8");
/// # Ok::<(), treq::Error>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct MediaType(Mime);

impl MediaType {
    /// That of an answer: of several the last that is valid, with the charset of an earlier one of the same type
    /// ([Fetch standard, section 2.2.4](https://fetch.spec.whatwg.org/#concept-header-extract-mime-type)).
    pub fn from_headers(headers: &HeaderMap) -> Option<MediaType> {
        let mut found: Option<Mime> = None;
        // One list, since a quote that does not end in one field goes on in the next.
        let values = headers.get_all(CONTENT_TYPE).iter();
        let values: Vec<String> =
            values.map(|value| value.as_bytes().iter().map(|&byte| char::from(byte)).collect()).collect();
        for mut next in outside_of_quotes(&values.join(", "), ',').filter_map(|part| parse(part).ok()) {
            if next.type_ == "*" && next.subtype == "*" {
                continue;
            }
            if let Some(last) = found.filter(|last| last.matches(&next.type_, &next.subtype)) {
                let known = last.get_parameter("charset").filter(|_| next.get_parameter("charset").is_none());
                next.parameters.extend(known.map(|charset| ("charset".to_owned(), charset.to_owned())));
            }
            found = Some(next);
        }
        found.map(MediaType)
    }

    /// Type and subtype in lower case: `text/html`.
    pub fn essence(&self) -> String {
        format!("{}/{}", self.0.type_, self.0.subtype)
    }

    /// The parameter of this name, in whatever case; of several the first.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.0.get_parameter(&name.to_ascii_lowercase())
    }

    /// Whether it is JSON by its type or the suffix `+json` ([RFC 6839](https://www.rfc-editor.org/rfc/rfc6839)).
    pub fn is_json(&self) -> bool {
        self.0.subtype == "json" || self.0.subtype.ends_with("+json")
    }
}

impl FromStr for MediaType {
    type Err = Error;

    fn from_str(text: &str) -> Result<MediaType, Error> {
        let wrong = |_| Error::new(Kind::Builder, format!("{text:?} is no media type: it is written type/subtype"));
        parse(text).map(MediaType).map_err(wrong)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// More parameters are left out: looking each up among those before it takes the square of their number.
const MAX_PARAMS: usize = 100;

fn parse(text: &str) -> Result<Mime, data_url::mime::MimeParsingError> {
    let mut parts = outside_of_quotes(text, ';');
    // It is a part of the text, and so is what stands before it.
    let kept = parts.nth(1 + MAX_PARAMS).map_or(text.len(), |part| part.as_ptr() as usize - text.as_ptr() as usize);
    text[..kept].parse()
}

/// The parts between the separators that stand outside of quotes, trimmed. A quote that does not end goes to the end.
pub(crate) fn outside_of_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(move |character| {
        if quoted {
            quoted = escaped || character != '"';
            escaped = !escaped && character == '\\';
            return false;
        }
        quoted = character == '"';
        character == separator
    });
    parts.map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn many_parameters_take_no_longer_each() {
        let many: String = (0..10_000).map(|at| format!("; p{at}=\"{at};\"")).collect();
        let read: MediaType = format!("text/html{many}").parse().unwrap();
        assert_eq!((read.param("p0"), read.param("p99"), read.param("p100")), (Some("0;"), Some("99;"), None));
    }

    #[test]
    fn several_fields_are_read_as_one_list() {
        for (values, want) in [
            (&["text/html", "text/plain"][..], Some("text/plain")),
            (&["text/plain;charset=gbk", "text/html"], Some("text/html")),
            (&["text/plain;charset=gbk;x=foo", "text/plain"], Some("text/plain;charset=gbk")),
            (&["text/html;charset=gbk, text/plain", "text/html"], Some("text/html")),
            (&["text/plain", "*/*"], Some("text/plain")),
            (&["text/html;x=\"a,b\\\",c\"", "nonsense"], Some("text/html;x=\"a,b\\\",c\"")),
            (&["nonsense"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
            }
            let found = MediaType::from_headers(&headers).map(|media_type| media_type.to_string());
            assert_eq!(found.as_deref(), want, "{values:?}");
        }
    }
}
