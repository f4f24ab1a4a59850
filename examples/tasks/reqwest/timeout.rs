use std::time::Duration;

use reqwest::{Client, Error};

pub async fn timeout(url: &str) -> Result<String, Error> {
    Client::new().get(url).timeout(Duration::from_secs(5)).send().await?.text().await
}
