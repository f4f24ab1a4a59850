use treq::Error;

pub async fn form(url: &str) -> Result<String, Error> {
    treq::post(url).data([("user", "ada"), ("tea", "green")]).await?.text().await
}
