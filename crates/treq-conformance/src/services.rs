//! The suites that `treq-testing` has for any client, over treq and over a client of somebody else's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::{Layer, Service};
use tower_http::decompression::DecompressionLayer;
use tower_http::follow_redirect::FollowRedirectLayer;
use treq::testing::InMemory;
use treq_core::{Body, BoxError, Origin, Target};
use treq_testing::suite::{self, Report};
use treq_testing::{MemoryConnector, Pipe};

/// The word for all of them on the command line.
pub const NAME: &str = "services";

/// Cases that treq's defaults answer otherwise, each with the reason.
pub const LISTED: &[(&str, &str)] = &[(
    "a_folded_line_is_one_value",
    "treq refuses folded lines unless ClientBuilder::folded_fields is on (threat H1-17), though RFC 9112, section 5.2, has a \
     user agent take them",
)];

/// What each client made of the suites.
pub struct Services {
    /// treq with its defaults, which must pass but for what is [`LISTED`].
    pub treq: Report,
    /// hyper-util's pooling client below tower-http's redirects and codings: a known quantity to compare with. What it
    /// leaves to its callers, such as cookies, fails here; nothing is judged.
    pub tower_http: Report,
}

impl Services {
    /// Plays all suites over both, in time of their own.
    ///
    /// # Errors
    ///
    /// Where no runtime can be had.
    pub fn run() -> Result<Services, String> {
        // Time is paused: what waits for a client that hangs is over at once.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.map_err(|error| format!("no runtime: {error}"))?.block_on(async {
            let listed = |name: &str| LISTED.iter().any(|(listed, _)| *listed == name);
            let treq = suite::all(treq).await.only(|case| !listed(case.name()));
            Ok(Services { treq, tower_http: suite::all(tower_http).await })
        })
    }
}

fn treq(connector: MemoryConnector) -> treq::Client {
    let client = treq::Client::builder().connector(connector).agent_layer(InMemory).build();
    // A panic here is the failure of the case.
    client.unwrap_or_else(|error| panic!("no client: {error}"))
}

fn tower_http(
    connector: MemoryConnector,
) -> impl Service<
    http::Request<Body>,
    Response = http::Response<impl http_body::Body<Data: Send, Error: Into<BoxError>>>,
    Error: Into<BoxError>,
> {
    let client = Client::builder(TokioExecutor::new()).build(ByUri(connector));
    FollowRedirectLayer::new().layer(DecompressionLayer::new().layer(client))
}

/// The connector as hyper-util calls one. It gets https URLs too, whose bytes go in the clear.
#[derive(Clone)]
struct ByUri(MemoryConnector);

impl Service<Uri> for ByUri {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut connector = self.0.clone();
        Box::pin(async move {
            let connected = connector.call(Target::new(Origin::from_uri(&uri)?)).await?;
            Ok(TokioIo::new(Stream(connected.io)))
        })
    }
}

/// A pipe that says of itself what hyper-util asks of a connection.
struct Stream(Pipe);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn treq_passes_and_tower_http_is_told_of() {
        let Services { treq, tower_http } = Services::run().unwrap();
        treq.assert_passed();
        assert_eq!(tower_http.verdicts().len(), treq.verdicts().len() + LISTED.len());
        // The adapter is in order: what the two certainly can do comes through it.
        for name in
            ["follows_302_with_get", "undoes_gzip", "reads_a_body_in_chunks", "credentials_stay_within_an_origin"]
        {
            assert!(tower_http.passed().any(|verdict| verdict.case().name() == name), "{name}\n{tower_http}");
        }
    }
}
