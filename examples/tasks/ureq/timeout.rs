use std::time::Duration;

use ureq::Error;

pub fn timeout(url: &str) -> Result<String, Error> {
    ureq::get(url).config().timeout_global(Some(Duration::from_secs(5))).build().call()?.body_mut().read_to_string()
}
