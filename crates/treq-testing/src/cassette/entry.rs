//! An exchange, as it is kept.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HOST};
use http::{HeaderMap, Method, Request, StatusCode, Uri, Version, request};

use crate::{Arrival, StubRequest};

/// One exchange of a cassette.
#[derive(Clone)]
pub(super) struct Entry {
    /// When it began, as HAR has it.
    pub(super) started: String,
    /// Milliseconds until the head of the answer, and from there to the end.
    pub(super) wait: u64,
    pub(super) receive: u64,
    pub(super) request: Asked,
    pub(super) response: Answer,
}

/// A request.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Whole, as it was asked.
    pub(super) url: String,
    pub(super) version: Version,
    pub(super) message: Message,
}

/// A response.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The reason phrase, where it is not the usual one.
    pub(super) reason: Option<String>,
    pub(super) version: Version,
    pub(super) message: Message,
}

/// What the two have in common.
#[derive(Clone, Default)]
pub(super) struct Message {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) trailers: Option<HeaderMap>,
    /// Why the body ends before its end, where it does.
    pub(super) cut: Option<Cut>,
}

/// Why a body is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nobody wanted the rest.
    Dropped,
    /// It failed there.
    Failed,
    /// The file does not have it.
    Absent,
}

impl Cut {
    pub(super) fn name(self) -> &'static str {
        match self {
            Cut::Dropped => "dropped",
            Cut::Failed => "failed",
            Cut::Absent => "absent",
        }
    }

    pub(super) fn named(name: &str) -> Option<Cut> {
        [Cut::Dropped, Cut::Failed, Cut::Absent].into_iter().find(|cut| cut.name() == name)
    }
}

impl Message {
    /// A field as text; empty where it is not there, or is none.
    pub(super) fn field(&self, name: http::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The codings of the body, of all fields that name some.
    pub(super) fn codings(&self) -> String {
        let all = self.headers.get_all(CONTENT_ENCODING).iter();
        all.map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(",")
    }
}

impl Asked {
    /// The request of this head and body.
    pub(super) fn of(head: &request::Parts, body: Bytes, trailers: Option<HeaderMap>) -> Asked {
        let message = Message { headers: head.headers.clone(), body, trailers, cut: None };
        Asked { method: head.method.clone(), url: url(head), version: head.version, message }
    }

    /// As matchers see it.
    pub(super) fn as_stub(&self) -> StubRequest {
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        // A URL that was masked, or comes of an archive, need not be one that can be asked.
        *request.uri_mut() = self.url.parse().unwrap_or_default();
        *request.headers_mut() = self.message.headers.clone();
        // The URL says the host; the field may say another.
        if request.uri().authority().is_some() {
            request.headers_mut().remove(HOST);
        }
        StubRequest::new(request.into_parts().0, self.message.body.clone())
    }

    /// Method and URL.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.url)
    }
}

/// The whole URL of a request, also where only its path stands in the first line.
fn url(head: &request::Parts) -> String {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    if head.uri.scheme().is_some() || head.method == Method::CONNECT {
        return head.uri.to_string();
    }
    let arrival = head.extensions.get::<Arrival>().map(Arrival::origin);
    let scheme = arrival.map_or("http", |origin| origin.scheme().as_str());
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    // A host that is none cannot be asked either.
    let host = host.filter(|host| host.parse::<http::uri::Authority>().is_ok());
    let host = host.or_else(|| arrival.map(|origin| origin.authority().to_string()));
    match host {
        Some(host) => format!("{scheme}://{host}{path}"),
        None => Uri::to_string(&head.uri),
    }
}
