use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, HeaderValue};
use http_body::Body as _;
use treq_core::{Body, Error, Kind};

use crate::boundary::{Boundary, Scan};
use crate::error::Failure;
use crate::escape::{normalised, push_parameter, push_title_case, shown};
use crate::form::{BUFFER, Encoder, Subtype};
use crate::part::{Content, Make};
use crate::progress::OnProgress;
use crate::source::Source;
use crate::{Form, FormBody, Part};

/// A form, checked and with every head written: what all sendings of it share.
pub(crate) struct Plan {
    pub(crate) parts: Vec<Planned>,
    /// The closing delimiter.
    pub(crate) end: Bytes,
    /// The length of it all, where each part knows its own.
    pub(crate) total: Option<u64>,
    pub(crate) content_type: HeaderValue,
    pub(crate) buffer: usize,
    pub(crate) scan: Option<Scan>,
    pub(crate) progress: Option<OnProgress>,
}

pub(crate) struct Planned {
    /// The delimiter and the headers, up to the content.
    pub(crate) head: Bytes,
    /// Which part this is, for errors.
    pub(crate) label: Box<str>,
    pub(crate) length: Option<u64>,
    /// `None` is the next one of those that can be sent once.
    pub(crate) content: Option<Again>,
}

/// Content that can be sent again, by any number of sendings at a time.
pub(crate) enum Again {
    Bytes(Bytes),
    /// With the length that it had when the form was encoded.
    File(PathBuf, u64),
    Factory(Make),
    Form(Arc<Plan>),
}

impl Plan {
    /// The plan, and the contents that can be sent once, in their order.
    pub(crate) fn of(mut form: Form) -> Result<(Plan, VecDeque<Source>), Error> {
        // Before anything is moved out of the form: it looks for the root.
        let content_type = form.content_type();
        let checked = form.check();
        let Form { subtype, boundary, parts, encoder, progress, buffer, .. } = form;
        let boundary = boundary?;
        checked?;
        let scan = boundary.scan();
        let mut once = VecDeque::new();
        let mut planned = Vec::with_capacity(parts.len());
        for (at, (name, part)) in parts.into_iter().enumerate() {
            let label = match &name {
                Some(name) => format!("part {}, {}", at + 1, shown(name.as_bytes())),
                None => format!("part {}", at + 1),
            };
            let head =
                Head { first: at == 0, subtype, boundary: &boundary, name: name.as_deref(), encoder: encoder.as_ref() };
            let made = plan_part(head, part, scan.clone());
            let (head, length, content) = made.map_err(|failure| failure.of_part(&label, Kind::Builder))?;
            let content = match content {
                Planning::Again(again) => Some(again),
                Planning::Once(source) => {
                    once.push_back(source);
                    None
                }
            };
            planned.push(Planned { head, label: label.into(), length, content });
        }
        let lead = if planned.is_empty() { "" } else { "\r\n" };
        let end = Bytes::from(format!("{lead}--{}--\r\n", boundary.as_str()));
        let lengths = planned.iter().map(|part| part.length?.checked_add(part.head.len() as u64));
        let total = lengths.chain([Some(end.len() as u64)]).try_fold(0_u64, |sum, length| sum.checked_add(length?));
        Ok((Plan { parts: planned, end, total, content_type, buffer, scan, progress }, once))
    }

    /// The content of one part with nothing around it.
    pub(crate) fn alone(mut part: Part) -> Result<(Plan, VecDeque<Source>), Error> {
        let content_type = media_type(&part).unwrap_or(OCTETS);
        let label = "the body";
        let made = match part.wrong.take() {
            Some(wrong) => Err(wrong),
            None => plan_content(part, |text| text.into(), None),
        };
        let (length, content) = made.map_err(|failure| failure.of_part(label, Kind::Builder))?;
        let (content, once) = match content {
            Planning::Again(again) => (Some(again), VecDeque::new()),
            Planning::Once(source) => (None, VecDeque::from([source])),
        };
        let parts = vec![Planned { head: Bytes::new(), label: label.into(), length, content }];
        let end = Bytes::new();
        Ok((Plan { parts, end, total: length, content_type, buffer: BUFFER, scan: None, progress: None }, once))
    }

    pub(crate) fn is_replayable(&self) -> bool {
        self.parts.iter().all(|part| part.content.is_some())
    }

    /// Whether what is known of it has the boundary of the form around it.
    fn has(&self, scan: &mut Scan) -> bool {
        let in_content = |content: &Option<Again>, scan: &mut Scan| match content {
            Some(Again::Bytes(bytes)) => scan.finds(bytes),
            Some(Again::Form(plan)) => plan.has(scan),
            _ => false,
        };
        self.parts.iter().any(|part| scan.finds(&part.head) || in_content(&part.content, scan)) || scan.finds(&self.end)
    }
}

enum Planning {
    Again(Again),
    Once(Source),
}

fn plan_part(head: Head<'_>, mut part: Part, scan: Option<Scan>) -> Result<(Bytes, Option<u64>, Planning), Failure> {
    if let Some(wrong) = part.wrong.take() {
        return Err(wrong);
    }
    let bytes = head.write(&part)?;
    let is_field = head.subtype == Subtype::FormData && part.file_name.is_none();
    let (length, content) = plan_content(part, |text| head.text(text, is_field), scan)?;
    Ok((bytes, length, content))
}

fn plan_content(
    part: Part,
    encode: impl FnOnce(String) -> Bytes,
    scan: Option<Scan>,
) -> Result<(Option<u64>, Planning), Failure> {
    let (own, content) = match part.content {
        Content::Text(text) => in_memory(encode(text), scan)?,
        Content::Bytes(bytes) => in_memory(bytes, scan)?,
        Content::Path(path) => on_disk(path)?,
        Content::Factory(make) => (None, Planning::Again(Again::Factory(make))),
        Content::Form(form) => nested(*form, scan)?,
        Content::Open(file, length) => (length, Planning::Once(Source::open(file, length.is_some()))),
        Content::Reader(reader) => (None, Planning::Once(Source::reader(reader))),
        Content::Stream(body) => (body.size_hint().exact(), Planning::Once(Source::Body(body))),
    };
    match (part.length, own) {
        (Some(declared), Some(found)) if declared != found => Err(Failure::length(declared, found)),
        (declared, own) => Ok((declared.or(own), content)),
    }
}

fn in_memory(bytes: Bytes, scan: Option<Scan>) -> Result<(Option<u64>, Planning), Failure> {
    if scan.is_some_and(|mut scan| scan.finds(&bytes)) {
        return Err(boundary_found());
    }
    Ok((Some(bytes.len() as u64), Planning::Again(Again::Bytes(bytes))))
}

/// A regular file has a length and can be read again, a pipe or a device neither.
fn on_disk(path: PathBuf) -> Result<(Option<u64>, Planning), Failure> {
    let metadata = std::fs::metadata(&path).map_err(|error| unreadable(&path, error))?;
    if metadata.is_dir() {
        return Err(Failure::new(format!("{path:?} is a directory, not a file")));
    }
    if !metadata.is_file() {
        return Ok((None, Planning::Once(Source::path(path, None))));
    }
    Ok((Some(metadata.len()), Planning::Again(Again::File(path, metadata.len()))))
}

fn nested(form: Form, scan: Option<Scan>) -> Result<(Option<u64>, Planning), Failure> {
    let (plan, once) = Plan::of(form).map_err(|error| Failure::caused("the multipart in it is wrong", error))?;
    // The inner boundary may begin with the outer one, or be the same.
    if scan.is_some_and(|mut scan| plan.has(&mut scan)) {
        return Err(boundary_found());
    }
    let plan = Arc::new(plan);
    let length = plan.total;
    Ok(if plan.is_replayable() {
        (length, Planning::Again(Again::Form(plan)))
    } else {
        (length, Planning::Once(Source::Body(Body::new(FormBody::new(plan, once)))))
    })
}

pub(crate) fn boundary_found() -> Failure {
    Failure::new("a line of its content begins with the boundary that was set: set another, or leave it to chance")
}

pub(crate) fn unreadable(path: &Path, error: io::Error) -> Failure {
    Failure::caused(format!("the file {path:?} cannot be read"), error)
}

/// What is needed beside the part to write what stands before its content.
struct Head<'a> {
    first: bool,
    subtype: Subtype,
    boundary: &'a Boundary,
    name: Option<&'a str>,
    encoder: Option<&'a Encoder>,
}

impl Head<'_> {
    fn write(&self, part: &Part) -> Result<Bytes, Failure> {
        let mut head = Vec::with_capacity(160);
        head.extend_from_slice(if self.first { b"--" } else { b"\r\n--" });
        head.extend_from_slice(self.boundary.as_str().as_bytes());
        head.extend_from_slice(b"\r\n");
        let headers = head.len();
        self.write_disposition(part, &mut head)?;
        let nested = matches!(part.content, Content::Form(_));
        if nested && part.content_type.is_some() {
            return Err(Failure::new("its content type is that of the multipart in it and cannot be set"));
        }
        if let Some(value) = media_type(part) {
            head.extend_from_slice(b"Content-Type: ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        for (name, value) in &part.headers {
            push_title_case(&mut head, name.as_str());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        // A header's name may begin with two hyphens.
        if self.boundary.scan().is_some_and(|mut scan| scan.finds(&head[headers..])) {
            return Err(Failure::new("the name of a header begins with the boundary that was set: set another"));
        }
        Ok(head.into())
    }

    fn write_disposition(&self, part: &Part, head: &mut Vec<u8>) -> Result<(), Failure> {
        let own = part.headers.contains_key(CONTENT_DISPOSITION);
        let name = match (self.subtype, self.name) {
            (Subtype::FormData, None) => return Err(Failure::new("it has no name: use `.part(name, ..)`")),
            (Subtype::FormData, Some(_)) if own => {
                return Err(Failure::new("its Content-Disposition carries its name and cannot be set"));
            }
            (Subtype::FormData, Some(name)) => Some(name),
            (_, Some(_)) => return Err(Failure::new("only parts of a form-data have names: use `.unnamed(..)`")),
            (_, None) if own && part.file_name.is_some() => {
                let message = "it has both a file name and a Content-Disposition of its own: leave one out";
                return Err(Failure::new(message));
            }
            (_, None) => None,
        };
        if name.is_none() && part.file_name.is_none() {
            return Ok(());
        }
        head.extend_from_slice(b"Content-Disposition: ");
        head.extend_from_slice(if name.is_some() { b"form-data" } else { b"attachment" });
        if let Some(name) = name {
            push_parameter(head, "name", &self.encoded(&normalised(name)));
        }
        if let Some(file_name) = &part.file_name {
            push_parameter(head, "filename", &self.encoded(file_name));
        }
        head.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn text(&self, text: String, is_field: bool) -> Bytes {
        let text = match if is_field { normalised(&text) } else { Cow::Borrowed(text.as_str()) } {
            Cow::Borrowed(_) => text,
            Cow::Owned(normalised) => normalised,
        };
        match self.encoder {
            Some(encoder) => encoder(&text).into(),
            None => text.into(),
        }
    }

    fn encoded(&self, text: &str) -> Vec<u8> {
        self.encoder.map_or_else(|| text.as_bytes().to_vec(), |encoder| encoder(text))
    }
}

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The content type of a part, set or guessed, where it has one.
pub(crate) fn media_type(part: &Part) -> Option<HeaderValue> {
    if let Content::Form(form) = &part.content {
        return Some(form.content_type());
    }
    if part.content_type.is_some() {
        return part.content_type.clone();
    }
    match (&part.file_name, &part.content) {
        (Some(name), _) => {
            let guess = mime_guess::from_path(name).first_raw();
            Some(guess.map_or(OCTETS, HeaderValue::from_static))
        }
        (None, Content::Text(_) | Content::Bytes(_)) => None,
        (None, _) => Some(OCTETS),
    }
}
