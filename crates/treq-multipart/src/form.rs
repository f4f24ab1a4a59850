use std::fmt;
use std::sync::Arc;

use http::header::HeaderValue;
use treq_core::{Body, Error, Kind};

use crate::boundary::Boundary;
use crate::escape::shown;
use crate::plan::{Plan, media_type};
use crate::progress::{OnProgress, Progress};
use crate::{FormBody, Part};

/// A multipart body to be: parts in the order in which they were given, and the boundary between them.
///
/// [`Form::new`] makes `multipart/form-data`, whose parts have names; [`Form::mixed`] and [`Form::related`] make the
/// kinds whose [parts have none](Form::unnamed). Whatever is wrong with it is remembered and is the error of
/// [`encode`](Form::encode) or [`into_body`](Form::into_body), in the order: boundary, form, parts.
///
/// ```
/// use treq_multipart::{Form, Part};
///
/// let form = Form::new().text("a", "b").part("f", Part::bytes("x").file_name("x.json")).boundary("B");
/// assert_eq!(form.content_type(), "multipart/form-data; boundary=B");
/// let body = form.into_body()?;
/// assert!(http_body::Body::size_hint(&body).exact().is_some());
/// # Ok::<_, treq_core::Error>(())
/// ```
pub struct Form {
    pub(crate) subtype: Subtype,
    pub(crate) boundary: Result<Boundary, Error>,
    pub(crate) parts: Vec<(Option<String>, Part)>,
    pub(crate) encoder: Option<Encoder>,
    pub(crate) progress: Option<OnProgress>,
    pub(crate) buffer: usize,
    /// How many forms stand in each other in the parts.
    pub(crate) depth: usize,
    start: Option<String>,
    wrong: Option<Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subtype {
    FormData,
    Mixed,
    Related,
}

pub(crate) type Encoder = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

pub(crate) const BUFFER: usize = 64 * 1024;
const LARGEST_BUFFER: usize = 16 * 1024 * 1024;

impl Default for Form {
    fn default() -> Form {
        Form::new()
    }
}

impl Form {
    /// `multipart/form-data` ([RFC 7578](https://www.rfc-editor.org/rfc/rfc7578)). Without parts it is the closing
    /// boundary alone, as browsers send it.
    #[must_use]
    pub fn new() -> Form {
        Form::of(Subtype::FormData)
    }

    /// `multipart/mixed` ([RFC 2046, section 5.1.3](https://www.rfc-editor.org/rfc/rfc2046#section-5.1.3)): parts
    /// without names, one at least. A file name gives `Content-Disposition: attachment`.
    #[must_use]
    pub fn mixed() -> Form {
        Form::of(Subtype::Mixed)
    }

    /// `multipart/related` ([RFC 2387](https://www.rfc-editor.org/rfc/rfc2387)): parts without names that belong
    /// together, one at least. The root is the first unless [`start`](Form::start) says otherwise, and the parameter
    /// `type` is its content type, `text/plain` where it has none.
    ///
    /// ```
    /// use treq_multipart::{Form, Part};
    ///
    /// let page = Part::bytes("<img src=cid:dot>").content_type("text/html");
    /// let dot = Part::bytes("GIF89a").content_type("image/gif").header("content-id", "<dot>");
    /// let form = Form::related().boundary("B").unnamed(page).unnamed(dot);
    /// assert_eq!(form.content_type(), "multipart/related; boundary=B; type=\"text/html\"");
    /// ```
    #[must_use]
    pub fn related() -> Form {
        Form::of(Subtype::Related)
    }

    fn of(subtype: Subtype) -> Form {
        let boundary = Boundary::random();
        let parts = Vec::new();
        let (encoder, progress, start, wrong) = (None, None, None, None);
        Form { subtype, boundary, parts, encoder, progress, buffer: BUFFER, depth: 0, start, wrong }
    }

    /// A field of a form with a text.
    #[must_use]
    pub fn text(self, name: impl Into<String>, value: impl Into<String>) -> Form {
        self.part(name, Part::text(value))
    }

    /// A field of a form. Names may occur more than once.
    #[must_use]
    pub fn part(self, name: impl Into<String>, part: Part) -> Form {
        self.with(Some(name.into()), part)
    }

    /// A part without a name, for the kinds other than `form-data`, where each has one.
    #[must_use]
    pub fn unnamed(self, part: Part) -> Form {
        self.with(None, part)
    }

    fn with(mut self, name: Option<String>, part: Part) -> Form {
        self.depth = self.depth.max(part.depth());
        self.parts.push((name, part));
        self
    }

    /// The boundary, in place of a random one: 1 to 70 letters, digits, spaces and `'()+_,-./:=?`, the last no space
    /// ([RFC 2046, section 5.1.1](https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1)).
    ///
    /// A boundary that was chosen may occur in what is sent, so all of it is looked through for a line that begins with
    /// it: text and bytes when the form is encoded, the rest as it goes by. Either is an error that names the part,
    /// before the piece that completes such a line is handed on.
    #[must_use]
    pub fn boundary(mut self, boundary: impl Into<String>) -> Form {
        self.boundary = Boundary::chosen(boundary.into());
        self
    }

    /// The root of a `multipart/related`, by its `Content-ID` with the angle brackets.
    #[must_use]
    pub fn start(mut self, content_id: impl Into<String>) -> Form {
        self.start = Some(content_id.into());
        self
    }

    /// The most bytes that are read at once from a file or reader, 64 KiB by default: 1 to 16 MiB. Each file or reader
    /// has one such buffer while it is its turn.
    #[must_use]
    pub fn buffer_size(mut self, bytes: usize) -> Form {
        if (1..=LARGEST_BUFFER).contains(&bytes) {
            self.buffer = bytes;
        } else {
            self.refuse(format!("{bytes} bytes is no size of a buffer: it is 1 to {LARGEST_BUFFER}"));
        }
        self
    }

    /// Encodes names, file names and text for a reader that does not take UTF-8; what the encoding lacks is usually
    /// written as `&#128169;`. Escaping follows after it, so it must keep ASCII as it is.
    #[must_use]
    pub fn encode_with(mut self, encoder: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Form {
        self.encoder = Some(Arc::new(encoder));
        self
    }

    /// Calls `told` each time bytes are handed on to whoever sends them, which is not yet the peer. Each sending starts
    /// anew, and the last call of one that is complete has `sent` equal to the length of the body.
    #[must_use]
    pub fn on_progress(mut self, told: impl Fn(Progress) + Send + Sync + 'static) -> Form {
        self.progress = Some(Arc::new(told));
        self
    }

    /// The value for `Content-Type`, with the boundary.
    #[must_use]
    pub fn content_type(&self) -> HeaderValue {
        let mut text = self.essence().to_owned();
        if let Ok(boundary) = &self.boundary {
            text.push_str("; boundary=");
            text.push_str(&boundary.parameter());
        }
        if self.subtype == Subtype::Related {
            let root = self.root().and_then(media_type);
            let essence = root.as_ref().and_then(|value| value.to_str().ok()?.split(';').next());
            text.push_str(&format!("; type=\"{}\"", essence.unwrap_or("text/plain").trim_end()));
            if let Some(start) = &self.start {
                text.push_str(&format!("; start=\"{start}\""));
            }
        }
        // Only a `start` can be unfit for a header, and a form with such a one is refused.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(self.essence()))
    }

    fn essence(&self) -> &'static str {
        match self.subtype {
            Subtype::FormData => "multipart/form-data",
            Subtype::Mixed => "multipart/mixed",
            Subtype::Related => "multipart/related",
        }
    }

    /// The body itself, for any client. What is wrong with the form, a missing file among it, is an error of
    /// [`Kind::Builder`]; what goes wrong later is one of [`Kind::Body`].
    pub fn encode(self) -> Result<FormBody, Error> {
        Plan::of(self).map(|(plan, once)| FormBody::new(Arc::new(plan), once))
    }

    /// The body as treq's, which can be sent again where each part can. Fails as [`encode`](Form::encode) does.
    ///
    /// `Body::from(form)` leaves those errors to the sending.
    pub fn into_body(self) -> Result<Body, Error> {
        Ok(self.encode()?.into_body())
    }

    /// What can be told without looking at the parts.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        if self.subtype != Subtype::FormData && self.parts.is_empty() {
            self.refuse(format!("a {} needs at least one part", self.essence()));
        }
        if let Some(start) = self.start.clone() {
            let fit = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
            if self.subtype != Subtype::Related {
                self.refuse(format!("a {} has no start, only a multipart/related", self.essence()));
            } else if !start.bytes().all(fit) || self.root().is_none() {
                self.refuse(format!(
                    "no part has the Content-ID {}, which is to be the start",
                    shown(start.as_bytes())
                ));
            }
        }
        self.wrong.take().map_or(Ok(()), Err)
    }

    fn root(&self) -> Option<&Part> {
        let mut parts = self.parts.iter().map(|(_, part)| part);
        match &self.start {
            None => parts.next(),
            Some(start) => parts.find(|part| part.headers.get("content-id").is_some_and(|id| id == start)),
        }
    }

    fn refuse(&mut self, message: String) {
        self.wrong.get_or_insert_with(|| Error::new(Kind::Builder, message));
    }
}

impl fmt::Debug for Form {
    /// Names kind and number of parts only: contents and names may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Form({}, {} parts)", self.essence(), self.parts.len())
    }
}
