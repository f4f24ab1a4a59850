//! What has to be installed on a fresh Debian, after one `apt-get update`.

use std::path::Path;

use crate::run::{Outcome, command, present, to_end};

/// A tool: how to see whether it is there, and the packages that bring it.
pub(crate) struct Tool {
    name: &'static str,
    there: fn() -> Outcome<bool>,
    packages: &'static [&'static str],
}

/// Where Debian's nginx keeps its modules.
pub(crate) const BROTLI_MODULE: &str = "/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so";

pub(crate) const VALGRIND: Tool =
    Tool { name: "valgrind", there: || present("valgrind", &["--version"]), packages: &["valgrind"] };

pub(crate) const NGINX: Tool = Tool {
    name: "nginx with brotli",
    there: || Ok(Path::new(BROTLI_MODULE).exists() && present("nginx", &["-v"])?),
    packages: &["nginx-light", "libnginx-mod-http-brotli-filter"],
};

pub(crate) const CADDY: Tool = Tool { name: "caddy", there: || present("caddy", &["version"]), packages: &["caddy"] };

/// Debian's python3 makes no venv with pip without a package of its own.
pub(crate) const PYTHON_VENV: Tool = Tool {
    name: "python3 with venv and pip",
    there: || present("python3", &["-c", "import venv, ensurepip"]),
    packages: &["python3", "python3-venv"],
};

/// Installs the packages of those tools that are absent.
pub(crate) fn provide(tools: &[Tool]) -> Outcome {
    let mut absent = Vec::new();
    for tool in tools {
        if !(tool.there)()? {
            absent.push(tool);
        }
    }
    if absent.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = absent.iter().flat_map(|tool| tool.packages.iter().copied()).collect();
    let names: Vec<&str> = absent.iter().map(|tool| tool.name).collect();
    println!("not here: {}; installing {}", names.join(", "), packages.join(" "));
    to_end(&mut apt(&["update", "-q"])?)?;
    to_end(apt(&["install", "-q", "-y", "--no-install-recommends"])?.args(&packages))?;
    for tool in absent {
        if !(tool.there)()? {
            return Err(format!("{} is still not here after `apt-get install {}`", tool.name, tool.packages.join(" ")));
        }
    }
    Ok(())
}

fn apt(arguments: &[&str]) -> Outcome<std::process::Command> {
    let mut apt = command("apt-get", arguments)?;
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(apt)
}
