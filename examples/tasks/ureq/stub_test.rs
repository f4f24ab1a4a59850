use ureq::http::{Request, Response};
use ureq::middleware::MiddlewareNext;
use ureq::{Agent, Body, SendBody};

use crate::price_by_ureq as price;

pub fn stub_test() {
    let stub = |_: Request<SendBody>, _: MiddlewareNext| Ok(Response::new(Body::builder().data("2.50")));
    let client = Agent::config_builder().middleware(stub).build().new_agent();
    assert_eq!(price(&client).unwrap(), "2.50");
}
