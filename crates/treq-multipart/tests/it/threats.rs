//! Names, types, headers and boundaries that try to break out, and lengths that lie.

use std::collections::HashSet;

use bytes::Bytes;
use http_body::Body as _;
use treq_core::Kind;
use treq_multipart::{Form, Part, WrongLength};

use crate::support::{Trickle, broken, read_back, refused, sent, text};

#[tokio::test]
async fn a_name_cannot_break_out() {
    let part = Part::bytes("v").file_name("f\"\r\n.txt");
    let form = Form::new().boundary("B").part("a\"\r\nX: y", part);
    let expected = "--B\r\nContent-Disposition: form-data; name=\"a%22%0D%0AX: y\"; filename=\"f%22%0D%0A.txt\"\r\n\
                    Content-Type: text/plain\r\n\r\nv\r\n--B--\r\n";
    assert_eq!(text(form).await, expected);
}

#[test]
fn types_and_headers_cannot_carry_a_line() {
    let table = [
        (Part::text("").content_type("text/plain\r\nX: y"), "\"text/plain\\r\\nX: y\" is no content type"),
        (Part::text("").content_type("image/jp\reg\n"), "\"image/jp\\reg\\n\" is no content type"),
        (Part::text("").content_type("text/plain; a=\r\n\r\n--B"), "is no content type"),
        (Part::text("").content_type("text/plain;\0"), "is no content type"),
        (Part::text("").content_type("text"), "\"text\" is no content type: type/subtype is expected"),
        (Part::text("").content_type(""), "\"\" is no content type"),
        (Part::text("").header("Content-Type", "a\nb"), "\"a\\nb\" is no value of the header content-type"),
        (Part::text("").header("x-a", "1\r\nX: y"), "\"1\\r\\nX: y\" is no value of the header x-a"),
        (Part::text("").header("x-a", "1\n"), "\"1\\n\" is no value"),
        (Part::text("").header("x-a", "\0"), "\"\\0\" is no value"),
        (Part::text("").header("x a", "1"), "\"x a\" is no name of a header"),
        (Part::text("").header("x:\r\n", "1"), "\"x:\\r\\n\" is no name"),
        (Part::text("").header("", "1"), "\"\" is no name"),
    ];
    for (part, message) in table {
        let found = refused(Form::new().text("first", "x").part("second", part));
        assert!(found.starts_with("part 2, \"second\": ") && found.contains(message), "{found}");
    }
}

#[test]
fn boundaries_are_fresh_or_well_formed() {
    let all: HashSet<String> = (0..1000).map(|_| Form::new().content_type().to_str().unwrap().to_owned()).collect();
    assert_eq!(all.len(), 1000);
    for bad in ["", "a b\"c", "a\r\n", "ends in a space ", &"x".repeat(71), "ü"] {
        let found = refused(Form::new().boundary(bad).text("a", "b"));
        assert!(found.contains("is no boundary"), "{found}");
        assert_eq!(Form::new().boundary(bad).content_type(), "multipart/form-data");
    }
    assert!(Form::new().boundary("bad\n").boundary("good").encode().is_ok());
}

#[tokio::test]
async fn any_boundary_that_is_allowed_reads_back() {
    for boundary in ["a b", "'()+_,-./:=?", "=", "x:y", &"x".repeat(70), "--", "0"] {
        let body = Form::new().boundary(boundary).text("a", "b").encode().unwrap();
        let fields = read_back(body).await;
        assert_eq!(fields, [(Some("a".to_owned()), None, None, b"b".to_vec())], "{boundary}");
    }
}

#[tokio::test]
async fn a_boundary_in_what_goes_by_ends_the_body() {
    for content in ["--BB", "x\r\n--BB--\r\n", "long enough\n--BBB and more"] {
        let form = Form::new().boundary("BB").part("f", Part::reader(Trickle::new(content, 1)));
        let (bytes, error) = broken(form.encode().unwrap()).await;
        assert!(error.to_string().starts_with("part 1, \"f\": a line of its content begins"), "{error}");
        let content = String::from_utf8(bytes).unwrap().split_off("--BB".len());
        assert!(!content.contains("--BB"), "{content}");
    }
    // A random one is not looked for, and what merely resembles one passes.
    let close = Part::reader(Trickle::new("\r\n--B\r\n-BB x--BB", 2));
    sent(Form::new().boundary("BB").part("f", close)).await;
}

#[tokio::test]
async fn an_inner_stream_may_not_have_the_outer_boundary() {
    let inner = Form::mixed().unnamed(Part::stream(Trickle::new("a\r\n--BB\r\nb", 4)));
    let form = Form::new().boundary("BB").part("f", Part::multipart(inner));
    let (_, error) = broken(form.encode().unwrap()).await;
    assert!(error.to_string().starts_with("part 1, \"f\": a line of its content begins"), "{error}");
}

#[tokio::test]
async fn a_part_that_is_longer_or_shorter_than_declared_breaks_off() {
    for (declared, content, message) in [
        (10, "1234567", "part 1, \"f\": 10 bytes were declared, but the content ended after 7"),
        (5, "1234567", "part 1, \"f\": 5 bytes were declared, but the content has at least 7"),
        (0, "1234567", "part 1, \"f\": 0 bytes were declared, but the content has at least 7"),
    ] {
        let reader = || Part::reader(Trickle::new(content, 7)).with_length(declared);
        let stream = || Part::stream(Trickle::new(content, 7)).with_length(declared);
        let factory = || Part::factory(move || Part::bytes(content)).with_length(declared);
        let inner = || Part::factory(move || Part::bytes(content).with_length(declared));
        for part in [reader(), stream(), factory(), inner()] {
            let body = Form::new().part("f", part).text("after", "x").encode().unwrap();
            let (bytes, error) = broken(body).await;
            assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Body, message));
            let cause = error.find::<WrongLength>().unwrap();
            assert_eq!((cause.declared, cause.found), (declared, 7));
            assert!(!String::from_utf8(bytes).unwrap().contains("after"));
        }
    }
    let found = refused(Form::new().part("f", Part::text("abc").with_length(4)));
    assert!(found.starts_with("part 1, \"f\": 4 bytes were declared, but the content ended after 3"), "{found}");
}

#[test]
fn the_length_is_exact_where_each_part_knows_its_own() {
    let known = || Form::new().part("a", Part::bytes(vec![0; 10])).part("r", Part::reader(&b"x"[..]).with_length(1));
    let exact = |form: Form| form.encode().unwrap().size_hint().exact();
    assert!(exact(known()).is_some());
    assert_eq!(exact(known().part("s", Part::stream(Trickle::new("x", 1)))), None);
    assert_eq!(exact(known().part("s", Part::factory(|| Part::text("x")))), None);
    assert!(exact(known().part("s", Part::stream(http_body_util::Full::new(Bytes::from("x"))))).is_some());
    assert_eq!(exact(Form::new().part("a", Part::reader(&b""[..]).with_length(u64::MAX))), None);
}

#[test]
fn buffers_of_no_size_are_refused() {
    for bytes in [0, usize::MAX] {
        assert!(refused(Form::new().buffer_size(bytes)).starts_with(&format!("{bytes} bytes is no size of a buffer")));
    }
}

#[test]
fn a_header_cannot_begin_with_the_boundary() {
    let form = Form::new().boundary("Bb").part("a", Part::text("x").header("--bb", "1"));
    let found = refused(form);
    assert!(found.starts_with("part 1, \"a\": the name of a header begins with the boundary"), "{found}");
}

#[test]
fn long_names_are_cut_in_errors() {
    let found = refused(Form::new().part("n".repeat(100_000), Part::text("x").content_type("y".repeat(100_000))));
    assert!(found.len() < 400, "{found}");
}
