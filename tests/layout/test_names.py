"""What the tree promises a reader: the same rooms everywhere, ports in one place, nothing left lying about."""

import ast
import operator
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from services.kit.topology import topology

ROOT = Path(__file__).parents[2]
SOURCES = [path for path in (ROOT / "services").rglob("*.py") if "migrations" not in path.parts]


def test_operator_folder_does_not_shadow_the_standard_library() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert Path(operator.__file__).parent == Path(sysconfig.get_path("stdlib"))
    subprocess.run([sys.executable, "-c", "from operator import eq; import collections"], cwd=ROOT, check=True)


@pytest.mark.parametrize("service", [row.name for row in topology().python_services])
def test_every_service_of_the_table_has_the_same_front_rooms(service: str) -> None:
    folder = ROOT / topology().services[service].folder

    assert {"__init__.py", "__main__.py", "app.py", "settings.py"} <= {path.name for path in folder.iterdir()}
    assert len((folder / "__main__.py").read_text().splitlines()) <= 7


@pytest.mark.parametrize("service", [row.name for row in topology().python_services])
def test_every_service_has_a_lock_file_of_its_own(service: str) -> None:
    assert (ROOT / "requirements" / f"{service}.txt").exists()


def constants(path: Path) -> list[ast.Constant]:
    """The literals of a file, docstrings left out: an example may say a number."""
    tree = ast.parse(path.read_text())
    with_docstring = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, with_docstring) and node.body]
    docstrings = {id(body[0].value) for body in bodies if isinstance(body[0], ast.Expr)}
    return [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]


def test_only_the_table_writes_port_numbers() -> None:
    ports = {port for row in topology().services.values() for port in (*row.ports.values(), *row.local_ports.values())}
    ports |= set(topology().stores.values())
    numbers = re.compile(rf"(?<![\w.])({'|'.join(map(str, sorted(ports)))})(?![\w])")

    offenders = [
        f"{path.relative_to(ROOT)}:{constant.lineno}"
        for path in SOURCES
        for constant in constants(path)
        if numbers.search(str(constant.value))
    ]

    assert offenders == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_fits_a_purpose(path: Path) -> None:
    lines = path.read_text().splitlines()

    assert len(lines) <= 300, "a room becomes a folder at 300 lines"
    if path.name != "__main__.py":
        assert lines[0].startswith('"""'), "the first line says what the file is for"


def test_lock_files_name_no_registry() -> None:
    offenders = [path.name for path in (ROOT / "requirements").glob("*.txt") if "://" in path.read_text()]

    assert offenders == []
