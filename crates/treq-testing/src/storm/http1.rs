//! HTTP/1.1 written by hand, so that it can be broken at any point.

use std::io;
use std::time::Duration;

use http::Method;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::plan::{Deed, parse, pause};
use super::{Ledger, Storm};
use crate::Random;

pub(super) struct Connection<IO> {
    io: IO,
    random: Random,
    ledger: Ledger,
    /// The bytes that were read and belong to no request yet.
    ahead: Vec<u8>,
}

struct Head {
    method: Method,
    id: u64,
    hops: u64,
    length: Option<usize>,
    is_chunked: bool,
    expects: bool,
    closes: bool,
}

/// True if the connection goes on.
type Goes = io::Result<bool>;

impl<IO: AsyncRead + AsyncWrite + Send + Unpin> Connection<IO> {
    pub(super) fn new(io: IO, random: Random, ledger: Ledger) -> Connection<IO> {
        Connection { io, random, ledger, ahead: Vec::new() }
    }

    pub(super) async fn serve(mut self) -> io::Result<()> {
        loop {
            // Now and then it is closed while it is idle, or while a request is on its way.
            if self.random.one_in(15) {
                let patience = Duration::from_millis(self.random.below(40) as u64);
                if let Ok(read) = tokio::time::timeout(patience, self.fill()).await {
                    read?;
                } else {
                    return Ok(());
                }
            }
            let Some(head) = self.head().await? else { return Ok(()) };
            pause(&mut self.random, 20).await;
            let deed = Deed::by(&mut self.random);
            if !self.one(&head, deed).await? || head.closes {
                // In order, or with what the client still sends unread.
                if self.random.one_in(2) {
                    self.io.shutdown().await?;
                    let _ = tokio::time::timeout(
                        Duration::from_secs(1),
                        tokio::io::copy(&mut self.io, &mut tokio::io::sink()),
                    )
                    .await;
                }
                return Ok(());
            }
        }
    }

    async fn one(&mut self, head: &Head, deed: Deed) -> Goes {
        match deed {
            Deed::Die | Deed::Refuse => Ok(false),
            Deed::Stall => {
                tokio::io::copy(&mut self.io, &mut tokio::io::sink()).await?;
                Ok(false)
            }
            Deed::Garbage => {
                let garbage: &[&[u8]] = &[
                    b"SSH-2.0-OpenSSH\r\n",
                    b"HTTP/1.1 2000 OK\r\n\r\n",
                    b"\0\0\x12\x04\0",
                    b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                ];
                let bytes = *self.random.pick(garbage);
                self.send(bytes).await?;
                Ok(false)
            }
            Deed::Early => {
                let status =
                    *self.random.pick(&["413 Content Too Large", "401 Unauthorized", "417 Expectation Failed"]);
                self.send(
                    format!("HTTP/1.1 {status}\r\nX-Storm: {}\r\nContent-Length: 3\r\n\r\nno!", head.id).as_bytes(),
                )
                .await?;
                // What was announced and not read is of no use to anybody.
                Ok(head.length.unwrap_or(0) == 0 && !head.is_chunked)
            }
            Deed::DieActing => {
                if let Some(body) = self.body(head).await? {
                    self.ledger.act(&head.method, head.id, &body);
                    let some = if self.random.one_in(3) { self.random.below(12) } else { 0 };
                    self.send(&b"HTTP/1.1 200"[..some]).await?;
                }
                Ok(false)
            }
            Deed::Redirect if head.hops < 3 => {
                if self.body(head).await?.is_none() {
                    return Ok(false);
                }
                let status = *self.random.pick(&[301, 302, 303, 307, 308]);
                let host = *self.random.pick(&Storm::HOSTS);
                let location = format!("http://{host}/s/{}/{}", head.id, head.hops + 1);
                self.send(
                    format!("HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").as_bytes(),
                )
                .await?;
                Ok(true)
            }
            Deed::Busy | Deed::Challenge => {
                if self.body(head).await?.is_none() {
                    return Ok(false);
                }
                let fields = match deed {
                    Deed::Busy => {
                        *self.random.pick(&["503 Busy\r\nRetry-After: 1", "429 Busy\r\nRetry-After: 0", "503 Busy"])
                    }
                    _ => "401 No\r\nWWW-Authenticate: Basic realm=\"storm\"",
                };
                self.send(format!("HTTP/1.1 {fields}\r\nX-Storm: {}\r\nContent-Length: 0\r\n\r\n", head.id).as_bytes())
                    .await?;
                Ok(true)
            }
            Deed::Serve | Deed::Interim | Deed::Cut | Deed::GoAway | Deed::Redirect => {
                if deed == Deed::Interim {
                    for _ in 0..self.random.below(5) {
                        self.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n").await?;
                        pause(&mut self.random, 5).await;
                    }
                }
                let Some(body) = self.body(head).await? else { return Ok(false) };
                self.ledger.act(&head.method, head.id, &body);
                self.respond(head, deed).await
            }
        }
    }

    async fn respond(&mut self, head: &Head, deed: Deed) -> Goes {
        let content = Storm::content(head.id);
        let has_body = head.method != Method::HEAD;
        let closes = deed == Deed::GoAway;
        let mut fields =
            format!("X-Storm: {}\r\nX-Length: {}\r\nSet-Cookie: s{}=1\r\n", head.id, content.len(), head.id % 5);
        if closes {
            fields.push_str("Connection: close\r\n");
        }
        let framing = self.random.below(if closes { 3 } else { 2 });
        let wire = match framing {
            0 => {
                fields.push_str(&format!("Content-Length: {}\r\n", content.len()));
                content
            }
            1 => {
                fields.push_str("Transfer-Encoding: chunked\r\n");
                self.chunks(&content)
            }
            _ => content,
        };
        self.send(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes()).await?;
        if !has_body {
            return Ok(!closes);
        }
        if deed == Deed::Cut && wire.len() > 1 {
            let cut = self.random.below(wire.len() - 1);
            self.send(&wire[..cut]).await?;
            return Ok(false);
        }
        self.send(&wire).await?;
        Ok(!closes)
    }

    fn chunks(&mut self, content: &[u8]) -> Vec<u8> {
        let (mut wire, size) = (Vec::new(), *self.random.pick(&[7, 1_000, 40_000]));
        // Small chunks of much are as many writes.
        for chunk in content.chunks(if content.len() > 10_000 { 40_000 } else { size }) {
            wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            wire.extend_from_slice(chunk);
            wire.extend_from_slice(b"\r\n");
        }
        let trailers = if self.random.one_in(3) { "X-Sum: 7\r\n" } else { "" };
        wire.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
        wire
    }

    /// Sends in pieces, with pauses between some of them.
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let most = if self.random.one_in(3) { 20 } else { 60_000 };
            let (piece, after) = rest.split_at(rest.len().min(1 + self.random.below(most)));
            self.io.write_all(piece).await?;
            rest = after;
            if self.random.one_in(4) {
                pause(&mut self.random, 10).await;
            }
        }
        self.io.flush().await
    }

    /// Reads more; returns false at the end of the stream.
    async fn fill(&mut self) -> io::Result<bool> {
        let mut room = [0; 16 * 1024];
        let count = self.io.read(&mut room).await?;
        self.ahead.extend_from_slice(&room[..count]);
        Ok(count > 0)
    }

    async fn head(&mut self) -> io::Result<Option<Head>> {
        let Some(text) = self.until(b"\r\n\r\n").await? else { return Ok(None) };
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let method = words.next().and_then(|word| word.parse().ok());
        let (Some(method), Some((id, hops))) = (method, words.next().and_then(parse)) else { return Ok(None) };
        let mut head = Head { method, id, hops, length: None, is_chunked: false, expects: false, closes: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = value.trim().parse().ok(),
                "transfer-encoding" => head.is_chunked = true,
                "expect" => head.expects = true,
                "connection" => head.closes = value.trim().eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        Ok(Some(head))
    }

    /// Reads the whole body; returns `None` if the client has gone before its end.
    async fn body(&mut self, head: &Head) -> io::Result<Option<Vec<u8>>> {
        if head.expects && self.random.one_in(2) {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        if head.is_chunked {
            return self.chunked().await;
        }
        let length = head.length.unwrap_or(0);
        while self.ahead.len() < length {
            if !self.fill().await? {
                return Ok(None);
            }
        }
        Ok(Some(self.ahead.drain(..length).collect()))
    }

    async fn chunked(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut body = Vec::new();
        loop {
            let Some(line) = self.line().await? else { return Ok(None) };
            let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16);
            let size = size.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if size == 0 {
                // The trailers, up to an empty line.
                while let Some(line) = self.line().await? {
                    if line.is_empty() {
                        return Ok(Some(body));
                    }
                }
                return Ok(None);
            }
            while self.ahead.len() < size + 2 {
                if !self.fill().await? {
                    return Ok(None);
                }
            }
            body.extend(self.ahead.drain(..size));
            self.ahead.drain(..2);
        }
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        self.until(b"\r\n").await
    }

    /// Reads up to and including `mark`; returns the text before it, or `None` if the client has gone.
    async fn until(&mut self, mark: &[u8]) -> io::Result<Option<String>> {
        let end = loop {
            if let Some(end) = self.ahead.windows(mark.len()).position(|bytes| bytes == mark) {
                break end;
            }
            if !self.fill().await? {
                return Ok(None);
            }
        };
        let text = String::from_utf8_lossy(&self.ahead[..end]).into_owned();
        self.ahead.drain(..end + mark.len());
        Ok(Some(text))
    }
}
