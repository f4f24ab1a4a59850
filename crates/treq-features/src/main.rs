//! Prints what treq does for a program that names none of its features. `cargo xtask features` builds it without features and with
//! each, and compares: a feature that anybody turns on may add names, and change nothing for those who do not use them.
//!
//! Left out are the codings, which a feature has offered to servers and decoded, and ALPN.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)] // What is printed is compared.

use std::error::Error as _;
use std::time::Duration;

use treq::auth::{AuthLayer, Basic};
use treq::options::{Follow, HttpVersion};
use treq::redirect::RedirectLayer;
use treq::{Client, Error, Form, Origin, Part, RequestBuilder, Response};
use treq_testing::{RawServer, Step};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    requests().await?;
    sessions().await?;
    redirects().await?;
    responses().await?;
    errors().await;
    files().await
}

/// The bytes of requests.
async fn requests() -> Outcome {
    let answer = [Step::ReadRequest, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), Step::Again];
    let server = RawServer::builder().connection(answer).repeat_last().start().await;
    let client = Client::builder().header("user-agent", "features").build()?;
    let url = server.url("/path");
    let part = || Part::bytes(&b"green"[..]).file_name("tea.txt");
    let requests = [
        ("get", client.get(&url)),
        (
            "params",
            client.get(&url).params([("a", vec!["1", "2"])]).params([("b", [1.5, 2.0])]).params([("c", None::<u8>)]),
        ),
        ("form", client.post(&url).form([("a", [1, 2])])),
        ("data", client.post(&url).data([("a", "b c")])),
        ("text", client.put(&url).data("tea")),
        ("stream", client.post(&url).data(treq::body::Content::reader(&b"tea"[..])?)),
        ("multipart", client.post(&url).multipart(Form::new().boundary("b").part("tea", part()))),
        ("numbers", client.get(&url).header("x-number", 5)),
        ("userinfo", client.get(url.replace("http://", "http://ada:s3cret@"))),
        ("auth", client.get(&url).auth(Basic::new("ada", "s3cret")?)),
        ("cookies", client.get(&url).cookies([("a", "1")])),
        ("accept-encoding", client.get(&url).header("accept-encoding", "gzip")),
        ("undecoded", client.get(&url).decoding(false)),
        ("free", treq::get(&url)),
    ];
    for (name, request) in requests {
        request.await?;
        let sent = server.requests().pop().ok_or("no request")?;
        println!("{name}: {}", sent.line);
        let is_offer = |field: &str| field.eq_ignore_ascii_case("accept-encoding") && name != "accept-encoding";
        for (field, value) in sent.headers.iter().filter(|(field, _)| !is_offer(field)) {
            println!("  {field}: {}", value.replace(&server.addr().to_string(), "HOST"));
        }
        println!("  {:?}", String::from_utf8_lossy(&sent.body));
    }
    Ok(())
}

/// What one call leaves for the next.
async fn sessions() -> Outcome {
    let server = treq_httpbin::Server::start().await?;
    let client = Client::new();
    client.get(server.url("/cookies/set?sid=7f")).await?;
    show("client's cookies", client.get(server.url("/cookies"))).await;
    show("no cookies of free functions", treq::get(server.url("/cookies"))).await;
    let without = Client::builder().without_cookies().build()?;
    without.get(server.url("/cookies/set?sid=7f")).await?;
    show("client without cookies", without.get(server.url("/cookies"))).await;
    let origin = Origin::from_uri(&server.url("/").parse()?)?;
    let auth = AuthLayer::new().credentials(origin, Basic::new("ada", "s3cret")?);
    let signed = Client::builder().auth_layer(auth).build()?;
    show("credentials", signed.get(server.url("/basic-auth/ada/s3cret"))).await;
    println!("connections: {:?}", client.pool().map(|pool| pool.stats().made));
    Ok(())
}

async fn redirects() -> Outcome {
    let server = treq_httpbin::Server::start().await?;
    let client = Client::new();
    show("followed", client.get(server.url("/redirect/3"))).await;
    show("not followed", client.get(server.url("/redirect/3")).redirects(Follow::None)).await;
    show("post", client.post(server.url("/redirect-to?url=/anything&status_code=302")).data("tea")).await;
    show("kept", client.post(server.url("/redirect-to?url=/anything&status_code=307")).data("tea")).await;
    show("too many", client.get(server.url("/redirect/3")).max_redirects(2)).await;
    let strict = Client::builder().redirect_layer(RedirectLayer::new().limit(1)).build()?;
    show("a layer", strict.get(server.url("/redirect/3"))).await;
    Ok(())
}

async fn responses() -> Outcome {
    let server = treq_httpbin::Server::start().await?;
    let client = Client::builder().content_limit(2000).build()?;
    show("text", client.get(server.url("/encoding/utf8")).params([("x", "y")])).await;
    show("limit", client.get(server.url("/bytes/3000?seed=1"))).await;
    show("status", client.get(server.url("/status/418"))).await;
    show("HTTP/1.1", client.get(server.url("/get")).http_version(HttpVersion::Http1)).await;
    // Asked for by the caller, who decodes it too.
    let mut coded = client.get(server.url("/gzip")).header("accept-encoding", "gzip").decoding(false).await?;
    let is_coded = coded.content().await?.starts_with(b"\x1f\x8b");
    println!("coded: {:?} {is_coded}", coded.headers().get("content-encoding"));
    Ok(())
}

async fn errors() {
    let server = RawServer::builder().connection([Step::ReadRequest, Step::Stall]).repeat_last().start().await;
    let url = server.url("/");
    let client = Client::new();
    show("bad url", client.get("ftp://a.test/")).await;
    show("bad header", client.get(&url).header("a b", "c")).await;
    show("bad params", client.get(&url).params(7)).await;
    show("bad params", client.get(&url).params([("a", [[1]])])).await;
    show("bad method", client.request("G T", &url)).await;
    show("two bodies", client.post(&url).data("a").body("b")).await;
    show("timeout", client.get(&url).timeout(Duration::from_millis(20))).await;
    show("head timeout", client.get(&url).head_timeout(Duration::from_millis(20))).await;
}

async fn files() -> Outcome {
    let server = treq_httpbin::Server::start().await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    let done = treq::get(server.url("/range/1024")).download(&path).resume(true).await?;
    println!("download: {done:?}, {}", std::fs::read(&path)?.len());
    let saved = treq::get(server.url("/html")).await?.save(&path).await?;
    println!("save: {}", saved == std::fs::metadata(&path)?.len());
    Ok(())
}

async fn show(name: &str, request: RequestBuilder) {
    let outcome = async { told(request.await?).await };
    match outcome.await {
        Ok(text) => println!("{name}: {text}"),
        Err(error) => {
            let mut causes = Vec::new();
            let mut cause = error.source();
            while let Some(error) = cause {
                causes.push(error.to_string());
                cause = error.source();
            }
            println!("{name}: {:?}: {}", error.kind(), without_ports(&format!("{error} {causes:?}")));
        }
    }
}

async fn told(mut response: Response) -> Result<String, Error> {
    let text = response.text().await?;
    let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    // What the server tells of the request, but for what is offered and where it listens.
    let text = match json {
        Some(mut echo) => {
            if let Some(headers) = echo["headers"].as_object_mut() {
                headers.retain(|name, _| !["Accept-Encoding", "Host"].contains(&name.as_str()));
            }
            echo.to_string()
        }
        None => text,
    };
    Ok(without_ports(&format!("{} {:?} {} {text}", response.status(), response.version(), response.history().len())))
}

/// Ports differ from run to run.
fn without_ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("HOST");
        shown.push_str(part.trim_start_matches(|char: char| char.is_ascii_digit()));
    }
    shown
}
