//! Proxies, with the credentials of the client's own schemes.

use http::header::{PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderMap, StatusCode};
use treq_auth::{Challenges, Outgoing, Scheme, Sent, Step};
use treq_core::BoxError;
use treq_proxy::{ProxyAuth, ProxyRequest};

/// Any [`Scheme`], such as [`Digest`](crate::auth::Digest), as the credentials of a proxy.
///
/// ```
/// use treq::{Client, Proxies, Proxy};
/// use treq::auth::Digest;
///
/// let proxy = Proxy::try_from("http://proxy.test:3128")?.auth(treq::proxy_auth(Digest::new("ada", "s3cret")));
/// let client = Client::builder().proxy(Proxies::all(proxy)).build()?;
/// # let _ = client;
/// # Ok::<(), treq::Error>(())
/// ```
pub fn proxy_auth(scheme: impl Scheme) -> impl ProxyAuth {
    BySchemes(scheme)
}

struct BySchemes<S>(S);

impl<S: Scheme + 'static> ProxyAuth for BySchemes<S> {
    fn authorize(&self, request: &mut ProxyRequest<'_>) -> Result<(), BoxError> {
        self.0.authorize(&mut outgoing(request)).map(drop)
    }

    fn answer(&self, challenge: &HeaderMap, request: &mut ProxyRequest<'_>) -> Result<bool, BoxError> {
        let challenges = Challenges::parse(challenge, &PROXY_AUTHENTICATE);
        let step = self.0.answer(&challenges, &mut outgoing(request))?;
        Ok(matches!(step, Step::Send))
    }

    fn accept(&self, request: &ProxyRequest<'_>, status: StatusCode, response: &HeaderMap) -> Result<(), BoxError> {
        let sent = Sent::to_proxy(request.uri(), request.headers().get(PROXY_AUTHORIZATION));
        self.0.accept(&sent, status, response)
    }
}

fn outgoing<'a>(request: &'a mut ProxyRequest<'_>) -> Outgoing<'a> {
    let (method, uri, target) = (request.method(), request.uri(), request.target());
    Outgoing::to_proxy(method, uri, target, request.headers_mut())
}
