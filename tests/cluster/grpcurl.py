"""The real grpcurl in a pod without an identity: what anybody in a platform's namespace gets to hear."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from tests.cluster.cluster import HELPER, Cluster, Object, wait_until
from tests.cluster.images import image

PACKAGE, NAME = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4", "grpcurl"
IMAGE = f"localhost/{NAME}:v1.9.4"
SCHEMAS, FILE = "grpcurl-schemas", "schemas.binpb"
SAYS_S, CALL_S = 60, 10


@dataclass(frozen=True)
class Grpcurl:
    cluster: Cluster
    namespace: str

    def asks(self, *words: str) -> str:
        """What grpcurl prints, complaints included."""
        name = f"{NAME}-{secrets.token_hex(3)}"
        self.cluster.apply(self.namespace, [_pod(name, ["-max-time", str(CALL_S), *words])])
        try:
            wait_until(lambda: self._under_way(name), within_s=SAYS_S, every_s=0.5)
            return self.cluster.run("logs", name, "-n", self.namespace)
        finally:
            self.cluster.run("delete", "pod", name, "-n", self.namespace, "--wait=false")

    def _under_way(self, name: str) -> str:
        phase = self.cluster.run("get", "pod", name, "-n", self.namespace, "-o", "jsonpath={.status.phase}")
        return "" if phase in {"Succeeded", "Failed"} else f"{name} is {phase}"


@contextmanager
def grpcurl(cluster: Cluster, namespace: str, *schemas: FileDescriptor) -> Iterator[Grpcurl]:
    """Who knows these schemas, and therefore needs no reflection to ask."""
    if not HELPER.exists():
        pytest.skip("there is nothing to build grpcurl's image with")
    image(PACKAGE, NAME, IMAGE)
    binary = base64.b64encode(_set_of(schemas).SerializeToString()).decode()
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": SCHEMAS}, "binaryData": {FILE: binary}}
    cluster.apply(namespace, [config])
    try:
        yield Grpcurl(cluster, namespace)
    finally:
        cluster.run("delete", "configmap", SCHEMAS, "-n", namespace)


def _set_of(schemas: Sequence[FileDescriptor]) -> FileDescriptorSet:
    """These files after those that they import."""
    found: dict[str, FileDescriptorProto] = {}

    def add(schema: FileDescriptor) -> None:
        for imported in schema.dependencies:
            add(imported)
        if schema.name not in found:
            found[schema.name] = FileDescriptorProto.FromString(schema.serialized_pb)

    for schema in schemas:
        add(schema)
    return FileDescriptorSet(file=found.values())


def _pod(name: str, words: Sequence[str]) -> Object:
    container = {
        "name": NAME,
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "args": list(words),
        "volumeMounts": [{"name": "schemas", "mountPath": "/schemas"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    spec = {
        "containers": [container],
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [{"name": "schemas", "configMap": {"name": SCHEMAS}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
