"""When a certificate begins and ends, without the library that would cost each process 8 MB to tell."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

PEM_END: Final = b"-----END CERTIFICATE-----"
_UTC_TIME: Final = 0x17
_EXPLICIT_VERSION: Final = 0xA0


def validity(chain_pem: bytes) -> tuple[datetime, datetime]:
    """Begin and end of the first certificate's life. Raises ValueError for what is no certificate (RFC 5280, §4.1)."""
    first, end, _ = chain_pem.partition(PEM_END)
    der = ssl.PEM_cert_to_DER_cert((first + end).decode("ascii").strip())
    try:
        to_be_signed = next(_parts(next(_parts(der))[1]))[1]
        fields = [part for part in _parts(to_be_signed) if part[0] != _EXPLICIT_VERSION]
        # serial, signature, issuer, validity
        begin, end_of_life = (_moment(*part) for part in _parts(fields[3][1]))
    except (StopIteration, IndexError) as error:
        raise ValueError("not a certificate") from error
    return begin, end_of_life


def _moment(tag: int, moment: bytes) -> datetime:
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(moment.decode("ascii"), form).replace(tzinfo=UTC)


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element that stands one after the other."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length > 0x7F:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size]), at + size
        yield tag, der[at : at + length]
        at += length
