use treq::Error;

pub async fn basic_auth(url: &str) -> Result<String, Error> {
    treq::get(url).basic_auth("ada", "s3cret").await?.text().await
}
