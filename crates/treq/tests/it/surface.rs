//! What must not change unnoticed.

#[test]
fn errors_are_one_word_and_futures_stay_small() {
    assert_eq!(size_of::<treq::Error>(), size_of::<usize>());
    assert_eq!(size_of::<treq::Client>(), size_of::<usize>());
    assert_eq!(size_of::<treq::Body>(), size_of::<usize>());
    for (name, size, most) in [
        ("ResponseFuture", size_of::<treq::ResponseFuture>(), 128),
        ("ResponseBody", size_of::<treq::body::ResponseBody>(), 24),
        ("Response", size_of::<treq::Response>(), 300),
        ("RequestBuilder", size_of::<treq::RequestBuilder>(), 264),
    ] {
        assert!(size <= most, "{name}: {size} bytes");
    }
}

#[test]
fn what_is_held_across_an_await_can_be_shared() {
    fn send<T: Send>() {}
    send::<treq::ResponseFuture>();
    fn shared<T: Send + Sync>() {}
    shared::<treq::Body>();
    shared::<treq::body::BodyStream>();
    shared::<treq::Client>();
    shared::<treq::ClientBuilder>();
    shared::<treq::Error>();
    shared::<treq::Form>();
    shared::<treq::Part>();
    shared::<treq::RequestBuilder>();
    shared::<treq::Response>();
    shared::<treq::body::ResponseBody>();
    shared::<treq::decode::DecodeBody<treq::Body>>();
    shared::<treq::body::FormBody>();
    shared::<treq::timeout::TimeoutBody<treq::Body>>();
    shared::<treq::timeout::DeadlineBody<treq::Body>>();
    shared::<http::Request<treq::Body>>();
    #[cfg(feature = "blocking")]
    shared::<treq::blocking::Response>();
}

/// As a layer that makes a response of its own asks for, such as tower-http's timeout.
#[test]
fn bodies_of_responses_have_a_default() {
    fn empty<B: http_body::Body + Default>() {
        assert!(B::default().is_end_stream() && B::default().size_hint().exact() == Some(0));
    }
    empty::<treq::Body>();
    empty::<treq::body::ResponseBody>();
    empty::<treq::decode::DecodeBody<treq::Body>>();
    empty::<treq::timeout::TimeoutBody<treq::Body>>();
    empty::<treq::timeout::DeadlineBody<treq::Body>>();
    type Wire = treq::pool::PooledBody<treq_agent::AgentBody, treq::connect::HttpConnection<treq::Body>>;
    empty::<treq::stack::StackBody<treq::timeout::TimeoutBody<Wire>>>();
}

/// As signers and loggers do, also in tasks and handlers, whose futures move between threads.
#[tokio::test]
async fn what_is_borrowed_across_an_await_moves_with_its_task() {
    async fn log(response: &treq::Response) -> u16 {
        tokio::task::yield_now().await;
        response.status().as_u16()
    }
    async fn sign(request: &http::Request<treq::Body>) -> String {
        tokio::task::yield_now().await;
        request.uri().to_string()
    }
    let server = treq_httpbin::Server::start().await.unwrap();
    let url = server.url("/get");
    let task = tokio::spawn(async move {
        let request = treq::get(&url).build().unwrap();
        let signed = sign(&request).await;
        let response = treq::get(&url).await.unwrap();
        (signed == url, log(&response).await)
    });
    assert_eq!(task.await.unwrap(), (true, 200));
}
