//! Answers with hostile compressed bodies.

use std::io::Write as _;

use flate2::write::GzEncoder;
use flate2::{Compression, Crc, FlushCompress};

const MIB: usize = 1 << 20;

/// A whole answer of `mib` MiB of zeros. Each MiB is the same run of deflate blocks, so that it is compressed once.
pub(crate) fn bomb(coding: &str, mib: u64) -> Vec<u8> {
    let block = block();
    let gzip = coding == "gzip";
    let mut body = if gzip { b"\x1f\x8b\x08\0\0\0\0\0\x02\xff".to_vec() } else { b"\x78\xda".to_vec() };
    (0..mib).for_each(|_| body.extend_from_slice(&block));
    // An empty last block.
    body.extend_from_slice(b"\x03\0");
    let len = mib * MIB as u64;
    if gzip {
        let mut one = Crc::new();
        one.update(&vec![0; MIB]);
        let mut all = Crc::new();
        (0..mib).for_each(|_| all.combine(&one));
        body.extend(all.sum().to_le_bytes());
        // Modulo 2^32: RFC 1952, section 2.3.1.
        body.extend(((len & 0xffff_ffff) as u32).to_le_bytes());
    } else {
        // Adler-32 of zeros: the first sum stays 1, the second counts. RFC 1950, section 9.
        body.extend(((len % 65_521) as u32).to_be_bytes()[2..].iter().chain(&[0, 1]));
    }
    answer(coding, &body)
}

/// 1 MiB of zeros as deflate blocks that refer to nothing before them and end at a whole byte.
fn block() -> Vec<u8> {
    let mut compress = flate2::Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(MIB);
    // Into memory that is large enough it cannot fail.
    let _ = compress.compress_vec(&vec![0; MIB], &mut out, FlushCompress::Full);
    out
}

/// A whole answer of `hello`, compressed with gzip so many times over.
pub(crate) fn chain(times: usize) -> Vec<u8> {
    let body = (0..times).fold(b"hello".to_vec(), |body, _| gzip(&body));
    answer(&vec!["gzip"; times].join(", "), &body)
}

/// A whole answer of so many empty members, and one of `tail`.
pub(crate) fn members(empty: usize) -> Vec<u8> {
    let mut body = gzip(b"").repeat(empty);
    body.extend(gzip(b"tail"));
    answer("gzip", &body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Into memory it cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn answer(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::{MultiGzDecoder, ZlibDecoder};

    use super::*;

    fn body(answer: &[u8]) -> &[u8] {
        let at = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        &answer[at + 4..]
    }

    #[test]
    fn bombs_are_what_they_say() {
        let (mut gzip, mut zlib) = (Vec::new(), Vec::new());
        MultiGzDecoder::new(body(&bomb("gzip", 3))).read_to_end(&mut gzip).unwrap();
        ZlibDecoder::new(body(&bomb("deflate", 3))).read_to_end(&mut zlib).unwrap();
        assert_eq!((gzip.len(), zlib.len()), (3 * MIB, 3 * MIB));
        assert!(gzip.iter().chain(&zlib).all(|byte| *byte == 0));
        assert!(body(&bomb("gzip", 64)).len() < MIB);
    }

    #[test]
    fn chains_and_members_are_what_they_say() {
        let answer = chain(3);
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip\r\n"));
        let once = |bytes: &[u8]| {
            let mut out = Vec::new();
            MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
            out
        };
        assert_eq!(once(&once(&once(body(&answer)))), b"hello");
        let answer = members(5);
        assert_eq!((body(&answer).len(), once(body(&answer))), (20 * 5 + 24, b"tail".to_vec()));
    }
}
