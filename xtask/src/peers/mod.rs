//! The interop tests, with real peers running: PyPI's httpbin under gunicorn, nginx, and caddy.
//!
//! Tests find the peers by these variables, and are skipped with a printed line where one is unset:
//!
//! | variable | what it holds |
//! |---|---|
//! | `TREQ_PEER_HTTPBIN` | httpbin's base URL, `http://127.0.0.1:PORT` |
//! | `TREQ_PEER_NGINX_HTTP` | nginx, base URL without TLS |
//! | `TREQ_PEER_NGINX_H2` | nginx, base URL `https://localhost:PORT` that offers HTTP/2 and HTTP/1.1 by ALPN |
//! | `TREQ_PEER_NGINX_H1` | nginx, base URL with TLS and HTTP/1.1 only |
//! | `TREQ_PEER_NGINX_MTLS` | nginx, base URL with TLS that wants a client certificate |
//! | `TREQ_PEER_NGINX_UNIX` | path of the Unix socket where nginx answers without TLS |
//! | `TREQ_PEER_CADDY` | caddy, base URL `https://localhost:PORT` of files that it compresses with zstd and gzip |
//! | `TREQ_PEER_CA` | path of the PEM file with the authority that has signed the servers' certificate, of `localhost`, `127.0.0.1`, `::1` |
//! | `TREQ_PEER_CLIENT` | path of a PEM file with a client's key and certificate of the same authority |
//!
//! What nginx answers stands at the head of `xtask/peers/nginx.conf`.

mod prepare;
mod process;

use std::path::Path;
use std::time::Instant;

use crate::metadata::Metadata;
use crate::run::{Outcome, Stream, cargo, command, no_more, tee, to_end};
use crate::tally;
use prepare::Folders;
use process::{Guard, Ports};

/// A variable of the tests and its value.
type Variable = (&'static str, String);

/// Another program may take a port between its choice and its use: then all is begun again.
const ATTEMPTS: usize = 3;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let other = match arguments {
        [] => None,
        [dashes, program, rest @ ..] if dashes == "--" => Some((program, rest)),
        _ => return no_more(arguments).map_err(|error| format!("{error}: a command stands after --")),
    };
    let folders = prepare::prepare(&Metadata::load()?.target)?;
    let (_running, variables) = started(&folders)?;
    for (name, value) in &variables {
        println!("{name}={value}");
    }
    match other {
        Some((program, rest)) => {
            let mut other = command(program, &[])?;
            to_end(other.args(rest).envs(variables))
        }
        None => interop(variables),
    }
}

/// The tests of every `it` binary whose path holds `peers::`, and the quickstart against the real httpbin.
fn interop(variables: Vec<Variable>) -> Outcome {
    let base = variables.iter().find(|(name, _)| *name == HTTPBIN).map(|(_, base)| base.clone());
    let base = base.ok_or("httpbin has no base URL")?;
    let start = Instant::now();
    let mut tests = cargo(&["test", "--all-features", "--test", "it", "--", "peers::", "--nocapture"])?;
    let lines = tee(tests.envs(variables), Stream::Out)?;
    let tally = tally::libtest(&lines).filter(|tally| tally.passed > 0);
    let tally = tally.ok_or("no test has `peers::` in its path, so nothing was tested against the peers")?;
    println!("{}", tally.shown(start.elapsed()));
    to_end(&mut cargo(&["run", "-q", "-p", "examples", "--example", "quickstart", "--", "--base", &base])?)
}

const HTTPBIN: &str = "TREQ_PEER_HTTPBIN";

fn started(folders: &Folders) -> Outcome<([Guard; 3], Vec<Variable>)> {
    let mut outcome = start(folders);
    for _ in 1..ATTEMPTS {
        let Err(reason) = &outcome else { break };
        println!("begun again: {reason}");
        outcome = start(folders);
    }
    outcome
}

fn start(folders: &Folders) -> Outcome<([Guard; 3], Vec<Variable>)> {
    let ports = Ports::choose()?;
    let socket = folders.run.join("nginx.sock");
    prepare::configure(folders, &ports, &socket)?;

    let mut httpbin = command(folders.venv.join("bin/gunicorn"), &["--workers", "2", "--threads", "4"])?;
    httpbin.args([
        "--graceful-timeout",
        "2",
        "--log-level",
        "warning",
        "-b",
        &format!("127.0.0.1:{}", ports.httpbin),
        "httpbin:app",
    ]);
    let mut httpbin = Guard::start("gunicorn", httpbin)?;
    let mut nginx = command("nginx", &["-e", "nginx.err", "-c", "nginx.conf", "-p"])?;
    nginx.arg(&folders.run);
    let mut nginx = Guard::start("nginx", nginx)?;
    let mut caddy = command("caddy", &["run", "--adapter", "caddyfile", "--config", "Caddyfile"])?;
    // Whatever it stores, it stores there.
    caddy.current_dir(&folders.run).env("HOME", &folders.run).env("XDG_DATA_HOME", &folders.run);
    caddy.env("XDG_CONFIG_HOME", &folders.run);
    let mut caddy = Guard::start("caddy", caddy)?;
    httpbin.answers(ports.httpbin, "/get")?;
    caddy.listens(ports.caddy)?;
    nginx.answers(ports.http, "/echo")?;
    for port in [ports.h2, ports.h1, ports.mtls] {
        nginx.listens(port)?;
    }
    Ok(([httpbin, nginx, caddy], variables(&ports, &socket, &folders.run)))
}

fn variables(ports: &Ports, socket: &Path, run: &Path) -> Vec<Variable> {
    let plain = |port: u16| format!("http://127.0.0.1:{port}");
    let tls = |port: u16| format!("https://localhost:{port}");
    let path = |path: &Path| path.display().to_string();
    vec![
        (HTTPBIN, plain(ports.httpbin)),
        ("TREQ_PEER_NGINX_HTTP", plain(ports.http)),
        ("TREQ_PEER_NGINX_H2", tls(ports.h2)),
        ("TREQ_PEER_NGINX_H1", tls(ports.h1)),
        ("TREQ_PEER_NGINX_MTLS", tls(ports.mtls)),
        ("TREQ_PEER_NGINX_UNIX", path(socket)),
        ("TREQ_PEER_CADDY", tls(ports.caddy)),
        ("TREQ_PEER_CA", path(&run.join("ca.pem"))),
        ("TREQ_PEER_CLIENT", path(&run.join("client.pem"))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_variables_are_the_ones_that_are_set() {
        let ports = Ports { httpbin: 1, http: 2, h2: 3, h1: 4, mtls: 5, caddy: 6 };
        let documented: Vec<&str> = include_str!("mod.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `TREQ_PEER_")?.split('`').next())
            .collect();
        let set = variables(&ports, Path::new("s"), Path::new("r"));
        let set: Vec<&str> = set.iter().filter_map(|(name, _)| name.strip_prefix("TREQ_PEER_")).collect();
        assert_eq!(set, documented);
    }
}
