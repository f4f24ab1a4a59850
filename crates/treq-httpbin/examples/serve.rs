//! cargo run -p treq-httpbin --example serve -- [--port N] [--tls] [--ca FILE]
//!
//! The embedded httpbin by hand, until Ctrl-C or the end of standard input. With `--tls` it prints the authority to
//! trust as PEM, or writes it to the file that `--ca` names.
#![allow(clippy::print_stdout)] // It tells where it listens.

use std::error::Error;
use std::path::PathBuf;

use tokio::io::AsyncReadExt;
use treq_httpbin::{Options, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (options, ca) = read(std::env::args().skip(1))?;
    let server = Server::start_with(options).await?;
    println!("{}", server.url(""));
    match (server.ca_pem(), ca) {
        (Some(pem), Some(path)) => {
            std::fs::write(&path, pem).map_err(|error| format!("{}: {error}", path.display()))?;
            println!("the authority to trust is in {}", path.display());
        }
        (Some(pem), None) => print!("{pem}"),
        (None, _) => {}
    }

    let mut input = tokio::io::stdin();
    let mut ignored = [0; 1024];
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        () = async { while input.read(&mut ignored).await.is_ok_and(|bytes| bytes > 0) {} } => {}
    }
    // Its drop would wait for a read of standard input that may never come.
    std::process::exit(0)
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<(Options, Option<PathBuf>), Box<dyn Error>> {
    let (mut options, mut ca) = (Options::default(), None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--port" => {
                let port = arguments.next().ok_or("--port wants a number")?;
                options.port = port.parse().map_err(|error| format!("--port {port}: {error}"))?;
            }
            "--tls" => options.tls = true,
            "--ca" => ca = Some(arguments.next().ok_or("--ca wants a file")?.into()),
            other => return Err(format!("{other:?} is not understood: [--port N] [--tls] [--ca FILE]").into()),
        }
    }
    if ca.is_some() && !options.tls {
        return Err("--ca goes with --tls".into());
    }
    Ok((options, ca))
}
