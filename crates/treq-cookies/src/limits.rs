/// How much a [`Jar`](crate::Jar) keeps and sends.
///
/// ```
/// use treq_cookies::{Jar, Limits};
///
/// let jar = Jar::with_limits(Limits::new().per_site(1000).total(100_000));
/// assert!(jar.is_empty());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    pub(crate) per_site: usize,
    pub(crate) total: usize,
    pub(crate) per_response: usize,
    pub(crate) field: usize,
}

impl Limits {
    /// 180 cookies of a site, 3,000 in all, 50 of a response, 8,182 bytes sent.
    pub const fn new() -> Limits {
        // With its name, a field of 8,190 bytes: what common servers take at most.
        Limits { per_site: 180, total: 3000, per_response: 50, field: 8182 }
    }

    /// Cookies of one registrable domain, or of one host that has none. Over it those go that have expired, then those
    /// that are not `Secure`, then the others, the least recently used first ([RFC 6265bis, section
    /// 5.7](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7)).
    pub const fn per_site(mut self, cookies: usize) -> Limits {
        self.per_site = cookies;
        self
    }

    /// Cookies in all. Over it those go that have expired, then the least recently used.
    pub const fn total(mut self, cookies: usize) -> Limits {
        self.total = cookies;
        self
    }

    /// Cookies that one response may set; the first are taken. Deletions do not count.
    pub const fn per_response(mut self, cookies: usize) -> Limits {
        self.per_response = cookies;
        self
    }

    /// Bytes of the `Cookie` field that is sent; a cookie that would make it longer is left out.
    pub const fn field(mut self, bytes: usize) -> Limits {
        self.field = bytes;
        self
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::new()
    }
}
