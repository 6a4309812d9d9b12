"""Secrets of the mesh: what they say, and what is written into them. Pure, but for the keys that are made.

The authority's has `tls.crt` and `tls.key` (who signs), while it rotates also `next.crt` and `next.key` (who will), and
`trusted.crt` (whose certificates are still around). A service's is of type `kubernetes.io/tls`, with `ca.crt`.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from services.kit.pki import Pair, certificates_in, describe, issue, new_authority
from ticketing_operator.authority import AUTHORITY_LASTS, Authority, Leaf, Root, Wanted
from ticketing_operator.compare import fingerprint
from ticketing_operator.names import GROUP, Object

AUTHORITY_SECRET: Final = "mesh-authority"  # noqa: S105 - a name
# On Secrets: fingerprint of the data as they were written, so that an edit by hand is noticed.
WRITTEN: Final = f"{GROUP}/written"
ROOTS_SINCE: Final = f"{GROUP}/roots-since"
# On Secrets: what the platform's annotation said when they were made. Another word there makes them anew.
ASKED: Final = f"{GROUP}/rotated"
ROTATE_AUTHORITY: Final = f"{GROUP}/rotate-authority"
ROTATE_CERTIFICATES: Final = f"{GROUP}/rotate-certificates"

# Name of a key in a Secret → its text; None takes it away.
type Contents = Mapping[str, bytes | None]


def identity_secret(service: str) -> str:
    return f"{service}-identity"


def read_authority(secret: Object | None) -> Authority | None:
    """As the watches tell of it; None for what is none, or was edited."""
    if secret is None or not is_as_written(secret):
        return None
    try:
        (signing,) = _roots(secret, "tls.crt")
        upcoming = _roots(secret, "next.crt")
        trusted = tuple(_roots(secret, "trusted.crt"))
    except ValueError:
        return None
    asked = _annotation(secret, ASKED)
    return Authority(signing=signing, upcoming=upcoming[0] if upcoming else None, trusted=trusted, asked=asked)


def read_leaf(secret: Object | None) -> Leaf | None:
    if secret is None or not is_as_written(secret):
        return None
    try:
        told = describe(_pem(secret, "tls.crt"))
        return Leaf(
            uri=told.uri,
            signed_by=told.signed_by,
            begins=told.begins,
            ends=told.ends,
            roots=tuple(_roots(secret, "ca.crt")),
            roots_since=datetime.fromisoformat(_annotation(secret, ROOTS_SINCE)),
            asked=_annotation(secret, ASKED),
        )
    except ValueError:
        return None


def is_as_written(secret: Object) -> bool:
    return bool(secret["digest"] == _annotation(secret, WRITTEN))


def _roots(secret: Object, name: str) -> list[Root]:
    found = []
    for pem in certificates_in(_pem(secret, name)):
        told = describe(pem)
        found.append(Root(told.key_id, pem, told.begins, told.ends))
    return found


def _pem(secret: Object, name: str) -> bytes:
    return base64.b64decode(secret.get("certificates", {}).get(name, ""))


def _annotation(secret: Object, name: str) -> str:
    return str((secret["metadata"].get("annotations") or {}).get(name, ""))


def made(trusted: Sequence[Root], *, now: datetime) -> Contents:
    """An authority, the first or in place of a lost one: who is trusted so far stays so until it has signed for all."""
    pair = _new_root(now)
    old = b"".join(root.pem for root in trusted if root.ends > now)
    gone = {"next.crt": None, "next.key": None}
    return {"tls.crt": pair.certificate, "tls.key": pair.key, **gone, "trusted.crt": old or None}


def announced(now: datetime) -> Contents:
    pair = _new_root(now)
    return {"next.crt": pair.certificate, "next.key": pair.key}


def promoted(contents: Mapping[str, bytes]) -> Contents:
    """The upcoming one signs. The key of the one before it is not kept."""
    return {
        "tls.crt": contents["next.crt"],
        "tls.key": contents["next.key"],
        "next.crt": None,
        "next.key": None,
        "trusted.crt": contents["tls.crt"] + contents.get("trusted.crt", b""),
    }


def retired() -> Contents:
    return {"trusted.crt": None}


def _new_root(now: datetime) -> Pair:
    # Two in one bundle differ by name too: not every library looks at key ids.
    return new_authority(f"ticketing mesh {now:%Y-%m-%dT%H:%M:%SZ}", at=now, lasts=AUTHORITY_LASTS)


def issued(service: str, wanted: Wanted, authority: Authority, key: bytes, *, now: datetime) -> Contents:
    """A new identity. It never outlives who signed it."""
    lasts: timedelta = min(wanted.lasts, authority.signing.ends - now)
    leaf = issue(Pair(authority.signing.pem, key), wanted.uri(service), [service], at=now, lasts=lasts)
    return {"tls.crt": leaf.certificate, "tls.key": leaf.key, **trusting(authority)}


def trusting(authority: Authority) -> Contents:
    return {"ca.crt": b"".join(root.pem for root in authority.roots)}


def contents_of(secret: Object) -> dict[str, bytes]:
    """Of a Secret as the API server gives it: keys too."""
    return {name: base64.b64decode(value) for name, value in (secret.get("data") or {}).items()}


def changed(contents: Mapping[str, bytes], changes: Contents) -> dict[str, bytes]:
    after = {**contents, **changes}
    return {name: value for name, value in after.items() if value is not None}


def encoded(contents: Contents) -> dict[str, str | None]:
    return {name: None if value is None else base64.b64encode(value).decode() for name, value in contents.items()}


def as_written(contents: Mapping[str, bytes]) -> dict[str, Any]:
    """The annotation that says so."""
    return {WRITTEN: fingerprint(encoded(contents))}
