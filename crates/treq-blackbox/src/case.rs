//! Cases: a script for each listener, the calls of a client, and what is expected.

use std::net::Ipv4Addr;
use std::path::Path;

use serde_json::{Value, json};

/// One line of a file of cases.
#[derive(Clone, Debug)]
pub struct Case(Value);

/// The texts of a connection's steps.
pub(crate) type Steps<'a> = Vec<&'a str>;

impl Case {
    /// All lines of a file. Those without a script are played elsewhere, as unit tests: see [`is_scripted`](Case::is_scripted).
    ///
    /// # Errors
    ///
    /// For a file that cannot be read and a line that is not JSON, naming it.
    pub fn read(path: &Path) -> Result<Vec<Case>, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let parse = |(at, line): (usize, &str)| {
            serde_json::from_str(line).map(Case).map_err(|error| format!("{}:{}: {error}", path.display(), at + 1))
        };
        lines.map(parse).collect()
    }

    /// A case in memory.
    pub fn new(case: Value) -> Case {
        Case(case)
    }

    /// Its name.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or("?")
    }

    /// The concern that it belongs to.
    pub fn area(&self) -> &str {
        self.text("area").unwrap_or("?")
    }

    /// Whether listeners play it.
    pub fn is_scripted(&self) -> bool {
        self.0.get("server_script").is_some()
    }

    /// What should come of it.
    pub fn expect(&self) -> &Value {
        &self.0["expect"]
    }

    /// Under the same name, whatever it is.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    /// Each listener's name and the scripts of its connections.
    ///
    /// # Errors
    ///
    /// For a script that is not a list of steps, or of lists of steps.
    pub(crate) fn scripts(&self) -> Result<Vec<(&str, Vec<Steps<'_>>)>, String> {
        let scripts = self.0.get("server_script").and_then(Value::as_object).ok_or("no server_script")?;
        scripts
            .iter()
            .map(|(name, script)| Ok((name.as_str(), connections(script).ok_or("a bad server_script")?)))
            .collect()
    }

    /// Options and calls, in the one form that the adapter takes: `{"opts": {..}, "calls": [..]}`, bodies written out.
    pub fn plan(&self) -> Value {
        let call = self.0.get("client_call").cloned().unwrap_or(Value::Null);
        let mut plan = match call {
            Value::Array(calls) => json!({ "calls": calls }),
            Value::Object(mut call) if !call.contains_key("calls") => {
                let opts = call.remove("opts").unwrap_or_else(|| json!({}));
                json!({ "opts": opts, "calls": [call] })
            }
            whole => whole,
        };
        for call in plan.get_mut("calls").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(body) = call.get_mut("body") else { continue };
            let repeated = body.get("rep").and_then(|rep| {
                let times = usize::try_from(rep.get(1)?.as_u64()?).ok()?;
                Some(rep.get(0)?.as_str()?.repeat(times))
            });
            if let Some(text) = repeated {
                *body = Value::String(text);
            }
        }
        plan
    }

    /// The addresses of 127/8 beside 127.0.0.1 at which the case names the port of this listener:
    /// `127.5.0.1:{A.port}`.
    pub(crate) fn further_addresses(&self, listener: &str) -> Vec<Ipv4Addr> {
        let text = format!("{}{}", self.0["server_script"], self.0["client_call"]);
        let port = format!(":{{{listener}.port}}");
        let before = |at| text[..at].rsplit(|c: char| c != '.' && !c.is_ascii_digit()).next()?.parse().ok();
        let mut found: Vec<Ipv4Addr> = text.match_indices(&port).filter_map(|(at, _)| before(at)).collect();
        found.retain(|addr| addr.is_loopback() && *addr != Ipv4Addr::LOCALHOST);
        found.sort();
        found.dedup();
        found
    }

    /// Whether memory or time on processors is judged: such a case is played alone, so that its figures are its own.
    pub fn is_measured(&self) -> bool {
        ["max_rss_mb", "max_cpu_ms"].iter().any(|key| self.expect().get(key).is_some())
    }
}

/// A script for each connection; a list of steps is the script of all.
fn connections(script: &Value) -> Option<Vec<Steps<'_>>> {
    let all = script.as_array()?;
    if all.first()?.is_array() { all.iter().map(steps).collect() } else { Some(vec![steps(script)?]) }
}

fn steps(list: &Value) -> Option<Steps<'_>> {
    list.as_array()?.iter().map(Value::as_str).collect()
}

/// The places of listeners in a text, filled in: `{A}` is `http://127.0.0.1:port`, `{A.port}` the port, `{A.auth}` host
/// and port.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Vec<(String, u16)>);

impl Places {
    pub(crate) fn new(listeners: impl IntoIterator<Item = (String, u16)>) -> Places {
        Places(listeners.into_iter().collect())
    }

    pub(crate) fn fill(&self, text: &str) -> String {
        if !text.contains('{') {
            return text.to_owned();
        }
        self.0.iter().fold(text.to_owned(), |text, (name, port)| {
            text.replace(&format!("{{{name}}}"), &format!("http://127.0.0.1:{port}"))
                .replace(&format!("{{{name}.port}}"), &port.to_string())
                .replace(&format!("{{{name}.auth}}"), &format!("127.0.0.1:{port}"))
        })
    }

    /// In every text, names of fields included.
    pub(crate) fn fill_all(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(items) => items.iter().map(|item| self.fill_all(item)).collect(),
            Value::Object(map) => map.iter().map(|(key, item)| (self.fill(key), self.fill_all(item))).collect(),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brings_calls_into_one_form() {
        let plan = |call| Case::new(json!({ "client_call": call })).plan();
        let one = json!({ "url": "u", "body": { "rep": ["ab", 2] } });
        assert_eq!(plan(one), json!({ "opts": {}, "calls": [{ "url": "u", "body": "abab" }] }));
        assert_eq!(
            plan(json!({ "url": "u", "opts": { "h2": true } })),
            json!({ "opts": { "h2": true }, "calls": [{ "url": "u" }] })
        );
        assert_eq!(plan(json!([{ "url": "u" }])), json!({ "calls": [{ "url": "u" }] }));
        assert_eq!(plan(json!({ "calls": [{ "url": "u" }] })), json!({ "calls": [{ "url": "u" }] }));
    }

    #[test]
    fn reads_scripts_for_one_and_for_each_connection() {
        let scripts =
            |script| Case::new(json!({ "server_script": { "A": script } })).scripts().map(|all| format!("{all:?}"));
        assert_eq!(scripts(json!(["head", "ok"])).unwrap(), r#"[("A", [["head", "ok"]])]"#);
        assert_eq!(scripts(json!([["head"], ["close"]])).unwrap(), r#"[("A", [["head"], ["close"]])]"#);
        assert!(scripts(json!([])).is_err() && scripts(json!([1])).is_err());
    }

    #[test]
    fn finds_the_addresses_that_a_listener_has_beside_its_own() {
        let case = Case::new(json!({
            "server_script": { "A": ["send Location: http://127.0.0.3:{A.port}/"], "B": [] },
            "client_call": [{ "url": "http://127.5.0.1:{A.port}/" }, { "url": "http://127.0.0.1:{A.port}/" },
                { "url": "http://127.5.0.1:{A.port}/é127.0.0.9:{B.port}" }, { "url": "http://8.8.8.8:{A.port}/127.7.7.7" }],
        }));
        assert_eq!(case.further_addresses("A"), [Ipv4Addr::new(127, 0, 0, 3), Ipv4Addr::new(127, 5, 0, 1)]);
        assert_eq!(case.further_addresses("B"), [Ipv4Addr::new(127, 0, 0, 9)]);
        assert!(case.further_addresses("C").is_empty());
    }

    #[test]
    fn fills_places_in() {
        let places = Places::new([("A".to_owned(), 81), ("B".to_owned(), 82)]);
        let filled = places.fill_all(&json!({ "url": ["{A}/x", "{B.port} {A.auth} {C}"] }));
        assert_eq!(filled, json!({ "url": ["http://127.0.0.1:81/x", "82 127.0.0.1:81 {C}"] }));
    }
}
