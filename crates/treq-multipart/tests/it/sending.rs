use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, StreamBody};
use treq_core::{Body, Kind, TryClone};
use treq_multipart::{Form, Part};

use crate::support::{Trickle, broken, sent, whole, with_causes};

#[tokio::test]
async fn small_parts_go_out_together_and_large_ones_without_a_copy() {
    let large = Bytes::from(vec![b'x'; 100_000]);
    let form = Form::new().text("a", "1").text("b", "2").part("c", Part::bytes(large.clone())).text("d", "3");
    let mut body = form.encode().unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = body.frame().await {
        frames.push(frame.unwrap().into_data().unwrap());
    }
    assert_eq!(frames.len(), 3);
    assert_eq!(frames[1].as_ptr(), large.as_ptr());
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));

    let many = (0..10_000).fold(Form::new(), |form, at| form.text("n", at.to_string()));
    let mut body = many.encode().unwrap();
    while let Some(frame) = body.frame().await {
        assert!(frame.unwrap().into_data().unwrap().len() < 70 * 1024);
    }
}

#[tokio::test]
async fn nothing_is_read_that_is_not_asked_for() {
    let reader = Trickle::new(vec![b'x'; 1000], 10);
    let watch = Arc::clone(&reader.watch);
    let form = Form::new().text("a", "b").part("r", Part::reader(reader)).part("after", Part::text("x"));
    let mut body = form.encode().unwrap();
    assert_eq!(watch.polls(), 0);
    body.frame().await.unwrap().unwrap();
    assert_eq!(watch.polls(), 0, "the heads come first");
    for pieces in 1..=5 {
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 10);
        assert_eq!(watch.polls(), 2 * pieces);
    }
    assert_eq!(watch.drops(), 0);
    drop(body);
    assert_eq!((watch.polls(), watch.drops()), (10, 1));
}

#[tokio::test]
async fn a_source_is_let_go_of_when_it_has_ended() {
    let (first, second) = (Trickle::new("1", 1), Trickle::new("2", 1));
    let (watch, later) = (Arc::clone(&first.watch), Arc::clone(&second.watch));
    let form = Form::new().part("1", Part::reader(first)).part("2", Part::stream(second));
    let mut body = form.encode().unwrap();
    while watch.drops() == 0 {
        body.frame().await.unwrap().unwrap();
    }
    assert_eq!(later.polls(), 0);
    whole(body).await;
    assert_eq!(later.drops(), 1);
}

#[tokio::test]
async fn dropped_after_any_frame_it_lets_go_of_all() {
    for frames in 0..12 {
        let readers = [Trickle::new("123456", 2), Trickle::new("abcdef", 2)];
        let watches = readers.each_ref().map(|reader| Arc::clone(&reader.watch));
        let [first, second] = readers;
        let inner = Form::mixed().unnamed(Part::reader(second));
        let form = Form::new().part("1", Part::reader(first)).part("2", Part::multipart(inner));
        let mut body = form.encode().unwrap();
        for _ in 0..frames {
            let _ = body.frame().await;
        }
        drop(body);
        assert_eq!(watches.map(|watch| watch.drops()), [1, 1], "after {frames} frames");
    }
}

#[tokio::test]
async fn a_reader_that_fails_is_named_and_the_rest_is_let_go_of() {
    let later = Trickle::new("x", 1);
    let watch = Arc::clone(&later.watch);
    let failing = Part::reader(Trickle::failing("abcdef")).file_name("cut.bin");
    let form = Form::new().text("a", "b").part("up", failing).part("later", Part::reader(later));
    let mut body = form.encode().unwrap();
    let (bytes, error) = broken(&mut body).await;
    assert!(bytes.ends_with(b"abcdef"));
    assert_eq!(error.kind(), Kind::Body);
    assert_eq!(with_causes(&error), "part 2, \"up\": its reader failed <- the source broke");
    assert_eq!(watch.drops(), 1);
    assert!(body.is_end_stream());

    let (_, error) = broken(Form::new().part("s", Part::stream(Trickle::failing(""))).encode().unwrap()).await;
    assert_eq!(with_causes(&error), "part 1, \"s\": its content cannot be read <- the source broke");
}

#[tokio::test]
async fn what_can_be_made_again_is_sent_again() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let factory = Part::factory(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Part::reader(Trickle::new("made", 1))
    });
    let inner = Form::mixed().unnamed(Part::text("in"));
    let form = Form::new()
        .text("a", "b")
        .part("b", Part::bytes(vec![b'x'; 10_000]))
        .part("f", factory.file_name("f"))
        .part("m", Part::multipart(inner));
    let body = form.into_body().unwrap();
    let (second, third) = (body.try_clone().unwrap(), body.try_clone().unwrap());
    assert_eq!(made.load(Ordering::SeqCst), 0);
    let first = whole(body).await;
    assert_eq!(whole(second).await, first);
    // A copy of what was dropped midway.
    let mut third = third;
    third.frame().await.unwrap().unwrap();
    let fourth = third.try_clone().unwrap();
    drop(third);
    assert_eq!(whole(fourth).await, first);
    assert_eq!(made.load(Ordering::SeqCst), 3);

    let body = Form::new().text("a", "b").encode().unwrap();
    let copy = body.try_clone().unwrap();
    assert_eq!(whole(body).await, whole(copy).await);
}

#[tokio::test]
async fn what_can_be_read_once_is_sent_once() {
    for part in [
        Part::reader(&b"x"[..]),
        Part::stream(Trickle::new("x", 1)),
        Part::std_file(tempfile::tempfile().unwrap()),
        Part::multipart(Form::mixed().unnamed(Part::reader(&b"x"[..]))),
    ] {
        let form = || Form::new().text("a", "b").text("c", "d");
        let body = form().part("once", part).encode().unwrap();
        assert!(body.try_clone().is_none());
        assert!(Body::new(body).try_clone().is_none());
        assert!(form().part("once", Part::reader(&b"x"[..])).into_body().unwrap().try_clone().is_none());
        assert!(form().into_body().unwrap().try_clone().is_some());
    }
}

#[tokio::test]
async fn a_factory_makes_neither_forms_nor_factories_nor_what_is_wrong() {
    type Make = fn() -> Part;
    let table: [(Make, &str); 3] = [
        (|| Part::multipart(Form::new()), "part 1, \"f\": its factory made a multipart"),
        (|| Part::factory(|| Part::text("x")), "part 1, \"f\": its factory made a factory"),
        (|| Part::text("x").content_type("?"), "part 1, \"f\": \"?\" is no content type"),
    ];
    for (make, start) in table {
        let (bytes, error) = broken(Form::new().part("f", Part::factory(make)).encode().unwrap()).await;
        assert!(error.to_string().starts_with(start), "{error}");
        assert_eq!(bytes, b"");
    }
}

#[test]
fn a_form_that_is_wrong_says_so_before_it_is_sent() {
    let error = Form::new().boundary("").text("a", "b").into_body().unwrap_err();
    assert_eq!(error.kind(), Kind::Builder);
    assert!(error.to_string().contains("is no boundary"), "{error}");
}

#[tokio::test]
async fn progress_is_told_anew_in_each_sending() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&told);
    let form = Form::new()
        .text("a", "b")
        .part("f", Part::factory(|| Part::reader(Trickle::new("123456", 3))).with_length(6))
        .on_progress(move |progress| into.lock().unwrap().push((progress.sent, progress.total)));
    let body = form.into_body().unwrap();
    let again = body.try_clone().unwrap();
    let total = body.size_hint().exact().unwrap();
    let first = {
        whole(body).await;
        std::mem::take(&mut *told.lock().unwrap())
    };
    assert_eq!(first.len(), 4);
    assert!(first.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(first.iter().all(|(_, whole)| *whole == Some(total)));
    assert_eq!(first.last().unwrap().0, total);
    whole(again).await;
    assert_eq!(*told.lock().unwrap(), first);
}

#[tokio::test]
async fn pieces_without_content_and_trailers_are_left_out_and_do_not_hold_others_up() {
    struct Endless;
    impl futures_core::Stream for Endless {
        type Item = Result<Frame<Bytes>, std::io::Error>;
        fn poll_next(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Ready(Some(Ok(Frame::data(Bytes::new()))))
        }
    }
    let form = Form::new().part("s", Part::stream(StreamBody::new(Endless)));
    let mut body = form.encode().unwrap();
    body.frame().await.unwrap().unwrap();
    let others = tokio::spawn(async { tokio::task::yield_now().await });
    tokio::select! {
        biased;
        done = others => done.unwrap(),
        _ = body.frame() => panic!("there is no frame"),
    }

    let full = http_body_util::Full::new(Bytes::from("x"));
    let with_trailers = full.with_trailers(async { Some(Ok(http::HeaderMap::new())) });
    let bytes = sent(Form::new().part("t", Part::stream(with_trailers))).await;
    assert!(String::from_utf8(bytes).unwrap().contains("\r\n\r\nx\r\n--"));
}
