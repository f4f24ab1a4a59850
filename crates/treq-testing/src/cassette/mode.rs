/// What a cassette does with a request that it does not know, and when it records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Plays what is recorded; any other request is refused. The file must be there. For continuous integration.
    Replay,
    /// Records while there is no file; from then on it plays, as [`Replay`](Mode::Replay). The default.
    #[default]
    Once,
    /// Plays what is recorded, and records what is not, behind it.
    New,
    /// Records everything, in place of what was recorded before.
    Always,
}
