"""Modules of the web app import in one direction: types do not count less than code."""

import re
from functools import cache
from pathlib import Path
from typing import Final

FRONTEND: Final = Path(__file__).parents[2] / "services" / "frontend"
# Made, installed, or tests of the rest.
NOT_OURS: Final = frozenset({"node_modules", ".next", "tests"})
IMPORT: Final = re.compile(r'^(?:import|export)\b[^"\';]*?from\s+"([^"]+)"', re.MULTILINE)


def modules() -> set[Path]:
    found = (path for kind in ("*.ts", "*.tsx") for path in FRONTEND.rglob(kind))
    return {path for path in found if not NOT_OURS.intersection(path.relative_to(FRONTEND).parts)}


@cache
def imports(module: Path) -> frozenset[Path]:
    """What of the app itself a module names."""
    named = IMPORT.findall(module.read_text())
    bases = [
        FRONTEND / name[2:] if name.startswith("@/") else module.parent / name for name in named if name[0] in "@."
    ]
    files = (base.resolve().parent / f"{base.name}{end}" for base in bases for end in (".ts", ".tsx", "/index.ts"))
    return frozenset(file.resolve() for file in files if file.is_file())


def circle(module: Path, path: tuple[Path, ...], cleared: set[Path]) -> tuple[Path, ...]:
    """A way from the module back to one of the path; empty when there is none."""
    if module in path:
        return (*path[path.index(module) :], module)
    if module in cleared:
        return ()
    for imported in imports(module):
        if found := circle(imported, (*path, module), cleared):
            return found
    cleared.add(module)
    return ()


def test_no_module_of_the_web_app_imports_itself_by_a_detour() -> None:
    everything, cleared = modules(), set[Path]()
    assert len(everything) > 50
    assert len(imports(FRONTEND / "purchase" / "Purchase.tsx")) > 10

    found = [circle(module, (), cleared) for module in sorted(everything)]

    assert [" -> ".join(str(path.relative_to(FRONTEND)) for path in one) for one in found if one] == []
