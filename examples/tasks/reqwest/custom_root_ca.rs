use reqwest::{Certificate, Client, Error};

pub async fn custom_root_ca(url: &str, pem: &str) -> Result<String, Error> {
    let roots = Certificate::from_pem_bundle(pem.as_bytes())?;
    Client::builder().tls_certs_only(roots).build()?.get(url).send().await?.text().await
}
