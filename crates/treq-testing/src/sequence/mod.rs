mod consume;
mod expected;
mod report;

use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;

use self::expected::Entry;
use crate::stub::words;
use crate::tasks::lock;
use crate::{IntoReply, StringStubbing, StubReply, StubRequest};

pub use self::consume::Consume;
pub use self::expected::Expected;

/// Code that tries again and again is not told of for ever.
const FAILURES_MAX: usize = 16;

/// Requests that are expected, each with its answer, and that must all be made.
///
/// Its [stub](RequestSequence::stub) answers them. A request that is not the next one expected is answered by a 500 with
/// the body `StubbingError`, and fails the test, whatever the code under test makes of that answer; so do requests that
/// were never made. The message says what was expected and what came, field by field, and where in the test it was
/// expected. It comes when the guard of [`consume`](RequestSequence::consume) ends, or else when the sequence is
/// dropped: as a panic, or to the [reporter](RequestSequence::reporting).
///
/// ```
/// use http::{Request, Response};
/// use tower_service::Service;
/// use treq_core::Body;
/// use treq_testing::{HasHeaders, RequestSequence, RequestTraversalAgent};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq_core::Error> {
/// let json = HasHeaders::new([("accept", "application/json")]);
/// let sequence = RequestSequence::new()
///     .expect(("get", "http://an.example/foo", [("a", "b")], json, ""), (200, [("content-type", "application/json")], "{}"))
///     .expect(("delete", "http://an.example/foo", (), HasHeaders::new([("host", "an.example")]), ""), (204, (), ""));
/// let mut agent = RequestTraversalAgent::new(sequence.stub());
///
/// let guard = sequence.consume();
/// let get = Request::get("http://an.example/foo?a=b").header("Accept", "application/json").body(Body::empty()).unwrap();
/// assert_eq!(agent.call(get).await?.status(), 200);
/// let delete = Request::delete("http://an.example/foo").body(Body::empty()).unwrap();
/// assert_eq!(agent.call(delete).await?.status(), 204);
/// guard.finish();
/// # Ok(()) }
/// ```
///
/// Where a reply must be made of what came, a [`StringStubbing`] over a closure is the thing to use.
#[must_use = "a sequence that is dropped fails the test, as nothing was asked"]
pub struct RequestSequence {
    shared: Arc<Shared>,
    any_order: bool,
    at: &'static Location<'static>,
}

struct Shared {
    state: Mutex<State>,
    reporter: Option<Reporter>,
}

type Reporter = Box<dyn Fn(String) + Send + Sync>;

#[derive(Default)]
struct State {
    left: Vec<Entry>,
    /// How many were expected in all.
    total: usize,
    /// What went wrong and was not told yet.
    failures: Vec<String>,
    /// How many more than are kept.
    further: usize,
    /// Whether what is left has been told, or is no longer to be.
    settled: bool,
}

impl RequestSequence {
    /// Requests in this order; what goes wrong is a panic when the guard ends or the sequence is dropped.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "an empty one expects that nothing is asked: that is to be said")]
    pub fn new() -> RequestSequence {
        RequestSequence::with(None, false)
    }

    /// Requests in any order, each of them once: what is sent at the same time has none. A request is the first of those
    /// left that it matches, so the pickier ones are to be given first.
    #[track_caller]
    pub fn in_any_order() -> RequestSequence {
        RequestSequence::with(None, true)
    }

    /// Requests in this order; `reporter` is told at once of a request that was not expected, in place of the panic. It is
    /// called within the server, where a panic of its own would only be a 500.
    #[track_caller]
    pub fn reporting(reporter: impl Fn(String) + Send + Sync + 'static) -> RequestSequence {
        RequestSequence::with(Some(Box::new(reporter)), false)
    }

    #[track_caller]
    fn with(reporter: Option<Reporter>, any_order: bool) -> RequestSequence {
        let shared = Shared { state: Mutex::default(), reporter };
        RequestSequence { shared: Arc::new(shared), any_order, at: Location::caller() }
    }

    /// And then this request, `(method, url, params, headers, data)` or [`ANY`](crate::ANY), which is answered by this
    /// reply, `(code, headers, body)`. What may stand in each field: see [`matcher`](crate::matcher).
    ///
    /// # Panics
    ///
    /// Where no request could ever be it, or the reply is none.
    #[track_caller]
    pub fn expect(self, request: impl Into<Expected>, reply: impl IntoReply) -> RequestSequence {
        let step = lock(&self.shared.state).total;
        let step = if self.any_order { 0 } else { step };
        self.push(request.into(), reply.into_reply(), step)
    }

    /// And this request at the same time as the one before it: the two may come in either order.
    ///
    /// # Panics
    ///
    /// As [`expect`](RequestSequence::expect).
    #[track_caller]
    pub fn beside(self, request: impl Into<Expected>, reply: impl IntoReply) -> RequestSequence {
        let step = lock(&self.shared.state).left.last().map_or(0, |entry| entry.step);
        self.push(request.into(), reply.into_reply(), step)
    }

    #[track_caller]
    fn push(self, request: Expected, reply: StubReply, step: usize) -> RequestSequence {
        if let Some(why) = request.fault().or_else(|| reply.wrong()) {
            // A mistake in the test, told at its place: there is nobody else to tell.
            panic!("{why}");
        }
        let mut state = lock(&self.shared.state);
        state.total += 1;
        let entry = Entry { request, reply, step, number: state.total, at: Location::caller() };
        state.left.push(entry);
        state.settled = false;
        drop(state);
        self
    }

    /// A service that answers the requests: give it to a `MemoryServer`, a
    /// [`RequestTraversalAgent`](crate::RequestTraversalAgent) or a `treq::testing::StubTreq`. All of them share this
    /// sequence, and may be asked at the same time.
    pub fn stub(&self) -> StringStubbing {
        let shared = Arc::clone(&self.shared);
        StringStubbing::new(move |request| shared.answer(request))
    }

    /// Whether every request was made.
    pub fn consumed(&self) -> bool {
        lock(&self.shared.state).left.is_empty()
    }

    /// A guard at whose end every request must have been made, and no other: or else it panics, or tells the sequence's
    /// reporter. While the test panics already it keeps still about what is left, and prints what was not expected, as
    /// that is why. Of an error that a test returns by `?` it cannot know: that ends the guard early, and its panic hides the
    /// error.
    #[track_caller]
    #[must_use = "it looks when it is dropped: keep it to the end of the test, as in `let _consume = ..`"]
    pub fn consume(&self) -> Consume {
        Consume::new(Arc::clone(&self.shared), None)
    }

    /// The same, which hands what is left to `reporter`.
    #[track_caller]
    #[must_use = "it looks when it is dropped: keep it to the end of the test, as in `let _consume = ..`"]
    pub fn consume_with(&self, reporter: impl FnOnce(String) + Send + 'static) -> Consume {
        Consume::new(Arc::clone(&self.shared), Some(Box::new(reporter)))
    }
}

impl Shared {
    fn answer(&self, request: &StubRequest) -> StubReply {
        // A matcher of the test may panic: to the code under test that would be one more answer.
        let message = match catch_unwind(AssertUnwindSafe(|| self.find(request))) {
            Ok(Ok(reply)) => return reply,
            Ok(Err(message)) => message,
            Err(panic) => report::panicked(words(&*panic), request),
        };
        match &self.reporter {
            Some(reporter) => reporter(message),
            None => {
                let mut state = lock(&self.state);
                if state.failures.len() < FAILURES_MAX {
                    state.failures.push(message);
                } else {
                    state.further += 1;
                }
            }
        }
        StubReply::new(500, (), "StubbingError")
    }

    /// The reply to a request that may come now, or what is wrong with it.
    fn find(&self, request: &StubRequest) -> Result<StubReply, String> {
        let mut state = lock(&self.state);
        let now = state.left.iter().map(|entry| entry.step).min();
        let open = |entry: &Entry| Some(entry.step) == now;
        if let Some(at) = state.left.iter().position(|entry| open(entry) && entry.request.differing(request).is_empty())
        {
            return Ok(state.left.remove(at).reply);
        }
        let next: Vec<_> = state.left.iter().filter(|entry| open(entry)).collect();
        Err(report::refused(&next, state.total, request))
    }

    /// What there is to tell, once: requests that were not expected, then those that are left.
    fn settle(&self) -> (Vec<String>, Option<String>) {
        let mut state = lock(&self.state);
        let mut failures = std::mem::take(&mut state.failures);
        let further = std::mem::take(&mut state.further);
        if further > 0 {
            failures.push(format!("{further} more requests that were not expected are not shown."));
        }
        let is_new = !std::mem::replace(&mut state.settled, true);
        let left = (is_new && !state.left.is_empty()).then(|| report::left(&state.left));
        (failures, left)
    }

    /// Tells it, by a panic where nobody is there to hear it.
    #[track_caller]
    fn close(&self, reporter: Option<Box<dyn FnOnce(String) + Send>>, found: impl FnOnce() -> String) {
        let (mut failures, left) = self.settle();
        if thread::panicking() {
            // What the code under test made of the 500 is on its way up; this is the reason.
            report::print(&failures);
            return;
        }
        match (left, reporter, &self.reporter) {
            (None, ..) => {}
            (Some(left), Some(reporter), _) => reporter(left),
            (Some(left), None, Some(reporter)) => reporter(left),
            (Some(left), None, None) => failures.push(left),
        }
        if !failures.is_empty() {
            // This is how a test fails.
            panic!("{}\n\n{}\n", failures.join("\n\n"), found());
        }
    }
}

/// Tells what no guard has told.
impl Drop for RequestSequence {
    fn drop(&mut self) {
        self.shared.close(None, || format!("Found when the sequence of {} was dropped.", self.at));
    }
}

impl fmt::Debug for RequestSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSequence").field("left", &lock(&self.shared.state).left.len()).finish_non_exhaustive()
    }
}
