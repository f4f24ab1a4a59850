mod file;
mod syntax;

use std::fmt;
use std::path::Path;

use treq_core::{Error, Origin};

use crate::Basic;

/// Names and passwords of a `.netrc` file
/// ([GNU inetutils](https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html)).
///
/// Words are parted by spaces and line ends; quotes hold one with spaces together, a backslash takes the next character
/// as it is, `#` begins a comment up to the end of the line where a keyword might stand; the lines of a `macdef` up to
/// an empty one are left out. Hosts are compared without regard to case, ports do not count. The first entry of a host
/// is taken; `default` is for hosts that have none. An entry without password gives nothing, and no other entry's
/// password in its stead.
///
/// ```
/// use treq_auth::Netrc;
///
/// let netrc = Netrc::parse("machine a.test login alice password \"two words\"\ndefault login anonymous password x")?;
/// let entry = netrc.find("A.test", None).unwrap();
/// assert_eq!((entry.login(), entry.password()), ("alice", Some("two words")));
/// assert_eq!(netrc.find("b.test", None).unwrap().login(), "anonymous");
/// assert!(netrc.find("a.test", Some(b"bob")).is_none());
/// # Ok::<(), treq_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Netrc {
    entries: Vec<Entry>,
}

/// What a `.netrc` file says of one host. `Debug` shows the host alone: the login may be a token.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// `None` for `default`.
    host: Option<Box<str>>,
    login: Box<str>,
    account: Box<str>,
    password: Option<Box<str>>,
}

impl Netrc {
    /// Reads the text of such a file.
    ///
    /// # Errors
    ///
    /// [`AuthErrorReason::Syntax`](crate::AuthErrorReason::Syntax), with the number of the line but none of its words: an unknown keyword, a
    /// quote that is not closed, a macro without the empty line at its end, more than 64 KiB, a line of more than 4 KiB.
    pub fn parse(text: &str) -> Result<Netrc, Error> {
        syntax::entries(text).map(|entries| Netrc { entries })
    }

    /// Reads this file.
    ///
    /// # Errors
    ///
    /// [`AuthErrorReason::File`](crate::AuthErrorReason::File): it cannot be read, is no UTF-8, or it holds a password and, on Unix, belongs to
    /// another user or its mode allows others to read or write it. And those of [`parse`](Netrc::parse).
    pub fn load(path: impl AsRef<Path>) -> Result<Netrc, Error> {
        file::load(path.as_ref())
    }

    /// Reads the file that the variable `NETRC` names, or else `.netrc` in the home directory (`_netrc` on Windows);
    /// one that is not there has no entries.
    ///
    /// # Errors
    ///
    /// As [`load`](Netrc::load); that the file is missing is one where `NETRC` names it.
    pub fn from_user() -> Result<Netrc, Error> {
        file::from_user()
    }

    /// The entry of a host, or of one of its users. None where the host has entries and none of this user, and none
    /// where the host has none and there is no `default`, or `default` is another user's.
    pub fn find(&self, host: &str, login: Option<&[u8]>) -> Option<&Entry> {
        let is_host = |entry: &&Entry| entry.host.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(host));
        let is_user = |entry: &&Entry| login.is_none_or(|login| entry.login.as_bytes() == login);
        if self.entries.iter().any(|entry| is_host(&entry)) {
            return self.entries.iter().filter(is_host).find(is_user);
        }
        self.entries.iter().find(|entry| entry.host.is_none()).filter(is_user)
    }

    /// All entries in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What to send to an origin, for this user or whatever one the file names.
    pub(crate) fn basic(&self, origin: &Origin, login: Option<&[u8]>) -> Result<Option<Basic>, Error> {
        match self.find(origin.host(), login) {
            Some(Entry { login, password: Some(password), .. }) => {
                Basic::new(login.as_bytes(), password.as_bytes()).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl Entry {
    /// The host's name as it stands in the file; `None` for `default`.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The user's name, possibly empty.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// The account, which HTTP has no use for.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The password, where there is one.
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("host", &self.host).finish_non_exhaustive()
    }
}

impl fmt::Debug for Netrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Netrc").field(&self.entries).finish()
    }
}
