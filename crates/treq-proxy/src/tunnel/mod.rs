//! CONNECT: what is asked of an HTTP proxy, and what its answers mean. No IO here.

mod drain;
mod head;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use treq_core::{Error, Kind, Origin};

use crate::credentials::Credentials;
use crate::error::{endpoint, failed, refused};
use crate::{Proxy, ProxyRequest, Reply};

pub(crate) use drain::{Drain, Drained};
pub(crate) use head::{Head, HeadReader};

/// A CONNECT to one proxy for one origin ([RFC 9110, section
/// 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)).
pub(crate) struct Tunnel<'a> {
    proxy: &'a Proxy,
    origin: &'a Origin,
    /// `host:port`, the port always there.
    target: String,
    uri: Uri,
    /// As they go out, `Host` and credentials among them, and nothing of the request that the tunnel is for.
    headers: HeaderMap,
    answered: bool,
}

/// What an answer means.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// What follows is the origin's.
    Open,
    /// Ask again; on the same connection once this body is read, where one is given.
    Again(Option<Drain>),
}

impl<'a> Tunnel<'a> {
    pub(crate) fn new(proxy: &'a Proxy, origin: &'a Origin) -> Result<Tunnel<'a>, Error> {
        let target = endpoint(origin);
        let uri = target.parse::<Uri>().map_err(|error| {
            failed(proxy, origin, "cannot be asked for it: it is no host and port").with_source(error)
        })?;
        let mut tunnel = Tunnel { proxy, origin, target, uri, headers: HeaderMap::new(), answered: false };
        tunnel.reset()?;
        match proxy.credentials() {
            Credentials::None => {}
            Credentials::Login(login) => tunnel.request().authorize(login.basic()?),
            Credentials::Scheme(scheme) => {
                let put = scheme.authorize(&mut tunnel.request());
                put.map_err(|error| unusable(proxy, origin, error))?;
            }
        }
        Ok(tunnel)
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.headers.clear();
        let host = HeaderValue::from_str(&self.target).map_err(|error| {
            failed(self.proxy, self.origin, "cannot be asked for it: it fits into no field").with_source(error)
        })?;
        self.headers.insert(HOST, host);
        Ok(())
    }

    fn request(&mut self) -> ProxyRequest<'_> {
        ProxyRequest::new(&Method::CONNECT, &self.uri, &self.target, &mut self.headers)
    }

    /// The head to be written.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = format!("CONNECT {} HTTP/1.1\r\n", self.target).into_bytes();
        for (name, value) in &self.headers {
            // `Host` as people expect it; the case of the others is as `http` has it.
            let name = if name == HOST { "Host" } else { name.as_str() };
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// What an answer means. All but 2xx, and a 407 that the credentials have an answer to, is an error: it is not the
    /// origin that speaks.
    pub(crate) fn judge(&mut self, head: &Head) -> Result<Verdict, Error> {
        let (proxy, origin) = (self.proxy, self.origin);
        if head.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED && !self.answered {
            if let Credentials::Scheme(scheme) = proxy.credentials() {
                let sent = self.headers.clone();
                self.reset()?;
                let answer = scheme.answer(&head.headers, &mut self.request());
                if answer.map_err(|error| unusable(proxy, origin, error))? {
                    self.answered = true;
                    return Ok(Verdict::Again(Drain::of(head)));
                }
                self.headers = sent;
            }
        }
        if let Credentials::Scheme(scheme) = proxy.credentials() {
            let accepted = scheme.accept(&self.request(), head.status, &head.headers);
            accepted.map_err(|error| unusable(proxy, origin, error))?;
        }
        match head.status.is_success() {
            true => Ok(Verdict::Open),
            false => Err(refused(proxy, origin, Reply::Status(head.status))),
        }
    }

    /// Whether bytes that came right behind the head may be the origin's first. To TLS the client speaks first, so there
    /// they are somebody's attempt to speak for the origin.
    pub(crate) fn check_early(&self, early: &Bytes) -> Result<(), Error> {
        if early.is_empty() || !self.origin.is_https() {
            return Ok(());
        }
        let what = format!("sent {} bytes behind its answer to CONNECT, where TLS begins with the client", early.len());
        Err(failed(self.proxy, self.origin, what))
    }
}

/// Our own error untouched; a stranger is the credentials'.
pub(crate) fn unusable(proxy: &Proxy, origin: &Origin, error: treq_core::BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => Error::new(Kind::Proxy, ours.to_string()).with_resend(ours.resend()).with_source(ours),
        Err(stranger) => failed(proxy, origin, "cannot be sent the credentials").with_source(stranger),
    }
}

/// Whether the connection is good for another request once the body is read ([RFC 9112, section
/// 9.3](https://www.rfc-editor.org/rfc/rfc9112#section-9.3)).
fn stays_open(head: &Head) -> bool {
    let says = |token: &str| {
        let old = http::HeaderName::from_static("proxy-connection");
        let values = head.headers.get_all(CONNECTION).iter().chain(head.headers.get_all(old));
        let mut tokens = values.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
        tokens.any(|own| own.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    };
    !says("close") && (head.http11 || says("keep-alive"))
}

#[cfg(test)]
mod tests {
    use treq_core::BoxError;

    use super::*;
    use crate::ProxyAuth;

    fn origin(url: &str) -> Origin {
        Origin::of(&url.parse().unwrap()).unwrap()
    }

    fn text(tunnel: &Tunnel<'_>) -> String {
        String::from_utf8(tunnel.head()).unwrap()
    }

    pub(super) fn read(text: &str) -> Head {
        HeadReader::default().push(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn asks_for_host_and_port_with_its_own_credentials_only() {
        for (proxy, url, want) in [
            ("p", "https://a.test", "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"),
            ("p", "http://a.test:81", "CONNECT a.test:81 HTTP/1.1\r\nHost: a.test:81\r\n\r\n"),
            (
                "p",
                "https://[2001:DB8::1]:8443",
                "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n\r\n",
            ),
            (
                "http://u:p%40@p",
                "https://a.test",
                "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nproxy-authorization: Basic dTpwQA==\r\n\r\n",
            ),
        ] {
            let (proxy, origin) = (Proxy::try_from(proxy).unwrap(), origin(url));
            assert_eq!(text(&Tunnel::new(&proxy, &origin).unwrap()), want);
        }
    }

    #[test]
    fn only_2xx_opens() {
        let (proxy, origin) = (Proxy::try_from("http://u:s3cret@p").unwrap(), origin("https://a.test"));
        for status in [101, 200, 204, 299, 300, 302, 400, 401, 403, 407, 500, 502, 999] {
            let head = read(&format!("HTTP/1.1 {status} X\r\nContent-Length: 9\r\nLocation: http://b\r\n\r\n"));
            let verdict = Tunnel::new(&proxy, &origin).unwrap().judge(&head);
            if (200..300).contains(&status) {
                assert!(matches!(verdict, Ok(Verdict::Open)), "{status}");
                continue;
            }
            let error = verdict.unwrap_err();
            assert_eq!(error.kind(), Kind::Proxy);
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(error.find::<crate::Refused>().unwrap().status(), Some(status));
            assert!(error.to_string().contains("http://…@p:80"), "{error}");
            assert!(error.to_string().contains("a.test:443"), "{error}");
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }

    /// Answers every challenge by its realm.
    struct Echo;

    impl ProxyAuth for Echo {
        fn authorize(&self, request: &mut ProxyRequest<'_>) -> Result<(), BoxError> {
            request.headers_mut().insert("x-first", HeaderValue::from_static("1"));
            Ok(())
        }

        fn answer(&self, challenge: &HeaderMap, request: &mut ProxyRequest<'_>) -> Result<bool, BoxError> {
            let Some(value) = challenge.get("proxy-authenticate") else { return Ok(false) };
            let value = format!("{} {} {}", value.to_str()?, request.method(), request.target());
            request.authorize(value.parse()?);
            Ok(true)
        }
    }

    #[test]
    fn a_challenge_is_answered_once() {
        let (proxy, origin) = (Proxy::try_from("p").unwrap().auth(Echo), origin("https://a.test"));
        let mut tunnel = Tunnel::new(&proxy, &origin).unwrap();
        assert!(text(&tunnel).contains("x-first: 1"));
        let no = read("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
        assert!(tunnel.judge(&no).is_err());
        assert!(text(&tunnel).contains("x-first: 1"));
        let challenge = read("HTTP/1.1 407 No\r\nProxy-Authenticate: Own\r\nContent-Length: 0\r\n\r\n");
        assert!(matches!(tunnel.judge(&challenge), Ok(Verdict::Again(Some(_)))));
        let again = text(&tunnel);
        assert!(again.contains("proxy-authorization: Own CONNECT a.test:443\r\n"), "{again}");
        assert!(!again.contains("x-first"), "{again}");
        assert!(tunnel.judge(&challenge).unwrap_err().to_string().contains("407"));
    }

    #[test]
    fn early_bytes_are_the_origins_only_in_the_clear() {
        let proxy = Proxy::try_from("p").unwrap();
        let (clear, tls) = (origin("http://a.test"), origin("https://a.test"));
        let early = Bytes::from_static(b"HTTP/1.1 200");
        assert!(Tunnel::new(&proxy, &clear).unwrap().check_early(&early).is_ok());
        assert!(Tunnel::new(&proxy, &tls).unwrap().check_early(&Bytes::new()).is_ok());
        let error = Tunnel::new(&proxy, &tls).unwrap().check_early(&early).unwrap_err();
        assert!(error.to_string().contains("12 bytes"), "{error}");
    }
}
