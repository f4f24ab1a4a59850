/// The access to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// As for the file that is replaced; for a new one, as the umask allows.
    Ordinary,
    /// For its owner alone: the file holds secrets.
    Private,
}
