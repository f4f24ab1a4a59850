//! Runs every example as its user would, and looks at what it prints.

mod clients;
mod in_memory;
mod requests;
mod run_tasks;
mod tasks;

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

/// The same, by lines.
fn lines(name: &str) -> Vec<String> {
    printed(name, &[]).lines().map(str::to_owned).collect()
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
fn the_list_of_examples_is_complete() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit_once("| ").map(|(_, last)| last));
    let mut listed: Vec<_> = rows.flat_map(|cell| cell.split(", ")).filter_map(|name| name.strip_prefix('`')).collect();
    listed.sort();
    let files = std::fs::read_dir(folder.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let mut there: Vec<_> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned() + "`").collect();
    there.sort();
    assert_eq!(listed, there);
}
