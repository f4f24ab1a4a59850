use std::io;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as TlsError, OtherError};
use treq_core::{Error, Kind, Origin, Resend};

/// A failed handshake in plain words: whose fault, and what to do about it.
pub(super) fn explain(origin: &Origin, error: io::Error) -> Error {
    let host = origin.host();
    let port = origin.port();
    if let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
        let cause = cause.clone();
        let message = match &cause {
            TlsError::InvalidCertificate(fault) => format!("the certificate of {host:?} {}", certificate(host, fault)),
            TlsError::AlertReceived(alert) => format!("{host:?} refused the TLS handshake: {}", refusal(*alert)),
            TlsError::NoApplicationProtocol => format!("{host:?} chose a protocol by ALPN that was not offered"),
            TlsError::InvalidMessage(_) => {
                format!("{host:?} did not answer in TLS on port {port}: is it a port for plain http?")
            }
            TlsError::PeerIncompatible(_) => {
                format!("{host:?} has no version of TLS and no cipher suite in common with this client")
            }
            _ => format!("the TLS handshake with {host:?} failed"),
        };
        return failure(message).with_source(cause);
    }
    let message = match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            format!("{host:?} closed the connection during the TLS handshake: is port {port} one for https?")
        }
        _ => format!("the connection to {host:?} broke during the TLS handshake"),
    };
    failure(message).with_source(error)
}

/// HTTP/2 was wished for and the server does not know of ALPN.
pub(super) fn no_http2(origin: &Origin) -> Error {
    failure(format!("{:?} does not offer HTTP/2 by ALPN, which alone was asked for: allow HTTP/1.1", origin.host()))
}

fn failure(message: String) -> Error {
    Error::new(Kind::Tls, message).with_resend(Resend::Safe)
}

fn certificate(host: &str, fault: &CertificateError) -> String {
    match fault {
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "is for no name at all: it needs a subjectAltName".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().map(|name| bare(name)).collect();
            format!("is not for {host:?} but for {}: connect by a name that it is for", names.join(", "))
        }
        CertificateError::NotValidForName => {
            format!("is not for {host:?}: connect by a name that it is for")
        }
        CertificateError::ExpiredContext { time, not_after } => {
            format!("expired {} ago: its owner must renew it, unless the clock here is wrong", days(not_after, time))
        }
        CertificateError::Expired => "has expired: its owner must renew it, unless the clock here is wrong".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("is not valid for another {}: is the clock here wrong?", days(time, not_before))
        }
        CertificateError::NotValidYet => "is not valid yet: is the clock here wrong?".to_owned(),
        CertificateError::Revoked => "has been revoked by its issuer: its owner must replace it".to_owned(),
        CertificateError::UnknownIssuer => {
            "is not signed by an authority trusted here (it is self-signed, its authority is a private one, or the \
             server left out an intermediate): trust the authority with TlsConfigBuilder::add_roots"
                .to_owned()
        }
        CertificateError::Other(OtherError(cause)) if cause.to_string() == "CaUsedAsEndEntity" => {
            // webpki refuses these before it looks whether they are trusted; its error type is not ours to name.
            "is an authority's own, self-signed: the server needs one that is not (basicConstraints CA:FALSE)"
                .to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is not meant for servers: its owner must replace it by one for server authentication".to_owned()
        }
        _ => "is not acceptable".to_owned(),
    }
}

/// webpki writes `DnsName("example.com")`, `IpAddress(127.0.0.1)`.
fn bare(name: &str) -> &str {
    name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).map_or(name, |inner| inner.trim_matches('"'))
}

fn days(from: &UnixTime, to: &UnixTime) -> String {
    let span = Duration::from_secs(to.as_secs().saturating_sub(from.as_secs()));
    match span.as_secs() / (24 * 60 * 60) {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

fn refusal(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::NoApplicationProtocol => {
            "it speaks none of the versions of HTTP that were offered by ALPN".to_owned()
        }
        AlertDescription::CertificateRequired => {
            "it wants a client certificate: give one with TlsConfigBuilder::client_pem".to_owned()
        }
        AlertDescription::UnrecognisedName => "it does not know that host name".to_owned(),
        AlertDescription::ProtocolVersion => "it speaks none of the versions of TLS that were offered".to_owned(),
        AlertDescription::HandshakeFailure => {
            "it found no cipher suite in common, or wants a client certificate (TlsConfigBuilder::client_pem)"
                .to_owned()
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => {
            format!(
                "it does not accept the client certificate, or wants one ({alert:?}): see TlsConfigBuilder::client_pem"
            )
        }
        other => format!("alert {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_names_without_their_types() {
        for (given, wanted) in [
            ("DnsName(\"a.test\")", "a.test"),
            ("IpAddress(127.0.0.1)", "127.0.0.1"),
            ("DirectoryName", "DirectoryName"),
            ("a.test", "a.test"),
        ] {
            assert_eq!(bare(given), wanted);
        }
    }

    #[test]
    fn counts_whole_days() {
        let at = |secs| UnixTime::since_unix_epoch(Duration::from_secs(secs));
        for (from, to, wanted) in
            [(0, 5, "less than a day"), (0, 86_400, "1 day"), (0, 200_000, "2 days"), (9, 0, "less than a day")]
        {
            assert_eq!(days(&at(from), &at(to)), wanted);
        }
    }
}
