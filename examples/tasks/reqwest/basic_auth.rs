use reqwest::{Client, Error};

pub async fn basic_auth(url: &str) -> Result<String, Error> {
    Client::new().get(url).basic_auth("ada", Some("s3cret")).send().await?.text().await
}
