//! What is asked in memory.

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
