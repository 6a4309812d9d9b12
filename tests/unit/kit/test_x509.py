"""Begin and end of a certificate's life, read without a library."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from services.kit import pki
from services.kit.rpc.x509 import validity


@pytest.mark.parametrize("year", [2030, 2049, 2050, 2120])
def test_begin_and_end_are_the_ones_the_library_reads(year: int) -> None:
    at = datetime(year - 1, 6, 1, 12, 30, 5, tzinfo=UTC)
    root = pki.new_authority("root", at=at, lasts=timedelta(days=365))
    leaf = pki.issue(root, "spiffe://d/ns/n/sa/s", ["s", "127.0.0.1"], at=at, lasts=timedelta(days=300))

    for pair in (root, leaf):
        read = x509.load_pem_x509_certificate(pair.certificate)
        expected = (read.not_valid_before_utc, read.not_valid_after_utc)
        assert validity(pair.certificate + root.certificate) == expected


@pytest.mark.parametrize("text", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        validity(text)


def test_keys_do_not_print() -> None:
    pair = pki.new_authority("root", at=datetime(2030, 1, 1, tzinfo=UTC), lasts=timedelta(days=1))

    assert "PRIVATE" not in repr(pair)
