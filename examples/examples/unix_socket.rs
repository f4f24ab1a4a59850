//! cargo run -p examples --example unix_socket
//!
//! HTTP over a Unix socket, as the daemons of a machine speak it. The host of the URL is only a name then.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;
use treq::Client;
use treq_httpbin::{Options, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("httpbin.sock");
    let server = Server::start_with(Options { unix: Some(path.clone()), ..Options::default() }).await?;

    let client = Client::builder().unix_socket(&path).build()?;
    let mut response = client.get("http://daemon/get").params([("tea", "green")]).await?.error_for_status().await?;

    let peer = response.facts().ok_or("a connection")?.connection().peer.to_string();
    println!("{} at {}", response.json::<Value>().await?["url"], peer.replace(&*path.to_string_lossy(), "the socket"));
    examples::expect(server.connections().accepted == 1, "one connection")
}
