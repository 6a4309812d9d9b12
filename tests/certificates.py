"""Certificates for what tests let others speak TLS with."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LASTS = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Both as PEM."""

    certificate: str
    key: str


def self_signed(name: str) -> KeyPair:
    """A certificate for that name, which vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    # A common name has at most 64 characters; what counts is the alternative name.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _LASTS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(made.public_bytes(serialization.Encoding.PEM).decode(), private.decode())


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Files of a certificate for that name, and of its key."""
    pair, files = self_signed(name), (folder / f"{name}.crt", folder / f"{name}.key")
    files[0].write_text(pair.certificate)
    files[1].write_text(pair.key)
    return files


def server_context(authority: Path, key: Path) -> ssl.SSLContext:
    """Of a server that shows that certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority, key)
    return context
