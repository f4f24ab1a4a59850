//! The original, in a Python of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::case::Case;
use crate::json::Json;

/// How long one case may take: most take some milliseconds, and none half a second.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Driver {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    pub(super) treq: String,
    pub(super) twisted: String,
}

pub(super) enum Answer {
    /// What it did, in the form of a case's `expect`.
    Seen(Json),
    /// Why it cannot be asked for this.
    NotPlayable(String),
    /// What is wrong with the driver.
    Broken(String),
}

impl Driver {
    pub(super) fn start(python: &Path) -> Result<Driver, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("live/driver.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", python.display()))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the driver has no streams".to_owned());
        };
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let mut driver = Driver { child, stdin, lines, treq: String::new(), twisted: String::new() };
        let versions = driver.answer("its versions")?;
        let version = |name: &str| versions.get(name).and_then(Json::text).map(str::to_owned);
        driver.treq = version("treq").ok_or("the driver does not say which treq it has")?;
        driver.twisted = version("Twisted").ok_or("the driver does not say which Twisted it has")?;
        Ok(driver)
    }

    /// Plays one case. What is expected of it is not said.
    pub(super) fn play(&mut self, case: &Case) -> Result<Answer, String> {
        let asked =
            Json::Map(vec![("id".to_owned(), Json::Text(case.id.clone())), ("given".to_owned(), case.given.clone())]);
        writeln!(self.stdin, "{asked}").map_err(|error| format!("{}: the driver takes no case: {error}", case.id))?;
        let answer = self.answer(&case.id)?;
        if answer.get("id").and_then(Json::text) != Some(&case.id) {
            return Err(format!("{}: the driver answers something else: {answer}", case.id));
        }
        read(&answer).map_err(|why| format!("{}: {why}", case.id))
    }

    fn answer(&mut self, to: &str) -> Result<Json, String> {
        let line = self.lines.recv_timeout(LIMIT).map_err(|error| format!("{to}: nothing from the driver: {error}"))?;
        serde_json::from_str(&line).map_err(|error| format!("{to}: the driver says no JSON: {error}: {line:?}"))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // At the end of a run it has nothing left to do; before, nothing more is wanted of it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(answer: &Json) -> Result<Answer, String> {
    if let Some(seen) = answer.get("seen") {
        return Ok(Answer::Seen(seen.clone()));
    }
    match (answer.get("not_playable").and_then(Json::text), answer.get("broken").and_then(Json::text)) {
        (Some(why), _) => Ok(Answer::NotPlayable(why.to_owned())),
        (None, Some(why)) => Ok(Answer::Broken(why.to_owned())),
        (None, None) => Err(format!("the driver says neither what it saw nor why not: {answer}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Result<Answer, String> {
        read(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn an_answer_is_what_was_seen_or_why_nothing_was() {
        assert!(
            matches!(answer(r#"{"id":"X","seen":{"status":200}}"#), Ok(Answer::Seen(seen)) if seen.get("status").is_some())
        );
        assert!(
            matches!(answer(r#"{"id":"X","not_playable":"prose"}"#), Ok(Answer::NotPlayable(why)) if why == "prose")
        );
        assert!(
            matches!(answer(r#"{"id":"X","broken":"KeyError: 1"}"#), Ok(Answer::Broken(why)) if why.contains("KeyError"))
        );
        assert!(answer(r#"{"id":"X"}"#).is_err());
    }

    #[test]
    fn a_python_that_is_not_there_is_named() {
        let error = Driver::start(Path::new("no-such-python-anywhere")).err().unwrap();
        assert!(error.starts_with("no-such-python-anywhere: "), "{error}");
    }
}
