//! Large bodies in constant memory: each measurement is a process of its own, this binary started again.

use std::process::Command;

use async_compression::tokio::write::GzipEncoder;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use treq::{Body, Form, Part};
use treq_httpbin::Server;
use treq_testing::{Random, RawServer, Step};

const GIB: u64 = 1024 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;
const KIB: u64 = 1024;

/// Peak memory that a stream of any length may add.
const ALLOWED: u64 = 16 * 1024;

#[test]
fn a_gibibyte_down_takes_no_more_memory_than_a_kibibyte() {
    compare("down", "/zeros/");
}

#[test]
fn a_gibibyte_up_takes_no_more_memory_than_a_kibibyte() {
    compare("up", "/upload-count");
}

#[test]
fn a_decoded_gibibyte_takes_no_more_memory_than_a_kibibyte() {
    let runtime = runtime();
    let [small, large] = [(1, KIB), (1024, MIB)].map(|(members, length)| {
        let server = runtime.block_on(gzipped(members, length));
        measure("decoded", &server.url("/"), members * length)
    });
    judge("decoded", small, large);
}

/// The file is sparse, and the server reads the form by `multer`, to the file's end.
#[test]
fn a_gibibyte_in_a_form_takes_no_more_memory_than_a_kibibyte() {
    let runtime = runtime();
    let server = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    runtime.spawn(async move {
        loop {
            tokio::spawn(read_form(server.accept().await.unwrap().0));
        }
    });
    let [small, large] = [KIB, GIB].map(|bytes| measure("form", &url, bytes));
    judge("form", small, large);
}

/// Reads one request and answers with the length of the file in its form, after the text before it.
async fn read_form(mut stream: tokio::net::TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let fields: Vec<_> = head.lines().filter_map(|line| line.split_once(": ")).collect();
    let field = |name: &str| fields.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).unwrap().1;
    let left: u64 = field("content-length").parse().unwrap();
    let boundary = multer::parse_boundary(field("content-type")).unwrap();

    let (reading, mut writing) = stream.split();
    let body = futures_util::stream::try_unfold(reading.take(left), async |mut body| {
        let mut piece = bytes::BytesMut::with_capacity(64 * 1024);
        let read = body.read_buf(&mut piece).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (piece.freeze(), body)))
    });
    let mut form = multer::Multipart::new(body, boundary);
    let tea = form.next_field().await.unwrap().unwrap();
    assert_eq!(tea.name(), Some("tea"));
    assert_eq!(tea.text().await.unwrap(), "green");
    let mut file = form.next_field().await.unwrap().unwrap();
    assert_eq!((file.name(), file.file_name()), (Some("file"), Some("große Datei.bin")));
    let mut bytes = 0;
    while let Some(piece) = file.chunk().await.unwrap() {
        bytes += piece.len() as u64;
    }
    drop(file);
    assert!(form.next_field().await.unwrap().is_none());
    let body = bytes.to_string();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    writing.write_all(answer.as_bytes()).await.unwrap();
}

fn compare(direction: &str, path: &str) {
    let runtime = runtime();
    let server = runtime.block_on(Server::start()).unwrap();
    let (small, large) = (measure(direction, &server.url(path), KIB), measure(direction, &server.url(path), GIB));
    judge(direction, small, large);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn judge(direction: &str, small: u64, large: u64) {
    println!("{direction}: {small} KiB of memory for a KiB, {large} KiB for a GiB");
    assert!(large <= small + ALLOWED, "{direction}: {large} KiB against {small} KiB");
}

/// A server of gzip in so many members, each of so many bytes when decoded: a few KiB that do not compress, then zeros.
/// The coded body is thus larger than what sockets hold, and gives most of what it holds at a few places.
async fn gzipped(members: u64, length: u64) -> RawServer {
    let mut plain = vec![0; length as usize];
    let dense = plain.len().min(16 * 1024);
    plain[..dense].copy_from_slice(&Random::new(0).bytes(dense));
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(&plain).await.unwrap();
    encoder.shutdown().await.unwrap();
    let coded = encoder.into_inner().repeat(members as usize);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", coded.len());
    let script = [Step::ReadRequest, Step::send(head), Step::send(coded)];
    RawServer::builder().connection(script).start().await
}

/// Peak memory in KiB of a process that streams so many bytes.
fn measure(direction: &str, url: &str, bytes: u64) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "streams::child", "--nocapture"])
        .env("TREQ_STREAM", format!("{direction} {url} {bytes}"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let peak = text.lines().find_map(|line| line.split("peak ").nth(1)).unwrap_or_else(|| panic!("{text}"));
    peak.split_whitespace().next().unwrap().parse().unwrap()
}

/// Does nothing unless it was started by [`measure`].
#[test]
fn child() {
    let Ok(task) = std::env::var("TREQ_STREAM") else { return };
    let mut words = task.split(' ');
    let (direction, url, bytes) =
        (words.next().unwrap(), words.next().unwrap(), words.next().unwrap().parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let moved = match direction {
            "down" => {
                let mut read = 0;
                let mut response = treq::get(format!("{url}{bytes}")).await.unwrap();
                response.collect(|piece| read += piece.len() as u64).await.unwrap();
                read
            }
            "decoded" => {
                let mut read = 0;
                let mut response = treq::get(url).await.unwrap();
                response.collect(|piece| read += piece.len() as u64).await.unwrap();
                read
            }
            "form" => {
                let file = tempfile::NamedTempFile::new().unwrap();
                file.as_file().set_len(bytes).unwrap();
                let part = Part::file(file.path()).file_name("große Datei.bin");
                let form = Form::new().text("tea", "green").part("file", part);
                let mut response = treq::post(url).multipart(form).await.unwrap();
                response.text().await.unwrap().parse().unwrap()
            }
            _ => {
                let mut response = treq::post(url).body(Body::new(Zeros(bytes))).await.unwrap();
                let answer: serde_json::Value = response.json().await.unwrap();
                answer.as_u64().or_else(|| answer["bytes"].as_u64()).or_else(|| answer["length"].as_u64()).unwrap()
            }
        };
        assert_eq!(moved, bytes);
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("peak {}", peak.trim());
}

struct Zeros(u64);

impl http_body::Body for Zeros {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        static PIECE: [u8; 64 * 1024] = [0; 64 * 1024];
        let len = self.0.min(PIECE.len() as u64);
        self.0 -= len;
        let piece = (len > 0).then(|| Ok(http_body::Frame::data(Bytes::from_static(&PIECE[..len as usize]))));
        std::task::Poll::Ready(piece)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0)
    }

    fn is_end_stream(&self) -> bool {
        self.0 == 0
    }
}
