use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;

use crate::FaultyIo;
use crate::pipe::ServerEnd;

/// The server's end of a connection, on a socket or in memory.
pub(super) enum Wire {
    Socket(FaultyIo<TcpStream>),
    Pipe(ServerEnd),
}

impl Wire {
    /// Reads what there is; 0 once the client has closed.
    pub(super) async fn read(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        match self {
            Wire::Socket(socket) => socket.read_buf(buffer).await,
            Wire::Pipe(end) => end.read_buf(buffer).await,
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Wire::Socket(socket) => socket.write_all(bytes).await,
            Wire::Pipe(end) => end.write_all(bytes).await,
        }
    }

    /// Lets what was written go its way alone, as far as can be told.
    pub(super) async fn settle(&mut self) {
        match self {
            // Without Nagle's algorithm each write is a segment of its own; the yield lets a reader on this thread
            // see it first.
            Wire::Socket(_) => tokio::task::yield_now().await,
            Wire::Pipe(end) => end.drained().await,
        }
    }

    pub(super) async fn shut_down(&mut self) -> io::Result<()> {
        match self {
            Wire::Socket(socket) => socket.shutdown().await,
            Wire::Pipe(end) => end.shutdown().await,
        }
    }

    /// Closes in order, into `buffer` what has already arrived: a socket closed over unread bytes sends a reset, which
    /// can destroy what was written before.
    pub(super) async fn close(mut self, buffer: &mut BytesMut) {
        match &mut self {
            Wire::Socket(socket) if socket.is_broken() => return self.reset(),
            Wire::Socket(socket) => {
                let socket = socket.get_ref();
                while socket.try_read_buf(buffer).is_ok_and(|read| read > 0) {}
            }
            // Unconstrained: a budget that is spent would look like a pipe that is empty.
            Wire::Pipe(end) => tokio::task::unconstrained(take_arrived(end, buffer)).await,
        }
        // The client may be gone already.
        let _ = self.shut_down().await;
    }

    pub(super) fn reset(self) {
        match self {
            Wire::Socket(socket) => {
                // It fails only for a socket that is dead already.
                let _ = socket.get_ref().set_zero_linger();
            }
            Wire::Pipe(end) => end.reset(),
        }
    }

    /// Waits until the client has closed, without reading.
    pub(super) async fn client_closed(&self) {
        match self {
            Wire::Pipe(end) => end.client_gone().await,
            Wire::Socket(socket) => loop {
                let socket = socket.get_ref();
                match socket.ready(Interest::READABLE).await {
                    Ok(ready) if !ready.is_read_closed() => {
                        // There are bytes, which stay unread. To say "would block" is what makes tokio wait for the
                        // socket's next event instead of telling of this one again.
                        let unread = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
                        let _ = socket.try_io(Interest::READABLE, unread);
                    }
                    _ => return,
                }
            },
        }
    }
}

/// Reads until the pipe is empty, without waiting for more; one that another thread fills for ever is left at a MiB.
async fn take_arrived(end: &mut ServerEnd, buffer: &mut BytesMut) {
    let limit = buffer.len() + (1 << 20);
    while buffer.len() < limit {
        tokio::select! {
            biased;
            read = end.read_buf(buffer) => if !matches!(read, Ok(1..)) { return },
            () = std::future::ready(()) => return,
        }
    }
}
