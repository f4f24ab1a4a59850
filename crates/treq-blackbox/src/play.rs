//! Plays one case: listeners, the adapter as a child, judgement.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::case::Places;
use crate::expect::{self, Seen};
use crate::listener::{Listener, Record};
use crate::step::Step;
use crate::{Case, listed};

/// How long an adapter may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long listeners still listen when the adapter has ended, unless the case says.
const SETTLE_MS: u64 = 150;

/// How a case came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Pass,
    /// Otherwise.
    Fail(String),
    /// Otherwise, by a rule with this reason.
    Listed(&'static str),
    /// Not played, or not to be judged.
    Skip(String),
}

/// The program that puts a client behind the protocol of [`adapter`](crate::adapter), with its arguments.
#[derive(Clone, Debug)]
pub struct Adapter(Vec<String>);

impl Adapter {
    /// Program and arguments.
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Adapter {
        Adapter(words.into_iter().map(Into::into).collect())
    }

    /// Whether a plain exchange succeeds: else nothing else is worth playing.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub fn healthy(&self) -> Result<(), String> {
        let case = Case::new(json!({
            "id": "healthy",
            "server_script": { "A": ["head", "ok ok"] },
            "client_call": { "method": "GET", "url": "{A}/" },
            "expect": { "outcome": "ok", "status": 200, "body": "ok" },
        }));
        match play(&case, self) {
            Verdict::Pass => Ok(()),
            other => Err(format!("the adapter fails a healthy exchange: {other:?}")),
        }
    }

    /// The answer to a plan, and how long it took.
    fn ask(&self, plan: &Value) -> Result<(Value, Duration), String> {
        let (program, args) = self.0.split_first().ok_or("there is no adapter")?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().to_ascii_lowercase().contains("proxy") {
                command.env_remove(name);
            }
        }
        for (name, value) in plan["opts"]["env"].as_object().into_iter().flatten() {
            command.env(name, value.as_str().unwrap_or_default());
        }
        let input = plan.to_string();
        let start = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("{program}: {error} (is it built?)"))?;
        let (said, complained) = talk(&mut child, input)?;
        let took = start.elapsed();
        let last = said.trim().lines().last().unwrap_or_default();
        match serde_json::from_str(last) {
            Ok(answer) => Ok((answer, took)),
            Err(_) if complained.trim().is_empty() => Err("the adapter said nothing".to_owned()),
            Err(_) => Err(format!("the adapter crashed: {}", complained.trim())),
        }
    }
}

/// What a child says when it is given `input`. One that takes too long is killed.
fn talk(child: &mut Child, input: String) -> Result<(String, String), String> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // One that does not read all of its input is judged by what it says.
    thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let complaints = thread::spawn(move || stderr.map(text).unwrap_or_default());
        let said = stdout.map(text).unwrap_or_default();
        // Nobody may be waiting any more.
        let _ = send.send((said, complaints.join().unwrap_or_default()));
    });
    let said = receive.recv_timeout(PATIENCE);
    if said.is_err() {
        child.kill().map_err(|error| error.to_string())?;
    }
    child.wait().map_err(|error| error.to_string())?;
    said.map_err(|_| format!("the adapter took longer than {PATIENCE:?}"))
}

fn text(mut from: impl std::io::Read) -> String {
    let mut all = Vec::new();
    // What was said before it broke counts.
    let _ = from.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

/// Plays a case.
pub fn play(case: &Case, adapter: &Adapter) -> Verdict {
    match judged(case, adapter) {
        Ok(Ok(wrong)) if wrong.is_empty() => Verdict::Pass,
        Ok(Ok(wrong)) => match listed::reason(case) {
            Some(reason) => Verdict::Listed(reason),
            None => Verdict::Fail(wrong.join("; ")),
        },
        Ok(Err(reason)) => Verdict::Skip(reason),
        Err(error) => Verdict::Fail(error),
    }
}

/// What was wrong, or the reason for which the case is skipped.
fn judged(case: &Case, adapter: &Adapter) -> Result<Result<Vec<String>, String>, String> {
    let mut plan = case.plan();
    let healthy = wants_healthy_call(case, &plan).then(|| Healthy::start(&plan)).transpose()?;
    let listeners = listen(case)?;
    let places = Places::new(listeners.iter().map(|(name, listener)| ((*name).to_owned(), listener.port())));
    plan = places.fill_all(&plan);
    if let (Some(healthy), Some(calls)) = (&healthy, plan.get_mut("calls").and_then(Value::as_array_mut)) {
        calls.push(healthy.call());
    }
    let (answer, took) = adapter.ask(&plan)?;
    thread::sleep(Duration::from_millis(case.get("settle_ms").and_then(Value::as_u64).unwrap_or(SETTLE_MS)));
    if let Some(reason) = answer.get("skip") {
        return Ok(Err(reason.as_str().map_or_else(|| reason.to_string(), str::to_owned)));
    }
    let listeners: BTreeMap<_, _> =
        listeners.iter().map(|(name, listener)| ((*name).to_owned(), listener.record())).collect();
    if let Some(reason) = not_to_judge(case, &listeners) {
        return Ok(Err(reason));
    }
    let mut outcomes = answer["calls"].as_array().cloned().unwrap_or_default();
    let own = plan["calls"].as_array().map_or(0, Vec::len) - usize::from(healthy.is_some());
    let after = (outcomes.len() > own).then(|| outcomes.split_off(own));
    let (rss_mb, cpu_ms) = (answer["rss_mb"].as_f64(), answer["cpu_ms"].as_f64());
    let mut wrong = expect::judge(case.expect(), &Seen { outcomes, listeners, took, rss_mb, cpu_ms });
    if healthy.is_some() {
        let outcome = after.as_deref().and_then(<[Value]>::first).unwrap_or(&Value::Null);
        if outcome["outcome"] != "ok" || outcome["body"] != "ok" {
            wrong.push(format!("the same client then fails a healthy exchange: {outcome}"));
        }
    }
    Ok(Ok(wrong))
}

fn listen(case: &Case) -> Result<Vec<(&str, Listener)>, String> {
    let scripts = case.scripts()?;
    let mut listeners = Vec::with_capacity(scripts.len());
    for (name, _) in &scripts {
        let bound = Listener::bind_also(&case.further_addresses(name));
        listeners.push((*name, bound.map_err(|error| format!("no port: {error}"))?));
    }
    let places = Places::new(listeners.iter().map(|(name, listener)| ((*name).to_owned(), listener.port())));
    for ((_, listener), (_, connections)) in listeners.iter().zip(&scripts) {
        let steps = |texts: &Vec<&str>| texts.iter().map(|text| Step::parse(&places.fill(text))).collect();
        let scripts = connections.iter().map(steps).collect::<Result<_, String>>()?;
        listener.play(scripts).map_err(|error| format!("no listener: {error}"))?;
    }
    Ok(listeners)
}

/// What the client offers or does may take a case away from it.
fn not_to_judge(case: &Case, listeners: &BTreeMap<String, Record>) -> Option<String> {
    let requests = || listeners.values().flat_map(|record| &record.requests);
    if let Some(coding) = case.expect()["needs"].as_str() {
        let offers = requests().any(|request| request.values("accept-encoding").any(|value| value.contains(coding)));
        if !offers {
            return Some(format!("the client does not offer {coding}"));
        }
    }
    let tunnels = case.expect()["skip_if_connect"].as_bool() == Some(true)
        && requests().any(|request| request.line.starts_with("CONNECT"));
    tunnels.then(|| "the client tunnels plain http".to_owned())
}

/// Whether one more call shows that the client is still good for something: after an error that is expected or admitted.
/// A case that ends with an ok shows it itself; where a proxy stands between, a plain listener shows nothing.
fn wants_healthy_call(case: &Case, plan: &Value) -> bool {
    let proxied = ["proxy", "proxies", "env"].iter().any(|key| plan["opts"].get(key).is_some());
    let admits_error = |expect: &Value| matches!(expect["outcome"].as_str(), Some("error" | "any"));
    let last = case.expect()["calls"].as_array().and_then(|calls| calls.last());
    !proxied && admits_error(last.unwrap_or(case.expect()))
}

/// A listener that answers as it should, in the version of HTTP that the client speaks.
struct Healthy(Listener);

impl Healthy {
    fn start(plan: &Value) -> Result<Healthy, String> {
        let http2 = plan["opts"]["h2"].as_bool() == Some(true);
        let script: &[&str] =
            if http2 { &["h2open", "h2f 1 4 1 88", "h2f 0 1 1 6f6b", "h2drain 500"] } else { &["head", "ok ok"] };
        let steps = script.iter().map(|text| Step::parse(text)).collect::<Result<_, _>>()?;
        let listener = Listener::bind().map_err(|error| format!("no port: {error}"))?;
        listener.play(vec![steps]).map_err(|error| format!("no listener: {error}"))?;
        Ok(Healthy(listener))
    }

    fn call(&self) -> Value {
        json!({ "method": "GET", "url": format!("http://127.0.0.1:{}/", self.0.port()) })
    }
}
