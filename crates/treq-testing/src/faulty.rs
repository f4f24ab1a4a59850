mod env;

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{BoxError, Connected, Error, Kind, Resend, Target};

use crate::tasks::lock;

/// Which calls of IO fail: a plan that is shared by all connections of a test.
///
/// As a `Layer` over a connector it counts every attempt to connect, and every read, write, flush and shutdown on the
/// streams that come of it, in one row; the calls that the plan names fail, and with them their stream, for good; or they
/// [never end](Faults::stalling), so that somebody's timer has to. The row
/// is the same in each run whose tasks take turns in the same order, as on a runtime of one thread with its time paused.
///
/// ```
/// use tokio::io::AsyncWriteExt;
/// use treq_testing::Faults;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let faults = Faults::nth(1);
/// let (near, _far) = tokio::io::duplex(64);
/// let mut stream = faults.stream(near);
/// assert_eq!(stream.write(b"tea").await.unwrap(), 3);
/// assert_eq!(stream.write(b"milk").await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
/// assert_eq!((faults.injected(), faults.calls()), (1, 2));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Faults(Arc<Plan>);

#[derive(Debug, Default)]
struct Plan {
    which: Which,
    stalls: bool,
    calls: AtomicUsize,
    injected: Mutex<Vec<String>>,
    /// Where each call is noted, in a line of its own.
    log: Option<Mutex<File>>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Which {
    #[default]
    None,
    Nth(usize),
    OneIn {
        seed: u64,
        every: u64,
    },
}

/// What a call was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Connect,
    Read,
    Write,
    Flush,
    Shutdown,
}

impl Faults {
    /// None: for the count of [`calls`](Faults::calls).
    pub fn none() -> Faults {
        Faults::of(Which::None)
    }

    /// The `n`-th call, counted from 0, and no other.
    pub fn nth(n: usize) -> Faults {
        Faults::of(Which::Nth(n))
    }

    /// One call in `every`, chosen by the seed: the same seed chooses the same calls. 0 for `every` is none.
    pub fn seeded(seed: u64, every: u64) -> Faults {
        if every == 0 { Faults::none() } else { Faults::of(Which::OneIn { seed, every }) }
    }

    /// The same plan, unused, by which a connect, a read or a write does not fail but never ends, nor does any of its kind after
    /// it: reads stall where the peer says nothing more, writes where it does not read, and the other direction goes on,
    /// uncounted. Flush and shutdown fail all the same: on a socket they wait for nobody.
    #[must_use]
    pub fn stalling(self) -> Faults {
        Faults(Arc::new(Plan { which: self.0.which, stalls: true, ..Plan::default() }))
    }

    /// Whether its calls never end.
    pub fn is_stalling(&self) -> bool {
        self.0.stalls
    }

    fn of(which: Which) -> Faults {
        Faults(Arc::new(Plan { which, ..Plan::default() }))
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// How many of them were made to fail.
    pub fn injected(&self) -> usize {
        lock(&self.0.injected).len()
    }

    /// Which they were, such as `call 7 (Read)`.
    pub fn list(&self) -> Vec<String> {
        lock(&self.0.injected).clone()
    }

    /// A stream whose calls are counted too.
    pub fn stream<IO>(&self, io: IO) -> FaultyIo<IO> {
        FaultyIo { io, faults: self.clone(), state: State::Sound }
    }

    /// Counts an attempt to connect: the error that it is to end with.
    pub(crate) fn connecting(&self) -> Result<(), Error> {
        match self.next(Call::Connect) {
            None => Ok(()),
            Some(why) => {
                let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
                Err(Error::new(Kind::Connect, why).with_resend(Resend::Safe).with_source(refused))
            }
        }
    }

    /// Counts a call; the error that it is to end with, if it is one of those.
    fn next(&self, call: Call) -> Option<String> {
        let number = self.0.calls.fetch_add(1, Ordering::Relaxed);
        let fails = match self.0.which {
            Which::None => false,
            Which::Nth(n) => n == number,
            Which::OneIn { seed, every } => mixed(seed ^ mixed(number as u64)) % every == 0,
        };
        if let Some(log) = &self.0.log {
            let what = if fails { "fails" } else { "goes on" };
            // A log that cannot be written is found too short by whoever reads it.
            let _ = writeln!(lock(log), "{number} {call:?} {what}");
        }
        fails.then(|| {
            let name = format!("call {number} ({call:?})");
            lock(&self.0.injected).push(name.clone());
            format!("a fault was injected at {name}")
        })
    }
}

/// The mixing of SplitMix64: neighbours come out far apart.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A stream some of whose calls fail, by the plan of [`Faults`].
#[derive(Debug)]
pub struct FaultyIo<IO> {
    io: IO,
    faults: Faults,
    state: State,
}

/// What came before decides what comes.
#[derive(Clone, Copy, Debug)]
enum State {
    Sound,
    Broken,
    /// Calls of this kind never end.
    Stalled(Call),
}

impl<IO> FaultyIo<IO> {
    pub(crate) fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Whether a call has failed.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.state, State::Broken)
    }

    /// Ready where the call goes on to the stream. One that stalls is never woken.
    fn poll_check(&mut self, call: Call) -> Poll<io::Result<()>> {
        let why = match self.state {
            State::Sound => self.faults.next(call),
            State::Broken => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            State::Stalled(stalled) if stalled == call => return Poll::Pending,
            State::Stalled(_) => None,
        };
        match why {
            Some(_) if self.faults.0.stalls && matches!(call, Call::Read | Call::Write) => {
                self.state = State::Stalled(call);
                Poll::Pending
            }
            Some(why) => {
                self.state = State::Broken;
                Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, why)))
            }
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for FaultyIo<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_check(Call::Read))?;
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for FaultyIo<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_check(Call::Write))?;
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_check(Call::Flush))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_check(Call::Shutdown))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A connector whose attempts, and whose streams, fail by the plan of [`Faults`].
#[derive(Clone, Debug)]
pub struct FaultyConnect<C> {
    connect: C,
    faults: Faults,
}

impl<C> Layer<C> for Faults {
    type Service = FaultyConnect<C>;

    fn layer(&self, connect: C) -> FaultyConnect<C> {
        FaultyConnect { connect, faults: self.clone() }
    }
}

/// The future of a [`FaultyConnect`].
pub struct FaultyConnecting<IO>(Connecting<IO>);

type Connecting<IO> = Pin<Box<dyn Future<Output = Result<Connected<FaultyIo<IO>>, Error>> + Send>>;

impl<C, IO> Service<Target> for FaultyConnect<C>
where
    IO: 'static,
    C: Service<Target, Response = Connected<IO>>,
    C::Error: Into<BoxError> + 'static,
    C::Future: Send + 'static,
{
    type Response = Connected<FaultyIo<IO>>;
    type Error = Error;
    type Future = FaultyConnecting<IO>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.connect.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, target: Target) -> FaultyConnecting<IO> {
        if let Err(error) = self.faults.connecting() {
            if self.faults.0.stalls {
                return FaultyConnecting(Box::pin(std::future::pending()));
            }
            return FaultyConnecting(Box::pin(async { Err(error) }));
        }
        let (connecting, faults) = (self.connect.call(target), self.faults.clone());
        FaultyConnecting(Box::pin(async move {
            let connected = connecting.await.map_err(Error::from_boxed)?;
            Ok(connected.map(|io| faults.stream(io)))
        }))
    }
}

impl<IO> Future for FaultyConnecting<IO> {
    type Output = Result<Connected<FaultyIo<IO>>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<IO> fmt::Debug for FaultyConnecting<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyConnecting")
    }
}
