use std::net::SocketAddr;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{Extensions, HeaderMap, StatusCode, Uri, Version, response};
use http_body::Body as HttpBody;
use treq_core::{BodyEnd, Error, Facts, Kind, Reason};
use treq_redirect::{FinalUrl, History, Hop};

use crate::status::StatusError;
use crate::{ResponseBody, text};

/// An answer: its head, and its body as far as it is wanted.
///
/// The body is read when it is asked for. [`content`](Response::content), [`text`](Response::text) and
/// [`json`](Response::json) read all of it into memory, up to the client's limit, and may be called again;
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
#[derive(Debug)]
pub struct Response {
    head: response::Parts,
    url: Uri,
    body: ResponseBody,
    read: Read,
    content_limit: usize,
}

/// How far the body has been read.
#[derive(Debug)]
enum Read {
    Nothing,
    /// Some of it has been passed on and is not kept.
    Part,
    /// To its end, none of it kept.
    Passed,
    /// All of it is here.
    Whole(Bytes),
    /// Reading it failed.
    Broken,
}

impl Response {
    pub(crate) fn new(response: http::Response<ResponseBody>, url: Uri, content_limit: usize) -> Response {
        let (head, body) = response.into_parts();
        let url = head.extensions.get::<FinalUrl>().map_or(url, |last| last.url.clone());
        Response { head, url, body, read: Read::Nothing, content_limit }
    }

    /// The status code, such as 200.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The version of HTTP that the answer came in.
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// The reason phrase as the server wrote it; over HTTP/2, which has none, the usual one of the status.
    pub fn reason(&self) -> &str {
        let own = self.head.extensions.get::<Reason>().and_then(|reason| std::str::from_utf8(&reason.0).ok());
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

    /// The length of the body in bytes, where the server said it. What it says of an answer to HEAD is the length that
    /// the answer to GET would have.
    pub fn content_length(&self) -> Option<u64> {
        let field = self.head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        field.or_else(|| self.body.size_hint().exact())
    }

    /// The URL that answered: the last one of a chain of redirects.
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// The redirects that led here, in order: each with its URL, status and header fields.
    pub fn history(&self) -> &[Hop] {
        self.head.extensions.get::<History>().map_or(&[], |history| history)
    }

    /// The cookies that this answer and the redirects before it have set, in order, each with its attributes; one that
    /// was taken away again is left out. What the client keeps is in its [jar](crate::Client::jar).
    #[cfg(feature = "cookies")]
    pub fn cookies(&self) -> Vec<treq_cookies::Cookie> {
        crate::cookies::of(self)
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
            Read::Nothing | Read::Part | Read::Broken => None,
        }
    }

    /// The whole body. The first call reads it, later ones give the same bytes.
    ///
    /// # Errors
    ///
    /// [`Kind::Body`] where the body is cut, where it is larger than the client's
    /// [limit](crate::ClientBuilder::content_limit), and where [`chunk`](Response::chunk) has taken some of it.
    pub async fn content(&mut self) -> Result<Bytes, Error> {
        match &self.read {
            Read::Whole(bytes) => return Ok(bytes.clone()),
            Read::Nothing => {}
            Read::Part | Read::Passed => return Err(self.error("some of the body has been taken by `chunk` already")),
            Read::Broken => return Err(self.error("the body could not be read before")),
        }
        self.read = Read::Broken;
        let bytes = self.gather(self.content_limit, true).await?;
        self.read = Read::Whole(bytes.clone());
        Ok(bytes)
    }

    /// The whole body as text, by the charset that `Content-Type` names, else UTF-8. What does not fit becomes U+FFFD.
    ///
    /// # Errors
    ///
    /// As [`content`](Response::content).
    pub async fn text(&mut self) -> Result<String, Error> {
        let bytes = self.content().await?;
        Ok(text::decode(&self.head.headers, &bytes))
    }

    /// The whole body as JSON.
    ///
    /// # Errors
    ///
    /// As [`content`](Response::content), and [`Kind::Decode`] where it is not JSON or not of this shape, with the place.
    #[cfg(feature = "json")]
    pub async fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Error> {
        let bytes = self.content().await?;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        serde_json::from_slice(text).map_err(|error| {
            let why = format!("the body is not the JSON that was expected: {error}");
            Error::new(Kind::Decode, why).with_source(error).with_url(&self.url)
        })
    }

    /// The next piece of the body as it arrives; `None` at its end. After [`content`](Response::content): all of it.
    ///
    /// # Errors
    ///
    /// [`Kind::Body`] where the body is cut.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        match std::mem::replace(&mut self.read, Read::Part) {
            Read::Whole(bytes) => {
                self.read = Read::Passed;
                return Ok(Some(bytes).filter(|bytes| !bytes.is_empty()));
            }
            Read::Passed => {
                self.read = Read::Passed;
                return Ok(None);
            }
            Read::Broken => {
                self.read = Read::Broken;
                return Err(self.error("the body could not be read before"));
            }
            Read::Nothing | Read::Part => {}
        }
        match self.next_data().await {
            Ok(Some(data)) => Ok(Some(data)),
            Ok(None) => {
                self.read = Read::Passed;
                Ok(None)
            }
            Err(error) => {
                self.read = Read::Broken;
                Err(error)
            }
        }
    }

    /// Hands each piece of the body to `collector` as it arrives.
    ///
    /// # Errors
    ///
    /// [`Kind::Body`] where the body is cut.
    pub async fn collect(&mut self, mut collector: impl FnMut(Bytes)) -> Result<(), Error> {
        while let Some(piece) = self.chunk().await? {
            collector(piece);
        }
        Ok(())
    }

    /// The rest of the body as a stream of pieces.
    pub fn into_stream(self) -> crate::BodyStream {
        crate::BodyStream::new(self.into_body())
    }

    /// The rest of the body as an [`http_body::Body`], trailers among its frames.
    pub fn into_body(self) -> ResponseBody {
        self.body
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
            Read::Whole(bytes) => bytes.slice(..bytes.len().min(StatusError::EXCERPT)),
            _ => self.gather(StatusError::EXCERPT, false).await.unwrap_or_default(),
        };
        let reason = self.reason().to_owned();
        let text = text::decode(&self.head.headers, &excerpt);
        let error = Error::new(Kind::Status, format!("the server answered {} {reason}", status.as_u16()));
        Err(error.with_url(&self.url).with_source(StatusError::new(status, self.head.headers, excerpt, text)))
    }

    /// Up to `limit` bytes; more is an error where `strict`, else left unread.
    async fn gather(&mut self, limit: usize, strict: bool) -> Result<Bytes, Error> {
        let over = |what: &Response| {
            let why =
                format!("the body is larger than the limit of {limit} bytes: raise `content_limit`, or stream it");
            what.error(&why)
        };
        let announced = self.body.size_hint().lower();
        if strict && announced > limit as u64 {
            return Err(over(self));
        }
        let Some(first) = self.next_data().await? else { return Ok(Bytes::new()) };
        if first.len() <= limit && self.body.is_end_stream() {
            return Ok(first);
        }
        // The announced length sizes the buffer once, as far as it can be believed.
        let mut all =
            BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0).clamp(first.len(), limit.max(first.len())));
        let mut next = Some(first);
        while let Some(piece) = next {
            let room = limit - all.len();
            if piece.len() > room {
                if strict {
                    return Err(over(self));
                }
                all.extend_from_slice(&piece[..room]);
                break;
            }
            all.extend_from_slice(&piece);
            next = match self.next_data().await {
                Ok(next) => next,
                Err(error) if strict => return Err(error),
                Err(_) => None,
            };
        }
        Ok(all.freeze())
    }

    /// The next piece with something in it; trailers are passed over.
    async fn next_data(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let frame = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await;
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => return Ok(Some(data)),
                    Err(_) => {}
                },
                Some(Err(error)) => return Err(error.with_url(&self.url)),
                None => return Ok(None),
            }
        }
    }

    fn error(&self, why: &str) -> Error {
        Error::new(Kind::Body, why.to_owned()).with_url(&self.url)
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
