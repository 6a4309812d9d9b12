"""A way in that stays open while everything behind it is replaced.

`kubectl port-forward` to a Service picks one pod and ends with it. So a pod of our own takes connections and passes
each on to a Service of its namespace, as anybody in the cluster would.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from tests.cluster.cluster import VERSION, Cluster, Object

NAME = "relay"
READY_S = 120


async def relay(services: Mapping[str, str]) -> None:
    """Runs in the pod: port of its own → host:port. A connection ends when its other side does; none is aborted."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while some := await reader.read(65536):
                writer.write(some)
                await writer.drain()
        except OSError:
            pass  # gone: told by the end of what we write
        writer.close()

    async def listen(port: str, host: str, there: str) -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                back, forth = await asyncio.open_connection(host, int(there))
            except OSError:
                writer.close()
                return
            await asyncio.gather(copy(reader, forth), copy(back, writer))

        await asyncio.start_server(accept, "0.0.0.0", int(port), backlog=1000)  # noqa: S104 - in a pod

    for port, address in services.items():
        await listen(port, *address.split(":"))
    await asyncio.Event().wait()


@contextmanager
def relayed(cluster: Cluster, namespace: str, *services: tuple[str, int]) -> Iterator[list[str]]:
    """`localhost:…` for each Service and port, as long as the block lasts."""
    routes = {str(20000 + number): f"{host}:{port}" for number, (host, port) in enumerate(services)}
    cluster.apply(namespace, [_pod(routes)])
    try:
        cluster.run("wait", "pod", NAME, "-n", namespace, "--for=condition=Ready", f"--timeout={READY_S}s")
        with ExitStack() as stack:
            yield [stack.enter_context(cluster.forwarded(namespace, f"pod/{NAME}", int(port))) for port in routes]
    finally:
        cluster.run("delete", "pod", NAME, "-n", namespace, "--grace-period=1", "--wait=true")


def _pod(routes: Mapping[str, str]) -> Object:
    program = f"import asyncio, json\nfrom collections.abc import Mapping\n{inspect.getsource(relay)}\n"
    container = {
        "name": NAME,
        # Whatever image has a Python: this one belongs to no service.
        "image": f"localhost/ticketing/mailbox:{VERSION}",
        "command": ["python", "-c", f"{program}asyncio.run(relay(json.loads({json.dumps(json.dumps(routes))})))"],
        "readinessProbe": {"tcpSocket": {"port": int(next(iter(routes)))}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    limits = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": limits, "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME}, "spec": spec}
