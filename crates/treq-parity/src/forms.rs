//! The smaller forms: each is told apart by the keys that are given.

use std::future::IntoFuture;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::timeout;
use treq::decode::{Coding, DecodeLayer, Progress};
use treq::{Client, Proxies, Proxy};

use crate::call::{self, Refusal};
use crate::case::{Case, Compared, Mismatch};
use crate::json::{self, Json, latin1};
use crate::world::{EMPTY, End, Step, World};
use crate::{errors, profile, request, wire};

/// Plays a case whose keys are those of one of these forms.
pub(crate) async fn play(case: &Case) -> Result<Option<Vec<Mismatch>>, String> {
    let mut keys: Vec<_> = case.given.map().unwrap_or_default().iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    let mut compared = Compared::default();
    match keys.as_slice() {
        ["steps"] => match retried(case) {
            Some(retry) => retry.play(case, &mut compared).await?,
            None => return Ok(None),
        },
        ["keys"] => same_connection(case, &mut compared).await?,
        ["call", "decoders"] => offered(case, &mut compared).await?,
        ["call", "proxy"] => through_proxy(case, &mut compared).await?,
        ["content_type", "length", "status"] => debug(case, &mut compared).await?,
        ["advance", "phase", "timeout"] => match timed(case, &mut compared).await? {
            true => {}
            false => return Ok(None),
        },
        ["url"] if case.expect.get("host_header").is_some() => host(case, &mut compared).await?,
        ["add"] | ["set", "then_set"] => header_map(case, &mut compared)?,
        _ => return Ok(None),
    }
    Ok(Some(compared.0))
}

/// An idle connection on which the server closes instead of answering.
struct Retried {
    method: String,
    body: bool,
    partial: bool,
}

fn retried(case: &Case) -> Option<Retried> {
    case.expect.get("retried_on_new_connection")?;
    let steps = case.given.get("steps")?.list()?;
    let [Json::Text(idle), Json::Text(request), Json::Text(end)] = steps else { return None };
    let mut words = request.split(' ');
    let method = words.next()?.to_owned();
    let body = match words.next()? {
        "without" => false,
        "with" => true,
        _ => return None,
    };
    let partial = match end.as_str() {
        "server closes before any response byte" => false,
        other if other.starts_with("server closes after") => true,
        _ => return None,
    };
    (idle == "idle connection in pool").then_some(Retried { method, body, partial })
}

impl Retried {
    async fn play(&self, case: &Case, compared: &mut Compared) -> Result<(), String> {
        let world = World::new([Step::Send(EMPTY.to_vec())]).otherwise(EMPTY);
        let client = profile::client(&world, None)?;
        client.get("http://example.com/").await.map_err(|error| error.to_string())?;
        let cut = self.partial.then(|| Step::Send(b"HTTP/1.1 2".to_vec()));
        world.then(cut.into_iter().chain([Step::Close]));
        let request = client.request(self.method.as_str(), "http://example.com/");
        let request = if self.body { request.data("body") } else { request };
        let outcome = request.await;
        let again = world.connections().len() == 2;
        let want = case.expect.get("retried_on_new_connection").ok_or("a verdict is expected")?;
        compared.same(&format!("retried.{}", self.method), want, again);
        match (&outcome, case.expect.get("error")) {
            (Err(error), Some(want)) if errors::means(want, error.kind()) != Some(true) => {
                compared.0.push(Mismatch::new("outcome.kind", want, format!("{:?}: {error}", error.kind())));
            }
            (Err(error), None) => compared.0.push(Mismatch::new("outcome", "an answer", error)),
            (Ok(_), Some(want)) if !again => compared.0.push(Mismatch::new("outcome", want, "an answer")),
            _ => {}
        }
        Ok(())
    }
}

/// Which URLs go over the connection that the first has opened.
async fn same_connection(case: &Case, compared: &mut Compared) -> Result<(), String> {
    let keys = case.given.get("keys").and_then(Json::list).ok_or("keys are a list")?;
    let mut same = Vec::new();
    for key in keys {
        let world = World::default().otherwise(EMPTY);
        let client = profile::client(&world, None)?;
        for url in [&keys[0], key] {
            let url = url.text().ok_or("a URL is a text")?;
            client.get(url).await.map_err(|error| error.to_string())?;
        }
        same.push(Json::Bool(world.connections().len() == 1));
    }
    compared.same("same_connection", case.expect.get("same_connection").ok_or("a list is expected")?, Json::List(same));
    Ok(())
}

/// Leaves everything as it is.
struct Plain;

impl treq::decode::Decoder for Plain {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, treq::error::BoxError> {
        let length = input.len().min(output.len());
        output[..length].copy_from_slice(&input[..length]);
        Ok(Progress::new(length, length))
    }

    fn finish(&mut self) -> Result<(), treq::error::BoxError> {
        Ok(())
    }
}

async fn offered(case: &Case, compared: &mut Compared) -> Result<(), String> {
    let world = World::default().otherwise(EMPTY);
    let names = case.given.get("decoders").and_then(Json::list).unwrap_or_default().iter().filter_map(Json::text);
    let layer = names.fold(DecodeLayer::empty(), |layer, name| layer.coding(Coding::new(name, || Plain)));
    let client =
        Client::builder().decode_layer(layer).connector(world.connector()).build().map_err(|it| it.to_string())?;
    send(&client, case).await?;
    let sent = first(&world)?.values("accept-encoding").join(",").replace(", ", ",");
    let want = case.expect.get("request_header").and_then(Json::text).ok_or("a field is expected")?;
    compared.same("request_header", want, format!("Accept-Encoding: {sent}"));
    Ok(())
}

async fn send(client: &Client, case: &Case) -> Result<(), String> {
    let call = case.given.get("call").ok_or("there is no call")?;
    match call::make(client, call) {
        Ok(made) => made.request.await.map(drop).map_err(|error| error.to_string()),
        Err(Refusal::NoCounterpart(why)) => Err(why.to_owned()),
        Err(Refusal::Unknown(why)) => Err(why),
    }
}

fn first(world: &World) -> Result<wire::Message, String> {
    wire::Message::parse(&world.requests().first().ok_or("nothing was sent")?.bytes)
}

async fn through_proxy(case: &Case, compared: &mut Compared) -> Result<(), String> {
    let proxy = case.given.get("proxy").and_then(Json::text).ok_or("a proxy is a text")?;
    let proxy = Proxy::try_from(&format!("http://{proxy}")).map_err(|error| error.to_string())?;
    let world = World::default().otherwise(EMPTY);
    let client = Client::builder().proxy(Proxies::all(proxy)).connector(world.connector()).build();
    let client = client.map_err(|error| error.to_string())?;
    let call = case.given.get("call").ok_or("there is no call")?;
    let made = call::make(&client, call).map_err(|refusal| format!("{refusal:?}"))?;
    // Below treq nothing is offered and nothing is kept.
    made.request.decoding(false).persistent(false).await.map_err(|error| error.to_string())?;
    let sent = first(&world)?;
    for (key, want) in case.expect.map().unwrap_or_default() {
        let text = want.text().unwrap_or_default();
        match key.as_str() {
            "note" => {}
            "connect_to" => {
                let to = world.connections().into_iter().next().unwrap_or_default();
                compared.same("connect_to", text, to.trim_start_matches("http://"));
            }
            "request_line" => {
                compared.same("request_line", text, format!("{} {} {}", sent.method, sent.target, sent.version));
            }
            "host" => compared.same("host", text, sent.values("host").join(",")),
            "wire" => {
                let seen = world.requests().remove(0).bytes;
                request::compare(compared, &json::bytes(text)?, &seen)?;
            }
            other => return Err(format!("what {other:?} expects is not known")),
        }
    }
    Ok(())
}

/// How an answer looks in a debugger.
async fn debug(case: &Case, compared: &mut Compared) -> Result<(), String> {
    let status = case.given.get("status").and_then(Json::number).ok_or("a status is a number")?;
    let mut answer = format!("HTTP/1.1 {status} X\r\n");
    if let Some(length) = case.given.get("length").and_then(Json::number) {
        answer.push_str(&format!("Content-Length: {length}\r\n"));
    }
    let mut answer = answer.into_bytes();
    for value in case.given.get("content_type").and_then(Json::list).unwrap_or_default() {
        answer.extend_from_slice(format!("Content-Type: {}\r\n", value.text().unwrap_or_default()).as_bytes());
    }
    answer.extend_from_slice(b"\r\n");
    let world = World::new([Step::Send(answer)]);
    let response =
        profile::client(&world, None)?.get("http://example.com/").await.map_err(|error| error.to_string())?;
    let seen = format!("{response:?}");
    if !seen.contains(&status.to_string()) {
        return Err(format!("the status does not stand in {seen}"));
    }
    compared.same("repr", case.expect.get("repr").and_then(Json::text).unwrap_or_default(), seen);
    Ok(())
}

/// A time limit in a phase of the exchange that its words name. `false`: they do not.
async fn timed(case: &Case, compared: &mut Compared) -> Result<bool, String> {
    let seconds = |key: &str| case.given.get(key).and_then(Json::number).map(Duration::from_secs);
    let (Some(limit), Some(advance)) = (seconds("timeout"), seconds("advance")) else { return Ok(false) };
    let phase = case.given.get("phase").and_then(Json::text).unwrap_or_default();
    let (script, wait) = match phase {
        _ if phase.contains("connecting") => (None, Duration::from_secs(3600)),
        _ if phase.contains("no response byte") => (None, Duration::ZERO),
        _ if phase.contains("status line") => (Some("HTTP/1.1 200 OK\r\n"), Duration::ZERO),
        _ if phase.contains("body") => (Some("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), Duration::ZERO),
        _ if phase.contains("header") => (Some("HTTP/1.1 200 OK\r\nX: y\r\n"), Duration::ZERO),
        _ => return Ok(false),
    };
    let world = World::new(script.map(|text| Step::Send(text.into())));
    let builder = Client::builder().connect_timeout(None);
    let client = builder.connector(Slow(world.connector(), wait)).build().map_err(|error| error.to_string())?;
    let started = tokio::time::Instant::now();
    let exchange = async {
        let mut response = client.get("http://example.com/").timeout(limit).await?;
        response.content().await
    };
    let outcome = timeout(advance.max(limit) + Duration::from_secs(1), exchange).await;
    let took = started.elapsed();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let ended = world.end(1) == Some(End::Client) || world.connections().is_empty();
    for (key, want) in case.expect.map().unwrap_or_default() {
        match key.as_str() {
            "note" => {}
            "error" => match &outcome {
                Ok(Err(error)) if error.is_timeout() && took < limit + Duration::from_millis(20) => {
                    // There it depends on the phase what the error says, and a timeout is a cancellation.
                    compared.0.push(Mismatch::new("error.timeout", want, "Timeout"));
                }
                other => compared.0.push(Mismatch::new("error", want, format!("{other:?} after {took:?}"))),
            },
            "connection" if ended => {}
            "connection" => compared.0.push(Mismatch::new("connection", want, "open")),
            _ => compared.0.push(Mismatch::new(
                "timeout.body",
                want,
                outcome.as_ref().map_or("nothing".to_owned(), |it| format!("{it:?}")),
            )),
        }
    }
    Ok(true)
}

/// A connector that takes its time.
#[derive(Clone)]
struct Slow(crate::Connector, Duration);

impl tower_service::Service<treq::connect::Target> for Slow {
    type Response = treq::connect::Connected<crate::Wire>;
    type Error = treq::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, treq::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), treq::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: treq::connect::Target) -> Self::Future {
        let (mut connector, wait) = (self.0.clone(), self.1);
        Box::pin(async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            connector.call(target).await
        })
    }
}

async fn host(case: &Case, compared: &mut Compared) -> Result<(), String> {
    let world = World::default().otherwise(EMPTY);
    let url = case.given.get("url").and_then(Json::text).ok_or("a URL is a text")?;
    profile::client(&world, None)?.get(url).into_future().await.map_err(|error| error.to_string())?;
    let want = case.expect.get("host_header").and_then(Json::text).unwrap_or_default();
    compared.same("host_header", want, first(&world)?.values("host").join(","));
    Ok(())
}

fn header_map(case: &Case, compared: &mut Compared) -> Result<(), String> {
    let mut map = HeaderMap::new();
    let name =
        |json: &Json| HeaderName::from_bytes(json.text().unwrap_or_default().as_bytes()).map_err(|it| it.to_string());
    let value = |json: &Json| HeaderValue::from_str(json.text().unwrap_or_default()).map_err(|it| it.to_string());
    if let Some(add) = case.given.get("add").and_then(Json::list) {
        for pair in add {
            let [key, one] = pair.list().unwrap_or_default() else { return Err(format!("{pair} is no pair")) };
            map.append(name(key)?, value(one)?);
        }
    }
    for key in ["set", "then_set"] {
        let Some([key, values]) = case.given.get(key).and_then(Json::list) else { continue };
        let key = name(key)?;
        map.remove(&key);
        for one in values.list().unwrap_or_default() {
            map.append(&key, value(one)?);
        }
    }
    let stored = map.keys().map(|name| {
        let values = map.get_all(name).iter().map(|value| latin1(value.as_bytes())).collect::<Vec<_>>();
        format!("{name}: {}", values.join(", "))
    });
    let want = case.expect.get("stored").and_then(Json::list).unwrap_or_default().iter().map(|field| {
        let values = field.list().and_then(|field| field.get(1)?.list()).unwrap_or_default().iter();
        let values = values.filter_map(Json::text).collect::<Vec<_>>();
        let name = field.list().and_then(|field| field.first()?.text()).unwrap_or_default();
        format!("{}: {}", name.to_ascii_lowercase(), values.join(", "))
    });
    compared.same("stored", want.collect::<Vec<_>>().join("; "), stored.collect::<Vec<_>>().join("; "));
    Ok(())
}
