use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tower_service::Service;
use treq_core::{BoxError, Connection, Error, Kind, Phase, Resend, Reuse, Target};

use crate::Pooled;
use crate::hosts::HostId;
use crate::lease::Lease;
use crate::queue::Wants;
use crate::shared::Shared;
use crate::state::Decision;

/// The future of a [`Pool`](crate::Pool): ready at once where an idle connection is, boxed where one has to be made or
/// waited for.
pub struct Checkout<C: Connection>(Way<C>);

enum Way<C: Connection> {
    Ready(Option<Lease<C>>),
    Slow(Pin<Box<dyn Future<Output = Result<Lease<C>, Error>> + Send>>),
}

impl<C: Connection> Checkout<C> {
    pub(crate) fn ready(lease: Lease<C>) -> Checkout<C> {
        Checkout(Way::Ready(Some(lease)))
    }

    pub(crate) fn slow(slow: impl Future<Output = Result<Lease<C>, Error>> + Send + 'static) -> Checkout<C> {
        Checkout(Way::Slow(Box::pin(slow)))
    }
}

impl<C: Connection> Future for Checkout<C> {
    type Output = Result<Pooled<C>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Way::Ready(lease) => lease.take().map_or(Poll::Pending, |lease| Poll::Ready(Ok(Pooled::new(lease)))),
            Way::Slow(slow) => slow.as_mut().poll(cx).map_ok(Pooled::new),
        }
    }
}

impl<C: Connection> fmt::Debug for Checkout<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checkout")
    }
}

/// What a pool answers at once.
pub(crate) enum Asked<C: Connection> {
    Lease(Lease<C>),
    Waiting(Waiting<C>),
}

/// A place in the queue; dropping it leaves the queue and passes on what may have been handed over meanwhile.
pub(crate) struct Waiting<C: Connection> {
    pool: Arc<Shared<C>>,
    host: HostId,
    ticket: u64,
    receiver: oneshot::Receiver<Result<Lease<C>, Arc<Error>>>,
}

impl<C: Connection> Drop for Waiting<C> {
    fn drop(&mut self) {
        let (host, ticket) = (self.host, self.ticket);
        self.pool.change(|state, effects| state.dequeue(host, ticket, effects));
    }
}

/// Asks for a connection; who is to wait stands in the queue when this returns.
pub(crate) fn ask<C: Connection>(pool: &Arc<Shared<C>>, target: &Target) -> Asked<C> {
    let now = Instant::now();
    let queued = pool.change(|state, effects| match state.checkout(target, now, effects) {
        Decision::Grant(grant) => Ok(grant),
        Decision::Wait(host) => {
            let (sender, receiver) = oneshot::channel();
            Err((host, state.enqueue(host, sender, Wants::Either(target.reuse), now), receiver))
        }
    });
    match queued {
        Ok(grant) => Asked::Lease(Lease::new(pool, grant)),
        Err((host, ticket, receiver)) => Asked::Waiting(Waiting { pool: Arc::clone(pool), host, ticket, receiver }),
    }
}

/// Waits for a connection, makes one, or sees whether the one it got is still good.
pub(crate) async fn settle<M, C>(
    maker: M,
    pool: Arc<Shared<C>>,
    target: Target,
    asked: Asked<C>,
) -> Result<Lease<C>, Error>
where
    M: Service<Target, Response = C> + Clone + Send + 'static,
    M::Error: Into<BoxError> + 'static,
    M::Future: Send,
    C: Connection,
{
    if let Err(error) = Handle::try_current() {
        let why = "no tokio runtime is running here: connections are made by its tasks";
        return Err(Error::new(Kind::Other, why).with_resend(Resend::Safe).with_source(error));
    }
    let mut asked = asked;
    loop {
        let (mut lease, waited) = match asked {
            Asked::Lease(lease) => (lease, false),
            Asked::Waiting(waiting) => (wait(waiting, pool.limits.wait(), &target).await?, true),
        };
        let Some(connection) = lease.connection_mut() else {
            match make(maker.clone(), &pool, &target, lease).await? {
                Made::New(lease) => return Ok(lease),
                Made::Handed(lease) => {
                    asked = Asked::Lease(lease);
                    continue;
                }
            }
        };
        match poll_fn(|cx| connection.poll_ready(cx)).await {
            Ok(()) => return Ok(lease),
            Err(_) => {
                // It had died meanwhile: nothing was sent. Who has waited keeps the place; else there may be another.
                if waited && lease.reopen() {
                    asked = Asked::Lease(lease);
                    continue;
                }
                lease.set_dead();
                drop(lease);
                asked = ask(&pool, &target);
            }
        }
    }
}

enum Made<C: Connection> {
    /// The connection that was made.
    New(Lease<C>),
    /// One that somebody else gave back meanwhile.
    Handed(Lease<C>),
}

async fn make<M, C>(mut maker: M, pool: &Arc<Shared<C>>, target: &Target, mut room: Lease<C>) -> Result<Made<C>, Error>
where
    M: Service<Target, Response = C> + Send + 'static,
    M::Error: Into<BoxError> + 'static,
    M::Future: Send,
    C: Connection,
{
    let (sender, receiver) = oneshot::channel();
    let host = room.host();
    let stands_by = match target.reuse {
        // One that is to have its own takes no other.
        Reuse::Never => Err(0),
        reuse => pool.change(|state, effects| state.stand_by(host, sender, reuse, Instant::now(), effects)),
    };
    let ticket = match stands_by {
        Ok(grant) => return Ok(Made::Handed(Lease::new(pool, grant))),
        Err(ticket) => ticket,
    };
    let mut waiting = Waiting { pool: Arc::clone(pool), host, ticket, receiver };
    pool.watch_idle();
    let target = target.clone();
    let mut connecting = Box::pin(async move {
        let ready = poll_fn(|cx| maker.poll_ready(cx)).await.map_err(Error::from_boxed);
        let made = match ready {
            Ok(()) => maker.call(target).await.map_err(Error::from_boxed),
            Err(error) => Err(error),
        };
        match made {
            Ok(connection) => Ok((room, connection)),
            Err(error) => Err(room.fail(error)),
        }
    });
    tokio::select! {
        biased;
        made = &mut connecting => {
            let (mut room, connection) = made?;
            room.fill(connection, ticket);
            Ok(Made::New(room))
        }
        Ok(Ok(lease)) = &mut waiting.receiver => {
            // The work done so far is not lost: the connection comes to its end by itself and serves the next.
            tokio::spawn(async move {
                if let Ok((room, connection)) = connecting.await {
                    room.fill_for_others(connection);
                }
            });
            Ok(Made::Handed(lease))
        }
    }
}

async fn wait<C: Connection>(
    mut waiting: Waiting<C>,
    limit: Option<Duration>,
    target: &Target,
) -> Result<Lease<C>, Error> {
    let received = match limit {
        Some(limit) => match tokio::time::timeout(limit, &mut waiting.receiver).await {
            Ok(received) => received,
            Err(elapsed) => {
                let origin = &target.origin;
                let why = format!("no connection to {origin} came free within {limit:?}: raise the cap or the wait");
                let error = Error::new(Kind::Timeout(Phase::Wait), why);
                return Err(error.with_resend(Resend::Safe).with_source(elapsed));
            }
        },
        None => (&mut waiting.receiver).await,
    };
    let received =
        received.map_err(|_| Error::new(Kind::Cancelled, "the pool was taken down").with_resend(Resend::Safe))?;
    received.map_err(|error| Error::repeat(&error))
}
