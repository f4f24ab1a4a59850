use std::fmt;
use std::io::{self, Seek};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http_body::Body as HttpBody;
use sync_wrapper::SyncWrapper;
use tokio::io::{AsyncRead, AsyncSeekExt};
use treq_core::{Body, BoxError};

use crate::Form;
use crate::boundary::is_token;
use crate::error::Failure;
use crate::escape::shown;
use crate::source::Reader;

/// One part of a [`Form`]: its content, and what its headers say.
///
/// What is wrong with it is remembered and becomes the error of the form. Text, bytes, files by path, factories and
/// forms of such parts can be sent again; open files, readers and streams once.
///
/// Without a content type of its own a part with a file name has the one that its extension suggests, or
/// `application/octet-stream`; text and bytes without a file name have none, and anything else has the latter.
///
/// ```
/// use treq_multipart::{Form, Part};
///
/// let picture = Part::bytes("GIF89a").file_name("dot.gif").header("x-origin", "drawn by hand");
/// let form = Form::new().text("title", "A dot").part("picture", picture);
/// assert!(form.into_body().is_ok());
/// ```
pub struct Part {
    pub(crate) content: Content,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) headers: HeaderMap,
    pub(crate) length: Option<u64>,
    pub(crate) wrong: Option<Failure>,
}

const DEEPEST: usize = 16;

pub(crate) type Make = Arc<dyn Fn() -> Part + Send + Sync>;

pub(crate) enum Content {
    Text(String),
    Bytes(Bytes),
    Path(PathBuf),
    Factory(Make),
    Form(Box<Form>),
    /// From its current position; the length up to its end, where it has one.
    Open(std::fs::File, Option<u64>),
    Reader(Reader),
    Stream(Body),
}

impl Part {
    /// A text in UTF-8. As a field of [`Form::new`] without a file name its line ends are sent as CRLF, as browsers do;
    /// use [`Part::bytes`] where each byte counts.
    pub fn text(value: impl Into<String>) -> Part {
        Part::of(Content::Text(value.into()))
    }

    /// Bytes, sent as they are.
    pub fn bytes(value: impl Into<Bytes>) -> Part {
        Part::of(Content::Bytes(value.into()))
    }

    /// A file, named by the last component of its path.
    ///
    /// Nothing is touched here. [`Form::encode`] and [`Form::into_body`] ask for its length (one blocking `stat`) and
    /// fail where it is missing or a directory. It is opened when its turn comes in each sending, on the threads that
    /// tokio keeps for blocking, and must have the same length then: the causes of an error are otherwise
    /// [`WrongLength`](crate::WrongLength). What is neither file nor directory, such as a named pipe, has an unknown
    /// length and is sent once.
    ///
    /// Files whose length the system states as 0 although they have content, as under `/proc`, are an error too: send
    /// them as a [`reader`](Part::reader).
    pub fn file(path: impl Into<PathBuf>) -> Part {
        let path = path.into();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Part { file_name: name, ..Part::of(Content::Path(path)) }
    }

    /// A file that is open already, from its current position to its end. It has no file name until it is given one.
    ///
    /// Position and length are asked for here (blocking, but short). What is no regular file, such as a pipe, has an
    /// unknown length, and a read of it that has begun cannot be given up: it keeps a thread, and the end of the
    /// runtime, until there is something to read. Where that may take long, use a [`reader`](Part::reader).
    pub fn std_file(mut file: std::fs::File) -> Part {
        match rest_of(&mut file) {
            Ok(length) => Part::of(Content::Open(file, length)),
            Err(error) => {
                let mut part = Part::bytes(Bytes::new());
                part.refuse(Failure::caused("the open file cannot be asked for its length", error));
                part
            }
        }
    }

    /// A file that tokio has open already, from where the caller's reads have come to. Otherwise as
    /// [`Part::std_file`].
    pub async fn tokio_file(mut file: tokio::fs::File) -> Part {
        // What tokio has read ahead of the caller is given back by asking for the position. It fails on a pipe, which
        // has none and is not read ahead.
        let _ = file.stream_position().await;
        Part::std_file(file.into_std().await)
    }

    /// What a reader yields up to its end, once. A reader that stays open must be limited, for instance with `take`,
    /// even where its length is declared: whether there is more is seen at the end only.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Part {
        Part::of(Content::Reader(SyncWrapper::new(Box::pin(reader))))
    }

    /// The data of a body, once, of a known length where its `size_hint` is exact. Its trailers are left out: a part
    /// has none.
    pub fn stream<B>(body: B) -> Part
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Part::of(Content::Stream(Body::new(body)))
    }

    /// Content that is made anew for each sending, when its turn comes, by a closure that must give the same bytes each
    /// time. Only the content of the part that it returns counts, text as it is; it may not be a form or another
    /// factory. The length is unknown unless it is [declared](Part::with_length).
    ///
    /// ```
    /// use treq_multipart::{Form, Part};
    ///
    /// let log = Part::factory(|| Part::reader(&b"a reader of each sending's own"[..])).file_name("log.txt");
    /// # let _ = Form::new().part("log", log);
    /// ```
    pub fn factory(make: impl Fn() -> Part + Send + Sync + 'static) -> Part {
        Part::of(Content::Factory(Arc::new(make)))
    }

    /// A multipart inside of this one. Its content type is that of the form.
    ///
    /// At most 16 may stand in each other.
    pub fn multipart(form: Form) -> Part {
        if form.depth < DEEPEST {
            return Part::of(Content::Form(Box::new(form)));
        }
        // Encoding goes down into them and needs the stack for each.
        let mut part = Part::bytes(Bytes::new());
        part.refuse(Failure::new(format!("more than {DEEPEST} multiparts stand in each other")));
        part
    }

    /// How many forms stand in each other here.
    pub(crate) fn depth(&self) -> usize {
        match &self.content {
            Content::Form(form) => form.depth + 1,
            _ => 0,
        }
    }

    fn of(content: Content) -> Part {
        let headers = HeaderMap::new();
        Part { content, file_name: None, content_type: None, headers, length: None, wrong: None }
    }

    /// The file name, of which no path is cut off. An empty one is sent as `filename=""`.
    #[must_use]
    pub fn file_name(mut self, name: impl Into<String>) -> Part {
        self.file_name = Some(name.into());
        self
    }

    /// The content type, such as `text/plain; charset=utf-8`. One that is not of this form is an error of the form.
    #[must_use]
    pub fn content_type(mut self, value: impl AsRef<[u8]>) -> Part {
        let bytes = value.as_ref();
        match HeaderValue::from_bytes(bytes).ok().filter(|_| is_media_type(bytes)) {
            Some(value) => self.content_type = Some(value),
            None => {
                let wanted = "type/subtype is expected, and no line breaks or control characters";
                self.refuse(Failure::new(format!("{} is no content type: {wanted}", shown(bytes))));
            }
        }
        self
    }

    /// A further header of the part, after those of the same name. `Content-Type` is set as by
    /// [`content_type`](Part::content_type), and `Content-Disposition` can only be given outside of `form-data`. Those
    /// who read forms may ignore any other ([RFC 7578, section
    /// 4.8](https://www.rfc-editor.org/rfc/rfc7578#section-4.8)); none is added to say the length.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Part {
        let (name, value) = (name.as_ref(), value.as_ref());
        match (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            (Ok(name), Ok(_)) if name == CONTENT_TYPE => return self.content_type(value),
            (Ok(name), Ok(value)) => drop(self.headers.append(name, value)),
            (Err(_), _) => {
                let message = format!("{} is no name of a header: letters, digits and hyphens are", shown(name));
                self.refuse(Failure::new(message));
            }
            (Ok(name), Err(_)) => {
                let why = "line breaks and control characters are not allowed";
                self.refuse(Failure::new(format!("{} is no value of the header {name}: {why}", shown(value))));
            }
        }
        self
    }

    /// Further headers, each as by [`header`](Part::header).
    #[must_use]
    pub fn headers(self, headers: &HeaderMap) -> Part {
        headers.iter().fold(self, |part, (name, value)| part.header(name, value))
    }

    /// Declares the length of the content in bytes, for what does not know it. Content that turns out longer or shorter
    /// is an error that names both numbers.
    #[must_use]
    pub fn with_length(mut self, bytes: u64) -> Part {
        self.length = Some(bytes);
        self
    }

    /// Remembers what is wrong; the first counts.
    fn refuse(&mut self, failure: Failure) {
        self.wrong.get_or_insert(failure);
    }
}

/// How much a file has from its position on, where both can be said.
fn rest_of(file: &mut std::fs::File) -> io::Result<Option<u64>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    Ok(Some(metadata.len().saturating_sub(file.stream_position()?)))
}

/// Whether this is `type/subtype`, with parameters or without.
fn is_media_type(value: &[u8]) -> bool {
    let essence = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
    let mut halves = essence.split(|&byte| byte == b'/');
    let token = |half: Option<&[u8]>| half.is_some_and(|it| !it.is_empty() && it.iter().all(|&byte| is_token(byte)));
    token(halves.next()) && token(halves.next()) && halves.next().is_none()
}

impl fmt::Debug for Part {
    /// Names the kind only: contents and names may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.content {
            Content::Text(_) => "text",
            Content::Bytes(_) => "bytes",
            Content::Path(_) => "file",
            Content::Factory(_) => "factory",
            Content::Form(_) => "multipart",
            Content::Open(..) => "open file",
            Content::Reader(_) => "reader",
            Content::Stream(_) => "stream",
        };
        write!(f, "Part({kind})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_media_type() {
        for good in ["text/plain", "text/plain; x=\"y\"", "application/vnd.a+json ;charset=utf-8", "a/b;é"] {
            assert!(is_media_type(good.as_bytes()), "{good}");
        }
        for bad in
            ["", "text", "text/", "/plain", "text/plain/x", "te xt/plain", "text/pl\rain", "*/*/*", "é/b", " a/b"]
        {
            assert!(!is_media_type(bad.as_bytes()), "{bad}");
        }
    }
}
