use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::SameSite;
use crate::date::parse_date;

/// Name and value together; a longer cookie is ignored.
pub(crate) const MAX_PAIR: usize = 4096;

/// The value of an attribute; a longer one is ignored.
const MAX_ATTRIBUTE: usize = 1024;

/// How long a cookie lives at most.
const MAX_LIFE: Duration = Duration::from_secs(400 * 86_400);

/// The value of a `Set-Cookie` field, taken apart as [RFC 6265bis, section
/// 5.6](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6) says, before anything of it is
/// judged by where it came from.
#[derive(Default)]
pub(crate) struct Parsed<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) max_age: Option<MaxAge>,
    pub(crate) expires: Option<SystemTime>,
    pub(crate) domain: Option<&'a [u8]>,
    pub(crate) path: Option<&'a [u8]>,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) same_site: Option<SameSite>,
}

#[derive(Clone, Copy)]
pub(crate) enum MaxAge {
    /// Zero or less.
    Past,
    Seconds(u64),
}

impl<'a> Parsed<'a> {
    /// `None` for a control byte, more than [`MAX_PAIR`] bytes, and neither name nor value.
    pub(crate) fn of(field: &'a [u8]) -> Option<Parsed<'a>> {
        if field.iter().any(|&byte| is_control(byte)) {
            return None;
        }
        let mut parts = field.split(|&byte| byte == b';');
        let pair = parts.next().unwrap_or_default();
        let (name, value) = cut(pair).unwrap_or((b"", pair.trim_ascii()));
        if name.len() + value.len() > MAX_PAIR || (name.is_empty() && value.is_empty()) {
            return None;
        }
        let mut parsed = Parsed { name, value, ..Parsed::default() };
        for part in parts {
            let (name, value) = cut(part).unwrap_or((part.trim_ascii(), b""));
            if value.len() <= MAX_ATTRIBUTE {
                parsed.attribute(name, value);
            }
        }
        Some(parsed)
    }

    /// The last one of a name counts.
    fn attribute(&mut self, name: &[u8], value: &'a [u8]) {
        if name.eq_ignore_ascii_case(b"expires") {
            self.expires = parse_date(value).or(self.expires);
        } else if name.eq_ignore_ascii_case(b"max-age") {
            self.max_age = max_age(value).or(self.max_age);
        } else if name.eq_ignore_ascii_case(b"domain") {
            self.domain = Some(value);
        } else if name.eq_ignore_ascii_case(b"path") {
            self.path = Some(value);
        } else if name.eq_ignore_ascii_case(b"secure") {
            self.secure = true;
        } else if name.eq_ignore_ascii_case(b"httponly") {
            self.http_only = true;
        } else if name.eq_ignore_ascii_case(b"samesite") {
            self.same_site = SameSite::of(value);
        }
    }

    /// When the cookie ends, 400 days from now at the latest; `None` for the end of the session.
    pub(crate) fn expires(&self, now: SystemTime) -> Option<SystemTime> {
        let latest = now.checked_add(MAX_LIFE).unwrap_or(now);
        match (self.max_age, self.expires) {
            (Some(MaxAge::Past), _) => Some(UNIX_EPOCH),
            (Some(MaxAge::Seconds(seconds)), _) => {
                Some(now.checked_add(Duration::from_secs(seconds).min(MAX_LIFE)).unwrap_or(latest))
            }
            (None, Some(expires)) => Some(expires.min(latest)),
            (None, None) => None,
        }
    }
}

/// A tab is none of them here.
pub(crate) fn is_control(byte: u8) -> bool {
    matches!(byte, 0x00..=0x08 | 0x0a..=0x1f | 0x7f)
}

/// At the first `=`, both sides without blanks around them.
fn cut(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b'=')?;
    Some((text[..at].trim_ascii(), text[at + 1..].trim_ascii()))
}

fn max_age(value: &[u8]) -> Option<MaxAge> {
    let (negative, digits) = match value {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds =
        digits.iter().fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    Some(if negative || seconds == 0 { MaxAge::Past } else { MaxAge::Seconds(seconds) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(field: &str) -> Option<i64> {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let expires = Parsed::of(field.as_bytes()).unwrap().expires(now)?;
        Some(match expires.duration_since(now) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap(),
            Err(_) => -1,
        })
    }

    #[test]
    fn max_age_is_exact_and_wins() {
        for (field, expected) in [
            ("a=1", None),
            ("a=1; Max-Age=60", Some(60)),
            ("a=1; max-age=060", Some(60)),
            ("a=1; Max-Age=0", Some(-1)),
            ("a=1; Max-Age=-5", Some(-1)),
            ("a=1; Max-Age=-0", Some(-1)),
            ("a=1; Max-Age=-", None),
            ("a=1; Max-Age=+60", None),
            ("a=1; Max-Age=60s", None),
            ("a=1; Max-Age=6 0", None),
            ("a=1; Max-Age=", None),
            ("a=1; Max-Age=\"60\"", None),
            ("a=1; Max-Age=60; Max-Age=x", Some(60)),
            ("a=1; Max-Age=60; Max-Age=70", Some(70)),
            ("a=1; Max-Age=18446744073709551615", Some(400 * 86_400)),
            ("a=1; Max-Age=99999999999999999999999999", Some(400 * 86_400)),
            ("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", Some(60)),
            ("a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT", Some(400 * 86_400)),
            ("a=1; Expires=nonsense", None),
        ] {
            assert_eq!(life(field), expected, "{field}");
        }
    }

    #[test]
    fn limits_stand_at_the_byte() {
        let fits = format!("{}={}", "n".repeat(96), "v".repeat(4000));
        assert!(Parsed::of(fits.as_bytes()).is_some());
        assert!(Parsed::of(format!("{fits}v").as_bytes()).is_none());
        let path = format!("a=1; Path=/{}", "p".repeat(1023));
        assert_eq!(Parsed::of(path.as_bytes()).unwrap().path.unwrap().len(), 1024);
        assert!(Parsed::of(format!("{path}p").as_bytes()).unwrap().path.is_none());
    }
}
