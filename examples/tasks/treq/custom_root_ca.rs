use treq::{Client, Error, TlsConfig};

pub async fn custom_root_ca(url: &str, pem: &str) -> Result<String, Error> {
    let tls = TlsConfig::builder().roots_pem(pem).build()?;
    Client::builder().tls(tls).build()?.get(url).await?.text().await
}
