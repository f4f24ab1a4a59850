//! A client set up as the original is.

use std::time::Duration;

use http::header::ACCEPT_ENCODING;
use http::{HeaderValue, Request};
use tower::util::MapRequestLayer;
use treq::decode::DecodeLayer;
use treq::options::Follow;
use treq::pool::PoolLayer;
use treq::redirect::RedirectLayer;
use treq::{Body, Client, Jar, TlsConfig};

use crate::World;

/// The client: policy `Strict`, gzip alone, two idle connections for 240 seconds, ISO-8859-1 where nothing is named.
///
/// # Errors
///
/// None that is known.
pub fn client(world: &World, jar: Option<Jar>) -> Result<Client, String> {
    client_with(world, jar, PoolLayer::new())
}

/// The same with more of a pool's settings.
///
/// # Errors
///
/// None that is known.
pub fn client_with(world: &World, jar: Option<Jar>, pool: PoolLayer) -> Result<Client, String> {
    let text = |error: treq::Error| error.to_string();
    Client::builder()
        // Twisted unfolds fields.
        .folded_fields(true)
        .pool_layer(pool.idle_per_host(2).idle_time(Duration::from_secs(240)))
        .redirect_layer(RedirectLayer::new().policy(Follow::Strict))
        .decode_layer(DecodeLayer::new())
        .default_charset("iso-8859-1")
        .jar(jar.unwrap_or_default())
        .tls(TlsConfig::builder().danger_accept_invalid_certs(true).http2(false).build().map_err(text)?)
        .agent_layer(MapRequestLayer::new(gzip_alone))
        .connector(world.connector())
        .build()
        .map_err(text)
}

/// Of all codings that the client offers by itself, the one that the original knows.
fn gzip_alone(mut request: Request<Body>) -> Request<Body> {
    if let Some(offer) = request.headers_mut().get_mut(ACCEPT_ENCODING) {
        if offer.as_bytes().starts_with(b"gzip, ") {
            *offer = HeaderValue::from_static("gzip");
        }
    }
    request
}
