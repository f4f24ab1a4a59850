//! Files and forms as they are read.

use std::future::poll_fn;
use std::io::{Seek, SeekFrom, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::Body as HttpBody;
use tokio::io::{AsyncRead, ReadBuf};
use treq::{Body, Form, Part};

use crate::support::{answered, field};

/// A reader that counts how much was read, and holds something until it is dropped.
struct Counted(&'static [u8], Arc<std::sync::atomic::AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        self.1.fetch_add(buf.filled().len() - before, std::sync::atomic::Ordering::SeqCst);
        read
    }
}

fn form(reader: impl AsyncRead + Send + 'static, buffer: usize) -> Body {
    Form::new().boundary("heyDavid").buffer_size(buffer).part("field", Part::reader(reader)).into_body().unwrap()
}

async fn next(body: &mut Body) -> Option<Vec<u8>> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    frame.unwrap().into_data().ok().map(|data| data.to_vec())
}

#[tokio::test]
async fn parity_c_fbp_01_a_reader_has_no_length() {
    let body = form(&b"abc"[..], 10);
    assert_eq!(body.size_hint().exact(), None);
}

#[tokio::test]
async fn parity_c_fbp_02_the_length_of_a_file_is_what_is_left_of_it() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"0123456789012345678").unwrap();
    file.seek(SeekFrom::Start(5)).unwrap();
    let mut same = file.try_clone().unwrap();
    let body = treq::post("http://a.test/").data(file).build().unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(14));
    assert_eq!(same.stream_position().unwrap(), 5);
}

#[tokio::test]
async fn parity_c_fbp_03_a_reader_is_read_in_pieces_of_the_buffers_size() {
    let mut body = form(&b"hello, world"[..], 3);
    let mut pieces = Vec::new();
    while let Some(piece) = next(&mut body).await {
        pieces.push(String::from_utf8(piece).unwrap());
    }
    for wanted in ["hel", "lo,", " wo", "rld"] {
        assert!(pieces.iter().any(|piece| piece == wanted), "{pieces:?}");
    }
}

#[tokio::test]
async fn parity_c_fbp_06_a_body_that_is_dropped_before_it_is_read_closes_its_file() {
    let held = Arc::default();
    let body = form(Counted(b"abc", Arc::clone(&held)), 10);
    drop(body);
    assert_eq!((Arc::strong_count(&held), held.load(std::sync::atomic::Ordering::SeqCst)), (1, 0));
}

#[tokio::test]
async fn parity_c_fbp_07_a_body_that_is_dropped_midway_closes_its_file() {
    let held = Arc::default();
    let mut body = form(Counted(b"hello, world", Arc::clone(&held)), 3);
    next(&mut body).await.unwrap();
    next(&mut body).await.unwrap();
    drop(body);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test]
async fn parity_c_fbp_08_nothing_is_read_that_nobody_asks_for() {
    let read = Arc::default();
    let mut body = form(Counted(b"hello, world", Arc::clone(&read)), 5);
    while read.load(std::sync::atomic::Ordering::SeqCst) == 0 {
        next(&mut body).await.unwrap();
    }
    tokio::task::yield_now().await;
    assert_eq!(read.load(std::sync::atomic::Ordering::SeqCst), 5);
    next(&mut body).await.unwrap();
    assert_eq!(read.load(std::sync::atomic::Ordering::SeqCst), 10);
}

#[tokio::test]
async fn parity_c_mpp_21_a_form_that_is_dropped_closes_its_files() {
    let held = Arc::default();
    let mut body = form(Counted(b"hello, world!", Arc::clone(&held)), 100);
    next(&mut body).await.unwrap();
    drop(body);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test]
async fn parity_c_mpp_22_a_form_that_is_not_read_writes_nothing() {
    let read = Arc::default();
    let mut body = form(Counted(b"hello, world!", Arc::clone(&read)), 100);
    let mut all = next(&mut body).await.unwrap();
    tokio::task::yield_now().await;
    let paused = read.load(std::sync::atomic::Ordering::SeqCst);
    while let Some(piece) = next(&mut body).await {
        all.extend(piece);
    }
    assert!(paused <= 13 && String::from_utf8(all).unwrap().contains("hello, world!"));
}

#[tokio::test]
async fn parity_c_mpp_23_an_independent_parser_reads_what_was_written() {
    let form = Form::new()
        .text("cfield", "one")
        .text("cfield", "two")
        .part("file", Part::bytes(&b"\r\n--\xff"[..]).file_name("a"));
    let boundary = form.content_type().to_str().unwrap().split("boundary=").nth(1).unwrap().to_owned();
    let mut body = form.into_body().unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = next(&mut body).await {
        bytes.extend(piece);
    }
    let mut read = multer::Multipart::with_reader(&bytes[..], boundary);
    let mut fields = Vec::new();
    while let Some(field) = read.next_field().await.unwrap() {
        let name = field.name().unwrap().to_owned();
        fields.push((name, field.bytes().await.unwrap().to_vec()));
    }
    let want = [("cfield", &b"one"[..]), ("cfield", b"two"), ("file", b"\r\n--\xff")];
    assert_eq!(fields, want.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())));
}

#[tokio::test(start_paused = true)]
async fn parity_mp_02_the_boundary_is_random() {
    let (world, client) = answered(&[]);
    for _ in 0..2 {
        client.post("http://a.test/").files([("f", "x")]).await.unwrap();
    }
    let types: Vec<_> = world.requests().iter().map(|request| field(request, "content-type").unwrap()).collect();
    assert_ne!(types[0], types[1]);
    let boundary = types[0].strip_prefix("multipart/form-data; boundary=").unwrap();
    assert!((20..=70).contains(&boundary.len()) && !boundary.contains('"'));
}
