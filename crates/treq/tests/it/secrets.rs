//! One secret in every place that a request, a response, a setting or a file has for one, and nothing that is shown shows it.

use std::convert::Infallible;
use std::fmt::{Debug, Write as _};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use treq::auth::{AuthLayer, Basic, Bearer, Digest, Netrc};
use treq::cookies::SessionCookies;
use treq::options::{Credentials, Follow};
use treq::redirect::RedirectLayer;
use treq::{Body, Client, Cookie, Error, Form, Jar, Origin, Part, Proxies, Proxy, RequestBuilder};
use treq_testing::{MemoryServer, RawServer, Step};

/// As keys are made: long, of letters and digits.
const CANARY: &str = "cAnArY7f3e9b1d5A8c2E6f0";

/// What was shown, and of what.
#[derive(Default)]
struct Shown(Vec<(String, String)>);

impl Shown {
    fn debug(&mut self, what: &str, value: &dyn Debug) {
        self.0.push((format!("{what:?} {{:?}}"), format!("{value:?} {value:#?}")));
    }

    /// The error, its causes, and what `unwrap` would print.
    fn error(&mut self, what: &str, error: &Error) {
        let mut text = format!("{error} {error:?} {error:#?} {}", error.url().unwrap_or_default());
        let mut next = std::error::Error::source(error);
        while let Some(cause) = next {
            let _ = write!(text, " {cause} {cause:?}");
            next = cause.source();
        }
        self.0.push((what.to_owned(), text));
    }

    fn outcome<T: Debug>(&mut self, what: &str, outcome: Result<T, Error>) {
        match outcome {
            Ok(value) => self.debug(what, &value),
            Err(error) => self.error(what, &error),
        }
    }

    /// Nothing of it holds the secret, in whatever spelling.
    fn check(&self) {
        let spelt: Vec<String> = [
            CANARY.to_owned(),
            CANARY.to_lowercase(),
            CANARY.bytes().map(|byte| format!("{byte}, ")).collect::<String>()[..20].to_owned(),
            // `ada:CANARY` in base64, up to where the alignment allows.
            "YWRhOmNBbkFyWTdmM2U5".to_owned(),
            "Y0FuQXJZN2YzZTli".to_owned(),
        ]
        .into();
        for (what, text) in &self.0 {
            for spelling in &spelt {
                assert!(!text.contains(spelling.as_str()), "{what} shows {spelling:?}: {text}");
            }
        }
        assert!(self.0.len() > 50, "{}", self.0.len());
    }
}

/// A request with a secret wherever one may be.
fn full(request: RequestBuilder) -> RequestBuilder {
    request
        .header("authorization", format!("Bearer {CANARY}"))
        .header("cookie", format!("sid={CANARY}"))
        .header("x-api-key", CANARY)
        .header("x-rapidapi-key", CANARY)
        .header("proxy-authorization", CANARY)
        .params([("token", CANARY)])
        .body(CANARY)
}

fn urls(host: &str) -> Vec<String> {
    vec![
        format!("http://ada:{CANARY}@{host}/"),
        format!("http://{host}/?key={CANARY}"),
        format!("http://{host}/#{CANARY}"),
        format!("http://{host}/bot/{CANARY}/send"),
        format!("http://ada:{CANARY}@{host}/{CANARY}/?{CANARY}#{CANARY}"),
    ]
}

fn response(status: &str, body: &str) -> Step {
    let secret = format!(
        "Set-Cookie: sid={CANARY}\r\nX-Session-Id: {CANARY}\r\nLocation: http://b.test/?{CANARY}\r\nLink: </?{CANARY}>; rel=next"
    );
    Step::send(format!(
        "HTTP/1.1 {status}\r\n{secret}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn playing(steps: impl IntoIterator<Item = Step>) -> (RawServer, Client) {
    let server =
        RawServer::builder().connection([Step::ReadHead].into_iter().chain(steps)).repeat_last().start_in_memory();
    let limit = Duration::from_secs(5);
    let client =
        Client::builder().connector(server.connector()).timeout(limit).redirect_layer(RedirectLayer::new().limit(1));
    (server, client.build().unwrap())
}

#[tokio::test(start_paused = true)]
async fn no_response_and_no_error_of_one_shows_it() {
    let mut shown = Shown::default();
    let body = format!("{{\"token\": \"{CANARY}\", \"id\": \"{CANARY}\"}}");
    for (what, steps) in [
        ("ok", vec![response("200 OK", &body)]),
        ("not json", vec![response("200 OK", CANARY)]),
        ("failure", vec![response("500 Broken", &body)]),
        ("challenge", vec![response("401 No\r\nWWW-Authenticate: Basic realm=\"r\"", &body)]),
        ("redirect", vec![response("302 Found", "")]),
        (
            "cut",
            vec![
                Step::send(format!("HTTP/1.1 200 OK\r\nSet-Cookie: {CANARY}\r\nContent-Length: 999\r\n\r\n{CANARY}")),
                Step::Close,
            ],
        ),
        ("garbage", vec![Step::send(format!("{CANARY} {CANARY}\r\n\r\n"))]),
        ("a bad field", vec![Step::send(format!("HTTP/1.1 200 OK\r\n{CANARY}\r\n\r\n"))]),
        (
            "coded",
            vec![Step::send(format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{CANARY}",
                CANARY.len()
            ))],
        ),
        ("chunked", vec![Step::send(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{CANARY}\r\n"))]),
        (
            "location",
            vec![Step::send(format!(
                "HTTP/1.1 302 Go\r\nLocation: http:/user:{CANARY}@b.test:0/\r\nContent-Length: 0\r\n\r\n"
            ))],
        ),
        (
            "another location",
            vec![Step::send(format!(
                "HTTP/1.1 302 Go\r\nLocation: mailto:a?//{CANARY}@b.test\r\nContent-Length: 0\r\n\r\n"
            ))],
        ),
        ("close", vec![Step::Close]),
        ("reset", vec![Step::Reset]),
        ("silence", vec![Step::Stall]),
    ] {
        for url in urls("a.test") {
            let (_server, client) = playing(steps.clone());
            let request = full(client.post(&url));
            shown.debug(what, &request);
            match request.await {
                Err(error) => shown.error(what, &error),
                Ok(mut response) => {
                    shown.debug(what, &response);
                    shown.debug(what, &response.links());
                    shown.outcome(what, response.json::<Vec<u64>>().await);
                    shown.outcome(what, response.json::<std::collections::BTreeMap<String, u64>>().await);
                    shown.outcome(what, response.text_strict().await.map(drop));
                    shown.debug(what, &response.history().to_vec());
                    shown.outcome(what, response.error_for_status().await);
                }
            }
            let (_server, client) = playing(steps.clone());
            let refused = full(client.post(&url)).redirects(Follow::None).await;
            shown.outcome(what, refused);
        }
    }
    shown.check();
}

#[tokio::test]
async fn no_setting_and_no_refusal_shows_it() {
    let mut shown = Shown::default();
    let jar = Jar::new();
    let origin: http::Uri = "http://a.test/".parse().unwrap();
    jar.set_cookie(format!("sid={CANARY}").as_bytes(), &origin);
    shown.debug("jar", &jar);
    shown.debug("cookie", &jar.get("sid").unwrap().map(|cookie: Cookie| cookie));
    let home = || Origin::from_uri(&origin).unwrap();
    shown.debug("basic", &Basic::new("ada", CANARY).unwrap());
    shown.debug("bearer", &Bearer::new(CANARY).unwrap());
    shown.debug("digest", &Digest::new("ada", CANARY));
    shown.debug("credentials", &Credentials::new(home(), Basic::new("ada", CANARY).unwrap()));
    let netrc = Netrc::parse(&format!("machine a.test login ada password {CANARY}")).unwrap();
    shown.debug("netrc", &netrc);
    shown.debug("token in a netrc", &Netrc::parse(&format!("machine a.test login {CANARY} password x")).unwrap());
    shown.outcome("bad netrc", Netrc::parse(&format!("machine a.test login ada password {CANARY} {CANARY}")));
    let proxy = Proxy::try_from(&format!("http://ada:{CANARY}@p.test:1")).unwrap();
    shown.0.push(("proxy".to_owned(), proxy.to_string()));
    shown.debug("proxy", &proxy);
    let auth = AuthLayer::new().credentials(home(), Bearer::new(CANARY).unwrap()).netrc(netrc);
    shown.debug("auth", &auth);
    let builder = Client::builder().header("authorization", CANARY).auth_layer(auth).proxy(Proxies::all(proxy));
    shown.debug("builder", &builder);
    shown.debug("client", &builder.build().unwrap());
    shown.debug("body", &Body::from(CANARY));
    shown.debug("part", &Part::text(CANARY));
    shown.debug("pairs", &treq::body::Content::pairs(&[("password", CANARY)]).unwrap());
    shown.debug("content", &treq::body::Content::new(CANARY));
    shown.debug("form", &Form::new().part("a", Part::text(CANARY)));
    let nowhere = Client::builder().connector(RawServer::builder().start_in_memory().connector()).build().unwrap();
    for text in [
        format!("http://ada:{CANARY}@a.test:0/"),
        format!("http://ada:pa/{CANARY}@a.test/"),
        format!("http:/ada:{CANARY}@a.test:99999/"),
        format!("http://ada:{CANARY}@:80/"),
        format!("http://ada:{CANARY}"),
        format!("ftp://ada:{CANARY}@a.test/"),
        format!("/login?to=//{CANARY}@y"),
        format!("mailto:a?//{CANARY}@host.test"),
        format!("a.test/?{CANARY}"),
        format!("http://a b/#{CANARY}"),
        format!("http://a.test\\@{CANARY}@:x/"),
        format!("http:/ada:{CANARY}"),
        format!("http//ada:{CANARY}/"),
        format!("socks5:/ada:{CANARY}"),
        format!("http://http://ada:{CANARY}/"),
        format!("{CANARY}:x-oauth-basic@a.test/"),
        format!("{CANARY}:/x@a.test/"),
        format!("//ada:{CANARY}@a.test/x"),
        format!("http://a.test/x%3Fkey={CANARY}"),
        format!("ada：{CANARY}"),
        format!("http://CORP\\ada:{CANARY}@a.test/"),
        format!("CORP\\ada:{CANARY}"),
        format!("http://ada:[{CANARY}]x@:0/"),
    ] {
        shown.outcome(&text, nowhere.request(text.as_str(), "GET").await);
        shown.outcome(&text, nowhere.get(&text).await);
        shown.outcome(&text, nowhere.get("http://a.test/").proxy(text.as_str()).await);
        shown.outcome(&text, Proxy::try_from(&text).map(|_| ()));
        shown.outcome(&text, treq_core::uri::parse(&text).map(|_| ()));
        if let Ok(uri) = text.parse::<http::Uri>() {
            shown.outcome(&text, Origin::from_uri(&uri).map(|_| ()));
        }
    }
    for (name, value) in [("x-api-key", format!("{CANARY}\r\n")), ("authorization", format!("{CANARY}\0"))] {
        shown.outcome(name, nowhere.get("http://a.test/").header(name, value).await);
    }
    let name = format!("authorization: Bearer {CANARY}");
    shown.outcome("a value as the name", nowhere.get("http://a.test/").header(name, "x").await);
    shown.outcome("colon", nowhere.get("http://a.test/").basic_auth(format!("{CANARY}:"), CANARY).await);
    let mut fields = HeaderMap::new();
    fields.insert("x-auth-token", CANARY.parse().unwrap());
    fields.insert("operation-location", format!("http://a.test/?sig={CANARY}").parse().unwrap());
    shown.debug("request", &full(nowhere.get(format!("http://a.test/?{CANARY}"))).headers(fields));
    shown.check();
}

#[tokio::test]
async fn no_file_shows_it_but_the_jar_to_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let server = MemoryServer::new(tower::service_fn(|request: Request<Body>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let secret = format!("sid={CANARY}");
        let response = Response::builder().header("set-cookie", secret).header("content-type", "application/json");
        Ok::<_, Infallible>(response.header("x-session-id", CANARY).body(Body::from(body)).unwrap())
    }));
    let path = folder.path().join("tape.har");
    let cassette = treq_testing::Cassette::open(&path, treq_testing::Mode::New).unwrap();
    let client = Client::builder().connector(server.connector()).agent_layer(cassette.layer()).build().unwrap();
    for url in [
        format!("http://a.test/?api_key={CANARY}"),
        format!("http://a.test/cb?code={CANARY}&state=1"),
        format!("http://a.test/#{CANARY}"),
    ] {
        let request = client.post(url).bearer_auth(CANARY).json(serde_json::json!({"otp_code": CANARY, "cvv": CANARY}));
        request.await.unwrap().content().await.unwrap();
    }
    drop(client);
    cassette.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(CANARY) && text.contains("treq-masked"), "{text}");

    let jar = Jar::new();
    jar.set_cookie(format!("sid={CANARY}; Max-Age=60").as_bytes(), &"http://a.test/".parse().unwrap());
    let cookies = folder.path().join("cookies.json");
    jar.save_file(&cookies, SessionCookies::Skip).unwrap();
    #[cfg(unix)]
    for path in [path, cookies] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}
