//! The network that the client sees: a connector whose connections end in a script, which notes every byte.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use treq::Error;
use treq::connect::{Connected, Peer, Target};

use crate::wire;

/// What the server does, one thing after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It sends these bytes.
    Send(Vec<u8>),
    /// It closes the connection.
    Close,
    /// It resets the connection.
    Reset,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client did.
    Client,
    /// The server did.
    Server,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Of which connection, the first being 1.
    pub connection: usize,
    /// Where that connection leads: `http://example.com:80`.
    pub to: String,
    /// Head and body.
    pub bytes: Vec<u8>,
}

/// Servers for all hosts that answer by one script, whoever is asked.
#[derive(Clone, Default)]
pub struct World(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    script: VecDeque<Step>,
    /// What is answered behind the end of the script: nothing unless set.
    otherwise: Option<Vec<u8>>,
    lines: Vec<Line>,
    requests: Vec<Received>,
    refuse: bool,
}

struct Line {
    to: String,
    bytes: Vec<u8>,
    end: Option<End>,
    more: UnboundedSender<Step>,
}

/// An answer that says as little as possible.
pub const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

impl World {
    /// With this script: the answer to a request goes as far as the next head.
    pub fn new(script: impl IntoIterator<Item = Step>) -> World {
        let world = World::default();
        world.state().script.extend(script);
        world
    }

    /// What is answered to every request for which the script has nothing.
    #[must_use]
    pub fn otherwise(self, answer: impl Into<Vec<u8>>) -> World {
        self.state().otherwise = Some(answer.into());
        self
    }

    /// The script from here on, in place of what is left of it.
    pub fn then(&self, script: impl IntoIterator<Item = Step>) {
        let mut state = self.state();
        state.script = script.into_iter().collect();
    }

    /// Whether connections are refused from here on.
    pub fn refuse(&self, on: bool) {
        self.state().refuse = on;
    }

    /// Something that a server does now, asked or not. Connections count from 1.
    pub fn act(&self, connection: usize, step: Step) {
        if let Some(line) = self.state().lines.get(connection.wrapping_sub(1)) {
            let _ = line.more.send(step);
        }
    }

    /// The requests that arrived whole, in order.
    pub fn requests(&self) -> Vec<Received> {
        self.state().requests.clone()
    }

    /// Where the connections lead, in the order in which they were opened.
    pub fn connections(&self) -> Vec<String> {
        self.state().lines.iter().map(|line| line.to.clone()).collect()
    }

    /// All bytes that arrived on a connection.
    pub fn bytes(&self, connection: usize) -> Vec<u8> {
        self.state().lines.get(connection.wrapping_sub(1)).map(|line| line.bytes.clone()).unwrap_or_default()
    }

    /// Who ended a connection, where somebody has.
    pub fn end(&self, connection: usize) -> Option<End> {
        self.state().lines.get(connection.wrapping_sub(1)).and_then(|line| line.end)
    }

    /// What the client connects by.
    pub fn connector(&self) -> Connector {
        Connector(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, connection: usize, by: End) {
        if let Some(line) = self.state().lines.get_mut(connection - 1) {
            line.end.get_or_insert(by);
        }
    }

    /// The steps that answer one request.
    fn answer(&self) -> Vec<Step> {
        let mut state = self.state();
        let mut steps: Vec<Step> = state.script.pop_front().into_iter().collect();
        while let (Some(last), Some(next)) = (steps.last(), state.script.front()) {
            let over = match (last, next) {
                (Step::Close | Step::Reset, _) => true,
                (Step::Send(last), Step::Send(next)) => wire::is_head(next) && !wire::is_interim(last),
                (Step::Send(_), Step::Close | Step::Reset) => false,
            };
            if over {
                break;
            }
            steps.extend(state.script.pop_front());
        }
        if steps.is_empty() {
            steps.extend(state.otherwise.clone().map(Step::Send));
        }
        steps
    }
}

/// What a [`World`] is connected to by: it speaks TLS for https, with a certificate of its own.
#[derive(Clone)]
pub struct Connector(World);

impl tower_service::Service<Target> for Connector {
    type Response = Connected<Wire>;
    type Error = Error;
    type Future = Ready<Result<Connected<Wire>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let origin = target.origin;
        let mut state = self.0.state();
        if state.refuse {
            return ready(Err(Error::new(treq::Kind::Connect, "connection refused")));
        }
        let (more, acts) = unbounded_channel();
        let to = format!("{}://{}:{}", origin.scheme().as_str(), origin.host(), origin.port());
        state.lines.push(Line { to: to.clone(), bytes: Vec::new(), end: None, more });
        let number = state.lines.len();
        drop(state);
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let reset = Arc::new(AtomicBool::new(false));
        let server = Server { world: self.0.clone(), number, to, reset: Arc::clone(&reset), acts };
        let host = origin.is_https().then(|| origin.host().to_owned());
        tokio::spawn(server.serve(ours, host));
        ready(Ok(Connected::new(Wire { io: theirs, reset }, Peer::Memory("world".into()))))
    }
}

/// The client's end of a connection.
pub struct Wire {
    io: DuplexStream,
    reset: Arc<AtomicBool>,
}

struct Server {
    world: World,
    number: usize,
    to: String,
    reset: Arc<AtomicBool>,
    acts: UnboundedReceiver<Step>,
}

impl Server {
    async fn serve(self, io: DuplexStream, tls_for: Option<String>) {
        let (world, number) = (self.world.clone(), self.number);
        let by = match tls_for {
            None => self.talk(io).await,
            Some(host) => match acceptor(&host) {
                Some(acceptor) => match acceptor.accept(io).await {
                    Ok(io) => self.talk(io).await,
                    Err(_) => End::Client,
                },
                None => End::Server,
            },
        };
        world.ended(number, by);
    }

    async fn talk(mut self, mut io: impl AsyncRead + AsyncWrite + Unpin) -> End {
        let mut unread = Vec::new();
        let mut piece = [0; 16 * 1024];
        loop {
            if let Some(length) = wire::complete(&unread) {
                let bytes = unread.drain(..length).collect();
                let received = Received { connection: self.number, to: self.to.clone(), bytes };
                self.world.state().requests.push(received);
                for step in self.world.answer() {
                    if let Some(by) = self.act(&mut io, step).await {
                        return by;
                    }
                }
                continue;
            }
            tokio::select! {
                read = io.read(&mut piece) => match read {
                    Ok(0) | Err(_) => return End::Client,
                    Ok(read) => {
                        unread.extend_from_slice(&piece[..read]);
                        if let Some(line) = self.world.state().lines.get_mut(self.number - 1) {
                            line.bytes.extend_from_slice(&piece[..read]);
                        }
                    }
                },
                Some(step) = self.acts.recv() => {
                    if let Some(by) = self.act(&mut io, step).await {
                        return by;
                    }
                }
            }
        }
    }

    async fn act(&self, io: &mut (impl AsyncWrite + Unpin), step: Step) -> Option<End> {
        match step {
            Step::Send(bytes) => {
                if io.write_all(&bytes).await.is_err() || io.flush().await.is_err() {
                    return Some(End::Client);
                }
                // Each piece is read by itself.
                tokio::time::sleep(Duration::from_millis(1)).await;
                None
            }
            Step::Close => {
                self.world.ended(self.number, End::Server);
                let _ = io.shutdown().await;
                Some(End::Server)
            }
            Step::Reset => {
                self.world.ended(self.number, End::Server);
                self.reset.store(true, Ordering::SeqCst);
                Some(End::Server)
            }
        }
    }
}

fn acceptor(host: &str) -> Option<TlsAcceptor> {
    let made = rcgen::generate_simple_self_signed([host.trim_matches(['[', ']']).to_owned()]).ok()?;
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.into()], key.into()).ok()?;
    Some(TlsAcceptor::from(Arc::new(config)))
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        let at_end = matches!(read, Poll::Ready(Ok(()))) && buf.filled().len() == before;
        if at_end && self.reset.load(Ordering::SeqCst) {
            return Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()));
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
