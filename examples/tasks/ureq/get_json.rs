use ureq::Error;

use crate::Release;

pub fn get_json(url: &str) -> Result<Release, Error> {
    ureq::get(url).call()?.body_mut().read_json()
}
