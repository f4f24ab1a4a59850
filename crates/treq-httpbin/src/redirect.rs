use crate::call::Call;
use crate::reply::Reply;
use crate::text;

pub(crate) fn redirect(call: &Call) -> Reply {
    let absolute = call.args.iter().any(|(key, value)| key == "absolute" && value.eq_ignore_ascii_case("true"));
    match (call.number(1), absolute) {
        (0, _) => Reply::broken(),
        (1, false) => page("/get"),
        (n, false) => page(&format!("/relative-redirect/{}", n - 1)),
        (_, true) => self::absolute(call),
    }
}

pub(crate) fn relative(call: &Call) -> Reply {
    match call.number(1) {
        0 => Reply::broken(),
        1 => bare(302, "/get"),
        n => bare(302, &format!("/relative-redirect/{}", n - 1)),
    }
}

pub(crate) fn absolute(call: &Call) -> Reply {
    match call.number(1) {
        0 => Reply::broken(),
        1 => page(&call.absolute("/get")),
        n => page(&call.absolute(&format!("/absolute-redirect/{}", n - 1))),
    }
}

/// To any URL, with any status of the 300s.
pub(crate) fn to(call: &Call) -> Reply {
    let Some(status) = call.number_arg("status_code", 302_i64) else { return Reply::broken() };
    let status = u16::try_from(status).ok().filter(|status| (300..400).contains(status)).unwrap_or(302);
    // httpbin writes Python's word for nothing.
    bare(status, &text::encoded(call.arg("url").unwrap_or("None")))
}

/// A 302 with the page that tells of it.
pub(crate) fn page(location: &str) -> Reply {
    let shown = text::html(location);
    let text = format!(
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n\
         <p>It is at <a href=\"{shown}\">{shown}</a>.</p>\n"
    );
    Reply::html(text).status(302).header("location", location)
}

fn bare(status: u16, location: &str) -> Reply {
    Reply::empty(status).header("location", location)
}
