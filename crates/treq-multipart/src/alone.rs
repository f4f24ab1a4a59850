//! Parts that are made of what is at hand, and that stand alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use treq_core::{Body, Error};

use crate::plan::{Plan, media_type};
use crate::{FormBody, Part};

impl Part {
    /// The content alone, as a whole body: with its length where that is known, again where it can be sent again. Fails
    /// as [`Form::encode`](crate::Form::encode) does.
    ///
    /// ```
    /// use treq_multipart::Part;
    ///
    /// let body = Part::bytes("tea").into_body()?;
    /// assert_eq!(http_body::Body::size_hint(&body).exact(), Some(3));
    /// # Ok::<_, treq_core::Error>(())
    /// ```
    pub fn into_body(self) -> Result<Body, Error> {
        let (plan, once) = Plan::alone(self)?;
        Ok(FormBody::new(Arc::new(plan), once).into_body())
    }

    /// The content type as it is sent: the one that was set, or else the one that the file name suggests. Text and bytes
    /// without a file name have none.
    pub fn media_type(&self) -> Option<HeaderValue> {
        media_type(self)
    }
}

/// [`Part::text`].
impl From<&str> for Part {
    fn from(text: &str) -> Part {
        Part::text(text)
    }
}

/// [`Part::text`].
impl From<String> for Part {
    fn from(text: String) -> Part {
        Part::text(text)
    }
}

/// [`Part::bytes`].
impl From<Bytes> for Part {
    fn from(bytes: Bytes) -> Part {
        Part::bytes(bytes)
    }
}

/// [`Part::bytes`].
impl From<Vec<u8>> for Part {
    fn from(bytes: Vec<u8>) -> Part {
        Part::bytes(bytes)
    }
}

/// [`Part::file`].
impl From<PathBuf> for Part {
    fn from(path: PathBuf) -> Part {
        Part::file(path)
    }
}

/// [`Part::file`].
impl From<&Path> for Part {
    fn from(path: &Path) -> Part {
        Part::file(path)
    }
}

/// [`Part::std_file`].
impl From<std::fs::File> for Part {
    fn from(file: std::fs::File) -> Part {
        Part::std_file(file)
    }
}

/// A file name and a content.
impl<N: Into<String>, C: Into<Part>> From<(N, C)> for Part {
    fn from((name, content): (N, C)) -> Part {
        content.into().file_name(name)
    }
}

/// A file name, a content type and a content.
impl<N: Into<String>, T: AsRef<[u8]>, C: Into<Part>> From<(N, T, C)> for Part {
    fn from((name, content_type, content): (N, T, C)) -> Part {
        content.into().file_name(name).content_type(content_type)
    }
}
