//! What goes past all proxies: the entries of `NO_PROXY`, for which there is no standard. Where programs differ, this is
//! what curl does, and each further form that one of the others takes and that means nothing else there.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use treq_core::uri;

use crate::address::split_port;

/// A list of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NoProxy {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// `localhost` and all addresses of the loopback.
    Loopback,
    /// The name, unless only those below it are meant, and all names below it.
    Name {
        name: Box<str>,
        only_below: bool,
    },
    /// Addresses that share the first bits with this one.
    Net {
        addr: IpAddr,
        bits: u8,
    },
}

/// A host as it is compared.
#[derive(Debug, PartialEq, Eq)]
enum Host<'a> {
    Ip(IpAddr),
    /// In lower case, without a dot at its end.
    Name(&'a str),
    /// An IPv6 literal that is none, or one with a zone that has no address before it.
    Odd,
}

impl NoProxy {
    /// Entries between commas or white space. One that makes no sense matches nothing.
    pub(crate) fn push(&mut self, list: &str) {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        self.entries.extend(entries.filter_map(Entry::parse));
    }

    /// Whether requests to this host (an IPv6 literal with or without brackets) and port go past the proxy.
    pub(crate) fn matches(&self, host: &str, port: u16) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        let lower = normalised(host);
        let host = Host::of(&lower);
        self.entries.iter().any(|entry| entry.port.is_none_or(|own| own == port) && entry.hosts.contain(&host))
    }
}

/// Whether a host is this machine by its name: `localhost`, what is below it, and the addresses of the loopback.
pub(crate) fn is_loopback(host: &str) -> bool {
    Hosts::Loopback.contain(&Host::of(&normalised(host)))
}

impl Entry {
    fn parse(text: &str) -> Option<Entry> {
        if text == "*" {
            return Some(Entry { hosts: Hosts::All, port: None });
        }
        if let Some((addr, bits)) = text.split_once('/') {
            return net(addr, bits).map(|hosts| Entry { hosts, port: None });
        }
        let (host, port) = split_port(text);
        let port = match port {
            None | Some("") => None,
            Some(digits) => Some(digits.parse().ok()?),
        };
        Hosts::parse(host).map(|hosts| Entry { hosts, port })
    }
}

fn net(addr: &str, bits: &str) -> Option<Hosts> {
    let addr: IpAddr = addr.trim_matches(['[', ']']).parse().ok()?;
    let bits: u8 = bits.bytes().all(|byte| byte.is_ascii_digit()).then(|| bits.parse().ok()).flatten()?;
    match (addr, unmapped(addr)) {
        (IpAddr::V6(_), IpAddr::V4(inner)) if bits >= 96 => {
            (bits <= 128).then(|| Hosts::Net { addr: inner.into(), bits: bits - 96 })
        }
        _ => (bits <= width(addr)).then_some(Hosts::Net { addr, bits }),
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Hosts> {
        let (text, only_below) = match text.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (text.trim_start_matches('.'), false),
        };
        let lower = normalised(text);
        match Host::of(&lower) {
            Host::Ip(addr) => Some(Hosts::Net { addr, bits: width(addr) }),
            Host::Name("localhost") if !only_below => Some(Hosts::Loopback),
            Host::Name("") | Host::Odd => None,
            Host::Name(name) => Some(Hosts::Name { name: name.into(), only_below }),
        }
    }

    fn contain(&self, host: &Host<'_>) -> bool {
        match (self, host) {
            (Hosts::All, _) => true,
            (Hosts::Loopback, Host::Ip(addr)) => addr.is_loopback(),
            (Hosts::Loopback, Host::Name(host)) => is_at_or_below(host, "localhost", false),
            (Hosts::Name { name, only_below }, Host::Name(host)) => is_at_or_below(host, name, *only_below),
            (Hosts::Net { addr, bits }, Host::Ip(host)) => shares(*addr, *host, *bits),
            _ => false,
        }
    }
}

/// Whole labels only: `a.test` has nothing to do with `ba.test`.
fn is_at_or_below(host: &str, name: &str, only_below: bool) -> bool {
    match host.strip_suffix(name) {
        Some("") => !only_below,
        Some(rest) => rest.ends_with('.'),
        None => false,
    }
}

fn shares(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    let differ = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(u32::from(a) ^ u32::from(b)) << 96,
        (IpAddr::V6(a), IpAddr::V6(b)) => u128::from(a) ^ u128::from(b),
        _ => return false,
    };
    differ.leading_zeros() >= u32::from(bits)
}

fn width(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 32 } else { 128 }
}

/// An IPv4 address in the guise of an IPv6 one is an IPv4 address.
fn unmapped(addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V6(addr) => addr.to_ipv4_mapped().map_or(IpAddr::V6(addr), IpAddr::V4),
        v4 => v4,
    }
}

/// Lower case; names of other scripts and odd forms of IPv4 as the URL standard has them.
fn normalised(host: &str) -> Cow<'_, str> {
    let odd = !host.is_ascii()
        || (host.as_bytes().first().is_some_and(u8::is_ascii_digit)
            && !host.contains(':')
            && host.parse::<Ipv4Addr>().is_err());
    if odd {
        if let Ok(located) = uri::parse(&format!("http://{host}/")) {
            return located.uri.host().unwrap_or_default().to_owned().into();
        }
    }
    match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => host.to_ascii_lowercase().into(),
        false => host.into(),
    }
}

impl Host<'_> {
    fn of(lower: &str) -> Host<'_> {
        let inner = lower.strip_prefix('[').map(|rest| rest.strip_suffix(']').unwrap_or(rest));
        if inner.is_some() || lower.contains(':') {
            let literal = inner.unwrap_or(lower);
            // The zone says by which interface, not to whom.
            let literal = literal.split('%').next().unwrap_or_default();
            return match literal.parse::<Ipv6Addr>() {
                Ok(addr) => Host::Ip(unmapped(addr.into())),
                Err(_) => Host::Odd,
            };
        }
        let name = lower.strip_suffix('.').unwrap_or(lower);
        match name.parse::<Ipv4Addr>() {
            Ok(addr) => Host::Ip(addr.into()),
            Err(_) => Host::Name(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_whole_labels_addresses_and_ports() {
        for (list, host, port, want) in [
            ("a.test", "a.test", 80, true),
            ("a.test", "x.a.test", 80, true),
            ("a.test", "xa.test", 80, false),
            ("a.test", "a.test.evil.test", 80, false),
            (".a.test", "a.test", 80, true),
            ("*.a.test", "a.test", 80, false),
            ("*.a.test", "x.a.test.", 80, true),
            ("a.test:8080", "a.test", 80, false),
            ("a.test:8080", "x.a.test", 8080, true),
            ("a.test:", "a.test", 80, true),
            ("a.test:x", "a.test", 80, false),
            ("bücher.test", "xn--bcher-kva.test", 80, true),
            ("localhost", "127.8.9.1", 80, true),
            ("localhost", "::1", 80, true),
            ("localhost", "[::1]", 80, true),
            ("localhost", "::ffff:127.0.0.1", 80, true),
            ("localhost", "x.localhost", 80, true),
            ("localhost", "notlocalhost", 80, false),
            ("127.0.0.1", "0x7f.1", 80, true),
            ("127.1", "127.0.0.1", 80, true),
            ("127.0.0.1", "127.0.0.2", 80, false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", 80, true),
            ("::ffff:10.0.0.0/130", "10.1.2.3", 80, false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", 80, true),
            ("[2001:db8::]/32", "2001:db8::9", 80, true),
            ("fe80::1", "fe80::1%eth0", 80, true),
            ("0.0.0.0/0", "9.9.9.9", 80, true),
            ("0.0.0.0/0", "::9", 80, false),
            ("::/0", "2001::9", 80, true),
            ("1", "x.1", 80, false),
            ("x", "[x]", 80, false),
            ("", "a.test", 80, false),
            (",. ,*.,:80,/,", "a.test", 80, false),
            (".", "", 80, false),
        ] {
            let mut no_proxy = NoProxy::default();
            no_proxy.push(list);
            assert_eq!(no_proxy.matches(host, port), want, "{list} and {host}:{port}");
        }
    }
}
