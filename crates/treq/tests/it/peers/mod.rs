//! Real servers and proxies, started by `cargo xtask peers`, which names them in the environment. Without them these
//! tests say so and do nothing.

#[cfg(feature = "testing")]
mod cassettes;
mod digest;
mod multipart;
mod proxies;
mod servers;
mod socks;

use std::sync::{Arc, Mutex};

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};
use treq::auth::{Digest, Scheme};
use treq::error::BoxError;
use treq::{Client, Proxies, Proxy, Response, TlsConfig};
use treq_auth::{Challenges, Outgoing, SentHead, Step};

/// The value of a variable, or a line that says what is missing.
fn peer(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        println!("skipped: {name} is not set; `cargo xtask peers` starts the peers");
    }
    value
}

fn tls() -> Option<TlsConfig> {
    Some(TlsConfig::builder().roots_pem_file(peer("TREQ_PEER_CA")?).build().unwrap())
}

/// A client whose every request goes through that proxy.
fn through(proxy: Proxy) -> Client {
    let builder = Client::builder().proxy(Proxies::all(proxy));
    tls().into_iter().fold(builder, |builder, tls| builder.tls(tls)).build().unwrap()
}

/// Whether it has come over a connection to that address, `127.0.0.1:PORT`.
fn came_from(response: &Response, addr: &str) -> bool {
    let peer = response.facts().unwrap().connection().peer.addr();
    peer == Some(addr.parse().unwrap())
}

/// Digest, with a record of what it was told.
struct Watched {
    digest: Digest,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[derive(Clone, Debug)]
enum Seen {
    /// A challenge, of a 401 or a 407, that is to be answered.
    Asked,
    /// What the caller got for these credentials; without any their parameters are empty.
    Got { status: u16, nc: String, nonce: String, qop: String, algorithm: String },
}

impl Watched {
    fn new(user: &str, password: &str) -> (Watched, Arc<Mutex<Vec<Seen>>>) {
        let seen = Arc::default();
        (Watched { digest: Digest::new(user, password), seen: Arc::clone(&seen) }, seen)
    }
}

/// What happened, in order: `asked`, or `200 for 2` where a nonce was used for the second time.
fn story(seen: &Mutex<Vec<Seen>>) -> Vec<String> {
    let told = |seen: &Seen| match seen {
        Seen::Asked => "asked".to_owned(),
        Seen::Got { status, nc, .. } => format!("{status} for {}", u32::from_str_radix(nc, 16).unwrap_or(0)),
    };
    seen.lock().unwrap().iter().map(told).collect()
}

impl Scheme for Watched {
    fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        self.digest.authorize(request)
    }

    fn listens(&self) -> bool {
        self.digest.listens()
    }

    fn answer(&self, challenges: &Challenges, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        let step = self.digest.answer(challenges, request)?;
        // Where the body is to be hashed first, it is asked once more with the hash.
        if !matches!(step, Step::Hash(_)) {
            self.seen.lock().unwrap().push(Seen::Asked);
        }
        Ok(step)
    }

    fn accept(&self, sent: &SentHead<'_>, status: StatusCode, response: &HeaderMap) -> Result<(), BoxError> {
        // Credentials are written as challenges are.
        let mut fields = HeaderMap::new();
        fields.extend(sent.authorization().map(|field| (WWW_AUTHENTICATE, field.clone())));
        let credentials = Challenges::parse(&fields, &WWW_AUTHENTICATE);
        let said = |name: &str| {
            let value = credentials.iter().next().and_then(|credentials| credentials.param(name));
            String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
        };
        let (nc, nonce, qop, algorithm) = (said("nc"), said("nonce"), said("qop"), said("algorithm"));
        self.seen.lock().unwrap().push(Seen::Got { status: status.as_u16(), nc, nonce, qop, algorithm });
        self.digest.accept(sent, status, response)
    }
}
