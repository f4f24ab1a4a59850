//! What a body can be made of.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderValue;
use serde::Serialize;
use tokio::io::AsyncRead;
use treq_core::{Body, BoxError, Error, Kind};
use treq_multipart::{Form, Part};

use crate::query;

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// What can be given to [`RequestBuilder::data`](crate::RequestBuilder::data): text, bytes, a [`Body`], pairs and maps
/// (a form), files by path or open, a [`Part`] alone, a multipart [`Form`], and types of your own.
///
/// ```
/// use treq::Error;
/// use treq::body::{Content, Data};
///
/// struct Csv(Vec<[&'static str; 2]>);
///
/// impl Data for Csv {
///     fn into_content(self) -> Result<Content, Error> {
///         let lines: String = self.0.iter().map(|row| row.join(",") + "\r\n").collect();
///         Ok(Content::new(lines).with_type("text/csv".parse().unwrap()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// # let server = treq_httpbin::Server::start().await.unwrap();
/// let mut response = treq::post(server.url("/post")).data(Csv(vec![["tea", "2"]])).await?;
/// assert!(response.text().await?.contains("tea,2"));
/// # Ok(()) }
/// ```
pub trait Data {
    /// The body, and what it says of its type.
    ///
    /// # Errors
    ///
    /// Where it cannot be a body: the request then fails when it is awaited, with nothing sent.
    fn into_content(self) -> Result<Content, Error>;
}

/// A body with its media type. `Debug` shows neither.
pub struct Content(pub(crate) Inner);

pub(crate) enum Inner {
    Body(Body, Option<HeaderValue>),
    /// As a form has them.
    Pairs(String),
    /// Kept by the request.
    Gathered,
}

impl Content {
    /// A body that says nothing of its type.
    pub fn new(body: impl Into<Body>) -> Content {
        Content(Inner::Body(body.into(), None))
    }

    /// Pairs of a form, for files to stand beside: pairs, a map, or anything that serializes to one.
    ///
    /// # Errors
    ///
    /// Where it is something else.
    pub fn pairs<T: Serialize + ?Sized>(pairs: &T) -> Result<Content, Error> {
        query::encode(pairs, "form fields").map(|pairs| Content(Inner::Pairs(pairs)))
    }

    /// A file, read as it is sent and opened again for each sending.
    ///
    /// # Errors
    ///
    /// [`Kind::Builder`] where it is missing or a directory, naming it. One that cannot be read later is an error of the
    /// sending.
    pub fn file(path: impl Into<PathBuf>) -> Result<Content, Error> {
        Part::file(path).into_body().map(Content::new)
    }

    /// What a reader yields, up to its end; it can be sent once.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Result<Content, Error> {
        Part::reader(reader).into_body().map(Content::new)
    }

    /// What a stream yields, up to its end; it can be sent once.
    pub fn stream<S, B, E>(stream: S) -> Content
    where
        S: Stream<Item = Result<B, E>> + Send + 'static,
        B: Into<Bytes> + 'static,
        E: Into<BoxError> + 'static,
    {
        Content::new(Body::from_stream(stream))
    }

    /// The same with this `Content-Type`, unless the request has one of its own.
    #[must_use]
    pub fn with_type(self, value: HeaderValue) -> Content {
        match self.0 {
            Inner::Body(body, _) => Content(Inner::Body(body, Some(value))),
            Inner::Pairs(pairs) => Content(Inner::Body(Body::from(pairs), Some(value))),
            Inner::Gathered => self,
        }
    }

    pub(crate) fn gathered() -> Content {
        Content(Inner::Gathered)
    }

    pub(crate) fn multipart(form: Form) -> Result<Content, Error> {
        let content_type = form.content_type();
        Ok(Content::new(form.into_body()?).with_type(content_type))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Body(body, _) => f.debug_tuple("Content").field(body).finish(),
            Inner::Pairs(_) => f.write_str("Content(pairs)"),
            Inner::Gathered => f.write_str("Content(gathered)"),
        }
    }
}

impl Data for Content {
    fn into_content(self) -> Result<Content, Error> {
        Ok(self)
    }
}

macro_rules! data_of_bytes {
    ($($of:ty),+ $(,)?) => {$(
        impl Data for $of {
            fn into_content(self) -> Result<Content, Error> {
                Ok(Content::new(self))
            }
        }
    )+};
}

data_of_bytes! { (), &'static str, String, &String, Cow<'static, str>, &'static [u8], Vec<u8>, Box<[u8]>, Bytes, Body }

impl<const N: usize> Data for &'static [u8; N] {
    fn into_content(self) -> Result<Content, Error> {
        Ok(Content::new(&self[..]))
    }
}

impl Data for PathBuf {
    fn into_content(self) -> Result<Content, Error> {
        Content::file(self)
    }
}

impl Data for &Path {
    fn into_content(self) -> Result<Content, Error> {
        Content::file(self)
    }
}

/// From where it stands to its end; it can be sent once.
impl Data for std::fs::File {
    fn into_content(self) -> Result<Content, Error> {
        Part::std_file(self).into_body().map(Content::new)
    }
}

/// From where it stands to its end; it can be sent once.
impl Data for tokio::fs::File {
    fn into_content(self) -> Result<Content, Error> {
        match self.try_into_std() {
            Ok(file) => file.into_content(),
            Err(_) => Err(Error::new(Kind::Builder, "the file is being read or written: flush it before it is sent")),
        }
    }
}

/// The content of the part alone, with its `Content-Type`.
impl Data for Part {
    fn into_content(self) -> Result<Content, Error> {
        let content_type = self.media_type();
        let content = Content::new(self.into_body()?);
        Ok(match content_type {
            Some(value) => content.with_type(value),
            None => content,
        })
    }
}

impl Data for Form {
    fn into_content(self) -> Result<Content, Error> {
        Content::multipart(self)
    }
}

impl<K: Serialize, V: Serialize, const N: usize> Data for [(K, V); N] {
    fn into_content(self) -> Result<Content, Error> {
        Content::pairs(&self[..])
    }
}

impl<K: Serialize, V: Serialize> Data for &[(K, V)] {
    fn into_content(self) -> Result<Content, Error> {
        Content::pairs(self)
    }
}

macro_rules! data_of_pairs {
    ($($of:ty),+ $(,)?) => {$(
        impl<K: Serialize, V: Serialize> Data for $of {
            fn into_content(self) -> Result<Content, Error> {
                Content::pairs(&self)
            }
        }
    )+};
}

data_of_pairs! { Vec<(K, V)>, &Vec<(K, V)>, HashMap<K, V>, &HashMap<K, V>, BTreeMap<K, V>, &BTreeMap<K, V> }
