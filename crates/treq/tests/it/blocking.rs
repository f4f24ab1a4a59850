//! The client without async.

use std::io::Read;

use treq::{Kind, blocking};
use treq_httpbin::Server;
use treq_testing::{RawServer, Step};

/// A server, and a thread that has no runtime around it.
fn beside_a_server(test: impl FnOnce(&Server) + Send + 'static) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start()).unwrap();
    std::thread::spawn(move || test(&server)).join().unwrap();
}

#[test]
fn the_same_builder_sends_and_waits() {
    beside_a_server(|server| {
        let client = blocking::Client::builder().header("x-a", "b").build_blocking().unwrap();
        let request = client.post(server.url("/anything")).params([("p", 1)]).json(serde_json::json!({"k": [1]}));
        let mut response = request.basic_auth("ada", "s3cret").send().unwrap().error_for_status().unwrap();
        let echo: serde_json::Value = response.json().unwrap();
        assert_eq!((&echo["args"]["p"], &echo["json"]["k"][0]), (&"1".into(), &1.into()));
        assert_eq!(echo["headers"]["X-A"], "b");
        client.get(server.url("/cookies/set?tea=green")).send().unwrap().content().unwrap();
        assert_eq!(client.jar().unwrap().len(), 1);
        let open = client.pool().unwrap().stats().open;
        assert!(open <= 2, "{open} connections");
    });
}

#[test]
fn a_body_is_read_in_pieces_as_a_reader_and_into_a_file() {
    beside_a_server(|server| {
        let url = server.url("/bytes/5000?seed=1");
        let whole = blocking::get(&url).send().unwrap().content().unwrap();
        let mut pieces = Vec::new();
        blocking::get(&url).send().unwrap().chunk_size(512).collect(|piece| pieces.push(piece)).unwrap();
        assert!(pieces.iter().all(|piece| (1..=512).contains(&piece.len())));
        assert_eq!(pieces.concat(), whole);
        let mut read = Vec::new();
        blocking::get(&url).send().unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, whole);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        assert_eq!(blocking::get(&url).send().unwrap().save(&path).unwrap(), 5000);
        assert_eq!(std::fs::read(path).unwrap(), whole);
        assert_eq!(
            blocking::get(server.url("/status/418")).send().unwrap().error_for_status().unwrap_err().kind(),
            Kind::Status
        );
    });
}

#[test]
fn every_request_of_the_client_and_of_the_module_can_be_sent() {
    beside_a_server(|server| {
        let (url, client) = (server.url("/anything"), blocking::Client::new().unwrap());
        let verbs = [
            ("GET", client.get(&url), blocking::get(&url)),
            ("POST", client.post(&url), blocking::post(&url)),
            ("PUT", client.put(&url), blocking::put(&url)),
            ("PATCH", client.patch(&url), blocking::patch(&url)),
            ("DELETE", client.delete(&url), blocking::delete(&url)),
        ];
        for (method, of_client, of_module) in verbs {
            for request in [of_client, of_module] {
                let echo: serde_json::Value = request.send().unwrap().json().unwrap();
                assert_eq!(echo["method"], method);
            }
        }
    });
}

#[test]
fn a_file_is_uploaded() {
    beside_a_server(|server| {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes.txt");
        std::fs::write(&notes, "two sugars").unwrap();
        let client = blocking::Client::new().unwrap();
        for request in [client.post(server.url("/post")), blocking::post(server.url("/post"))] {
            let echo: serde_json::Value =
                request.data(&*notes).send().unwrap().error_for_status().unwrap().json().unwrap();
            assert_eq!(echo["data"], "two sugars");
        }
        client.pool().unwrap().close_idle();
        assert_eq!(client.pool().unwrap().stats().idle, 0);
    });
}

#[test]
fn inside_of_a_runtime_there_is_an_error_and_no_wait() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = |outcome: Result<blocking::Response, treq::Error>| {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), Kind::Other);
        assert!(error.to_string().contains("inside of a tokio runtime"), "{error}");
    };
    refused(runtime.block_on(async { blocking::get("http://127.0.0.1:9/").send() }));
    refused(runtime.block_on(async {
        tokio::task::spawn_blocking(|| blocking::get("http://127.0.0.1:9/").send()).await.unwrap()
    }));
    // Neither is anything wrong with making and dropping it there.
    runtime.block_on(async { drop(blocking::Client::new().unwrap().get("http://127.0.0.1:9/")) });
    beside_a_server(move |server| {
        let mut response = blocking::get(server.url("/get")).send().unwrap();
        let error = runtime.block_on(async { response.content() }).unwrap_err();
        assert_eq!(error.kind(), Kind::Other);
        assert!(response.content().is_ok());
        let dropped = blocking::get(server.url("/drip?duration=0&numbytes=10")).send().unwrap();
        runtime.block_on(async { drop(dropped) });
    });
}

#[test]
fn many_threads_share_a_client() {
    beside_a_server(|server| {
        let client = blocking::Client::new().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        assert!(!client.get(server.url("/get")).send().unwrap().content().unwrap().is_empty());
                    }
                });
            }
        });
        // 160 requests; an attempt that was overtaken by a returned connection is one more.
        let open = client.pool().unwrap().stats().open;
        assert!(open <= 16, "{open} connections");
    });
}

#[test]
fn a_blocking_response_is_read_in_every_way() {
    use std::io::{BufRead as _, Read as _, Write as _};

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start()).unwrap();
    let client = blocking::Client::new().unwrap();
    let lines: Vec<_> = client.get(server.url("/html")).send().unwrap().lines().collect::<Result<_, _>>().unwrap();
    assert!(lines.len() > 3 && lines[0].contains('<'));
    let mut response = client.get(server.url("/bytes/3000")).send().unwrap().chunk_size(1000);
    let pieces: Vec<_> = response.chunks().map(|piece| piece.unwrap().len()).collect();
    assert_eq!(pieces, [1000; 3]);
    assert!(client.get(server.url("/html")).send().unwrap().text_with_charset("utf-8").unwrap().contains("<h1>"));
    assert!(client.get(server.url("/html")).send().unwrap().text_strict().is_ok());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("range");
    let told = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let seen = std::sync::Arc::clone(&told);
    let download = client.get(server.url("/range/1024")).download(&path).resume(true);
    let download = download.on_progress(move |bytes, _| seen.store(bytes, std::sync::atomic::Ordering::Relaxed));
    assert_eq!(download.send().unwrap().bytes, 1024);
    assert_eq!(told.load(std::sync::atomic::Ordering::Relaxed), 1024);

    let mock = tower::service_fn(|_: http::Request<treq::Body>| async {
        Ok::<_, std::convert::Infallible>(http::Response::builder().status(418).body(treq::Body::from("tea")).unwrap())
    });
    let client = blocking::Client::from_service(mock).unwrap();
    let mut response = client.get("http://a.test/").send().unwrap();
    let mut text = String::new();
    response.read_to_string(&mut text).unwrap();
    assert_eq!((response.status().as_u16(), text.as_str()), (418, "tea"));

    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello";
    let server = runtime.block_on(
        RawServer::builder()
            .connection([Step::ReadHead, Step::send(switch), Step::ReadBytes(3), Step::send("bye")])
            .start(),
    );
    let client = blocking::Client::new().unwrap();
    let request = client.get(server.url("/")).header("connection", "upgrade").header("upgrade", "echo");
    let mut stream = request.send().unwrap().upgrade().unwrap();
    let mut hello = [0; 5];
    stream.read_exact(&mut hello).unwrap();
    stream.write_all(b"tea").unwrap();
    stream.flush().unwrap();
    let mut bye = [0; 3];
    stream.read_exact(&mut bye).unwrap();
    assert_eq!((&hello, &bye), (b"hello", b"bye"));
}

#[test]
fn the_client_of_the_free_blocking_functions_can_be_another() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start()).unwrap();
    let client = blocking::Client::builder().header("user-agent", "shop/1.0").build_blocking().unwrap();
    let before = blocking::set_default_client(client).unwrap();
    assert!(blocking::get(server.url("/user-agent")).send().unwrap().text().unwrap().contains("shop/1.0"));
    blocking::set_default_client(before).unwrap();
}

/// By `io::Read`, `BufRead` and the methods of a response in any mixture, each byte comes once.
#[test]
fn however_a_blocking_response_is_read_no_byte_is_lost() {
    use std::io::{BufRead as _, Read as _};

    let pieces: Vec<String> = (0..40).map(|n| format!("{n}\n").repeat(n % 7)).collect();
    let whole = pieces.concat();
    let mock = tower::service_fn(move |_: http::Request<treq::Body>| {
        let pieces = futures_util::stream::iter(pieces.clone().into_iter().map(Ok::<_, std::io::Error>));
        async move { Ok::<_, std::convert::Infallible>(http::Response::new(treq::Body::from_stream(pieces))) }
    });
    let client = blocking::Client::from_service(mock).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..200 {
        let mut random = treq_testing::Random::new(seed);
        let (mut response, mut seen) = (client.get("http://a.test/").send().unwrap(), Vec::new());
        loop {
            let before = seen.len();
            let step = random.below(8);
            match step {
                0 => {
                    let mut bytes = vec![0; 1 + random.below(20)];
                    let count = response.read(&mut bytes).unwrap();
                    seen.extend_from_slice(&bytes[..count]);
                }
                1 => _ = response.read_until(b'\n', &mut seen).unwrap(),
                2 => seen.extend(response.chunk().unwrap().unwrap_or_default()),
                3 => response.chunks().take(2).for_each(|piece| seen.extend(piece.unwrap())),
                4 => {
                    response.fill_buf().unwrap();
                    continue;
                }
                5 => {
                    response = response.chunk_size(1 + random.below(9)).error_for_status().unwrap();
                    continue;
                }
                _ if random.below(4) > 0 => continue,
                6 => response.collect(|piece| seen.extend(piece)).unwrap(),
                _ => {
                    let path = folder.path().join(seed.to_string());
                    match response.save(&path) {
                        Ok(_) => seen.extend(std::fs::read(path).unwrap()),
                        // One that is over is not saved as an empty file.
                        Err(error) => assert!(seen.len() == whole.len(), "seed {seed}: {error}"),
                    }
                }
            }
            if seen.len() == before {
                break;
            }
        }
        assert_eq!(String::from_utf8(seen).unwrap(), whole, "seed {seed}");
    }
}
