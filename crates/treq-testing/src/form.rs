//! Pairs as `application/x-www-form-urlencoded`, read
//! ([URL standard, section 5.1](https://url.spec.whatwg.org/#urlencoded-parsing)).

/// The pairs of a query or of a form, decoded; what is no UTF-8 is replaced.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    let pieces = text.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty());
    let pair = |piece: &[u8]| match piece.iter().position(|byte| *byte == b'=') {
        Some(at) => (decoded(&piece[..at]), decoded(&piece[at + 1..])),
        None => (decoded(piece), String::new()),
    };
    pieces.map(pair).collect()
}

fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high * 16 + low);
                    rest = &tail[2..];
                }
                _ => bytes.push(b'%'),
            },
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_as_browsers_write_them() {
        let seen = pairs(b"a=1+2&&b&c==%3d&%zz=%e2%82%AC&%=%4");
        let want = [("a", "1 2"), ("b", ""), ("c", "=="), ("%zz", "\u{20ac}"), ("%", "%4")];
        assert_eq!(seen, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
