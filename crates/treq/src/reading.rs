//! The body, as far as it is wanted.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

#[cfg(feature = "blocking")]
use bytes::Buf as _;
use bytes::{Bytes, BytesMut};
use encoding_rs::Encoding;
use http_body::Body as HttpBody;
use treq_core::{BoxError, Error, Kind};

#[cfg(feature = "json")]
use crate::json::JsonError;
use crate::response::{Read, Response};
use crate::text;

impl Response {
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
            Read::Part | Read::Rest(..) | Read::Passed => {
                return Err(self.error("some of the body has been taken by `chunk` already"));
            }
            Read::Broken(error) => return Err(self.broken(error.as_ref())),
        }
        // Until it is whole, also where this is dropped.
        self.read = Read::Broken(None);
        match self.gather(self.reading.content_limit, true).await {
            Ok(bytes) => {
                self.read = Read::Whole(bytes.clone());
                Ok(bytes)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// The whole body as text, by the charset that `Content-Type` names; without one by its byte order mark, else as
    /// UTF-8, or the client's [`default_charset`](crate::ClientBuilder::default_charset). What does not fit becomes U+FFFD.
    ///
    /// # Errors
    ///
    /// As [`content`](Response::content).
    pub async fn text(&mut self) -> Result<String, Error> {
        let bytes = self.content().await?;
        Ok(text::lossy(&bytes, self.charset(&bytes)))
    }

    /// As [`text`](Response::text), with what does not fit an error.
    ///
    /// # Errors
    ///
    /// As [`content`](Response::content), and [`Kind::Decode`] where a byte is out of place.
    pub async fn text_strict(&mut self) -> Result<String, Error> {
        let bytes = self.content().await?;
        text::exact(&bytes, self.charset(&bytes)).map_err(|error| error.with_url(self.url()))
    }

    /// As [`text`](Response::text), with this charset where the answer names none.
    ///
    /// # Errors
    ///
    /// As [`content`](Response::content), and [`Kind::Builder`] for a charset that is not known.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let client = treq::Client::from_service(tower::service_fn(|_: http::Request<treq::Body>| async {
    /// #     Ok::<_, std::convert::Infallible>(http::Response::new(treq::Body::from(&b"caf\xe9"[..])))
    /// # }));
    /// let mut response = client.get("http://old.test/").await?;
    /// assert_eq!(response.text_with_default("iso-8859-1").await?, "café");
    /// # Ok(()) }
    /// ```
    pub async fn text_with_default(&mut self, charset: &str) -> Result<String, Error> {
        let fallback = text::labelled(charset)?;
        let bytes = self.content().await?;
        Ok(text::lossy(&bytes, text::charset(self.headers(), &bytes, fallback)))
    }

    /// The whole body as text in this charset, whatever the answer says.
    ///
    /// # Errors
    ///
    /// As [`text_with_default`](Response::text_with_default).
    pub async fn text_with_charset(&mut self, charset: &str) -> Result<String, Error> {
        let charset = text::labelled(charset)?;
        Ok(text::lossy(&self.content().await?, charset))
    }

    /// The whole body as JSON.
    ///
    /// # Errors
    ///
    /// As [`content`](Response::content), and [`Kind::Decode`] with a [`JsonError`] where it is not JSON or not of this
    /// shape: it has the place, the status, and the beginning of the body for those who ask.
    #[cfg(feature = "json")]
    pub async fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Error> {
        let bytes = self.content().await?;
        // Without a charset it is UTF-8, whatever other text is taken for: RFC 8259, section 8.1.
        let charset = text::charset(self.headers(), &bytes, encoding_rs::UTF_8);
        let plain = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let parsed = if charset == encoding_rs::UTF_8 {
            serde_json::from_slice(plain)
        } else {
            serde_json::from_str(&text::lossy(&bytes, charset))
        };
        parsed.map_err(|error| {
            let cause = JsonError::new(self.status(), &bytes, error);
            let why = format!("the body is not the JSON that was expected: {cause}");
            Error::new(Kind::Decode, why).with_source(cause).with_url(self.url())
        })
    }

    /// The next piece of the body as it arrives; `None` at its end. After [`content`](Response::content): all of it.
    ///
    /// # Errors
    ///
    /// [`Kind::Body`] where the body is cut.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.fill().await?;
        let Read::Rest(bytes, _) = &mut self.read else { return Ok(None) };
        let piece = bytes.split_to(bytes.len().min(self.chunk_size));
        self.taken();
        Ok(Some(piece))
    }

    /// Some of the piece that is here has been taken.
    fn taken(&mut self) {
        if let Read::Rest(bytes, is_last) = &self.read {
            if bytes.is_empty() {
                self.read = if *is_last { Read::Passed } else { Read::Part };
            }
        }
    }

    /// The unread rest of a piece.
    #[cfg(feature = "blocking")]
    pub(crate) fn rest(&self) -> &[u8] {
        if let Read::Rest(bytes, _) = &self.read { bytes } else { &[] }
    }

    #[cfg(feature = "blocking")]
    pub(crate) fn consume(&mut self, count: usize) {
        if let Read::Rest(bytes, _) = &mut self.read {
            bytes.advance(count.min(bytes.len()));
        }
        self.taken();
    }

    /// Sees to it that a piece is here to be taken, unless the body is over.
    pub(crate) async fn fill(&mut self) -> Result<(), Error> {
        self.read = match &self.read {
            Read::Rest(..) | Read::Passed => return Ok(()),
            Read::Broken(error) => return Err(self.broken(error.as_ref())),
            Read::Whole(bytes) if bytes.is_empty() => Read::Passed,
            Read::Whole(bytes) => Read::Rest(bytes.clone(), true),
            Read::Nothing | Read::Part => match self.next_data().await {
                // Of one that is over no more is asked: its time may be over meanwhile.
                Ok(Some(data)) => Read::Rest(data, self.body.is_end_stream()),
                Ok(None) => Read::Passed,
                Err(error) => return Err(self.fail(error)),
            },
        };
        Ok(())
    }

    /// Pieces of at most so many bytes from here on, one at least; as they arrive unless set.
    #[must_use]
    pub fn chunk_size(mut self, bytes: usize) -> Response {
        self.chunk_size = bytes.max(1);
        self
    }

    /// Hands each piece of the body to `collector` as it arrives, as long as it returns `()` or `Ok(())`.
    ///
    /// # Errors
    ///
    /// [`Kind::Body`] where the body is cut, and [`Kind::Other`] with what the collector returned, which gives the rest of
    /// the body up.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let mut bytes = 0;
    /// treq::get(server.url("/bytes/3000")).await?.chunk_size(512).collect(|piece| bytes += piece.len()).await?;
    /// assert_eq!(bytes, 3000);
    /// # Ok(()) }
    /// ```
    pub async fn collect<R: ChunkOutcome>(&mut self, mut collector: impl FnMut(Bytes) -> R) -> Result<(), Error> {
        while let Some(piece) = self.chunk().await? {
            if let Err(error) = collector(piece).outcome() {
                return Err(self.refused(error));
            }
        }
        Ok(())
    }

    /// The same with a collector that awaits: the next piece is read when it is done with the last. Its future cannot borrow from
    /// the collector: to write to what it would own, such as a file, call [`chunk`](Response::chunk) in a loop.
    ///
    /// # Errors
    ///
    /// As [`collect`](Response::collect).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    /// let mut response = treq::get(server.url("/bytes/3000")).await?;
    /// let read = tokio::spawn(async move {
    ///     response.collect_async(|piece| sender.send(piece)).await
    /// });
    /// let mut bytes = 0;
    /// while let Some(piece) = receiver.recv().await {
    ///     bytes += piece.len();
    /// }
    /// # read.await.unwrap()?;
    /// assert_eq!(bytes, 3000);
    /// # Ok(()) }
    /// ```
    pub async fn collect_async<F>(&mut self, mut collector: impl FnMut(Bytes) -> F) -> Result<(), Error>
    where
        F: Future<Output: ChunkOutcome>,
    {
        while let Some(piece) = self.chunk().await? {
            if let Err(error) = collector(piece).await.outcome() {
                return Err(self.refused(error));
            }
        }
        Ok(())
    }

    /// Reading has failed: who reads again has the same error.
    pub(crate) fn fail(&mut self, error: Error) -> Error {
        self.give_up();
        let error = Arc::new(error);
        self.read = Read::Broken(Some(Arc::clone(&error)));
        Error::repeat(&error)
    }

    fn broken(&self, error: Option<&Arc<Error>>) -> Error {
        error.map_or_else(|| self.error("reading the body was given up before"), Error::repeat)
    }

    /// There is nothing more to be had of the body: its connection need not wait until the response is dropped.
    pub(crate) fn give_up(&mut self) {
        let body = std::mem::take(&mut self.body);
        self.keep_facts(&body);
    }

    /// Nobody wants the rest: the connection is not kept waiting for it.
    fn refused(&mut self, error: BoxError) -> Error {
        let refused = Error::new(Kind::Other, "the collector refused the body").with_source(error);
        self.fail(refused.with_url(self.url()))
    }

    pub(crate) fn charset(&self, bytes: &[u8]) -> &'static Encoding {
        text::charset(self.headers(), bytes, self.reading.charset)
    }

    /// Up to `limit` bytes; more is an error where `strict`, else left unread.
    pub(crate) async fn gather(&mut self, limit: usize, strict: bool) -> Result<Bytes, Error> {
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
                Some(Err(error)) => return Err(error.with_url(self.url())),
                None => return Ok(None),
            }
        }
    }

    fn error(&self, why: &str) -> Error {
        Error::new(Kind::Body, why.to_owned()).with_url(self.url())
    }
}

/// The return value of a closure that is given chunks: `()`, or a `Result` whose error ends the reading.
pub trait ChunkOutcome: sealed::Sealed {
    /// An error ends the collecting.
    ///
    /// # Errors
    ///
    /// The collector's.
    fn outcome(self) -> Result<(), BoxError>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl<E> Sealed for Result<(), E> {}
}

impl ChunkOutcome for () {
    fn outcome(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> ChunkOutcome for Result<(), E> {
    fn outcome(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}
