use std::time::Duration;

use ureq::Error;

pub fn timeout(url: &str) -> Result<String, Error> {
    let limit = Some(Duration::from_secs(5));
    ureq::get(url).config().timeout_global(limit).build().call()?.body_mut().read_to_string()
}
