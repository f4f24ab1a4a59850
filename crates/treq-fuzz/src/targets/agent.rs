//! Bytes of a server, read by the agent.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use treq_agent::{Agent, HttpHandshake};
use treq_core::{Body, Error, HttpVersion, Kind};
use treq_testing::{RawServer, Step};

use super::block_on;
use crate::oracle::{SECRET, tells_nothing};

const METHODS: [&str; 4] = ["GET", "HEAD", "POST", "CONNECT"];

/// The first byte says which method the request has and how the wire is cut.
pub(super) fn http1(input: &[u8]) {
    let Some((&how, wire)) = input.split_first() else { return };
    let method = METHODS[usize::from(how % 3)];
    let script = |sent: Step| [Step::ReadHead, sent, Step::Close];
    let whole = ask(method, HttpVersion::Http1, script(Step::send(Bytes::copy_from_slice(wire))));
    let size = [1, 3, 16, 500][usize::from(how / 4) % 4].max(wire.len() / 2_000);
    let cuts = (1..=wire.len() / size).map(|at| at * size);
    let pieced = ask(method, HttpVersion::Http1, script(Step::send_split(Bytes::copy_from_slice(wire), cuts)));
    assert_eq!(whole, pieced, "{method}, cut at each {size}: {}", wire.escape_ascii());
}

/// The input follows an empty SETTINGS frame, the server's preface.
pub(super) fn http2(input: &[u8]) {
    const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
    let Some((&how, frames)) = input.split_first() else { return };
    let method = METHODS[usize::from(how % 3)];
    // The client's preface, SETTINGS and WINDOW_UPDATE come before its request; what is behind is read at the end.
    let wire = [SETTINGS, frames].concat();
    let sent = match how / 4 % 2 {
        0 => Step::send(wire),
        _ => Step::trickle(wire, 1 + frames.len() / 7, std::time::Duration::from_millis(1)),
    };
    let _ = ask(method, HttpVersion::Http2, [Step::ReadBytes(24), sent, Step::sleep_ms(50), Step::Close]);
}

/// The response as far as it came, and the error.
#[derive(Debug, PartialEq)]
struct Outcome {
    head: Option<(StatusCode, HeaderMap)>,
    bytes: Bytes,
    trailers: Option<HeaderMap>,
    failed: Option<Kind>,
}

fn ask(method: &str, http_version: HttpVersion, script: impl IntoIterator<Item = Step>) -> Outcome {
    block_on(async {
        let server = RawServer::builder().connection(script).repeat_last().start_in_memory();
        let agent = Agent::new(HttpHandshake::new(server.connector()));
        let url = format!("http://raw.test/x?{SECRET}");
        let request =
            Request::builder().method(method).uri(url).header("authorization", SECRET).extension(http_version);
        let request = request.body(if method == "POST" { Body::from("abc") } else { Body::empty() });
        let mut outcome = Outcome { head: None, bytes: Bytes::new(), trailers: None, failed: None };
        let response = match agent.oneshot(request.expect("a request")).await {
            Ok(response) => response,
            Err(error) => {
                outcome.failed = Some(checked(&error));
                return outcome;
            }
        };
        let (head, mut body) = response.into_parts();
        outcome.head = Some((head.status, head.headers));
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            match frame.map(|frame| frame.into_data().map_err(|frame| frame.into_trailers())) {
                Ok(Ok(data)) => bytes.extend_from_slice(&data),
                Ok(Err(trailers)) => outcome.trailers = trailers.ok(),
                Err(error) => outcome.failed = Some(checked(&error)),
            }
            if outcome.failed.is_some() {
                break;
            }
        }
        drop(body);
        outcome.bytes = bytes.into();
        server.wait_closed().await;
        outcome
    })
}

fn checked(error: &Error) -> Kind {
    tells_nothing(error);
    match error.kind() {
        // hyper looks at a head again once its end is there: of one that is no HTTP and has none it says that it was cut, unless
        // it came at once.
        Kind::Connect => Kind::Protocol,
        other => other,
    }
}
