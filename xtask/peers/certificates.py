"""certificates.py FOLDER: an authority (ca.pem), a server of localhost (server.crt, server.key), a client (client.pem)."""

import pathlib
import sys

import trustme

folder = pathlib.Path(sys.argv[1])
authority = trustme.CA()
server = authority.issue_cert("localhost", "127.0.0.1", "::1")
client = authority.issue_cert("client@example.test")

authority.cert_pem.write_to_path(folder / "ca.pem")
(folder / "server.crt").write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
server.private_key_pem.write_to_path(folder / "server.key")
client.private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
