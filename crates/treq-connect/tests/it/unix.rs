use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tower::ServiceExt;
use treq_connect::UnixConnect;
use treq_core::{Kind, Peer, Resend};

use crate::support::{Scratch, target};

#[tokio::test]
async fn goes_to_its_socket_whatever_the_target() {
    let scratch = Scratch::new();
    let path = scratch.path("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let connect = UnixConnect::new(&path);
    for url in ["http://api.test/", "https://[::1]:8443/"] {
        let mut connected = connect.clone().oneshot(target(url)).await.unwrap();
        assert_eq!(connected.peer, Peer::Unix(path.as_path().into()));
        connected.io.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        listener.accept().await.unwrap().0.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
    }
}

#[tokio::test]
async fn names_the_path_where_there_is_no_socket() {
    let scratch = Scratch::new();
    let path = scratch.path("nobody");
    let error = UnixConnect::new(&path).oneshot(target("http://api.test/")).await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Connect, Resend::Safe));
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert_eq!(error.find::<io::Error>().unwrap().kind(), io::ErrorKind::NotFound);
}
