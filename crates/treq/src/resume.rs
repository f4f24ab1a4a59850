//! What a download asks for that goes on, and what a response means for what is kept: without IO.

use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};

/// What an earlier download has left.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) bytes: u64,
    /// The URL that gave it.
    of: Box<str>,
    validator: HeaderValue,
    /// How long the whole was said to be.
    total: Option<u64>,
    /// What a tag came with: a response that names another is of another version.
    modified: Option<HeaderValue>,
}

/// What is done with a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is written from the beginning.
    Write,
    /// It is written after what is kept, and the whole is then so long.
    Append(Option<u64>),
    /// Nothing is missing.
    Finish,
    /// What is kept is of no use: the whole is asked for.
    AskAnew,
    /// The server codes what was asked for as it is, and a part of a coding is no part of the content: asked for as usual.
    AskCoded,
    /// Its status is an error.
    Fail,
    /// It is no error, and not the content either.
    Refuse,
}

/// Asks for what is missing, or for the whole; as it is, since a part of a coded content cannot be added to a part of another coding
/// of it.
pub(crate) fn ask(headers: &mut HeaderMap, kept: Option<&Kept>) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(kept) = kept {
        let range = format!("bytes={}-", kept.bytes);
        headers.insert(RANGE, HeaderValue::try_from(range).unwrap_or(HeaderValue::from_static("bytes=0-")));
        headers.insert(IF_RANGE, kept.validator.clone());
    }
}

/// [RFC 9110, section 15.3.7](https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7): a part may be added to one of the same
/// strong validator only.
pub(crate) fn decide(status: StatusCode, headers: &HeaderMap, url: &Uri, kept: Option<&Kept>) -> Action {
    let is_coded =
        headers.get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    match (status, kept, stated(headers)) {
        (StatusCode::OK, _, _) if is_coded => Action::AskCoded,
        (StatusCode::OK, _, _) => Action::Write,
        (StatusCode::PARTIAL_CONTENT, Some(kept), Some(Stated { range: Some((start, end)), total }))
            if start == kept.bytes
                && !is_coded
                && kept.may_be(total)
                && kept.is_of(url)
                && !kept.is_contradicted(headers)
                && length(headers).is_none_or(|length| length == end - start + 1) =>
        {
            Action::Append(total.or(kept.total))
        }
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(kept), Some(Stated { range: None, total: Some(total) }))
            if total == kept.bytes
                && kept.may_be(Some(total))
                && kept.is_of(url)
                && kept.is_confirmed(headers)
                && !kept.is_contradicted(headers) =>
        {
            Action::Finish
        }
        (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, Some(_), _) => Action::AskAnew,
        (status, _, _) if status.is_client_error() || status.is_server_error() => Action::Fail,
        _ => Action::Refuse,
    }
}

/// Whether a 206 is a part that `asked`, a `Range`, asks for. A server may give less of it, and choose among several
/// ([RFC 9110, section 15.3.7](https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7)).
pub(crate) fn is_part_of(asked: &HeaderValue, headers: &HeaderMap) -> bool {
    // Units are compared without case (RFC 9110, section 14.1).
    let (unit, ranges) = asked.to_str().ok().and_then(|asked| asked.split_once('=')).unwrap_or_default();
    let one = Some(ranges).filter(|ranges| unit.trim().eq_ignore_ascii_case("bytes") && !ranges.contains(','));
    // Of several, or of another unit, the caller has to know.
    let Some((first, last)) = one.and_then(|one| one.trim().split_once('-')) else { return true };
    let Some(Stated { range: Some((start, end)), total }) = stated(headers) else { return false };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => start == first && end <= last,
        (Ok(first), Err(_)) => start == first,
        // So many from the end.
        (Err(_), Ok(length)) => end - start < length && total.is_none_or(|total| end + 1 == total),
        (Err(_), Err(_)) => true,
    }
}

/// How many bytes a part says that it has.
pub(crate) fn length_of_part(headers: &HeaderMap) -> Option<u64> {
    stated(headers)?.range.map(|(first, last)| last - first + 1)
}

/// Where the part in a response ends: the first byte after it.
pub(crate) fn end(headers: &HeaderMap) -> Option<u64> {
    stated(headers)?.range.map(|(_, last)| last + 1)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

impl Kept {
    /// What `note` says of so many bytes; `None` where it is none for this URL.
    pub(crate) fn of(url: &str, note: &[u8], bytes: u64) -> Option<Kept> {
        let rest = note.strip_prefix(url.as_bytes())?.strip_prefix(b"\n")?;
        let mut lines = rest.split(|&byte| byte == b'\n');
        let of = std::str::from_utf8(lines.next()?).ok()?.into();
        let validator = HeaderValue::from_bytes(lines.next()?).ok().filter(|value| !value.is_empty())?;
        let total = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.parse().ok());
        let modified = lines.next().filter(|line| !line.is_empty()).and_then(|line| HeaderValue::from_bytes(line).ok());
        Some(Kept { bytes, of, validator, total, modified }).filter(|kept| kept.bytes > 0)
    }

    /// Returns true if the URL is of the same resource. With a tag, without the query: a redirect to a signed URL has another each
    /// time. Many resources have the same date.
    fn is_of(&self, url: &Uri) -> bool {
        let url = url.to_string();
        let path = |url: &str| url.split('?').next().map(str::to_owned);
        if self.is_tag() { path(&self.of) == path(&url) } else { *self.of == *url }
    }

    fn is_tag(&self) -> bool {
        self.validator.as_bytes().starts_with(b"\"")
    }

    fn own(&self) -> HeaderName {
        if self.is_tag() { ETAG } else { LAST_MODIFIED }
    }

    /// Whether the response says that it is of the same version.
    fn is_confirmed(&self, headers: &HeaderMap) -> bool {
        one(headers, self.own()) == Some(&self.validator)
    }

    /// Whether it says that it is of another, where it says anything.
    fn is_contradicted(&self, headers: &HeaderMap) -> bool {
        let differs = |name, own: &HeaderValue| headers.get_all(name).iter().any(|stated| stated != own);
        let modified = self.modified.as_ref();
        differs(self.own(), &self.validator) || modified.is_some_and(|modified| differs(LAST_MODIFIED, modified))
    }

    /// Whether a whole of this length can be the one that it is a part of.
    fn may_be(&self, total: Option<u64>) -> bool {
        self.total.is_none() || total.is_none() || self.total == total
    }
}

/// What is noted of a content that begins: by whose validator a later download may go on. `None` where it has none.
pub(crate) fn note(url: &str, last: &Uri, headers: &HeaderMap) -> Option<Vec<u8>> {
    let of = |name| headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    let (length, modified) = (of(CONTENT_LENGTH), of(LAST_MODIFIED));
    let lines = |validator: &HeaderValue| {
        let of = last.to_string();
        let lines = [url.as_bytes(), of.as_bytes(), validator.as_bytes(), length, modified, b""];
        lines.join(&b'\n')
    };
    validator(headers).map(lines)
}

/// What a `Content-Range` says.
#[derive(Debug, PartialEq, Eq)]
struct Stated {
    /// The first byte and the last.
    range: Option<(u64, u64)>,
    total: Option<u64>,
}

fn stated(headers: &HeaderMap) -> Option<Stated> {
    one(headers, CONTENT_RANGE).and_then(|value| value.to_str().ok()).and_then(content_range)
}

/// The value of a field that has one. Several that differ say nothing.
fn one(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// `bytes 5-9/10`, `bytes 5-9/*`, `bytes */10`
/// ([RFC 9110, section 14.4](https://www.rfc-editor.org/rfc/rfc9110#section-14.4)).
fn content_range(text: &str) -> Option<Stated> {
    let (unit, stated) = text.trim().split_once(' ')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (range, total) = stated.trim().split_once('/')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    if range == "*" {
        return Some(Stated { range: None, total });
    }
    let (start, end) = range.split_once('-')?;
    let (start, end): (u64, u64) = (start.parse().ok()?, end.parse().ok()?);
    // The last number has no successor.
    let counts = start <= end && end < u64::MAX && total.is_none_or(|total| end < total);
    counts.then_some(Stated { range: Some((start, end)), total })
}

/// What tells that a content is byte for byte the same
/// ([RFC 9110, section 8.8](https://www.rfc-editor.org/rfc/rfc9110#section-8.8)).
fn validator(headers: &HeaderMap) -> Option<&HeaderValue> {
    if headers.contains_key(ETAG) {
        let is_strong = |tag: &[u8]| tag.len() > 2 && tag.starts_with(b"\"") && tag.ends_with(b"\"");
        return one(headers, ETAG).filter(|tag| is_strong(tag.as_bytes()));
    }
    // Another request may be answered by another representation, which may have the same date.
    let vary = headers.get_all(VARY).iter().flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    let is_fixed = |name: &[u8]| {
        let name = name.trim_ascii();
        // That is the same each time, and that says who may read it.
        name.is_empty() || [&b"accept-encoding"[..], b"origin"].iter().any(|fixed| name.eq_ignore_ascii_case(fixed))
    };
    if !vary.into_iter().all(is_fixed) {
        return None;
    }
    let date = |name| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok();
    let age = date(DATE)?.duration_since(date(LAST_MODIFIED)?).ok()?;
    // Within a second it may change without a trace; section 8.8.2.2 has a minute for clocks that differ.
    headers.get(LAST_MODIFIED).filter(|_| age.as_secs() >= 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |&(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value));
        fields.iter().map(field).collect()
    }

    #[test]
    fn ranges_that_make_no_sense_are_none() {
        for (text, want) in [
            ("bytes 5-9/10", Some((Some((5, 9)), Some(10)))),
            ("bytes 5-9/*", Some((Some((5, 9)), None))),
            ("bytes */10", Some((None, Some(10)))),
            ("Bytes  5-9/10", Some((Some((5, 9)), Some(10)))),
            ("bytes 0-18446744073709551615/*", None),
            ("bytes 0-18446744073709551616/*", None),
            ("bytes 5-10/10", None),
            ("bytes 9-5/10", None),
            ("bytes=5-9/10", None),
            ("items 5-9/10", None),
            ("bytes 5-9", None),
            ("", None),
        ] {
            assert_eq!(content_range(text).map(|stated| (stated.range, stated.total)), want, "{text}");
        }
    }

    #[test]
    fn fields_that_differ_say_nothing() {
        let several = |name: HeaderName, values: [&'static str; 2]| {
            let mut headers = HeaderMap::new();
            values.into_iter().for_each(|value| _ = headers.append(&name, HeaderValue::from_static(value)));
            headers
        };
        let ranges = ["bytes 4-9/10", "bytes 3-9/10"];
        assert_eq!(stated(&several(CONTENT_RANGE, ranges)), None);
        assert!(stated(&several(CONTENT_RANGE, [ranges[0], ranges[0]])).is_some());
        let kept = Kept::of("u", b"u\nhttp://a.test/x\n\"a\"\n\n\n", 4).unwrap();
        let tags = several(ETAG, ["\"a\"", "\"b\""]);
        assert!(kept.is_contradicted(&tags) && !kept.is_confirmed(&tags));
        assert_eq!(validator(&tags), None);
        let tags = several(ETAG, ["\"a\"", "\"a\""]);
        assert!(!kept.is_contradicted(&tags) && kept.is_confirmed(&tags));
    }

    #[test]
    fn only_what_is_strong_validates() {
        let of = |own: &[(&'static str, &'static str)]| {
            validator(&fields(own)).map(|value| value.to_str().unwrap().to_owned())
        };
        let (old, late) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:36 GMT");
        assert_eq!(of(&[("etag", "\"a\"")]).as_deref(), Some("\"a\""));
        assert_eq!(of(&[("etag", "W/\"a\""), ("last-modified", old), ("date", "Mon, 07 Nov 1994 08:49:37 GMT")]), None);
        assert_eq!(of(&[("last-modified", old), ("date", "Mon, 07 Nov 1994 08:49:37 GMT")]).as_deref(), Some(old));
        assert_eq!(of(&[("last-modified", old), ("date", late)]), None);
        assert_eq!(of(&[("last-modified", old)]), None);
        for (vary, counts) in [("accept-encoding, Origin", true), ("accept", false), ("*", false)] {
            let shown = of(&[("last-modified", old), ("date", "Mon, 07 Nov 1994 08:49:37 GMT"), ("vary", vary)]);
            assert_eq!(shown.is_some(), counts, "{vary}");
            assert!(of(&[("etag", "\"a\""), ("vary", vary)]).is_some());
        }
    }

    #[test]
    fn a_response_is_written_only_where_it_is_the_content() {
        const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        const PART: (&str, &str) = ("content-range", "bytes 4-9/10");
        const NEW: &str = "Mon, 07 Nov 1994 08:49:37 GMT";
        let tagged = || Kept::of("u", b"u\nhttp://a.test/x\n\"a\"\n10\n", 4);
        let dated = || Kept::of("u", format!("u\nhttp://a.test/x\n{OLD}\n10\n").as_bytes(), 4);
        let both = || Kept::of("u", format!("u\nhttp://a.test/x\n\"a\"\n10\n{OLD}\n").as_bytes(), 4);
        let whole = || Kept::of("u", b"u\nhttp://a.test/x\n\"a\"\n\n", 10);
        type Case = (u16, &'static [(&'static str, &'static str)], Option<Kept>, Action);
        let cases: &[Case] = &[
            (200, &[], None, Action::Write),
            (200, &[], tagged(), Action::Write),
            (200, &[("content-encoding", "gzip")], None, Action::AskCoded),
            (200, &[("content-encoding", "identity")], None, Action::Write),
            (206, &[PART], tagged(), Action::Append(Some(10))),
            (206, &[PART, ("etag", "\"a\"")], tagged(), Action::Append(Some(10))),
            (206, &[PART, ("etag", "\"b\"")], tagged(), Action::AskAnew),
            (206, &[PART, ("etag", "W/\"a\"")], tagged(), Action::AskAnew),
            (206, &[PART, ("content-encoding", "gzip")], tagged(), Action::AskAnew),
            (206, &[("content-range", "bytes 4-9/11")], tagged(), Action::AskAnew),
            (206, &[("content-range", "bytes 4-9/*")], tagged(), Action::Append(Some(10))),
            (206, &[("content-range", "bytes 3-9/10")], tagged(), Action::AskAnew),
            (206, &[], tagged(), Action::AskAnew),
            (206, &[PART, ("last-modified", OLD)], dated(), Action::Append(Some(10))),
            (206, &[PART, ("last-modified", NEW)], dated(), Action::AskAnew),
            (206, &[PART, ("last-modified", NEW)], both(), Action::AskAnew),
            (206, &[PART, ("last-modified", OLD)], both(), Action::Append(Some(10))),
            (206, &[PART, ("etag", "\"a\""), ("last-modified", NEW)], both(), Action::AskAnew),
            (206, &[PART, ("content-length", "6")], tagged(), Action::Append(Some(10))),
            (206, &[PART, ("content-length", "7")], tagged(), Action::AskAnew),
            (416, &[("content-range", "bytes */4"), ("etag", "\"a\"")], tagged(), Action::AskAnew),
            (206, &[PART], None, Action::Refuse),
            (416, &[("content-range", "bytes */10"), ("etag", "\"a\"")], whole(), Action::Finish),
            (416, &[("content-range", "bytes */10")], whole(), Action::AskAnew),
            (416, &[("content-range", "bytes */10"), ("etag", "\"b\"")], whole(), Action::AskAnew),
            (416, &[("content-range", "bytes */9"), ("etag", "\"a\"")], whole(), Action::AskAnew),
            (416, &[], None, Action::Fail),
            (404, &[], tagged(), Action::Fail),
            (503, &[], None, Action::Fail),
            (204, &[], None, Action::Refuse),
            (304, &[], tagged(), Action::Refuse),
            (202, &[], None, Action::Refuse),
            (302, &[], None, Action::Refuse),
        ];
        for (status, headers, kept, action) in cases {
            let status = StatusCode::from_u16(*status).unwrap();
            let is_tag = kept.as_ref().is_some_and(Kept::is_tag);
            let url = if is_tag { "http://a.test/x?signed=1" } else { "http://a.test/x" }.parse().unwrap();
            assert_eq!(&decide(status, &fields(headers), &url, kept.as_ref()), action, "{status} {headers:?} {kept:?}");
            // Of another resource, the same fields say nothing.
            if let Action::Append(_) | Action::Finish = action {
                for url in ["http://a.test/y", if is_tag { "http://b.test/x" } else { "http://a.test/x?other=1" }] {
                    let url = url.parse().unwrap();
                    assert_eq!(decide(status, &fields(headers), &url, kept.as_ref()), Action::AskAnew, "{headers:?}");
                }
            }
        }
    }

    #[test]
    fn a_note_is_for_its_url() {
        let last = "http://b.test/y?z".parse().unwrap();
        let note = note("http://a.test/?k=1", &last, &fields(&[("etag", "\"a\""), ("content-length", "10")])).unwrap();
        assert_eq!(note, b"http://a.test/?k=1\nhttp://b.test/y?z\n\"a\"\n10\n\n");
        let kept = Kept::of("http://a.test/?k=1", &note, 4).unwrap();
        assert_eq!((kept.validator.as_bytes(), kept.total, kept.bytes), (&b"\"a\""[..], Some(10), 4));
        assert!(Kept::of("http://a.test/?k=12", &note, 4).is_none());
        assert!(Kept::of("http://a.test/", &note, 4).is_none());
        assert!(Kept::of("u", b"u\n", 4).is_none() && Kept::of("u", b"", 4).is_none());
    }
}
