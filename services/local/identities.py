"""Identities of a local run: `MESH_MTLS=strict` (or permissive) encrypts calls with a throw-away authority."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from services.kit import pki
from services.kit.clock import utc_now
from services.kit.rpc.identity import NAMESPACE, Mode, Security
from services.kit.spiffe import TRUST_DOMAIN
from services.kit.topology import SUPPORT, Service
from services.local.ports import offset

LASTS: Final = timedelta(days=7)
# Where a run leaves what the tools of this machine need, and takes it away again.
HOME: Final = Path(__file__).parents[2] / ".local" / "mesh"
MESH_MTLS: Final = "MESH_MTLS"


class Identities:
    """Issued once, when the run starts; nothing of it outlives the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = pki.new_authority("ticketing, local", at=utc_now(), lasts=LASTS)

    def issue(self, service: Service) -> Mapping[str, str]:
        """The service's certificate in its folder, and what its environment says about it."""
        folder = self._folder / service.name
        self._write(folder, service.name)
        return {"MESH_IDENTITY": str(folder)}

    @contextmanager
    def support(self) -> Iterator[None]:
        """While the block lasts, the tools of this machine find a certificate to look after the platform with."""
        folder = support_folder()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        self._write(folder, SUPPORT)
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _write(self, folder: Path, name: str) -> None:
        spiffe_id = Security().spiffe_id(name)
        leaf = pki.issue(self._authority, spiffe_id, [name, "localhost"], at=utc_now(), lasts=LASTS)
        pki.write_identity(folder, leaf, self._authority.certificate)


def support_folder() -> Path:
    return HOME / str(offset()) / SUPPORT


def tool_security() -> Security:
    """As whom a tool speaks: as its environment says, else with what a local run left for it, else in the clear."""
    if wanted():
        mode: Mode = "strict" if os.environ[MESH_MTLS] == "strict" else "permissive"
        folder = Path(os.environ.get("MESH_IDENTITY", support_folder()))
        domain = os.environ.get("MESH_TRUST_DOMAIN", TRUST_DOMAIN)
        return Security(mode, folder, domain, os.environ.get("MESH_NAMESPACE", NAMESPACE), SUPPORT)
    if support_folder().exists():
        return Security("permissive", support_folder(), service=SUPPORT)
    return Security()


def wanted() -> bool:
    return os.environ.get(MESH_MTLS, "off") != "off"
