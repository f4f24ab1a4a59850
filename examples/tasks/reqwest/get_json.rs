use reqwest::Error;

use crate::Release;

pub async fn get_json(url: &str) -> Result<Release, Error> {
    reqwest::get(url).await?.json().await
}
