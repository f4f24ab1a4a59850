//! The player plays the adapter, and does not call everything fine.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Writes the cases into a file of its own and plays them, with these further arguments.
fn threats(name: &str, cases: &[Value], args: &[&str]) -> Output {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.jsonl"));
    let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
    std::fs::write(&file, lines).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_treq-threats"));
    command.arg("--cases").arg(&file).args(["--adapter", env!("CARGO_BIN_EXE_treq-blackbox")]).args(args);
    command.output().unwrap()
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn line(output: &Output, id: &str) -> String {
    let own = lines(output).into_iter().find(|line| line.split_whitespace().next() == Some(id));
    own.unwrap_or_else(|| panic!("no line of {id} in {output:?}"))
}

fn cut_body(id: &str) -> Value {
    json!({
        "id": id,
        "area": "http1",
        "server_script": { "A": ["head", "send HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhello", "close"] },
        "client_call": { "method": "GET", "url": "{A}/x" },
        "expect": { "outcome": "error", "kind": "Body", "requests": { "A": 1 }, "last_line": { "A": "GET /x " } },
    })
}

#[test]
fn passes_what_is_as_expected() {
    let redirected = json!({
        "id": "RD-1",
        "area": "redirect",
        "server_script": {
            "A": ["head", "body", "send HTTP/1.1 307 Moved\\r\\nLocation: http://b.test:{B.port}/\\r\\nContent-Length: 0\\r\\n\\r\\n"],
            "B": ["head", "body", "ok moved"],
        },
        "client_call": { "method": "POST", "url": "http://a.test:{A.port}/", "body": { "rep": ["ab", 3] }, "headers": { "Authorization": "x" } },
        "expect": { "outcome": "ok", "body": "moved", "last_body": { "B": "ababab" }, "present": { "A": ["authorization=x"] }, "absent": { "B": ["authorization"] } },
    });
    let http2 = json!({
        "id": "H2-1",
        "area": "http2",
        "server_script": { "A": [["h2open", "h2f 1 4 1 88", "h2f 0 1 1 6f6b", "h2drain 100"]] },
        "client_call": { "opts": { "h2": true }, "calls": [{ "url": "{A}/" }, { "url": "{A}/", "cancel_ms": 50 }] },
        "expect": { "calls": [{ "outcome": "ok", "body": "ok" }, { "outcome": "cancelled" }], "conns": { "A": 1 } },
    });
    let resets = json!({
        "id": "H1-2",
        "area": "http1",
        "server_script": { "A": ["head", "rst"] },
        "client_call": { "url": "{A}/" },
        "expect": { "outcome": "error", "kind": "Connect", "max_conns": { "A": 1 } },
    });
    let output = threats("passes", &[cut_body("H1-1"), redirected, http2, resets], &["-j", "2"]);
    for id in ["H1-1", "RD-1", "H2-1", "H1-2"] {
        assert_eq!(line(&output, id), format!("{id} PASS"));
    }
    assert!(output.status.success(), "{output:?}");
    assert!(lines(&output).contains(&"http1: passed 2, listed 0, skipped 0, failed 0".to_owned()), "{output:?}");
}

#[test]
fn fails_what_is_expected_wrongly() {
    let mut kind = cut_body("kind");
    kind["expect"]["kind"] = "Protocol".into();
    let mut outcome = cut_body("outcome");
    outcome["expect"]["outcome"] = "ok".into();
    let mut line_sent = cut_body("line");
    line_sent["expect"]["last_line"]["A"] = "GET /y ".into();
    let mut step = cut_body("step");
    step["server_script"]["A"] = json!(["head", "hop"]);
    let output = threats("fails", &[kind, outcome, line_sent, step], &[]);
    assert!(line(&output, "kind").starts_with("kind FAIL kind \"Body\""), "{output:?}");
    assert!(line(&output, "outcome").starts_with("outcome FAIL outcome error"), "{output:?}");
    assert!(line(&output, "line").starts_with("line FAIL A got the line"), "{output:?}");
    assert!(line(&output, "step").contains("there is no step \"hop\""), "{output:?}");
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn wants_the_client_to_be_healthy_after_an_error() {
    // An adapter that forgets the last outcome of several, if that was an ok.
    let script = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sick.sh");
    let sick = format!("{} | sed 's/,{{\"body\":\"ok\"[^}}]*}}//'\n", env!("CARGO_BIN_EXE_treq-blackbox"));
    std::fs::write(&script, sick).unwrap();
    let adapter = format!("sh {}", script.display());
    let output = threats("sick", &[cut_body("H1-1")], &["--adapter", &adapter]);
    assert!(line(&output, "H1-1").contains("the same client then fails a healthy exchange"), "{output:?}");
}

#[test]
fn plays_what_is_named_and_goes_through_the_proxy_of_a_case() {
    let mut case = cut_body("AU-1");
    case["area"] = "auth".into();
    for args in [&[][..], &["AU-1"], &["--area", "auth"]] {
        assert_eq!(line(&threats("named", &[case.clone()], args), "AU-1"), "AU-1 PASS", "{args:?}");
    }
    let proxied = json!({
        "id": "RD-2",
        "area": "redirect",
        "server_script": { "P": ["head", "ok ok"] },
        "client_call": { "opts": { "proxy": "{P}" }, "calls": [{ "url": "http://a.test/" }] },
        "expect": { "outcome": "ok", "requests": { "P": 1 } },
    });
    assert_eq!(line(&threats("proxy", &[proxied], &[]), "RD-2"), "RD-2 PASS");
}

#[test]
fn refuses_an_adapter_that_is_not_well() {
    let output = threats("unwell", &[cut_body("H1-1")], &["--adapter", "true"]);
    assert!(!output.status.success() && lines(&output).is_empty(), "{output:?}");
}
