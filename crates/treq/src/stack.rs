//! The client as a tower stack in its own type: for another stack to stand on.
//!
//! [`ClientBuilder::into_stack`](crate::ClientBuilder::into_stack) makes a [`Builder`], and that a [`Stack`].

// The order of the layers, but for those of the detour. No other file knows it.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;
use treq_agent::{Agent, AgentBody, HttpConnection, HttpHandshake};
use treq_connect::TcpConnect;
use treq_core::{Body, Error, Facts, Target};
use treq_decode::{Decode, DecodeBody, DecodeLayer};
use treq_pool::{Pool, PoolLayer, PooledBody};
use treq_proxy::ProxyConnect;
use treq_redirect::{Redirect, RedirectLayer};
use treq_timeout::{
    ByBody, ConnectTimeout, ConnectTimeoutLayer, Deadline, DeadlineBody, DeadlineLayer, Timeout, TimeoutBody,
    TimeoutLayer, WhenInFlight,
};

use crate::defaults::{Defaults, Fields};
use crate::detour::{Detour, DetourLayer};
use crate::https::Https;

pub use crate::erased::BoxService;
pub use crate::typed::Builder;

/// From a target to a connection on which HTTP is spoken.
pub(crate) type Connecting<C> = HttpHandshake<Https<Proxied<C>>, Body>;

/// The caller's connector, or a proxy between.
pub(crate) type Proxied<C> = ProxyConnect<C, Https<C>>;

/// The pool, for those who ask for its figures.
pub(crate) type Pooling<C> = Pool<ConnectTimeout<Connecting<C>>, HttpConnection<Body>>;

/// What the caller's layers next to the agent stand on: the agent with its pool and its limits of time.
pub type Wire<C = TcpConnect> = Timeout<Agent<Pooling<C>>, ByBody, WhenInFlight>;

/// All layers over what talks to the network, `S`: a [`Wire`] with the caller's layers around it.
#[derive(Clone, Debug)]
pub struct Stack<S = Wire>(Layered<S>);

/// The body of a response of a [`Stack`], where that of what talks to the network is `B`.
pub type StackBody<B> = DeadlineBody<DecodeBody<B>>;

impl<S> Service<Request<Body>> for Stack<S>
where
    Layered<S>: Service<Request<Body>>,
{
    type Response = <Layered<S> as Service<Request<Body>>>::Response;
    type Error = <Layered<S> as Service<Request<Body>>>::Error;
    type Future = <Layered<S> as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    #[inline(always)]
    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.call(request)
    }
}

/// What every request goes through, from the network up to the caller's own layers.
pub(crate) type Layered<A> = Defaults<Deadline<Decode<Redirect<Detour<WithCookies<A>>>>>>;

pub(crate) type WithCookies<A> = treq_cookies::Cookies<A, crate::cookie_store::AnyStore>;

/// The body of an answer that comes from these layers alone.
pub(crate) type LayeredBody = StackBody<TimeoutBody<PooledBody<AgentBody, HttpConnection<Body>>>>;

/// What is known of the exchange: read off the body, which is free, where an extension would take three allocations.
pub(crate) fn facts(body: &LayeredBody) -> Option<&Facts> {
    body.get_ref()?.get_ref().get_ref()?.get_ref().facts()
}

/// The layers, set up.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    pub(crate) connect_timeout: ConnectTimeoutLayer,
    pub(crate) pool: PoolLayer,
    pub(crate) resend: bool,
    pub(crate) timeouts: TimeoutLayer,
    pub(crate) cookies: treq_cookies::CookiesLayer<crate::cookie_store::AnyStore>,
    pub(crate) detour: DetourLayer,
    pub(crate) redirect: RedirectLayer,
    pub(crate) decode: DecodeLayer,
    pub(crate) deadline: DeadlineLayer,
}

impl Layers {
    /// The defaults.
    pub(crate) fn new(jar: &treq_cookies::Jar) -> Layers {
        Layers {
            connect_timeout: ConnectTimeoutLayer::new(),
            pool: PoolLayer::new(),
            resend: true,
            timeouts: TimeoutLayer::new(),
            cookies: treq_cookies::CookiesLayer::with(crate::cookie_store::AnyStore::new(jar.clone())),
            detour: DetourLayer::default(),
            redirect: RedirectLayer::new(),
            decode: DecodeLayer::new(),
            deadline: DeadlineLayer::new(),
        }
    }
}

/// One line and one reason a layer.
pub(crate) fn stack<C, A>(
    connect: Connecting<C>,
    layers: &Layers,
    fields: Option<Arc<Fields>>,
    agent_layers: &A,
) -> (Stack<A::Service>, Pooling<C>)
where
    Connecting<C>: Service<Target, Response = HttpConnection<Body>, Error = Error>,
    A: Layer<Wire<C>>,
    A::Service: Service<Request<Body>> + Clone,
{
    // Around all that makes a connection: resolving, TCP, TLS and the handshake share one limit.
    let connect = layers.connect_timeout.layer(connect);
    // Connections are kept above the handshake, so that TLS and HTTP/2 are negotiated once.
    let pool = layers.pool.layer(connect);
    // The agent knows whether bytes have left, so the one safe resend is its business.
    let agent = Agent::new(pool.clone()).resend(layers.resend);
    // Next to the agent, so that each hop and each attempt has its time, from when it is on a connection.
    let timed = layers.timeouts.clone().uploads(ByBody).when_in_flight().layer(agent);
    // The caller's layers that want to see what goes over the network.
    let agent = agent_layers.layer(timed);
    // Within redirects, so that every hop has its cookies and each answer's are kept.
    let agent = layers.cookies.layer(agent);
    // Above cookies, what only some requests have need of: it is layers of its own.
    let agent = layers.detour.layer(agent);
    // Above what belongs to one origin, so that each hop is judged by its own.
    let redirect = layers.redirect.layer(agent);
    // Above redirects, so that no answer is decoded but the one that the caller gets.
    let decode = layers.decode.layer(redirect);
    // Outside of all that takes time, so that nothing escapes the deadline, a slow decoder included.
    let deadline = layers.deadline.layer(decode);
    // Outermost, so that all others see the request as it is meant, and a redirect knows whose fields they are.
    (Stack(Defaults::new(deadline, fields)), pool)
}
