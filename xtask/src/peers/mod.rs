//! The interop tests, with real peers running: PyPI's httpbin under gunicorn, nginx, caddy and apache as servers; squid,
//! tinyproxy, dante and microsocks as proxies.
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
//! | `TREQ_PEER_APACHE` | apache, base URL without TLS of files that it gives by Digest |
//! | `TREQ_PEER_SQUID_BASIC` | squid that asks by Basic, `127.0.0.1:PORT` as of the other proxies |
//! | `TREQ_PEER_SQUID_DIGEST` | squid that asks by Digest |
//! | `TREQ_PEER_TINYPROXY` | tinyproxy, which asks by Basic |
//! | `TREQ_PEER_DANTE` | dante, which speaks SOCKS4 and SOCKS5 with everybody |
//! | `TREQ_PEER_MICROSOCKS` | microsocks, which speaks SOCKS5 and wants user name and password |
//! | `TREQ_PEER_CA` | path of the PEM file with the authority that has signed the servers' certificate, of `localhost`, `127.0.0.1`, `::1` |
//! | `TREQ_PEER_CLIENT` | path of a PEM file with a client's key and certificate of the same authority |
//!
//! User is `u` and password `p` wherever one is asked for; squid knows a user `v` too. What nginx and apache answer
//! stands at the heads of `xtask/peers/nginx.conf` and `apache.conf`.

mod prepare;
mod process;
mod start;

use std::path::Path;
use std::time::Instant;

use crate::metadata::Metadata;
use crate::run::{Outcome, Stream, cargo, command, no_more, tee, to_end};
use crate::tally;
use prepare::Folders;
use process::{Guard, Ports};
use start::start;

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

fn started(folders: &Folders) -> Outcome<(Vec<Guard>, Vec<Variable>)> {
    let mut outcome = start(folders);
    for _ in 1..ATTEMPTS {
        let Err(reason) = &outcome else { break };
        println!("begun again: {reason}");
        outcome = start(folders);
    }
    outcome
}

fn variables(ports: &Ports, socket: &Path, run: &Path) -> Vec<Variable> {
    let plain = |port: u16| format!("http://127.0.0.1:{port}");
    let tls = |port: u16| format!("https://localhost:{port}");
    let proxy = |port: u16| format!("127.0.0.1:{port}");
    let path = |path: &Path| path.display().to_string();
    vec![
        (HTTPBIN, plain(ports.httpbin)),
        ("TREQ_PEER_NGINX_HTTP", plain(ports.http)),
        ("TREQ_PEER_NGINX_H2", tls(ports.h2)),
        ("TREQ_PEER_NGINX_H1", tls(ports.h1)),
        ("TREQ_PEER_NGINX_MTLS", tls(ports.mtls)),
        ("TREQ_PEER_NGINX_UNIX", path(socket)),
        ("TREQ_PEER_CADDY", tls(ports.caddy)),
        ("TREQ_PEER_APACHE", plain(ports.apache)),
        ("TREQ_PEER_SQUID_BASIC", proxy(ports.squid_basic)),
        ("TREQ_PEER_SQUID_DIGEST", proxy(ports.squid_digest)),
        ("TREQ_PEER_TINYPROXY", proxy(ports.tinyproxy)),
        ("TREQ_PEER_DANTE", proxy(ports.dante)),
        ("TREQ_PEER_MICROSOCKS", proxy(ports.microsocks)),
        ("TREQ_PEER_CA", path(&run.join("ca.pem"))),
        ("TREQ_PEER_CLIENT", path(&run.join("client.pem"))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_variables_are_the_ones_that_are_set() {
        let ports = Ports::choose().unwrap();
        let documented: Vec<&str> = include_str!("mod.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `TREQ_PEER_")?.split('`').next())
            .collect();
        let set = variables(&ports, Path::new("s"), Path::new("r"));
        let set: Vec<&str> = set.iter().filter_map(|(name, _)| name.strip_prefix("TREQ_PEER_")).collect();
        assert_eq!(set, documented);
    }
}
