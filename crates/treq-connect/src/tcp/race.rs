use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;

use tokio::time::{Sleep, sleep};

/// A future that connects to addresses in order, staggered, and keeps the first that succeeds
/// ([RFC 8305, section 5](https://www.rfc-editor.org/rfc/rfc8305#section-5)). Dropping it drops every attempt.
///
/// Generic over what "connect" means, so that the race is tested without a socket.
pub(super) struct Race<C, F> {
    waiting: vec::IntoIter<SocketAddr>,
    running: Vec<Attempt<F>>,
    connect: C,
    delay: Duration,
    /// Runs from the start of the latest attempt; made only where another address waits.
    timer: Option<Pin<Box<Sleep>>>,
    started: usize,
    /// Whether the attempt that began last has failed, so that the next one need not wait for the timer.
    latest_failed: bool,
    /// Of the failures so far the one that says most.
    telling: Option<io::Error>,
}

struct Attempt<F> {
    nth: usize,
    addr: SocketAddr,
    connecting: Pin<Box<F>>,
}

impl<C, F, T> Race<C, F>
where
    C: FnMut(SocketAddr) -> F,
    F: Future<Output = io::Result<T>>,
{
    pub(super) fn new(addrs: Vec<SocketAddr>, delay: Duration, connect: C) -> Race<C, F> {
        Race {
            waiting: addrs.into_iter(),
            running: Vec::new(),
            connect,
            delay,
            timer: None,
            started: 0,
            latest_failed: false,
            telling: None,
        }
    }

    fn poll_running(&mut self, cx: &mut Context<'_>) -> Poll<(SocketAddr, T)> {
        let mut index = 0;
        while let Some(attempt) = self.running.get_mut(index) {
            match attempt.connecting.as_mut().poll(cx) {
                Poll::Ready(Ok(stream)) => return Poll::Ready((attempt.addr, stream)),
                Poll::Ready(Err(error)) => {
                    let failed = self.running.remove(index);
                    self.latest_failed |= failed.nth == self.started;
                    self.note(error);
                }
                Poll::Pending => index += 1,
            }
        }
        Poll::Pending
    }

    /// Whether the next attempt may begin.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            Some(timer) if !self.running.is_empty() && !self.latest_failed => timer.as_mut().poll(cx),
            _ => Poll::Ready(()),
        }
    }

    fn start(&mut self, addr: SocketAddr) {
        self.started += 1;
        self.latest_failed = false;
        self.running.push(Attempt { nth: self.started, addr, connecting: Box::pin((self.connect)(addr)) });
        if self.waiting.len() > 0 {
            // Not `reset`, which takes a point in time: with a delay of `Duration::MAX` there is none.
            self.timer = Some(Box::pin(sleep(self.delay)));
        }
    }

    /// Keeps the first error, unless that one only says that this machine has no way there (as for every IPv6 address
    /// on a machine without IPv6) and this one says more.
    fn note(&mut self, error: io::Error) {
        if self.telling.as_ref().is_none_or(|kept| is_unreachable(kept) && !is_unreachable(&error)) {
            self.telling = Some(error);
        }
    }
}

impl<C, F, T> Future for Race<C, F>
where
    C: FnMut(SocketAddr) -> F + Unpin,
    F: Future<Output = io::Result<T>>,
{
    type Output = Result<(SocketAddr, T), io::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            if let Poll::Ready(won) = this.poll_running(cx) {
                return Poll::Ready(Ok(won));
            }
            if this.waiting.len() == 0 {
                return if this.running.is_empty() {
                    Poll::Ready(Err(this.telling.take().unwrap_or(io::ErrorKind::AddrNotAvailable.into())))
                } else {
                    Poll::Pending
                };
            }
            if this.poll_turn(cx).is_pending() {
                return Poll::Pending;
            }
            if let Some(addr) = this.waiting.next() {
                this.start(addr);
            }
        }
    }
}

fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, HostUnreachable, NetworkUnreachable, Unsupported};
    matches!(error.kind(), AddrNotAvailable | HostUnreachable | NetworkUnreachable | Unsupported)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::pending;
    use std::rc::Rc;

    use tokio::time::Instant;

    use super::*;

    /// What the attempt at an address does after so many milliseconds.
    #[derive(Clone, Copy)]
    enum Then {
        Connects(u64),
        Fails(u64, io::ErrorKind),
        Hangs,
    }
    use Then::{Connects, Fails, Hangs};
    use io::ErrorKind::{ConnectionRefused, NetworkUnreachable, TimedOut};

    /// Runs a race of scripted attempts: who won after how many milliseconds, or which error it was, and when each
    /// attempt began.
    async fn run(script: &[Then]) -> (Result<usize, io::ErrorKind>, u128, Vec<u128>) {
        let began = Instant::now();
        let starts = RefCell::new(Vec::new());
        let addrs = (0..script.len()).map(|nth| SocketAddr::from(([10, 0, 0, nth as u8], 80))).collect();
        let race = Race::new(addrs, Duration::from_millis(250), |addr: SocketAddr| {
            starts.borrow_mut().push(began.elapsed().as_millis());
            let SocketAddr::V4(addr) = addr else { panic!("{addr} is none of ours") };
            let nth = usize::from(addr.ip().octets()[3]);
            let then = script[nth];
            async move {
                match then {
                    Connects(ms) => {
                        sleep(Duration::from_millis(ms)).await;
                        Ok(nth)
                    }
                    Fails(ms, kind) => {
                        sleep(Duration::from_millis(ms)).await;
                        Err(kind.into())
                    }
                    Hangs => pending().await,
                }
            }
        });
        let won = race.await.map(|(_, nth)| nth).map_err(|error| error.kind());
        (won, began.elapsed().as_millis(), starts.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn gives_the_first_address_its_head_start() {
        assert_eq!(run(&[Connects(200), Connects(0)]).await, (Ok(0), 200, vec![0]));
        assert_eq!(run(&[Connects(300), Connects(100)]).await, (Ok(0), 300, vec![0, 250]));
        assert_eq!(run(&[Hangs, Connects(30)]).await, (Ok(1), 280, vec![0, 250]));
        assert_eq!(run(&[Hangs, Hangs, Connects(1)]).await, (Ok(2), 501, vec![0, 250, 500]));
    }

    #[tokio::test(start_paused = true)]
    async fn starts_the_next_at_once_where_the_one_before_failed() {
        let refused = Fails(10, ConnectionRefused);
        assert_eq!(run(&[refused, Connects(5)]).await, (Ok(1), 15, vec![0, 10]));
        assert_eq!(run(&[refused, refused, Connects(5)]).await, (Ok(2), 25, vec![0, 10, 20]));
        // The second begins at 250 and is still young when the first fails: the third keeps its place at 500.
        let late = Fails(300, ConnectionRefused);
        assert_eq!(run(&[late, Hangs, Connects(5)]).await, (Ok(2), 505, vec![0, 250, 500]));
        // A failure of the latest restarts the clock for the one after.
        assert_eq!(run(&[Hangs, refused, Hangs, Connects(5)]).await, (Ok(3), 515, vec![0, 250, 260, 510]));
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_what_is_running_when_no_address_waits() {
        assert_eq!(run(&[Connects(900), Fails(1, ConnectionRefused)]).await, (Ok(0), 900, vec![0, 250]));
    }

    #[tokio::test(start_paused = true)]
    async fn drops_the_losers() {
        let running = Rc::new(());
        let addrs = (0..3).map(|nth| SocketAddr::from(([10, 0, 0, nth], 80))).collect();
        let race = Race::new(addrs, Duration::from_millis(250), |addr: SocketAddr| {
            let running = Rc::clone(&running);
            async move {
                if addr.to_string() != "10.0.0.2:80" {
                    pending::<()>().await;
                }
                Ok(Rc::strong_count(&running))
            }
        });
        let (addr, at_the_end) = race.await.unwrap();
        assert_eq!((addr.to_string().as_str(), at_the_end), ("10.0.0.2:80", 4));
        assert_eq!(Rc::strong_count(&running), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn fails_with_the_error_that_says_most() {
        let unreachable = Fails(0, NetworkUnreachable);
        for (script, wanted) in [
            (vec![Fails(0, ConnectionRefused), Fails(0, TimedOut)], ConnectionRefused),
            (vec![unreachable, Fails(0, ConnectionRefused)], ConnectionRefused),
            (vec![Fails(0, ConnectionRefused), unreachable], ConnectionRefused),
            (vec![unreachable, unreachable], NetworkUnreachable),
            (vec![], io::ErrorKind::AddrNotAvailable),
        ] {
            assert_eq!(run(&script).await.0, Err(wanted));
        }
    }
}
