//! What bodies are made of.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use treq::body::Content;
use treq::{Client, Form, Kind, Part};
use treq_testing::{RawRequest, RawServer, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn echo() -> RawServer {
    RawServer::builder().connection([Step::ReadRequest, Step::send(OK), Step::Again]).repeat_last().start().await
}

fn text(request: &RawRequest) -> (Option<String>, String) {
    let field = request.header("content-type").map(str::to_owned);
    (field, String::from_utf8_lossy(&request.body).into_owned())
}

/// By value or by reference, as text, bytes or numbers, in lists, maps and iterators.
#[tokio::test]
async fn headers_params_and_forms_are_given_in_any_shape() {
    let server = echo().await;
    let (url, text) = (server.url("/"), "tea".to_owned());
    let map = HashMap::from([("x-a", 1_u64)]);
    let mut fields = http::HeaderMap::new();
    fields.append("x-a", 1.into());
    fields.append("x-a", 2.into());
    let post = || treq::post(&url);
    for (request, values) in [
        (post().header("x-a", 5_u64), "5"),
        (post().header(String::from("x-a"), &text), "tea"),
        (post().header(http::HeaderName::from_static("x-a"), http::HeaderValue::from(7)), "7"),
        (post().header("x-a", b"bytes").header("x-a", vec![b'v']), "bytes,v"),
        (post().headers(&map), "1"),
        (post().headers(map.clone()), "1"),
        (post().headers(vec![("x-a", "1"), ("x-a", "2")]), "1,2"),
        (post().headers([("x-a", 1), ("x-a", 2)].iter()), "1,2"),
        (post().headers((1..4).map(|n| ("x-a", n))), "1,2,3"),
        (post().headers(&fields), "1,2"),
        (post().headers(fields.clone()), "1,2"),
    ] {
        let sent = request.build().unwrap();
        let sent: Vec<_> = sent.headers().get_all("x-a").iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(sent.join(","), values);
    }

    #[derive(serde::Serialize)]
    struct Tea {
        tea: [u8; 2],
    }
    let tea = Tea { tea: [1, 2] };
    for request in [
        post().params(&tea).form(&tea),
        post().params([("tea", [1, 2])]).form([("tea", [1, 2])]),
        post().params(BTreeMap::from([("tea", vec![1, 2])])).data([("tea", [1, 2])]),
        post().params(Tea { tea: [1, 2] }).form(Tea { tea: [1, 2] }),
    ] {
        request.await.unwrap();
        let last = server.requests().pop().unwrap();
        assert_eq!((last.target(), &*last.body), ("/?tea=1&tea=2", &b"tea=1&tea=2"[..]));
    }
    for (request, body) in
        [(post().data(&text), "tea"), (post().body(&text), "tea"), (post().json(text.clone()), "\"tea\"")]
    {
        request.await.unwrap();
        assert_eq!(server.requests().pop().unwrap().body, body.as_bytes());
    }
}

#[tokio::test]
async fn data_is_whatever_it_is_made_of() {
    let server = echo().await;
    let (url, client) = (server.url("/"), Client::new());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"from a file").unwrap();
    let mut open = file.reopen().unwrap();
    std::io::Seek::seek(&mut open, std::io::SeekFrom::Start(5)).unwrap();
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>("from "), Ok("a stream")]);

    let post = || client.post(&url);
    for (request, content_type, length, body) in [
        (post().data("text"), None, Some("4"), "text"),
        (post().data(b"bytes"), None, Some("5"), "bytes"),
        (post().data(vec![b'v']), None, Some("1"), "v"),
        (post().data(()), None, Some("0"), ""),
        (post().data([("a", "1"), ("b", "x y")]), Some(FORM), Some("9"), "a=1&b=x+y"),
        (post().data(vec![("a", vec![1, 2])]), Some(FORM), Some("7"), "a=1&a=2"),
        (post().data(BTreeMap::from([("k", true)])), Some(FORM), Some("6"), "k=true"),
        (post().data([("a", ["1", "2"])]), Some(FORM), Some("7"), "a=1&a=2"),
        (post().data([("", ""); 0]), Some(FORM), Some("0"), ""),
        (post().data(file.path()), None, Some("11"), "from a file"),
        (post().data(open), None, Some("6"), "a file"),
        (post().data(tokio::fs::File::open(file.path()).await.unwrap()), None, Some("11"), "from a file"),
        (post().data(Part::text("x").content_type("text/csv")), Some("text/csv"), Some("1"), "x"),
        (post().data(Content::stream(pieces)), None, None, "from a stream"),
        (post().data(Content::reader(&b"from a reader"[..]).unwrap()), None, None, "from a reader"),
        (post().data([("a", "1")]).form([("b", "2")]), Some(FORM), Some("7"), "a=1&b=2"),
        (post().header("content-type", "a/b").data([("a", "1")]), Some("a/b"), Some("3"), "a=1"),
        (post().json(1).header("content-type", "a/b"), Some("a/b"), Some("1"), "1"),
    ] {
        let shown = format!("{request:?} {body}");
        request.await.unwrap();
        let requests = server.requests();
        let last = requests.last().unwrap();
        assert_eq!(text(last), (content_type.map(str::to_owned), body.to_owned()), "{shown}");
        assert_eq!(last.header("content-length"), length, "{shown}");
        assert_eq!(last.header("transfer-encoding").is_some(), length.is_none(), "{shown}");
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn pairs_stand_before_the_files_beside_them() {
    let server = echo().await;
    let files = || [("notes", ("notes.txt", "two sugars"))];
    treq::post(server.url("/")).files(files()).data([("tea", "green"), ("tea", "black")]).await.unwrap();
    treq::post(server.url("/")).data([("tea", "green"), ("tea", "black")]).files(files()).await.unwrap();
    treq::post(server.url("/")).multipart(Form::new().boundary("B").text("a", "b")).await.unwrap();
    let requests = server.requests();
    for request in &requests[..2] {
        let content_type = request.header("content-type").unwrap();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap().to_owned();
        let body = request.body.clone();
        let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
        let mut read = multer::Multipart::new(stream, boundary);
        let mut found = Vec::new();
        while let Some(field) = read.next_field().await.unwrap() {
            let (name, file) = (field.name().unwrap().to_owned(), field.file_name().map(str::to_owned));
            found.push((name, file, field.text().await.unwrap()));
        }
        let field = |value: &str| ("tea".to_owned(), None, value.to_owned());
        let notes = ("notes".to_owned(), Some("notes.txt".to_owned()), "two sugars".to_owned());
        assert_eq!(found, [field("green"), field("black"), notes]);
    }
    let golden = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--B--\r\n";
    assert_eq!(text(&requests[2]), (Some("multipart/form-data; boundary=B".to_owned()), golden.to_owned()));
}

#[tokio::test]
async fn two_bodies_are_refused_by_their_names() {
    let post = || treq::post("http://a.test/");
    let files = || [("f", "x")];
    for (request, names) in [
        (post().json(1).data([("a", "b")]), ["`json`", "`data`"]),
        (post().data("text").json(1), ["`data`", "`json`"]),
        (post().json(1).files(files()), ["`json`", "`files`"]),
        (post().files(files()).json(1), ["`files`", "`json`"]),
        (post().data("text").files(files()), ["`data`", "`files`"]),
        (post().body("text").form([("a", "b")]), ["`body`", "`form`"]),
        (post().multipart(Form::new()).files(files()), ["`multipart`", "`files`"]),
    ] {
        let error = request.await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder);
        let text = error.to_string();
        assert!(names.iter().all(|name| text.contains(name)), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_before_anything_is() {
    let server = echo().await;
    let missing = std::path::Path::new("no/such/file");
    let error = treq::post(server.url("/")).data(missing).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Builder);
    assert!(error.to_string().contains("no/such/file"), "{error}");
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_request_that_is_not_persistent_has_a_connection_of_its_own() {
    let server =
        RawServer::builder().connection([Step::ReadRequest, Step::send(OK), Step::Again]).repeat_last().start().await;
    let client = Client::new();
    client.get(server.url("/")).await.unwrap().content().await.unwrap();
    client.get(server.url("/")).persistent(false).await.unwrap().content().await.unwrap();
    client.get(server.url("/")).await.unwrap().content().await.unwrap();
    let said: Vec<_> =
        server.requests().iter().map(|request| request.header("connection").map(str::to_owned)).collect();
    assert_eq!(said, [None, Some("close".to_owned()), None]);
    assert_eq!((server.connections(), client.pool().unwrap().stats().open), (2, 1));
}
