//! What programs do with a client: keep it, name its types, pass it on. That they compile is most of what is tested.

use std::convert::Infallible;
use std::future::Future;
use std::sync::LazyLock;

use http::{Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt as _};
use treq::body::{BodyStream, ResponseBody};
use treq::cookies::{Cookies, CookiesLayer};
use treq::redirect::{Redirect, RedirectLayer};
use treq::retry::{Retry, RetryLayer};
use treq::{Body, Client, Jar, ResponseFuture};
use treq_httpbin::Server;

/// A struct that holds a client.
#[derive(Clone, Debug)]
struct Shop {
    client: Client,
}

/// One that is generic over what answers.
struct Over<S>(S);

impl<S> Over<S>
where
    S: Service<Request<Body>, Response = Response<ResponseBody>, Error = treq::Error> + Clone,
{
    async fn status(&self, url: &str) -> Result<u16, treq::Error> {
        let request = Request::get(url).body(Body::empty()).unwrap();
        Ok(self.0.clone().oneshot(request).await?.status().as_u16())
    }
}

#[tokio::test]
async fn a_client_is_kept_in_structs() {
    let server = Server::start().await.unwrap();
    let url = server.url("/get");
    let shop = Shop { client: Client::new() };
    assert_eq!(shop.clone().client.get(&url).await.unwrap().status(), 200);
    assert_eq!(Over(shop.client.clone()).status(&url).await.unwrap(), 200);
    assert_eq!(Over(&shop.client).status(&url).await.unwrap(), 200);
    assert_eq!(Over(BoxCloneSyncService::new(shop.client)).status(&url).await.unwrap(), 200);
}

/// A stack in its own type, which has a name.
struct Stacked {
    service: treq::stack::Stack,
}

#[tokio::test]
async fn a_stack_is_kept_in_a_struct() {
    type Erased = BoxCloneSyncService<
        Request<Body>,
        Response<http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, treq::Error>>,
        treq::Error,
    >;

    let server = Server::start().await.unwrap();
    let request = || Request::get(server.url("/get")).body(Body::empty()).unwrap();
    let stacked = Stacked { service: Client::builder().into_stack().unwrap().into_service() };
    assert_eq!(stacked.service.clone().oneshot(request()).await.unwrap().status(), 200);
    let boxed = stacked.service.map_response(|response| response.map(http_body_util::combinators::UnsyncBoxBody::new));
    let erased: Erased = BoxCloneSyncService::new(boxed);
    assert_eq!(erased.oneshot(request()).await.unwrap().status(), 200);
}

fn told(
    client: &Client,
    url: &str,
) -> impl Future<Output = Result<treq::Response, treq::Error>> + Send + 'static + use<> {
    client.get(url).send()
}

/// A request under way, and the body of another.
struct Held {
    sent: ResponseFuture,
    body: BodyStream,
}

#[tokio::test]
async fn futures_and_streams_have_names() {
    let server = Server::start().await.unwrap();
    let (client, url) = (Client::new(), server.url("/bytes/10"));
    let body = told(&client, &url).await.unwrap().into_stream();
    let held = Held { sent: client.get(&url).send(), body };
    let pieces: Vec<_> = futures_util::StreamExt::collect(held.body).await;
    assert_eq!(pieces.into_iter().map(|piece| piece.unwrap().len()).sum::<usize>(), 10);
    assert_eq!(held.sent.await.unwrap().content().await.unwrap().len(), 10);
}

#[derive(Clone)]
struct Echo;

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        std::future::ready(Ok(Response::new(request.into_body())))
    }
}

#[tokio::test]
async fn layers_over_another_client_have_a_type_to_write() {
    let stack: Redirect<Cookies<Retry<Echo>, Jar>> =
        RedirectLayer::new().layer(CookiesLayer::with(Jar::new()).layer(RetryLayer::new().layer(Echo)));
    let request = Request::put("http://a.test/").body(Body::from("tea")).unwrap();
    let response = stack.oneshot(request).await.unwrap();
    assert_eq!(http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes(), "tea");
}

#[derive(Debug)]
enum ShopError {
    Http(treq::Error),
    SoldOut,
}

impl From<treq::Error> for ShopError {
    fn from(error: treq::Error) -> ShopError {
        match error.status() {
            Some(http::StatusCode::GONE) => ShopError::SoldOut,
            _ => ShopError::Http(error),
        }
    }
}

async fn buy(client: &Client, url: String) -> Result<String, ShopError> {
    Ok(client.post(url).await?.error_for_status().await?.text().await?)
}

#[tokio::test]
async fn errors_become_those_of_the_program() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    assert!(matches!(buy(&client, server.url("/status/410")).await, Err(ShopError::SoldOut)));
    assert!(matches!(buy(&client, server.url("/status/500")).await, Err(ShopError::Http(error)) if error.is_status()));
    assert!(buy(&client, server.url("/anything")).await.is_ok());
    let boxed: Box<dyn std::error::Error + Send + Sync> = client.get("ftp://a.test/").await.unwrap_err().into();
    assert!(boxed.to_string().contains("ftp"));
}

/// What a program asks of a client, with a mock for tests.
trait Fetch {
    fn fetch(&self, url: &str) -> impl Future<Output = Result<treq::Response, treq::Error>> + Send;
}

impl Fetch for Client {
    fn fetch(&self, url: &str) -> impl Future<Output = Result<treq::Response, treq::Error>> + Send {
        self.get(url).send()
    }
}

struct Mock;

impl Fetch for Mock {
    async fn fetch(&self, _: &str) -> Result<treq::Response, treq::Error> {
        Ok(Response::builder().status(201).body(Body::from("mocked")).unwrap().into())
    }
}

async fn status(fetch: &impl Fetch, url: &str) -> u16 {
    fetch.fetch(url).await.unwrap().status().as_u16()
}

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);

#[tokio::test]
async fn a_client_stands_behind_a_trait_and_in_a_static() {
    let server = Server::start().await.unwrap();
    assert_eq!(status(&Mock, "http://a.test/").await, 201);
    assert_eq!(status(&*CLIENT, &server.url("/get")).await, 200);
    assert_eq!(status(&Client::default(), &server.url("/get")).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_shared_by_tasks_and_threads() {
    let server = Server::start().await.unwrap();
    let (client, url) = (Client::new(), server.url("/get"));
    let tasks = (0..4).map(|_| tokio::spawn(client.get(&url).send()));
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap().unwrap().status(), 200);
    }
    // The server is driven by this runtime's other thread.
    #[cfg(feature = "blocking")]
    std::thread::spawn(move || {
        let client = treq::blocking::Client::new().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(client.get(&url).send().unwrap().status(), 200));
            }
        });
    })
    .join()
    .unwrap();
}
