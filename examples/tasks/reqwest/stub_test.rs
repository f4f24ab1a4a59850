use reqwest::Client;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::price;

pub async fn stub_test() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string("2.50")).mount(&server).await;
    assert_eq!(price(&Client::new(), &server.uri()).await.unwrap(), "2.50");
}
