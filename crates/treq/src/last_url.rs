use std::sync::Mutex;

use http::Uri;
use treq_core::Error;
use treq_core::uri::{self, Located};

/// The URL that a client was given last: those who poll, push or call procedures give the same one over and over, and
/// it need not be parsed again.
#[derive(Debug, Default)]
pub(crate) struct LastUrl(Mutex<Option<Uri>>);

impl LastUrl {
    /// As [`uri::parse`].
    pub(crate) fn parse(&self, text: &str) -> Result<Located, Error> {
        // Whoever finds it in use parses: that is sooner done than waiting.
        let Ok(mut last) = self.0.try_lock() else { return uri::parse(text) };
        if let Some(uri) = last.as_ref().filter(|uri| is_written(uri, text)) {
            return Ok(uri.clone().into());
        }
        let located = uri::parse(text)?;
        if located.fragment.is_none() && located.userinfo.is_none() {
            *last = Some(located.uri.clone());
        }
        Ok(located)
    }
}

/// Whether a URL is written in just this way.
fn is_written(uri: &Uri, text: &str) -> bool {
    let (Some(scheme), Some(authority), Some(path)) = (uri.scheme_str(), uri.authority(), uri.path_and_query()) else {
        return false;
    };
    let rest = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
    rest.and_then(|rest| rest.strip_prefix(authority.as_str())) == Some(path.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_last_comes_out_as_if_it_were_parsed() {
        let last = LastUrl::default();
        let texts = [
            "http://a.test/x?y=1",
            "http://a.test/x?y=1",
            "http://a.test/x",
            "http://A.test/x",
            "http://a.test",
            "http://a.test/",
            "http://a.test/#part",
            "http://a.test/",
            "http://u:p@a.test/",
            "http://a.test/",
            "https://a.test/",
            "http://a.test/../x",
            "http://a.test/x",
            "http://a.test:80/x",
            "http://a.test/x",
        ];
        for text in texts {
            for _ in 0..2 {
                let (ours, theirs) = (last.parse(text).unwrap(), uri::parse(text).unwrap());
                assert_eq!((ours.uri, ours.fragment), (theirs.uri, theirs.fragment), "{text}");
                assert_eq!(ours.userinfo.is_some(), theirs.userinfo.is_some(), "{text}");
            }
        }
        assert!(last.parse("no url").is_err());
    }
}
