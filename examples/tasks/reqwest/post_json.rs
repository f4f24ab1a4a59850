use reqwest::{Client, Error};

use crate::{Order, Receipt};

pub async fn post_json(url: &str, order: &Order) -> Result<Receipt, Error> {
    Client::new().post(url).json(order).send().await?.json().await
}
