use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service;
use treq_core::{Body, BoxError};

use super::case::Case;
use super::expect::{Fault, Found, Seen};
use super::server::Server;
use crate::MemoryConnector;

/// How long one exchange may take, with all its redirects.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long what a client has started may live on without it. What looks after idle connections may notice late.
const LINGERS: Duration = Duration::from_secs(3600);

/// Between two requests, so that what came behind an answer has been noticed.
const PAUSE: Duration = Duration::from_millis(5);

/// What is wrong with a client's part in a case.
pub(super) async fn play<S, B>(case: &Case, make: &impl Fn(MemoryConnector) -> S) -> Vec<Fault>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    let tasks_before = alive_tasks();
    let mut faults = Vec::new();
    let server = Server::new(case);
    let connector = server.connector();
    // The client is made and dropped inside, so that a panic in either is one of the case.
    let session = async {
        let mut client = make(connector);
        for (sent, got) in case.play().sent.iter().zip(&case.play().got) {
            let found = match sent.request() {
                Ok(request) => timeout(PATIENCE, exchange(&mut client, request)).await,
                Err(error) => Ok(Found::Error(error)),
            };
            match found {
                Ok(found) => got.judge(&format!("the answer to {}", sent.line()), &found, &mut faults),
                Err(_) => {
                    let what = format!("the answer to {}", sent.line());
                    faults.push(Fault::unsound(what, got.to_string(), "nothing: the client hangs"));
                    break;
                }
            }
            sleep(PAUSE).await;
        }
    };
    if let Err(panic) = unpanicked(session).await {
        faults.push(Fault::unsound("the client", "no panic", format!("the panic {panic:?}")));
    }
    if let Some(wanted) = &case.play().seen {
        Seen::judge(wanted, &server.arrived(), &mut faults);
    }
    if timeout(PATIENCE, server.wait_closed()).await.is_err() {
        let open = format!("{} open", server.open());
        faults.push(Fault::unsound("connections once the client is dropped", "none", open));
    }
    drop(server);
    if let Some(left) = left_tasks(tasks_before).await {
        faults.push(Fault::unsound("tasks once the client is dropped", "none", format!("{left} alive")));
    }
    faults
}

async fn exchange<S, B>(client: &mut S, request: Request<Body>) -> Found
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    if let Err(error) = poll_fn(|cx| client.poll_ready(cx)).await {
        return Found::Error(chain(&error.into()));
    }
    let (parts, body) = match client.call(request).await {
        Ok(response) => response.into_parts(),
        Err(error) => return Found::Error(chain(&error.into())),
    };
    match content(body).await {
        Ok(body) => Found::Answer(parts, body),
        Err(error) => Found::Error(chain(&error)),
    }
}

async fn content<B>(body: B) -> Result<Bytes, BoxError>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let mut content = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(mut data) = frame.map_err(Into::into)?.into_data() {
            content.extend_from_slice(&data.copy_to_bytes(data.remaining()));
        }
    }
    Ok(content.freeze())
}

/// Runs `future` to its end, or to its panic's words.
async fn unpanicked<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future: Pin<Box<F>> = Box::pin(future);
    // What a panic leaves broken is dropped with the future.
    let outcome = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(words(&*panic))),
    })
    .await;
    match catch_unwind(AssertUnwindSafe(|| drop(future))) {
        Ok(()) => outcome,
        Err(panic) => Err(words(&*panic)),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "of a value".to_owned())
}

/// An error with its sources.
fn chain(error: &BoxError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

/// The tasks of this runtime, where it has one thread. With several, another may belong to anybody.
fn alive_tasks() -> Option<usize> {
    let handle = Handle::current();
    let single = handle.runtime_flavor() == RuntimeFlavor::CurrentThread;
    single.then(|| handle.metrics().num_alive_tasks())
}

/// How many tasks are still there beside those before.
async fn left_tasks(before: Option<usize>) -> Option<usize> {
    let before = before?;
    let left = || alive_tasks().and_then(|now| now.checked_sub(before)).filter(|left| *left > 0);
    let (started, really_started) = (Instant::now(), std::time::Instant::now());
    let mut step = Duration::from_millis(1);
    while started.elapsed() < LINGERS {
        left()?;
        // Time that is not paused passes too slowly to tell a task that is left from one that is late.
        if really_started.elapsed() > Duration::from_millis(500) {
            return None;
        }
        sleep(step).await;
        step *= 2;
    }
    left()
}
