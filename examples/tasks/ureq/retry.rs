use std::thread::sleep;
use std::time::Duration;

use ureq::Error;

pub fn retry(url: &str) -> Result<String, Error> {
    let mut response = ureq::get(url).call();
    for wait in [100, 200] {
        if !matches!(response, Err(Error::StatusCode(503) | Error::Io(_))) {
            break;
        }
        sleep(Duration::from_millis(wait));
        response = ureq::get(url).call();
    }
    response?.body_mut().read_to_string()
}
