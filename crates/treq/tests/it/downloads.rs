//! Files that are whole or not there, and downloads that go on.

use std::sync::{Arc, Mutex};

use http::{Request, Response};
use treq::body::Downloaded;
use treq::{Body, Client, Kind};
use treq_testing::{MemoryServer, RawServer, Step};

const HEAD: &str = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 10\r\n\r\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("file")
    }

    fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }
}

async fn server(answers: &[&str]) -> RawServer {
    let add = |builder: treq_testing::RawBuilder, answer: &&str| {
        builder.connection([Step::ReadRequest, Step::send(answer.to_string()), Step::Close])
    };
    answers.iter().fold(RawServer::builder(), add).start().await
}

fn done(bytes: u64, resumed_at: u64) -> impl Fn(&Downloaded) -> bool {
    move |done| (done.bytes, done.resumed_at) == (bytes, resumed_at)
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_was_cut() {
    let rest = "HTTP/1.1 206 Partial\r\nETag: \"a\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789";
    let server = server(&[&format!("{HEAD}0123"), rest]).await;
    let (folder, client) = (Folder::new(), Client::new());
    let error = client.get(server.url("/f?k")).download(folder.path()).resume(true).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Body);
    assert_eq!(folder.names(), ["file-aad01178f02a6a23.part", "file-aad01178f02a6a23.part.note"]);

    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let download = client.get(server.url("/f?k")).download(folder.path()).resume(true);
    let outcome = download.on_progress(move |bytes, total| seen.lock().unwrap().push((bytes, total))).await.unwrap();
    assert!(done(10, 4)(&outcome), "{outcome:?}");
    assert_eq!((folder.text().as_str(), folder.names()), ("0123456789", vec!["file".to_owned()]));
    assert_eq!(told.lock().unwrap().last(), Some(&(10, Some(10))));
    let requests = server.requests();
    let field = |at: usize, name: &str| requests[at].header(name).map(str::to_owned);
    assert_eq!((field(0, "range"), field(0, "accept-encoding").as_deref()), (None, Some("identity")));
    assert_eq!((field(1, "range").as_deref(), field(1, "if-range").as_deref()), (Some("bytes=4-"), Some("\"a\"")));
}

#[tokio::test]
async fn what_has_changed_is_written_anew() {
    let changed = "HTTP/1.1 200 OK\r\nETag: \"b\"\r\nContent-Length: 3\r\n\r\nnew";
    let lies = "HTTP/1.1 206 Partial\r\nETag: \"b\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789";
    let elsewhere = "HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-9/10\r\nContent-Length: 7\r\n\r\n3456789";
    let beyond = "HTTP/1.1 416 No\r\nContent-Range: bytes */3\r\nContent-Length: 0\r\n\r\n";
    for answers in [&[changed][..], &[lies, changed], &[elsewhere, changed], &[beyond, changed]] {
        let cut = format!("{HEAD}0123");
        let answers: Vec<_> = std::iter::once(cut.as_str()).chain(answers.iter().copied()).collect();
        let (server, folder, client) = (server(&answers).await, Folder::new(), Client::new());
        client.get(server.url("/f")).download(folder.path()).resume(true).await.unwrap_err();
        let outcome = client.get(server.url("/f")).download(folder.path()).resume(true).await.unwrap();
        assert!(done(3, 0)(&outcome), "{answers:?} {outcome:?}");
        assert_eq!((folder.text().as_str(), folder.names()), ("new", vec!["file".to_owned()]));
        assert_eq!(server.requests().len(), answers.len());
    }
}

/// Such as the last piece of a download that was dropped while a thread wrote it.
#[tokio::test]
async fn what_something_else_writes_meanwhile_is_not_taken_for_content() {
    for early in [true, false] {
        let folder = Folder::new();
        let cut = [Step::ReadRequest, Step::send(format!("{HEAD}0123")), Step::Close];
        let server = RawServer::builder().connection(cut).start_in_memory();
        let client = Client::builder().connector(server.connector()).build().unwrap();
        client.get("http://a.test/f").download(folder.path()).resume(true).await.unwrap_err();

        let part = folder.0.path().join("file-aad01178f02a6a23.part");
        let stray = move || {
            let file = std::fs::OpenOptions::new().append(true).open(&part);
            std::io::Write::write_all(&mut file.unwrap(), b"a late piece").unwrap();
        };
        let before = stray.clone();
        let server = MemoryServer::new(tower::service_fn(move |request: Request<Body>| {
            if early {
                before();
            }
            let answer = Response::builder().header("etag", "\"a\"");
            let response = match request.headers().get("range") {
                Some(_) => answer.status(206).header("content-range", "bytes 4-9/10").body(Body::from("456789")),
                None => answer.body(Body::from("0123456789")),
            };
            async { response }
        }));
        let client = Client::builder().connector(server.connector()).build().unwrap();
        let fetch = || client.get("http://a.test/f").download(folder.path()).resume(true);
        if early {
            assert!(done(10, 4)(&fetch().await.unwrap()));
        } else {
            let error = fetch().on_progress(move |_, _| stray()).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Body);
            assert!(error.to_string().contains("has 22 bytes, not 10: something else writes to it"), "{error}");
            assert_eq!(folder.names(), ["file-aad01178f02a6a23.part"]);
            assert!(done(10, 0)(&fetch().await.unwrap()));
        }
        assert_eq!((folder.text().as_str(), folder.names()), ("0123456789", vec!["file".to_owned()]));
    }
}

#[tokio::test]
async fn what_is_complete_is_not_fetched_again() {
    let all = "HTTP/1.1 416 No\r\nETag: \"a\"\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n";
    // All of it came, and the connection was lost before the end of the chunks.
    let cut = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n";
    let (server, folder, client) = (server(&[cut, all]).await, Folder::new(), Client::new());
    client.get(server.url("/f")).download(folder.path()).resume(true).await.unwrap_err();
    let outcome = client.get(server.url("/f")).download(folder.path()).resume(true).await.unwrap();
    assert!(done(10, 10)(&outcome), "{outcome:?}");
    assert_eq!(folder.text(), "0123456789");

    // The length alone does not say that it is the same.
    let (any, new) =
        ("HTTP/1.1 416 No\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n", format!("{HEAD}abcdefghij"));
    let (server, folder) = (self::server(&[cut, any, &new]).await, Folder::new());
    client.get(server.url("/f")).download(folder.path()).resume(true).await.unwrap_err();
    let outcome = client.get(server.url("/f")).download(folder.path()).resume(true).await.unwrap();
    assert!(done(10, 0)(&outcome) && folder.text() == "abcdefghij", "{outcome:?}");
}

#[tokio::test]
async fn what_is_not_the_content_replaces_no_file() {
    let part = "206 Partial\r\nContent-Range: bytes 0-2/10";
    for status in ["204 No Content", "304 Not Modified", "202 Accepted", "300 Choices", part, "404 No", "416 No"] {
        for resume in [false, true] {
            let length =
                if status.starts_with("204") || status.starts_with("304") { "" } else { "\r\nContent-Length: 3" };
            let body = if length.is_empty() { "" } else { "xyz" };
            let response = format!("HTTP/1.1 {status}{length}\r\n\r\n{body}");
            let (server, folder, client) = (server(&[&response]).await, Folder::new(), Client::new());
            std::fs::write(folder.path(), "good").unwrap();
            let request = client.get(server.url("/f")).allow_redirects(false);
            let error = request.download(folder.path()).resume(resume).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Status, "{status}: {error:?}");
            assert!(error.to_string().contains(&status[..3]), "{error}");
            assert_eq!((folder.text().as_str(), folder.names()), ("good", vec!["file".to_owned()]), "{status}");
        }
    }
    // A part that was asked for is what was asked for.
    let response = format!("HTTP/1.1 {part}\r\nContent-Length: 3\r\n\r\nxyz");
    let (server, folder, client) = (server(&[&response]).await, Folder::new(), Client::new());
    client.get(server.url("/f")).header("range", "bytes=0-2").download(folder.path()).await.unwrap();
    assert_eq!(folder.text(), "xyz");
}

#[tokio::test]
async fn a_server_that_codes_what_is_to_be_resumed_gives_the_same_file() {
    use async_compression::tokio::write::GzipEncoder;
    use tokio::io::AsyncWriteExt as _;

    let text = "tea and coffee\n".repeat(20_000);
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(text.as_bytes()).await.unwrap();
    encoder.shutdown().await.unwrap();
    let coded = encoder.into_inner();
    let server = MemoryServer::new(tower::service_fn(move |_: Request<Body>| {
        let response = Response::builder().header("etag", "\"a\"").header("content-encoding", "gzip");
        let response = response.body(Body::from(coded.clone())).unwrap();
        async { Ok::<_, std::convert::Infallible>(response) }
    }));
    let (folder, client) = (Folder::new(), Client::builder().connector(server.connector()).build().unwrap());
    for resume in [false, true] {
        let outcome = client.get("http://a.test/f").download(folder.path()).resume(resume).await.unwrap();
        assert!(done(text.len() as u64, 0)(&outcome), "{outcome:?}");
        assert_eq!((folder.text(), folder.names()), (text.clone(), vec!["file".to_owned()]));
    }
}

#[tokio::test]
async fn two_that_resume_to_one_path_do_not_write_into_each_other() {
    let cut = [Step::ReadRequest, Step::send(format!("{HEAD}0123")), Step::Stall];
    let server = RawServer::builder().connection(cut).repeat_last().start().await;
    let (folder, client) = (Folder::new(), Client::new());
    let first = client.get(server.url("/f")).download(folder.path()).resume(true);
    let first = tokio::spawn(std::future::IntoFuture::into_future(first));
    while !folder.names().contains(&"file-aad01178f02a6a23.part.note".to_owned()) {
        assert!(!first.is_finished(), "{:?}", first.await);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let error = client.get(server.url("/f")).download(folder.path()).resume(true).await.unwrap_err();
    assert!(error.kind() == Kind::Body && error.to_string().contains("is in use"), "{error}");
    // Given up, it leaves its place to the next.
    first.abort();
    let _ = first.await;
    let whole = self::server(&[&format!("{HEAD}0123456789")]).await;
    let outcome = client.get(whole.url("/f")).download(folder.path()).resume(true).await.unwrap();
    assert!(done(10, 0)(&outcome) && folder.text() == "0123456789", "{outcome:?}");
}

#[tokio::test]
async fn a_slow_line_is_written_as_it_comes() {
    let pieces = (0..10).flat_map(|_| [Step::send("5\r\nhello\r\n"), Step::sleep_ms(30)]);
    let head = Step::send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let script = [Step::ReadRequest, head].into_iter().chain(pieces).chain([Step::send("0\r\n\r\n")]);
    let server = RawServer::builder().connection(script).start().await;
    let (folder, client) = (Folder::new(), Client::new());
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let download = client.get(server.url("/f")).download(folder.path());
    download.on_progress(move |bytes, _| seen.lock().unwrap().push(bytes)).await.unwrap();
    let told = told.lock().unwrap();
    assert!(told.len() >= 8 && told.last() == Some(&50), "{told:?}");
}

#[tokio::test]
async fn nothing_is_resumed_without_a_strong_validator_or_for_another_url() {
    let weak = "HTTP/1.1 200 OK\r\nETag: W/\"a\"\r\nContent-Length: 10\r\n\r\n0123";
    let whole = format!("{HEAD}0123456789");
    let cut = format!("{HEAD}0123");
    for (first, url) in [(weak, "/f"), (&*cut, "/g")] {
        let (server, folder, client) = (server(&[first, &whole]).await, Folder::new(), Client::new());
        client.get(server.url("/f")).download(folder.path()).resume(true).await.unwrap_err();
        let outcome = client.get(server.url(url)).download(folder.path()).resume(true).await.unwrap();
        assert!(done(10, 0)(&outcome), "{first} {outcome:?}");
        assert_eq!(server.requests()[1].header("range"), None);
        assert_eq!(folder.text(), "0123456789");
    }
}

#[tokio::test]
async fn an_error_page_is_no_file() {
    let missing = "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone";
    let (server, folder, client) = (server(&[missing, missing]).await, Folder::new(), Client::new());
    for resume in [false, true] {
        let error = client.get(server.url("/f")).download(folder.path()).resume(resume).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Status);
        assert!(folder.names().is_empty());
    }
    let error = client.post(server.url("/f")).data("x").download(folder.path()).resume(true).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Builder);
}

#[tokio::test]
async fn what_has_no_content_is_not_downloaded() {
    for resume in [false, true] {
        let server = server(&["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"]).await;
        let (folder, client) = (Folder::new(), Client::new());
        std::fs::write(folder.path(), "good").unwrap();
        let error = client.head(server.url("/f")).download(folder.path()).resume(resume).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder, "{error}");
        assert!(error.to_string().contains("HEAD"), "{error}");
        assert_eq!((folder.text().as_str(), folder.names()), ("good", vec!["file".to_owned()]));
    }
}

#[tokio::test]
async fn a_part_is_written_only_if_it_was_asked_for() {
    for (asked, stated, is_it) in [
        ("bytes=2-4", "bytes 2-4/10", true),
        ("bytes=2-4", "bytes 2-3/10", true),
        ("bytes=2-", "bytes 2-9/10", true),
        ("bytes=-3", "bytes 7-9/10", true),
        ("bytes=-3", "bytes 7-9/*", true),
        ("bytes=0-0,2-3", "bytes 2-3/10", true),
        ("bytes=2-4", "bytes 3-5/10", false),
        ("bytes=2-4", "bytes 2-5/10", false),
        ("bytes=2-", "bytes 0-9/10", false),
        ("bytes=-3", "bytes 0-2/10", false),
        ("bytes=2-4", "items 2-4/10", false),
        ("bytes=2-4", "", false),
    ] {
        let (start, end) = stated
            .strip_prefix("bytes ")
            .and_then(|rest| rest.split_once('/')?.0.split_once('-'))
            .unwrap_or(("0", "2"));
        let body = "x".repeat(end.parse::<usize>().unwrap() - start.parse::<usize>().unwrap() + 1);
        let length = body.len();
        let response =
            format!("HTTP/1.1 206 Partial\r\nContent-Range: {stated}\r\nContent-Length: {length}\r\n\r\n{body}");
        let (server, folder, client) = (server(&[&response]).await, Folder::new(), Client::new());
        std::fs::write(folder.path(), "good").unwrap();
        let outcome = client.get(server.url("/f")).header("range", asked).download(folder.path()).await;
        assert_eq!(outcome.is_ok(), is_it, "{asked}: {stated}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(error.kind() == Kind::Status && error.to_string().contains(asked), "{error}");
        }
        assert_eq!(folder.text(), if is_it { &body } else { "good" }, "{asked}: {stated}");
    }
}

/// Chunks need not keep to what the head says.
#[tokio::test]
async fn a_part_that_is_longer_than_it_says_is_not_taken() {
    let cut = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n";
    let head = "HTTP/1.1 206 Partial\r\nETag: \"a\"\r\nContent-Range: bytes 4-9/*\r\n";
    let long = format!("{head}Transfer-Encoding: chunked\r\n\r\n8\r\n456789xx\r\n0\r\n\r\n");
    let whole = format!("{HEAD}0123456789");
    let (server, folder, client) = (server(&[cut, &long, &whole]).await, Folder::new(), Client::new());
    let fetch = || client.get(server.url("/f")).download(folder.path()).resume(true);
    fetch().await.unwrap_err();
    let error = fetch().await.unwrap_err();
    assert!(error.kind() == Kind::Body && error.to_string().contains("says up to 9"), "{error}");
    assert!(done(10, 0)(&fetch().await.unwrap()));
    assert_eq!(folder.text(), "0123456789");
}

/// Nor is it kept for the next attempt if it is cut as well.
#[tokio::test]
async fn a_part_that_is_longer_than_it_says_and_cut_is_not_gone_on_with() {
    let cut = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 12\r\n\r\n0123";
    let head = "HTTP/1.1 206 Partial\r\nETag: \"a\"\r\nContent-Range: bytes 4-6/12\r\n";
    let long = format!("{head}Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n");
    let whole = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 12\r\n\r\n0123456789ab";
    let (server, folder, client) = (server(&[cut, &long, whole]).await, Folder::new(), Client::new());
    let fetch = || client.get(server.url("/f")).download(folder.path()).resume(true);
    fetch().await.unwrap_err();
    assert_eq!(fetch().await.unwrap_err().kind(), Kind::Body);
    assert!(done(12, 0)(&fetch().await.unwrap()));
    assert_eq!(folder.text(), "0123456789ab");
    assert_eq!(server.requests()[2].header("range"), None);
}

/// A server may give less than it was asked for: that a part was the last one is known by the length of the whole alone.
#[tokio::test]
async fn a_part_of_a_whole_of_unknown_length_need_not_be_the_last() {
    let cut = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n";
    let part = |range: &str, body: &str| {
        let length = body.len();
        let head = "HTTP/1.1 206 Partial\r\nETag: \"a\"\r\nContent-Range: bytes";
        format!("{head} {range}/*\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let all = "HTTP/1.1 416 No\r\nETag: \"a\"\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n";
    let answers = [cut, &part("4-6", "456"), &part("7-9", "789"), all];
    let (server, folder, client) = (server(&answers).await, Folder::new(), Client::new());
    let fetch = || client.get(server.url("/f")).download(folder.path()).resume(true);
    fetch().await.unwrap_err();
    assert!(done(10, 4)(&fetch().await.unwrap()));
    assert_eq!((folder.text().as_str(), folder.names()), ("0123456789", vec!["file".to_owned()]));
    let asked: Vec<_> = server.requests().iter().map(|request| request.header("range").map(str::to_owned)).collect();
    let ranges = [None, Some("bytes=4-"), Some("bytes=7-"), Some("bytes=10-")].map(|range| range.map(str::to_owned));
    assert_eq!(asked, ranges);
}

/// A tag tells versions of one resource apart.
#[tokio::test]
async fn a_redirect_to_another_resource_is_not_gone_on_with() {
    let to = |path: &str| format!("HTTP/1.1 302 Found\r\nLocation: {path}\r\nContent-Length: 0\r\n\r\n");
    for (second, resumed_at) in [("/v1?signed=2", 4), ("/v2", 0)] {
        let cut = format!("{HEAD}0123");
        let part =
            "HTTP/1.1 206 Partial\r\nETag: \"a\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789";
        let whole = format!("{HEAD}abcdefghij");
        let answers = [to("/v1?signed=1"), cut, to(second), part.to_owned(), to(second), whole];
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        let (server, folder, client) = (server(&answers).await, Folder::new(), Client::new());
        let fetch = || client.get(server.url("/latest")).download(folder.path()).resume(true);
        fetch().await.unwrap_err();
        assert!(done(10, resumed_at)(&fetch().await.unwrap()), "{second}");
        assert_eq!(folder.text(), if resumed_at == 4 { "0123456789" } else { "abcdefghij" });
    }
}

#[tokio::test]
async fn a_part_that_was_asked_for_is_as_long_as_it_says() {
    let head = "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-9/10\r\n";
    for body in [
        "Connection: close\r\n\r\n012",
        "Transfer-Encoding: chunked\r\n\r\n3\r\n012\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nc\r\n0123456789ab\r\n0\r\n\r\n",
        "Content-Length: 3\r\n\r\n012",
    ] {
        let (server, folder, client) = (server(&[&format!("{head}{body}")]).await, Folder::new(), Client::new());
        std::fs::write(folder.path(), "good").unwrap();
        let outcome = client.get(server.url("/f")).header("range", "bytes=0-9").download(folder.path()).await;
        assert!(outcome.as_ref().is_err_and(|error| error.kind() == Kind::Body), "{body}: {outcome:?}");
        assert_eq!((folder.text().as_str(), folder.names()), ("good", vec!["file".to_owned()]));
    }
}

#[tokio::test]
async fn progress_is_told_of_what_is_empty_or_here_already() {
    let all = "HTTP/1.1 416 No\r\nETag: \"a\"\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n";
    let cut = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n";
    let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for (responses, resume, last) in
        [(&[empty][..], false, (0, Some(0))), (&[empty], true, (0, Some(0))), (&[cut, all], true, (10, Some(10)))]
    {
        let (server, folder, client) = (server(responses).await, Folder::new(), Client::new());
        if responses.len() > 1 {
            client.get(server.url("/f")).download(folder.path()).resume(true).await.unwrap_err();
        }
        let told = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&told);
        let download = client.get(server.url("/f")).download(folder.path()).resume(resume);
        download.on_progress(move |bytes, total| seen.lock().unwrap().push((bytes, total))).await.unwrap();
        assert_eq!(told.lock().unwrap().last(), Some(&last), "{responses:?}");
    }
}

/// Dropped after each of its polls in turn: the file is the old one or the whole new one, and what had arrived is gone on with.
#[tokio::test]
async fn a_download_that_is_dropped_anywhere_goes_on() {
    const CONTENT: &str = "0123456789abcdefghij";
    let server = MemoryServer::new(tower::service_fn(|request: Request<Body>| {
        let range = request.headers().get("range").map(|range| range.to_str().unwrap().to_owned());
        let at = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let response = Response::builder().header("etag", "\"a\"");
        let at: usize = at.unwrap_or(0);
        let response = match at {
            0 => response.header("content-length", CONTENT.len()),
            at if at < CONTENT.len() => response
                .status(206)
                .header("content-range", format!("bytes {at}-{}/{}", CONTENT.len() - 1, CONTENT.len())),
            _ => response.status(416).header("content-range", format!("bytes */{}", CONTENT.len())),
        };
        let rest = &CONTENT.as_bytes()[at.min(CONTENT.len())..];
        let pieces = rest.chunks(3).map(|piece| Ok::<_, std::io::Error>(bytes::Bytes::from_static(piece)));
        let body = futures_util::stream::unfold(pieces, |mut pieces| async {
            // Each piece comes by itself.
            tokio::task::yield_now().await;
            pieces.next().map(|piece| (piece, pieces))
        });
        let response = response
            .body(Body::new(http_body_util::StreamBody::new(futures_util::StreamExt::map(body, |piece| {
                piece.map(http_body::Frame::data)
            }))));
        async { response }
    }));
    let client = Client::builder().connector(server.connector()).build().unwrap();
    let (mut resumed, mut ended) = (0, false);
    for polls in 0.. {
        let folder = Folder::new();
        std::fs::write(folder.path(), "old").unwrap();
        let mut left = polls;
        let download = client.get("http://a.test/f").download(folder.path()).resume(true);
        let mut download = std::future::IntoFuture::into_future(download);
        ended = std::future::poll_fn(|cx| {
            if left == 0 {
                return std::task::Poll::Ready(false);
            }
            left -= 1;
            download.as_mut().poll(cx).map(|outcome| outcome.is_ok())
        })
        .await;
        drop(download);
        let text = folder.text();
        assert!(text == CONTENT || (text == "old" && !ended), "after {polls} polls: {text}");
        let outcome = client.get("http://a.test/f").download(folder.path()).resume(true).await.unwrap();
        resumed += u64::from(outcome.resumed_at > 0);
        assert_eq!((folder.text().as_str(), folder.names()), (CONTENT, vec!["file".to_owned()]), "after {polls} polls");
        if ended {
            break;
        }
    }
    assert!(ended && resumed > 0, "{resumed}");
}

/// A piece may hold much more than it shows: a slice of a large buffer.
struct Buffer(Arc<Mutex<(usize, usize)>>);

impl Buffer {
    fn new(count: &Arc<Mutex<(usize, usize)>>) -> Buffer {
        let mut counts = count.lock().unwrap();
        counts.0 += 1;
        counts.1 = counts.1.max(counts.0);
        Buffer(Arc::clone(count))
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        b"x"
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.0.lock().unwrap().0 -= 1;
    }
}

#[tokio::test]
async fn small_pieces_are_not_gathered_by_the_buffers_they_hold() {
    const PIECES: usize = 20_000;
    let count = Arc::new(Mutex::new((0, 0)));
    let own = Arc::clone(&count);
    let client = Client::from_service(tower::service_fn(move |_: Request<Body>| {
        let own = Arc::clone(&own);
        let pieces = (0..PIECES).map(move |_| Ok::<_, std::io::Error>(bytes::Bytes::from_owner(Buffer::new(&own))));
        let frames = futures_util::stream::iter(pieces.map(|piece| piece.map(http_body::Frame::data)));
        let body = Body::new(http_body_util::StreamBody::new(frames));
        async { Ok::<_, std::convert::Infallible>(Response::new(body)) }
    }));
    let folder = Folder::new();
    let outcome = client.get("http://a.test/f").download(folder.path()).await.unwrap();
    assert!(done(PIECES as u64, 0)(&outcome));
    assert_eq!(std::fs::metadata(folder.path()).unwrap().len(), PIECES as u64);
    let most = count.lock().unwrap().1;
    assert!(most <= 64, "{most} buffers are held at once");
}

/// What a `save` had taken and not written is lost: nobody has the rest for the whole.
#[tokio::test]
async fn a_body_that_was_saved_in_part_is_not_saved_as_a_whole() {
    let response = || treq::Response::from(http::Response::new(Body::from("0123456789")));
    for polls in 0..8 {
        let folder = Folder::new();
        let mut dropped = response();
        let mut save = std::future::IntoFuture::into_future(dropped.save(folder.path()));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        // Trips to the disk, one after the other: the first pieces are on one of them.
        for _ in 0..polls {
            if save.as_mut().poll(&mut cx).is_ready() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        drop(save);
        match dropped.save(folder.path()).await {
            Ok(bytes) => assert_eq!(bytes, 10, "{polls}"),
            Err(error) => assert_eq!(error.kind(), Kind::Body, "{polls}"),
        }
        // What was under way to the disk may take its file away later.
        let text = std::fs::read_to_string(folder.path()).ok();
        assert!(text.is_none_or(|text| text == "0123456789"), "{polls}");
    }

    let folder = Folder::new();
    let mut again = response();
    assert_eq!(again.save(folder.path()).await.unwrap(), 10);
    let error = again.save(folder.path()).await.unwrap_err();
    assert!(error.to_string().contains("read to its end already"), "{error}");
    assert_eq!(folder.text(), "0123456789");

    let mut kept = response();
    kept.content().await.unwrap();
    for _ in 0..2 {
        assert_eq!(kept.save(folder.path()).await.unwrap(), 10);
        assert_eq!((folder.text().as_str(), kept.text().await.unwrap().as_str()), ("0123456789", "0123456789"));
    }
}

/// A byte at a time from a server that never says how many there are.
#[tokio::test]
async fn a_download_of_ever_more_parts_ends() {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let service = tower::service_fn(move |request: Request<Body>| {
        *count.lock().unwrap() += 1;
        let from = request.headers().get("range").map(|range| range.to_str().unwrap().to_owned());
        let at: Option<u64> = from.map(|range| range["bytes=".len()..].trim_end_matches('-').parse().unwrap());
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            let response = Response::builder().header("etag", "\"a\"");
            // The first is cut.
            let cut = futures_util::stream::iter([Ok("0"), Err(std::io::Error::other("cut"))]);
            Ok::<_, std::convert::Infallible>(match at {
                None => response.body(Body::from_stream(cut)).unwrap(),
                Some(at) => {
                    let range = format!("bytes {at}-{at}/*");
                    response.status(206).header("content-range", range).body(Body::from("x")).unwrap()
                }
            })
        }
    });
    let folder = Folder::new();
    let client = Client::from_service(service);
    let fetch = || client.get("http://a.test/f").download(folder.path()).resume(true);
    fetch().await.unwrap_err();
    let error = fetch().await.unwrap_err();
    assert!(error.kind() == Kind::Body && error.to_string().contains("100 parts"), "{error}");
    assert_eq!(*asked.lock().unwrap(), 101);
}

/// All requests of a download share the time of one.
#[tokio::test]
async fn a_download_of_ever_more_parts_keeps_the_timeout() {
    let part = |at: usize| {
        format!("HTTP/1.1 206 P\r\nETag: \"a\"\r\nContent-Range: bytes {at}-{at}/*\r\nContent-Length: 1\r\n\r\nx")
    };
    let cut = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n0\r\n".to_owned();
    let limit = std::time::Duration::from_millis(300);
    let client = Client::builder().timeout(limit).build().unwrap();
    for of_request in [true, false] {
        let mut steps = vec![vec![Step::ReadRequest, Step::send(cut.clone()), Step::Close]];
        let mut slow = Vec::new();
        for at in 1..90 {
            slow.extend([Step::ReadRequest, Step::Sleep(limit / 10), Step::send(part(at))]);
        }
        steps.push(slow);
        let server =
            steps.into_iter().fold(RawServer::builder(), |server, steps| server.connection(steps)).start().await;
        let folder = Folder::new();
        let fetch = || {
            let client = if of_request { Client::new() } else { client.clone() };
            let request = client.get(server.url("/f"));
            let request = if of_request { request.timeout(limit) } else { request };
            request.download(folder.path()).resume(true)
        };
        fetch().await.unwrap_err();
        let error = fetch().await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert!(server.requests().len() < 20, "{}", server.requests().len());
    }
}

/// Also between two trips to the disk, and by a panic, what was taken is taken.
#[tokio::test]
async fn a_save_that_is_given_up_takes_the_rest_along() {
    for panics in [false, true] {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|piece| (Ok::<&'static str, std::io::Error>(piece), receiver))
        });
        let mut response = treq::Response::from(http::Response::new(Body::from_stream(pieces)));
        let folder = Folder::new();
        sender.send("abcde").unwrap();
        let save = response.save(folder.path()).on_progress(move |_, _| assert!(!panics, "told"));
        let mut saving = std::future::IntoFuture::into_future(save);
        let panicked = std::future::poll_fn(|cx| {
            let poll = std::panic::AssertUnwindSafe(|| saving.as_mut().poll(cx).is_ready());
            std::panic::catch_unwind(poll).map_or(std::task::Poll::Ready(()), |_| std::task::Poll::Pending)
        });
        let outcome = tokio::time::timeout(std::time::Duration::from_millis(100), panicked).await;
        assert_eq!(outcome.is_ok(), panics);
        drop(saving);
        let _ = sender.send("fghij");
        drop(sender);
        assert_eq!(response.save(folder.path()).await.unwrap_err().kind(), Kind::Body);
        assert_eq!(response.chunk().await.unwrap_err().kind(), Kind::Body);
        assert!(folder.names().is_empty());
    }
}

/// What fails at the last step fails as what fails before.
#[tokio::test]
async fn a_body_whose_file_cannot_take_its_name_is_lost() {
    let folder = Folder::new();
    let mut response = treq::Response::from(http::Response::new(Body::from("0123456789")));
    let path = folder.path();
    let error = response.save(&path).on_progress(move |_, _| std::fs::create_dir(&path).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Body);
    assert_eq!(response.chunk().await.unwrap_err().kind(), Kind::Body);
    assert_eq!(response.collect(|_| ()).await.unwrap_err().kind(), Kind::Body);
}
