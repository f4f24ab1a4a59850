use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use tower::{Layer, ServiceExt};
use treq_proxy::{Proxies, ProxyLayer};
use treq_testing::{RawServer, Step};

use crate::support::{Echo, Net, proxy, target};

#[tokio::test]
async fn a_future_dropped_at_any_poll_closes_its_connection() {
    let challenge = "HTTP/1.1 407 No\r\nProxy-Authenticate: Own\r\nContent-Length: 5\r\n\r\nsorry";
    let tunnel =
        [Step::ReadHead, Step::SendPieces(vec![challenge[..9].to_owned().into(), challenge[9..].to_owned().into()])];
    let tunnel = [&tunnel[..], &[Step::ReadHead, Step::send("HTTP/1.1 200 OK\r\n"), Step::Stall]].concat();
    let socks = [3, 13].into_iter().zip([&b"\x05\x00"[..], b"\x05\x00\x00"]);
    let socks: Vec<Step> = socks.flat_map(|(len, reply)| [Step::ReadBytes(len), Step::send(reply)]).collect();
    for (address, script) in [("http://p", tunnel), ("socks5h://p", socks)] {
        let mut polls = 1;
        loop {
            let server = RawServer::builder().connection(script.clone()).repeat_last().start_in_memory();
            let proxy = proxy(address);
            let proxy = if address.starts_with("http") { proxy.auth(Echo::default()) } else { proxy };
            let connector = ProxyLayer::new(Proxies::all(proxy)).layer(Net::of(&server));
            let ended = {
                let mut connecting = pin!(connector.clone().oneshot(target("https://a.test")));
                let mut ended = false;
                for _ in 0..polls {
                    let polled = connecting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    ended = polled.is_ready();
                    if ended {
                        break;
                    }
                    for _ in 0..8 {
                        tokio::task::yield_now().await;
                    }
                }
                ended
            };
            assert!(!ended, "no script ends well");
            server.wait_closed().await;
            if polls > 8 {
                break;
            }
            polls += 1;
        }
    }
}

#[tokio::test]
async fn nothing_is_connected_before_the_first_poll() {
    let server = RawServer::builder().start_in_memory();
    let net = Net::of(&server);
    let mut connector = ProxyLayer::new(Proxies::all(proxy("p"))).layer(net.clone());
    drop(tower_service::Service::call(&mut connector, target("https://a.test")));
    assert!(net.asked().is_empty());
}
