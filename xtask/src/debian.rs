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

/// Apache's modules, which come with the program. The package `apache2`, with its service, is not needed.
pub(crate) const APACHE_MODULES: &str = "/usr/lib/apache2/modules";

pub(crate) const APACHE: Tool = Tool {
    name: "apache2 with Digest",
    there: || {
        let module = Path::new(APACHE_MODULES).join("mod_auth_digest.so");
        Ok(module.exists() && present("apache2", &["-v"])?)
    },
    packages: &["apache2-bin"],
};

/// Where Debian's squid keeps the programs that look passwords up.
pub(crate) const SQUID_HELPERS: &str = "/usr/lib/squid";

pub(crate) const SQUID: Tool = Tool {
    name: "squid with Basic and Digest",
    there: || {
        let helpers = ["basic_ncsa_auth", "digest_file_auth"];
        Ok(helpers.iter().all(|name| Path::new(SQUID_HELPERS).join(name).exists()) && present("squid", &["-v"])?)
    },
    packages: &["squid"],
};

pub(crate) const TINYPROXY: Tool =
    Tool { name: "tinyproxy", there: || present("tinyproxy", &["-v"]), packages: &["tinyproxy-bin"] };

pub(crate) const DANTE: Tool =
    Tool { name: "dante", there: || present("danted", &["-v"]), packages: &["dante-server"] };

/// It has no option that only asks for something.
pub(crate) const MICROSOCKS: Tool =
    Tool { name: "microsocks", there: || present("sh", &["-c", "command -v microsocks"]), packages: &["microsocks"] };

/// What `cargo xtask peers` starts.
pub(crate) const PEERS: &[Tool] = &[NGINX, CADDY, PYTHON_VENV, APACHE, SQUID, TINYPROXY, DANTE, MICROSOCKS];

/// Installs the packages of those tools that are absent.
pub(crate) fn provide<'a>(tools: impl IntoIterator<Item = &'a Tool>) -> Outcome {
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
    // The peers are started here, each with a configuration of its own: in the single-user runlevel `invoke-rc.d`
    // starts none of the services that packages bring. Images of containers forbid it by `policy-rc.d` anyway.
    apt.env("RUNLEVEL", "1").env("PREVLEVEL", "N");
    Ok(apt)
}
