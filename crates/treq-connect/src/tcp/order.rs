use std::net::SocketAddr;

/// The families by turns, beginning with that of the first address, each in its given order
/// ([RFC 8305, section 4](https://www.rfc-editor.org/rfc/rfc8305#section-4), with a First Address Family Count of 1).
/// An address that stands there twice is tried once.
pub(super) fn interleave(addrs: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first_is_v6) = addrs.first().map(SocketAddr::is_ipv6) else { return addrs };
    let (mut preferred, mut other) = (Vec::with_capacity(addrs.len()), Vec::new());
    for addr in addrs {
        let family = if addr.is_ipv6() == first_is_v6 { &mut preferred } else { &mut other };
        if !family.contains(&addr) {
            family.push(addr);
        }
    }
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut ordered = Vec::with_capacity(preferred.len() + other.len());
    while preferred.len() + other.len() > 0 {
        ordered.extend(preferred.next());
        ordered.extend(other.next());
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_families_take_turns_from_the_first_on() {
        for (given, wanted) in [
            ("", ""),
            ("4a", "4a"),
            ("6a 6b", "6a 6b"),
            ("6a 6b 4a 4b", "6a 4a 6b 4b"),
            ("4a 4b 6a 6b", "4a 6a 4b 6b"),
            ("6a 6b 6c 4a", "6a 4a 6b 6c"),
            ("4a 6a 6b 6c", "4a 6a 6b 6c"),
            ("6a 6a 4a 6b 4a", "6a 4a 6b"),
        ] {
            assert_eq!(interleave(addrs(given)), addrs(wanted), "{given}");
        }
    }

    fn addrs(text: &str) -> Vec<SocketAddr> {
        let addr = |name: &str| match name.split_at(1) {
            ("4", host) => format!("10.0.0.{}:80", u8::from_str_radix(host, 16).unwrap()).parse().unwrap(),
            (_, host) => format!("[2001:db8::{host}]:80").parse().unwrap(),
        };
        text.split_whitespace().map(addr).collect()
    }
}
