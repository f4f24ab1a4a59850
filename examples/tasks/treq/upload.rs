use std::path::Path;

use treq::Error;

pub async fn upload(url: &str, path: &Path) -> Result<String, Error> {
    treq::post(url).data([("title", "Notes")]).files([("file", path)]).await?.text().await
}
