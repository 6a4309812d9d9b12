"""What goes into images, and that one which can not be built is not passed over. Building them is `make images`."""

from __future__ import annotations

import os
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.charts.rendering import CHARTS

REPOSITORY = CHARTS.parent


def is_sent(path: str) -> bool:
    """Whether a builder gets it: of the lines of .dockerignore that name it or a folder of its, the last decides."""
    sent = True
    for line in (REPOSITORY / ".dockerignore").read_text().split():
        pattern = line.removeprefix("!").removeprefix("**/")
        folders = [path, *(str(parent) for parent in Path(path).parents)]
        if any(fnmatch(one, pattern) or ("**/" in line and fnmatch(Path(one).name, pattern)) for one in folders):
            sent = line.startswith("!")
    return sent


def test_whatever_services_import_of_the_contracts_is_sent_to_the_builder() -> None:
    text = "\n".join(path.read_text() for path in (REPOSITORY / "services").rglob("*.py"))
    named = re.findall(
        r"^\s*(?:from protos import (\w+)|from protos\.(\w+) import|import protos\.(\w+))", text, re.MULTILINE
    )
    modules = {name for names in named for name in names if (REPOSITORY / "protos" / f"{name}.py").exists()}

    assert {"queue", "timeline"} <= modules
    assert [name for name in sorted(modules) if not is_sent(f"protos/{name}.py")] == []
    assert is_sent("protos/gen/booking_pb2.py")


@pytest.mark.parametrize("path", ["protos/generate.py", "services/local/demo.py", "tests/waiting.py", ".git/config"])
def test_what_no_image_needs_is_not(path: str) -> None:
    assert not is_sent(path)


@pytest.mark.parametrize("failing", ["build", "load"])
def test_an_image_that_can_not_be_built_or_loaded_ends_it(tmp_path: Path, failing: str) -> None:
    builder = tmp_path / "builder"
    builder.write_text(f'#!/bin/sh\n[ "$1" != {failing} ]\n')
    builder.chmod(0o755)
    environment = os.environ | {"BUILDER": str(builder)}

    command = [REPOSITORY / "k8s/images", "auth"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own

    assert done.returncode != 0
    assert done.stdout == ""


def test_a_second_tag_is_loaded_too(tmp_path: Path) -> None:
    builder, told = tmp_path / "builder", tmp_path / "told"
    builder.write_text(f'#!/bin/sh\necho "$@" >>{told}\n')
    builder.chmod(0o755)
    environment = os.environ | {"BUILDER": str(builder), "TAG": "one", "ALSO": "two"}

    subprocess.run([REPOSITORY / "k8s/images", "auth"], env=environment, capture_output=True, check=True)  # noqa: S603

    build, load = told.read_text().splitlines()
    assert build.startswith("build . localhost/ticketing/auth:one ")
    assert "-t localhost/ticketing/auth:two" in build
    assert load == "load localhost/ticketing/auth:one localhost/ticketing/auth:two"
