"""What a platform's status says of its mesh: pure, from what the watches told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from ticketing_operator.children import Live
from ticketing_operator.mesh_modes import IDENTITIES, SPEAKERS
from ticketing_operator.mesh_secrets import AUTHORITY_SECRET, identity_secret, read_authority, read_leaf
from ticketing_operator.names import Kind, Ref
from ticketing_operator.spec import Mesh, Mode
from ticketing_operator.status import Certificate, Told

_SECRET: Final = Kind("v1", "Secret")
_CERTIFICATE: Final = Kind("cert-manager.io/v1", "Certificate")
# As long before its end somebody has to know that a certificate was not renewed.
WARNED: Final = timedelta(days=7)


def certificates(mesh: Mesh, live: Live) -> list[Certificate]:
    """Of the authority first, then of each service; those that are not there yet are not named."""
    if mesh.mtls == "off":
        return []
    found = _of_cert_manager(live) if mesh.issuer == "cert-manager" else _of_secrets(live)
    return [Certificate(name=name, not_after=ends) for name, ends in found]


def _of_secrets(live: Live) -> Sequence[tuple[str, str]]:
    authority = read_authority(live.get(Ref(_SECRET, AUTHORITY_SECRET)))
    leaves = {service: read_leaf(live.get(Ref(_SECRET, identity_secret(service)))) for service in IDENTITIES}
    ends = [("authority", authority.signing.ends)] if authority else []
    ends += [(service, leaf.ends) for service, leaf in leaves.items() if leaf]
    return [(name, f"{moment:%Y-%m-%dT%H:%M:%SZ}") for name, moment in ends]


def _of_cert_manager(live: Live) -> Sequence[tuple[str, str]]:
    made = {service: live.get(Ref(_CERTIFICATE, service)) for service in SPEAKERS}
    ends = {service: (thing.get("status") or {}).get("notAfter", "") for service, thing in made.items() if thing}
    return [(service, str(end)) for service, end in ends.items() if end]


def condition(wanted: Mode, late: Sequence[str], issued: Sequence[Certificate], *, now: datetime) -> Told | None:
    """`late`: services that are of another mode. None for a mesh in the clear that is to be in the clear."""
    if late:
        return Told("Mesh", False, "ModeChanging", f"on the way to {wanted}: {', '.join(late)}")
    if wanted == "off":
        return None
    ending = [one.name for one in issued if datetime.fromisoformat(one.not_after) - now < WARNED]
    if ending:
        return Told("Mesh", False, "CertificatesExpire", f"end within a week and were not renewed: {', '.join(ending)}")
    return Told("Mesh", True, wanted.capitalize(), "")
