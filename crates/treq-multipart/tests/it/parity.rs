//! What those who come from Python build: fields as pairs, files as tuples of name, type and content.

use std::io::{Seek, SeekFrom, Write};

use http_body::Body as _;
use treq_multipart::{Form, Part};

use crate::support::{Trickle, refused, text};

fn form() -> Form {
    Form::new().boundary("BB")
}

/// A file-like thing without a name.
fn file(content: &'static str) -> Part {
    Part::bytes(content).content_type("application/octet-stream")
}

#[tokio::test]
async fn a_file_with_name_and_type() {
    let part = Part::bytes("hello").file_name("image.jpg").content_type("text/plain");
    let expected = "--BB\r\nContent-Disposition: form-data; name=\"name\"; filename=\"image.jpg\"\r\n\
                    Content-Type: text/plain\r\n\r\nhello\r\n--BB--\r\n";
    assert_eq!(text(form().part("name", part)).await, expected);
}

#[tokio::test]
async fn a_file_without_a_name_has_no_such_parameter() {
    let expected = "--BB\r\nContent-Disposition: form-data; name=\"f\"\r\n\
                    Content-Type: application/octet-stream\r\n\r\nx\r\n--BB--\r\n";
    assert_eq!(text(form().part("f", file("x"))).await, expected);
    let reader = Part::reader(&b"x"[..]).with_length(1);
    assert_eq!(text(form().part("f", reader)).await, expected);
}

#[tokio::test]
async fn a_name_says_the_type() {
    let table = [
        ("a.json", "application/json"),
        ("a.JPG", "image/jpeg"),
        ("a.js", "text/javascript"),
        ("a.tar.gz", "application/gzip"),
        ("a.txt", "text/plain"),
        ("a", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
        ("", "application/octet-stream"),
    ];
    for (name, kind) in table {
        let sent = text(form().part("f", Part::bytes("x").file_name(name))).await;
        let head = format!("filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\nx");
        assert!(sent.contains(&head), "{sent}");
    }
}

#[tokio::test]
async fn pairs_keep_their_order() {
    let pairs = [("q", "1"), ("b", "2"), ("b", "1")];
    let form = pairs.into_iter().fold(form(), |form, (name, value)| form.text(name, value));
    let expected = "--BB\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n1\r\n\
                    --BB\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n\
                    --BB\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n1\r\n\
                    --BB\r\nContent-Disposition: form-data; name=\"z\"; filename=\"z.txt\"\r\n\
                    Content-Type: text/plain\r\n\r\nZ\r\n--BB--\r\n";
    assert_eq!(text(form.part("z", Part::bytes("Z").file_name("z.txt"))).await, expected);
}

#[tokio::test]
async fn bytes_go_out_unchanged_and_numbers_as_text() {
    let form = form().part("q", Part::bytes(&b"\xff\0\n"[..])).text("n", 1.to_string());
    let expected = b"--BB\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n\xff\0\n\r\n\
                     --BB\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n1\r\n--BB--\r\n";
    assert_eq!(crate::support::sent(form).await, expected);
}

#[tokio::test]
async fn names_are_utf_8_and_escaped() {
    let part = Part::bytes("1").file_name("q\"u\\o\r\nte;.txt").content_type("text/plain; x=\"y\"");
    let expected = "--BB\r\nContent-Disposition: form-data; name=\"a%22b%0D%0Ac\"; \
                    filename=\"q%22u\\o%0D%0Ate;.txt\"\r\nContent-Type: text/plain; x=\"y\"\r\n\r\n1\r\n--BB--\r\n";
    assert_eq!(text(form().part("a\"b\r\nc", part)).await, expected);

    let part = Part::bytes("my lovely bytes").file_name("Так себе имя.jpg");
    let sent = text(form().part("é", part)).await;
    assert!(sent.contains("name=\"é\"; filename=\"Так себе имя.jpg\"\r\nContent-Type: image/jpeg\r\n"), "{sent}");
}

#[tokio::test]
async fn an_open_file_counts_from_where_it_is() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"0123456789").unwrap();
    file.seek(SeekFrom::Start(7)).unwrap();
    let body = form().part("f", Part::std_file(file).file_name("a.bin")).encode().unwrap();
    let expected = "--BB\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\
                    Content-Type: application/octet-stream\r\n\r\n789\r\n--BB--\r\n";
    assert_eq!(body.size_hint().exact(), Some(expected.len() as u64));
    assert_eq!(crate::support::whole(body).await, expected.as_bytes());
}

#[tokio::test]
async fn an_empty_field_beside_a_stream_sends_no_empty_frame() {
    use http_body_util::BodyExt as _;
    let part = Part::stream(Trickle::new("abc", 3)).file_name("s.txt");
    let mut body = form().text("k", "").part("f", part).encode().unwrap();
    assert_eq!(body.size_hint().exact(), None);
    let mut frames = Vec::new();
    while let Some(frame) = body.frame().await {
        frames.push(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap());
    }
    let heads = "--BB\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n\r\n\
                 --BB\r\nContent-Disposition: form-data; name=\"f\"; filename=\"s.txt\"\r\n\
                 Content-Type: text/plain\r\n\r\n";
    assert_eq!(frames, [heads, "abc", "\r\n--BB--\r\n"]);
}

#[test]
fn content_that_has_the_boundary_is_refused() {
    let error = refused(form().text("a", "b").part("f", file("--BB\r\n")));
    assert!(error.starts_with("part 2, \"f\": a line of its content begins with the boundary that was set"), "{error}");
}
