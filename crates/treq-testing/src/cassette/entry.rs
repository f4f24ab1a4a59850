//! An exchange, as it is kept.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};

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
}

impl Asked {
    /// Method and URL.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.url)
    }
}
