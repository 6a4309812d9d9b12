"""A certificate authority for one platform: what the operator, a local run and the tests issue identities with.

Not imported by any service: the library it stands on would cost each of them 8 MB.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Clocks of two machines may differ by this much.
BACKDATED: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def new_authority(name: str, *, at: datetime, lasts: timedelta) -> Pair:
    """A root that may sign leaves and no further authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _certificate(subject, subject, key.public_key(), at, lasts)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def issue(authority: Pair, spiffe_id: str, names: Sequence[str], *, at: datetime, lasts: timedelta) -> Pair:
    """An identity: for its peers when it calls, and under `names` (DNS names or addresses) when it is called."""
    root = x509.load_pem_x509_certificate(authority.certificate)
    signer = serialization.load_pem_private_key(authority.key, password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key must be of an elliptic curve")
    key = ec.generate_private_key(ec.SECP256R1())
    # SPIFFE allows one URI and no more (X509-SVID, §2).
    also = [x509.UniformResourceIdentifier(spiffe_id), *map(_general_name, names)]
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        _certificate(x509.Name([]), root.subject, key.public_key(), at, lasts)
        .add_extension(x509.SubjectAlternativeName(also), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return _pair(certificate, key)


@dataclass(frozen=True, slots=True)
class Described:
    """What a certificate says of itself. Key ids tell authorities apart: each has a key of its own."""

    # Of an authority's own key; empty for a leaf.
    key_id: str
    # Of the key that signed it.
    signed_by: str
    uri: str
    begins: datetime
    ends: datetime


def describe(certificate: bytes) -> Described:
    """Of the first certificate in the PEM. Raises ValueError for what is none."""
    read = x509.load_pem_x509_certificate(certificate)
    own = _extension(read, x509.SubjectKeyIdentifier)
    signer = _extension(read, x509.AuthorityKeyIdentifier)
    names = _extension(read, x509.SubjectAlternativeName)
    uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names else []
    own_id = own.digest.hex() if own else ""
    return Described(
        key_id=own_id,
        signed_by=signer.key_identifier.hex() if signer and signer.key_identifier else own_id,
        uri=uris[0] if uris else "",
        begins=read.not_valid_before_utc,
        ends=read.not_valid_after_utc,
    )


def _extension[E: x509.ExtensionType](certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def certificates_in(bundle: bytes) -> list[bytes]:
    """Each certificate of a PEM bundle by itself."""
    end = b"-----END CERTIFICATE-----"
    return [part.lstrip() + end + b"\n" for part in bundle.split(end) if part.strip()]


def write_identity(folder: Path, leaf: Pair, roots: bytes) -> None:
    """As the kubelet mounts a Secret: all three files change at once, by one link that is swapped."""
    version = folder / f"..{os.urandom(6).hex()}"
    version.mkdir(parents=True)
    for name, content in (("tls.crt", leaf.certificate), ("tls.key", leaf.key), ("ca.crt", roots)):
        (version / name).write_bytes(content)
    (version / "tls.key").chmod(0o600)
    link = version / "..link"
    link.symlink_to(version.name)
    link.rename(folder / "..data")


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, at: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BACKDATED)
        .not_valid_after(at + lasts)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    pem = serialization.Encoding.PEM
    return Pair(
        certificate.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
