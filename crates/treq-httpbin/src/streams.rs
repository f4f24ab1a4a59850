use std::time::Duration;

use bytes::Bytes;

use crate::body::{Body, Piece};
use crate::call::Call;
use crate::echo::seconds;
use crate::json::line;
use crate::random::Random;
use crate::reply::Reply;

const BINARY: &str = "application/octet-stream";

/// What random bytes, and ranges, are limited to.
const LIMIT: u64 = 100 * 1024;

/// What a drip is limited to.
const DRIP_LIMIT: u64 = 10 * 1024 * 1024;

/// So many lines of JSON, 100 at most, each a chunk.
pub(crate) fn lines(call: &Call) -> Reply {
    let (mut told, count) = (call.told(), call.number(1).min(100));
    let mut ids = 0..count;
    let body = Body::pieces(None, move || {
        told.insert("id".to_owned(), ids.next()?.into());
        Some(Piece::now(line(&told.clone().into()) + "\n"))
    });
    Reply::new("application/json", body)
}

pub(crate) fn bytes(call: &Call) -> Reply {
    match random(call) {
        Some((mut random, count)) => Reply::new(BINARY, random.bytes(count)),
        None => Reply::broken(),
    }
}

pub(crate) fn stream_bytes(call: &Call) -> Reply {
    let (Some((mut random, mut left)), Some(size)) = (random(call), chunk_size(call)) else { return Reply::broken() };
    let body = Body::pieces(None, move || {
        let count = left.min(size);
        left -= count;
        (count > 0).then(|| Piece::now(random.bytes(count)))
    });
    Reply::new(BINARY, body)
}

/// Zero bytes without a limit: what a large download is measured by.
pub(crate) fn zeros(call: &Call) -> Reply {
    const PIECE: &[u8] = &[0; 64 * 1024];
    let length = call.number(1);
    let mut left = length;
    let body = Body::pieces(Some(length), move || {
        let count = left.min(PIECE.len() as u64);
        left -= count;
        (count > 0).then(|| Piece::now(Bytes::from_static(PIECE).slice(..usize::try_from(count).unwrap_or(0))))
    });
    Reply::new(BINARY, body)
}

/// The alphabet over and over, in part where a range is asked for
/// ([RFC 9110, section 14](https://www.rfc-editor.org/rfc/rfc9110#section-14)).
pub(crate) fn range(call: &Call) -> Reply {
    let length = call.number(1);
    let tagged = |reply: Reply| reply.header("etag", &format!("range{length}")).header("accept-ranges", "bytes");
    if length == 0 || length > LIMIT {
        return tagged(Reply::text("There are 1 to 102400 bytes to be had here.").status(404));
    }
    let (Some(size), Some(duration)) = (chunk_size(call), duration(call, "duration", 0.0)) else {
        return Reply::broken();
    };
    let Some((first, last)) = asked(call.header("range").as_deref(), length) else {
        return tagged(Reply::text("").status(416)).header("content-range", &format!("bytes */{length}"));
    };
    let per_byte = duration.as_secs_f64() / length as f64;
    let mut next = first;
    let body = Body::pieces(Some(last + 1 - first), move || {
        let end = (next + size as u64).min(last + 1);
        let letters: Vec<u8> = (next..end).map(|at| b'a' + (at % 26) as u8).collect();
        next = end;
        let wait = Duration::from_secs_f64(per_byte * letters.len() as f64);
        (!letters.is_empty()).then(|| Piece { wait, bytes: letters.into() })
    });
    let whole = first == 0 && last == length - 1;
    tagged(Reply::new(BINARY, body).status(if whole { 200 } else { 206 }))
        .header("content-range", &format!("bytes {first}-{last}/{length}"))
}

/// Bytes one by one over a time.
pub(crate) fn drip(call: &Call) -> Reply {
    let (Some(duration), Some(delay)) = (duration(call, "duration", 2.0), duration(call, "delay", 0.0)) else {
        return Reply::broken();
    };
    let (Some(count), Some(code)) = (call.number_arg("numbytes", 10_i64), call.number_arg("code", 200)) else {
        return Reply::broken();
    };
    let Some(count) = u64::try_from(count).ok().filter(|count| *count > 0) else {
        return Reply::text("A drip has one byte at least.").status(400);
    };
    let count = count.min(DRIP_LIMIT);
    // What is due within a millisecond goes out as one: no timer is finer.
    let rate = count as f64 / duration.as_secs_f64().max(0.001);
    let step = ((rate / 1000.0) as u64).clamp(1, 64 * 1024);
    let pause = duration.mul_f64(step as f64 / count as f64);
    let mut left = count;
    let mut wait = Duration::ZERO;
    let body = Body::pieces(Some(count), move || {
        let now = left.min(step);
        left -= now;
        let piece = Piece { wait, bytes: vec![b'*'; usize::try_from(now).unwrap_or(0)].into() };
        wait = pause;
        (now > 0).then_some(piece)
    });
    Reply::new(BINARY, body).status(code).after(delay)
}

fn random(call: &Call) -> Option<(Random, usize)> {
    let count = usize::try_from(call.number(1).min(LIMIT)).ok()?;
    let random = match call.arg("seed") {
        // Python seeds by the number without its sign.
        Some(seed) => Random::seeded(seed.trim().parse::<i64>().ok()?.unsigned_abs()),
        None => Random::new(),
    };
    Some((random, count))
}

fn chunk_size(call: &Call) -> Option<usize> {
    let size = call.number_arg("chunk_size", 10 * 1024_i64)?;
    usize::try_from(size.max(1)).ok()
}

fn duration(call: &Call, name: &str, default: f64) -> Option<Duration> {
    match call.arg(name) {
        Some(text) => seconds(text),
        None => Some(Duration::from_secs_f64(default)),
    }
}

/// The first and the last byte of a range, all of them where none is asked for; none where it cannot be had.
fn asked(field: Option<&str>, length: u64) -> Option<(u64, u64)> {
    let spec = field.map(str::trim).filter(|field| field.starts_with("bytes")).and_then(|field| field.split_once('='));
    let mut ends = spec.map_or("", |(_, spec)| spec).splitn(3, '-').map(|end| end.trim().parse::<u64>().ok());
    let (first, last) = match (ends.next().flatten(), ends.next().flatten()) {
        (None, None) => (0, length - 1),
        (None, Some(suffix)) => (length.saturating_sub(suffix), length - 1),
        (Some(first), None) => (first, length - 1),
        (Some(first), Some(last)) => (first, last),
    };
    (first <= last && last < length).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges() {
        for (field, expected) in [
            (None, Some((0, 9))),
            (Some("bytes=2-5"), Some((2, 5))),
            (Some("bytes=5-"), Some((5, 9))),
            (Some("bytes=-3"), Some((7, 9))),
            (Some("bytes=-30"), Some((0, 9))),
            (Some("lines=2-5"), Some((0, 9))),
            (Some("bytes=5-50"), None),
            (Some("bytes=20-"), None),
            (Some("bytes=5-2"), None),
            (Some("bytes=-0"), None),
        ] {
            assert_eq!(asked(field, 10), expected, "{field:?}");
        }
    }
}
