use treq::Error;

use super::{Order, Receipt};

pub async fn post_json(url: &str, order: &Order) -> Result<Receipt, Error> {
    treq::post(url).json(order).await?.json().await
}
