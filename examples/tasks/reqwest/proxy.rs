use reqwest::{Client, Error, Proxy};

pub async fn proxy(url: &str, proxy: &str) -> Result<String, Error> {
    let client = Client::builder().proxy(Proxy::all(proxy)?).build()?;
    client.get(url).send().await?.text().await
}
