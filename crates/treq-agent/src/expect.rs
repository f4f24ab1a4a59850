use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::EXPECT;
use http::{HeaderMap, Request, StatusCode};
use tokio::sync::oneshot;
use treq_core::MaskedFields;

/// A request's extension that is called with each interim (1xx) answer, such as 103 Early Hints
/// ([RFC 8297](https://www.rfc-editor.org/rfc/rfc8297)). HTTP/1.1 only: hyper skips them on HTTP/2.
///
/// ```
/// use treq_agent::OnInformational;
///
/// let mut request = http::Request::get("http://a.test/").body(()).unwrap();
/// request.extensions_mut().insert(OnInformational::new(|interim| println!("{}", interim.status())));
/// ```
#[derive(Clone)]
pub struct OnInformational(Arc<dyn Fn(Informational<'_>) + Send + Sync>);

impl OnInformational {
    /// Calls `seen` with each interim answer, on the connection's task: it should not block.
    pub fn new(seen: impl Fn(Informational<'_>) + Send + Sync + 'static) -> OnInformational {
        OnInformational(Arc::new(seen))
    }
}

impl fmt::Debug for OnInformational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnInformational")
    }
}

/// The head of an interim answer.
#[derive(Clone, Copy)]
pub struct Informational<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
}

impl fmt::Debug for Informational<'_> {
    /// Without what may be a secret in the fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Informational")
            .field("status", &self.status)
            .field("headers", &MaskedFields(self.headers))
            .finish()
    }
}

impl Informational<'_> {
    /// A status from 100 to 199, 101 left out.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its fields.
    pub fn headers(&self) -> &HeaderMap {
        self.headers
    }
}

/// Opens the gate of a body that waits for `100 Continue`.
pub(crate) struct Opener(Mutex<Option<oneshot::Sender<()>>>);

impl Opener {
    pub(crate) fn new(sender: oneshot::Sender<()>) -> Opener {
        Opener(Mutex::new(Some(sender)))
    }

    fn open(&self) {
        if let Some(sender) = self.take() {
            // An error means that the body has begun on its own, its wait over.
            let _ = sender.send(());
        }
    }

    /// Keeps the gate shut for good.
    pub(crate) fn lock(&self) {
        drop(self.take());
    }

    fn take(&self) -> Option<oneshot::Sender<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

pub(crate) fn is_expected(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Has hyper report interim answers to the caller's observer, and `100` to the gate.
pub(crate) fn observe<B>(request: &mut Request<B>, gate: Option<Arc<Opener>>) {
    // It stays with the request, which may come back unsent.
    let observer = request.extensions().get::<OnInformational>().cloned();
    if observer.is_none() && gate.is_none() {
        return;
    }
    hyper::ext::on_informational(request, move |interim| {
        if let (Some(gate), StatusCode::CONTINUE) = (&gate, interim.status()) {
            gate.open();
        }
        if let Some(OnInformational(seen)) = &observer {
            seen(Informational { status: interim.status(), headers: interim.headers() });
        }
    });
}
