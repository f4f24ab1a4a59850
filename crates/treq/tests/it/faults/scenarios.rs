//! What users do, each as short as it can be: what it says about answers is asserted elsewhere, without faults.

use std::time::Duration;

use http_body_util::StreamBody;
use tower::Layer;
use treq::auth::Digest;
use treq::retry::{Attempted, Backoff, RetryLayer};
use treq::{Body, Client, Error, Form, Kind, Part, Proxy};
use treq_testing::{RawServer, Step};

use super::{Ground, Run};

/// A name, what takes the ground, what it does.
macro_rules! scenarios {
    ($list:ident: $($name:ident($ground:ident) $body:block)+) => {
        pub(crate) const $list: &[(&str, Run)] = &[$((stringify!($name), |$ground| Box::pin(async move {
            $body
            Ok::<(), Error>(())
        }))),+];
    };
}

fn chunks(pieces: usize) -> Body {
    let pieces = (0..pieces).map(|piece| Ok::<_, Error>(http_body::Frame::data(format!("piece {piece}\n").into())));
    Body::new(StreamBody::new(futures_util::stream::iter(pieces)))
}

scenarios! { ALL:
    get(on) { on.client.get(on.url("/get")).await?.text().await?; }
    head(on) { on.client.head(on.url("/get")).await?.content().await?; }
    no_content(on) { on.client.get(on.url("/status/204")).await?.content().await?; }
    json(on) {
        let told: serde_json::Value = on.client.post(on.url("/post")).json(["tea"]).await?.json().await?;
        assert_eq!(told["json"][0], "tea");
    }
    form(on) {
        let told: serde_json::Value = on.client.post(on.url("/post")).form([("tea", "green")]).await?.json().await?;
        assert_eq!(told["form"]["tea"], "green");
    }
    multipart(on) {
        let form = Form::new().text("cups", "two").part("file", Part::bytes(vec![7; 20_000]).file_name("f.bin"));
        on.client.post(on.url("/post")).multipart(form).await?.content().await?;
    }
    chunked_upload(on) {
        let sent = on.client.post(on.url("/post")).body(chunks(20)).await?;
        assert!(sent.error_for_status().await?.text().await?.contains("piece 19"));
    }
    large_upload(on) {
        let told: serde_json::Value = on.client.put(on.url("/put")).body(vec![b'a'; 200_000]).await?.json().await?;
        assert_eq!(told["data"].as_str().map(str::len), Some(200_000));
    }
    expected_upload(on) {
        on.client.post(on.url("/post")).header("expect", "100-continue").body("tea").await?.content().await?;
    }
    redirects(on) {
        let response = on.client.get(on.url("/redirect/3")).await?;
        assert_eq!((response.status().as_u16(), response.history().len()), (200, 3));
    }
    replayed_redirect(on) {
        let to = [("url", on.url("/post")), ("status_code", "307".to_owned())];
        on.client.post(on.url("/redirect-to")).params(to).body("tea").await?.content().await?;
    }
    session(on) {
        on.client.get(on.url("/cookies/set?tea=green")).await?.content().await?;
        let told = on.client.get(on.url("/cookies")).await?.text().await?;
        assert!(told.contains("green"), "{told}");
    }
    codings(on) {
        for coding in ["gzip", "deflate", "brotli"] {
            on.client.get(on.url(&format!("/{coding}"))).await?.text().await?;
        }
    }
    basic(on) {
        let answer = on.client.get(on.url("/basic-auth/u/p")).basic_auth("u", "p").await?;
        answer.error_for_status().await?.content().await?;
    }
    digest(on) {
        let answer = on.client.get(on.url("/digest-auth/auth/u/p")).auth(Digest::new("u", "p")).await?;
        answer.error_for_status().await?.content().await?;
    }
    bad_status(on) {
        let answer = on.client.get(on.url("/status/404")).await?;
        let error = answer.error_for_status().await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Status | Kind::Body | Kind::Protocol), "{error:?}");
    }
    retries(on) {
        let answer = on.client.get(on.url("/status/503")).attempts(3).await?;
        assert!(answer.extensions().get::<Attempted>().is_some());
    }
    retried_client(on) {
        // This client gets over any single fault of a GET.
        let backoff = Backoff::new().base(Duration::from_millis(1));
        let retry = RetryLayer::new().attempts(3).backoff(backoff);
        let connector = on.faults.layer(tower::service_fn(|target: treq::connect::Target| async move {
            let server = RawServer::builder()
                .connection([Step::ReadRequest, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntea"), Step::Again])
                .start_in_memory();
            let connected = tower::ServiceExt::oneshot(server.connector(), target).await;
            // The server lives as long as its connection.
            connected.map(|connected| connected.map(|io| Held { io, _server: server }))
        }));
        let client = Client::builder().retry_layer(retry).connector(connector).build()?;
        let answer = client.get("http://raw.test/").await;
        assert!(answer.is_ok(), "{answer:?}");
        client.pool().unwrap().close();
        answer?.content().await?;
    }
    streamed(on) {
        let mut answer = on.client.get(on.url("/stream-bytes/5000?chunk_size=500&seed=1")).await?;
        while answer.chunk().await?.is_some() {}
    }
    dripped(on) {
        let mut answer = on.client.get(on.url("/drip?numbytes=5&duration=0.01&delay=0")).await?;
        while answer.chunk().await?.is_some() {}
    }
    half_read(on) {
        let mut answer = on.client.get(on.url("/stream-bytes/50000?chunk_size=500&seed=1")).await?;
        answer.chunk().await?;
    }
    given_up(on) {
        let asked = on.client.get(on.url("/delay/1"));
        let _ = tokio::time::timeout(Duration::from_millis(2), asked.into_future()).await;
    }
    saved(on) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let saved = on.client.get(on.url("/range/3000")).await?.save(&path).await;
        // It is whole or not there.
        assert_eq!(std::fs::read(&path).map(|bytes| bytes.len()).ok(), saved.is_ok().then_some(3000));
        saved?;
    }
    downloaded(on) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let url = on.url("/range/3000");
        let done = on.client.get(&url).download(&path).resume(true).await;
        assert_eq!(path.exists(), done.is_ok());
        if done.is_err() {
            on.client.get(&url).download(&path).resume(true).await?;
        }
        assert_eq!(std::fs::read(&path).unwrap().len(), 3000);
    }
    together(on) {
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let asked = on.client.get(on.url("/get"));
            all.spawn(async move { asked.await?.content().await });
        }
        let done = all.join_all().await;
        // One fault takes one connection: over HTTP/1.1 one exchange at most.
        for one in done {
            one?;
        }
    }
    in_a_row(on) {
        for _ in 0..3 {
            on.client.get(on.url("/get")).await?.content().await?;
        }
    }
    once_each(on) {
        for _ in 0..2 {
            on.client.get(on.url("/get")).persistent(false).await?.content().await?;
        }
    }
    forwarded(on) {
        let proxy = Proxy::try_from(&on.base.replace("https", "http"))?.basic_auth("u", "p")?;
        // Over TLS nobody listens in the clear.
        if on.base.starts_with("http:") {
            on.client.get("http://shop.test/get").proxy(proxy).await?.content().await?;
        } else {
            on.client.get(on.url("/get")).await?.content().await?;
        }
    }
}

scenarios! { SHORT:
    get(on) { on.client.get(on.url("/get")).await?.text().await?; }
    upload(on) { on.client.post(on.url("/post")).body(chunks(5)).await?.content().await?; }
    session(on) {
        on.client.get(on.url("/cookies/set?tea=green")).await?.content().await?;
        on.client.get(on.url("/cookies")).await?.text().await?;
    }
    coding(on) { on.client.get(on.url("/gzip")).await?.text().await?; }
    digest(on) { on.client.get(on.url("/digest-auth/auth/u/p")).auth(Digest::new("u", "p")).await?.content().await?; }
    half_read(on) { on.client.get(on.url("/stream-bytes/50000?chunk_size=500&seed=1")).await?.chunk().await?; }
}

/// The stream of a server in memory, and the server.
struct Held {
    io: treq_testing::Pipe,
    _server: RawServer,
}

mod held {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    impl AsyncRead for super::Held {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_read(cx, to)
        }
    }

    impl AsyncWrite for super::Held {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.io).poll_write(cx, from)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_shutdown(cx)
        }
    }
}

/// A client of a server that plays these steps on every connection.
fn scripted(on: &Ground, steps: impl IntoIterator<Item = Step>) -> Result<(Client, RawServer), Error> {
    let server = RawServer::builder().connection(steps).repeat_last().start_in_memory();
    let connector = on.faults.layer(server.connector());
    Ok((Client::builder().connector(connector).timeout(Duration::from_secs(300)).build()?, server))
}

scenarios! { SCRIPTED:
    upgrade(on) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst ";
        let (client, _server) =
            scripted(&on, [Step::ReadRequest, Step::send(switch), Step::ReadBytes(4), Step::send("pong"), Step::Close])?;
        let asked = client.get("http://raw.test/").header("connection", "upgrade").header("upgrade", "echo");
        let mut io = asked.await?.upgrade().await?;
        let mut text = String::new();
        // Here the caller has the stream, and its errors are those of streams.
        let _ = (io.write_all(b"ping").await, io.read_to_string(&mut text).await);
    }
    tunnel(on) {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntea";
        let steps =
            [Step::ReadHead, Step::send("HTTP/1.1 200 Established\r\n\r\n"), Step::ReadRequest, Step::send(answer)];
        let (client, _server) = scripted(&on, steps)?;
        let asked = client.request("CONNECT", "http://shop.test:80").await?;
        drop(asked.upgrade().await?);
    }
    socks(on) {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntea";
        let steps = [
            Step::ReadBytes(3),
            Step::send(&b"\x05\x00"[..]),
            Step::ReadBytes(4 + 1 + "shop.test".len() + 2),
            Step::send(&b"\x05\x00\x00\x01\0\0\0\0\0\0"[..]),
            Step::ReadRequest,
            Step::send(answer),
        ];
        let (client, _server) = scripted(&on, steps)?;
        let asked = client.get("http://shop.test/").proxy("socks5h://proxy.test:1080").await?;
        assert_eq!(asked.status(), 200);
    }
    early_hints(on) {
        let answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntea";
        let (client, _server) = scripted(&on, [Step::ReadRequest, Step::send(answer), Step::Again])?;
        client.get("http://raw.test/").await?.content().await?;
    }
    trailers(on) {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntea\r\n0\r\nX-Sum: 7\r\n\r\n";
        let (client, _server) = scripted(&on, [Step::ReadRequest, Step::send(answer), Step::Again])?;
        client.get("http://raw.test/").await?.content().await?;
    }
    until_closed(on) {
        let answer = "HTTP/1.1 200 OK\r\n\r\ntea without a length";
        let (client, _server) = scripted(&on, [Step::ReadRequest, Step::send(answer), Step::Close])?;
        client.get("http://raw.test/").await?.content().await?;
    }
    trickled(on) {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntea";
        let trickle = Step::trickle(answer, 5, Duration::from_secs(1));
        let (client, _server) = scripted(&on, [Step::ReadRequest, trickle, Step::Again])?;
        client.get("http://raw.test/").await?.content().await?;
    }
    silence(on) {
        let (client, _server) = scripted(&on, [Step::ReadRequest, Step::Stall])?;
        let error = client.get("http://raw.test/").timeout(Duration::from_secs(5)).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Timeout(_) | Kind::Connect | Kind::Protocol), "{error:?}");
    }
}
