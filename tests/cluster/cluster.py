"""A real cluster as tests see it: kubectl, namespaces that enforce Pod Security, ports brought to this machine."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import time
import tomllib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
VERSION = str(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"])
# A script that starts a cluster where there is none, and where other projects' definitions are kept beside it.
HELPER = Path(os.environ.get("CLUSTER") or REPOSITORY / "../shared/cluster/cluster")
BUILT = Path.home() / ".cache" / "ticketing-cluster"
CALL_S = 120

# As the API has it in JSON: a foreign border.
type Object = Any


class NoCluster(Exception):
    """Neither KUBECONFIG nor a script that starts a cluster."""


class Refused(Exception):
    """What kubectl was told by the API server."""


@dataclass(frozen=True)
class Cluster:
    kubeconfig: Path
    kubectl: str

    def run(self, *words: str, stdin: str | None = None, timeout_s: float = CALL_S) -> str:
        """kubectl's output. Raises Refused with its complaint."""
        command = [self.kubectl, f"--kubeconfig={self.kubeconfig}", *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False)  # noqa: S603
        if done.returncode:
            raise Refused(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, kind: str, namespace: str, selector: str = "") -> Sequence[Object]:
        words = ["get", kind, "-n", namespace, "-o", "json", *([f"-l={selector}"] if selector else [])]
        items: Sequence[Object] = json.loads(self.run(*words))["items"]
        return items

    def apply(self, namespace: str, objects: Sequence[Object], *options: str) -> str:
        """Server-side, so that what the definitions do not know is refused."""
        words = ["apply", "--server-side", "--validate=strict", "-n", namespace, *options, "-f", "-"]
        return self.run(*words, stdin=yaml.safe_dump_all(objects))

    def page(self, namespace: str, pod: str, port: int, path: str) -> str:
        """An HTTP page of a pod, through the API server."""
        return self.run("get", "--raw", f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}")

    @contextmanager
    def namespace(self, prefix: str) -> Iterator[str]:
        """One of our own, that enforces Pod Security `restricted`; deleted with all that is in it."""
        name = f"charts-{prefix}-{secrets.token_hex(3)}"
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
        self.apply(name, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}])
        try:
            yield name
        finally:
            if not os.environ.get("KEEP"):
                self.run("delete", "namespace", name, "--wait=false")

    @contextmanager
    def forwarded(self, namespace: str, target: str, port: int) -> Iterator[str]:
        """`localhost:…` for a port of a Service or pod, as long as the block lasts."""
        command = [self.kubectl, f"--kubeconfig={self.kubeconfig}", "-n", namespace, "port-forward", target, f":{port}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603
            try:
                assert process.stdout
                line = process.stdout.readline()
                found = re.search(r"127\.0\.0\.1:(\d+)", line)
                assert found, f"kubectl port-forward {target} {port}: {line or 'ended'}"
                # It says a line for every connection, and would wait for a reader.
                Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
                yield f"localhost:{found[1]}"
            finally:
                process.kill()


def find_cluster() -> Cluster:
    """The one KUBECONFIG names; else the helper's, started if need be."""
    if named := os.environ.get("KUBECONFIG"):
        return Cluster(Path(named), program("kubectl"))
    if not HELPER.exists():
        raise NoCluster("set KUBECONFIG to a cluster that these tests may use (`make kind` starts one)")
    start = ["make", "--silent", "cluster", f"CLUSTER={HELPER}"]
    printed = subprocess.run(start, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=1800)  # noqa: S603
    return Cluster(Path(printed.stdout.strip().splitlines()[-1]), program("kubectl"))


def program(name: str) -> str:
    """The newest that was built for the helper's cluster, else the one on the PATH."""
    built = os.pathsep.join(str(path) for path in sorted(BUILT.glob("bin-*"), reverse=True))
    found = shutil.which(name, path=built) or shutil.which(name)
    if not found:
        raise NoCluster(f"{name} is not on the PATH")
    return found


def wait_until(what: Callable[[], str], *, within_s: float, every_s: float = 2.0) -> None:
    """`what` says what is missing; empty means it is there."""
    until = time.monotonic() + within_s
    while missing := what():
        assert time.monotonic() < until, f"after {within_s:.0f} s: {missing}"
        time.sleep(every_s)


def not_available(deployments: Sequence[Object]) -> Mapping[str, str]:
    """Deployment → how many of its pods are missing, or how many are still of an older version."""
    missing = {}
    for deployment in deployments:
        name, wanted, status = deployment["metadata"]["name"], deployment["spec"]["replicas"], deployment["status"]
        seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        new, ready = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
        if not seen or new < wanted or ready < wanted or status.get("replicas", 0) > wanted:
            missing[name] = f"{ready} of {wanted} available, {new} new"
    return missing
