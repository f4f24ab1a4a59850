use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use treq_core::{Route, Target};

use crate::proxy::Way;
use crate::{Proxies, Proxy};

/// A request option: sends the request through this proxy, or directly, whatever is set for all requests.
///
/// ```
/// use treq_proxy::ProxyChoice;
///
/// let through = ProxyChoice::proxy("http://user:s3cret@proxy.test:3128".parse()?);
/// assert!(!format!("{through:?}").contains("s3cret"));
/// let request = http::Request::get("http://a.test/").extension(through).body(())?;
/// let direct = http::Request::get("http://a.test/").extension(ProxyChoice::direct()).body(())?;
/// # let _ = (request, direct);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProxyChoice {
    proxy: Option<Proxy>,
}

impl ProxyChoice {
    /// Chooses this proxy.
    pub fn proxy(proxy: Proxy) -> ProxyChoice {
        ProxyChoice { proxy: Some(proxy) }
    }

    /// Chooses no proxy.
    pub fn direct() -> ProxyChoice {
        ProxyChoice { proxy: None }
    }

    /// Returns the proxy, or `None` for a direct connection.
    pub fn as_proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    pub(crate) fn route(&self) -> Arc<dyn Route> {
        match &self.proxy {
            Some(proxy) => proxy.route(),
            None => Arc::new(Direct),
        }
    }
}

impl From<Proxy> for ProxyChoice {
    fn from(proxy: Proxy) -> ProxyChoice {
        ProxyChoice::proxy(proxy)
    }
}

impl fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proxy {
            Some(proxy) => write!(f, "ProxyChoice({proxy})"),
            None => f.write_str("ProxyChoice(direct)"),
        }
    }
}

/// The route of requests that go direct though there may be proxies.
#[derive(Debug)]
struct Direct;

impl Route for Direct {
    fn same(&self, other: &dyn Route) -> bool {
        other.downcast_ref::<Direct>().is_some()
    }

    fn digest(&self, state: &mut dyn Hasher) {
        state.write_u8(b'd');
    }
}

/// Whether a route says which proxy.
pub(crate) fn is_ours(route: &dyn Route) -> bool {
    route.downcast_ref::<Way>().is_some() || route.downcast_ref::<Direct>().is_some()
}

/// The proxy of a target: what its route says, else what is set for all.
pub(crate) fn choose(target: &Target, proxies: &Proxies) -> Option<Proxy> {
    if let Some(route) = target.route.as_deref() {
        if let Some(way) = route.downcast_ref::<Way>() {
            return Some(Proxy::of(way));
        }
        if route.downcast_ref::<Direct>().is_some() {
            return None;
        }
    }
    proxies.proxy_for_origin(&target.origin)
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use treq_core::Origin;
    use treq_core::auth::{Outgoing, Scheme, Step};

    use super::*;

    struct Nothing;

    impl Scheme for Nothing {
        fn authorize(&self, _: &mut Outgoing<'_>) -> Result<Step, treq_core::BoxError> {
            Ok(Step::Send)
        }
    }

    #[test]
    fn each_difference_is_another_connection() {
        let state = RandomState::new();
        let target = |via: Option<&ProxyChoice>| {
            let mut target = Target::new(Origin::from_uri(&"http://a.test".parse().unwrap()).unwrap());
            target.route = via.map(ProxyChoice::route);
            target
        };
        let parse = |text: &str| ProxyChoice::proxy(Proxy::try_from(text).unwrap());
        let plain = "http://p";
        let ways = [
            ProxyChoice::direct(),
            parse(plain),
            parse("https://p:80"),
            parse("http://p:81"),
            parse("socks5://p:80"),
            parse("socks5h://p:80"),
            parse("http://u@p"),
            parse("http://u:x@p"),
            parse("http://u:X@p"),
            parse("http://ux:@p"),
            ProxyChoice::proxy(Proxy::try_from(plain).unwrap().always_tunnel(true)),
            ProxyChoice::proxy(Proxy::try_from(plain).unwrap().auth(Nothing)),
            ProxyChoice::proxy(Proxy::try_from(plain).unwrap().auth(Nothing)),
        ];
        for (at, one) in ways.iter().enumerate() {
            let (again, plain) = (one.clone(), target(None));
            assert_eq!(target(Some(one)).key(), target(Some(&again)).key());
            assert_eq!(state.hash_one(target(Some(one)).key()), state.hash_one(target(Some(&again)).key()));
            assert_ne!(target(Some(one)).key(), plain.key());
            assert_eq!((one, state.hash_one(one)), (&again, state.hash_one(&again)));
            for (_, other) in ways.iter().enumerate().filter(|(place, _)| *place != at) {
                assert_ne!(target(Some(one)).key(), target(Some(other)).key(), "{one:?} {other:?}");
                assert_ne!(one, other);
            }
        }
        let (one, two) = (parse("http://u:x@P:80/"), parse("http://u:x@p"));
        assert_eq!(target(Some(&one)).key(), target(Some(&two)).key());
        assert_eq!(state.hash_one(target(Some(&one)).key()), state.hash_one(target(Some(&two)).key()));
    }

    #[test]
    fn a_route_comes_before_what_is_set_for_all() {
        let mut target = Target::new(Origin::from_uri(&"http://a.test".parse().unwrap()).unwrap());
        let all = Proxies::all(Proxy::try_from("all").unwrap());
        assert_eq!(choose(&target, &all).unwrap().host(), "all");
        target.route = Some(ProxyChoice::direct().route());
        assert_eq!(choose(&target, &all), None);
        target.route = Some(ProxyChoice::proxy(Proxy::try_from("own").unwrap()).route());
        assert_eq!(choose(&target, &all).unwrap().host(), "own");
        assert_eq!(choose(&target, &Proxies::none()).unwrap().host(), "own");
    }
}
