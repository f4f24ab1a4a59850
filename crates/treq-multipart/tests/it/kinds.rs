use http::HeaderMap;
use treq_multipart::{Form, Part};

use crate::support::{Trickle, read_back, refused, text};

#[tokio::test]
async fn a_mixed_has_parts_without_names() {
    let form = Form::mixed()
        .boundary("a b")
        .unnamed(Part::text("one\ntwo"))
        .unnamed(Part::bytes("{}").file_name("x.json").header("Content-ID", "<x>"))
        .unnamed(Part::bytes("q").header("content-disposition", "inline"));
    assert_eq!(form.content_type(), "multipart/mixed; boundary=\"a b\"");
    let expected = "--a b\r\n\r\none\ntwo\r\n\
                    --a b\r\nContent-Disposition: attachment; filename=\"x.json\"\r\n\
                    Content-Type: application/json\r\nContent-Id: <x>\r\n\r\n{}\r\n\
                    --a b\r\nContent-Disposition: inline\r\n\r\nq\r\n--a b--\r\n";
    assert_eq!(text(form).await, expected);
}

#[test]
fn a_related_names_its_root() {
    let root = || Part::bytes("<x/>").content_type("application/xml; charset=utf-8").header("content-id", "<root@a>");
    let form = Form::related().boundary("B").unnamed(root()).unnamed(Part::bytes("1"));
    assert_eq!(form.content_type(), "multipart/related; boundary=B; type=\"application/xml\"");
    let form = Form::related().boundary("B").start("<root@a>").unnamed(Part::text("1")).unnamed(root());
    let expected = "multipart/related; boundary=B; type=\"application/xml\"; start=\"<root@a>\"";
    assert_eq!(form.content_type(), expected);
    assert_eq!(form.encode().unwrap().content_type(), expected);
    let form = Form::related().boundary("B").unnamed(Part::text("1"));
    assert_eq!(form.content_type(), "multipart/related; boundary=B; type=\"text/plain\"");
}

#[tokio::test]
async fn a_multipart_may_stand_in_another() {
    let inner = |boundary: &str| {
        Form::mixed().boundary(boundary).unnamed(Part::text("1")).unnamed(Part::bytes("2").file_name("2.bin"))
    };
    let form = Form::new().boundary("out").part("files", Part::multipart(inner("in"))).text("after", "x");
    let expected = "--out\r\nContent-Disposition: form-data; name=\"files\"\r\n\
                    Content-Type: multipart/mixed; boundary=in\r\n\r\n\
                    --in\r\n\r\n1\r\n\
                    --in\r\nContent-Disposition: attachment; filename=\"2.bin\"\r\n\
                    Content-Type: application/octet-stream\r\n\r\n2\r\n--in--\r\n\r\n\
                    --out\r\nContent-Disposition: form-data; name=\"after\"\r\n\r\nx\r\n--out--\r\n";
    assert_eq!(text(form).await, expected);
    for clash in ["out", "outer"] {
        let form = Form::new().boundary("out").part("files", Part::multipart(inner(clash)));
        assert!(refused(form).starts_with("part 1, \"files\": a line of its content begins with the boundary"));
    }
}

#[tokio::test]
async fn what_is_wrong_inside_is_told_with_both_parts() {
    let inner = Form::mixed().unnamed(Part::reader(Trickle::failing("abc")));
    let form = Form::new().part("files", Part::multipart(inner));
    let (_, error) = crate::support::broken(form.encode().unwrap()).await;
    let told = crate::support::with_causes(&error);
    let expected = "part 1, \"files\": its content cannot be read <- part 1: its reader failed <- the source broke";
    assert_eq!(told, expected);

    let form = Form::new().part("files", Part::multipart(Form::mixed().unnamed(Part::text("x").content_type("x"))));
    let told = refused(form);
    assert!(
        told.starts_with("part 1, \"files\": the multipart in it is wrong <- part 1: \"x\" is no content"),
        "{told}"
    );
}

#[test]
fn names_are_for_forms_only_and_there_they_must_be() {
    let table = [
        (Form::new().unnamed(Part::text("x")), "part 1: it has no name"),
        (Form::mixed().text("a", "x"), "part 1, \"a\": only parts of a form-data have names"),
        (Form::related().text("a", "x"), "part 1, \"a\": only parts of a form-data have names"),
        (Form::mixed(), "a multipart/mixed needs at least one part"),
        (Form::related(), "a multipart/related needs at least one part"),
        (Form::new().start("<x>"), "a multipart/form-data has no start"),
        (Form::related().start("<x>").unnamed(Part::text("1")), "no part has the Content-ID \"<x>\""),
        (Form::related().start("x\r\ny\"").unnamed(Part::text("1")), "no part has the Content-ID \"x\\r\\ny\\\"\""),
        (
            Form::new().part("a", Part::text("x").header("content-disposition", "inline")),
            "part 1, \"a\": its Content-Disposition carries its name",
        ),
        (
            Form::mixed().unnamed(Part::text("x").header("content-disposition", "inline").file_name("n")),
            "part 1: it has both a file name and a Content-Disposition",
        ),
        (
            Form::mixed().unnamed(Part::multipart(Form::new()).content_type("text/plain")),
            "part 1: its content type is that of the multipart in it",
        ),
    ];
    for (form, start) in table {
        let found = refused(form);
        assert!(found.starts_with(start), "{found}");
    }
}

#[tokio::test]
async fn an_empty_form_is_its_end_and_reads_as_none() {
    assert_eq!(text(Form::new().boundary("B")).await, "--B--\r\n");
    assert_eq!(read_back(Form::new().encode().unwrap()).await, []);
}

#[tokio::test]
async fn headers_of_a_part_go_with_it() {
    let mut headers = HeaderMap::new();
    headers.append("x-a", "1".parse().unwrap());
    headers.append("x-a", "2".parse().unwrap());
    headers.append("content-type", "text/x".parse().unwrap());
    let form = Form::new().boundary("B").part("a", Part::bytes("x").headers(&headers).header("x-b", "é"));
    let expected = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: text/x\r\n\
                    X-A: 1\r\nX-A: 2\r\nX-B: é\r\n\r\nx\r\n--B--\r\n";
    assert_eq!(text(form).await, expected);
}

#[test]
fn neither_forms_nor_parts_show_what_they_carry() {
    let form = Form::new().text("password", "hunter2").part("f", Part::bytes("x").file_name("secret"));
    assert_eq!(format!("{form:?}"), "Form(multipart/form-data, 2 parts)");
    assert_eq!(format!("{:?}", Part::text("hunter2").header("x-token", "abc")), "Part(text)");
    assert_eq!(format!("{:?}", form.encode().unwrap()), "FormBody(2 parts, 0 bytes sent)");
}

#[test]
fn what_is_built_may_cross_threads() {
    fn is_send<T: Send>(_: &T) {}
    let form = Form::new().part("r", Part::reader(tokio::io::empty()));
    is_send(&form);
    is_send(&form.encode().unwrap());
}

#[tokio::test]
async fn sixteen_may_stand_in_each_other_and_no_more() {
    let nest = |times: usize| {
        (0..times).fold(Form::mixed().unnamed(Part::text("x")), |form, _| Form::mixed().unnamed(Part::multipart(form)))
    };
    assert!(text(nest(16)).await.contains("\r\n\r\nx\r\n"));
    assert!(refused(nest(17)).starts_with("part 1: more than 16 multiparts stand in each other"));
    // However many there were: what is refused is let go of.
    assert!(refused(Form::new().part("a", Part::multipart(nest(100_000)))).contains("part 1"));
}
