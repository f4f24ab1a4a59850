use std::sync::Arc;

use http::HeaderValue;
use tower_layer::Layer;

use crate::chain::Limits;
use crate::{Coding, Decode};

/// Undoes the content codings of answers. See the [crate's page](crate).
///
/// ```
/// # #[cfg(feature = "gzip")]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::convert::Infallible;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Empty, Full};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use treq_decode::{DecodeLayer, Expanded};
///
/// // Any service of `http` requests: hyper-util's client, axum's router, a mock. This one answers with "hello", gzipped.
/// const HELLO: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
/// let service = service_fn(|_: Request<Empty<Bytes>>| async {
///     let response = Response::builder().header("content-encoding", "gzip").body(Full::<Bytes>::from(HELLO));
///     Ok::<_, Infallible>(response.unwrap())
/// });
///
/// let client = ServiceBuilder::new().layer(DecodeLayer::new()).service(service);
/// let response = client.oneshot(Request::get("http://a.test/").body(Empty::new())?).await?;
/// assert!(!response.headers().contains_key("content-encoding"));
/// assert_eq!(response.into_body().collect().await?.to_bytes(), "hello");
///
/// // A body that grows beyond four bytes is an error.
/// let client = ServiceBuilder::new().layer(DecodeLayer::new().max_size(4)).service(service);
/// let response = client.oneshot(Request::get("http://a.test/").body(Empty::new())?).await?;
/// let error = response.into_body().collect().await.unwrap_err();
/// assert_eq!(error.find::<Expanded>().and_then(|cause| cause.size), Some(4));
/// # Ok(()) }
/// # #[cfg(not(feature = "gzip"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct DecodeLayer {
    /// Shared by all clones of the service.
    config: Arc<Config>,
}

#[derive(Clone, Debug)]
struct Config {
    codings: Vec<Coding>,
    /// What `Accept-Encoding` says; `None` where no coding is known.
    offer: Option<HeaderValue>,
    limits: Limits,
}

impl Default for DecodeLayer {
    fn default() -> DecodeLayer {
        DecodeLayer::new()
    }
}

impl DecodeLayer {
    /// The codings that were built in by features, offered in this order: gzip, deflate, br, zstd. No limits.
    #[must_use]
    pub fn new() -> DecodeLayer {
        #[cfg(any(feature = "gzip", feature = "deflate", feature = "brotli", feature = "zstd"))]
        let codings = crate::builtin::codings();
        #[cfg(not(any(feature = "gzip", feature = "deflate", feature = "brotli", feature = "zstd")))]
        let codings = Vec::new();
        DecodeLayer::of(codings)
    }

    /// No coding but those that are [added](DecodeLayer::coding).
    #[must_use]
    pub fn empty() -> DecodeLayer {
        DecodeLayer::of(Vec::new())
    }

    fn of(codings: Vec<Coding>) -> DecodeLayer {
        let names: Vec<_> = codings.iter().map(Coding::name).collect();
        // A name that is no token is never offered; an answer that has it is decoded all the same.
        let offer = HeaderValue::try_from(names.join(", ")).ok().filter(|offer| !offer.is_empty());
        DecodeLayer { config: Arc::new(Config { codings, offer, limits: Limits::default() }) }
    }

    /// Adds a coding of one's own, offered last. One of the same name is replaced.
    #[must_use]
    pub fn coding(self, coding: Coding) -> DecodeLayer {
        let others = self.codings().iter().filter(|other| !other.name().eq_ignore_ascii_case(coding.name()));
        let codings = others.cloned().chain([coding.clone()]).collect();
        let mut layer = DecodeLayer::of(codings);
        *layer.limits_mut() = self.limits();
        layer
    }

    /// How many decoded bytes a body may have. Off unless set; more are an error of [`Kind::Decode`](treq_core::Kind)
    /// with the cause [`Expanded`](crate::Expanded).
    #[must_use]
    pub fn max_size(mut self, bytes: impl Into<Option<u64>>) -> DecodeLayer {
        self.limits_mut().size = bytes.into();
        self
    }

    /// How many decoded bytes there may be for each coded one, looked at from 1 MiB on. Off unless set; deflate goes
    /// up to about 1,030, brotli and zstd far beyond.
    #[must_use]
    pub fn max_ratio(mut self, ratio: impl Into<Option<u32>>) -> DecodeLayer {
        self.limits_mut().ratio = ratio.into();
        self
    }

    pub(crate) fn offer(&self) -> Option<&HeaderValue> {
        self.config.offer.as_ref()
    }

    pub(crate) fn codings(&self) -> &[Coding] {
        &self.config.codings
    }

    pub(crate) fn limits(&self) -> Limits {
        self.config.limits
    }

    fn limits_mut(&mut self) -> &mut Limits {
        &mut Arc::make_mut(&mut self.config).limits
    }
}

impl<S> Layer<S> for DecodeLayer {
    type Service = Decode<S>;

    fn layer(&self, inner: S) -> Decode<S> {
        Decode { inner, layer: self.clone() }
    }
}
