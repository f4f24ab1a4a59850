use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A SOCKS5 proxy ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928)) on loopback, for one user
/// ([RFC 1929](https://www.rfc-editor.org/rfc/rfc1929)), that leads to one server wherever one wants to go. It ends when
/// this is dropped.
#[derive(Debug)]
pub struct Socks {
    addr: SocketAddr,
    asked: Asked,
    accepting: JoinHandle<()>,
}

/// The places that clients wanted to go to, as they said them.
type Asked = Arc<Mutex<Vec<String>>>;

impl Socks {
    /// Starts one on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// Where no socket can be bound, and where user name or password are longer than the protocol's 255 bytes.
    pub async fn start(server: &str, user: &str, password: &str) -> io::Result<Socks> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (addr, asked) = (listener.local_addr()?, Asked::default());
        let length = |text: &str| u8::try_from(text.len()).map_err(io::Error::other);
        let wanted = [&[1, length(user)?], user.as_bytes(), &[length(password)?], password.as_bytes()].concat();
        let (server, seen) = (server.to_owned(), Arc::clone(&asked));
        let accepting = tokio::spawn(async move {
            // They end with this task.
            let mut clients = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                while clients.try_join_next().is_some() {}
                let (server, wanted, seen) = (server.clone(), wanted.clone(), Arc::clone(&seen));
                // What goes wrong with one client is that client's to notice.
                clients.spawn(async move { serve(client, &server, &wanted, &seen).await });
            }
        });
        Ok(Socks { addr, asked, accepting })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The hosts and ports that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Socks {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut client: TcpStream, server: &str, wanted: &[u8], asked: &Asked) -> io::Result<()> {
    let [5, methods] = read(&mut client).await? else { return Ok(()) };
    read_vec(&mut client, methods.into()).await?;
    // User name and password, whatever else is offered.
    client.write_all(&[5, 2]).await?;
    let [version, user] = read(&mut client).await?;
    let name = read_vec(&mut client, user.into()).await?;
    let [length] = read(&mut client).await?;
    let password = read_vec(&mut client, length.into()).await?;
    if [&[version, user], &name[..], &[length], &password[..]].concat() != wanted {
        return client.write_all(&[1, 1]).await;
    }
    client.write_all(&[1, 0]).await?;

    let [5, 1, 0, kind] = read(&mut client).await? else { return Ok(()) };
    let host = match kind {
        1 => std::net::Ipv4Addr::from(read::<4>(&mut client).await?).to_string(),
        3 => {
            let [length] = read(&mut client).await?;
            String::from_utf8_lossy(&read_vec(&mut client, length.into()).await?).into_owned()
        }
        _ => format!("[{}]", Ipv6Addr::from(read::<16>(&mut client).await?)),
    };
    let port = u16::from_be_bytes(read(&mut client).await?);
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{host}:{port}"));

    let mut behind = TcpStream::connect(server).await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut behind).await?;
    Ok(())
}

async fn read<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn read_vec(client: &mut TcpStream, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}
