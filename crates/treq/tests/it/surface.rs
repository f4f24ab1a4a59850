//! What must not change unnoticed.

#[test]
fn errors_are_one_word_and_futures_stay_small() {
    assert_eq!(size_of::<treq::Error>(), size_of::<usize>());
    assert_eq!(size_of::<treq::Client>(), size_of::<usize>());
    assert!(size_of::<treq::Pending>() <= 128, "{}", size_of::<treq::Pending>());
}

#[test]
fn what_is_held_across_an_await_is_send() {
    fn send<T: Send>() {}
    send::<treq::RequestBuilder>();
    send::<treq::Pending>();
    send::<treq::Response>();
    send::<treq::BodyStream>();
    fn shared<T: Send + Sync>() {}
    shared::<treq::Client>();
    shared::<treq::Error>();
    shared::<treq::ClientBuilder>();
}
