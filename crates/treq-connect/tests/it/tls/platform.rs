//! What depends on the environment runs in a process of its own: this test binary once more, for one test.

use std::ffi::OsStr;
use std::process::Command;

use treq_connect::TlsConfig;

use super::{Authority, Server, through};
use crate::support::Scratch;

const URL: &str = "https://api.test/";
const CHILD: &str = "TREQ_CONNECT_TEST_DIRECTORY";

/// Inside the child: the directory that was handed over.
fn handed_over() -> Option<std::path::PathBuf> {
    std::env::var_os(CHILD).map(Into::into)
}

/// Runs one test of this module again, with `scratch` handed over and one more variable set.
fn again(test: &str, scratch: &Scratch, variable: &str, value: impl AsRef<OsStr>) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("tls::platform::{test}")])
        .env_remove("SSL_CERT_DIR")
        .env_remove("SSL_CERT_FILE")
        .env(CHILD, scratch.path(""))
        .env(variable, value)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

#[cfg(all(unix, not(target_vendor = "apple")))]
#[tokio::test]
async fn follows_the_platform_and_names_the_remedy_where_it_has_no_roots() {
    use treq_core::{Kind, Resend};

    let Some(directory) = handed_over() else {
        let scratch = Scratch::new();
        let roots = scratch.file("roots.pem", "");
        return again(
            "follows_the_platform_and_names_the_remedy_where_it_has_no_roots",
            &scratch,
            "SSL_CERT_FILE",
            roots,
        );
    };
    let authority = Authority::new("ours");
    let server = Server::new(&authority.issue(&["api.test"])).await;
    let config = TlsConfig::default();
    assert!(!server.connect(&config, "http://api.test/").await.unwrap().io.is_tls());

    let error = server.connect(&config, URL).await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Tls, Resend::Safe));
    for remedy in ["ca-certificates", "SSL_CERT_FILE", "TlsConfig::builder().roots"] {
        assert!(error.to_string().contains(remedy), "{error}");
    }
    assert!(error.find::<rustls::Error>().is_some());

    // Roots of one's own do without the platform's.
    let added = TlsConfig::builder().add_roots([authority.certificate()]).build().unwrap();
    through(&server, &added, URL).await;

    // The failure was not kept: once there are roots, the same configuration serves.
    std::fs::write(directory.join("roots.pem"), authority.pem()).unwrap();
    through(&server, &config, URL).await;

    // Those of the platform stay beside added ones, and go where others are put in their place.
    let other = Authority::new("other").certificate();
    let added = TlsConfig::builder().add_roots([other.clone()]).build().unwrap();
    through(&server, &added, URL).await;
    let replaced = TlsConfig::builder().roots([other]).build().unwrap();
    assert_eq!(server.connect(&replaced, URL).await.unwrap_err().kind(), Kind::Tls);
}

#[tokio::test]
async fn logs_keys_only_where_asked_to() {
    let Some(directory) = handed_over() else {
        let scratch = Scratch::new();
        let log = scratch.path("keys.log");
        return again("logs_keys_only_where_asked_to", &scratch, "SSLKEYLOGFILE", log);
    };
    let log = directory.join("keys.log");
    let authority = Authority::new("ours");
    let server = Server::new(&authority.issue(&["api.test"])).await;
    let builder = || TlsConfig::builder().roots([authority.certificate()]);
    through(&server, &builder().build().unwrap(), URL).await;
    assert!(!log.exists());
    through(&server, &builder().key_log(true).build().unwrap(), URL).await;
    let logged = std::fs::read_to_string(log).unwrap();
    assert!(logged.contains("CLIENT_TRAFFIC_SECRET_0 "), "{logged}");
}
