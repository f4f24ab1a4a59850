//! What the peers need before they start: packages, certificates, files, configurations.

use std::fs;
use std::path::{Path, PathBuf};

use super::process::Ports;
use crate::debian::{self, APACHE_MODULES, BROTLI_MODULE, SQUID_HELPERS};
use crate::run::{Outcome, command, root, to_end};
use crate::venv;

const NGINX: &str = include_str!("../../peers/nginx.conf");
const CADDYFILE: &str = include_str!("../../peers/Caddyfile");
const APACHE: &str = include_str!("../../peers/apache.conf");
const SQUID: &str = include_str!("../../peers/squid.conf");
const TINYPROXY: &str = include_str!("../../peers/tinyproxy.conf");
const DANTE: &str = include_str!("../../peers/danted.conf");
const ANSWERS: &str = include_str!("../../peers/answers.conf");

pub(super) struct Folders {
    /// The Python environment with httpbin; kept from run to run.
    pub(super) venv: PathBuf,
    /// Certificates, files and logs of this run.
    pub(super) run: PathBuf,
}

pub(super) fn prepare(target: &Path) -> Outcome<Folders> {
    debian::provide(debian::PEERS)?;
    let peers = target.join("peers");
    let folders = Folders { venv: peers.join("venv"), run: peers.join("run") };
    venv::provide(&folders.venv, "xtask/peers/requirements.txt")?;

    // What an earlier run has left, a socket among it, would be in the way.
    if folders.run.exists() {
        fs::remove_dir_all(&folders.run).map_err(at(&folders.run))?;
    }
    let files = folders.run.join("files");
    fs::create_dir_all(&files).map_err(at(&files))?;
    let certificates = root()?.join("xtask/peers/certificates.py");
    to_end(command(folders.venv.join("bin/python"), &[])?.arg(certificates).arg(&folders.run))?;
    let numbers: String = (1..=5000).map(|number| format!("{number}\n")).collect();
    write(&files.join("a.txt"), &numbers)?;
    write(&files.join("in.txt"), "in\n")?;
    write(&folders.run.join("htpasswd"), "u:{PLAIN}p\n")?;
    // Apache wants the MD5 of `u:treq peers:p`, squid's helper for Basic a salted hash of `p`, the other one `p`.
    write(&folders.run.join("apache.digest"), "u:treq peers:dea33d75d1df64226b9379f3c81c58f6\n")?;
    let both = |password: &str| format!("u:{password}\nv:{password}\n");
    write(&folders.run.join("squid-basic.users"), &both("$apr1$kEMdLVNS$gC1Dir430QupctanZdpR2/"))?;
    write(&folders.run.join("squid-digest.users"), &both("p"))?;
    write(&folders.run.join("answers.conf"), ANSWERS)?;
    Ok(folders)
}

pub(super) fn configure(folders: &Folders, ports: &Ports, socket: &Path) -> Outcome {
    for (file, text) in configurations(&folders.run, ports, socket, owned_by_root(&folders.run)?) {
        write(&folders.run.join(file), &text)?;
    }
    Ok(())
}

/// Their names and texts.
fn configurations(run: &Path, ports: &Ports, socket: &Path, as_root: bool) -> [(&'static str, String); 7] {
    let path = |path: &Path| path.display().to_string();
    let number = |port: u16| port.to_string();
    // nginx started by root changes to another user, who may not be able to enter the folder that all this lies in.
    let user = if as_root { "user root;" } else { "" };
    let nginx = [
        ("@USER@", user.to_owned()),
        ("@BROTLI@", BROTLI_MODULE.to_owned()),
        ("@HTTP@", number(ports.http)),
        ("@H2@", number(ports.h2)),
        ("@H1@", number(ports.h1)),
        ("@MTLS@", number(ports.mtls)),
        ("@UNIX@", path(socket)),
    ];
    let apache = [("@RUN@", path(run)), ("@APACHE@", number(ports.apache)), ("@MODULES@", APACHE_MODULES.to_owned())];
    let squid = |scheme: &str, helper: &str, port: u16| {
        let helper = path(&Path::new(SQUID_HELPERS).join(helper));
        let names =
            [("@RUN@", path(run)), ("@PORT@", number(port)), ("@SCHEME@", scheme.to_owned()), ("@HELPER@", helper)];
        filled(SQUID, &names)
    };
    [
        ("nginx.conf", filled(NGINX, &nginx)),
        ("Caddyfile", filled(CADDYFILE, &[("@CADDY@", number(ports.caddy))])),
        ("apache.conf", filled(APACHE, &apache)),
        ("squid-basic.conf", squid("basic", "basic_ncsa_auth", ports.squid_basic)),
        ("squid-digest.conf", squid("digest", "digest_file_auth", ports.squid_digest)),
        ("tinyproxy.conf", filled(TINYPROXY, &[("@RUN@", path(run)), ("@TINYPROXY@", number(ports.tinyproxy))])),
        ("danted.conf", filled(DANTE, &[("@RUN@", path(run)), ("@DANTE@", number(ports.dante))])),
    ]
}

fn filled(template: &str, names: &[(&str, String)]) -> String {
    names.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// A folder that this process has made belongs to whom it runs as.
pub(super) fn owned_by_root(folder: &Path) -> Outcome<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(folder).map_err(at(folder))?.uid() == 0)
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(at(path))
}

pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_templates_is_filled_in() {
        let ports = Ports::choose().unwrap();
        let files = configurations(Path::new("run"), &ports, Path::new("run/nginx.sock"), true);
        for (name, text) in &files {
            let left: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && line.contains('@')).collect();
            assert!(left.is_empty(), "{name}: {left:?}");
        }
        let has = |file: &str, line: &str| {
            let (_, text) = files.iter().find(|(name, _)| *name == file).unwrap();
            assert!(text.lines().any(|it| it.trim() == line), "{line} in {text}");
        };
        has("nginx.conf", &format!("listen 127.0.0.1:{} ssl http2;", ports.h2));
        has("nginx.conf", "user root;");
        has("apache.conf", &format!("Listen 127.0.0.1:{}", ports.apache));
        has("squid-digest.conf", &format!("http_port 127.0.0.1:{}", ports.squid_digest));
        has("danted.conf", &format!("internal: 127.0.0.1 port = {}", ports.dante));
    }
}
