"""Identities of a local run: `MESH_MTLS=strict` (or permissive) encrypts calls with a throw-away authority."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from services.kit import pki
from services.kit.clock import utc_now
from services.kit.rpc.identity import Security
from services.kit.topology import Service

LASTS: Final = timedelta(days=7)
MESH_MTLS: Final = "MESH_MTLS"


class Identities:
    """Issued once, when the run starts; nothing of it outlives the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = pki.new_authority("ticketing, local", at=utc_now(), lasts=LASTS)

    def issue(self, service: Service) -> Mapping[str, str]:
        """The service's certificate in its folder, and what its environment says about it."""
        spiffe_id = Security().spiffe_id(service.name)
        leaf = pki.issue(self._authority, spiffe_id, [service.name, "localhost"], at=utc_now(), lasts=LASTS)
        folder = self._folder / service.name
        pki.write_identity(folder, leaf, self._authority.certificate)
        return {"MESH_IDENTITY": str(folder)}


def wanted() -> bool:
    return os.environ.get(MESH_MTLS, "off") != "off"
