//! Hosts, as a test names them.

use std::net::Ipv6Addr;

use treq_core::{Origin, uri};

/// A name as [`names`] has it: `a.test`, `a.test:8080`, `::1`, `[::1]:8080`, in any case and in any script.
///
/// # Errors
///
/// For what no origin can be called, in words.
pub(crate) fn normal(name: &str) -> Result<String, String> {
    let bracketed = if name.parse::<Ipv6Addr>().is_ok() { format!("[{name}]") } else { name.to_owned() };
    let is_host = !bracketed.is_empty() && !bracketed.contains(['/', '@', '?', '#', '*', '\\']);
    let origin = is_host.then(|| uri::parse(&format!("http://{bracketed}"))).and_then(Result::ok);
    let Some(origin) = origin.and_then(|located| Origin::from_uri(&located.uri).ok()) else {
        return Err(format!("{name:?} is no host: name it as \"a.test\", or as \"a.test:8080\" for one port of it"));
    };
    let port = bracketed.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let [with_port, host] = names(&origin);
    Ok(if port { with_port } else { host })
}

/// What an origin may be called: by host and port, and by its host.
pub(crate) fn names(origin: &Origin) -> [String; 2] {
    let host = origin.host();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    [format!("{host}:{}", origin.port()), host]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_form() {
        let table = [
            ("A.test", "a.test"),
            ("a.test:80", "a.test:80"),
            ("a_b:443", "a_b:443"),
            ("b\u{fc}cher.test", "xn--bcher-kva.test"),
            ("::1", "[::1]"),
            ("[::1]", "[::1]"),
            ("[0:0::1]:82", "[::1]:82"),
            ("127.0.0.1:82", "127.0.0.1:82"),
        ];
        for (name, want) in table {
            assert_eq!(normal(name).as_deref(), Ok(want));
        }
        for name in ["", "http://a.test", "a.test/", "*.a.test", "u@a.test", "a.test:0", "a.test:x", "a b"] {
            assert!(normal(name).unwrap_err().starts_with(&format!("{name:?} is no host: name it as")), "{name}");
        }
    }
}
