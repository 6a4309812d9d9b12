"""Images that only tests need, built by the helper's script and loaded into its cluster."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from tests.cluster.cluster import HELPER

BUILD_S = 3600


def image(package: str, name: str, tag: str) -> None:
    """The program of a published Go module, `package@version`, alone in an image as /name."""
    built = _helper("program", package, name).strip().splitlines()[-1]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(Path(built).read_bytes())
        Path(folder, name).chmod(0o755)
        Path(folder, "Dockerfile").write_text(f'FROM scratch\nCOPY {name} /{name}\nENTRYPOINT ["/{name}"]\n')
        build(Path(folder), tag)


def build(folder: Path, tag: str) -> None:
    """The folder's Dockerfile."""
    _helper("build", str(folder), tag)
    _helper("load", tag)


def _helper(*words: str) -> str:
    done = subprocess.run([HELPER, *words], capture_output=True, text=True, timeout=BUILD_S, check=True)  # noqa: S603
    return done.stdout
