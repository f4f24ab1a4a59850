use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use treq_core::{Connection, ConnectionId, Error, Exchange, ExchangeError, Hold, Kind, Resend, Wire};

use crate::PooledBody;
use crate::lease::Lease;

/// A connection out of a pool, for one exchange: what a [`Pool`](crate::Pool) yields.
///
/// Dropped without an exchange it goes back; dropped during one it is closed (a shared one goes on without the
/// exchange). With the answer, the lease passes to the body.
pub struct Pooled<C: Connection> {
    /// `None` once the lease has passed to the body.
    lease: Option<Lease<C>>,
}

impl<C: Connection> Pooled<C> {
    pub(crate) fn new(lease: Lease<C>) -> Pooled<C> {
        Pooled { lease: Some(lease) }
    }

    fn connection(&self) -> Option<&C> {
        self.lease.as_ref().and_then(Lease::connection)
    }

    fn connection_mut(&mut self) -> Option<&mut C> {
        self.lease.as_mut().and_then(Lease::connection_mut)
    }
}

impl<C: Connection> Connection for Pooled<C> {
    fn is_open(&self) -> bool {
        self.connection().is_some_and(C::is_open)
    }

    fn is_ready(&self) -> bool {
        self.connection().is_some_and(C::is_ready)
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self.connection_mut() {
            Some(connection) => connection.poll_ready(cx),
            None => Poll::Ready(Err(Error::new(Kind::Other, "the exchange on this pooled connection is over"))),
        }
    }

    fn share(&self) -> Option<Pooled<C>> {
        // Sharing is the pool's business: ask it for another.
        None
    }

    fn id(&self) -> Option<ConnectionId> {
        self.connection().and_then(C::id)
    }

    fn is_reused(&self) -> bool {
        self.connection().is_some_and(C::is_reused)
    }

    fn idle_hint(&self) -> Option<Duration> {
        self.connection().and_then(C::idle_hint)
    }

    fn is_persistent(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::is_kept)
    }
}

impl<B, C: Exchange<B>> Exchange<B> for Pooled<C> {
    type Body = PooledBody<C::Body, C>;

    #[inline(always)]
    fn begin(&mut self, request: Request<B>) {
        if let Some(lease) = &mut self.lease {
            lease.set_clean(false);
            if let Some(connection) = lease.connection_mut() {
                connection.begin(request);
            }
        }
    }

    fn wire(&self) -> Option<Wire<'_>> {
        self.connection().and_then(C::wire)
    }

    #[inline(always)]
    fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<Self::Body>, ExchangeError<B>>> {
        let Some(connection) = self.connection_mut() else { return Poll::Pending };
        // Matched as a whole, since each binding moves it.
        match connection.poll_response(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(response)) => {
                let (head, body) = response.into_parts();
                // Only a response without a body hands its connection over.
                let hold = if body.is_end_stream() { head.extensions.get::<Hold>() } else { None };
                if let Some(hold) = hold {
                    // The stream that comes out of it has the place until it ends.
                    hold.keep(self.lease.take());
                }
                Poll::Ready(Ok(Response::from_parts(head, PooledBody::new(body, self.lease.take()))))
            }
            Poll::Ready(Err(refused)) => {
                if let Some(lease) = self.lease.as_mut().filter(|_| refused.error.resend() == Resend::Safe) {
                    lease.set_refused();
                }
                self.lease = None;
                Poll::Ready(Err(refused))
            }
        }
    }
}

impl<C: Connection> fmt::Debug for Pooled<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled").field("reused", &self.is_reused()).finish_non_exhaustive()
    }
}
