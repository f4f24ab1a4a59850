//! HTTP/2, over the h2 crate's server.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::plan::{Deed, parse, pause};
use super::{Ledger, Storm};
use crate::Random;

pub(super) async fn serve<IO>(io: IO, mut random: Random, ledger: Ledger)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // Its settings may come late, with requests already there.
    pause(&mut random, 30).await;
    let mut builder = server::Builder::new();
    match random.below(4) {
        0 => {}
        1 => _ = builder.max_concurrent_streams(1),
        2 => _ = builder.max_concurrent_streams(3),
        _ => _ = builder.max_concurrent_streams(100),
    }
    builder.initial_window_size(*random.pick(&[65_535, 1_000, 1 << 20]));
    let Ok(Ok(mut connection)) = timeout(Duration::from_secs(30), builder.handshake::<_, Bytes>(io)).await else {
        return;
    };
    let mut streams = JoinSet::new();
    let mut number = 0_u64;
    // How long the connection lives whatever happens.
    let life = *random.pick(&[50, 500, 5_000, 60_000, 600_000]);
    let mut end = Box::pin(sleep(Duration::from_millis(life)));
    let (deeds, mut orders) = tokio::sync::mpsc::unbounded_channel();
    loop {
        tokio::select! {
            biased;
            Some(order) = orders.recv() => match order {
                // The peer is told, and what runs comes to its end.
                Order::GoAway => connection.graceful_shutdown(),
                Order::Abort => connection.abrupt_shutdown(Reason::INTERNAL_ERROR),
                // The drop of the connection ends everything on it.
                Order::Die => return,
            },
            next = connection.accept() => match next {
                Some(Ok((request, respond))) => {
                    number += 1;
                    if random.one_in(6) {
                        // Larger or smaller, with streams under way.
                        let _ = connection.set_initial_window_size(*random.pick(&[0, 1_000, 65_535, 1 << 20]));
                    }
                    let random = Random::of(random.below(usize::MAX) as u64, number);
                    streams.spawn(stream(request, respond, random, ledger.clone(), deeds.clone()));
                }
                Some(Err(_)) | None => break,
            },
            () = &mut end => connection.graceful_shutdown(),
            Some(_) = streams.join_next() => {}
        }
        if end.is_elapsed() {
            end = Box::pin(sleep(Duration::from_secs(600)));
        }
    }
    // What is under way is answered as far as the connection lets it.
    let _ = timeout(Duration::from_secs(5), poll_fn(|cx| connection.poll_closed(cx))).await;
}

#[derive(Clone, Copy, Debug)]
enum Order {
    GoAway,
    Abort,
    Die,
}

async fn stream(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    mut random: Random,
    ledger: Ledger,
    orders: tokio::sync::mpsc::UnboundedSender<Order>,
) {
    pause(&mut random, 20).await;
    let Some((id, hops)) = parse(request.uri().path()) else { return };
    let (method, mut body) = (request.method().clone(), request.into_body());
    let deed = Deed::by(&mut random);
    let plain = |status: u16| Response::builder().status(status).header("x-storm", id);
    // What cannot be sent any more the client has given up, or it is told by the end of the connection.
    let _ = match deed {
        Deed::Refuse => return respond.send_reset(Reason::REFUSED_STREAM),
        Deed::Garbage => return respond.send_reset(*random.pick(&[Reason::INTERNAL_ERROR, Reason::PROTOCOL_ERROR])),
        Deed::Die => {
            let _ = orders.send(*random.pick(&[Order::Die, Order::Abort]));
            return;
        }
        Deed::Stall => {
            sleep(Duration::from_secs(3_600)).await;
            return;
        }
        Deed::Early => {
            let status = *random.pick(&[413, 401]);
            let response = plain(status).body(()).unwrap_or_default();
            respond.send_response(response, false).and_then(|mut stream| stream.send_data("no!".into(), true))
        }
        _ => {
            let Some(content) = read(&mut body, &mut random).await else { return };
            match deed {
                Deed::DieActing => {
                    ledger.act(&method, id, &content);
                    let _ = orders.send(Order::Die);
                    return;
                }
                Deed::Redirect if hops < 3 => {
                    let status = *random.pick(&[301, 302, 303, 307, 308]);
                    let location = format!("http://{}/s/{id}/{}", *random.pick(&Storm::HOSTS), hops + 1);
                    let response = plain(status).header("location", location).body(()).unwrap_or_default();
                    respond.send_response(response, true).map(drop)
                }
                Deed::Busy => {
                    let status = *random.pick(&[503, 429]);
                    let response = plain(status).header("retry-after", "1").body(()).unwrap_or_default();
                    respond.send_response(response, true).map(drop)
                }
                Deed::Challenge => {
                    let response = plain(401).header("www-authenticate", "Basic realm=\"storm\"");
                    respond.send_response(response.body(()).unwrap_or_default(), true).map(drop)
                }
                _ => {
                    ledger.act(&method, id, &content);
                    if deed == Deed::GoAway {
                        let _ = orders.send(Order::GoAway);
                    }
                    serve_one(respond, &method, id, deed, random).await;
                    return;
                }
            }
        }
    };
}

async fn serve_one(mut respond: SendResponse<Bytes>, method: &Method, id: u64, deed: Deed, mut random: Random) {
    if deed == Deed::Interim {
        for _ in 0..random.below(5) {
            let mut hints = Response::new(());
            *hints.status_mut() = StatusCode::EARLY_HINTS;
            if respond.send_informational(hints).is_err() {
                return;
            }
            pause(&mut random, 5).await;
        }
    }
    let content = Storm::content(id);
    let mut response = Response::builder().header("x-storm", id).header("x-length", content.len());
    if random.one_in(2) {
        response = response.header("content-length", content.len());
    }
    let is_empty = *method == Method::HEAD;
    let Ok(mut stream) = respond.send_response(response.body(()).unwrap_or_default(), is_empty) else { return };
    if is_empty {
        return;
    }
    let cut = if deed == Deed::Cut && content.len() > 1 { random.below(content.len() - 1) } else { content.len() };
    let mut rest = Bytes::from(content).slice(..cut);
    while !rest.is_empty() {
        let piece = rest.split_to(rest.len().min(1 + random.below(20_000)));
        if !send(&mut stream, piece).await {
            return;
        }
        if random.one_in(3) {
            pause(&mut random, 10).await;
        }
    }
    if deed == Deed::Cut {
        return stream.send_reset(*random.pick(&[Reason::INTERNAL_ERROR, Reason::CANCEL]));
    }
    let _ = if random.one_in(3) {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("7"));
        stream.send_trailers(trailers)
    } else {
        stream.send_data(Bytes::new(), true)
    };
}

/// Sends within the client's window; returns false if the client has gone.
async fn send(stream: &mut SendStream<Bytes>, mut piece: Bytes) -> bool {
    while !piece.is_empty() {
        stream.reserve_capacity(piece.len());
        let Some(Ok(room)) = poll_fn(|cx| stream.poll_capacity(cx)).await else { return false };
        if room > 0 && stream.send_data(piece.split_to(room.min(piece.len())), false).is_err() {
            return false;
        }
    }
    true
}

/// Reads the whole body; returns `None` if the client has given it up. The window is released late, or not for a while.
async fn read(body: &mut RecvStream, random: &mut Random) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.ok()?;
        content.extend_from_slice(&data);
        if random.one_in(5) {
            pause(random, 50).await;
        }
        body.flow_control().release_capacity(data.len()).ok()?;
    }
    body.trailers().await.ok()?;
    Some(content)
}
