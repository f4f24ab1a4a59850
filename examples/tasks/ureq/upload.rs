use std::path::Path;

use ureq::Error;
use ureq::unversioned::multipart::Form;

pub fn upload(url: &str, path: &Path) -> Result<String, Error> {
    let form = Form::new().text("title", "Notes").file("file", path)?;
    ureq::post(url).send(form)?.body_mut().read_to_string()
}
