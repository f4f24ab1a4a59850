//! The published crates by the oldest compiler that they promise: Debian's, unpacked into a folder and not installed.

use std::path::{Path, PathBuf};

use crate::metadata::Metadata;
use crate::run::{Outcome, command, no_more, output, to_end};

/// Debian 12 has this one for its browsers, next to its own.
const VERSION: &str = "1.85.0";

/// The compiler and what it is linked with. Those of one version with it have the version in their names or are asked for it.
const OF_VERSION: [&str; 3] = ["rustc-web", "cargo-web", "libstd-rust-web-dev"];
const OTHERS: [&str; 5] = ["libstd-rust-web-1.85", "libllvm19", "libhttp-parser2.9", "libpcre3", "libssh2-1"];

/// Crates whose tests make certificates with rcgen, which wants a newer compiler.
const NEWER_TESTS: [&str; 3] = ["treq", "treq-connect", "treq-testing"];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_more(arguments)?;
    let metadata = Metadata::load()?;
    let folder = metadata.target.join("rust-1.85");
    let root = folder.join("root");
    if !root.join("usr/bin/rustc").exists() {
        unpack(&folder, &root)?;
    }
    for action in ["check", "test"] {
        let mut cargo = command(root.join("usr/bin/cargo"), &[action, "--quiet", "--locked", "--all-features"])?;
        cargo.arg("--target-dir").arg(folder.join("target"));
        let is_in = |name: &str| action == "check" || !NEWER_TESTS.contains(&name);
        for package in metadata.published().filter(|package| is_in(&package.name)) {
            cargo.args(["-p", &package.name]);
        }
        if action == "test" {
            // Their integration tests play the same as by the newer compiler, and would be built once more.
            cargo.arg("--lib");
        }
        let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib"].map(|path| root.join(path));
        let libraries = std::env::join_paths(libraries).map_err(|error| error.to_string())?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs = std::iter::once(root.join("usr/bin")).chain(std::env::split_paths(&path));
        cargo
            .env("LD_LIBRARY_PATH", libraries)
            .env("PATH", std::env::join_paths(programs).map_err(|error| error.to_string())?);
        cargo.env("RUSTC", root.join("usr/bin/rustc")).env_remove("RUSTUP_TOOLCHAIN");
        to_end(&mut cargo)?;
    }
    Ok(())
}

fn unpack(folder: &Path, root: &Path) -> Outcome {
    let packages = folder.join("packages");
    std::fs::create_dir_all(&packages).map_err(|error| format!("{}: {error}", packages.display()))?;
    to_end(&mut command("apt-get", &["update", "-qq"])?)?;
    let mut download = command("apt-get", &["download", "-qq"])?;
    for package in OF_VERSION {
        download.arg(format!("{package}={}", version(package)?));
    }
    to_end(download.args(OTHERS).current_dir(&packages))?;
    let entries = std::fs::read_dir(&packages).map_err(|error| format!("{}: {error}", packages.display()))?;
    let files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "deb")) {
        output(command("dpkg", &["-x"])?.arg(file).arg(root))?;
    }
    Ok(())
}

/// The version that Debian has of it, such as `1.85.0+dfsg3-1~deb12u3`.
fn version(package: &str) -> Outcome<String> {
    let table = output(&mut command("apt-cache", &["madison", package])?)?;
    let versions = table.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim);
    let ours = versions.into_iter().find(|version| version.starts_with(&format!("{VERSION}+")));
    ours.map(str::to_owned).ok_or_else(|| format!("Debian's packages have no {package} {VERSION}"))
}
