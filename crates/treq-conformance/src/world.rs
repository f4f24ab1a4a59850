//! Every host of the world in one scripted server, and what the whole client sends there.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Uri, uri};
use tower::util::MapRequestLayer;
use treq::{Body, Client, ClientBuilder, Error, RequestBuilder, Response};
use treq_testing::{RawRequest, RawServer, Step};

/// One exchange with its redirects.
pub(crate) struct Played {
    pub(crate) outcome: Result<Response, Error>,
    /// Each request that went out, in order.
    pub(crate) seen: Vec<Seen>,
}

/// A request: the URL that the client sent it to, and what stood on the wire.
pub(crate) struct Seen {
    pub(crate) url: Uri,
    pub(crate) wire: RawRequest,
}

/// Sends what `request` makes to servers that give these answers, one after the other, whatever they are asked.
///
/// Each answer ends its connection, so that the next one comes from the next hop's host. Pipes in memory stand for the
/// network. TLS is left out: the last layer before the agent makes http of https, so that all that decides about
/// redirects and cookies has seen the URL as it is.
pub(crate) async fn play(
    builder: ClientBuilder,
    answers: impl IntoIterator<Item = Vec<u8>>,
    request: impl FnOnce(&Client) -> RequestBuilder,
) -> Result<Played, String> {
    let mut server = RawServer::builder();
    for answer in answers {
        server = server.connection([Step::ReadRequest, Step::send(answer), Step::Close]);
    }
    let server = server.start_in_memory();
    let urls = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&urls);
    let plain = MapRequestLayer::new(move |mut request: Request<Body>| {
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(request.uri().clone());
        if let Some(url) = in_the_clear(request.uri()) {
            *request.uri_mut() = url;
        }
        request
    });
    let client = builder.agent_layer(plain).connector(server.connector()).build();
    let outcome = request(&client.map_err(|error| error.to_string())?).await;
    let urls = std::mem::take(&mut *urls.lock().unwrap_or_else(PoisonError::into_inner));
    let wire = server.requests();
    if urls.len() != wire.len() {
        return Err(format!("{} requests were made, {} arrived", urls.len(), wire.len()));
    }
    Ok(Played { outcome, seen: urls.into_iter().zip(wire).map(|(url, wire)| Seen { url, wire }).collect() })
}

/// The same place of the same server by http; none where it is http already.
fn in_the_clear(url: &Uri) -> Option<Uri> {
    if url.scheme_str() != Some("https") {
        return None;
    }
    let mut parts = url.clone().into_parts();
    parts.scheme = Some(uri::Scheme::HTTP);
    Uri::from_parts(parts).ok()
}

/// An answer without a body.
pub(crate) fn answer(status: u64, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut wire = format!("HTTP/1.1 {status} Answer\r\n").into_bytes();
    for (name, value) in fields {
        wire.extend_from_slice(name.as_bytes());
        wire.extend_from_slice(b": ");
        wire.extend_from_slice(value);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"Content-Length: 0\r\nConnection: close\r\n\r\n");
    wire
}
