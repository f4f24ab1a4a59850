//! Of a multipart body, what is in its parts.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use multer::Multipart;

use super::{Matcher, field};
use crate::{StubRequest, show};

/// Matches a body of the type `multipart/form-data`
/// ([RFC 7578](https://www.rfc-editor.org/rfc/rfc7578)) that has these parts among its own, in any order and each as
/// often as it is given here.
///
/// ```
/// use treq_testing::{ANY, HasParts, RequestSequence};
///
/// let parts = HasParts::new().text("tea", "green").file("notes", "notes.txt", "two sugars").of_type("text/plain");
/// let sequence = RequestSequence::reporting(drop).expect(("post", "http://a.test/", ANY, ANY, parts), (201, (), ""));
/// # assert!(!sequence.consumed());
/// ```
#[derive(Clone, Debug, Default)]
pub struct HasParts(Vec<Wanted>);

#[derive(Clone, Debug)]
struct Wanted {
    name: String,
    file_name: Option<String>,
    content_type: Option<String>,
    content: Bytes,
}

/// A part as multer reads it.
#[derive(Debug)]
struct Seen {
    name: Option<String>,
    file_name: Option<String>,
    content_type: Option<String>,
    content: Bytes,
}

impl HasParts {
    /// Any parts.
    pub fn new() -> HasParts {
        HasParts::default()
    }

    /// And one that is no file.
    #[must_use]
    pub fn text(self, name: impl Into<String>, value: impl Into<Bytes>) -> HasParts {
        self.and(name, None, value)
    }

    /// And one that is a file of this name.
    #[must_use]
    pub fn file(self, name: impl Into<String>, file_name: impl Into<String>, content: impl Into<Bytes>) -> HasParts {
        self.and(name, Some(file_name.into()), content)
    }

    /// The part given last has this media type, its parameters aside.
    #[must_use]
    pub fn of_type(mut self, content_type: impl Into<String>) -> HasParts {
        if let Some(last) = self.0.last_mut() {
            last.content_type = Some(content_type.into());
        }
        self
    }

    fn and(mut self, name: impl Into<String>, file_name: Option<String>, content: impl Into<Bytes>) -> HasParts {
        self.0.push(Wanted { name: name.into(), file_name, content_type: None, content: content.into() });
        self
    }
}

impl Matcher<field::Data> for HasParts {
    fn matches(&self, request: &StubRequest) -> bool {
        let Ok(mut seen) = read(request) else { return false };
        // The pickier ones choose first, so that they are not left without a part that another would have passed by.
        let (typed, untyped): (Vec<_>, Vec<_>) = self.0.iter().partition(|part| part.content_type.is_some());
        typed.into_iter().chain(untyped).all(|wanted| {
            let at = seen.iter().position(|part| wanted.is(part));
            at.map(|at| seen.swap_remove(at)).is_some()
        })
    }

    fn expected(&self) -> String {
        let parts: Vec<_> = self.0.iter().map(Wanted::to_string).collect();
        format!("multipart with at least\n{}", parts.join("\n"))
    }
}

impl Wanted {
    fn is(&self, part: &Seen) -> bool {
        let essence = |kind: &str| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        part.name.as_ref() == Some(&self.name)
            && part.file_name == self.file_name
            && part.content == self.content
            && self
                .content_type
                .as_deref()
                .is_none_or(|wanted| part.content_type.as_deref().is_some_and(|seen| essence(seen) == essence(wanted)))
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        line(f, Some(&self.name), self.file_name.as_deref(), self.content_type.as_deref(), &self.content)
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        line(f, self.name.as_deref(), self.file_name.as_deref(), self.content_type.as_deref(), &self.content)
    }
}

fn line(
    f: &mut std::fmt::Formatter<'_>,
    name: Option<&str>,
    file_name: Option<&str>,
    content_type: Option<&str>,
    content: &[u8],
) -> std::fmt::Result {
    write!(f, "{}", name.unwrap_or("(no name)"))?;
    if let Some(file_name) = file_name {
        write!(f, ", file {file_name:?}")?;
    }
    if let Some(content_type) = content_type {
        write!(f, ", {content_type}")?;
    }
    write!(f, ": {}", show::inline(content))
}

/// What is in a multipart body, part by part; `None` for another body.
pub(crate) fn summary(request: &StubRequest) -> Option<String> {
    let is_multipart = request.content_type()?.to_ascii_lowercase().starts_with("multipart/form-data");
    is_multipart.then(|| match read(request) {
        Ok(parts) => {
            let parts: Vec<_> = parts.iter().map(Seen::to_string).collect();
            format!("multipart with\n{}", parts.join("\n"))
        }
        Err(why) => format!("multipart that cannot be read: {why}"),
    })
}

fn read(request: &StubRequest) -> Result<Vec<Seen>, multer::Error> {
    let boundary = multer::parse_boundary(request.content_type().unwrap_or_default())?;
    let body = std::io::Cursor::new(request.data.clone());
    let mut reading = pin!(async move {
        let mut parts = Vec::new();
        let mut multipart = Multipart::with_reader(body, boundary);
        while let Some(field) = multipart.next_field().await? {
            let name = field.name().map(str::to_owned);
            let file_name = field.file_name().map(str::to_owned);
            let content_type = field.content_type().map(ToString::to_string);
            parts.push(Seen { name, file_name, content_type, content: field.bytes().await? });
        }
        Ok(parts)
    });
    let mut cx = Context::from_waker(Waker::noop());
    // The whole body is there, so nothing is waited for: a pending poll is one that wants to be polled again.
    for _ in 0..request.data.len() + 64 {
        if let Poll::Ready(parts) = reading.as_mut().poll(&mut cx) {
            return parts;
        }
    }
    Err(multer::Error::IncompleteStream)
}
