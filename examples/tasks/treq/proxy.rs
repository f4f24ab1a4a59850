use treq::Error;

pub async fn proxy(url: &str, proxy: &str) -> Result<String, Error> {
    treq::get(url).proxy(proxy).await?.text().await
}
