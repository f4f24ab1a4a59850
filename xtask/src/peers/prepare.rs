//! What the peers need before they start: packages, certificates, files, configurations.

use std::fs;
use std::path::{Path, PathBuf};

use super::process::Ports;
use crate::debian::{self, BROTLI_MODULE};
use crate::run::{Outcome, command, root, to_end};

const NGINX: &str = include_str!("../../peers/nginx.conf");
const CADDYFILE: &str = include_str!("../../peers/Caddyfile");
const ANSWERS: &str = include_str!("../../peers/answers.conf");
const REQUIREMENTS: &str = include_str!("../../peers/requirements.txt");

pub(super) struct Folders {
    /// The Python environment with httpbin; kept from run to run.
    pub(super) venv: PathBuf,
    /// Certificates, files and logs of this run.
    pub(super) run: PathBuf,
}

pub(super) fn prepare(target: &Path) -> Outcome<Folders> {
    debian::provide(&[debian::NGINX, debian::CADDY, debian::PYTHON_VENV])?;
    let peers = target.join("peers");
    let folders = Folders { venv: peers.join("venv"), run: peers.join("run") };
    install(&folders.venv)?;

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
    write(&folders.run.join("answers.conf"), ANSWERS)?;
    Ok(folders)
}

/// The pinned packages, in an environment that is made anew only when the pins have changed.
fn install(venv: &Path) -> Outcome {
    let stamp = venv.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
        return Ok(());
    }
    to_end(command("python3", &["-m", "venv", "--clear"])?.arg(venv))?;
    let requirements = root()?.join("xtask/peers/requirements.txt");
    let pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"];
    to_end(command(venv.join("bin/python"), &pip)?.arg(requirements))?;
    write(&stamp, REQUIREMENTS)
}

pub(super) fn configure(folders: &Folders, ports: &Ports, socket: &Path) -> Outcome {
    write(&folders.run.join("Caddyfile"), &CADDYFILE.replace("@CADDY@", &ports.caddy.to_string()))?;
    write(&folders.run.join("nginx.conf"), &configuration(NGINX, ports, socket, owned_by_root(&folders.run)?))
}

fn configuration(template: &str, ports: &Ports, socket: &Path, as_root: bool) -> String {
    // nginx started by root changes to another user, who may not be able to enter the folder that all this lies in.
    let user = if as_root { "user root;" } else { "" };
    let number = |port: u16| port.to_string();
    let names = [
        ("@USER@", user.to_owned()),
        ("@BROTLI@", BROTLI_MODULE.to_owned()),
        ("@HTTP@", number(ports.http)),
        ("@H2@", number(ports.h2)),
        ("@H1@", number(ports.h1)),
        ("@MTLS@", number(ports.mtls)),
        ("@UNIX@", socket.display().to_string()),
    ];
    names.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// A folder that this process has made belongs to whom it runs as.
fn owned_by_root(folder: &Path) -> Outcome<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(folder).map_err(at(folder))?.uid() == 0)
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_template_is_filled_in() {
        let ports = Ports { httpbin: 1, http: 18_100, h2: 18_101, h1: 18_102, mtls: 18_103, caddy: 18_104 };
        let text = configuration(NGINX, &ports, Path::new("run/nginx.sock"), true);
        let directives: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(directives.iter().all(|line| !line.contains('@')), "{text}");
        assert!(directives.iter().any(|line| line.trim() == "listen 127.0.0.1:18101 ssl http2;"));
        assert!(directives.contains(&"user root;"));
    }
}
