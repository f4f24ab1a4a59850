//! What one makes of requests and answers.

use crate::{lines, printed};

#[test]
fn basic_get_shows_head_and_body() {
    let out = printed("basic_get", &[]);
    assert!(out.starts_with("200 OK\n"), "{out}");
    assert!(out.contains("\ncontent-type: application/json\n"), "{out}");
    assert!(out.contains("\n    \"X-Tea\": \"green\"\n"), "{out}");
}

#[test]
fn basic_post_gets_its_message_back() {
    let out = printed("basic_post", &[]);
    assert!(out.ends_with("/post was sent Message { msg: \"Hello!\" }\n"), "{out}");
}

#[test]
fn download_file_writes_what_was_announced() {
    let out = printed("download_file", &[]);
    assert!(out.starts_with("wrote 102400 bytes to "), "{out}");
    assert!(out.trim_end().ends_with("download.bin"), "{out}");
}

#[test]
fn query_params_come_in_every_form() {
    let expected = [
        "pairs: foo=bar&baz=bax",
        "a map: baz=bax&foo=bar",
        "lists of values: foo=bar&foo=baz",
        "a struct: q=tea+%26+milk&page=2",
        "in the URL and as params: foo=bar&baz=bax",
    ];
    assert_eq!(lines("query_params"), expected);
}

#[test]
fn redirects_are_followed_unless_switched_off() {
    assert_eq!(printed("redirects", &[]), "200 OK from /get\n");
    assert_eq!(printed("disable_redirects", &[]), "302 Found to /get\n");
}

#[test]
fn response_history_tells_the_way() {
    let out = printed("response_history", &[]);
    assert!(out.starts_with("302 Found /redirect/2\n302 Found /relative-redirect/1\n200 OK /get\n"), "{out}");
    assert!(out.contains("more than 4: ") && out.contains("127.0.0.1"), "{out}");
}

#[test]
fn using_cookies_shows_what_was_sent_set_and_kept() {
    let expected = [r#"sent: {"tea":"green"}"#, "set: sugar = none, path /", "kept: 1 cookie, milk = oat"];
    assert_eq!(lines("using_cookies"), expected);
}

#[test]
fn session_goes_on_after_a_restart() {
    let expected = [r#"1 cookie loaded, sent again: {"sid":"7f"}"#, r#"as "shop/1.0""#];
    assert_eq!(lines("session"), expected);
}

#[test]
fn timeouts_name_what_took_too_long() {
    let expected = [
        "Total: not over after 200ms",
        "Head: no response 200ms after the end of the request",
        "Read: nothing of the response's body for 200ms",
    ];
    assert_eq!(lines("timeouts"), expected);
}

#[test]
fn basic_auth_is_that_of_a_request_or_of_a_client() {
    let expected = [
        r#"one request: {"authenticated":true,"user":"treq"}"#,
        "a wrong password: 401 Unauthorized",
        "a client: 200 OK",
    ];
    assert_eq!(lines("basic_auth"), expected);
}

#[test]
fn digest_auth_answers_challenges() {
    let expected = [
        "/digest-auth/auth/treq/s3cret: 200 OK",
        "/digest-auth/auth/treq/s3cret/SHA-256: 200 OK",
        "a wrong password: 401 Unauthorized",
        "a client: 200 OK",
        "a client: 200 OK",
    ];
    assert_eq!(lines("digest_auth"), expected);
}

#[test]
fn post_file_and_multipart_send_forms_with_files() {
    let expected = [
        r#"form {"tea":"green"}, files {"notes":"two sugars"}"#,
        r#"an open file: {"notes":"two sugars"}"#,
        r#"bytes: {"photo":"data:image/png;base64,iVBORw=="}"#,
    ];
    assert_eq!(lines("post_file"), expected);
    let expected = [
        "of the type multipart/form-data; boundary=...",
        r#"form {"title":["Tea","Milk"]}, files {"list":"green\nblack","log":"read as it is sent"}"#,
        "all sent: true",
    ];
    assert_eq!(lines("multipart"), expected);
}

#[test]
fn custom_body_and_upload_say_what_they_are() {
    assert_eq!(lines("custom_body"), [r#""tea,cups\r\ngreen,2\r\n" as "text/csv""#]);
    let expected = [r#""tea,2\r\n""#, r#""tea,2\r\n" as "text/csv""#, r#"100000 in "chunked""#];
    assert_eq!(lines("upload"), expected);
}

#[test]
fn stream_callback_gets_pieces_and_may_give_up() {
    let expected = ["pieces of [512, 512, 276] bytes", "1300 letters: abcdefghij...", "given up: a z"];
    assert_eq!(lines("stream_callback"), expected);
}

#[test]
fn download_resume_goes_on_where_it_broke_off() {
    let expected = ["broken off, the file is there: false", "went on: true, 10000000 bytes"];
    assert_eq!(lines("download_resume"), expected);
}

#[test]
fn blocking_does_the_same() {
    let expected = [r#"the server read {"cups":2}"#, r#"{"cookies":{"tea":"green"}}"#, "3000 bytes"];
    assert_eq!(lines("blocking"), expected);
}
