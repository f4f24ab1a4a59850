use reqwest::{Client, Error, Proxy};

pub async fn proxy(url: &str, proxy: &str) -> Result<String, Error> {
    Client::builder().proxy(Proxy::all(proxy)?).build()?.get(url).send().await?.text().await
}
