use ureq::Error;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

pub fn custom_root_ca(url: &str, pem: &str) -> Result<String, Error> {
    let tls = TlsConfig::builder().root_certs(RootCerts::from([Certificate::from_pem(pem.as_bytes())?])).build();
    ureq::get(url).config().tls_config(tls).build().call()?.body_mut().read_to_string()
}
