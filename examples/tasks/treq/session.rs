use treq::{Client, Error};

pub async fn session(login: &str, account: &str) -> Result<String, Error> {
    let client = Client::new();
    client.post(login).data([("user", "ada")]).await?;
    client.get(account).await?.text().await
}
