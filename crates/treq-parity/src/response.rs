//! One call, what the servers do, and what is read of the answer.

use std::cell::RefCell;
use std::future::IntoFuture;
use std::pin::pin;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::{sleep, timeout};
use treq::{Client, Error, Response};

use crate::call::{self, Refusal};
use crate::case::{Case, Compared, Mismatch};
use crate::json::{self, Json, latin1};
use crate::world::{EMPTY, End, Received, Step, World};
use crate::{errors, profile, redirect, request};

/// How long nothing must come before nothing comes, by a clock that jumps.
const PENDING: Duration = Duration::from_secs(5);

/// What is done with the answer.
enum How {
    Nothing,
    Content,
    Text(Option<String>),
    Json,
    Collect,
}

/// What came of it.
pub(crate) struct Seen {
    pub(crate) head: Option<Head>,
    pub(crate) error: Option<Error>,
    read: Read,
    /// What a collector was given.
    pieces: String,
    /// What was sent, without the request that asks for the connection's fate.
    requests: Vec<Received>,
    fate: Option<&'static str>,
}

impl Seen {
    async fn without_answer(error: Option<Error>, case: &Case, world: &World, client: &Client) -> Seen {
        let requests = world.requests();
        let fate = fate(case, world, client).await;
        Seen { head: None, error, read: Read::Nothing, pieces: String::new(), requests, fate }
    }
}

/// The head of an answer.
pub(crate) struct Head {
    pub(crate) status: u64,
    pub(crate) reason: String,
    version: String,
    length: Option<u64>,
    headers: HeaderMap,
    pub(crate) url: String,
    pub(crate) history: Vec<(u64, String)>,
}

enum Read {
    Nothing,
    Pending,
    Value(String),
    Failed(Error),
}

/// Plays a case that has a `call`; `None` where it has more than is known of.
pub(crate) async fn play(case: &Case) -> Result<Option<Vec<Mismatch>>, String> {
    const KNOWN: [&str; 6] =
        ["call", "connection_pool", "server", "then_read", "server_after_read_started", "boundary"];
    let given = case.given.map().unwrap_or_default();
    let (Some(call), true) = (case.given.get("call"), given.iter().all(|(key, _)| KNOWN.contains(&key.as_str())))
    else {
        return Ok(None);
    };
    let Some(how) = how(case.given.get("then_read")) else { return Ok(None) };
    let world = match case.given.get("server") {
        Some(server) => World::new(script(server)?),
        None => World::default().otherwise(EMPTY),
    };
    let client = profile::client(&world, None)?;
    let made = match call::make(&client, call) {
        Ok(made) => made,
        Err(Refusal::Unknown(why)) => return Err(why),
        Err(Refusal::NoCounterpart(why)) => {
            let wants_error = case.expect.get("error").is_some();
            let field = if wants_error { "argument.refused" } else { "argument" };
            return Ok(Some(vec![Mismatch::new(field, "taken at run time", why)]));
        }
    };
    let once = case.given.get("connection_pool").and_then(Json::text) == Some("non-persistent");
    let sending = if once { made.request.persistent(false) } else { made.request };
    let mut sending = pin!(sending.into_future());
    let seen = match timeout(PENDING, &mut sending).await {
        Err(_) => Seen::without_answer(None, case, &world, &client).await,
        Ok(Err(error)) => Seen::without_answer(Some(error), case, &world, &client).await,
        Ok(Ok(response)) => answered(case, &world, &client, response, how).await?,
    };
    compare(case, &world, &seen, made.headers.as_ref()).map(Some)
}

async fn answered(
    case: &Case,
    world: &World,
    client: &Client,
    mut response: Response,
    how: How,
) -> Result<Seen, String> {
    let head = Some(Head::of(&response));
    let later = case.given.get("server_after_read_started").and_then(Json::list).unwrap_or_default();
    let later = later.iter().map(step).collect::<Result<Vec<_>, _>>()?;
    let connection = world.requests().last().map_or(1, |last| last.connection);
    let acts = async {
        for step in later {
            sleep(Duration::from_millis(10)).await;
            world.act(connection, step);
        }
    };
    let pieces = RefCell::new(Vec::new());
    let reading = read(&mut response, how, &pieces);
    let mut reading = pin!(reading);
    let (outcome, ()) = tokio::join!(timeout(PENDING, &mut reading), acts);
    let requests = world.requests();
    let fate = fate(case, world, client).await;
    let read = match outcome {
        Err(_) => Read::Pending,
        Ok(Ok(Some(value))) => Read::Value(value),
        Ok(Ok(None)) => Read::Nothing,
        Ok(Err(error)) => Read::Failed(error),
    };
    let pieces = pieces.borrow().join("|");
    Ok(Seen { head, error: None, read, pieces, requests, fate })
}

fn how(then_read: Option<&Json>) -> Option<How> {
    let Some(then_read) = then_read else { return Some(How::Nothing) };
    let list = match then_read {
        Json::List(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    Some(match (list.first()?.text()?, list.get(1)) {
        ("content", None) => How::Content,
        ("text", None) => How::Text(None),
        ("text", Some(charset)) => How::Text(Some(charset.text()?.to_owned())),
        ("json", None) => How::Json,
        ("collect", None) => How::Collect,
        _ => return None,
    })
}

async fn read(response: &mut Response, how: How, pieces: &RefCell<Vec<String>>) -> Result<Option<String>, Error> {
    match how {
        How::Nothing => Ok(None),
        How::Content => Ok(Some(latin1(&response.content().await?))),
        // As strict as the original.
        How::Text(None) => response.text_strict().await.map(Some),
        How::Text(Some(charset)) => response.text_with_default(&charset).await.map(Some),
        How::Json => Ok(Some(response.json::<serde_json::Value>().await?.to_string())),
        How::Collect => {
            response.collect(|piece| pieces.borrow_mut().push(latin1(&piece))).await?;
            Ok(None)
        }
    }
}

/// What a server does, in order.
pub(crate) fn script(server: &Json) -> Result<Vec<Step>, String> {
    server.list().ok_or("the server is a list of pieces")?.iter().map(step).collect()
}

fn step(piece: &Json) -> Result<Step, String> {
    let text = piece.text().ok_or_else(|| format!("{piece} is nothing that a server sends"))?;
    if let Some(event) = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
        return match event {
            event if event.contains("reset") => Ok(Step::Reset),
            event if event.contains("close") => Ok(Step::Close),
            other => Err(format!("what the server does is not known: {other:?}")),
        };
    }
    json::bytes(&repeated(text)).map(Step::Send)
}

/// `<16384 times a>` written out.
fn repeated(text: &str) -> String {
    let written_out = || {
        let (before, rest) = text.split_once('<')?;
        let (inner, after) = rest.split_once('>')?;
        let (count, what) = inner.split_once(" times ")?;
        Some(format!("{before}{}{}", what.repeat(count.parse().ok()?), repeated(after)))
    };
    written_out().unwrap_or_else(|| text.to_owned())
}

impl Head {
    pub(crate) fn of(response: &Response) -> Head {
        let fragment = response.extensions().get::<treq::redirect::FinalUrl>().and_then(|last| last.fragment.clone());
        let fragment = fragment.map_or_else(String::new, |fragment| format!("#{fragment}"));
        let history = response.history().iter();
        Head {
            status: response.status().as_u16().into(),
            reason: response.reason().to_owned(),
            version: format!("{:?}", response.version()),
            length: response.content_length(),
            headers: response.headers().clone(),
            url: format!("{}{fragment}", response.url()),
            history: history.map(|hop| (hop.status.as_u16().into(), hop.url.to_string())).collect(),
        }
    }
}

/// The URL of a server's root: a host with colons stands in brackets there.
fn root_of(to: &str) -> String {
    let parts = to.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once(':')?)));
    match parts {
        Some((scheme, (host, port))) if host.contains(':') && !host.starts_with('[') => {
            format!("{scheme}://[{host}]:{port}/")
        }
        _ => format!("{to}/"),
    }
}

/// What became of the connection that the last request went over, where the case asks.
async fn fate(case: &Case, world: &World, client: &Client) -> Option<&'static str> {
    case.expect.get("connection")?;
    // Longer than the rest of a body is waited for.
    sleep(Duration::from_secs(1)).await;
    let last = world.requests().pop()?;
    match world.end(last.connection) {
        Some(End::Client) => return Some("closed by client"),
        Some(End::Server) => return Some("closed by server"),
        None => {}
    }
    world.then([Step::Send(EMPTY.to_vec())]);
    let asked = world.requests().len();
    let _ = timeout(PENDING, client.get(root_of(&last.to)).into_future()).await;
    let again = world.requests().into_iter().nth(asked)?;
    Some(if again.connection == last.connection { "returned to pool" } else { "held open, not pooled" })
}

fn compare(case: &Case, world: &World, seen: &Seen, headers: Option<&HeaderMap>) -> Result<Vec<Mismatch>, String> {
    let mut compared = Compared::default();
    let expect = case.expect.map().ok_or("what is expected is told in prose")?;
    outcome(&mut compared, case, seen)?;
    let otherwise = compared.0.first().is_some_and(|mismatch| mismatch.field == "outcome");
    let requests = &seen.requests;
    for (key, want) in expect {
        match key.as_str() {
            // Looked at by `outcome`.
            "note" | "error" | "pending" => {}
            // What both have sent can be compared all the same; how much it is, the outcome says.
            "wire" | "connect_to" | "requests"
                if otherwise && !requests.is_empty() && want.text() != Some(request::NOTHING) =>
            {
                request::sent(&mut compared, world, key, want, requests)?;
                compared.0.retain(|mismatch| mismatch.field != "requests");
            }
            _ if otherwise => {}
            "wire" | "connect_to" | "requests" => request::sent(&mut compared, world, key, want, requests)?,
            "sent" => compared.same("requests", want, requests.len()),
            "caller_headers_after" => request::caller_headers(&mut compared, want, headers)?,
            "connection" => {
                let fate = seen.fate.unwrap_or("none");
                let want = want.text().ok_or("a connection's fate is a text")?;
                if !want.starts_with(fate) {
                    compared.0.push(Mismatch::new("connection", want, fate));
                }
            }
            "read" => reading(&mut compared, want, seen),
            "collected" => {
                let want = want.list().unwrap_or_default().iter().map(|piece| piece.text().unwrap_or_default());
                compared.same("collected", want.collect::<Vec<_>>().join("|"), &seen.pieces);
            }
            "read_error" => match &seen.read {
                Read::Failed(error) => kind(&mut compared, "read.error", want, error)?,
                other => compared.0.push(Mismatch::new("read.error", kind_name(want), other)),
            },
            _ => match &seen.head {
                Some(head) => head.compare(&mut compared, key, want)?,
                None => compared.0.push(Mismatch::new(key.clone(), want, "no answer")),
            },
        }
    }
    Ok(compared.0)
}

/// Whether there is an answer, an error or nothing.
fn outcome(compared: &mut Compared, case: &Case, seen: &Seen) -> Result<(), String> {
    let targets = || {
        let lines = seen.requests.iter().map(|request| {
            let line = latin1(request.bytes.split(|&byte| byte == b'\r').next().unwrap_or_default());
            format!("{} {}", request.to, line)
        });
        lines.collect::<Vec<_>>().join(", ")
    };
    let there = match (&seen.head, &seen.error) {
        (Some(head), _) => format!("{} after {}", head.status, targets()),
        (None, Some(error)) => format!("{:?}: {error}", error.kind()),
        (None, None) => format!("nothing after {}", targets()),
    };
    let pending = case.expect.get("pending").is_some();
    match (case.expect.get("error"), &seen.error) {
        (Some(want), Some(error)) => kind(compared, "outcome", want, error)?,
        (Some(want), None) => compared.0.push(Mismatch::new("outcome", kind_name(want), there)),
        (None, Some(_)) => {
            compared.0.push(Mismatch::new("outcome", if pending { "nothing" } else { "an answer" }, there))
        }
        (None, None) if pending != seen.head.is_none() => {
            compared.0.push(Mismatch::new("outcome", if pending { "nothing" } else { "an answer" }, there));
        }
        (None, None) => {}
    }
    Ok(())
}

fn kind_name(error: &Json) -> String {
    error.get("kind").and_then(Json::text).unwrap_or_default().to_owned()
}

fn kind(compared: &mut Compared, field: &str, want: &Json, error: &Error) -> Result<(), String> {
    let name = kind_name(want);
    let means = errors::means(want, error.kind()).ok_or_else(|| format!("no kind of error is known for {name:?}"))?;
    if !means {
        compared.0.push(Mismatch::new(format!("{field}.kind"), name, format!("{:?}: {error}", error.kind())));
    }
    Ok(())
}

fn reading(compared: &mut Compared, want: &Json, seen: &Seen) {
    let want =
        want.text().map_or_else(|| if *want == Json::Null { String::new() } else { want.to_string() }, str::to_owned);
    compared.same("read", want, &seen.read);
}

impl std::fmt::Display for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Read::Nothing => Ok(()),
            Read::Pending => f.write_str("pending"),
            Read::Value(value) => f.write_str(value),
            Read::Failed(error) => write!(f, "{:?}: {error}", error.kind()),
        }
    }
}

impl Head {
    fn compare(&self, compared: &mut Compared, key: &str, want: &Json) -> Result<(), String> {
        match key {
            "status" => compared.same("status", want, self.status),
            "reason" => compared.same("reason", want.text().unwrap_or_default(), &self.reason),
            "version" => {
                let [name, major, minor] = want.list().unwrap_or_default() else {
                    return Err("a version has three parts".to_owned());
                };
                compared.same("version", format!("{}/{major}.{minor}", name.text().unwrap_or_default()), &self.version);
            }
            "length" => {
                let seen = self.length.map_or("unknown".to_owned(), |length| length.to_string());
                compared.same("length", want.text().map_or_else(|| want.to_string(), str::to_owned), seen);
            }
            "headers" => request::fields(compared, "header", want, &self.headers)?,
            "headers_as_treq_shows_them" => {
                let mut shown = self.headers.clone();
                shown.remove("content-length");
                request::fields(compared, "header.shown", want, &shown)?;
            }
            "final_url" | "history" => redirect::chain(compared, key, want, self)?,
            other => return Err(format!("what {other:?} expects is not known")),
        }
        Ok(())
    }
}

/// All of a body.
pub(crate) async fn gather(
    body: impl http_body::Body<Data = bytes::Bytes, Error = treq::error::BoxError>,
) -> Result<Vec<u8>, String> {
    let mut body = pin!(body);
    let mut all = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(data) = frame.map_err(|error| error.to_string())?.into_data() {
            all.extend_from_slice(&data);
        }
    }
    Ok(all)
}
