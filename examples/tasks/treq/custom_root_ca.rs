use treq::{Client, Error, TlsConfig};

pub async fn custom_root_ca(url: &str, pem: &str) -> Result<String, Error> {
    Client::builder().tls(TlsConfig::builder().roots_pem(pem).build()?).build()?.get(url).await?.text().await
}
