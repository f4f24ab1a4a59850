//! `NO_PROXY`, and the URLs of proxies.

use treq_proxy::Proxies;

use super::{lines, with_secret};
use crate::oracle::{shows_nothing, tells_nothing};

const URLS: [&str; 6] = [
    "http://a.test/",
    "https://sub.a.test:8443/x",
    "http://10.1.2.3/",
    "http://[fe80::1]:81/",
    "http://localhost/",
    "http://xn--bcher-kva.test/",
];

/// The first line is a proxy, the rest is the list.
pub(super) fn run(input: &[u8]) {
    let [proxy, list] = lines::<2>(input).map(|line| String::from_utf8_lossy(line).into_owned());
    let known = with_secret("http://u:", "@p.test:3128");
    let odd = format!("http://u:{}@{}", with_secret("", ""), proxy.replace('@', ""));
    for proxy in [&proxy, &known, &odd] {
        let vars = [("http_proxy", proxy), ("https_proxy", proxy), ("no_proxy", &list)];
        let proxies = match Proxies::from_vars(vars) {
            Ok(proxies) => proxies,
            Err(error) => {
                tells_nothing(&error);
                continue;
            }
        };
        shows_nothing(&proxies);
        for url in URLS {
            let url = url.parse().expect("a URL");
            let chosen = proxies.proxy_for(&url);
            assert!(list.trim() != "*" || chosen.is_none(), "{url} has a proxy");
            shows_nothing(&chosen);
        }
    }
}
