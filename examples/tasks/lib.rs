//! Thirteen tasks with reqwest and with ureq, to be compiled.

#[path = "reqwest/mod.rs"]
pub mod by_reqwest;
#[path = "ureq/mod.rs"]
pub mod by_ureq;

#[derive(serde::Deserialize)]
pub struct Release {
    pub version: String,
}

#[derive(serde::Deserialize, serde::Serialize)]
pub struct Order {
    pub cups: u32,
}

#[derive(serde::Deserialize)]
pub struct Receipt {
    pub json: Order,
}

/// What the stubs are for: code of one's own that takes a client.
pub async fn price(client: &reqwest::Client, url: &str) -> Result<String, reqwest::Error> {
    client.get(url).send().await?.text().await
}

/// The same with the other client.
pub fn price_by_ureq(client: &ureq::Agent) -> Result<String, ureq::Error> {
    client.get("http://shop.test/tea").call()?.body_mut().read_to_string()
}
