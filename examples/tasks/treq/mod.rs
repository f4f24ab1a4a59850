//! The fifteen tasks with treq, one file each: what the README at the root shows, and what is counted and run here.

pub mod basic_auth;
pub mod custom_root_ca;
#[expect(clippy::print_stdout, reason = "it shows how far it has come")]
pub mod download;
pub mod form;
pub mod get_json;
pub mod hundred_urls;
pub mod layers;
pub mod post_json;
pub mod proxy;
pub mod retry;
pub mod router;
pub mod session;
pub mod stub_test;
pub mod timeout;
pub mod upload;

#[derive(Debug, serde::Deserialize)]
pub struct Release {
    pub version: String,
}

#[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Order {
    pub cups: u32,
}

#[derive(Debug, serde::Deserialize)]
pub struct Receipt {
    pub json: Order,
}

/// What the stub is for: code of one's own that takes a client.
async fn price(client: &treq::Client) -> Result<String, treq::Error> {
    client.get("https://shop.test/tea").await?.text().await
}
