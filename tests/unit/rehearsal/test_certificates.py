"""The databases' certificate: for this machine's address, trusted by itself, of two days."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rehearsal import certificates
from rehearsal.machine import MachineLacks


def test_who_trusts_it_needs_no_other(tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    trusting = ssl.create_default_context(cafile=str(made.certificate))
    [trusted] = trusting.get_ca_certs()
    assert trusted["subject"] == trusted["issuer"] == ((("commonName", "rehearsal"),),)
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(trusted["notAfter"])), UTC)
    assert timedelta(days=1) < ends - datetime.now(UTC) <= timedelta(days=2)
    # The key is the certificate's: a server that shows them is believed, by its address.
    showing = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    showing.load_cert_chain(made.certificate, made.key)
    assert shaken_hands(trusting, showing, "127.0.0.1") == "done"
    assert "IP address mismatch" in shaken_hands(trusting, showing, "127.0.0.9")


def test_each_is_a_new_one(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    one, other = (certificates.make(folder) for folder in folders)
    assert one.key.read_text() != other.key.read_text()


def test_a_machine_without_openssl_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(certificates, "find", lambda _program: None)
    with pytest.raises(MachineLacks, match="openssl is missing: install it"):
        certificates.make(tmp_path)


def shaken_hands(client: ssl.SSLContext, server: ssl.SSLContext, address: str) -> str:
    """What comes of a TLS handshake, without a network."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    calling = client.wrap_bio(back, there, server_hostname=address)
    called = server.wrap_bio(there, back, server_side=True)
    for _ in range(3):
        try:
            calling.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        else:
            return "done"
        try:
            called.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return "not over"
