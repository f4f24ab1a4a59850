use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;
use treq_core::{Body, BoxError};

/// A tower service that can stand behind a server of this crate. Whatever fits is one: nobody implements it.
///
/// ```
/// use std::convert::Infallible;
///
/// use http::{Request, Response};
/// use treq_core::Body;
/// use treq_testing::{HttpService, MemoryServer};
///
/// fn behind_pipes(service: impl HttpService) -> MemoryServer {
///     MemoryServer::new(service).capacity(1024)
/// }
/// let tea = tower::service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::from("tea"))) });
/// # assert_eq!(
/// behind_pipes(tea)
/// # .connections(), 0);
/// ```
pub trait HttpService:
    Service<
        Request<Body>,
        Response = Response<<Self as HttpService>::ResponseBody>,
        Error: Into<BoxError>,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
    /// What its answers carry.
    type ResponseBody: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> HttpService for S
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type ResponseBody = B;
}
