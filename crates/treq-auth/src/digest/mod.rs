mod algorithm;
mod session;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::header::HeaderName;
use http::{HeaderMap, StatusCode};
use treq_core::BoxError;
use treq_core::auth::{Challenge, Challenges, Content, Outgoing, Scheme, SentHead, Step};

use self::algorithm::Hashing;
use self::session::{Qop, Session, User};
use crate::AuthErrorReason;
use crate::error::unusable;

/// How many nonces are remembered: a server that hands out one per second and worker may come back to an earlier one.
const SESSIONS: usize = 8;

/// User name and password, of which only hashes are sent ([RFC 7616](https://www.rfc-editor.org/rfc/rfc7616)): MD5,
/// SHA-256 and SHA-512-256, their `-sess` forms, `qop` of `auth` and `auth-int`, and the form of RFC 2069 without.
///
/// Of several challenges the strongest is answered, and of equal ones the first. One that cannot be answered, for its
/// algorithm or `qop` or because realm or nonce are missing, is no error: the caller gets the 401. After the first
/// challenge, further requests to its protection space (its `domain`, or the origin) carry an answer from the start,
/// each with a `nc` of its own; `stale` and `nextnonce` bring a new nonce. `auth-int` is spoken where the server
/// offers nothing else.
///
/// Each value has a state of its own: to use the same name and password elsewhere, make another.
///
/// As it is a [`Scheme`], it can be asked without any service, for a proxy's CONNECT as well:
///
/// ```
/// use http::header::{HeaderMap, HeaderValue, PROXY_AUTHENTICATE};
/// use treq_auth::{Challenges, Digest, Outgoing, Scheme};
///
/// let mut response = HeaderMap::new();
/// response.insert(PROXY_AUTHENTICATE, HeaderValue::from_static(r#"Digest realm="r", nonce="n""#));
/// let challenges = Challenges::parse(&response, &PROXY_AUTHENTICATE);
///
/// let (method, uri, mut headers) = (http::Method::CONNECT, "a.test:443".parse()?, HeaderMap::new());
/// let digest = Digest::new("user", "password");
/// digest.answer(&challenges, &mut Outgoing::for_proxy(&method, &uri, "a.test:443", &mut headers))?;
/// assert!(headers["proxy-authorization"].to_str()?.contains(r#"uri="a.test:443""#));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub struct Digest {
    user: User,
    check_proof: bool,
    cnonce: Box<dyn Fn() -> Result<String, BoxError> + Send + Sync>,
    /// The latest first, which is the one that requests use unasked.
    sessions: Mutex<Vec<Session>>,
}

impl Digest {
    /// Text is UTF-8; bytes are taken as they are.
    pub fn new(user: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> Digest {
        Digest {
            user: User { name: user.into(), password: password.into() },
            check_proof: true,
            cnonce: Box::new(random),
            sessions: Mutex::default(),
        }
    }

    /// Whether a wrong `rspauth` of the server ([section 3.5](https://www.rfc-editor.org/rfc/rfc7616#section-3.5)) is an
    /// error of cause [`AuthErrorReason::Proof`]. It is, unless set otherwise; one that is missing, or belongs to `auth-int`, is not
    /// looked at.
    #[must_use]
    pub fn check_proof(self, on: bool) -> Digest {
        Digest { check_proof: on, ..self }
    }

    /// Where client nonces come from: 128 random bits of the system each, in hex, unless set. For tests, which want the
    /// same bytes every time.
    #[must_use]
    pub fn cnonce(self, make: impl Fn() -> String + Send + Sync + 'static) -> Digest {
        Digest { cnonce: Box::new(move || Ok(make())), ..self }
    }

    fn sessions(&self) -> MutexGuard<'_, Vec<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the answer of the latest session on the request.
    fn put(&self, sessions: &mut [Session], request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        let Some(session) = sessions.first_mut() else { return Ok(Step::Return) };
        let body = match (session.qop, request.content()) {
            (Qop::AuthInt, Content::Unread) => return Ok(Step::Hash(Box::new(Hashing::new(session.algorithm)))),
            (Qop::AuthInt, Content::Hashed(hash)) => match Hashing::hex(session.algorithm, hash) {
                Some(hash) => hash,
                // Another request has been told of another algorithm meanwhile.
                None => return Ok(Step::Return),
            },
            // It can be read only once.
            (Qop::AuthInt, _) => return Ok(Step::Return),
            (Qop::None | Qop::Auth, _) => String::new(),
        };
        let cnonce = match session.qop {
            Qop::None if !session.algorithm.sess => String::new(),
            Qop::None | Qop::Auth | Qop::AuthInt => (self.cnonce)()?,
        };
        let value = session.field(&self.user, request.method().as_str(), &request.target(), &body, cnonce)?;
        request.authorize(value);
        Ok(Step::Send)
    }

    /// Whether the server knows the password, as far as its answer tells.
    fn proves(&self, sent: &Challenge, info: &Challenge) -> bool {
        let Some(proof) = info.param("rspauth").filter(|_| self.check_proof && sent.has("qop", "auth")) else {
            return true;
        };
        match self.sessions().iter().find(|session| session.sent(sent)) {
            Some(session) => {
                session.proof(&self.user, sent).is_none_or(|want| want.as_bytes().eq_ignore_ascii_case(proof))
            }
            // Of a session that is forgotten.
            None => true,
        }
    }
}

impl Scheme for Digest {
    fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        let mut sessions = self.sessions();
        match sessions.first() {
            // A proxy's has no domain (RFC 7616, section 3.3).
            Some(session) if request.is_to_proxy() || session.covers(request.uri()) => self.put(&mut sessions, request),
            _ => Ok(Step::Send),
        }
    }

    fn listens(&self) -> bool {
        true
    }

    fn answer(&self, challenges: &Challenges, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        let mut best: Option<Session> = None;
        for session in challenges.by_scheme("digest").filter_map(Session::of) {
            if best.as_ref().is_none_or(|best| session.algorithm.hash > best.algorithm.hash) {
                best = Some(session);
            }
        }
        let Some(session) = best else { return Ok(Step::Return) };
        let mut sessions = self.sessions();
        learn(&mut sessions, session);
        // What was learnt serves the next request.
        if request.content() == Content::Once {
            return Ok(Step::Return);
        }
        self.put(&mut sessions, request)
    }

    fn accept(&self, sent: &SentHead<'_>, status: StatusCode, response: &HeaderMap) -> Result<(), BoxError> {
        const INFO: HeaderName = HeaderName::from_static("authentication-info");
        const PROXY_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");
        let refused = match sent.is_to_proxy() {
            true => StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            false => StatusCode::UNAUTHORIZED,
        };
        let info = response.get(if sent.is_to_proxy() { PROXY_INFO } else { INFO });
        if info.is_none() && status != refused {
            return Ok(());
        }
        let Some(field) = sent.authorization() else { return Ok(()) };
        let Some(field) = Challenge::parse(field) else { return Ok(()) };
        if status == refused {
            // Not to be tried again unasked.
            self.sessions().retain(|session| !session.sent(&field));
            return Ok(());
        }
        let Some(info) = info.map(Challenge::parse_params) else { return Ok(()) };
        if !self.proves(&field, &info) {
            let message = "the server's proof that it knows the password is wrong";
            return Err(unusable(AuthErrorReason::Proof, message).into());
        }
        if let Some(nonce) = info.param("nextnonce") {
            let mut sessions = self.sessions();
            if let Some(at) = sessions.iter().position(|session| session.sent(&field)) {
                let session = sessions.remove(at).with_nonce(nonce);
                learn(&mut sessions, session);
            }
        }
        Ok(())
    }
}

/// Makes it the latest one. Where its nonce is known already, its count goes on.
fn learn(sessions: &mut Vec<Session>, session: Session) {
    let known = sessions.iter().position(|known| known.is_same(&session));
    let session = match known {
        Some(at) => session.counting_on_from(sessions.remove(at)),
        None => session,
    };
    sessions.truncate(SESSIONS - 1);
    sessions.insert(0, session);
}

fn random() -> Result<String, BoxError> {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(algorithm::hex(&bytes)),
        Err(error) => {
            Err(unusable(AuthErrorReason::Random, format!("the system gives no random bytes: {error}")).into())
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest").field("check_proof", &self.check_proof).finish_non_exhaustive()
    }
}
