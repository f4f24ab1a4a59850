use std::iter::Peekable;
use std::str::CharIndices;

use treq_core::Error;

use super::Entry;
use crate::AuthErrorReason;
use crate::error::unusable;

/// The longest text, in bytes.
pub(super) const TEXT_LEN: usize = 64 * 1024;

/// The longest line, in bytes.
const LINE_LEN: usize = 4 * 1024;

pub(super) fn entries(text: &str) -> Result<Vec<Entry>, Error> {
    if text.len() > TEXT_LEN {
        return Err(malformed(format!("a netrc of {} bytes is too long: the limit is {TEXT_LEN}", text.len())));
    }
    if let Some(at) = text.split('\n').position(|line| line.len() > LINE_LEN) {
        return Err(malformed(format!("line {} of a netrc is too long: the limit is {LINE_LEN} bytes", at + 1)));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut words = Words { text, chars: text.char_indices().peekable() };
    let mut entries: Vec<Entry> = Vec::new();
    while let Some(word) = words.keyword()? {
        match (&*word, entries.last_mut()) {
            ("machine", _) => {
                let host = words.next()?.filter(|host| !host.is_empty());
                let host = host.ok_or_else(|| words.fault("\"machine\" without a name"))?;
                entries.push(Entry { host: Some(host.into()), ..Entry::default() });
            }
            ("default", _) => entries.push(Entry::default()),
            ("macdef", _) => words.skip_macro()?,
            ("login" | "user", Some(entry)) => entry.login = words.next()?.unwrap_or_default().into(),
            ("account", Some(entry)) => entry.account = words.next()?.unwrap_or_default().into(),
            ("password", Some(entry)) => entry.password = words.next()?.map(Box::from),
            _ => return Err(words.fault("a word that is no keyword")),
        }
    }
    Ok(entries)
}

struct Words<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
}

impl Words<'_> {
    /// The next word that is not in a comment.
    fn keyword(&mut self) -> Result<Option<String>, Error> {
        loop {
            self.skip_space();
            match self.chars.peek() {
                Some((_, '#')) => self.skip_line(),
                Some(_) => return self.next(),
                None => return Ok(None),
            }
        }
    }

    /// The next word.
    fn next(&mut self) -> Result<Option<String>, Error> {
        self.skip_space();
        let quoted = match self.chars.peek() {
            None => return Ok(None),
            Some((_, first)) => *first == '"',
        };
        if quoted {
            self.chars.next();
        }
        let mut word = String::new();
        while let Some((_, next)) = self.chars.next_if(|(_, next)| quoted && *next != '\n' || !is_space(*next)) {
            match next {
                '"' if quoted => return Ok(Some(word)),
                '\\' => word.extend(self.chars.next_if(|(_, next)| *next != '\n').map(|(_, next)| next)),
                _ => word.push(next),
            }
        }
        if quoted {
            return Err(self.fault("a quote that is not closed"));
        }
        Ok(Some(word))
    }

    /// A macro goes up to an empty line.
    fn skip_macro(&mut self) -> Result<(), Error> {
        self.next()?;
        self.skip_line();
        while self.chars.peek().is_some() {
            let start = self.place();
            self.skip_line();
            if self.text[start..self.place()].trim_end_matches(['\r', '\n']).is_empty() {
                return Ok(());
            }
        }
        Err(self.fault("a macro without an empty line at its end"))
    }

    fn skip_space(&mut self) {
        while self.chars.next_if(|(_, next)| is_space(*next)).is_some() {}
    }

    /// Up to the next line.
    fn skip_line(&mut self) {
        while self.chars.next_if(|(_, next)| *next != '\n').is_some() {}
        self.chars.next();
    }

    fn place(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    /// Names the line, but not what stands there.
    fn fault(&mut self, what: &str) -> Error {
        let place = self.place();
        let line = self.text[..place].matches('\n').count() + 1;
        malformed(format!("line {line} of a netrc: {what}"))
    }
}

fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\r' | '\n')
}

fn malformed(message: String) -> Error {
    unusable(AuthErrorReason::Syntax, message)
}
