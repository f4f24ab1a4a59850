use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{HeaderMap, Request};
use tower::{Layer, ServiceExt};
use tower_service::Service;
use treq_core::auth::{Challenges, Outgoing, Scheme, SentHead, Step as Answer};
use treq_core::{Body, BoxError, Connected, Error, HttpVersion, Origin, Target, resolve_fn};
use treq_proxy::{NoStream, Proxies, Proxy, ProxyLayer, ProxyStream};
use treq_testing::{Connecting, MemoryConnector, Pipe, RawServer, Step};

/// A connector that notes what it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    connector: MemoryConnector,
    asked: Arc<Mutex<Vec<(String, HttpVersion)>>>,
}

impl Net {
    pub(crate) fn of(server: &RawServer) -> Net {
        Net { connector: server.connector(), asked: Arc::default() }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(origin, _)| origin.clone()).collect()
    }

    pub(crate) fn wishes(&self) -> Vec<HttpVersion> {
        self.asked.lock().unwrap().iter().map(|(_, http_version)| *http_version).collect()
    }
}

impl Service<Target> for Net {
    type Response = Connected<Pipe>;
    type Error = Error;
    type Future = Connecting;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, target: Target) -> Connecting {
        assert!(target.route.is_none(), "a proxy is connected to directly");
        self.asked.lock().unwrap().push((target.origin.to_string(), target.http_version));
        self.connector.call(target)
    }
}

pub(crate) type Stream = ProxyStream<Pipe, NoStream>;

/// Connects to a URL's origin through a proxy that plays these scripts, one for each connection.
pub(crate) async fn connect(
    proxy: Proxy,
    url: &str,
    scripts: &[Vec<Step>],
) -> (Result<Connected<Stream>, Error>, RawServer, Net) {
    let server = scripts.iter().fold(RawServer::builder(), |builder, script| builder.connection(script.clone()));
    let server = server.start_in_memory();
    let net = Net::of(&server);
    let layer = ProxyLayer::new(Proxies::all(proxy))
        .resolver(resolve_fn(|name| async move { panic!("{name:?} is resolved here") }));
    let connected = layer.layer(net.clone()).oneshot(target(url)).await;
    (connected, server, net)
}

pub(crate) fn target(url: &str) -> Target {
    Target::new(origin(url))
}

pub(crate) fn origin(url: &str) -> Origin {
    Origin::from_uri(&url.parse().unwrap()).unwrap()
}

pub(crate) fn proxy(text: &str) -> Proxy {
    Proxy::try_from(text).unwrap()
}

pub(crate) fn get(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).unwrap()
}

/// Answers each challenge by its own text, and notes what it accepted.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    pub(crate) first: bool,
    pub(crate) accepted: Mutex<Vec<String>>,
}

impl Scheme for Echo {
    fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Answer, BoxError> {
        if self.first {
            request.authorize("first".parse()?);
        }
        Ok(Answer::Send)
    }

    fn listens(&self) -> bool {
        true
    }

    fn answer(&self, challenges: &Challenges, request: &mut Outgoing<'_>) -> Result<Answer, BoxError> {
        let Some(challenge) = challenges.iter().next() else { return Ok(Answer::Return) };
        let value = format!("{} {} {}", challenge.scheme(), request.method(), request.target());
        request.authorize(value.parse()?);
        Ok(Answer::Send)
    }

    fn accept(&self, sent: &SentHead<'_>, status: http::StatusCode, _: &HeaderMap) -> Result<(), BoxError> {
        assert!(sent.is_to_proxy());
        let sent = sent.authorization().map_or("-", |value| value.to_str().unwrap());
        self.accepted.lock().unwrap().push(format!("{} {sent}", status.as_u16()));
        Ok(())
    }
}

/// The error with all its causes, as `Display` and as `Debug`.
pub(crate) fn whole(error: &Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}
