//! What is done with a request above the agent: its proxy is chosen, and a forward proxy's challenge answered.

mod future;
mod kept;
mod layer;
mod service;

pub use future::RoutedFuture;
pub use layer::RouteLayer;
pub use service::Routed;
