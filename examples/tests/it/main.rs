//! Runs every example as its user would, and looks at what it prints.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Cargo builds the examples before it runs the tests, into a folder beside that of the test programs.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built =
        test.ancestors().nth(2).unwrap().join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(built.exists(), "{} is missing: cargo build -p examples --examples", built.display());
    built
}

fn run(name: &str, arguments: &[&str]) -> Output {
    Command::new(program(name)).args(arguments).output().unwrap()
}

/// What an example prints when all is well.
fn printed(name: &str, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(name, arguments);
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(status.success() && err.is_empty(), "{name}: {status}\n{out}\n{err}");
    out
}

/// Each step of the quickstart has its line; returns over how many connections the last was answered.
fn quickstart(arguments: &[&str]) -> usize {
    let out = printed("quickstart", arguments);
    let lines: Vec<&str> = out.lines().collect();
    let steps = [
        r#"GET with params: the server read q = "tea & milk""#,
        r#"POST JSON: the server read {"cups":2}"#,
        "streamed download: [########################################] 400 of 400 bytes",
        r#"redirects, by way of ["/redirect/2","/relative-redirect/1"]"#,
        "compressed with gzip: true",
        "compressed with deflate: true",
        "compressed with brotli: true",
        r#"cookie session: the server read {"tea":"green"}"#,
    ];
    assert_eq!(lines[..8], steps);
    let last = lines[8].strip_prefix("100 URLs at once: answered over ").and_then(|it| it.strip_suffix(" connections"));
    last.unwrap().parse().unwrap()
}

#[test]
fn quickstart_prints_what_each_step_did_in_under_five_seconds() {
    let start = std::time::Instant::now();
    assert!((1..=8).contains(&quickstart(&[])));
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn quickstart_goes_to_the_httpbin_that_it_is_told() {
    let server = treq_httpbin::Server::start().await.unwrap();
    let base = server.url("/");
    let connections = tokio::task::spawn_blocking(move || quickstart(&["--base", &base])).await.unwrap();
    // One more for the steps before. A few more than the client counts may have been accepted: it gives up making one
    // when another comes free meanwhile.
    let accepted = server.connections().accepted;
    assert!(connections < accepted && accepted <= 2 * 8 + 1, "{connections} of {accepted}");
}

#[test]
fn an_example_fails_where_something_is_not_as_it_should_be() {
    let refused = run("quickstart", &["--base", "http://127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("127.0.0.1:0"));
    let misread = run("basic_get", &["--bse", "http://127.0.0.1:1"]);
    assert_eq!(misread.status.code(), Some(1));
    assert!(String::from_utf8(misread.stderr).unwrap().contains("--bse"));
}

#[test]
fn basic_get_shows_head_and_body() {
    let out = printed("basic_get", &[]);
    assert!(out.starts_with("200 OK\n"), "{out}");
    assert!(out.contains("\ncontent-type: application/json\n"), "{out}");
    assert!(out.contains("\n    \"X-Tea\": \"green\"\n"), "{out}");
}

#[test]
fn basic_post_gets_its_message_back() {
    let out = printed("basic_post", &[]);
    assert!(out.ends_with("/post was sent Message { msg: \"Hello!\" }\n"), "{out}");
}

#[test]
fn download_file_writes_what_was_announced() {
    let out = printed("download_file", &[]);
    assert!(out.starts_with("wrote 102400 bytes to "), "{out}");
    assert!(out.trim_end().ends_with("download.bin"), "{out}");
}

#[test]
fn query_params_come_in_every_form() {
    let expected = [
        "pairs: foo=bar&baz=bax",
        "a map: baz=bax&foo=bar",
        "lists of values: foo=bar&foo=baz",
        "a struct: q=tea+%26+milk&page=2",
        "in the URL and as params: foo=bar&baz=bax",
    ];
    assert_eq!(printed("query_params", &[]).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn custom_agent_adds_its_field() {
    assert_eq!(printed("custom_agent", &[]), "the server saw x-agent: \"mine\"\n");
}

#[test]
fn redirects_are_followed_unless_switched_off() {
    assert_eq!(printed("redirects", &[]), "200 OK from /get\n");
    assert_eq!(printed("disable_redirects", &[]), "302 Found to /get\n");
}

#[test]
fn response_history_tells_the_way() {
    let out = printed("response_history", &[]);
    assert!(out.starts_with("302 Found /redirect/2\n302 Found /relative-redirect/1\n200 OK /get\n"), "{out}");
    assert!(out.contains("more than 4: ") && out.contains("127.0.0.1"), "{out}");
}

#[test]
fn custom_decoder_is_offered_and_used() {
    let out = printed("custom_decoder", &[]);
    assert_eq!(out, "offered: \"gzip, deflate, br, zstd, rot13\"\ndecoded: true\n");
}

#[test]
fn using_cookies_shows_what_was_sent_set_and_kept() {
    let expected = [r#"sent: {"tea":"green"}"#, "set: sugar = none, path /", "kept: 1 cookie, milk = oat"];
    assert_eq!(printed("using_cookies", &[]).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn session_goes_on_after_a_restart() {
    let expected = [r#"1 cookie loaded, sent again: {"sid":"7f"}"#, r#"as "shop/1.0""#];
    assert_eq!(printed("session", &[]).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn timeouts_name_what_took_too_long() {
    let expected = [
        "Total: not over after 200ms",
        "Head: no response 200ms after the end of the request",
        "Read: nothing of the response's body for 200ms",
    ];
    assert_eq!(printed("timeouts", &[]).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn layers_work_alone_over_three_kinds_of_service() {
    assert_eq!(printed("layer_over_hyper_util", &[]), "1 redirect to {\"cookies\":{\"tea\":\"green\"}}\n");
    assert_eq!(printed("layer_over_axum", &[]), "/login led to a page that saw sid=7f\n");
    assert_eq!(printed("layer_over_service_fn", &[]), "decoded: b\"hello\"\nand Timeout(Head)\n");
}
