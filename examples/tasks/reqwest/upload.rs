use std::error::Error;
use std::path::Path;

use reqwest::Client;
use reqwest::multipart::Form;

pub async fn upload(url: &str, path: &Path) -> Result<String, Box<dyn Error>> {
    let form = Form::new().text("title", "Notes").file("file", path).await?;
    Ok(Client::new().post(url).multipart(form).send().await?.text().await?)
}
