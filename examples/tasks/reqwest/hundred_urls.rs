use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::{Client, Error};

pub async fn hundred_urls(urls: &[String]) -> Result<Vec<String>, Error> {
    let client = &Client::new();
    let texts = stream::iter(urls).map(|url| async move { client.get(url).send().await?.text().await });
    texts.buffered(10).try_collect().await
}
