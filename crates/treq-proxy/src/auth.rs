use std::fmt;
use std::sync::Arc;

use http::header::PROXY_AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use treq_core::uri::masked;
use treq_core::{BoxError, MaskedFields};

/// A way to prove to an HTTP proxy who one is, beyond the user name and the password of its address, which go out by
/// Basic.
///
/// It belongs to one [`Proxy`](crate::Proxy), so that nothing of its state reaches another; it does no IO and never
/// waits. Errors must not hold secrets.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use treq_core::BoxError;
/// use treq_proxy::{Proxy, ProxyAuth, ProxyRequest};
///
/// struct Bearer(HeaderValue);
///
/// impl ProxyAuth for Bearer {
///     fn authorize(&self, request: &mut ProxyRequest<'_>) -> Result<(), BoxError> {
///         request.authorize(self.0.clone());
///         Ok(())
///     }
/// }
///
/// let proxy = Proxy::try_from("http://proxy.test:3128")?.auth(Bearer(HeaderValue::from_static("Bearer t0ken")));
/// assert!(!format!("{proxy:?}").contains("t0ken"));
/// # Ok::<(), treq_core::Error>(())
/// ```
pub trait ProxyAuth: Send + Sync + 'static {
    /// Puts on a request what it needs before anything was asked, if that can be known.
    ///
    /// # Errors
    ///
    /// What the caller gets instead of the request being sent.
    fn authorize(&self, request: &mut ProxyRequest<'_>) -> Result<(), BoxError>;

    /// Answers a 407, whose fields these are: puts credentials on the request as it was first given, and says whether it
    /// did. It then goes out once more, and only once.
    ///
    /// # Errors
    ///
    /// What the caller gets instead of the 407.
    fn answer(&self, challenge: &HeaderMap, request: &mut ProxyRequest<'_>) -> Result<bool, BoxError> {
        let _ = (challenge, request);
        Ok(false)
    }

    /// Sees the head of the answer that stands, of any status. Of the request's fields only `Proxy-Authorization` is
    /// there, as it was sent.
    ///
    /// # Errors
    ///
    /// What the caller gets instead of the answer.
    fn accept(&self, request: &ProxyRequest<'_>, status: StatusCode, response: &HeaderMap) -> Result<(), BoxError> {
        let _ = (request, status, response);
        Ok(())
    }
}

impl<A: ProxyAuth + ?Sized> ProxyAuth for Arc<A> {
    fn authorize(&self, request: &mut ProxyRequest<'_>) -> Result<(), BoxError> {
        (**self).authorize(request)
    }

    fn answer(&self, challenge: &HeaderMap, request: &mut ProxyRequest<'_>) -> Result<bool, BoxError> {
        (**self).answer(challenge, request)
    }

    fn accept(&self, request: &ProxyRequest<'_>, status: StatusCode, response: &HeaderMap) -> Result<(), BoxError> {
        (**self).accept(request, status, response)
    }
}

/// The head of a request as a proxy gets it: a CONNECT, or a request in the clear that the proxy hands on.
pub struct ProxyRequest<'a> {
    method: &'a Method,
    uri: &'a Uri,
    target: &'a str,
    headers: &'a mut HeaderMap,
}

impl fmt::Debug for ProxyRequest<'_> {
    /// Without what may be a secret in the fields and the URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyRequest")
            .field("method", self.method)
            .field("target", &masked(self.target))
            .field("headers", &MaskedFields(self.headers))
            .finish_non_exhaustive()
    }
}

impl<'a> ProxyRequest<'a> {
    /// A request with this target in its request line: `host:port` for CONNECT, else the whole URL ([RFC 9112, section
    /// 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2)).
    pub fn new(method: &'a Method, uri: &'a Uri, target: &'a str, headers: &'a mut HeaderMap) -> ProxyRequest<'a> {
        ProxyRequest { method, uri, target, headers }
    }

    /// The method.
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The URL; of CONNECT the authority.
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// The request target as it stands in the request line.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// The fields. Those of a CONNECT go to the proxy and to nobody else.
    pub fn headers(&self) -> &HeaderMap {
        self.headers
    }

    /// The fields, to add to them. Those of a request that the proxy hands on reach the origin too, all but
    /// `Proxy-Authorization`.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers
    }

    /// Sets `Proxy-Authorization`, and marks it sensitive.
    pub fn authorize(&mut self, mut value: HeaderValue) {
        value.set_sensitive(true);
        self.headers.insert(PROXY_AUTHORIZATION, value);
    }
}
