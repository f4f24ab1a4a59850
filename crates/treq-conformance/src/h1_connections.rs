//! Several requests on connections that behave well or badly.

use std::time::Duration;

use serde_json::Value;
use treq::{Body, Client};
use treq_testing::{RawServer, Step};

use crate::{Row, block_on};

/// The suite's clients give up after so long.
const TIMEOUT: Duration = Duration::from_millis(500);

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    block_on(exchange(row))?
}

async fn exchange(row: &Row) -> Result<(), String> {
    let mut server = RawServer::builder();
    for connection in row.get("server").and_then(Value::as_array).ok_or("no server")? {
        server = server.connection(script(connection)?);
    }
    let server = server.start().await;
    let client = Client::new();
    let mut results = Vec::new();
    for request in row.get("requests").and_then(Value::as_array).ok_or("no requests")? {
        let words: Vec<_> = request.as_str().ok_or("a request is no text")?.split_whitespace().collect();
        match words.as_slice() {
            ["SLEEP", ms] => sleep(ms).await?,
            [method, path, options @ ..] => {
                let url = server.url(path);
                let sent = send(&client, method, &url, options);
                results.push(tokio::time::timeout(TIMEOUT, sent).await.unwrap_or_else(|_| Err("timeout".to_owned())));
            }
            _ => return Err(format!("{words:?} is no request")),
        }
    }
    judge(row, &results, server.connections())
}

async fn sleep(ms: &str) -> Result<(), String> {
    let ms = ms.parse().map_err(|_| format!("{ms:?} is no time"))?;
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(())
}

/// The steps of one connection in the kit's words.
fn script(connection: &Value) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut waited = false;
    let mut cut = None;
    for step in connection.as_array().ok_or("a connection is no list")? {
        let text = step.as_str().ok_or("a step is no text")?;
        if text.starts_with("HTTP/") {
            if !waited {
                steps.push(Step::ReadRequest);
            }
            steps.push(Step::send_first(cut.take().unwrap_or(usize::MAX), text.to_owned()));
            waited = false;
            continue;
        }
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let numbers: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
        waited = matches!(name, "WAIT-HEAD" | "WAIT-BODY" | "SLEEP");
        match (name, numbers.as_slice()) {
            ("WAIT-HEAD", []) => steps.push(Step::ReadHead),
            ("WAIT-BODY", []) => steps.push(Step::ReadBody),
            ("SLEEP", [ms]) => steps.push(Step::sleep_ms(*ms)),
            ("CLOSE", []) => steps.push(Step::Close),
            ("CLOSE-AFTER", [ms]) => steps.extend([Step::sleep_ms(*ms), Step::Close]),
            ("RST", []) => steps.push(Step::Reset),
            ("STALL" | "HOLD", []) => steps.push(Step::Stall),
            ("READ-ALL", []) => steps.push(Step::ReadToEnd),
            ("READ-THEN-CLOSE", []) => steps.extend([Step::ReadRequest, Step::Close]),
            ("TRICKLE", [n, ms]) => {
                let bytes = vec![b'x'; *n as usize];
                steps.push(Step::trickle(bytes.repeat(1000), *n as usize, Duration::from_millis(*ms)));
            }
            _ => return Err(format!("{text:?} is no step")),
        }
    }
    Ok(steps)
}

async fn send(client: &Client, method: &str, url: &str, options: &[&str]) -> Result<(u16, Option<String>), String> {
    let mut request = client.request(method, url);
    let mut drop_body = false;
    for option in options {
        match *option {
            "DROP-BODY" => drop_body = true,
            "expect-continue" => request = request.header("expect", "100-continue"),
            option => {
                let len = option.strip_prefix("body=").and_then(|len| len.parse().ok());
                let len: usize = len.ok_or_else(|| format!("{option:?} is no option"))?;
                request = request.body(Body::from(vec![b'x'; len]));
            }
        }
    }
    let failed = |error: treq::Error| crate::h1_responses::chain(&error);
    let mut response = request.await.map_err(failed)?;
    let status = response.status().as_u16();
    if drop_body {
        return Ok((status, None));
    }
    Ok((status, Some(response.text().await.map_err(failed)?)))
}

fn judge(row: &Row, results: &[Result<(u16, Option<String>), String>], connections: usize) -> Result<(), String> {
    let expect = row.get("expect").ok_or("no expectation")?;
    if let Some(error) = expect.get("error").and_then(Value::as_str) {
        return match results.last() {
            Some(Err(seen)) if seen.contains(error) => Ok(()),
            other => Err(format!("no {error} but {other:?}")),
        };
    }
    if let Some(Err(error)) = results.iter().find(|result| result.is_err()) {
        return Err(error.clone());
    }
    if let Some(want) = expect.get("connections") {
        let fits = |want: &Value| want.as_u64() == Some(connections as u64);
        if !fits(want) && !want.as_array().is_some_and(|either| either.iter().any(fits)) {
            return Err(format!("{connections} connections"));
        }
    }
    let seen = results.iter().flatten();
    if let Some(status) = expect.get("status").and_then(Value::as_u64) {
        if let Some((other, _)) = seen.clone().find(|(seen, _)| u64::from(*seen) != status) {
            return Err(format!("status is {other}"));
        }
    }
    for (want, (_, got)) in expect.get("bodies").and_then(Value::as_array).into_iter().flatten().zip(seen) {
        if want.as_str().is_some_and(|want| got.as_deref() != Some(want)) {
            return Err(format!("a body is {got:?}"));
        }
    }
    Ok(())
}
