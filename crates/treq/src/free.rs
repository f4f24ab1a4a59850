use http::Method;
use treq_core::BoxError;

use crate::global::default_client;
use crate::into_url::IntoUrl;
use crate::request::{Async, RequestBuilder};

/// A request with any method, on the default client of this runtime.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// # let server = treq_httpbin::Server::start().await.unwrap();
/// let response = treq::request("TRACE", server.url("/get")).await?;
/// assert_eq!(response.status(), 405);
/// # Ok(()) }
/// ```
pub fn request<M>(method: M, url: impl IntoUrl) -> RequestBuilder
where
    M: AsRef<str> + TryInto<Method>,
    M::Error: Into<BoxError>,
{
    RequestBuilder::on_default(default_client(), Async, method, url)
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident = $method:ident),+ $(,)?) => {$(
        $(#[$doc])*
        pub fn $verb(url: impl IntoUrl) -> RequestBuilder {
            RequestBuilder::on_default(default_client(), Async, Method::$method, url)
        }
    )+};
}

verbs! {
    /// A GET request on the default client of this runtime.
    get = GET,
    /// A HEAD request on the default client of this runtime.
    head = HEAD,
    /// A POST request on the default client of this runtime.
    post = POST,
    /// A PUT request on the default client of this runtime.
    put = PUT,
    /// A PATCH request on the default client of this runtime.
    patch = PATCH,
    /// A DELETE request on the default client of this runtime.
    delete = DELETE,
    /// An OPTIONS request on the default client of this runtime.
    options = OPTIONS,
}
