use tokio::sync::watch;

/// How many connections a [`Server`](crate::Server) has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connections {
    /// Accepted since the start.
    pub accepted: usize,
    /// Open now.
    pub open: usize,
}

/// The counter behind [`Connections`].
#[derive(Clone, Debug)]
pub(crate) struct Counts(watch::Sender<Connections>);

impl Default for Counts {
    fn default() -> Counts {
        Counts(watch::Sender::new(Connections::default()))
    }
}

impl Counts {
    /// Counts one more, open for as long as the guard lives.
    pub(crate) fn accepted(&self) -> OpenGuard {
        self.0.send_modify(|counts| {
            counts.accepted += 1;
            counts.open += 1;
        });
        OpenGuard(self.clone())
    }

    pub(crate) fn now(&self) -> Connections {
        *self.0.borrow()
    }

    pub(crate) async fn wait(&self, until: impl Fn(Connections) -> bool) {
        // The sender lives in `self`: the channel cannot be closed meanwhile.
        let _ = self.0.subscribe().wait_for(|counts| until(*counts)).await;
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct OpenGuard(Counts);

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.0.send_modify(|counts| counts.open -= 1);
    }
}
