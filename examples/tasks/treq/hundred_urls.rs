use futures_util::{StreamExt, TryStreamExt, stream};
use treq::Error;

pub async fn hundred_urls(urls: &[String]) -> Result<Vec<String>, Error> {
    let texts = stream::iter(urls).map(|url| async move { treq::get(url).await?.text().await });
    texts.buffered(10).try_collect().await
}
