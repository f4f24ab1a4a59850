use std::fmt;

use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use treq_core::BoxError;

use crate::Challenges;

/// A way to prove who one is. [`Basic`](crate::Basic) and [`Bearer`](crate::Bearer) put one field on each request;
/// Digest waits for a challenge; others sign the request.
///
/// It is shared by all requests of its [`Credentials`](crate::Credentials), does no IO and never waits. Errors that are
/// not a [`treq_core::Error`] are wrapped in one of `Kind::Auth`; they must not hold secrets.
///
/// A signer in the manner of AWS Signature Version 4, which covers method, target, date and the hash of the body:
///
/// ```
/// use sha2::{Digest as _, Sha256};
/// use treq_auth::{BodyHash, Content, Outgoing, Scheme, Step};
/// use treq_core::BoxError;
///
/// struct Signer {
///     key: Vec<u8>,
///     now: fn() -> String,
/// }
///
/// struct Sha256Hash(Sha256);
///
/// impl BodyHash for Sha256Hash {
///     fn update(&mut self, bytes: &[u8]) {
///         self.0.update(bytes);
///     }
///
///     fn finish(self: Box<Self>) -> Vec<u8> {
///         self.0.finalize().to_vec()
///     }
/// }
///
/// fn hex(bytes: &[u8]) -> String {
///     bytes.iter().map(|byte| format!("{byte:02x}")).collect()
/// }
///
/// impl Scheme for Signer {
///     fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
///         let content = match request.content() {
///             Content::Unread => return Ok(Step::Hash(Box::new(Sha256Hash(Sha256::new())))),
///             Content::Hashed(hash) => hex(hash),
///             Content::Once => "UNSIGNED-PAYLOAD".to_owned(),
///         };
///         let date = (self.now)();
///         // Stands for the chain of HMACs.
///         let signed = format!("{}\n{}\n{date}\n{content}", request.method(), request.target());
///         let signature = hex(&Sha256::digest([&self.key[..], signed.as_bytes()].concat()));
///         request.headers_mut().insert("x-amz-date", date.parse()?);
///         request.headers_mut().insert("x-amz-content-sha256", content.parse()?);
///         request.authorize(format!("AWS4-HMAC-SHA256 Signature={signature}").parse()?);
///         Ok(Step::Send)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use treq_core::{Body, Origin};
///
/// let echo = service_fn(|request: Request<Body>| async move {
///     Ok::<_, std::convert::Infallible>(Response::new(format!("{:?}", request.headers()["x-amz-content-sha256"])))
/// });
/// let origin = Origin::of(&"https://bucket.test/".parse()?)?;
/// let signer = Signer { key: b"secret".to_vec(), now: || "20261121T140000Z".to_owned() };
/// let client = treq_auth::AuthLayer::new().credentials(origin, signer).layer(echo);
/// let response = client.oneshot(Request::put("https://bucket.test/key").body(Body::from("tea"))?).await?;
/// assert!(response.body().contains(&hex(&Sha256::digest("tea"))));
/// # Ok(()) }
/// ```
pub trait Scheme: Send + Sync {
    /// Puts on a request what it needs before anything was asked, if that can be known.
    ///
    /// # Errors
    ///
    /// What the caller gets instead of the request being sent.
    fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError>;

    /// Whether the scheme wants to see responses. Where not, nothing of the request is kept, and the two following
    /// methods are not called.
    fn listens(&self) -> bool {
        false
    }

    /// Answers a 401 (or 407): puts credentials on the request as it was first given, which then goes out once more.
    /// Asked once per request, and a second time where the second answer is a 401 that is
    /// [stale](Challenges::is_stale).
    ///
    /// # Errors
    ///
    /// What the caller gets instead of the 401.
    fn answer(&self, challenges: &Challenges, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        let _ = (challenges, request);
        Ok(Step::Return)
    }

    /// Sees the head of the response that the caller is about to get, of any status.
    ///
    /// # Errors
    ///
    /// What the caller gets instead.
    fn accept(&self, sent: &Sent<'_>, status: StatusCode, response: &HeaderMap) -> Result<(), BoxError> {
        let _ = (sent, status, response);
        Ok(())
    }
}

/// What is to be done with a request that a [`Scheme`] has seen.
#[non_exhaustive]
pub enum Step {
    /// Send it as it is now.
    Send,
    /// Return the challenge to the caller. Where nothing was asked yet: send it.
    Return,
    /// Read the body with this, then call the same method once more. Only where the content is
    /// [`Unread`](Content::Unread).
    Hash(Box<dyn BodyHash>),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Send => "Send",
            Step::Return => "Return",
            Step::Hash(_) => "Hash(..)",
        })
    }
}

/// A hash over a body, for schemes that cover it.
pub trait BodyHash: Send {
    /// Takes in the next bytes.
    fn update(&mut self, bytes: &[u8]);

    /// The hash, or whatever the scheme wants to be handed as [`Content::Hashed`].
    fn finish(self: Box<Self>) -> Vec<u8>;
}

/// What a [`Scheme`] can know of the body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// It can be read before it is sent: ask by [`Step::Hash`].
    Unread,
    /// What [`BodyHash::finish`] gave.
    Hashed(&'a [u8]),
    /// It can be read only once, by being sent. A challenge cannot be answered either, only remembered.
    Once,
}

/// The head of a request that is about to go out.
#[derive(Debug)]
pub struct Outgoing<'a> {
    method: &'a Method,
    uri: &'a Uri,
    target: Option<&'a str>,
    field: HeaderName,
    headers: &'a mut HeaderMap,
    content: Content<'a>,
}

impl<'a> Outgoing<'a> {
    /// A request to an origin, whose body is [`Unread`](Content::Unread).
    pub fn new(method: &'a Method, uri: &'a Uri, headers: &'a mut HeaderMap) -> Outgoing<'a> {
        Outgoing { method, uri, target: None, field: AUTHORIZATION, headers, content: Content::Unread }
    }

    /// A request to a proxy, for `Proxy-Authorization`. For CONNECT the URI is the authority alone, and `target` is too;
    /// for a forwarded request `target` is the whole URL ([RFC 9112, section
    /// 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2)).
    ///
    /// ```
    /// use http::header::{HeaderMap, HeaderValue, PROXY_AUTHENTICATE};
    /// use treq_auth::{Basic, Outgoing, Scheme};
    ///
    /// let (method, uri, mut headers) = (http::Method::CONNECT, "a.test:443".parse()?, HeaderMap::new());
    /// let mut connect = Outgoing::to_proxy(&method, &uri, "a.test:443", &mut headers);
    /// Basic::new("u", "p")?.authorize(&mut connect)?;
    /// assert_eq!(headers["proxy-authorization"], "Basic dTpw");
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// ```
    pub fn to_proxy(method: &'a Method, uri: &'a Uri, target: &'a str, headers: &'a mut HeaderMap) -> Outgoing<'a> {
        let field = PROXY_AUTHORIZATION;
        Outgoing { method, uri, target: Some(target), field, headers, content: Content::Unread }
    }

    /// The same with another request target than path and query.
    #[must_use]
    pub fn with_target(self, target: &'a str) -> Outgoing<'a> {
        Outgoing { target: Some(target), ..self }
    }

    /// The same with what is known of its body.
    #[must_use]
    pub fn with_content(self, content: Content<'a>) -> Outgoing<'a> {
        Outgoing { content, ..self }
    }

    /// The method.
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The URL; of CONNECT the authority.
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// The request target as it stands in the request line: path and query, unless a proxy is asked.
    pub fn target(&self) -> &'a str {
        match (self.target, self.uri.path_and_query(), self.uri.authority()) {
            (Some(target), ..) => target,
            (None, Some(path), _) => path.as_str(),
            (None, None, authority) => authority.map_or("", |authority| authority.as_str()),
        }
    }

    /// The fields, without those of the scheme.
    pub fn headers(&self) -> &HeaderMap {
        self.headers
    }

    /// The fields, to add to them. Secrets are to be marked [sensitive](HeaderValue::set_sensitive).
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers
    }

    /// What is known of the body.
    pub fn content(&self) -> Content<'a> {
        self.content
    }

    /// Sets `Authorization`, or `Proxy-Authorization`, and marks it sensitive.
    pub fn authorize(&mut self, mut value: HeaderValue) {
        value.set_sensitive(true);
        self.headers.insert(self.field.clone(), value);
    }
}

/// A request that was sent, as [`Scheme::accept`] sees it.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    uri: &'a Uri,
    authorization: Option<&'a HeaderValue>,
    to_proxy: bool,
}

impl<'a> Sent<'a> {
    /// A request for this URL that went out with this `Authorization`, or with none.
    pub fn new(uri: &'a Uri, authorization: Option<&'a HeaderValue>) -> Sent<'a> {
        Sent { uri, authorization, to_proxy: false }
    }

    /// A request to a proxy, as [`Outgoing::to_proxy`], that went out with this `Proxy-Authorization`.
    pub fn to_proxy(uri: &'a Uri, authorization: Option<&'a HeaderValue>) -> Sent<'a> {
        Sent { uri, authorization, to_proxy: true }
    }

    /// The URL; of CONNECT the authority.
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// The field that carried the credentials.
    pub fn authorization(&self) -> Option<&'a HeaderValue> {
        self.authorization
    }

    /// Whether the response's fields of proxies count, and not those of origins.
    pub fn is_to_proxy(&self) -> bool {
        self.to_proxy
    }
}
