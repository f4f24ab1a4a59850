//! gzip, undone by flate2 itself and by treq's layer over it.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::Write as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};
use http::header::CONTENT_ENCODING;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use treq_decode::DecodeLayer;

use crate::Failure;

/// The words that `gunzip` takes.
const USAGE: &str = "write FILE, or flate2|treq-decode COUNT FILE";

/// How many coded bytes there are.
const CODED: usize = 10 * 1024 * 1024;

/// How many coded bytes come at once, in turn.
const PIECES: [usize; 4] = [16 * 1024, 64 * 1024, 32 * 1024, 48 * 1024];

/// How many decoded bytes are given at once: as many as treq-decode gives.
const OUTPUT: usize = 32 * 1024;

/// Does what the command line says.
///
/// # Errors
///
/// For words that are none of these, and a file that is no gzip.
pub fn gunzip(mut args: impl Iterator<Item = String>) -> Result<(), Failure> {
    let what = args.next().ok_or(USAGE)?;
    if what == "write" {
        return Ok(std::fs::write(args.next().ok_or(USAGE)?, log()?)?);
    }
    let count: usize = args.next().ok_or(USAGE)?.parse()?;
    let coded = Bytes::from(std::fs::read(args.next().ok_or(USAGE)?)?);
    // The last four bytes of gzip: the decoded length.
    let tail = coded.last_chunk().ok_or("an empty file")?;
    let expected = u32::from_le_bytes(*tail) as usize;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for _ in 0..count {
        let pieces = Pieces { left: coded.clone(), at: 0 };
        let decoded = match what.as_str() {
            "flate2" => by_flate2(pieces)?,
            "treq-decode" => runtime.block_on(by_treq(pieces))?,
            other => return Err(format!("{other:?} is no decoder: {USAGE}").into()),
        };
        if decoded != expected {
            return Err(format!("{decoded} bytes come out, not {expected}").into());
        }
    }
    Ok(())
}

/// zlib-rs by flate2, into one buffer.
fn by_flate2(pieces: Pieces) -> Result<usize, Failure> {
    let mut decoder = Decompress::new_gzip(15);
    let mut output = vec![0; OUTPUT];
    let (mut decoded, mut filled) = (0, 0);
    for piece in pieces {
        let mut input = &piece[..];
        loop {
            let (read, written) = (decoder.total_in(), decoder.total_out());
            let status = decoder.decompress(input, &mut output[filled..], FlushDecompress::None)?;
            input = &input[usize::try_from(decoder.total_in() - read)?..];
            filled += usize::try_from(decoder.total_out() - written)?;
            let full = filled == OUTPUT;
            if full || status == Status::StreamEnd || input.is_empty() {
                // Given out.
                decoded += std::mem::take(&mut filled);
            }
            // Where the output was full there may be more of it.
            if status == Status::StreamEnd || (input.is_empty() && !full) {
                break;
            }
        }
    }
    Ok(decoded)
}

/// The layer as a client has it, over a service that answers with the pieces.
async fn by_treq(pieces: Pieces) -> Result<usize, Failure> {
    let answer = |body| async {
        Ok::<_, Infallible>(Response::builder().header(CONTENT_ENCODING, "gzip").body(body).unwrap_or_default())
    };
    let service = DecodeLayer::new().layer(service_fn(move |request: Request<Pieces>| answer(request.into_body())));
    let mut body = pin!(service.oneshot(Request::new(pieces)).await?.into_body());
    let mut decoded = 0;
    while let Some(frame) = body.frame().await {
        decoded += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(decoded)
}

/// The coded bytes, piece by piece, none of them copied.
#[derive(Default)]
struct Pieces {
    left: Bytes,
    at: usize,
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let length = PIECES[self.at % PIECES.len()].min(self.left.len());
        self.at += 1;
        (length > 0).then(|| self.left.split_to(length))
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next().map(|piece| Ok(Frame::data(piece))))
    }
}

/// Lines as a log has them, until there are enough coded bytes.
fn log() -> Result<Vec<u8>, Failure> {
    const WORDS: [&str; 8] = ["orders", "users", "search", "cart", "images", "login", "basket", "invoices"];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut line = String::new();
    // xorshift64: the same file everywhere.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut time = 1_767_225_600_000_u64;
    while encoder.get_ref().len() < CODED {
        let (draw, id) = (next(), next());
        time += draw % 500;
        line.clear();
        let method = if draw & 7 == 0 { "POST" } else { "GET" };
        let (word, other) = (WORDS[(draw >> 8) as usize % 8], WORDS[(draw >> 16) as usize % 8]);
        let (status, took) = (if draw & 63 == 1 { 404 } else { 200 }, draw >> 24 & 0xfff);
        writeln!(line, "{time} {method} /api/{word}/{:08x}?from={other} {status} {took} us", id >> 32)?;
        encoder.write_all(line.as_bytes())?;
    }
    Ok(encoder.finish()?)
}
