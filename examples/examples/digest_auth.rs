//! cargo run -p examples --example digest_auth
//!
//! Digest credentials: the password never goes over the wire, and one challenge serves several requests.
#![allow(clippy::print_stdout)] // Examples print.

use treq::auth::{AuthLayer, Digest};
use treq::{Client, Origin};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;

    for path in ["/digest-auth/auth/treq/s3cret", "/digest-auth/auth/treq/s3cret/SHA-256"] {
        let response = treq::get(base.url(path)).auth(Digest::new("treq", "s3cret")).await?;
        println!("{path}: {}", response.status());
        examples::expect(response.status() == 200, "the server to be content")?;
    }
    let url = base.url("/digest-auth/auth/treq/s3cret");
    println!("a wrong password: {}", treq::get(&url).auth(Digest::new("treq", "guess")).await?.status());

    // Credentials that a client has for an origin, which remembers the challenge.
    let auth = AuthLayer::new().credentials(Origin::from_uri(&url.parse()?)?, Digest::new("treq", "s3cret"));
    let client = Client::builder().auth_layer(auth).build()?;
    for _ in 0..2 {
        println!("a client: {}", client.get(&url).await?.status());
    }
    Ok(())
}
