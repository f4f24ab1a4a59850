use http::header::REFERRER_POLICY;
use http::{HeaderMap, HeaderValue, Uri, uri::Scheme};

use crate::policy::same_origin;

/// What a `Referer` may tell a redirect's target
/// ([Referrer Policy, section 3](https://www.w3.org/TR/referrer-policy/#referrer-policies)): the URL that redirected,
/// or its origin, or nothing. Never userinfo, never a fragment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferrerPolicy {
    /// Nothing.
    NoReferrer,
    /// The URL, but nothing from https to http.
    NoReferrerWhenDowngrade,
    /// The URL within an origin, else nothing.
    SameOrigin,
    /// The origin.
    Origin,
    /// The origin, but nothing from https to http.
    StrictOrigin,
    /// The URL within an origin, else the origin.
    OriginWhenCrossOrigin,
    /// The URL within an origin, else the origin, but nothing from https to http: what browsers do.
    #[default]
    StrictOriginWhenCrossOrigin,
    /// The URL, to everyone.
    UnsafeUrl,
}

use ReferrerPolicy::{
    NoReferrer, NoReferrerWhenDowngrade, Origin, OriginWhenCrossOrigin, SameOrigin, StrictOrigin,
    StrictOriginWhenCrossOrigin, UnsafeUrl,
};

const NAMES: [(&str, ReferrerPolicy); 8] = [
    ("no-referrer", NoReferrer),
    ("no-referrer-when-downgrade", NoReferrerWhenDowngrade),
    ("same-origin", SameOrigin),
    ("origin", Origin),
    ("strict-origin", StrictOrigin),
    ("origin-when-cross-origin", OriginWhenCrossOrigin),
    ("strict-origin-when-cross-origin", StrictOriginWhenCrossOrigin),
    ("unsafe-url", UnsafeUrl),
];

impl ReferrerPolicy {
    /// The last policy known of a `Referrer-Policy` field.
    pub(crate) fn of(headers: &HeaderMap) -> Option<ReferrerPolicy> {
        let values = headers.get_all(REFERRER_POLICY).iter().filter_map(|value| value.to_str().ok());
        let known = |token: &str| NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(token.trim()));
        values.flat_map(|value| value.split(',')).filter_map(known).next_back().map(|(_, policy)| *policy)
    }

    /// The `Referer` of a request to `target` that `from`, which has no userinfo, redirected.
    pub(crate) fn referer(self, from: &Uri, target: &Uri) -> Option<HeaderValue> {
        let same = same_origin(from, target);
        let downgrade = from.scheme() == Some(&Scheme::HTTPS) && target.scheme() != Some(&Scheme::HTTPS);
        let whole = match self {
            NoReferrer => return None,
            NoReferrerWhenDowngrade | StrictOrigin | StrictOriginWhenCrossOrigin if downgrade => return None,
            SameOrigin if !same => return None,
            NoReferrerWhenDowngrade | SameOrigin | UnsafeUrl => true,
            OriginWhenCrossOrigin | StrictOriginWhenCrossOrigin => same,
            Origin | StrictOrigin => false,
        };
        let origin = format!("{}://{}/", from.scheme_str()?, from.authority()?);
        let text = if whole { from.to_string() } else { origin };
        HeaderValue::from_maybe_shared(text.into_bytes()).ok()
    }
}
