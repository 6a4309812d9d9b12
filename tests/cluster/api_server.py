"""A real API server and its etcd, alone: no controllers, no kubelet, so that a test says what becomes of objects.

The programs are those of a cluster built by hand, of Kubernetes' own test tools (KUBEBUILDER_ASSETS), or on the PATH.
"""

import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import CERT_NONE, SSLContext, create_default_context
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.ports import free_port

START_S = 90
_SEARCHED = ("KUBEBUILDER_ASSETS", "TICKETING_CLUSTER_BIN")
_BUILT = Path.home() / ".cache" / "ticketing-cluster"

# Everything that the user `operator` asks for, and nothing else.
_AUDIT: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": ["operator"]}, {"level": "None"}],
}


class NoPrograms(Exception):
    """There is no API server to start on this machine."""


@dataclass(frozen=True)
class ApiServer:
    url: str
    folder: Path
    # User → token. `admin` may do everything, `operator` what its role says.
    tokens: dict[str, str]

    def asked(self) -> list[dict[str, Any]]:
        """What the user `operator` asked for so far, as the API server's audit has it."""
        return [json.loads(line) for line in (self.folder / "audit.log").read_text().splitlines()]

    def kubeconfig(self, user: str) -> Path:
        path = self.folder / f"{user}.kubeconfig"
        cluster = {"server": self.url, "insecure-skip-tls-verify": True}
        config: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        }
        path.write_text(yaml.safe_dump(config))
        return path


def program(name: str) -> str:
    folders = [os.environ[variable] for variable in _SEARCHED if variable in os.environ]
    folders += [str(path) for path in sorted(_BUILT.glob("bin-*"), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join(folders)) or shutil.which(name)
    if not found:
        raise NoPrograms(f"{name} is nowhere: set KUBEBUILDER_ASSETS to the folder that has it")
    return found


@contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    etcd_port, etcd_peer_port, port = free_port(), free_port(), free_port()
    etcd = f"http://127.0.0.1:{etcd_port}"
    tokens = {user: secrets.token_hex(16) for user in ("admin", "operator")}
    (folder / "tokens.csv").write_text(
        f"{tokens['admin']},admin,admin,system:masters\n{tokens['operator']},operator,operator,\n"
    )
    (folder / "audit.yaml").write_text(yaml.safe_dump(_AUDIT))
    _write_key(folder / "accounts.pem")
    with ExitStack() as stack:
        stack.enter_context(_running(folder, "etcd", *_etcd(folder, etcd, etcd_peer_port)))
        stack.enter_context(_running(folder, "kube-apiserver", *_api(folder, etcd, port)))
        server = ApiServer(f"https://127.0.0.1:{port}", folder, tokens)
        _wait_until_ready(server)
        yield server


def _etcd(folder: Path, url: str, peer_port: int) -> list[str]:
    peers = f"http://127.0.0.1:{peer_port}"
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]


def _api(folder: Path, etcd: str, port: int) -> list[str]:
    return [
        f"--etcd-servers={etcd}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder / 'certs'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        f"--service-account-key-file={folder / 'accounts.pem'}",
        f"--service-account-signing-key-file={folder / 'accounts.pem'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.97.0.0/16",
        "--authorization-mode=RBAC",
        f"--audit-policy-file={folder / 'audit.yaml'}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--disable-admission-plugins=ServiceAccount",
    ]


@contextmanager
def _running(folder: Path, name: str, *arguments: str) -> Iterator[None]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([program(name), *arguments], stdout=log, stderr=log, cwd=folder)  # noqa: S603 - found by name above
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(server: ApiServer) -> None:
    deadline = time.monotonic() + START_S
    bearer = {"Authorization": f"Bearer {server.tokens['admin']}"}
    request = urllib.request.Request(f"{server.url}/readyz", headers=bearer)  # noqa: S310 - this machine's own
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=5, context=unverified()) as answer:  # noqa: S310 - as above
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(f"the API server was not ready in {START_S} s: {server.folder / 'kube-apiserver.log'}")


def unverified() -> SSLContext:
    """Its certificate is its own."""
    context = create_default_context()
    context.check_hostname, context.verify_mode = False, CERT_NONE
    return context


def _write_key(path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
