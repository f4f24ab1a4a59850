use bytes::Bytes;
use http::{Request, Response};
use tower::util::{MapErrLayer, MapRequestLayer, MapResponseLayer};
use tower_layer::{Identity, Layer, Stack};
use tower_service::Service;
use treq_core::{Body, BoxError, Error};
use treq_testing::contract::{Mock, MockBody, MockError, check};

use crate::broken::{
    Answers, CallsClone, DropsExtensions, HidesErrors, Late, LeaksOnCancel, Loss, Lossy, NeverAsks, NeverDone,
    NeverWakes, PollsAgain, Reserves, either, with,
};

/// The message with which the check of a broken layer fails.
async fn fault<L, S, B>(layer: L) -> String
where
    L: Layer<Mock, Service = S> + Send + Sync + 'static,
    S: Service<Request<MockBody>, Response = Response<B>, Future: Send> + Clone + Send + 'static,
    S::Error: Into<BoxError> + Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let panic = tokio::spawn(check(layer)).await.expect_err("the layer passes").into_panic();
    let message = *panic.downcast::<String>().unwrap();
    assert!(message.starts_with("contract::check of `"), "{message}");
    message.split_once("`: the layer ").unwrap().1.to_owned()
}

#[tokio::test]
async fn passes_layers_that_keep_the_rules() {
    check(Identity::new()).await;
    check(either()).await;
    check(Lossy::layer(Loss::Nothing)).await;
    check(with::<Late>()).await;
}

#[tokio::test(start_paused = true)]
async fn passes_layers_that_change_the_types() {
    let request = MapRequestLayer::new(|request: Request<MockBody>| request.map(Body::new));
    let response = MapResponseLayer::new(|response: Response<MockBody>| response.map(Body::new));
    let error = MapErrLayer::new(|error: MockError| Error::from_boxed(error));
    check(Stack::new(error, Stack::new(response, request))).await;
}

#[tokio::test]
async fn names_the_layer() {
    let panic = tokio::spawn(check(with::<NeverAsks>())).await.unwrap_err().into_panic();
    assert!(panic.downcast_ref::<String>().unwrap().contains("broken::With<it::broken::NeverAsks>"));
}

#[tokio::test]
async fn finds_calls_of_an_unready_clone() {
    let fault = fault(with::<CallsClone>()).await;
    assert!(fault.starts_with("calls an unready clone: poll_ready made one instance"), "{fault}");
}

#[tokio::test]
async fn finds_calls_without_readiness() {
    assert_eq!(fault(with::<NeverAsks>()).await, "calls the inner service before its poll_ready has said ready");
}

#[tokio::test]
async fn finds_lost_trailers() {
    assert_eq!(fault(Lossy::layer(Loss::Trailers)).await, "drops the trailers of the response body");
}

#[tokio::test]
async fn finds_a_lost_size_hint() {
    let fault = fault(Lossy::layer(Loss::SizeHint)).await;
    let expected =
        "loses the size_hint of the response body: the inner one says exactly 11 bytes, its own 0 bytes or more";
    assert_eq!(fault, expected);
}

#[tokio::test]
async fn finds_a_lost_end() {
    assert_eq!(fault(Lossy::layer(Loss::EndStream)).await, "loses is_end_stream of the response body, which is empty");
}

#[tokio::test]
async fn finds_lost_data() {
    let fault = fault(Lossy::layer(Loss::LastData)).await;
    assert_eq!(fault, "changes the response body: b\"hello world\" became b\"hello \"");
}

#[tokio::test]
async fn finds_leaks_on_cancellation() {
    let fault = fault(with::<LeaksOnCancel>()).await;
    assert!(fault.starts_with("leaks when its future is dropped before the inner one is done: 2 of"), "{fault}");
}

#[tokio::test]
async fn finds_leaks_of_bodies() {
    let fault = fault(Lossy::layer(Loss::Memory)).await;
    assert!(fault.starts_with("leaks when the response body is dropped after 0 polls: "), "{fault}");
}

#[tokio::test]
async fn finds_hidden_errors() {
    let fault = fault(with::<HidesErrors>()).await;
    assert!(fault.starts_with("hides the inner service's error of call: it is not found along source()"), "{fault}");
}

#[tokio::test]
async fn finds_dropped_extensions() {
    assert_eq!(fault(with::<DropsExtensions>()).await, "drops the extensions of the request");
}

#[tokio::test]
async fn finds_a_layer_that_answers_by_itself() {
    assert_eq!(fault(Answers).await, "answers a request before the inner service does");
}

#[tokio::test(start_paused = true)]
async fn finds_hangs_instead_of_hanging() {
    let fault = fault(with::<NeverDone>()).await;
    assert_eq!(fault, "hangs: its future stays pending though the inner one is done");
}

#[tokio::test]
async fn finds_an_instance_that_is_made_ready_for_nothing() {
    let fault = fault(with::<Reserves>()).await;
    assert!(fault.starts_with("reserves for nothing: poll_ready made one instance of the inner service"), "{fault}");
}

#[tokio::test]
async fn finds_a_future_that_is_polled_after_its_end() {
    assert_eq!(fault(with::<PollsAgain>()).await, "polls the inner future again after it was done");
}

#[tokio::test(start_paused = true)]
async fn finds_a_future_that_only_the_timer_of_the_check_has_woken() {
    let fault = fault(with::<NeverWakes>()).await;
    assert_eq!(fault, "hangs: its future stays pending though the inner one is done");
}
