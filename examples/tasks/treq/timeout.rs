use std::time::Duration;

use treq::Error;

pub async fn timeout(url: &str) -> Result<String, Error> {
    treq::get(url).timeout(Duration::from_secs(5)).await?.text().await
}
