"""PromQL, as far as this project writes it: what an expression names, and the same one asked of fewer series."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_WORDS: Final = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan"})
# Strings, lists of labels and windows are passed over, so that what is found as a name is one of a metric: a word that
# is neither called nor followed by how it groups.
_PARTS: Final = re.compile(
    r'"[^"]*"'
    r"|\b(?:by|without|on|ignoring|group_left|group_right)\s*\((?P<grouped>[^)]*)\)"
    r"|\[[^\]]*\]"
    r"|(?P<name>[a-zA-Z_:][\w:]*)(?![\w:]|\s*\(|\s*(?:by|without)\b)(?:\{(?P<matchers>[^}]*)\})?"
)
_MATCHED: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def metrics_in(expr: str) -> frozenset[str]:
    """The metrics an expression names."""
    return frozenset(part["name"] for part in _selectors(expr))


def labels_in(expr: str) -> frozenset[str]:
    """The labels it selects or groups by."""
    selected = {label for part in _selectors(expr) for label in _MATCHED.findall(part["matchers"] or "")}
    grouped = {label.strip() for part in _PARTS.finditer(expr) for label in (part["grouped"] or "").split(",")}
    return frozenset((selected | grouped) - {""})


def narrowed(expr: str, matcher: str) -> str:
    """The same, of those series alone that the matcher (`namespace="shop"`) lets through."""

    def narrow(part: re.Match[str]) -> str:
        if part["name"] is None or part["name"] in _WORDS:
            return part[0]
        return f"{part['name']}{{{', '.join(filter(None, (part['matchers'], matcher)))}}}"

    return _PARTS.sub(narrow, expr)


def _selectors(expr: str) -> Iterator[re.Match[str]]:
    return (part for part in _PARTS.finditer(expr) if part["name"] is not None and part["name"] not in _WORDS)
