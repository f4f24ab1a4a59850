//! Content codings and chains of them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use tower::{Layer as _, ServiceExt as _};
use treq_core::{Error, Kind};
use treq_decode::DecodeLayer;

use super::block_on;

/// The codings of the chains.
const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

/// The budget of one poll, in bytes read and written. A poll ends once it is used up, so it may take a little more.
const BUDGET: usize = 256 * 1024;

/// The windows of a chain of four: 16 MiB each, and what the decoders have besides.
pub(super) const WINDOWS: usize = 4 * (18 << 20);

/// The largest body that is allowed here: there is no time for larger ones.
const LARGEST: u64 = 1 << 20;

/// The first byte says how long the chain is and how the wire is cut, the second which codings are in it.
pub(super) fn run(input: &[u8]) {
    let [how, which, wire @ ..] = input else { return };
    let mut which = usize::from(*which);
    let mut names = Vec::new();
    for _ in 0..=how % 4 {
        names.push(CODINGS[which % 4]);
        which /= 4;
    }
    let codings = names.join(", ");
    let cut = [1, 2, 7, 40, 1000][usize::from(how / 4) % 5];
    let whole = read(&codings, &[wire], false, LARGEST);
    // A chain comes to what its codings come to one after the other; where one of them is too large it fails.
    let mut plain = wire.to_vec();
    for name in names.iter().rev() {
        let one = read(name, &[&plain], false, 2 * LARGEST);
        if one.error.is_some() {
            assert!(whole.error.is_some(), "{codings}: {name} alone fails by {:?}", one.error);
        }
        plain = one.bytes;
    }
    assert!(whole.error.is_some() || whole.bytes == plain, "{codings}: other bytes than by one coding after the other");
    let pieces: Vec<_> = wire.chunks(cut).collect();
    let pieced = read(&codings, &pieces, true, LARGEST);
    let kinds = [&whole, &pieced].map(|read| read.error.as_ref().map(Error::kind));
    assert_eq!(kinds[0], kinds[1], "{codings}, cut at each {cut}: {:?} and {:?}", whole.error, pieced.error);
    let is_start = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
    assert!(is_start(&whole.bytes, &pieced.bytes), "{codings}, cut at each {cut}: other bytes");
    assert!(whole.error.is_some() || whole.bytes == pieced.bytes, "{codings}, cut at each {cut}: fewer bytes");
}

struct Read {
    bytes: Vec<u8>,
    error: Option<Error>,
}

/// Always ready, and tells how much has been taken.
struct Wire {
    pieces: std::vec::IntoIter<Bytes>,
}

impl Body for Wire {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.pieces.next().map(|piece| Ok(Frame::data(piece))))
    }
}

/// Reads it whole, or up to an error. `keeps`: all pieces are held until the end, as by one who collects them. They own no more than twice what is in them.
fn read(codings: &str, pieces: &[&[u8]], keeps: bool, limit: u64) -> Read {
    let pieces: Vec<_> = pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect();
    // Each piece of the wire, and each of what comes out, is worth one.
    let most = 2 * pieces.len() + limit as usize;
    let largest = pieces.iter().map(Bytes::len).max().unwrap_or(0);
    let server = tower::service_fn(move |_: Request<http_body_util::Empty<Bytes>>| {
        let wire = Wire { pieces: pieces.clone().into_iter() };
        std::future::ready(Response::builder().header("content-encoding", codings).body(wire))
    });
    let layer = DecodeLayer::new().max_size(limit);
    let response = block_on(layer.layer(server).oneshot(Request::new(Default::default())));
    let mut body = response.expect("the layer refuses no response of these").into_body();
    let mut read = Read { bytes: Vec::new(), error: None };
    let mut kept = Vec::new();
    let mut looks = 0;
    loop {
        looks += 1;
        let left = body.get_ref().pieces.len();
        let polled = Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
        let taken = (left - body.get_ref().pieces.len()).saturating_sub(1) * largest;
        assert!(taken <= 2 * BUDGET, "{codings}: one look takes {taken} bytes of the wire");
        assert!(looks <= most, "{codings}: {looks} looks, and no end");
        match polled {
            Poll::Pending => {}
            Poll::Ready(None) => return read,
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.into_data().expect("data");
                assert!(!data.is_empty() && data.len() <= 32 * 1024, "{codings}: a piece of {} bytes", data.len());
                read.bytes.extend_from_slice(&data);
                if keeps {
                    kept.push(data);
                }
            }
            Poll::Ready(Some(Err(error))) => {
                assert_eq!(error.kind(), Kind::Decode, "{codings}: {error}");
                read.error = Some(error);
                return read;
            }
        }
        assert!(read.bytes.len() as u64 <= limit, "{codings}: {} bytes", read.bytes.len());
    }
}
