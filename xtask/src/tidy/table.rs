//! Which crate may depend on what, and name what. A new crate, or a new dependency, is a line here, with a reader.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The vocabulary: nothing of the workspace below it.
    Core,
    /// How files are written: nothing of the workspace below it, and [`WRITE_FILES`] above it.
    Files,
    /// One concern; of the workspace it knows the vocabulary only.
    Layer,
    /// Stubs and checks for the others' tests; of the workspace it knows the vocabulary only.
    Testing,
    /// The paved path over all of them.
    Umbrella,
}

/// Besides the umbrella, the crates that write files. All other layers depend on the vocabulary alone.
pub(crate) const WRITE_FILES: &[&str] = &["treq-cookies", "treq-testing"];

/// A published crate.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    /// Every foreign crate it may depend on outside of tests. The umbrella answers to the fences only.
    pub(crate) may_use: Option<&'static [&'static str]>,
    /// Crates of the workspace that its tests may use beside `treq-testing`, each with its reason.
    pub(crate) tests_use: &'static [(&'static str, &'static str)],
    /// Crates that its public signatures may name beside [`COMMON`]. The umbrella hands out its parts' types.
    pub(crate) may_name: Option<&'static [&'static str]>,
}

pub(crate) const PUBLISHED: &[Row] = &[
    Row {
        name: "treq-core",
        role: Role::Core,
        may_use: Some(&[
            "bytes",
            "futures-core",
            "http",
            "http-body",
            "percent-encoding",
            "pin-project-lite",
            "sync_wrapper",
            "url",
        ]),
        tests_use: &[],
        may_name: Some(&["futures_core"]),
    },
    Row {
        name: "treq-file",
        role: Role::Files,
        may_use: Some(&["rustix", "tempfile"]),
        tests_use: &[],
        may_name: Some(&[]),
    },
    Row {
        name: "treq-connect",
        role: Role::Layer,
        // http, hyper and hyper-util for the adapters of its feature `hyper`, which nothing here switches on but tests.
        may_use: Some(&[
            "bytes",
            "http",
            "hyper",
            "hyper-util",
            "pin-project-lite",
            "rustls",
            "rustls-platform-verifier",
            "socket2",
            "tokio",
            "tokio-rustls",
            "tower-layer",
            "tower-service",
        ]),
        tests_use: &[],
        may_name: Some(&["hyper", "hyper_util", "tokio", "rustls", "rustls_pki_types"]),
    },
    Row {
        name: "treq-agent",
        role: Role::Layer,
        may_use: Some(&[
            "bytes",
            "h2",
            "http",
            "http-body",
            "hyper",
            "hyper-util",
            "pin-project-lite",
            "tokio",
            "tokio-util",
            "tower-service",
        ]),
        tests_use: &[("treq-pool", "reuse, resends and lost connections show only with the agent over the pool")],
        may_name: Some(&["tokio"]),
    },
    Row {
        name: "treq-auth",
        role: Role::Layer,
        may_use: Some(&[
            "bytes",
            "getrandom",
            "http",
            "http-body",
            "md-5",
            "pin-project-lite",
            "rustix",
            "sha2",
            "tokio",
            "tower-layer",
            "tower-service",
        ]),
        tests_use: &[],
        may_name: Some(&[]),
    },
    Row {
        name: "treq-cookies",
        role: Role::Layer,
        may_use: Some(&[
            "bytes",
            "cookie_store",
            "http",
            "http-body",
            "pin-project-lite",
            "psl",
            "serde_json",
            "tower-layer",
            "tower-service",
        ]),
        tests_use: &[],
        may_name: Some(&["cookie_store"]),
    },
    Row {
        name: "treq-decode",
        role: Role::Layer,
        may_use: Some(&[
            "bytes",
            "compression-codecs",
            "compression-core",
            "flate2",
            "http",
            "http-body",
            "pin-project-lite",
            "sync_wrapper",
            "tower-layer",
            "tower-service",
        ]),
        tests_use: &[],
        may_name: Some(&[]),
    },
    Row {
        name: "treq-multipart",
        role: Role::Layer,
        may_use: Some(&[
            "bytes",
            "getrandom",
            "http",
            "http-body",
            "mime_guess",
            "pin-project-lite",
            "sync_wrapper",
            "tokio",
        ]),
        tests_use: &[],
        may_name: Some(&["tokio"]),
    },
    Row {
        name: "treq-pool",
        role: Role::Layer,
        may_use: Some(&[
            "bytes",
            "hashbrown",
            "http",
            "http-body",
            "pin-project-lite",
            "tokio",
            "tower-layer",
            "tower-service",
        ]),
        tests_use: &[("treq-agent", "the README keeps real connections, which the agent makes")],
        may_name: Some(&[]),
    },
    Row {
        name: "treq-proxy",
        role: Role::Layer,
        may_use: Some(&[
            "bytes",
            "http",
            "http-body",
            "hyper-util",
            "percent-encoding",
            "pin-project-lite",
            "tokio",
            "tower-layer",
            "tower-service",
        ]),
        tests_use: &[("treq-connect", "the example of ProxyLayer is the stack that a program has, over TCP and TLS")],
        may_name: Some(&["tokio"]),
    },
    Row {
        name: "treq-redirect",
        role: Role::Layer,
        may_use: Some(&["bytes", "http", "http-body", "pin-project-lite", "tokio", "tower-layer", "tower-service"]),
        tests_use: &[],
        may_name: Some(&[]),
    },
    Row {
        name: "treq-retry",
        role: Role::Layer,
        may_use: Some(&[
            "bytes",
            "getrandom",
            "http",
            "http-body",
            "pin-project-lite",
            "tokio",
            "tower-layer",
            "tower-service",
        ]),
        tests_use: &[],
        may_name: Some(&[]),
    },
    Row {
        name: "treq-testing",
        role: Role::Testing,
        may_use: Some(&[
            "base64",
            "bytes",
            "flate2",
            "h2",
            "http",
            "http-body",
            "http-body-util",
            "hyper",
            "hyper-util",
            "multer",
            "pin-project-lite",
            "regex-lite",
            "serde_json",
            "tokio",
            "tower-layer",
            "tower-service",
        ]),
        tests_use: &[HTTPBIN],
        may_name: Some(&["tokio"]),
    },
    Row {
        name: "treq-timeout",
        role: Role::Layer,
        may_use: Some(&["bytes", "http", "http-body", "pin-project-lite", "tokio", "tower-layer", "tower-service"]),
        tests_use: &[],
        may_name: Some(&[]),
    },
    Row { name: "treq", role: Role::Umbrella, may_use: None, tests_use: &[HTTPBIN], may_name: None },
];

/// The only path that leads to the embedded server from a published crate: its tests.
const HTTPBIN: (&str, &str) = ("treq-httpbin", "the client is tested and documented against a whole server");

/// Never on a registry: `publish = false`.
pub(crate) const UNPUBLISHED: &[&str] = &[
    "examples",
    "treq-bench",
    "treq-blackbox",
    "treq-conformance",
    "treq-features",
    "treq-fuzz",
    "treq-httpbin",
    "treq-parity",
    "xtask",
];

/// The one member that a plain `cargo test` leaves out: its peers, reqwest among them, are nobody else's dependency.
pub(crate) const NOT_DEFAULT: &str = "treq-bench";

/// What every crate's public signatures may name: the field's common types and the vocabulary.
pub(crate) const COMMON: &[&str] = &[
    "alloc",
    "bytes",
    "core",
    "http",
    "http_body",
    // Not by a hand: its macro writes an `Unpin` impl that names a private type.
    "pin_project_lite",
    "std",
    "tower_layer",
    "tower_service",
    "treq_core",
];

/// A dependency and the published crates that may have it outside of tests.
pub(crate) const FENCES: &[(&str, &[&str])] = &[
    // treq-connect names the IO traits and connectors of both in its adapters, and speaks no HTTP.
    ("hyper", &["treq-agent", "treq-connect", "treq-testing"]),
    ("hyper-util", &["treq-agent", "treq-connect", "treq-proxy", "treq-testing"]),
    ("rustls", &["treq-connect"]),
    ("tokio-rustls", &["treq-connect"]),
    ("reqwest", &[]),
    ("native-tls", &[]),
    ("openssl", &[]),
];

/// What the vocabulary must not know: a runtime, or tower.
pub(crate) const NOT_IN_CORE: &[&str] = &["tokio", "tokio-util", "tower", "tower-layer", "tower-service", "hyper"];

/// Two versions of these in one build, and types of the same name no longer fit each other.
pub(crate) const ONE_VERSION_EACH: &[&str] = &["http", "http-body", "hyper", "rustls", "tower-layer", "tower-service"];

/// The top level, names with a leading dot aside.
pub(crate) const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "crates",
    "deny.toml",
    "examples",
    "xtask",
];

pub(crate) fn row(name: &str) -> Option<&'static Row> {
    PUBLISHED.iter().find(|row| row.name == name)
}
