use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use treq_core::BoxError;

#[cfg(doc)]
use crate::Content;
use crate::{Challenges, Outgoing, Sent};

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
///             _ => "UNSIGNED-PAYLOAD".to_owned(),
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
pub trait Scheme: Send + Sync + 'static {
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

macro_rules! scheme_of_pointers {
    ($($pointer:ident),+) => {$(
        impl<S: Scheme + ?Sized> Scheme for $pointer<S> {
            fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
                (**self).authorize(request)
            }

            fn listens(&self) -> bool {
                (**self).listens()
            }

            fn answer(&self, challenges: &Challenges, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
                (**self).answer(challenges, request)
            }

            fn accept(&self, sent: &Sent<'_>, status: StatusCode, response: &HeaderMap) -> Result<(), BoxError> {
                (**self).accept(sent, status, response)
            }
        }
    )+};
}

scheme_of_pointers! { Arc, Box }

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
