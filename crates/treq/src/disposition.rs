//! What a `Content-Disposition` says, and the name to save an answer under.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_DISPOSITION;

use crate::response::Response;

/// How content is meant to be shown or saved, and under which name
/// ([RFC 6266](https://www.rfc-editor.org/rfc/rfc6266)).
///
/// What servers send is read leniently and never fails: a value goes to the next semicolon, of several parameters of one
/// name the first counts, and one whose quote does not end is left out, as it was cut. Bytes are Latin-1, as they are in
/// all fields ([RFC 9110, section 5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)).
///
/// What is written by [`Display`](fmt::Display) is a valid field in ASCII, whatever has been read: a malformed kind
/// becomes `attachment`, parameters with malformed names are left out.
///
/// ```
/// use treq::headers::ContentDisposition;
///
/// let field = ContentDisposition::attachment("€ rates.pdf").to_string();
/// assert_eq!(field, r#"attachment; filename="? rates.pdf"; filename*=UTF-8''%E2%82%AC%20rates.pdf"#);
///
/// let read = ContentDisposition::parse(&field);
/// assert_eq!((read.kind(), read.file_name().as_deref()), ("attachment", Some("€ rates.pdf")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDisposition {
    /// In lower case.
    kind: String,
    params: Vec<Param>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Param {
    /// In lower case.
    name: String,
    /// Without quotes and escapes.
    value: String,
    /// An encoded value is one only without quotes.
    was_quoted: bool,
}

impl ContentDisposition {
    /// One of this kind, such as `inline`, without parameters.
    #[must_use]
    pub fn new(kind: &str) -> ContentDisposition {
        ContentDisposition { kind: kind.to_lowercase(), params: Vec::new() }
    }

    /// To be saved under this name: [`new`](ContentDisposition::new) of `attachment`
    /// [`with_file_name`](ContentDisposition::with_file_name).
    #[must_use]
    pub fn attachment(file_name: &str) -> ContentDisposition {
        ContentDisposition::new("attachment").with_file_name(file_name)
    }

    /// The same with this file name. One that is not plain ASCII, or looks percent-encoded, which some clients would undo,
    /// is written twice ([RFC 6266, section 4.3](https://www.rfc-editor.org/rfc/rfc6266#section-4.3)): encoded as
    /// `filename*`, and before it for old clients as `filename` with `?` for each other character.
    ///
    /// A path stays a path: give the base name alone, unless the whole of it is meant for others to see.
    #[must_use]
    pub fn with_file_name(mut self, file_name: &str) -> ContentDisposition {
        self.params.retain(|param| param.name != FILE_NAME && param.name != ENCODED_FILE_NAME);
        self.push(FILE_NAME, ascii(file_name));
        if !is_plain(file_name) {
            self.push(ENCODED_FILE_NAME, encoded(file_name));
        }
        self
    }

    /// The same with this `filename` for clients that do not know `filename*`, where there is a file name. What is not ASCII
    /// becomes `?`.
    #[must_use]
    pub fn with_fallback(mut self, text: &str) -> ContentDisposition {
        let Some(name) = self.file_name().map(Cow::into_owned) else { return self };
        self.params.retain(|param| param.name != FILE_NAME && param.name != ENCODED_FILE_NAME);
        self.push(FILE_NAME, ascii(text));
        if name != text || !is_ascii_text(text) {
            self.push(ENCODED_FILE_NAME, encoded(&name));
        }
        self
    }

    /// The same without the `filename` for old clients, where there is a `filename*`.
    #[must_use]
    pub fn without_fallback(mut self) -> ContentDisposition {
        if self.find(ENCODED_FILE_NAME).is_some() {
            self.params.retain(|param| param.name != FILE_NAME);
        }
        self
    }

    /// Reads the value of a field; `text` is the Latin-1 view of its bytes.
    #[must_use]
    pub fn parse(text: &str) -> ContentDisposition {
        let (kind, mut rest) = until_semicolon(text);
        let mut found = ContentDisposition::new(trim(kind));
        let mut names = HashSet::new();
        while let Some(text) = rest {
            let Some(at) = text.find([';', '=']).filter(|&at| text[at..].starts_with('=')) else {
                rest = until_semicolon(text).1;
                continue;
            };
            let (name, value) = (trim(&text[..at]).to_lowercase(), text[at + 1..].trim_start_matches(SPACES));
            let (value, was_quoted, after) = match value.strip_prefix('"') {
                Some(quoted) => match unquoted(quoted) {
                    Some((value, after)) => (value, true, until_semicolon(after).1),
                    None => break,
                },
                None => {
                    let (value, after) = until_semicolon(value);
                    (trim(value).to_owned(), false, after)
                }
            };
            rest = after;
            if names.insert(name.clone()) {
                found.params.push(Param { name, value, was_quoted });
            }
        }
        found
    }

    /// That of a head; of several fields the first.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<ContentDisposition> {
        let text = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
        headers.get(CONTENT_DISPOSITION).map(|value| ContentDisposition::parse(&text(value.as_bytes())))
    }

    /// The kind in lower case, possibly empty: `attachment`, `inline`. Whoever does not know it takes it for `attachment`
    /// ([RFC 6266, section 4.2](https://www.rfc-editor.org/rfc/rfc6266#section-4.2)).
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Names in lower case and values of all parameters as they stand there, in order, without quotes and escapes.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|param| (&*param.name, &*param.value))
    }

    /// The value of a parameter: of `name*` by its charset where that is UTF-8 or ISO-8859-1 and nothing is malformed
    /// ([RFC 8187](https://www.rfc-editor.org/rfc/rfc8187)), else of `name` as it stands there.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        let name = name.to_lowercase();
        let decoded = self.find(&format!("{name}*")).filter(|param| !param.was_quoted);
        let decoded = decoded.and_then(|param| decoded_value(&param.value)).map(Cow::Owned);
        decoded.or_else(|| self.find(&name).map(|param| Cow::Borrowed(&*param.value)))
    }

    /// The name that the sender gives: whatever it wrote, paths and control characters among it.
    /// [`Response::file_name`] is the one to save under.
    pub fn file_name(&self) -> Option<Cow<'_, str>> {
        self.param(FILE_NAME)
    }

    fn find(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }

    fn push(&mut self, name: &str, value: String) {
        self.params.push(Param { name: name.to_owned(), value, was_quoted: false });
    }
}

impl Response {
    /// What `Content-Disposition` says, where there is one.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let url = server.url("/response-headers?Content-Disposition=inline;filename=tea.txt");
    /// let response = treq::get(&url).await?;
    /// assert_eq!(response.content_disposition().unwrap().kind(), "inline");
    /// assert_eq!(response.file_name().as_deref(), Some("tea.txt"));
    /// # Ok(()) }
    /// ```
    pub fn content_disposition(&self) -> Option<ContentDisposition> {
        ContentDisposition::from_headers(self.headers())
    }

    /// A name to save the body under: that of `Content-Disposition`, else the last segment of the URL's path,
    /// percent-decoded. `None` where neither is left with anything.
    ///
    /// It is safe to join to a directory on any platform: of a path the last part; without control and bidirectional
    /// formatting characters, dots at the beginning, dots and spaces at the end; `_` for `<>:"|?*` and before the name of
    /// a device such as `CON`; at most 240 bytes of UTF-8, the ending kept. It may still be the name of a file that is
    /// there, or of a program.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let url = server.url("/response-headers?Content-Disposition=attachment;filename=../../.profile");
    /// assert_eq!(treq::get(&url).await?.file_name().as_deref(), Some("profile"));
    /// assert_eq!(treq::get(server.url("/robots.txt")).await?.file_name().as_deref(), Some("robots.txt"));
    /// # Ok(()) }
    /// ```
    pub fn file_name(&self) -> Option<String> {
        let given = self.content_disposition();
        let given = given.as_ref().and_then(ContentDisposition::file_name);
        given.and_then(|name| safe(&name)).or_else(|| {
            let segment = self.url().path().rsplit('/').next()?;
            safe(&String::from_utf8_lossy(&percent_decoded(segment).0))
        })
    }
}

impl fmt::Display for ContentDisposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if is_token(&self.kind) { &self.kind } else { "attachment" })?;
        let names: HashSet<&str> = self.params.iter().map(|param| &*param.name).collect();
        for Param { name, value, .. } in self.params.iter().filter(|param| is_token(&param.name)) {
            if is_token(value) {
                write!(f, "; {name}={value}")?;
            } else if is_ascii_text(value) {
                write!(f, "; {name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
            } else if !name.ends_with('*') && !names.contains(&*format!("{name}*")) {
                write!(f, "; {name}*={}", encoded(value))?;
            }
        }
        Ok(())
    }
}

const FILE_NAME: &str = "filename";
const ENCODED_FILE_NAME: &str = "filename*";

/// White space of fields: RFC 9110, section 5.6.3.
const SPACES: [char; 2] = [' ', '\t'];

fn trim(text: &str) -> &str {
    text.trim_matches(SPACES)
}

/// What stands before and behind the next semicolon.
fn until_semicolon(text: &str) -> (&str, Option<&str>) {
    text.split_once(';').map_or((text, None), |(before, behind)| (before, Some(behind)))
}

/// Up to the quote that ends it, and what stands behind that.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut chars) = (String::new(), text.chars());
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next()?),
            char => value.push(char),
        }
    }
}

/// [RFC 9110, section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)
fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

fn is_ascii_text(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether every client reads a `filename` of this as it is meant.
fn is_plain(text: &str) -> bool {
    is_ascii_text(text) && !percent_decoded(text).1.decoded
}

fn ascii(text: &str) -> String {
    text.chars().map(|char| if matches!(char, ' '..='~') { char } else { '?' }).collect()
}

/// [RFC 8187, section 3.2.1](https://www.rfc-editor.org/rfc/rfc8187#section-3.2.1), with some more characters encoded, as
/// the encoders of URLs do that readers know best.
fn encoded(text: &str) -> String {
    let mut value = String::from("UTF-8''");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            value.extend(['%', upper_hex(byte >> 4), upper_hex(byte & 0xf)]);
        }
    }
    value
}

fn upper_hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

/// `charset'language'value`; nothing where it is malformed or the charset is another one.
fn decoded_value(text: &str) -> Option<String> {
    let mut parts = text.splitn(3, '\'');
    let (charset, _, value) = (parts.next()?.to_ascii_lowercase(), parts.next()?, parts.next()?);
    match &*charset {
        "utf-8" | "utf8" => {
            let (bytes, seen) = percent_decoded(value);
            String::from_utf8(bytes).ok().filter(|_| !seen.malformed)
        }
        "iso-8859-1" => {
            // A character that should have been encoded is taken as it is: it is no byte of UTF-8.
            let mut chars = value.chars();
            let mut text = String::new();
            while let Some(char) = chars.next() {
                text.push(match char {
                    '%' => char::from(hex(chars.next()?)? << 4 | hex(chars.next()?)?),
                    char => char,
                });
            }
            Some(text)
        }
        _ => None,
    }
}

/// What decoding came across.
#[derive(Default)]
struct Percents {
    decoded: bool,
    /// One that two digits do not follow stays as it is.
    malformed: bool,
}

fn percent_decoded(text: &str) -> (Vec<u8>, Percents) {
    let (mut bytes, mut seen) = (Vec::with_capacity(text.len()), Percents::default());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let digit = |at: usize| after.get(at).and_then(|&byte| hex(char::from(byte)));
        rest = after;
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                seen.decoded = true;
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            _ => {
                seen.malformed |= *byte == b'%';
                bytes.push(*byte);
            }
        }
    }
    (bytes, seen)
}

fn hex(char: char) -> Option<u8> {
    char.to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Common file systems take 255 bytes; the rest is for what is added to a name, as ` (1)` or `.part`.
const MAX_NAME: usize = 240;

/// Longer ones are not taken for the ending of a name.
const MAX_ENDING: usize = 32;

/// A name for a file in whatever directory, made of what another has chosen.
fn safe(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next()?;
    // A drive with a path relative to where it stands.
    let name = match name.as_bytes() {
        [drive, b':', ..] if drive.is_ascii_alphabetic() => &name[2..],
        _ => name,
    };
    let kept = name.chars().filter(|char| !char.is_control() && !turns_text(*char));
    let name: String = kept.map(|char| if "<>:\"|?*".contains(char) { '_' } else { char }).collect();
    let is_blank = |char: char| char == '.' || char.is_whitespace();
    let mut name = no_device(name.trim_matches(is_blank).to_owned());
    if name.len() > MAX_NAME {
        let ending = name.rfind('.').filter(|at| name.len() - at <= MAX_ENDING).map_or("", |at| &name[at..]).to_owned();
        let mut end = MAX_NAME - ending.len();
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        name = no_device(name.trim_end_matches(is_blank).to_owned() + &ending);
    }
    Some(name).filter(|name| !name.is_empty())
}

/// Characters that show a name in another order than it has, or in several lines.
fn turns_text(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{feff}')
}

/// What Windows takes for a device, whatever ending it has, becomes a name.
fn no_device(name: String) -> String {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let is_port = port.is_some_and(|number| number.chars().count() == 1 && "0123456789¹²³".contains(number));
    if is_port || ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"].contains(&&*stem) {
        return format!("_{name}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_to_join_to_a_directory() {
        for (given, want) in [
            ("rates.pdf", Some("rates.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\dir\\evil.exe", Some("evil.exe")),
            ("C:evil.exe", Some("evil.exe")),
            ("..\\..", None),
            ("/", None),
            ("", None),
            (" . .. ", None),
            (".profile", Some("profile")),
            (". .a", Some("a")),
            ("a\0b\r\nc\u{85}\u{7f}.txt", Some("abc.txt")),
            ("cod\u{202e}fdp.exe", Some("codfdp.exe")),
            ("a.txt. . ", Some("a.txt")),
            ("a:b|c?.txt", Some("b_c_.txt")),
            ("ab:c<d>\"*", Some("ab_c_d___")),
            ("con", Some("_con")),
            ("Con .tar.gz", Some("_Con .tar.gz")),
            ("\u{1}NUL.txt", Some("_NUL.txt")),
            ("com1.x", Some("_com1.x")),
            ("LPT²", Some("_LPT²")),
            ("com10", Some("com10")),
            ("console", Some("console")),
            ("com", Some("com")),
            ("€ rates", Some("€ rates")),
            ("日本語.txt", Some("日本語.txt")),
        ] {
            assert_eq!(safe(given).as_deref(), want, "{given:?}");
        }
    }

    #[test]
    fn long_names_keep_their_endings() {
        for (given, ending) in [
            ("a".repeat(1000) + ".tar.gz", ".gz"),
            ("é".repeat(1000) + ".txt", "é.txt"),
            ("a".to_owned() + &".".repeat(1000) + "gz", "a.gz"),
            ("a".repeat(239) + "b." + &"c".repeat(400), "ab"),
            ("con.".to_owned() + &"x".repeat(300), "x"),
            ("con".to_owned() + &" ".repeat(300) + "x.txt", "_con.txt"),
        ] {
            let name = safe(&given).unwrap();
            assert!(name.len() <= MAX_NAME && name.ends_with(ending), "{name}");
            assert_eq!(safe(&name).as_deref(), Some(&*name));
        }
    }

    #[test]
    fn what_is_written_is_a_valid_field_that_reads_the_same() {
        for name in ["", "a", "a b", "a\"b\\", "%41", "%4", "€", "a\r\nSet-Cookie: b", "';=,", "\u{7f}", "Ä*'"] {
            for disposition in [
                ContentDisposition::attachment(name),
                ContentDisposition::attachment(name).without_fallback(),
                ContentDisposition::attachment(name).with_fallback("é\n"),
                ContentDisposition::new("Inline").with_file_name("x").with_file_name(name),
            ] {
                let field = disposition.to_string();
                assert!(is_ascii_text(&field), "{field:?}");
                let read = ContentDisposition::parse(&field);
                assert_eq!((read.kind(), read.file_name().as_deref()), (disposition.kind(), Some(name)), "{field}");
                assert_eq!(read.to_string(), field);
            }
        }
        let odd = ContentDisposition::parse("a b; x y=1; é=2; z=é\u{1}; z2=ok; w*=é; ");
        assert_eq!(odd.to_string(), "attachment; z*=UTF-8''%C3%A9%01; z2=ok");
    }

    #[test]
    fn fallbacks_are_for_names_that_need_them() {
        let name = ContentDisposition::attachment("€.txt");
        assert_eq!(
            name.clone().with_fallback("EUR.txt").to_string(),
            "attachment; filename=EUR.txt; filename*=UTF-8''%E2%82%AC.txt"
        );
        assert_eq!(name.without_fallback().to_string(), "attachment; filename*=UTF-8''%E2%82%AC.txt");
        assert_eq!(ContentDisposition::attachment("a").with_fallback("a").to_string(), "attachment; filename=a");
        assert_eq!(ContentDisposition::attachment("a").without_fallback().to_string(), "attachment; filename=a");
        assert_eq!(ContentDisposition::new("inline").with_fallback("a").to_string(), "inline");
    }

    #[test]
    fn fields_are_read_leniently() {
        for (field, kind, params) in [
            ("", "", &[][..]),
            (";;", "", &[]),
            ("  Attachment \t; A = b c ;a=d", "attachment", &[("a", "b c")]),
            ("a;b=\"c;d\\\"e\"f;g=h", "a", &[("b", "c;d\"e"), ("g", "h")]),
            ("a;b=\"c;d=e", "a", &[]),
            ("a;b=\"c\\", "a", &[]),
            ("a;=b;c;d==", "a", &[("", "b"), ("d", "=")]),
        ] {
            let read = ContentDisposition::parse(field);
            assert_eq!((read.kind(), read.params().collect::<Vec<_>>()), (kind, params.to_vec()), "{field}");
        }
        for (field, want) in [
            ("a;filename=b;filename*=UTF-8''%e2%82%ac", "€"),
            ("a;filename*=utf-8'en'c'd;filename=b", "c'd"),
            ("a;filename*=iso-8859-1''%A3", "£"),
            ("a;filename=b;filename*=UTF-8''%ff", "b"),
            ("a;filename=b;filename*=UTF-8''%f", "b"),
            ("a;filename=b;filename*=iso-8859-1''%f", "b"),
            ("a;filename=b;filename*=iso-8859-1''%+1", "b"),
            ("a;filename=b;filename*=koi8-r''c", "b"),
            ("a;filename=b;filename*=\"UTF-8''c\"", "b"),
            ("a;filename=b;filename*=c", "b"),
        ] {
            assert_eq!(ContentDisposition::parse(field).file_name().as_deref(), Some(want), "{field}");
        }
    }
}
