/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Those who may read the file that is replaced; of a new one, whoever the umask lets.
    Ordinary,
    /// Its owner alone: it holds secrets.
    Private,
}
