use serde_json::json;

use crate::call::Call;
use crate::json::line;
use crate::random::Random;
use crate::reply::Reply;

/// One status, or one of several by weight: `200:3,500`.
pub(crate) fn status(call: &Call) -> Reply {
    let codes = call.segment(1);
    let chosen = if codes.contains(',') { choose(codes, Random::new().fraction()) } else { codes.trim().parse().ok() };
    match chosen {
        Some(code @ 200..=999) => of(code),
        _ => Reply::text("No final answer can have that status.").status(400),
    }
}

/// The answer that goes with a status.
pub(crate) fn of(code: u16) -> Reply {
    let bare = Reply::empty(code);
    match code {
        301 | 302 | 303 | 305 | 307 => bare.untyped().header("location", "/redirect/1"),
        304 => bare.untyped(),
        401 => bare.untyped().header("www-authenticate", "Basic realm=\"Fake Realm\""),
        402 => Reply::text("No money, no bytes.").untyped().status(code),
        406 => {
            let message = json!({
                "accept": ["image/webp", "image/svg+xml", "image/jpeg", "image/png", "image/*"],
                "message": "None of the types that you accept is here.",
            });
            Reply::new("application/json", line(&message)).status(code)
        }
        407 => bare.untyped().header("proxy-authenticate", "Basic realm=\"Fake Realm\""),
        418 => {
            Reply::text(TEAPOT).untyped().status(code).header("x-more-info", "https://www.rfc-editor.org/rfc/rfc2324")
        }
        _ => bare,
    }
}

/// The code at `fraction` of the weights' sum.
fn choose(codes: &str, fraction: f64) -> Option<u16> {
    let mut choices = Vec::new();
    for choice in codes.split(',') {
        let (code, weight) = choice.split_once(':').unwrap_or((choice, "1"));
        let weight: f64 = weight.trim().parse().ok().filter(|weight| *weight >= 0.0)?;
        choices.push((code.trim().parse().ok()?, weight));
    }
    let mut rest = fraction * choices.iter().map(|(_, weight)| weight).sum::<f64>();
    let found = choices.iter().find(|(_, weight)| {
        rest -= weight;
        rest < 0.0
    });
    found.map(|(code, _)| *code)
}

const TEAPOT: &str = "
      ___
  ,--'---'--.
 _|  418     |_
(_   short   __)
  |  stout  |
  '---------'
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_by_weight() {
        for (codes, fraction, expected) in [
            ("200,500", 0.0, Some(200)),
            ("200,500", 0.49, Some(200)),
            ("200,500", 0.5, Some(500)),
            ("200:3,500:1", 0.74, Some(200)),
            ("200:3,500:1", 0.75, Some(500)),
            ("200:0,500", 0.0, Some(500)),
            ("200:0,500:0", 0.0, None),
            ("200,x", 0.0, None),
            ("200,500:-1", 0.0, None),
        ] {
            assert_eq!(choose(codes, fraction), expected, "{codes} at {fraction}");
        }
    }
}
