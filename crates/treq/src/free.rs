use bytes::Bytes;
use http::Method;
use treq_core::{BoxError, Error};

use crate::request::Async;
use crate::{ChunkOutcome, Data, IntoUrl, RequestBuilder, Response, default_client};

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

/// A POST request whose body is sent as it is, on the default client of this runtime: a file, a reader, bytes. Its type is
/// `application/octet-stream` unless `data` or [`header`](RequestBuilder::header) says otherwise, its method POST unless
/// [`method`](RequestBuilder::method) does.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// # let server = treq_httpbin::Server::start().await.unwrap();
/// let mut response = treq::upload(server.url("/put"), "a,b").method("PUT").header("content-type", "text/csv").await?;
/// let echo: serde_json::Value = response.json().await?;
/// assert_eq!((&echo["data"], &echo["headers"]["Content-Type"]), (&"a,b".into(), &"text/csv".into()));
/// # Ok(()) }
/// ```
pub fn upload(url: impl IntoUrl, data: impl Data) -> RequestBuilder {
    RequestBuilder::on_default(default_client(), Async, Method::POST, url).upload(data)
}

/// Hands each piece of the body to `collector`; see [`Response::collect`].
///
/// # Errors
///
/// As there.
pub async fn collect<R: ChunkOutcome>(response: &mut Response, collector: impl FnMut(Bytes) -> R) -> Result<(), Error> {
    response.collect(collector).await
}

/// The whole body; see [`Response::content`].
///
/// # Errors
///
/// As there.
pub async fn content(response: &mut Response) -> Result<Bytes, Error> {
    response.content().await
}

/// The whole body as text; see [`Response::text`].
///
/// # Errors
///
/// As there.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// # let server = treq_httpbin::Server::start().await.unwrap();
/// let mut response = treq::get(server.url("/get")).await?;
/// assert!(treq::text_content(&mut response).await?.starts_with('{'));
/// # Ok(()) }
/// ```
pub async fn text_content(response: &mut Response) -> Result<String, Error> {
    response.text().await
}

/// The whole body as JSON; see [`Response::json`].
///
/// # Errors
///
/// As there.
#[cfg(feature = "json")]
pub async fn json_content<T: serde::de::DeserializeOwned>(response: &mut Response) -> Result<T, Error> {
    response.json().await
}
