use treq::Error;

use super::Release;

pub async fn get_json(url: &str) -> Result<Release, Error> {
    treq::get(url).await?.json().await
}
