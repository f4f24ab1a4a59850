use treq::Error;

pub async fn retry(url: &str) -> Result<String, Error> {
    treq::get(url).attempts(3).await?.text().await
}
