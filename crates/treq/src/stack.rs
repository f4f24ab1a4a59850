//! The order of the layers. Only this file knows it.

use http::Request;
use tower_layer::Layer;
use tower_service::Service;
use treq_agent::{Agent, HttpConnector};
use treq_core::{Body, Target};
use treq_decode::{Decode, DecodeLayer};
use treq_pool::{Pool, PoolLayer};
use treq_redirect::{Redirect, RedirectLayer};

use crate::https::Https;

/// From a target to a connection on which HTTP is spoken.
pub(crate) type Connecting<C> = HttpConnector<Https<C>, Body>;

/// The agent over the pool, and the pool for those who ask for its figures.
pub(crate) type Pooling<C> = Pool<Connecting<C>, treq_agent::HttpConnection<Body>>;

/// What every request goes through, from the network up to the caller's own layers.
pub(crate) type Layered<A> = Decode<Redirect<A>>;

/// One line and one reason a layer.
pub(crate) fn stack<C, A>(
    connect: Connecting<C>,
    pool: &PoolLayer,
    agent_layers: &A,
    redirect: &RedirectLayer,
    decode: &DecodeLayer,
) -> (Layered<A::Service>, Pooling<C>)
where
    Connecting<C>: Service<Target, Response = treq_agent::HttpConnection<Body>>,
    A: Layer<Agent<Pooling<C>>>,
    A::Service: Service<Request<Body>> + Clone,
{
    // Connections are kept above the handshake, so that TLS and HTTP/2 are negotiated once.
    let pool = pool.layer(connect);
    // The agent knows whether bytes have left, so the one safe resend is its business.
    let agent = Agent::new(pool.clone());
    // The caller's layers that want to see what goes over the network.
    let agent = agent_layers.layer(agent);
    // Above what belongs to one origin, so that each hop is judged by its own.
    let redirect = redirect.layer(agent);
    // Outermost, so that no answer is decoded but the one that the caller gets.
    let decode = decode.layer(redirect);
    (decode, pool)
}
