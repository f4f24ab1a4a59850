use tokio::sync::watch;

/// How many connections were made, and how many of them the client still holds.
#[derive(Clone, Debug)]
pub(crate) struct Counts(watch::Sender<Count>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    made: usize,
    open: usize,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts(watch::Sender::new(Count::default()))
    }
}

impl Counts {
    /// Counts one more connection, open for as long as the guard lives.
    pub(crate) fn opened(&self) -> OpenGuard {
        self.0.send_modify(|count| {
            count.made += 1;
            count.open += 1;
        });
        OpenGuard(self.clone())
    }

    pub(crate) fn made(&self) -> usize {
        self.0.borrow().made
    }

    pub(crate) fn open(&self) -> usize {
        self.0.borrow().open
    }

    /// Waits until none is open.
    pub(crate) async fn none_open(&self) {
        // The sender lives in `self`: the channel cannot be closed meanwhile.
        let _ = self.0.subscribe().wait_for(|count| count.open == 0).await;
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct OpenGuard(Counts);

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.open -= 1);
    }
}
