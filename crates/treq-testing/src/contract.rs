//! The rules that a tower layer must keep, as one check.
//!
//! [`check`] puts the layer around a mock service that watches how it is used, and panics with the rule that was
//! broken and the name of the layer:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! treq_testing::contract::check(tower_layer::Identity::new()).await;
//! # }
//! ```
//!
//! | rule | broken by |
//! |---|---|
//! | readiness: `call` goes to the very instance whose `poll_ready` said ready | moving a fresh clone into the future |
//! | polling: whoever is pending wakes its task, and a future that is done is not polled again | a `select` in a loop |
//! | clones serve independently of each other | one slot for an answer that all clones share |
//! | cancellation: a future or body dropped at any point frees all it held, and a new request works | a spawned task, a permit not given back |
//! | bodies: data, trailers, `size_hint` and `is_end_stream` pass, both ways | a wrapper without `size_hint` |
//! | errors of the service and of both bodies are found along `source()` | `Err("failed".into())` |
//! | extensions of request and response are kept | a response built anew |
//!
//! The service answers every request with 200. A layer whose purpose goes against one of the rules (a concurrency
//! limit, a cache) cannot pass.

mod bench;
mod bodies;
mod body;
mod cancelling;
mod errors;
mod future;
mod mock;
mod observe;
mod probe;
mod readiness;

use bytes::Bytes;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;
use treq_core::BoxError;

use self::bench::Bench;

pub use self::body::MockBody;
pub use self::future::MockFuture;
pub use self::mock::{Mock, MockError};

/// Checks that `layer` keeps the [rules](self).
///
/// Needs a tokio runtime with time, paused or not.
///
/// # Panics
///
/// On the first broken rule, with the layer's type and the fault.
pub async fn check<L, S, B>(layer: L)
where
    L: Layer<Mock, Service = S>,
    S: Service<Request<MockBody>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let bench = Bench::new(layer);
    readiness::check(&bench).await;
    readiness::check_clones(&bench).await;
    bodies::check_requests(&bench).await;
    bodies::check_responses(&bench).await;
    bodies::check_extensions(&bench).await;
    errors::check(&bench).await;
    cancelling::check_bodies(&bench).await;
    cancelling::check_futures(&bench).await;
    cancelling::check_stalled(&bench).await;
}
