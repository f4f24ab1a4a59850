use bytes::Bytes;
use tokio::sync::watch;

use crate::Faults;

/// A request as a [`RawServer`](crate::RawServer) saw it.
///
/// Names and values are text as it came, in order; bytes that are not UTF-8 are replaced there, and stand as they came
/// in `head`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawRequest {
    /// On which connection, counted from 0.
    pub connection: usize,
    /// The head as it came, with the empty line at its end.
    pub head: Bytes,
    /// The request line, such as `GET / HTTP/1.1`.
    pub line: String,
    /// The fields in order, their names in the case in which they came.
    pub headers: Vec<(String, String)>,
    /// The content, without chunked framing.
    pub body: Bytes,
    /// The fields behind a chunked body.
    pub trailers: Vec<(String, String)>,
    /// Whether all was read that the script asked for: false where the client broke off before.
    pub complete: bool,
    /// Whether the step that began to read it is done, in whichever way: what a test waits for.
    pub(super) read: bool,
}

impl RawRequest {
    /// The first value of the field, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The method: the first word of the request line.
    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// The request target: the second word of the request line.
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

/// A connection as a [`RawServer`](crate::RawServer) saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawConnection {
    /// Bytes that came and belong to no request.
    pub extra: Bytes,
    /// Whether the client closed it, or shut down its writing side, before the server did.
    pub client_closed: bool,
    /// Whether it is over.
    pub over: bool,
    /// Why the script could not go on, where it could not.
    pub fault: Option<String>,
}

/// What was seen so far, and a bell for those who wait for more.
#[derive(Clone, Debug)]
pub(super) struct Log(watch::Sender<Seen>);

#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) connections: Vec<RawConnection>,
    pub(super) requests: Vec<RawRequest>,
}

impl Log {
    pub(super) fn new() -> Log {
        Log(watch::Sender::new(Seen::default()))
    }

    /// Notes a new connection and tells its number.
    pub(super) fn connected(&self) -> usize {
        let mut number = 0;
        self.0.send_modify(|seen| {
            number = seen.connections.len();
            seen.connections.push(RawConnection::default());
        });
        number
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Seen)) {
        self.0.send_modify(change);
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.0.borrow())
    }

    /// Waits for something that a client does. Where the environment has a call of IO fail, it may never be done: that is
    /// told by a panic, within twenty seconds of the fault.
    pub(super) async fn wait_for(&self, what: &str, until: impl FnMut(&Seen) -> bool) {
        let faults = Faults::from_env();
        tokio::select! {
            () = self.wait(until) => {}
            fault = faults.given_up() => panic!("{fault}, and no client came with {what}"),
        }
    }

    pub(super) async fn wait(&self, until: impl FnMut(&Seen) -> bool) {
        // The sender lives in `self`: the channel cannot be closed meanwhile.
        let _ = self.0.subscribe().wait_for(until).await;
    }
}
