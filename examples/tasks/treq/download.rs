use std::path::Path;

use treq::Error;
use treq::body::Downloaded;

pub async fn download(url: &str, path: &Path) -> Result<Downloaded, Error> {
    treq::get(url).download(path).on_progress(|done, total| println!("{done} of {total:?}")).await
}
