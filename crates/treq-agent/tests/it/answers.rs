//! What is told of an answer beside its head.

use http::Version;
use std::future::poll_fn;
use std::time::Duration;
use tower::ServiceExt as _;

use treq_agent::HttpHandshake;
use treq_core::{Body, BodyEnd, Exchange, Framing, HttpVersion, Kind, Origin, Peer, Reason, Target};
use treq_testing::{RawServer, Step};

use crate::support::{OK, facts, get, plain, pooled, request, send, server};

#[tokio::test(start_paused = true)]
async fn a_connection_keeps_its_id_for_life() {
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send(OK), Step::ReadRequest, Step::send(OK), Step::Close])
        .connection([Step::ReadRequest, Step::send(OK), Step::Again])
        .start_in_memory();
    let (agent, _pool) = pooled(server.connector());
    let mut seen = Vec::new();
    for _ in 0..4 {
        let response = send(&agent, get("http://a.test/")).await.unwrap();
        let facts = facts(&response);
        assert_eq!(facts.connection().peer, Peer::Memory("a.test".into()));
        assert_eq!((facts.connection().protocol, facts.connection().tls.is_none()), (Version::HTTP_11, true));
        seen.push((facts.connection().id, facts.is_reused()));
        crate::support::settle().await;
    }
    assert_eq!(seen.iter().map(|(_, reused)| *reused).collect::<Vec<_>>(), [false, true, false, true]);
    assert!(seen[0].0 == seen[1].0 && seen[2].0 == seen[3].0 && seen[0].0 != seen[2].0, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn the_framing_is_told_for_every_way_to_end() {
    use Framing::{Close, Delimited, None};
    for (method, wire, framing) in [
        ("GET", OK, Delimited),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Delimited),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Delimited),
        ("GET", "HTTP/1.1 200 OK\r\n\r\n", Close),
        ("GET", "HTTP/1.0 200 OK\r\n\r\n", Close),
        ("GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", Delimited),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", None),
        ("GET", "HTTP/1.1 304 Not Modified\r\n\r\n", None),
        ("HEAD", "HTTP/1.1 200 OK\r\n\r\n", None),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", None),
        ("POST", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", Delimited),
    ] {
        let server = server([Step::ReadRequest, Step::send(wire), Step::Close]);
        let response = send(&plain(server.connector()), request(method, "http://a.test/", "".into())).await.unwrap();
        assert_eq!(facts(&response).framing(), framing, "{method} {wire:?}");
        let end = if framing == Close { BodyEnd::PossiblyCut } else { BodyEnd::Complete };
        assert_eq!(facts(&response).body_end(), end);
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_coding_that_was_not_offered_is_an_error() {
    for codings in ["gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "xchunked", "identity", ""] {
        let wire = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {codings}\r\n\r\n0\r\n\r\n");
        let server = server([Step::ReadRequest, Step::send(wire), Step::Close]);
        let error = send(&plain(server.connector()), get("http://a.test/")).await.unwrap_err();
        assert_eq!(error.kind(), treq_core::Kind::Protocol, "{codings}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reason_is_told_where_it_is_not_the_usual_one() {
    for (line, reason) in [
        ("HTTP/1.1 200 OK", None),
        ("HTTP/1.1 200 ok", Some(&b"ok"[..])),
        ("HTTP/1.1 200 Fine, thanks", Some(b"Fine, thanks")),
        ("HTTP/1.1 200 ", Some(b"")),
        ("HTTP/1.1 200", Some(b"")),
        ("HTTP/1.1 299 Odd", Some(b"Odd")),
        ("HTTP/1.1 999 Beyond", Some(b"Beyond")),
        ("HTTP/1.1 200 tab\there", Some(b"tab\there")),
    ] {
        let wire = format!("{line}\r\nContent-Length: 0\r\n\r\n");
        let server = server([Step::ReadRequest, Step::send(wire), Step::Close]);
        let response = plain(server.connector()).oneshot(get("http://a.test/")).await.unwrap();
        let told = response.extensions().get::<Reason>().map(|reason| reason.as_bytes().to_vec());
        assert_eq!(told.as_deref(), reason, "{line:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_of_another_protocol_that_speaks_first_is_an_error_that_says_so() {
    let banner: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n";
    let settings: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
    for (first, http_version) in [
        (banner, HttpVersion::Any),
        (settings, HttpVersion::Any),
        (banner, HttpVersion::Http2),
        (OK.as_bytes(), HttpVersion::Http2),
    ] {
        if http_version == HttpVersion::Http2 && !cfg!(feature = "http2") {
            continue;
        }
        for late in [0, 5] {
            let server = server([Step::send(first), Step::Stall]);
            let agent = plain(server.connector());
            let mut request = request("GET", "http://a.test/", Body::empty());
            request.extensions_mut().insert(http_version);
            let made = HttpHandshake::new(server.connector());
            let error = if late == 0 {
                send(&agent, request).await.unwrap_err()
            } else {
                // A connection that was made earlier, and on which the server has spoken meanwhile.
                let mut target = Target::new(Origin::from_uri(request.uri()).unwrap());
                target.http_version = http_version;
                let mut connection = made.oneshot(target).await.unwrap();
                tokio::time::sleep(Duration::from_secs(late)).await;
                connection.begin(request);
                poll_fn(|cx| connection.poll_response(cx)).await.map(drop).unwrap_err().error
            };
            assert_eq!(error.kind(), Kind::Protocol, "{first:?} {http_version:?} {late}: {error:?}");
        }
    }
}
