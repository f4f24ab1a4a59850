//! What is asked in memory, by scripts, or by the book.

use crate::lines;

#[test]
fn iresource_is_asked_without_a_socket() {
    let expected = [r#"application/json: {"tea":"green"}"#, "no such page: 404 Not Found", "over 1 connection"];
    assert_eq!(lines("iresource"), expected);
}

#[test]
fn testing_seq_tells_what_the_code_under_test_made_of_it() {
    let expected = [r#"200: {"status":"ok"}"#, "418: Got an error from the server: I'm a teapot!"];
    assert_eq!(lines("testing_seq"), expected);
}

#[test]
fn cassette_plays_a_session_without_its_server() {
    let said = lines("cassette");
    assert!(said[0].starts_with("with the server: ") && said[1].starts_with("without it: "), "{said:?}");
    assert_eq!(said[2..], ["the key is in the file: false"]);
}

#[test]
fn scripted_server_breaks_off_in_every_way() {
    let expected = [
        "whole: green",
        "a byte each half minute: green",
        "cut: Body: the response was cut: the connection ended before the body did (http://a.test/)",
        "reset: Connect: the connection broke before an answer came (http://a.test/)",
        "nonsense: Protocol: the server's answer is not HTTP: invalid HTTP version parsed (http://a.test/)",
        "silence: Timeout(Head): the request timed out waiting for the head of the response (limit: 60s) (http://a.test/)",
    ];
    assert_eq!(lines("scripted_server"), expected);
}

#[test]
fn layer_contract_is_kept_by_a_layer_of_ones_own() {
    let expected = ["readiness, cancellation, bodies, errors and extensions: kept", "the server read \"ada@tea.test\""];
    assert_eq!(lines("layer_contract"), expected);
}
