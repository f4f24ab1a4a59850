use treq::testing::{StringStubbing, StubTreq};

use super::price;

pub async fn stub_test() {
    let stub = StubTreq::new(StringStubbing::new(|_| (200, (), "2.50")));
    assert_eq!(price(stub.client()).await.unwrap(), "2.50");
}
