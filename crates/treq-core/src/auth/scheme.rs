use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use super::{Challenges, Outgoing, SentHead};
#[cfg(doc)]
use super::{Content, TooManyWaits};
use crate::BoxError;

/// A way to prove who one is, to an origin or to a proxy. Basic and Bearer put one field on each request; Digest waits for
/// a challenge; others sign the request, or fetch a token first.
///
/// A scheme is shared by all requests of its credentials: an `Arc` of it is a scheme too, for several clients that share
/// its state. Its methods neither block nor do IO. What has to be waited for is a future in [`Step::Wait`], which may send
/// requests with a client of its own. It runs inside the request: it is dropped with it, and the request's timeouts count
/// the time that it takes. For a tunnel through a proxy it is part of making the connection, and the connect timeout counts it.
///
/// Errors that are not a [`treq_core::Error`](crate::Error) are wrapped in one of `Kind::Auth`; those for a proxy are of
/// `Kind::Proxy`. They must not hold secrets.
///
/// A token that is fetched before the first request, and again when the server refuses it. Requests that come at the same
/// time fetch one each, unless `fetch` has them share one:
///
/// ```
/// use std::sync::{Arc, Mutex, PoisonError};
/// use http::HeaderValue;
/// use treq_core::BoxError;
/// use treq_core::auth::{Challenges, Outgoing, Scheme, Step};
///
/// #[derive(Default)]
/// struct Token(Arc<Mutex<Option<HeaderValue>>>);
///
/// /// Asks the token server, in earnest.
/// async fn fetch() -> Result<String, BoxError> {
///     Ok("Bearer t0ken".to_owned())
/// }
///
/// impl Scheme for Token {
///     fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
///         let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
///         match known {
///             // Another one than the server has just refused, if it has.
///             Some(token) if request.refused() != Some(&token) => {
///                 request.authorize(token);
///                 Ok(Step::Send)
///             }
///             // It has no other one: the caller gets the 401.
///             _ if request.waits() > 0 => Ok(Step::Return),
///             _ => {
///                 let token = Arc::clone(&self.0);
///                 Ok(Step::wait(async move {
///                     let fresh = fetch().await?.parse()?;
///                     *token.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
///                     Ok(())
///                 }))
///             }
///         }
///     }
///
///     fn listens(&self) -> bool {
///         true
///     }
///
///     fn answer(&self, _: &Challenges, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
///         self.authorize(request)
///     }
/// }
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
    /// Asked once per request, and for an origin a second time if the second response is a 401 that is
    /// [stale](Challenges::is_stale). The credentials that were refused are [`Outgoing::refused`].
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
    fn accept(&self, sent: &SentHead<'_>, status: StatusCode, response: &HeaderMap) -> Result<(), BoxError> {
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

            fn accept(&self, sent: &SentHead<'_>, status: StatusCode, response: &HeaderMap) -> Result<(), BoxError> {
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
    /// Await this, then call the same method again, with the request as it was given. An error of the future is one of
    /// that method: the caller gets it, and the request is not sent. A challenge holds its connection meanwhile. One call
    /// may wait 16 times; then it fails with [`TooManyWaits`].
    Wait(Waiting),
}

/// The future of a [`Step::Wait`].
pub type Waiting = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

impl Step {
    /// Waits for `future`: a [`Step::Wait`] of it.
    pub fn wait(future: impl Future<Output = Result<(), BoxError>> + Send + 'static) -> Step {
        Step::Wait(Box::pin(future))
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Send => "Send",
            Step::Return => "Return",
            Step::Hash(_) => "Hash(..)",
            Step::Wait(_) => "Wait(..)",
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
