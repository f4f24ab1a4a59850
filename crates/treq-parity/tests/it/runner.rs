//! The runner itself.

use treq_parity::{Case, Outcome, Sources, judge};

fn outcome(case: &str) -> Outcome {
    judge(&Case::parse(case).unwrap(), &Sources::default())
}

#[test]
fn a_case_of_a_closed_form_is_played_whatever_its_id() {
    let case = r#"{"id":"ANY","given":{"call":{"method":"GET","url":"http://a.test/x","params":{"q":"1 2"}}},
        "expect":{"wire":"GET /x?q=1+2 HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n","connect_to":"http://a.test:80"}}"#;
    assert_eq!(outcome(case), Outcome::Passed);
    let wrong = case.replace("1+2", "1%202");
    assert!(matches!(outcome(&wrong), Outcome::Failed(why) if why.contains("request.target")));
}

#[test]
fn a_form_that_is_not_known_fails() {
    for case in [
        r#"{"id":"X","given":{"magic":1},"expect":{"status":200}}"#,
        r#"{"id":"X","given":{"call":{"method":"GET","url":"http://a.test/"}},"expect":{"magic":1}}"#,
        r#"{"id":"X","given":{"call":{"method":"GET","url":"http://a.test/"},"server":["<explodes>"]},"expect":{}}"#,
        r#"{"id":"X","given":"prose","expect":{}}"#,
    ] {
        assert!(matches!(outcome(case), Outcome::Failed(_)), "{case}");
    }
}

#[test]
fn what_diverges_must_differ_in_a_way_that_is_meant() {
    let case = r#"{"id":"X","verdict":"diverge","better":"something","given":{"call":{"method":"GET","url":"http://a.test/"}},
        "expect":{"wire":"GET / HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n"}}"#;
    assert!(matches!(outcome(case), Outcome::Failed(why) if why.contains("something")));
    let case = r#"{"id":"X","verdict":"diverge","better":"refused","given":{"call":{"method":"GET","url":"http://a.test/",
        "headers":{"x":"a\nb"}}},"expect":{"wire":"GET / HTTP/1.1\r\nHost: a.test\r\nX: a b\r\nAccept-Encoding: gzip\r\n\r\n"}}"#;
    assert!(matches!(outcome(case), Outcome::Different(_)));
}

#[test]
fn the_server_closes_and_resets_where_the_script_says_so() {
    for (end, kind) in [("<server closes cleanly>", "ConnectionDone"), ("<connection reset>", "ConnectionLost")] {
        let case = format!(
            r#"{{"id":"X","given":{{"call":{{"method":"GET","url":"http://a.test/"}},"server":["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab","{end}"],
            "then_read":"content"}},"expect":{{"status":200,"read_error":{{"kind":"ResponseFailed","causes":[{{"kind":"{kind}"}},{{"kind":"_DataLoss"}}]}},
            "connection":"closed by server"}}}}"#
        );
        assert_eq!(outcome(&case), Outcome::Passed, "{end}");
    }
}

#[test]
fn stubs_and_sequences_are_played_whatever_their_id() {
    let passes = [
        r#"{"id":"X","given":{"matcher":{"X":["1"]},"against":[{"x":["1","2"]},{"x":["2"]}]},"expect":{"equal":[true,false]}}"#,
        r#"{"id":"X","given":{"sequence":["POST http://a.test/x params q=1 body tea -> 201 done"],"calls":["matching","GET"]},
            "expect":{"results":[201,500],"async_failures":1,"message_contains":"No more requests","consumed":true,"consume_guard":"passes"}}"#,
        r#"{"id":"X","given":{"sequence":["GET http://a.test/x -> 200"],"calls":["GET"]},
            "expect":{"status":500,"async_failures":1,"consumed":false,"consume_guard":"fails"}}"#,
        r#"{"id":"X","given":{"stub.put":{"url":"https://a.test:8443/x?b=2","data":"tea"},"handler_returns":[203,{"x-a":"b"},"c"]},
            "expect":{"handler_sees":["PUT","https://a.test:8443/x",{"b":["2"]},"headers include content-length: 3","tea"],"response":[203,"b","c"]}}"#,
        r#"{"id":"X","given":{"sync_body":["\u20ac text"]},"expect":{"length":[3]}}"#,
    ];
    for case in passes {
        assert_eq!(outcome(case), Outcome::Passed, "{case}");
    }
    let fails = [
        (
            r#"{"id":"X","given":{"matcher":{"X":["1"]},"against":{"x":["1"]}},"expect":{"equal":false}}"#,
            "matcher.equal",
        ),
        (r#"{"id":"X","given":{"sync_body":["abc text"]},"expect":{"length":[4]}}"#, "length"),
        (
            r#"{"id":"X","given":{"stub.get":"http://a.test/?x=1"},"expect":{"handler_sees":["GET","http://a.test/",{"x":["2"]}]}}"#,
            "handler.params",
        ),
        (
            r#"{"id":"X","given":{"sequence":["anything -> 204"],"calls":["GET"]},"expect":{"results":[200]}}"#,
            "sequence.results",
        ),
    ];
    for (case, field) in fails {
        assert!(matches!(outcome(case), Outcome::Failed(why) if why.starts_with(field)), "{case}");
    }
}
