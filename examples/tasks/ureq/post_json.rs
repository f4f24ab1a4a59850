use ureq::Error;

use crate::{Order, Receipt};

pub fn post_json(url: &str, order: &Order) -> Result<Receipt, Error> {
    ureq::post(url).send_json(order)?.body_mut().read_json()
}
