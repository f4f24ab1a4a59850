use std::collections::HashMap;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tower_service::Service;
use treq_core::{Body, BoxError, Connected, Error, Kind, Origin, Peer, Resend, Target};

use crate::counts::Counts;
use crate::pipe::{ServerEnd, pipe};
use crate::tasks::{Tasks, lock};
use crate::{Arrival, MemoryConnector, Pipe};

/// A tower service behind real HTTP bytes in memory: a server without a socket.
///
/// hyper's server reads and writes bounded pipes whose other ends the [connector](MemoryServer::connector) hands out.
/// It speaks HTTP/1.1, and HTTP/2 to a client that begins with its preface, and it hands on upgrades. Nothing reads a
/// clock, so it runs in paused time. A service finds an [`Arrival`] among the extensions of each request; one that fails
/// cuts the connection. Dropping the server ends all its tasks, and with them the connections.
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

/// A service with its types erased.
type App = Arc<dyn Fn(Request<Body>) -> Answer + Send + Sync>;

impl MemoryServer {
    /// A server that answers for every host, whatever its name.
    pub fn new<S, B>(service: S) -> MemoryServer
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        MemoryServer::over(Some(app(service)))
    }

    /// The same server, with another service for one host: `a.test`, or `a.test:8080` for one port of it.
    ///
    /// A server that began as [`MemoryServer::default`] knows only the hosts that are given here; connecting to another
    /// fails with [`Kind::Resolve`].
    #[must_use]
    pub fn host<S, B>(self, name: &str, service: S) -> MemoryServer
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        lock(&self.inner.hosts).insert(name.to_ascii_lowercase().into(), app(service));
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
    server.tasks.spawn(serve(app, arrival, end, server.tasks.clone()));
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
        let hosts = lock(&self.hosts);
        let with_port = format!("{}:{}", origin.host(), origin.port());
        let app = hosts.get(with_port.as_str()).or_else(|| hosts.get(origin.host())).or(self.any.as_ref());
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

fn serve(app: App, arrival: Arrival, end: ServerEnd, tasks: Tasks) -> impl Future<Output = ()> + Send {
    let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(arrival.clone());
        app(request.map(Body::stream))
    });
    let server = auto::Builder::new(tasks);
    let mut connection = Box::pin(server.serve_connection_with_upgrades(TokioIo::new(end), service).into_owned());
    // An error here is a client that broke off or broke the rules, or a service that failed: the client sees each of
    // them as the end of its connection. (`poll_fn`: of an `async` block rustc cannot tell that it is `Send`.)
    std::future::poll_fn(move |cx| connection.as_mut().poll(cx).map(drop))
}

fn app<S, B>(service: S) -> App
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    // A service need not be `Sync`; it is only cloned under the lock.
    let service = Mutex::new(service);
    Arc::new(move |request| {
        let mut service = lock(&service).clone();
        Box::pin(async move {
            std::future::poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
            let response = service.call(request).await.map_err(Into::into)?;
            Ok(response.map(Body::stream))
        })
    })
}
