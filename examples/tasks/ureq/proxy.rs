use ureq::{Error, Proxy};

pub fn proxy(url: &str, proxy: &str) -> Result<String, Error> {
    ureq::get(url).config().proxy(Some(Proxy::new(proxy)?)).build().call()?.body_mut().read_to_string()
}
