use std::error::Error as StdError;
use std::fmt;

use super::{Challenges, Content, Outgoing, Scheme, Step};
use crate::{BoxError, Error, Kind};

/// How often a scheme may wait for one call.
const WAITS: u32 = 16;

/// A call of a [`Scheme`]'s method with its repetitions, for layers: it carries what is known of the body from one to
/// the next, starts each from the request as it was given, and counts the waits.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::sync::Arc;
/// use http::{HeaderMap, Method, Uri};
/// use treq_core::BoxError;
/// use treq_core::auth::{Outgoing, Scheme, SchemeCall, Step};
///
/// #[derive(Default)]
/// struct Late(Arc<AtomicBool>);
///
/// impl Scheme for Late {
///     fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
///         request.headers_mut().append("x-tried", "1".parse()?);
///         if self.0.load(Ordering::Relaxed) {
///             return Ok(Step::Send);
///         }
///         let ready = Arc::clone(&self.0);
///         Ok(Step::wait(async move {
///             ready.store(true, Ordering::Relaxed);
///             Ok(())
///         }))
///     }
/// }
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (scheme, mut call) = (Late::default(), SchemeCall::new());
/// let (method, uri, mut headers) = (Method::GET, Uri::from_static("http://a.test/"), HeaderMap::new());
/// while let Step::Wait(waiting) = call.authorize(&scheme, Outgoing::new(&method, &uri, &mut headers))? {
///     waiting.await?;
/// }
/// assert_eq!(headers.get_all("x-tried").iter().count(), 1);
/// # Ok::<(), BoxError>(()) }).unwrap()?;
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Debug, Default)]
pub struct SchemeCall {
    body: BodyState,
    waits: u32,
}

#[derive(Debug, Default)]
enum BodyState {
    #[default]
    Unread,
    Hashed(Vec<u8>),
    Once,
}

impl BodyState {
    fn content(&self) -> Content<'_> {
        match self {
            BodyState::Unread => Content::Unread,
            BodyState::Hashed(hash) => Content::Hashed(hash),
            BodyState::Once => Content::Once,
        }
    }
}

impl SchemeCall {
    /// A call for a request whose body is [`Unread`](Content::Unread).
    #[must_use]
    pub fn new() -> SchemeCall {
        SchemeCall::default()
    }

    /// Returns what the scheme is told of the body.
    pub fn content(&self) -> Content<'_> {
        self.body.content()
    }

    /// Sets the hash of the body, after a [`Step::Hash`].
    pub fn set_hash(&mut self, hash: Vec<u8>) {
        self.body = BodyState::Hashed(hash);
    }

    /// Says that the body can be read only once.
    pub fn set_once(&mut self) {
        self.body = BodyState::Once;
    }

    /// Calls [`Scheme::authorize`]. After [`Step::Wait`] and [`Step::Hash`] the request is as it was given, and this method
    /// is to be called again.
    ///
    /// # Errors
    ///
    /// The scheme's; [`TooManyWaits`] as the cause of one of `Kind::Auth`.
    pub fn authorize(&mut self, scheme: &dyn Scheme, request: Outgoing<'_>) -> Result<Step, BoxError> {
        let mut request = request.with_content(self.body.content()).with_waits(self.waits);
        let step = scheme.authorize(&mut request)?;
        admit(&mut self.waits, &step, &mut request).map(|()| step)
    }

    /// Calls [`Scheme::answer`], as [`authorize`](SchemeCall::authorize) does.
    ///
    /// # Errors
    ///
    /// Those of [`authorize`](SchemeCall::authorize).
    pub fn answer(
        &mut self,
        scheme: &dyn Scheme,
        challenges: &Challenges,
        request: Outgoing<'_>,
    ) -> Result<Step, BoxError> {
        let mut request = request.with_content(self.body.content()).with_waits(self.waits);
        let step = scheme.answer(challenges, &mut request)?;
        admit(&mut self.waits, &step, &mut request).map(|()| step)
    }
}

fn admit(waits: &mut u32, step: &Step, request: &mut Outgoing<'_>) -> Result<(), BoxError> {
    match step {
        Step::Send | Step::Return => return Ok(()),
        Step::Hash(_) => {}
        Step::Wait(_) if *waits == WAITS => {
            let cause = TooManyWaits { limit: WAITS };
            return Err(Error::new(Kind::Auth, cause.to_string()).with_source(cause).into());
        }
        Step::Wait(_) => *waits += 1,
    }
    request.reset();
    Ok(())
}

/// The cause of an error of `Kind::Auth` or `Kind::Proxy`: a [`Scheme`] has said [`Step::Wait`] again and again, and
/// never came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyWaits {
    limit: u32,
}

impl TooManyWaits {
    /// How often a scheme may wait for one call.
    pub fn limit(&self) -> u32 {
        self.limit
    }
}

impl fmt::Display for TooManyWaits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        write!(
            f,
            "the scheme still says Step::Wait after {limit} waits for one call: it must keep what it waited for, and \
             then say Step::Send or Step::Return"
        )
    }
}

impl StdError for TooManyWaits {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use http::{HeaderMap, HeaderValue, Method, Uri};

    use super::*;
    use crate::auth::{BodyHash, Waiting};

    struct NoHash;

    impl BodyHash for NoHash {
        fn update(&mut self, _: &[u8]) {}

        fn finish(self: Box<Self>) -> Vec<u8> {
            Vec::new()
        }
    }

    /// Writes fields before it says whether it is ready, as careless schemes do: waits so many times, then hashes, then waits
    /// once more.
    struct Messy(u32, AtomicU32);

    impl Scheme for Messy {
        fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
            request.authorize(HeaderValue::from_static("new"));
            request.headers_mut().append("accept", HeaderValue::from_static("more"));
            request.headers_mut().remove("x-own");
            request.authorize(HeaderValue::from_static("newer"));
            let call = self.1.fetch_add(1, Ordering::Relaxed);
            Ok(match request.content() {
                Content::Unread if call < self.0 => Step::wait(async { Ok(()) }),
                Content::Unread => Step::Hash(Box::new(NoHash)),
                Content::Hashed(_) if call == self.0 + 1 => Step::wait(async { Ok(()) }),
                _ => Step::Send,
            })
        }

        fn answer(&self, _: &Challenges, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
            self.authorize(request)
        }
    }

    fn given(authorization: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("text/html"));
        headers.insert("x-own", HeaderValue::from_static("1"));
        if authorization {
            headers.insert("authorization", HeaderValue::from_static("old"));
        }
        headers
    }

    #[test]
    fn each_call_starts_from_the_request_as_it_was_given() {
        let (method, uri) = (Method::GET, Uri::from_static("http://a.test/"));
        for own in [false, true] {
            for answers in [false, true] {
                let (scheme, mut call, mut headers) = (Messy(2, AtomicU32::new(0)), SchemeCall::new(), given(own));
                let mut steps = Vec::new();
                loop {
                    let request = Outgoing::new(&method, &uri, &mut headers);
                    let step = match answers {
                        true => call.answer(&scheme, &Challenges::default(), request),
                        false => call.authorize(&scheme, request),
                    };
                    let step = step.unwrap();
                    steps.push(format!("{step:?}"));
                    match step {
                        Step::Hash(hash) => call.set_hash(hash.finish()),
                        Step::Wait(_) => {}
                        _ => break,
                    }
                    assert_eq!(headers, given(own));
                }
                assert_eq!(steps, ["Wait(..)", "Wait(..)", "Hash(..)", "Wait(..)", "Send"]);
                assert_eq!(headers["authorization"], "newer");
                assert_eq!(headers.get_all("accept").iter().count(), 2);
                assert!(!headers.contains_key("x-own"));
            }
        }
    }

    #[test]
    fn waits_are_bounded() {
        let (method, uri) = (Method::GET, Uri::from_static("http://a.test/"));
        for (wanted, allowed) in [(WAITS - 1, true), (WAITS, false)] {
            let (scheme, mut call, mut headers) = (Messy(wanted, AtomicU32::new(0)), SchemeCall::new(), given(false));
            let mut waits: Vec<Waiting> = Vec::new();
            let outcome = loop {
                match call.authorize(&scheme, Outgoing::new(&method, &uri, &mut headers)) {
                    Ok(Step::Wait(waiting)) => waits.push(waiting),
                    Ok(Step::Hash(hash)) => call.set_hash(hash.finish()),
                    Ok(_) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            assert_eq!((outcome.is_ok(), waits.len()), (allowed, WAITS as usize));
            if let Err(error) = outcome {
                let error = Error::from_boxed(error);
                assert_eq!(error.find::<TooManyWaits>().map(TooManyWaits::limit), Some(16));
                assert!(error.kind() == Kind::Auth && error.to_string().contains("16 waits"), "{error}");
            }
        }
    }
}
