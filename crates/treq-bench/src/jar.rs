//! treq's default client with cookies in its jar.

use std::net::SocketAddr;
use std::time::SystemTime;

use treq::connect::TcpConnect;
use treq::{Client, Jar};
use treq_cookies::Limits;

use crate::{Failure, check};

/// Cookies of the first sites, the one that is asked among them, and of all others.
const MORE: usize = 4;
const FEWER: usize = 3;

/// 10 cookies of 3 sites.
pub(crate) async fn small(count: usize, url: &str) -> Result<(), Failure> {
    fetch(count, url, jar(3, 1)?).await
}

/// 100,000 cookies of 30,000 sites.
pub(crate) async fn full(count: usize, url: &str) -> Result<(), Failure> {
    fetch(count, url, jar(30_000, 10_000)?).await
}

/// The first `rich` of so many sites have [`MORE`] cookies, the others [`FEWER`].
fn jar(sites: usize, rich: usize) -> Result<Jar, Failure> {
    let total = sites * FEWER + rich * (MORE - FEWER);
    let (jar, now) = (Jar::with_limits(Limits::new().total(total)), SystemTime::now());
    for site in 0..sites {
        let url = format!("http://{}/", host(site)).parse()?;
        for cookie in 0..if site < rich { MORE } else { FEWER } {
            let field = format!("name{cookie}=0123456789abcdef; Domain=site{site}.test; Path=/; Max-Age=86400");
            jar.set_cookie_at(field.as_bytes(), &url, now);
        }
    }
    if jar.len() == total { Ok(jar) } else { Err(format!("{} cookies, not {total}", jar.len()).into()) }
}

fn host(site: usize) -> String {
    format!("www.site{site}.test")
}

/// The bench's server under the name of the first site.
async fn fetch(count: usize, url: &str, jar: Jar) -> Result<(), Failure> {
    let server: http::Uri = url.parse()?;
    let address: SocketAddr = server.authority().ok_or("no authority")?.as_str().parse()?;
    let url = format!("http://{}:{}{}", host(0), address.port(), server.path());
    let sent = jar.cookies_for(&url.parse()?).len();
    if sent != MORE {
        return Err(format!("{sent} cookies are sent, not {MORE}").into());
    }
    let tcp = TcpConnect::new().resolve_to(&host(0), [address]);
    let client = Client::builder().tcp(tcp).jar(jar).build()?;
    for _ in 0..count {
        check(client.get(&url).await?.content().await?)?;
    }
    Ok(())
}
