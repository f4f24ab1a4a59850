//! Text with Python's escapes, as the steps of a case have it, to bytes.

/// The bytes that `text` means. An escape that Python does not know stays as it is.
///
/// # Errors
///
/// For a character above U+00FF and for `\x` without two hexadecimal digits.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        if char != '\\' {
            out.push(byte(u32::from(char), text)?);
            continue;
        }
        let Some(kind) = rest.next() else { return Err(format!("{text:?} ends with a backslash")) };
        match kind {
            'r' => out.push(b'\r'),
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            '0'..='7' => {
                let mut value = u32::from(kind) - u32::from('0');
                for _ in 0..2 {
                    let Some(digit) = rest.clone().next().and_then(|next| next.to_digit(8)) else { break };
                    value = value * 8 + digit;
                    rest.next();
                }
                out.push(byte(value, text)?);
            }
            'x' => out.push(byte(hex(&mut rest, 2, text)?, text)?),
            'u' => out.push(byte(hex(&mut rest, 4, text)?, text)?),
            'a' => out.push(0x07),
            'b' => out.push(0x08),
            'f' => out.push(0x0c),
            'v' => out.push(0x0b),
            '\\' | '\'' | '"' => out.push(byte(u32::from(kind), text)?),
            '\n' => {}
            other => out.extend([b'\\', byte(u32::from(other), text)?]),
        }
    }
    Ok(out)
}

fn byte(value: u32, text: &str) -> Result<u8, String> {
    u8::try_from(value).map_err(|_| format!("{text:?} has a character above U+00FF"))
}

fn hex(rest: &mut std::str::Chars<'_>, digits: usize, text: &str) -> Result<u32, String> {
    (0..digits).try_fold(0, |value, _| {
        let digit = rest.next().and_then(|next| next.to_digit(16));
        Ok(value * 16 + digit.ok_or_else(|| format!("{text:?} has a broken escape"))?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_escapes_of_python() {
        assert_eq!(unescape(r#"a\r\n\t\\\x1f\xff\0\101\'\"\u00e9é\q"#).unwrap(), b"a\r\n\t\\\x1f\xff\0A'\"\xe9\xe9\\q");
        for bad in [r"\x1", r"\xzz", "\\", "\u{20ac}", r"\u20ac"] {
            assert!(unescape(bad).is_err(), "{bad}");
        }
    }
}
