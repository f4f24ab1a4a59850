use bytes::Bytes;
use rustls::{ClientConnection, HandshakeKind};
use treq_core::TlsFacts;

/// What a finished handshake has agreed on.
pub(super) fn of(connection: &ClientConnection) -> TlsFacts {
    let mut facts = TlsFacts::default();
    facts.alpn = connection.alpn_protocol().map(Bytes::copy_from_slice);
    facts.version = connection.protocol_version().map(|version| name(&version));
    facts.cipher_suite = connection.negotiated_cipher_suite().map(|suite| name(&suite.suite()));
    facts.key_exchange = connection.negotiated_key_exchange_group().map(|group| name(&group.name()));
    facts.peer_certificates =
        connection.peer_certificates().unwrap_or_default().iter().map(|der| Bytes::copy_from_slice(der)).collect();
    facts.resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
    facts
}

/// rustls shows its code points by their IANA names.
fn name(code: &dyn std::fmt::Debug) -> Box<str> {
    format!("{code:?}").into()
}
