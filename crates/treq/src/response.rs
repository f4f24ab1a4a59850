use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Extensions, HeaderMap, StatusCode, Uri, Version, response};
use http_body::Body as HttpBody;
use treq_core::{Body, BodyEnd, BoxError, Error, Facts, Kind, MaskedFields, Reason, StatusError, uri};
use treq_redirect::{FinalUrl, History, Hop};

use crate::client::CONTENT_LIMIT;
use crate::erased::ResponseBody;
use crate::media_type::MediaType;

/// An answer: its head, and its body as far as it is wanted.
///
/// The body is read when it is asked for. [`content`](Response::content), [`text`](Response::text) and
/// `json` read all of it into memory, up to the client's limit, and may be called again;
/// [`chunk`](Response::chunk), [`collect`](Response::collect), [`into_stream`](Response::into_stream) and
/// [`save`](Response::save) pass it on piece by piece, in constant memory. A response that is dropped gives the rest up.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// # let server = treq_httpbin::Server::start().await.unwrap();
/// #[derive(serde::Deserialize)]
/// struct Address {
///     origin: String,
/// }
///
/// let address: Address = treq::get(server.url("/ip")).await?.error_for_status().await?.json().await?;
/// assert_eq!(address.origin, "127.0.0.1");
/// # Ok(()) }
/// ```
pub struct Response {
    head: response::Parts,
    url: Uri,
    pub(crate) body: ResponseBody,
    pub(crate) read: Read,
    pub(crate) reading: Reading,
    /// How long a piece may be.
    pub(crate) chunk_size: usize,
    sent: Option<Box<Timings>>,
}

/// How bodies are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// How much is held in memory.
    pub(crate) content_limit: usize,
    /// The charset of text that names none.
    pub(crate) charset: &'static Encoding,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading { content_limit: CONTENT_LIMIT, charset: UTF_8 }
    }
}

/// When an exchange did what.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timings {
    /// When it was sent.
    pub started: Instant,
    /// From there to the head of the answer that the caller gets, with all redirects.
    pub head: Duration,
}

/// How far the body has been read.
pub(crate) enum Read {
    Nothing,
    /// Some of it has been passed on and is not kept.
    Part,
    /// The same, and this is what a piece has left; true if it is the last one.
    Rest(Bytes, bool),
    /// To its end, none of it kept.
    Passed,
    /// All of it is here.
    Whole(Bytes),
    /// Reading it failed with this, or was given up.
    Broken(Option<Arc<Error>>),
}

impl Response {
    #[inline]
    pub(crate) fn new(
        response: http::Response<ResponseBody>,
        url: Uri,
        reading: Reading,
        started: Option<Box<Instant>>,
    ) -> Response {
        let (head, body) = response.into_parts();
        let url = head.extensions.get::<FinalUrl>().map_or(url, |last| last.url.clone());
        let sent = started.map(|started| Box::new(Timings { started: *started, head: started.elapsed() }));
        Response { head, url, body, read: Read::Nothing, reading, chunk_size: usize::MAX, sent }
    }

    /// The status code, such as 200.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The version of HTTP that the answer came in.
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// The reason phrase as the server wrote it; over HTTP/2, which has none, the usual one of the status. One with bytes
    /// beyond ASCII comes out empty: hyper's parser drops it.
    pub fn reason(&self) -> &str {
        let own = self.head.extensions.get::<Reason>().and_then(|reason| std::str::from_utf8(reason.as_bytes()).ok());
        own.or_else(|| self.head.status.canonical_reason()).unwrap_or_default()
    }

    /// The header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// What the layers say of this exchange.
    pub fn extensions(&self) -> &Extensions {
        &self.head.extensions
    }

    /// What is known of the connection: peer, TLS, whether it was used before. `None` where the service under the
    /// client does not say.
    pub fn facts(&self) -> Option<&Facts> {
        self.body.facts().or_else(|| self.head.extensions.get())
    }

    /// What the body knew, once it is gone.
    pub(crate) fn keep_facts(&mut self, body: &ResponseBody) {
        if let Some(facts) = body.facts().cloned() {
            self.head.extensions.insert(facts);
        }
    }

    /// The length of the body in bytes, where the server said it, or the body knows it and was not read yet. What it says of an answer to HEAD is the length that
    /// the answer to GET would have.
    pub fn content_length(&self) -> Option<u64> {
        // RFC 9112, section 6.3: beside a Transfer-Encoding it does not count.
        let counts = !self.head.headers.contains_key(TRANSFER_ENCODING);
        let field = self
            .head
            .headers
            .get(CONTENT_LENGTH)
            .filter(|_| counts)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        // What a body that was read has left is no length of it.
        field.or_else(|| self.body.size_hint().exact().filter(|_| matches!(self.read, Read::Nothing)))
    }

    /// The URL that answered: the last one of a chain of redirects.
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// The redirects that led here, in order: each with its URL, status and header fields.
    pub fn history(&self) -> &[Hop] {
        self.head.extensions.get::<History>().map_or(&[], History::as_ref)
    }

    /// The last of the redirects that led here.
    pub fn previous(&self) -> Option<&Hop> {
        self.history().last()
    }

    /// The media type of the body, where it says a valid one.
    pub fn content_type(&self) -> Option<MediaType> {
        MediaType::from_headers(self.headers())
    }

    /// When the exchange did what, where the request asked for it by
    /// [`timings`](crate::RequestBuilder::timings).
    pub fn timings(&self) -> Option<&Timings> {
        self.sent.as_deref()
    }

    /// The cookies that this answer and the redirects before it have set, in order, each with its attributes; one that
    /// was taken away again is left out. What the client keeps is in its [jar](crate::Client::jar).
    pub fn cookies(&self) -> Vec<treq_cookies::Cookie> {
        crate::cookie_store::of(self)
    }

    /// The address of the peer, where the connection has one.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.facts().and_then(|facts| facts.connection().peer.addr())
    }

    /// Whether the body was whole: `None` until its end has been read.
    ///
    /// A body that was certainly cut is an error of [`Kind::Body`] where it is read.
    pub fn body_end(&self) -> Option<BodyEnd> {
        match self.read {
            Read::Whole(_) | Read::Passed => Some(self.facts().map_or(BodyEnd::Complete, Facts::body_end)),
            Read::Nothing if self.body.is_end_stream() => Some(BodyEnd::Complete),
            Read::Nothing | Read::Part | Read::Rest(..) | Read::Broken(_) => None,
        }
    }

    /// The rest of the body as a stream of pieces: what [`chunk`](Response::chunk) would yield.
    pub fn into_stream(self) -> crate::stream::BodyStream {
        crate::stream::BodyStream::new(self.into_body())
    }

    /// The rest of the body as an [`http_body::Body`], trailers among its frames: what [`chunk`](Response::chunk) would yield.
    pub fn into_body(self) -> ResponseBody {
        self.into_parts().1
    }

    /// The head, and the rest of the body as of [`into_body`](Response::into_body). What is known of the connection is an
    /// extension of the head.
    pub fn into_parts(mut self) -> (response::Parts, ResponseBody) {
        let body = std::mem::take(&mut self.body);
        self.keep_facts(&body);
        let body = match self.read {
            Read::Nothing | Read::Part | Read::Passed => body,
            Read::Whole(bytes) => ResponseBody::new(Body::from(bytes)),
            Read::Rest(bytes, true) => ResponseBody::new(Body::from(bytes)),
            Read::Rest(bytes, false) => ResponseBody::behind(Some(Ok(bytes)), body),
            Read::Broken(error) => {
                let why = || Error::new(Kind::Body, "reading the body was given up before").with_url(&self.url);
                let error = error.map_or_else(why, |error| Error::repeat(&error));
                ResponseBody::behind(Some(Err(error)), Body::empty())
            }
        };
        (self.head, body)
    }

    /// The header fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.head.headers
    }

    /// What the layers say of this exchange, to be changed.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.head.extensions
    }

    /// This response, or an error of [`Kind::Status`] where its status is 400 or above. The cause, a [`StatusError`], keeps
    /// status, header fields and the beginning of the body.
    ///
    /// # Errors
    ///
    /// As said. A body that cannot be read does not hide the status: the excerpt then ends where it broke.
    pub async fn error_for_status(mut self) -> Result<Response, Error> {
        let status = self.head.status;
        if !status.is_client_error() && !status.is_server_error() {
            return Ok(self);
        }
        let excerpt = match &self.read {
            // What comes behind the rest of a piece is not waited for.
            Read::Whole(bytes) | Read::Rest(bytes, _) => bytes.slice(..bytes.len().min(StatusError::EXCERPT)),
            _ => self.gather(StatusError::EXCERPT, false).await.unwrap_or_default(),
        };
        let reason = self.reason().to_owned();
        let error = Error::new(Kind::Status, format!("the server answered {} {reason}", status.as_u16()));
        Err(error.with_url(&self.url).with_source(StatusError::new(status, self.head.headers, excerpt)))
    }
}

/// A response of another client or of a mock. Its URL is that of its [`FinalUrl`], without which it is `/`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// let canned = http::Response::builder().status(418).body(treq::Body::from("I'm a teapot")).unwrap();
/// let mut response = treq::Response::from(canned);
/// assert_eq!((response.status().as_u16(), response.text().await?.as_str()), (418, "I'm a teapot"));
/// # Ok(()) }
/// ```
impl<B> From<http::Response<B>> for Response
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn from(response: http::Response<B>) -> Response {
        Response::new(response.map(ResponseBody::new), Uri::default(), Reading::default(), None)
    }
}

/// The head, and the rest of the body as of [`Response::into_parts`].
impl From<Response> for http::Response<ResponseBody> {
    fn from(response: Response) -> http::Response<ResponseBody> {
        let (head, body) = response.into_parts();
        http::Response::from_parts(head, body)
    }
}

impl fmt::Debug for Response {
    /// Neither the body nor what may be a secret of URL and fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.head.status)
            .field("version", &self.head.version)
            .field("url", &uri::masked(&self.url.to_string()))
            .field("headers", &MaskedFields(&self.head.headers))
            .finish_non_exhaustive()
    }
}

impl Response {
    /// The connection itself, after a 101 or a 2xx to CONNECT: bytes in both directions.
    ///
    /// # Errors
    ///
    /// [`Kind::Protocol`] where the answer hands no connection over.
    pub async fn upgrade(self) -> Result<treq_agent::Upgraded, Error> {
        let response = http::Response::from_parts(self.head, ());
        treq_agent::upgrade(response).await.map_err(|error| error.with_url(&self.url))
    }
}
