use serde_json::json;

use crate::call::Call;
use crate::reply::Reply;
use crate::{base64, redirect};

pub(crate) fn index(_: &Call) -> Reply {
    Reply::html("<!doctype html>\n<title>treq-httpbin</title>\n<p>Ask me at <a href=\"/get\">/get</a>.</p>\n")
}

pub(crate) fn html(_: &Call) -> Reply {
    Reply::html(HTML)
}

/// A document of the shape of httpbin's.
pub(crate) fn json(_: &Call) -> Reply {
    Reply::json(&json!({
        "slideshow": {
            "author": "Yours Truly",
            "date": "date of publication",
            "slides": [
                { "title": "Hello", "type": "all" },
                { "items": ["What <em>layers</em> do", "How they <em>stack</em>"], "title": "Overview", "type": "all" },
            ],
            "title": "Sample Slide Show",
        }
    }))
}

pub(crate) fn xml(_: &Call) -> Reply {
    Reply::new("application/xml", XML)
}

pub(crate) fn utf8(_: &Call) -> Reply {
    Reply::html(UTF8)
}

pub(crate) fn robots(_: &Call) -> Reply {
    Reply::new("text/plain", "User-agent: *\nDisallow: /deny\n")
}

pub(crate) fn deny(_: &Call) -> Reply {
    Reply::new("text/plain", "No robot should have come here.\n")
}

pub(crate) fn png(_: &Call) -> Reply {
    Reply::new("image/png", PNG)
}

/// The first page of so many.
pub(crate) fn first_links(call: &Call) -> Reply {
    redirect::page(&format!("/links/{}/0", call.number(1)))
}

/// A page of links to its siblings, 200 at most.
pub(crate) fn links(call: &Call) -> Reply {
    let (count, own) = (call.number(1).clamp(1, 200), call.number(2));
    let mut page = String::from("<html><head><title>Links</title></head><body>");
    for at in 0..count {
        if at == own {
            page += &format!("{at} ");
        } else {
            page += &format!("<a href='/links/{count}/{at}'>{at}</a> ");
        }
    }
    Reply::html(page + "</body></html>")
}

pub(crate) fn base64(call: &Call) -> Reply {
    let decoded = base64::decode(call.segment(1)).and_then(|bytes| String::from_utf8(bytes).ok());
    Reply::html(decoded.unwrap_or_else(|| "This is not Base64 of text; dHJlcQ== is.".to_owned()))
}

const HTML: &str = "<!DOCTYPE html>
<html>
  <head>
    <title>A page</title>
  </head>
  <body>
    <h1>A page</h1>
    <p>It is here to be fetched, and long enough to be told from an error.</p>
  </body>
</html>
";

const XML: &str = "<?xml version='1.0' encoding='us-ascii'?>
<slideshow title=\"Sample Slide Show\">
  <slide type=\"all\">
    <title>One slide</title>
    <item>and <em>one</em> item</item>
    <item/>
  </slide>
</slideshow>
";

const UTF8: &str = "<h1>Text in many scripts</h1>
<pre>
Latin     Ærøskøbing, Łódź, Şanlıurfa, Đà Nẵng
Greek     Θεσσαλονίκη
Cyrillic  Київ, Тбилиси
Hebrew    ירושלים
Arabic    القاهرة
Thai      กรุงเทพ
Georgian  თბილისი
Devanagari दिल्ली
CJK       東京, 서울, 北京
Signs     ∀x∈ℝ: ⌈x⌉ = −⌊−x⌋ → ∞ € ½ ‰
Emoji     \u{1F600} \u{1F9D1}\u{200D}\u{1F680}
</pre>
";

/// One pixel.
const PNG: &[u8] =
    b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90w\
    S\xde\x00\x00\x00\x0cIDATx\xdacPHX\x00\x00\x01\xc4\x01!\x5c\xa2YQ\x00\x00\x00\x00IEND\xaeB`\x82";
