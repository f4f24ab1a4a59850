//! CONNECT: what is asked of an HTTP proxy, and what its answers mean. No IO here.

mod drain;
mod head;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use treq_core::auth::{Challenges, Content, Outgoing, Scheme, SchemeCall, SentHead, Step, Waiting};
use treq_core::{BoxError, Error, Kind, Origin};

use crate::credentials::Credentials;
use crate::error::{endpoint, failed, refused};
use crate::{Proxy, ProxyReply};

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
    /// What the scheme has asked for since it was first called for this request, or for this challenge.
    call: SchemeCall,
}

/// What an answer means.
pub(crate) enum Verdict {
    /// What follows is the origin's.
    Open,
    /// Judge it again after this.
    Wait(Waiting),
    /// Ask again; on the same connection once this body is read, where one is given.
    Again(Option<Drain>),
}

impl<'a> Tunnel<'a> {
    pub(crate) fn new(proxy: &'a Proxy, origin: &'a Origin) -> Result<Tunnel<'a>, Error> {
        let target = endpoint(origin);
        let uri = target.parse::<Uri>().map_err(|error| {
            failed(proxy, origin, "cannot be asked for it: it is no host and port").with_source(error)
        })?;
        let (headers, call) = (HeaderMap::new(), SchemeCall::new());
        let mut tunnel = Tunnel { proxy, origin, target, uri, headers, answered: false, call };
        tunnel.reset()?;
        if let Credentials::Login(login) = proxy.credentials() {
            tunnel.headers.insert(PROXY_AUTHORIZATION, login.basic());
        }
        Ok(tunnel)
    }

    /// Puts credentials on the first request, if they can be known. To be called again after what it returns.
    pub(crate) fn set_out(&mut self) -> Result<Option<Waiting>, Error> {
        let Credentials::Scheme(scheme) = self.proxy.credentials() else { return Ok(None) };
        loop {
            let outgoing = Outgoing::for_proxy(&Method::CONNECT, &self.uri, &self.target, &mut self.headers);
            let step = self.call.authorize(&**scheme, outgoing).map_err(|error| self.unusable(error))?;
            match step {
                Step::Send | Step::Return => {
                    self.call = SchemeCall::new();
                    return Ok(None);
                }
                Step::Wait(waiting) => return Ok(Some(waiting)),
                step => tell_empty(step, &mut self.call).map_err(|error| self.unusable(error))?,
            }
        }
    }

    /// The error of a scheme, also while it waited.
    pub(crate) fn unusable(&self, error: BoxError) -> Error {
        unusable(self.proxy, self.origin, error)
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.headers.clear();
        let host = HeaderValue::from_str(&self.target).map_err(|error| {
            failed(self.proxy, self.origin, "cannot be asked for it: it fits into no field").with_source(error)
        })?;
        self.headers.insert(HOST, host);
        Ok(())
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
        if let Credentials::Scheme(scheme) = self.proxy.credentials() {
            let listens = scheme.listens();
            if head.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED && listens && !self.answered {
                if let Some(verdict) = self.answer(&**scheme, head)? {
                    return Ok(verdict);
                }
            }
            if listens {
                let sent = SentHead::for_proxy(&self.uri, self.headers.get(PROXY_AUTHORIZATION));
                let accepted = scheme.accept(&sent, head.status, &head.headers);
                accepted.map_err(|error| self.unusable(error))?;
            }
        }
        match head.status.is_success() {
            true => Ok(Verdict::Open),
            false => Err(refused(self.proxy, self.origin, ProxyReply::Status(head.status))),
        }
    }

    /// None where the scheme has no answer. The fields of the request that was sent stay until there is one.
    fn answer(&mut self, scheme: &dyn Scheme, head: &Head) -> Result<Option<Verdict>, Error> {
        let challenges = Challenges::parse(&head.headers, &PROXY_AUTHENTICATE);
        let sent = std::mem::take(&mut self.headers);
        self.reset()?;
        let step = loop {
            let outgoing = Outgoing::for_proxy(&Method::CONNECT, &self.uri, &self.target, &mut self.headers)
                .with_refused(sent.get(PROXY_AUTHORIZATION));
            let step = self.call.answer(scheme, &challenges, outgoing).map_err(|error| self.unusable(error))?;
            match step {
                Step::Send | Step::Return | Step::Wait(_) => break step,
                step => tell_empty(step, &mut self.call).map_err(|error| self.unusable(error))?,
            }
        };
        if matches!(step, Step::Send) {
            self.answered = true;
            return Ok(Some(Verdict::Again(Drain::of(head))));
        }
        self.headers = sent;
        Ok(match step {
            Step::Wait(waiting) => Some(Verdict::Wait(waiting)),
            _ => None,
        })
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

/// Takes a step that is not the last one, of a request without a body.
fn tell_empty(step: Step, call: &mut SchemeCall) -> Result<(), BoxError> {
    match step {
        Step::Hash(hash) if call.content() == Content::Unread => {
            call.set_hash(hash.finish());
            Ok(())
        }
        step => Err(unusable_step(&step)),
    }
}

/// The error of a step that is none here.
pub(crate) fn unusable_step(step: &Step) -> BoxError {
    match step {
        Step::Hash(_) => "the scheme covers the body, which can be read only once: give one that can be made again",
        _ => "the scheme asks for a step that this version of treq-proxy does not know: update it",
    }
    .into()
}

/// Our own error untouched; a stranger is the credentials'.
pub(crate) fn unusable(proxy: &Proxy, origin: &Origin, error: BoxError) -> Error {
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
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::from_uri(&url.parse().unwrap()).unwrap()
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
            let error = verdict.err().unwrap();
            assert_eq!(error.kind(), Kind::Proxy);
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(error.find::<crate::ProxyRefused>().unwrap().status(), Some(status));
            assert!(error.to_string().contains("http://…@p:80"), "{error}");
            assert!(error.to_string().contains("a.test:443"), "{error}");
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }

    /// Answers every challenge by its realm.
    struct Echo;

    impl Scheme for Echo {
        fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
            request.headers_mut().insert("x-first", HeaderValue::from_static("1"));
            Ok(Step::Send)
        }

        fn listens(&self) -> bool {
            true
        }

        fn answer(&self, challenges: &Challenges, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
            let Some(challenge) = challenges.iter().next() else { return Ok(Step::Return) };
            let value = format!("{} {} {}", challenge.scheme(), request.method(), request.target());
            request.authorize(value.parse()?);
            Ok(Step::Send)
        }
    }

    /// Waits before each of its methods, and says in its field how often it did.
    struct Slow;

    impl Scheme for Slow {
        fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
            request.headers_mut().append("x-try", HeaderValue::from_static("1"));
            let refused = request.refused().map_or("nothing", |field| field.to_str().unwrap());
            let value = format!("{} {refused}", request.waits());
            request.authorize(value.parse()?);
            Ok(if request.waits() == 2 { Step::Send } else { Step::wait(async { Ok(()) }) })
        }

        fn listens(&self) -> bool {
            true
        }

        fn answer(&self, _: &Challenges, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
            self.authorize(request)
        }
    }

    #[test]
    fn a_scheme_that_waits_is_asked_again() {
        let (proxy, origin) = (Proxy::try_from("p").unwrap().auth(Slow), origin("https://a.test"));
        let mut tunnel = Tunnel::new(&proxy, &origin).unwrap();
        let waits = std::iter::from_fn(|| tunnel.set_out().unwrap()).count();
        assert_eq!(waits, 2);
        let first = text(&tunnel);
        assert!(first.contains("proxy-authorization: 2 nothing\r\n") && first.matches("x-try").count() == 1, "{first}");
        let challenge = read("HTTP/1.1 407 No\r\nProxy-Authenticate: Own\r\nContent-Length: 0\r\n\r\n");
        for _ in 0..2 {
            assert!(matches!(tunnel.judge(&challenge), Ok(Verdict::Wait(_))));
            assert_eq!(text(&tunnel), first);
        }
        assert!(matches!(tunnel.judge(&challenge), Ok(Verdict::Again(Some(_)))));
        let again = text(&tunnel);
        assert!(
            again.contains("proxy-authorization: 2 2 nothing\r\n") && again.matches("x-try").count() == 1,
            "{again}"
        );
        assert!(tunnel.judge(&challenge).is_err());
    }

    #[test]
    fn a_challenge_is_answered_once() {
        let (proxy, origin) = (Proxy::try_from("p").unwrap().auth(Echo), origin("https://a.test"));
        let mut tunnel = Tunnel::new(&proxy, &origin).unwrap();
        assert!(tunnel.set_out().unwrap().is_none());
        assert!(text(&tunnel).contains("x-first: 1"));
        let no = read("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
        assert!(tunnel.judge(&no).is_err());
        assert!(text(&tunnel).contains("x-first: 1"));
        let challenge = read("HTTP/1.1 407 No\r\nProxy-Authenticate: Own\r\nContent-Length: 0\r\n\r\n");
        assert!(matches!(tunnel.judge(&challenge), Ok(Verdict::Again(Some(_)))));
        let again = text(&tunnel);
        assert!(again.contains("proxy-authorization: own CONNECT a.test:443\r\n"), "{again}");
        assert!(!again.contains("x-first"), "{again}");
        assert!(tunnel.judge(&challenge).err().unwrap().to_string().contains("407"));
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
