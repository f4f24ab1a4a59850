use std::collections::HashMap;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{Request, Response, StatusCode};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use treq_core::{Body, BoxError, Connected, Error, Kind, Origin, Peer, Resend, Target};

use crate::broken_off::BrokenOff;
use crate::counts::Counts;
use crate::pipe::{ServerEnd, pipe};
use crate::tasks::{Tasks, lock};
use crate::{Arrival, HttpService, MemoryConnector, Pipe, hosts};

/// A tower service behind real HTTP bytes in memory: a server without a socket.
///
/// hyper's server reads and writes bounded pipes whose other ends the [connector](MemoryServer::connector) hands out.
/// It speaks HTTP/1.1, and HTTP/2 to a client that begins with its preface, and it hands on upgrades. Nothing reads a
/// clock, so it runs in paused time. A service finds an [`Arrival`] among the extensions of each request; one that fails
/// cuts the connection, and its error is printed. Dropping the server ends all its tasks, and with them the connections.
///
/// ```
/// # use std::convert::Infallible;
/// use http::{Request, Response};
/// use treq_core::Body;
/// use treq_testing::MemoryServer;
///
/// let greeting = |text: &'static str| {
///     tower::service_fn(move |_: Request<Body>| async move { Ok::<_, Infallible>(Response::new(Body::from(text))) })
/// };
/// let any_host = MemoryServer::new(greeting("hello"));
/// let two_hosts = MemoryServer::default().host("a.test", greeting("a")).host("b.test:8080", greeting("b"));
/// # assert_eq!(any_host.connections() + two_hosts.open(), 0);
/// ```
#[derive(Debug)]
pub struct MemoryServer {
    inner: Arc<Inner>,
}

struct Inner {
    /// The service for every host that is not named.
    any: Option<App>,
    hosts: Mutex<HashMap<Box<str>, App>>,
    knobs: Mutex<Knobs>,
    handshake: Mutex<Option<Handshake>>,
    counts: Counts,
    tasks: Tasks,
}

#[derive(Clone, Copy, Debug)]
struct Knobs {
    capacity: usize,
    delay: Duration,
    refuse: usize,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

/// What makes a stream of plain bytes of one for an https URL.
type Handshake =
    Arc<dyn Fn(ServerEnd) -> Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>> + Send + Sync>;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin> Stream for IO {}

/// A service with its types erased.
type App = Arc<dyn Fn(Request<Body>) -> Answer + Send + Sync>;

impl MemoryServer {
    /// A server that answers for every host, whatever its name.
    pub fn new(service: impl HttpService) -> MemoryServer {
        MemoryServer::over(Some(app(service)))
    }

    /// The same server, with another service for one host: `a.test`, or `a.test:8080` for one port of it.
    ///
    /// A server that began as [`MemoryServer::default`] knows only the hosts that are given here; connecting to another
    /// fails with [`Kind::Resolve`]. IPv6 addresses stand in brackets where a port follows.
    ///
    /// # Panics
    ///
    /// Where the name is none of a host, such as a URL.
    #[must_use]
    #[track_caller]
    pub fn host(self, name: &str, service: impl HttpService) -> MemoryServer {
        match hosts::normal(name) {
            Ok(name) => lock(&self.inner.hosts).insert(name.into(), app(service)),
            // A mistake in the test, told at its place.
            Err(why) => panic!("{why}"),
        };
        self
    }

    /// The same server, whose pipes keep at most so many bytes in each direction: 64 KiB unless told otherwise.
    #[must_use]
    pub fn capacity(self, bytes: usize) -> MemoryServer {
        lock(&self.inner.knobs).capacity = bytes.max(1);
        self
    }

    /// The same server, to which connecting takes so long.
    #[must_use]
    pub fn connect_delay(self, delay: Duration) -> MemoryServer {
        lock(&self.inner.knobs).delay = delay;
        self
    }

    /// The same server, which speaks TLS on connections for https URLs: `handshake` makes the stream on which HTTP is spoken,
    /// as `move |end| acceptor.accept(end)` does with an acceptor of tokio-rustls; one that fails ends the connection.
    /// Without it nothing is encrypted here. HTTP/2 is spoken where the client begins so, whatever ALPN said.
    ///
    /// ```
    /// use treq_testing::MemoryServer;
    ///
    /// # let service = tower::service_fn(|_: http::Request<treq_core::Body>| async move {
    /// #     Ok::<_, std::convert::Infallible>(http::Response::new(treq_core::Body::empty()))
    /// # });
    /// // No handshake at all: as good as none.
    /// let server = MemoryServer::new(service).tls(|end| async move { Ok(end) });
    /// # assert_eq!(server.connections(), 0);
    /// ```
    #[must_use]
    pub fn tls<F, H, IO>(self, handshake: F) -> MemoryServer
    where
        F: Fn(ServerEnd) -> H + Send + Sync + 'static,
        H: Future<Output = io::Result<IO>> + Send + 'static,
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let boxed: Handshake = Arc::new(move |end| {
            let handshake = handshake(end);
            Box::pin(async move { Ok(Box::new(handshake.await?) as Box<dyn Stream>) })
        });
        *lock(&self.inner.handshake) = Some(boxed);
        self
    }

    /// Refuses the next `count` attempts to connect, with [`Kind::Connect`].
    pub fn refuse_next(&self, count: usize) {
        lock(&self.inner.knobs).refuse = count;
    }

    /// A connector whose connections end here. It fails once the server is dropped.
    pub fn connector(&self) -> MemoryConnector {
        let server = Arc::downgrade(&self.inner);
        MemoryConnector::new(move |target| connect(Weak::clone(&server), target))
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.inner.counts.made()
    }

    /// How many connections the client still holds.
    pub fn open(&self) -> usize {
        self.inner.counts.open()
    }

    /// Starts a task that ends with the server.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn(task);
    }

    /// Waits until the client has closed all its connections.
    pub async fn wait_closed(&self) {
        self.inner.counts.none_open().await;
    }

    /// Closes every connection at once, idle or not: what a client sees when a server restarts.
    pub fn disconnect(&self) {
        self.inner.tasks.abort_all();
    }

    fn over(any: Option<App>) -> MemoryServer {
        let knobs = Knobs { capacity: 64 * 1024, delay: Duration::ZERO, refuse: 0 };
        let inner = Inner {
            any,
            hosts: Mutex::default(),
            knobs: Mutex::new(knobs),
            handshake: Mutex::default(),
            counts: Counts::default(),
            tasks: Tasks::default(),
        };
        MemoryServer { inner: Arc::new(inner) }
    }
}

/// A server that knows no host yet.
impl Default for MemoryServer {
    fn default() -> MemoryServer {
        MemoryServer::over(None)
    }
}

impl Drop for MemoryServer {
    fn drop(&mut self) {
        self.inner.tasks.end();
    }
}

async fn connect(server: Weak<Inner>, target: Target) -> Result<Connected<Pipe>, Error> {
    let arrival = Arrival::of(&target);
    let origin = arrival.origin();
    let delay = lock(&alive(&server, origin)?.knobs).delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let server = alive(&server, origin)?;
    let app = server.app(origin)?;
    let capacity = server.admit(origin)?;
    let peer = Peer::Memory(origin.host().into());
    let (client, end) = pipe(capacity, server.counts.opened());
    let tasks = server.tasks.clone();
    // What comes by a `Secure` route goes in the clear.
    let handshake = if target.origin.is_https() { lock(&server.handshake).clone() } else { None };
    match handshake {
        None => server.tasks.spawn(serve(app, arrival, end, tasks)),
        Some(handshake) => server.tasks.spawn(async move {
            // One that fails is the client's to tell: its end of the pipe is closed.
            if let Ok(stream) = handshake(end).await {
                serve(app, arrival, stream, tasks).await;
            }
        }),
    }
    Ok(Connected::new(client, peer))
}

fn alive(server: &Weak<Inner>, origin: &Origin) -> Result<Arc<Inner>, Error> {
    server.upgrade().ok_or_else(|| refused(format!("the memory server that answered for {origin} was dropped")))
}

fn refused(message: String) -> Error {
    Error::new(Kind::Connect, message)
        .with_resend(Resend::Safe)
        .with_source(io::Error::from(io::ErrorKind::ConnectionRefused))
}

impl Inner {
    /// The service for an origin: that of host and port, else that of the host, else that of every host.
    fn app(&self, origin: &Origin) -> Result<App, Error> {
        let known = lock(&self.hosts);
        let [with_port, name] = hosts::names(origin);
        let app = known.get(with_port.as_str()).or_else(|| known.get(name.as_str())).or(self.any.as_ref());
        app.map(Arc::clone).ok_or_else(|| {
            let message = format!("the memory server knows no host {with_port:?}: add it with MemoryServer::host");
            Error::new(Kind::Resolve, message).with_resend(Resend::Safe)
        })
    }

    /// Takes the capacity for a new pipe, unless this attempt is to be refused.
    fn admit(&self, origin: &Origin) -> Result<usize, Error> {
        let mut knobs = lock(&self.knobs);
        match knobs.refuse.checked_sub(1) {
            Some(left) => {
                knobs.refuse = left;
                Err(refused(format!("the memory server refuses a connection to {origin}, as it was told to")))
            }
            None => Ok(knobs.capacity),
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("knobs", &self.knobs).field("counts", &self.counts).finish_non_exhaustive()
    }
}

fn serve<IO>(app: App, arrival: Arrival, stream: IO, tasks: Tasks) -> impl Future<Output = ()> + Send
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(arrival.clone());
        app(request.map(Body::new))
    });
    let server = auto::Builder::new(tasks);
    let mut connection = Box::pin(server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned());
    // An error here is a client that broke off or broke the rules, or a service that failed: the client sees each of
    // them as the end of its connection. (`poll_fn`: of an `async` block rustc cannot tell that it is `Send`.)
    std::future::poll_fn(move |cx| connection.as_mut().poll(cx).map(drop))
}

fn app(service: impl HttpService) -> App {
    // A service need not be `Sync`; it is only cloned under the lock.
    let service = Mutex::new(service);
    Arc::new(move |request| {
        let mut service = lock(&service).clone();
        Box::pin(async move {
            std::future::poll_fn(|cx| service.poll_ready(cx)).await.map_err(told)?;
            let response = service.call(request).await.map_err(told)?;
            Ok(wrong_length(&response).unwrap_or_else(|| response.map(|body| Body::new(BrokenOff::new(body)))))
        })
    })
}

/// The service's error, printed as its panic would be: the client sees only the end of its connection.
#[allow(clippy::print_stderr, reason = "there is nobody else to tell")]
fn told(error: impl Into<BoxError>) -> BoxError {
    let error = error.into();
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let causes: String = causes.map(|cause| format!(": {cause}")).collect();
    eprintln!("the service behind the memory server failed: {error}{causes}");
    error
}

/// What the client is told instead of an answer whose `Content-Length` is not its body's: hyper's server panics over it in
/// debug builds, and sends what it is given in others.
fn wrong_length(response: &Response<impl http_body::Body>) -> Option<Response<Body>> {
    let announced = response.headers().get(CONTENT_LENGTH)?;
    let length = response.body().size_hint().exact().filter(|length| *length > 0)?;
    if announced.as_bytes() == length.to_string().as_bytes() {
        return None;
    }
    let message = format!(
        "the service behind the memory server answers with Content-Length: {announced:?} and a body of {length} bytes: \
         leave the field out, or give it the body's length (a RawServer sends wrong ones)"
    );
    let mut told = Response::new(Body::from(message));
    *told.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    Some(told)
}
