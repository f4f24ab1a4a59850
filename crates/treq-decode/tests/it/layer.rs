//! How the layer behaves.

use std::convert::Infallible;
use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceExt as _};
use treq_core::Kind;
use treq_decode::{Coding, DecodeLayer, Decoder, Decoding, Expanded, Progress};

use crate::decode;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn keeps_the_contract_of_a_layer() {
    treq_testing::contract::check(DecodeLayer::new()).await;
}

/// The request's fields as the server sees them.
async fn sent(request: Request<Full<Bytes>>) -> HeaderMap {
    let echo = tower::service_fn(|request: Request<Full<Bytes>>| async move {
        let mut response = Response::new(Full::<Bytes>::default());
        *response.headers_mut() = request.headers().clone();
        Ok::<_, Infallible>(response)
    });
    DecodeLayer::new().layer(echo).oneshot(request).await.unwrap().headers().clone()
}

#[tokio::test]
async fn offers_what_it_can_undo_where_the_caller_offers_nothing() {
    let request = || Request::get("http://a.test/");
    let offered = |headers: HeaderMap| headers.get("accept-encoding").map(|value| value.to_str().unwrap().to_owned());
    let body = Full::<Bytes>::default;
    assert_eq!(offered(sent(request().body(body()).unwrap()).await).as_deref(), Some("gzip, deflate, br, zstd"));
    let own = request().header("accept-encoding", "br;q=0.5").body(body()).unwrap();
    assert_eq!(offered(sent(own).await).as_deref(), Some("br;q=0.5"));
    let part = request().header("range", "bytes=0-9").body(body()).unwrap();
    assert_eq!(offered(sent(part).await), None);
    let off = request().extension(Decoding::new(false)).body(body()).unwrap();
    assert_eq!(offered(sent(off).await), None);
}

#[tokio::test]
async fn leaves_alone_what_is_not_to_be_decoded() {
    let coded = gzip(b"hello");
    for (method, status, option) in [("HEAD", 200, None), ("GET", 304, None), ("GET", 200, Some(Decoding::new(false)))]
    {
        let coded = coded.clone();
        let server = tower::service_fn(move |_: Request<Full<Bytes>>| {
            let body =
                if status == 200 && method == "GET" { Full::<Bytes>::from(coded.clone()) } else { Full::default() };
            let response = Response::builder().status(status).header("content-encoding", "gzip");
            let response = response.header("content-length", "25").body(body).unwrap();
            async move { Ok::<_, Infallible>(response) }
        });
        let mut request =
            Request::builder().method(method).uri("http://a.test/").body(Full::<Bytes>::default()).unwrap();
        option.map(|option| request.extensions_mut().insert(option));
        let response = DecodeLayer::new().layer(server).oneshot(request).await.unwrap();
        assert_eq!(
            (&response.headers()["content-encoding"], &response.headers()["content-length"]),
            (&"gzip".parse().unwrap(), &"25".parse().unwrap())
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.is_empty() || option.is_some(), "{method} {status}");
    }
}

#[tokio::test]
async fn the_fields_describe_what_comes_out() {
    let (headers, body) = decode(&DecodeLayer::new(), &["gzip"], &gzip(b"hello"), 9).await.unwrap();
    assert!(!headers.contains_key("content-encoding"));
    assert_eq!(body, "hello");
    // Nothing at all is an empty body, not a cut one.
    assert!(decode(&DecodeLayer::new(), &["gzip"], b"", 9).await.unwrap().1.is_empty());
}

#[tokio::test]
async fn cut_and_continued_bodies_are_errors_that_say_so() {
    let hello = b"hello hello hello hello hello hello";
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(hello).unwrap();
    let br = [0x0b, 0x02, 0x80, 0x58, 0x79, 0x7a, 0x7a, 0x79, 0x03];
    let zstd = b"\x28\xb5\x2f\xfd\x24\x0b\x59\x00\x00Hello world\xd8\x76\xb3\x12";
    let bodies = [("gzip", gzip(hello)), ("deflate", zlib.finish().unwrap()), ("br", br.into()), ("zstd", zstd.into())];
    for (coding, body) in bodies {
        for size in [usize::MAX, 1] {
            assert!(decode(&DecodeLayer::new(), &[coding], &body, size).await.is_ok(), "{coding}");
            for cut in 1..body.len() {
                let error = decode(&DecodeLayer::new(), &[coding], &body[..cut], size).await.unwrap_err();
                assert_eq!(error.kind(), Kind::Decode);
                assert!(error.to_string().contains(coding), "{error}");
                assert!(error.to_string().contains("cut"), "{coding} cut at {cut}: {error}");
            }
            let more = [&body[..], b"junk junk"].concat();
            let error = decode(&DecodeLayer::new(), &[coding], &more, size).await.unwrap_err();
            assert!(error.to_string().contains("follow its end"), "{coding}: {error}");
        }
    }
}

#[tokio::test]
async fn many_members_are_one_body_and_many_empty_ones_an_error() {
    let all: Vec<u8> = (0..3000_u32).flat_map(|n| gzip(&n.to_le_bytes())).collect();
    let (_, body) = decode(&DecodeLayer::new(), &["gzip"], &all, 1000).await.unwrap();
    assert_eq!(body.len(), 12_000);
    let empty = gzip(b"").repeat(200_000);
    let error = decode(&DecodeLayer::new(), &["gzip"], &empty, 65536).await.unwrap_err();
    assert!(error.to_string().contains("1024 empty members"), "{error}");
}

#[tokio::test]
async fn limits_stop_a_bomb_and_are_named() {
    let bomb = gzip(&vec![0; 20_000_000]);
    let error = decode(&DecodeLayer::new().max_size(1_000_000), &["gzip"], &bomb, 4096).await.unwrap_err();
    assert_eq!((error.kind(), error.find::<Expanded>().unwrap().size), (Kind::Decode, Some(1_000_000)));
    assert!(error.to_string().contains("1000000"), "{error}");
    let error = decode(&DecodeLayer::new().max_ratio(100), &["gzip"], &bomb, 4096).await.unwrap_err();
    assert_eq!(error.find::<Expanded>().unwrap().ratio, Some(100));
    let (_, body) = decode(&DecodeLayer::new().max_ratio(2000), &["gzip"], &bomb, 4096).await.unwrap();
    assert_eq!(body.len(), 20_000_000);
}

#[tokio::test]
async fn output_is_made_only_as_it_is_read() {
    let bomb = gzip(&vec![0; 20_000_000]);
    let server = tower::service_fn(move |_: Request<Full<Bytes>>| {
        let response =
            Response::builder().header("content-encoding", "gzip").body(Full::<Bytes>::from(bomb.clone())).unwrap();
        async move { Ok::<_, Infallible>(response) }
    });
    let request = Request::get("http://a.test/").body(Full::<Bytes>::default()).unwrap();
    let mut body = DecodeLayer::new().layer(server).oneshot(request).await.unwrap().into_body();
    assert_eq!((body.size_hint().lower(), body.size_hint().upper()), (0, None));
    for _ in 0..3 {
        let frame = body.frame().await.unwrap().unwrap();
        assert!(frame.data_ref().unwrap().len() <= 32 * 1024);
    }
}

#[tokio::test]
async fn what_the_server_has_flushed_is_there_at_once_and_trailers_come_last() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"first").unwrap();
    encoder.flush().unwrap();
    let flushed = encoder.get_ref().clone();
    encoder.write_all(b" second").unwrap();
    let rest = encoder.finish().unwrap().split_off(flushed.len());

    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let receiver = std::sync::Mutex::new(Some(receiver));
    let server = tower::service_fn(move |_: Request<Full<Bytes>>| {
        let body = Channel(receiver.lock().unwrap().take().unwrap());
        let response = Response::builder().header("content-encoding", "gzip").body(body).unwrap();
        async move { Ok::<_, Infallible>(response) }
    });
    let request = Request::get("http://a.test/").body(Full::<Bytes>::default()).unwrap();
    let mut body = DecodeLayer::new().layer(server).oneshot(request).await.unwrap().into_body();
    sender.send(http_body::Frame::data(Bytes::from(flushed))).await.unwrap();
    let first = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.unwrap().unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "first");
    sender.send(http_body::Frame::data(Bytes::from(rest))).await.unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "7".parse().unwrap());
    sender.send(http_body::Frame::trailers(trailers)).await.unwrap();
    drop(sender);
    let rest = body.collect().await.unwrap();
    assert_eq!(rest.trailers().unwrap()["x-sum"], "7");
    assert_eq!(rest.to_bytes(), " second");
}

struct Channel(tokio::sync::mpsc::Receiver<http_body::Frame<Bytes>>);

impl http_body::Body for Channel {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

/// Every byte with one bit turned over, behind a first byte that says so.
struct Flip(bool);

impl Decoder for Flip {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, treq_core::BoxError> {
        let skip = usize::from(!self.0 && !input.is_empty());
        if skip == 1 && input[0] != b'!' {
            return Err("it does not begin with !".into());
        }
        self.0 |= skip == 1;
        let len = (input.len() - skip).min(output.len());
        output[..len].iter_mut().zip(&input[skip..]).for_each(|(to, from)| *to = from ^ 1);
        Ok(Progress::new(len + skip, len))
    }

    fn finish(&mut self) -> Result<(), treq_core::BoxError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_coding_of_ones_own_is_offered_and_undone_also_over_others() {
    let layer = DecodeLayer::new().coding(Coding::new("flip", || Flip(false)));
    let flipped: Vec<u8> = [b'!'].into_iter().chain(gzip(b"hello").into_iter().map(|byte| byte ^ 1)).collect();
    for size in [usize::MAX, 3, 1] {
        assert_eq!(decode(&layer, &["gzip", "Flip"], &flipped, size).await.unwrap().1, "hello");
    }
    let error = decode(&layer, &["flip"], b"?", 1).await.unwrap_err();
    assert!(error.to_string().contains("flip") && error.to_string().contains("does not begin with !"), "{error}");
}

#[tokio::test]
async fn a_decoder_that_claims_too_much_is_an_error() {
    struct Claim(Progress);

    impl Decoder for Claim {
        fn decode(&mut self, _: &[u8], _: &mut [u8]) -> Result<Progress, treq_core::BoxError> {
            Ok(self.0)
        }

        fn finish(&mut self) -> Result<(), treq_core::BoxError> {
            Ok(())
        }
    }

    for (read, written) in [(usize::MAX, 0), (6, 0), (0, usize::MAX), (5, 32 * 1024 + 1)] {
        let coding = Coding::new("claim", move || Claim(Progress::new(read, written)));
        let error = decode(&DecodeLayer::new().coding(coding), &["claim"], b"12345", 9).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Decode);
        assert!(error.to_string().contains("more bytes than it was given"), "{error}");
    }
}

#[test]
fn frames_of_nothing_end_a_poll_too() {
    struct Nothing(usize);

    impl http_body::Body for Nothing {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            self.0 += 1;
            assert!(self.0 < 10_000, "one poll takes frame after frame");
            std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::new()))))
        }
    }

    let server = tower::service_fn(|_: Request<()>| {
        let response = Response::builder().header("content-encoding", "gzip").body(Nothing(0)).unwrap();
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let mut future = std::pin::pin!(DecodeLayer::new().layer(server).oneshot(Request::new(())));
    let std::task::Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) else { panic!("no response") };
    let mut body = std::pin::pin!(response.into_body());
    assert!(body.as_mut().poll_frame(&mut cx).is_pending());
}

#[test]
fn gzip_runs_on_zlib_rs() {
    // Only zlib's own interfaces offer this, and no C library is among the dependencies.
    let _ = flate2::Decompress::new_gzip(15);
}
