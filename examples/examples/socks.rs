//! cargo run -p examples --example socks
//!
//! Through a SOCKS5 proxy, which is told the name of the host (`socks5h`) or its address (`socks5`).
#![allow(clippy::print_stdout)] // Examples print.

use examples::Socks;
use treq::{Client, Kind, Proxies, Proxy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let address: http::Uri = base.url("/ip").parse()?;
    // Wherever one wants to go, this proxy leads to that httpbin, for one user.
    let socks = Socks::start(address.authority().ok_or("a host")?.as_str(), "ada", "s3cret").await?;

    let proxy = Proxy::try_from(&format!("socks5h://ada:s3cret@{}", socks.addr()))?;
    let client = Client::builder().proxy(Proxies::all(proxy)).build()?;
    println!("{}", client.get("http://shop.example/status/418").await?.status());
    println!("asked for {:?}", socks.asked());

    let guess = format!("socks5h://ada:guess@{}", socks.addr());
    let error = treq::get("http://shop.example/").proxy(guess).await.err().ok_or("it should be refused")?;
    println!("a wrong password: {:?}", error.kind());
    examples::expect(error.kind() == Kind::Proxy && socks.asked().len() == 1, "nothing to go through")
}
