use reqwest::{Client, Error};

pub async fn session(login: &str, account: &str) -> Result<String, Error> {
    let client = Client::builder().cookie_store(true).build()?;
    client.post(login).form(&[("user", "ada")]).send().await?;
    client.get(account).send().await?.text().await
}
