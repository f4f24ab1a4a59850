use std::error::Error;
use std::path::Path;

use tokio::fs::File;
use tokio::io::AsyncWriteExt;

pub async fn download(url: &str, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut response = reqwest::get(url).await?.error_for_status()?;
    let total = response.content_length();
    let mut file = File::create(path).await?;
    let mut done = 0;
    while let Some(piece) = response.chunk().await? {
        file.write_all(&piece).await?;
        done += piece.len();
        println!("{done} of {total:?}");
    }
    Ok(file.flush().await?)
}
