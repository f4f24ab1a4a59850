//! Schemes that wait, and schemes for proxies, over sockets.

use std::future::pending;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::Notify;
use treq::auth::{AuthLayer, Digest, Scheme};
use treq::auth::{Challenges, Outgoing, Step as Answer};
use treq::error::TooManyWaits;
use treq::error::{BoxError, Phase};
use treq::{Client, Error, Kind, Origin, Proxies, Proxy};
use treq_testing::{RawServer, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const NO: &str = "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 2\r\n\r\nno";
const PROXY_NO: &str = "HTTP/1.1 407 No\r\nProxy-Authenticate: Bearer\r\nContent-Length: 2\r\n\r\nno";
const DIGEST: &str = "HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n\
                      Content-Length: 4\r\n\r\nnope";

/// A server that gives these responses in turn, on one connection.
async fn answering(answers: &[&'static str]) -> RawServer {
    let steps = answers.iter().flat_map(|answer| [Step::ReadRequest, Step::send(*answer)]);
    RawServer::builder().connection(steps).start().await
}

fn fields(server: &RawServer, name: &str) -> Vec<String> {
    server.requests().iter().map(|request| request.header(name).unwrap_or("-").to_owned()).collect()
}

/// The token of a token server: fetched before the first request, and again when it is refused.
struct Token {
    client: Client,
    url: String,
    token: Arc<Mutex<Option<HeaderValue>>>,
}

impl Token {
    fn of(url: String) -> Token {
        Token { client: Client::new(), url, token: Arc::default() }
    }

    /// One whose server hands out tok-1, tok-2 and so on.
    async fn start() -> (Arc<Token>, RawServer) {
        let steps = (1..5).flat_map(|number| {
            let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntok-{number}");
            [Step::ReadRequest, Step::send(response)]
        });
        let server = RawServer::builder().connection(steps).start().await;
        (Arc::new(Token::of(server.url("/token"))), server)
    }
}

impl Scheme for Token {
    fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Answer, BoxError> {
        assert!(!request.headers().contains_key("x-try"), "the request is as it was given");
        let waits = request.waits();
        request.headers_mut().insert("x-try", waits.into());
        match self.token.lock().unwrap().clone() {
            Some(token) if request.refused() != Some(&token) => {
                request.authorize(token);
                Ok(Answer::Send)
            }
            _ if request.waits() > 0 => Ok(Answer::Return),
            _ => {
                let (get, token) = (self.client.get(&self.url), Arc::clone(&self.token));
                Ok(Answer::wait(async move {
                    let fresh = get.await?.error_for_status().await?.text().await?;
                    *token.lock().unwrap() = Some(format!("Bearer {fresh}").parse()?);
                    Ok(())
                }))
            }
        }
    }

    fn listens(&self) -> bool {
        true
    }

    fn answer(&self, _: &Challenges, request: &mut Outgoing<'_>) -> Result<Answer, BoxError> {
        self.authorize(request)
    }
}

fn with_scheme(server: &RawServer, scheme: impl Scheme) -> Client {
    let origin = Origin::from_uri(&server.url("/").parse().unwrap()).unwrap();
    Client::builder().auth_layer(AuthLayer::new().credentials(origin, scheme)).build().unwrap()
}

fn through(server: &RawServer, scheme: impl Scheme, tunnel: bool) -> Client {
    let proxy = Proxy::try_from(server.url("")).unwrap().auth(scheme).always_tunnel(tunnel);
    Client::builder().proxy(Proxies::all(proxy)).build().unwrap()
}

#[tokio::test]
async fn a_token_is_fetched_first_and_once_more_when_it_is_refused() {
    let (token, tokens) = Token::start().await;
    let server = answering(&[OK, NO, OK, NO, NO]).await;
    let client = with_scheme(&server, token);
    for (status, fetched) in [(200, 1), (200, 2), (401, 3)] {
        let response = client.post(server.url("/")).body("tea").await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(tokens.requests().len(), fetched);
        drop(response);
    }
    let sent = fields(&server, "authorization");
    assert_eq!(sent, ["Bearer tok-1", "Bearer tok-1", "Bearer tok-2", "Bearer tok-2", "Bearer tok-3"]);
    assert_eq!(fields(&server, "x-try"), ["1", "0", "1", "0", "1"]);
    assert!(server.requests().iter().all(|request| &request.body[..] == b"tea"));
}

#[tokio::test]
async fn one_that_is_not_renewed_is_not_fetched_again_and_again() {
    const SAME: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntok-1";
    let (tokens, server) = (answering(&[SAME, SAME, SAME]).await, answering(&[NO, OK]).await);
    let client = with_scheme(&server, Token::of(tokens.url("/token")));
    assert_eq!(client.get(server.url("/")).await.unwrap().status(), 401);
    assert_eq!((tokens.requests().len(), server.requests().len()), (2, 1));
}

#[tokio::test]
async fn a_shared_scheme_serves_two_clients() {
    let (token, tokens) = Token::start().await;
    let scheme: Arc<dyn Scheme> = token;
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(OK)]).repeat_last().start().await;
    for client in [with_scheme(&server, Arc::clone(&scheme)), with_scheme(&server, scheme)] {
        assert_eq!(client.get(server.url("/")).await.unwrap().status(), 200);
    }
    assert_eq!(fields(&server, "authorization"), ["Bearer tok-1"; 2]);
    assert_eq!((server.connections(), tokens.requests().len()), (2, 1));
}

#[tokio::test]
async fn digest_opens_a_tunnel_and_the_next_one_unasked() {
    let first =
        [Step::ReadHead, Step::send(DIGEST), Step::ReadHead, Step::send(OPEN), Step::ReadRequest, Step::send(OK)];
    let second = [Step::ReadHead, Step::send(OPEN), Step::ReadRequest, Step::send(OK)];
    let server = RawServer::builder().connection(first).connection(second).start().await;
    let client = through(&server, Digest::new("ada", "s3cret"), true);
    for url in ["http://a.test/", "http://b.test/"] {
        assert_eq!(client.get(url).await.unwrap().status(), 200);
    }
    let sent = fields(&server, "proxy-authorization");
    // A tunnel's requests are the origin's, and have nothing of the proxy's.
    let [none, a, inside_a, b, inside_b] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!([none, inside_a, inside_b], ["-"; 3]);
    assert!(a.contains("uri=\"a.test:80\"") && a.contains("nc=00000001"), "{a}");
    assert!(b.contains("uri=\"b.test:80\"") && b.contains("nc=00000002"), "{b}");
}

#[tokio::test]
async fn digest_covers_the_body_for_a_proxy() {
    const COVERS: &str = "HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"\r\n\
                          Content-Length: 0\r\n\r\n";
    for tunnel in [false, true] {
        let answers: &[&str] = if tunnel { &[COVERS, OPEN, OK] } else { &[COVERS, OK] };
        let server = answering(answers).await;
        let client = through(&server, Digest::new("ada", "s3cret"), tunnel);
        assert_eq!(client.get("http://a.test/").await.unwrap().status(), 200);
        assert!(fields(&server, "proxy-authorization")[1].contains("qop=auth-int"));
    }
    let server = answering(&[COVERS, OK, OK]).await;
    let client = through(&server, Digest::new("ada", "s3cret"), false);
    for _ in 0..2 {
        assert_eq!(client.post("http://a.test/").body("tea").await.unwrap().status(), 200);
    }
    let sent = fields(&server, "proxy-authorization");
    assert!(sent[1..].iter().all(|field| field.contains("qop=auth-int")), "{sent:?}");
    assert!(server.requests().iter().all(|request| &request.body[..] == b"tea"));
}

#[tokio::test]
async fn a_proxy_gets_the_token_that_was_waited_for() {
    for tunnel in [false, true] {
        let (token, tokens) = Token::start().await;
        let answers: &[&str] = if tunnel { &[PROXY_NO, OPEN, OK] } else { &[PROXY_NO, OK] };
        let server = answering(answers).await;
        let client = through(&server, token, tunnel);
        let response = client.post("http://a.test/").body("tea").await.unwrap();
        assert_eq!(response.status(), 200);
        let sent = fields(&server, "proxy-authorization");
        assert_eq!(sent[..2], ["Bearer tok-1", "Bearer tok-2"]);
        assert_eq!((sent.get(2).map(|field| &**field), tokens.requests().len()), (tunnel.then_some("-"), 2));
        assert_eq!(fields(&server, "x-try")[..2], ["1", "1"]);
        assert_eq!(&server.requests().last().unwrap().body[..], b"tea");
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_refusal_of_the_token_server_is_the_callers_and_nothing_is_sent() {
    const DOWN: &str = "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n";
    for (proxy, tunnel) in [(false, false), (true, false), (true, true)] {
        let (tokens, server) = (answering(&[DOWN]).await, answering(&[OK]).await);
        let scheme = Token::of(tokens.url("/token"));
        let client = if proxy { through(&server, scheme, tunnel) } else { with_scheme(&server, scheme) };
        let url = if proxy { "http://a.test/".to_owned() } else { server.url("/") };
        let error = client.get(url).await.unwrap_err();
        assert_eq!(error.kind(), if proxy { Kind::Proxy } else { Kind::Status });
        assert_eq!(error.find::<treq::error::StatusError>().unwrap().status(), 503);
        assert_eq!((tokens.requests().len(), server.connections()), (1, 0));
    }
}

/// Waits without end: each time shortly, or once and forever.
struct Waiter {
    forever: bool,
    /// Alive as long as somebody waits.
    alive: Arc<Mutex<Weak<()>>>,
    begun: Arc<Notify>,
}

impl Waiter {
    fn new(forever: bool) -> Waiter {
        Waiter { forever, alive: Arc::default(), begun: Arc::default() }
    }
}

impl Scheme for Waiter {
    fn authorize(&self, _: &mut Outgoing<'_>) -> Result<Answer, BoxError> {
        if !self.forever {
            return Ok(Answer::wait(async { Ok(()) }));
        }
        let (guard, begun) = (Arc::new(()), Arc::clone(&self.begun));
        *self.alive.lock().unwrap() = Arc::downgrade(&guard);
        Ok(Answer::wait(async move {
            begun.notify_one();
            pending::<()>().await;
            drop(guard);
            Ok(())
        }))
    }
}

/// The error of a GET: from the server, through it, and through a tunnel.
async fn fails(scheme: fn() -> Waiter, get: fn(treq::RequestBuilder) -> treq::RequestBuilder) -> Vec<Error> {
    let server = answering(&[OK]).await;
    let clients = [
        (with_scheme(&server, scheme()), server.url("/")),
        (through(&server, scheme(), false), "http://a.test/".to_owned()),
        (through(&server, scheme(), true), "http://a.test/".to_owned()),
    ];
    let mut errors = Vec::new();
    for (client, url) in clients {
        errors.push(get(client.get(url)).await.unwrap_err());
    }
    assert_eq!(server.connections(), 0);
    errors
}

#[tokio::test]
async fn a_scheme_that_waits_without_end_is_an_error_with_its_number() {
    let errors = fails(|| Waiter::new(false), |get| get).await;
    assert_eq!(errors.iter().map(Error::kind).collect::<Vec<_>>(), [Kind::Auth, Kind::Proxy, Kind::Proxy]);
    for error in errors {
        assert_eq!(error.find::<TooManyWaits>().map(TooManyWaits::limit), Some(16));
        let text = error.to_string();
        assert!(text.contains("16 waits") && text.contains("Step::Send"), "{text}");
    }
}

#[tokio::test]
async fn the_timeout_of_the_request_counts_what_a_scheme_waits() {
    for error in fails(|| Waiter::new(true), |get| get.timeout(Duration::from_millis(20))).await {
        assert_eq!(error.kind(), Kind::Timeout(Phase::Total), "{error}");
    }
}

#[tokio::test]
async fn a_request_that_is_dropped_waits_no_longer() {
    let server = answering(&[OK]).await;
    for way in 0..3 {
        let waiter = Waiter::new(true);
        let (alive, begun) = (Arc::clone(&waiter.alive), Arc::clone(&waiter.begun));
        let client = match way {
            0 => with_scheme(&server, waiter),
            _ => through(&server, waiter, way == 2),
        };
        let url = if way == 0 { server.url("/") } else { "http://a.test/".to_owned() };
        tokio::select! {
            response = client.get(url) => panic!("{response:?}"),
            () = begun.notified() => {}
        }
        assert!(alive.lock().unwrap().upgrade().is_none(), "{way}");
        let stats = client.pool().unwrap().stats();
        assert_eq!((stats.open, stats.connecting), (0, 0), "{way}: {stats:?}");
    }
    assert_eq!(server.connections(), 0);
}
