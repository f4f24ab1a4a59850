use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ureq::Error;

pub fn basic_auth(url: &str) -> Result<String, Error> {
    let credentials = format!("Basic {}", BASE64_STANDARD.encode("ada:s3cret"));
    ureq::get(url).header("authorization", credentials).call()?.body_mut().read_to_string()
}
