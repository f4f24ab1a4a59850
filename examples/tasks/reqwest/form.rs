use reqwest::{Client, Error};

pub async fn form(url: &str) -> Result<String, Error> {
    Client::new().post(url).form(&[("user", "ada"), ("tea", "green")]).send().await?.text().await
}
