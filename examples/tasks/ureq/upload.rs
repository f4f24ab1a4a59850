use std::path::Path;

use ureq::Error;
use ureq::unversioned::multipart::Form;

pub fn upload(url: &str, path: &Path) -> Result<String, Error> {
    ureq::post(url).send(Form::new().text("title", "Notes").file("file", path)?)?.body_mut().read_to_string()
}
