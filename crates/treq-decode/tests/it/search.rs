//! Random bodies under random codings, cut at random: what comes out does not depend on the cuts, and no look at the body, no
//! piece of it and no coding in it takes more than it may.
//!
//! `TREQ_SEEDS=20000` plays so many seeds, `TREQ_SEED=17` one.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use compression_codecs::EncodeV2;
use compression_core::util::{PartialBuffer, WriteBuffer};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::{Request, Response};
use http_body::{Body, Frame};
use tower::{Layer as _, ServiceExt as _};
use treq_core::{Error, Kind};
use treq_decode::{DecodeBody, DecodeLayer, Expanded};
use treq_testing::Random;

const SEEDS: u64 = 400;

/// No look takes more of the wire than its budget and one piece, and gives more than a piece.
const LARGEST_PIECE: usize = 32 * 1024;
const BUDGET: usize = 256 * 1024;

fn by(encoder: &mut dyn EncodeV2, data: &[u8], flush: usize) -> Vec<u8> {
    let (mut out, mut room) = (Vec::new(), vec![0; 64 * 1024]);
    let mut step = |run: &mut dyn FnMut(&mut WriteBuffer<'_>) -> bool| loop {
        let mut to = WriteBuffer::new_initialized(&mut room);
        let done = run(&mut to);
        out.extend_from_slice(to.written());
        if done {
            break;
        }
    };
    for piece in data.chunks(flush) {
        let mut from = PartialBuffer::new(piece);
        step(&mut |to| {
            encoder.encode(&mut from, to).unwrap();
            from.unwritten().is_empty()
        });
        step(&mut |to| encoder.flush(to).unwrap());
    }
    step(&mut |to| encoder.finish(to).unwrap());
    out
}

fn write(mut encoder: impl std::io::Write, data: &[u8], flush: usize) {
    for piece in data.chunks(flush) {
        encoder.write_all(piece).unwrap();
        encoder.flush().unwrap();
    }
}

/// `data` under one coding, flushed after so many bytes each time.
fn encode(coding: &str, data: &[u8], flush: usize) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        "gzip" => write(GzEncoder::new(&mut out, Compression::fast()), data, flush),
        "deflate" => write(ZlibEncoder::new(&mut out, Compression::fast()), data, flush),
        "raw deflate" => write(DeflateEncoder::new(&mut out, Compression::fast()), data, flush),
        "br" => {
            let params = compression_codecs::brotli::params::EncoderParams::default().quality(async_level(1));
            out = by(&mut compression_codecs::BrotliEncoder::new(params), data, flush);
        }
        _ => out = by(&mut compression_codecs::ZstdEncoder::new(1), data, flush),
    }
    out
}

fn async_level(level: i32) -> compression_core::Level {
    compression_core::Level::Precise(level)
}

/// A frame of zstd that stands for nothing.
fn skippable(len: usize) -> Vec<u8> {
    [&[0x50, 0x2a, 0x4d, 0x18][..], &(len as u32).to_le_bytes(), &vec![0; len]].concat()
}

/// A body always ready, which counts what is taken of it.
struct Wire {
    pieces: std::vec::IntoIter<Bytes>,
    taken: Arc<AtomicUsize>,
}

impl Body for Wire {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.pieces.next();
        self.taken.fetch_add(next.as_ref().map_or(0, Bytes::len), SeqCst);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }
}

struct Outcome {
    bytes: Vec<u8>,
    error: Option<Error>,
    polls: usize,
}

fn body(layer: &DecodeLayer, codings: &str, pieces: Vec<Bytes>, taken: &Arc<AtomicUsize>) -> DecodeBody<Wire> {
    let (codings, taken) = (codings.to_owned(), Arc::clone(taken));
    let server = tower::service_fn(move |_: Request<http_body_util::Empty<Bytes>>| {
        let wire = Wire { pieces: pieces.clone().into_iter(), taken: Arc::clone(&taken) };
        let response = Response::builder().header("content-encoding", &codings).body(wire);
        async move { response }
    });
    let mut call = Box::pin(layer.layer(server).oneshot(Request::new(Default::default())));
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => response.unwrap().into_body(),
        Poll::Pending => panic!("the layer waits for nothing"),
    }
}

/// Reads a body to its end, and sees that no look at it takes too much.
fn read(layer: &DecodeLayer, codings: &str, pieces: Vec<Bytes>) -> Outcome {
    let taken = Arc::default();
    let largest = pieces.iter().map(Bytes::len).max().unwrap_or(0);
    let mut body = body(layer, codings, pieces, &taken);
    let mut outcome = Outcome { bytes: Vec::new(), error: None, polls: 0 };
    loop {
        let before = taken.load(SeqCst);
        let polled = Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
        outcome.polls += 1;
        let at_once = taken.load(SeqCst) - before;
        assert!(at_once <= BUDGET + largest, "one look takes {at_once} bytes of the wire");
        match polled {
            // It has used up its budget, and has woken the task.
            Poll::Pending => {}
            Poll::Ready(None) => return outcome,
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.into_data().unwrap();
                assert!(!data.is_empty() && data.len() <= LARGEST_PIECE);
                outcome.bytes.extend_from_slice(&data);
            }
            Poll::Ready(Some(Err(error))) => {
                // It stays so.
                let again = Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
                let Poll::Ready(Some(Err(again))) = again else { panic!("an error that passes: {again:?}") };
                assert_eq!((again.kind(), again.to_string()), (error.kind(), error.to_string()));
                outcome.error = Some(error);
                return outcome;
            }
        }
    }
}

fn cut(random: &mut Random, wire: &[u8], size: usize) -> Vec<Bytes> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    while at < wire.len() {
        let end = wire.len().min(at + 1 + random.below(size));
        pieces.push(Bytes::copy_from_slice(&wire[at..end]));
        at = end;
    }
    pieces
}

fn play(seed: u64) {
    let mut random = Random::new(seed);
    let len = [0, 1, 100, 5_000, 200_000][random.below(5)];
    let mut data = match random.below(3) {
        0 => random.bytes(len),
        1 => vec![b'x'; len],
        _ => (0..len).map(|at| b"tea and coffee\n"[at % 15]).collect(),
    };
    let content = data.clone();
    let mut names = Vec::new();
    for _ in 0..=random.below(4) {
        let coding = ["gzip", "deflate", "raw deflate", "br", "zstd"][random.below(5)];
        // Each byte flushed is a few bytes more, and a chain of that grows.
        let flush = if data.len() < 2_000 && random.one_in(3) { 1 } else { [7_000, usize::MAX][random.below(2)] };
        let mut coded = encode(coding, &data, flush);
        match coding {
            "gzip" if random.one_in(3) => {
                let (head, tail) = data.split_at(random.below(data.len() + 1));
                coded = [encode(coding, head, flush), encode(coding, b"", 1), encode(coding, tail, flush)].concat();
            }
            "zstd" if random.one_in(3) => {
                let (head, tail) = data.split_at(random.below(data.len() + 1));
                let skipped = skippable(random.below(2_000));
                coded = [&skipped[..], &encode(coding, head, flush), &skipped, &encode(coding, tail, flush)].concat();
            }
            _ => {}
        }
        data = coded;
        names.push(coding.strip_prefix("raw ").unwrap_or(coding));
    }
    let broken = random.one_in(3) && !data.is_empty();
    if broken {
        match random.below(3) {
            0 => data.truncate(random.below(data.len())),
            1 => {
                let at = random.below(data.len());
                data[at] ^= 1 << random.below(8);
            }
            _ => data.extend_from_slice(b"garbage"),
        }
    }
    let layer = DecodeLayer::new();
    let codings = names.join(", ");
    let whole = read(&layer, &codings, vec![Bytes::from(data.clone())]);
    assert!(broken || whole.error.is_none(), "{codings}: {:?}", whole.error);
    assert!(broken || whole.bytes == content, "{codings}: other bytes than went in");
    for size in [1 + random.below(20), 1 + random.below(data.len().max(1))] {
        let pieces = cut(&mut random, &data, size);
        let pieced = read(&layer, &codings, pieces);
        let kinds = [&whole, &pieced].map(|outcome| outcome.error.as_ref().map(Error::kind));
        assert_eq!(kinds[0], kinds[1], "{codings} in pieces of {size}: {:?} {:?}", whole.error, pieced.error);
        let (short, long) = match whole.bytes.len() < pieced.bytes.len() {
            true => (&whole.bytes, &pieced.bytes),
            false => (&pieced.bytes, &whole.bytes),
        };
        assert!(long.starts_with(short) && (kinds[0].is_some() || long.len() == short.len()), "{codings}");
    }
}

#[test]
fn the_same_comes_out_however_it_is_cut() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("TREQ_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("TREQ_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let played = std::panic::catch_unwind(|| play(seed));
        assert!(played.is_ok(), "TREQ_SEED={seed}");
    }
}

/// 64 MiB of nothing, under more and more codings.
#[test]
fn what_stands_for_nothing_is_read_within_limits_whatever_is_around_it() {
    let nothing = skippable(1 << 20).repeat(64);
    let gzip = |data: &[u8]| encode("gzip", data, usize::MAX);
    let members = gzip(b"").repeat(900);
    let mut wires = vec![("zstd", nothing.clone()), ("gzip", members)];
    let (mut codings, mut wire) = ("zstd".to_owned(), nothing);
    for coding in ["gzip", "br", "gzip"] {
        wire = encode(coding, &wire, usize::MAX);
        codings = format!("{codings}, {coding}");
        let name: &'static str = Box::leak(codings.clone().into_boxed_str());
        wires.push((name, wire.clone()));
    }
    for (codings, wire) in wires {
        let pieces = vec![Bytes::from(wire.clone())];
        let free = read(&DecodeLayer::new(), codings, pieces.clone());
        assert!(free.bytes.is_empty());
        let is_inner = codings.contains(',');
        let expanded = free.error.as_ref().is_some_and(|error| error.find::<Expanded>().is_some());
        assert_eq!(expanded, is_inner, "{codings}: {:?}", free.error);
        // Without a coding under another the wire is as long as what is read.
        assert!(is_inner || free.polls >= wire.len() / BUDGET, "{} looks", free.polls);
        for layer in [DecodeLayer::new().max_size(1_000), DecodeLayer::new().max_ratio(10)] {
            let limited = read(&layer, codings, pieces.clone());
            let kind = limited.error.as_ref().map(Error::kind);
            assert_eq!(kind, is_inner.then_some(Kind::Decode), "{codings}: {:?}", limited.error);
            assert!(!is_inner || limited.polls < 32, "{codings}: {} looks", limited.polls);
        }
    }
}

/// A server that writes each byte out as it comes sends more coded bytes than content.
#[test]
fn what_was_flushed_after_every_byte_is_no_bomb() {
    let log: Vec<u8> = (0..1 << 19).map(|at: u64| b'a' + (at.pow(2) % 25) as u8).collect();
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let wire = encode("gzip", &encode(coding, &log, 1), usize::MAX);
        let name: &'static str = Box::leak(format!("{coding}, gzip").into_boxed_str());
        let read = read(&DecodeLayer::new(), name, vec![Bytes::from(wire)]);
        assert!(read.error.is_none() && read.bytes == log, "{coding}: {:?}", read.error);
    }
}

/// Small pieces that somebody keeps take memory for what is in them.
#[cfg(target_os = "linux")]
#[test]
fn a_piece_owns_no_more_than_it_holds() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let wire = encode(coding, &vec![b'x'; 8_000], 1);
        // As it comes over a slow line: with each byte of content a piece of the wire.
        let pieces: Vec<_> = wire.chunks(wire.len() / 8_000).map(Bytes::copy_from_slice).collect();
        let mut body = body(&DecodeLayer::new(), coding, pieces, &Arc::default());
        let (before, mut kept) = (resident(), Vec::new());
        while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            kept.push(frame.unwrap());
        }
        let grown = resident().saturating_sub(before);
        assert!(kept.len() > 2_000 && grown < 16 * 1024, "{coding}: {} pieces take {grown} KiB", kept.len());
    }
}
