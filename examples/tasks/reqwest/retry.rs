use reqwest::{Client, Error, StatusCode, retry};

pub async fn retry(url: &str, host: &'static str) -> Result<String, Error> {
    let retry = retry::for_host(host).classify_fn(|sent| match sent.status() {
        Some(StatusCode::SERVICE_UNAVAILABLE) | None => sent.retryable(),
        _ => sent.success(),
    });
    Client::builder().retry(retry).build()?.get(url).send().await?.text().await
}
