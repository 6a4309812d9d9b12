"""Charts are the only manifests: the port that renders them, and Helm's own program behind it."""

import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

from ticketing_operator.names import Object

TIMEOUT_S: Final = 30.0


class NotRendered(Exception):
    """A chart refused its values. The message is Helm's, and names the value."""


class Renderer(Protocol):
    async def render(self, chart: str, values: Mapping[str, Any], *, name: str, namespace: str) -> list[Object]:
        """The objects of a chart. The same values give the same objects; nothing is asked of the cluster."""
        ...


class HelmProgram:
    """`helm template`, a process of its own for every rendering."""

    def __init__(self, charts: Path, program: str = "helm") -> None:
        self._charts, self._program = charts, program

    async def render(self, chart: str, values: Mapping[str, Any], *, name: str, namespace: str) -> list[Object]:
        # Values may name no secret, but they are nobody's business either: a file for this process, not an argument.
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(values, file)
            file.flush()
            text = await self._run(
                "template", name, str(self._charts / chart), "--namespace", namespace, "--values", file.name
            )
        return await asyncio.to_thread(objects_of, text)

    async def _run(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            self._program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                out, err = await process.communicate()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise NotRendered(err.decode(errors="replace").strip().removeprefix("Error: "))
        return out.decode()


def objects_of(text: str) -> list[Object]:
    """The documents of rendered YAML; empty ones are nothing."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [document for document in yaml.load_all(text, Loader=loader) if document]
