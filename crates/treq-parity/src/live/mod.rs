//! PyPI's treq and ours side by side: the same cases against the same scripted servers, and what comes out otherwise.
//!
//! What the original does is taken from a run of it (`live/driver.py`), not from the cases' `expect`; where the two
//! differ, both are shown.

mod driver;
mod recorded;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use crate::case::{Case, Mismatch};
use crate::json::Json;
use crate::{differences, play};
use driver::{Answer, Driver};

/// How the cases came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Played by both.
    pub compared: usize,
    /// In which nothing differs.
    pub same: usize,
    /// In which each difference has its rule.
    pub different: usize,
    /// That have a form which the original is not driven by.
    pub not_playable: usize,
    /// With a difference that no rule declares, or that broke.
    pub undeclared: usize,
    /// In which the original does something else than is recorded of it.
    pub recorded_otherwise: usize,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Summary { compared, same, different, not_playable, undeclared, recorded_otherwise } = self;
        write!(
            f,
            "live: compared {compared}, same {same}, different by rule {different}, not playable {not_playable}, \
             undeclared {undeclared}; recorded otherwise {recorded_otherwise}"
        )
    }
}

/// Plays all cases by both and prints what differs; `short`: but for what has its rule.
///
/// # Errors
///
/// Where the original cannot be started, or says nothing more: with the case that it was at.
pub fn run(python: &Path, cases: &[Case], short: bool, out: &mut impl Write) -> Result<Summary, String> {
    let print = |error: std::io::Error| format!("nothing can be printed: {error}");
    let mut driver = Driver::start(python)?;
    writeln!(out, "beside treq {} over Twisted {}", driver.treq, driver.twisted).map_err(print)?;
    let mut summary = Summary::default();
    let mut forms: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases {
        let played = match driver.play(case)? {
            Answer::Seen(seen) => beside(case, &seen),
            Answer::Broken(why) => Err(format!("the driver broke: {why}")),
            Answer::NotPlayable(why) => {
                summary.not_playable += 1;
                forms.entry(why).or_default().push(&case.id);
                continue;
            }
        };
        summary.compared += 1;
        let differences = match played {
            Ok(differences) => differences,
            Err(why) => {
                summary.undeclared += 1;
                writeln!(out, "{} UNDECLARED {why}", case.id).map_err(print)?;
                continue;
            }
        };
        for one in differences.iter().filter(|one| !short || one.rule.is_none() || one.recorded.is_some()) {
            writeln!(out, "{} {one}", case.id).map_err(print)?;
        }
        let mut own: Vec<_> = differences.iter().filter_map(|one| one.rule).collect();
        own.sort_unstable();
        own.dedup();
        own.into_iter().for_each(|rule| *rules.entry(rule).or_default() += 1);
        summary.count(&differences);
    }
    for (why, ids) in &forms {
        writeln!(out, "not playable: {why}: {} ({})", ids.len(), ids.join(", ")).map_err(print)?;
    }
    for (rule, times) in &rules {
        writeln!(out, "by rule: {rule}: {times}").map_err(print)?;
    }
    writeln!(out, "{summary}").map_err(print)?;
    Ok(summary)
}

impl Summary {
    fn count(&mut self, differences: &[Difference]) {
        let mut between = differences.iter().filter(|one| one.ours.is_some()).peekable();
        if between.peek().is_none() {
            self.same += 1;
        } else if between.all(|one| one.rule.is_some()) {
            self.different += 1;
        } else {
            self.undeclared += 1;
        }
        self.recorded_otherwise += usize::from(differences.iter().any(|one| one.recorded.is_some()));
    }
}

/// One thing that is not everywhere the same.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Difference {
    field: String,
    python: String,
    /// Where ours is another.
    ours: Option<String>,
    /// Where something else is recorded of the original.
    recorded: Option<String>,
    /// Why ours is another.
    rule: Option<&'static str>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |text: &str| text.chars().take(160).collect::<String>();
        write!(f, "{}: python={:?}", self.field, short(&self.python))?;
        if let Some(ours) = &self.ours {
            write!(f, " ours={:?}", short(ours))?;
        }
        if let Some(recorded) = &self.recorded {
            write!(f, " recorded={:?}", short(recorded))?;
        }
        match (&self.ours, self.rule) {
            (Some(_), Some(rule)) => write!(f, " [{rule}]"),
            (Some(_), None) => f.write_str(" UNDECLARED"),
            (None, _) => Ok(()),
        }
    }
}

/// Plays a case by ours, with what the original has just done in place of what is recorded of it.
fn beside(case: &Case, seen: &Json) -> Result<Vec<Difference>, String> {
    let live = Case { given: given(&case.given), expect: seen.clone(), better: None, diverge: false, ..case.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let played = runtime.block_on(play(&live))?.ok_or("ours does not know its form, and the driver does")?;
    let played = played.into_iter().filter(|mismatch| !ended_by_both(case, mismatch)).collect();
    Ok(merged(&live, played, recorded::otherwise(&case.expect, seen)?))
}

/// Where the server closes too, chance says who is first.
fn ended_by_both(case: &Case, mismatch: &Mismatch) -> bool {
    let closes = |piece: &Json| piece.text().is_some_and(|piece| piece.starts_with("<server closes"));
    let closed = |text: &str| text.starts_with("closed by ");
    mismatch.field == "connection"
        && closed(&mismatch.want)
        && closed(&mismatch.seen)
        && case.given.get("server").and_then(Json::list).is_some_and(|server| server.iter().any(closes))
}

/// Where a case reads nothing, both read all.
fn given(given: &Json) -> Json {
    let mut entries = given.map().unwrap_or_default().to_vec();
    if given.get("call").is_some() && given.get("then_read").is_none() {
        entries.push(("then_read".to_owned(), Json::Text("content".to_owned())));
    }
    Json::Map(entries)
}

/// The differences between the two, and those from what is recorded.
fn merged(case: &Case, played: Vec<Mismatch>, mut recorded: Vec<Mismatch>) -> Vec<Difference> {
    let mut all = Vec::new();
    for mismatch in played {
        let rule = differences::reason(case, &mismatch).map(|rule| rule.why);
        let at = recorded.iter().position(|other| other.field == mismatch.field && other.seen == mismatch.want);
        let recorded = at.map(|at| recorded.remove(at).want);
        let Mismatch { field, want: python, seen: ours } = mismatch;
        all.push(Difference { field, python, ours: Some(ours), recorded, rule });
    }
    let alone = recorded.into_iter().map(|Mismatch { field, want, seen }| Difference {
        field,
        python: seen,
        ours: None,
        recorded: Some(want),
        rule: None,
    });
    all.extend(alone);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(expect: &str) -> Case {
        let given = r#"{"call":{"method":"POST","url":"http://a.test/","json":1},"connection_pool":"persistent"}"#;
        Case::parse(&format!(r#"{{"id":"X","given":{given},"expect":{expect}}}"#)).unwrap()
    }

    fn wire(kind: &str, body: &str) -> String {
        format!(
            r#"{{"sent":1,"status":200,"connect_to":"http://a.test:80","wire":"POST / HTTP/1.1\r\nContent-Length: 1\r\nHost: a.test\r\nContent-Type: {kind}\r\nAccept-Encoding: gzip\r\n\r\n{body}"}}"#
        )
    }

    fn compared(seen: &str, recorded: &str) -> Vec<Difference> {
        beside(&case(recorded), &serde_json::from_str(seen).unwrap()).unwrap()
    }

    #[test]
    fn what_is_the_same_everywhere_is_no_difference() {
        let all = wire("application/json", "1");
        assert_eq!(compared(&all, &all), []);
        let mut summary = Summary::default();
        summary.count(&[]);
        assert_eq!(summary, Summary { same: 1, ..Summary::default() });
    }

    #[test]
    fn a_difference_has_its_rule_or_is_undeclared() {
        let declared = wire("application/json; charset=UTF-8", "1");
        let [one] = compared(&declared, &declared).try_into().unwrap();
        assert_eq!((one.field.as_str(), one.ours.as_deref()), ("request.field.content-type", Some("application/json")));
        assert_eq!(one.rule, Some("JSON has no charset parameter: RFC 8259, section 11"));
        assert_eq!(one.recorded, None);
        let strange = wire("application/json", "2");
        let [two] = compared(&strange, &strange).try_into().unwrap();
        assert_eq!((two.field.as_str(), two.rule), ("request.body", None));
        assert_eq!(two.to_string(), "request.body: python=\"2\" ours=\"1\" UNDECLARED");
        let mut summary = Summary::default();
        summary.count(std::slice::from_ref(&one));
        summary.count(&[one, two]);
        assert_eq!(summary, Summary { different: 1, undeclared: 1, ..Summary::default() });
    }

    #[test]
    fn what_is_recorded_otherwise_is_a_column_of_its_own() {
        let (seen, recorded) = (wire("application/json", "2"), wire("application/json", "3"));
        let [one] = compared(&seen, &recorded).try_into().unwrap();
        assert_eq!(one.to_string(), "request.body: python=\"2\" ours=\"1\" recorded=\"3\" UNDECLARED");
        let [one] = compared(&wire("application/json", "1"), &recorded).try_into().unwrap();
        assert_eq!(one.to_string(), "request.body: python=\"1\" recorded=\"3\"");
        let mut summary = Summary::default();
        summary.count(&[one]);
        assert_eq!(summary, Summary { same: 1, recorded_otherwise: 1, ..Summary::default() });
    }

    #[test]
    fn more_requests_than_the_original_sends_are_a_difference() {
        let all = wire("application/json", "1").replace("\"sent\":1", "\"sent\":2");
        let [one] = compared(&all, &all).try_into().unwrap();
        assert_eq!((one.field.as_str(), one.python.as_str(), one.ours.as_deref()), ("requests", "2", Some("1")));
    }
}
