use ureq::{Error, Proxy};

pub fn proxy(url: &str, proxy: &str) -> Result<String, Error> {
    let proxy = Some(Proxy::new(proxy)?);
    ureq::get(url).config().proxy(proxy).build().call()?.body_mut().read_to_string()
}
