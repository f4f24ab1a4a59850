//! Requests given up at every point.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use tokio::runtime::Handle;
use tokio::time::sleep;
use tower::ServiceExt as _;
use treq_core::{Body, HttpVersion};
use treq_testing::MemoryServer;

use crate::support::{pooled, request, send, settle};

/// Answers in several pieces what it got, taking its time.
fn echo() -> MemoryServer {
    let answer = tower::service_fn(|request: Request<Body>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        sleep(Duration::from_micros(300)).await;
        Ok::<_, Infallible>(Response::new(Body::new(Slowly(body, None))))
    });
    MemoryServer::new(answer).connect_delay(Duration::from_micros(1500)).capacity(64)
}

/// A byte at a time, each after a wait.
struct Slowly(bytes::Bytes, Option<std::pin::Pin<Box<tokio::time::Sleep>>>);

impl http_body::Body for Slowly {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, Infallible>>> {
        let wait = self.1.get_or_insert_with(|| Box::pin(sleep(Duration::from_micros(700))));
        std::task::ready!(wait.as_mut().poll(cx));
        self.1 = None;
        let piece = (!self.0.is_empty()).then(|| self.0.split_to(1));
        Poll::Ready(piece.map(|piece| Ok(http_body::Frame::data(piece))))
    }
}

fn post(http_version: HttpVersion) -> Request<Body> {
    let body = Body::new(Slowly("some bytes".into(), None));
    let mut request = request("POST", "http://a.test/", body);
    request.extensions_mut().insert(http_version);
    request
}

async fn give_up_at_every_poll(http_version: HttpVersion) {
    let mut points = 0;
    for warm in [false, true] {
        for polls in 0.. {
            let server = echo();
            let (agent, pool) = pooled(server.connector());
            if warm {
                send(&agent, post(http_version)).await.unwrap();
            }
            let done = {
                let exchange = async { agent.clone().oneshot(post(http_version)).await?.into_body().collect().await };
                let mut exchange = pin!(exchange);
                let mut done = false;
                for _ in 0..polls {
                    done = poll_fn(|cx| Poll::Ready(exchange.as_mut().poll(cx).is_ready())).await;
                    if done {
                        break;
                    }
                    sleep(Duration::from_micros(250)).await;
                }
                done
            };
            points += 1;
            sleep(Duration::from_millis(20)).await;
            let stats = pool.stats();
            assert_eq!((stats.open, stats.waiting), (stats.idle, 0), "after {polls} polls: {stats:?}");
            assert_eq!(server.open(), stats.open, "after {polls} polls");
            assert_eq!(
                send(&agent, post(http_version)).await.unwrap().into_body(),
                "some bytes",
                "after {polls} polls"
            );
            pool.close_idle();
            server.wait_closed().await;
            settle().await;
            drop((agent, pool, server));
            settle().await;
            assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "after {polls} polls");
            if done {
                break;
            }
        }
    }
    assert!(points > 20, "only {points} points");
}

#[tokio::test(start_paused = true)]
async fn a_request_given_up_at_any_point_leaves_nothing_behind() {
    give_up_at_every_poll(HttpVersion::Http1).await;
}

#[cfg(feature = "http2")]
#[tokio::test(start_paused = true)]
async fn a_request_over_http2_given_up_at_any_point_leaves_nothing_behind() {
    give_up_at_every_poll(HttpVersion::Http2).await;
}
