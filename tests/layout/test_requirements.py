"""An image has what its service imports, also where that is only imported when a setting asks for it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from services.kit.topology import Service, topology

REPOSITORY = Path(__file__).parents[2]
OURS = ("services", "protos")
DISTRIBUTIONS = packages_distributions()
# Read only by who is asked for somebody: topology.yaml, `persons`.
WORDS = "services.kit.tokens"


@pytest.mark.parametrize("service", topology().python_services, ids=lambda service: service.name)
def test_a_lock_has_every_package_that_the_service_imports(service: Service) -> None:
    lock = (REPOSITORY / f"requirements/{service.name}.txt").read_text()
    locked = {canonical(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}

    missing = {
        f"{package} of {where}"
        for where, package in imported(f"{service.folder.replace('/', '.')}.__main__")
        if not locked & {canonical(name) for name in DISTRIBUTIONS.get(package, [package])}
        and (service.persons or where != WORDS)
    }

    assert missing == set()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(module: str) -> Iterator[tuple[str, str]]:
    """Whatever of others is imported by the module, or by one of ours that it leads to: where, and the package."""
    seen, waiting = set[str](), [module]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        for name in names_in(one):
            top = name.partition(".")[0]
            if top in OURS:
                waiting += [name, name.rpartition(".")[0]]
            elif top not in sys.stdlib_module_names:
                yield one, top


@cache
def names_in(module: str) -> frozenset[str]:
    """Modules that one of ours imports, in functions too. Empty for what is no module, such as a class of one."""
    path = REPOSITORY / module.replace(".", "/")
    source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    if not source.exists():
        return frozenset()
    found = set[str]()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)
