//! Each peer with its arguments, and when it is there.

use std::fs::File;
use std::process::Command;

use super::prepare::{self, Folders};
use super::process::{Guard, Ports};
use super::{Variable, variables};
use crate::run::{Outcome, command};

/// All of them, on ports of their own. Where one does not come up, the others end with this function.
pub(super) fn start(folders: &Folders) -> Outcome<(Vec<Guard>, Vec<Variable>)> {
    let ports = Ports::choose()?;
    let socket = folders.run.join("nginx.sock");
    prepare::configure(folders, &ports, &socket)?;

    let mut httpbin = Guard::start("gunicorn", httpbin(folders, ports.httpbin)?)?;
    let mut nginx = Guard::start("nginx", nginx(folders)?)?;
    let mut caddy = Guard::start("caddy", caddy(folders)?)?;
    let mut apache = Guard::start("apache2", apache(folders)?)?;
    let mut squid_basic = Guard::start("squid", squid(folders, "basic")?)?;
    let mut squid_digest = Guard::start("squid", squid(folders, "digest")?)?;
    let mut tinyproxy = Guard::start("tinyproxy", tinyproxy(folders)?)?;
    let mut dante = Guard::start("danted", dante(folders)?)?;
    let mut microsocks = Guard::start("microsocks", microsocks(folders, ports.microsocks)?)?;

    httpbin.answers(ports.httpbin, "/get")?;
    nginx.answers(ports.http, "/echo")?;
    for port in [ports.h2, ports.h1, ports.mtls] {
        nginx.listens(port)?;
    }
    caddy.listens(ports.caddy)?;
    apache.listens(ports.apache)?;
    squid_basic.listens(ports.squid_basic)?;
    squid_digest.listens(ports.squid_digest)?;
    tinyproxy.listens(ports.tinyproxy)?;
    dante.listens(ports.dante)?;
    microsocks.listens(ports.microsocks)?;
    let servers = [httpbin, nginx, caddy, apache];
    let proxies = [squid_basic, squid_digest, tinyproxy, dante, microsocks];
    Ok((servers.into_iter().chain(proxies).collect(), variables(&ports, &socket, &folders.run)))
}

fn httpbin(folders: &Folders, port: u16) -> Outcome<Command> {
    let mut httpbin = command(folders.venv.join("bin/gunicorn"), &["--workers", "2", "--threads", "4"])?;
    httpbin.args(["--graceful-timeout", "2", "--log-level", "warning"]);
    httpbin.args(["-b", &format!("127.0.0.1:{port}"), "httpbin:app"]);
    Ok(httpbin)
}

fn nginx(folders: &Folders) -> Outcome<Command> {
    let mut nginx = command("nginx", &["-e", "nginx.err", "-c", "nginx.conf", "-p"])?;
    nginx.arg(&folders.run);
    Ok(nginx)
}

fn caddy(folders: &Folders) -> Outcome<Command> {
    let mut caddy = command("caddy", &["run", "--adapter", "caddyfile", "--config", "Caddyfile"])?;
    // Whatever it stores, it stores there.
    caddy.current_dir(&folders.run).env("HOME", &folders.run).env("XDG_DATA_HOME", &folders.run);
    caddy.env("XDG_CONFIG_HOME", &folders.run);
    Ok(caddy)
}

fn apache(folders: &Folders) -> Outcome<Command> {
    let mut apache = unprivileged(folders, "apache2")?;
    // A path that is not absolute would be one below ServerRoot.
    apache.args(["-X", "-f"]).arg(folders.run.join("apache.conf"));
    Ok(apache)
}

fn squid(folders: &Folders, scheme: &str) -> Outcome<Command> {
    let mut squid = unprivileged(folders, "squid")?;
    // Two of one name would share what they keep in memory.
    squid.args(["-N", "-n", scheme, "-f"]).arg(folders.run.join(format!("squid-{scheme}.conf")));
    Ok(squid)
}

fn tinyproxy(folders: &Folders) -> Outcome<Command> {
    let mut tinyproxy = unprivileged(folders, "tinyproxy")?;
    tinyproxy.args(["-d", "-c"]).arg(folders.run.join("tinyproxy.conf"));
    Ok(tinyproxy)
}

fn dante(folders: &Folders) -> Outcome<Command> {
    let mut dante = unprivileged(folders, "danted")?;
    // It makes files there by which its processes wait for each other.
    dante.env("TMPDIR", &folders.run).arg("-f").arg(folders.run.join("danted.conf"));
    Ok(dante)
}

fn microsocks(folders: &Folders, port: u16) -> Outcome<Command> {
    let mut microsocks = unprivileged(folders, "microsocks")?;
    microsocks.args(["-i", "127.0.0.1", "-p", &port.to_string(), "-u", "u", "-P", "p"]);
    let log = folders.run.join("microsocks.log");
    microsocks.stderr(File::create(&log).map_err(prepare::at(&log))?);
    Ok(microsocks)
}

/// A program that refuses to be root's, or changes to a user who may not be able to enter the folder that all this lies
/// in: where this is root, it is started as `nobody`, who may read and write all files for once.
fn unprivileged(folders: &Folders, program: &str) -> Outcome<Command> {
    if !prepare::owned_by_root(&folders.run)? {
        return command(program, &[]);
    }
    let mut setpriv = command("setpriv", &["--reuid=65534", "--regid=65534", "--clear-groups"])?;
    setpriv.args(["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override", program]);
    Ok(setpriv)
}
