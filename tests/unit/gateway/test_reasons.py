"""Whatever reason the services can give is explained to who is told it: what it means, and what to do."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from services.gateway.edge.reasons import EXPLAINED

SERVICES = Path(__file__).parents[3] / "services"
# A reason is a slug; one that is a single word is found by where it stands.
SLUG = re.compile(r"[a-z]+(-[a-z0-9]+)+")
# Slugs that are no reasons, or that no buyer is told. A new one is explained, or stands here with the reason why not.
NOT_TOLD = {
    "words of HTTP, TLS, Kafka and mail": {
        "content-type",
        "cross-origin",
        "idempotent-replayed",
        "no-cache",
        "no-referrer",
        "no-store",
        "retry-after-s",
        "utf-8",
        "verify-full",
    },
    "what is wrong with an order in the queue; its buyer is told `malformed-order`": {
        "incomplete-order",
        "no-number",
        "no-order",
        "oversized-order",
        "unreadable-order",
        "wrong-event",
    },
    "why an order is a dead letter; its buyer is told `try-again`": {"not-decided", "workers-died"},
    "names of a queue and of rounds, in traces and metrics": {
        "booking-queue",
        "expire-overdue",
        "look-at-payments",
        "settle-abandoned",
        "settle-events",
        "take-up",
    },
    "what happened to a booking: its timeline says it in a sentence": {
        "left-line",
        "mail-failed",
        "mail-sent",
        "payment-failed",
        "payment-refunded",
        "payment-succeeded",
        "undo-confirm",
        "undo-payment",
        "undo-seats",
        "undoing-payment",
        "undoing-seats",
        "undoing-tickets",
        "waits-for-buyer",
    },
    "between the PSP and payment": {"bad-signature", "refund-failed"},
    "a socket that answers without a protocol": {"no-auth"},
    "between services: a caller takes it for a peer that is away": {
        "call-not-allowed",
        "on-behalf-of",
        "person-not-proven",
    },
    "a name of the health service": {"in-the-clear"},
}
# Where names of services, tasks and checks stand; nobody is refused anything there.
NO_REASONS = {"app.py", "settings.py", "reasons.py"}


@cache
def slugs() -> tuple[tuple[str, str], ...]:
    return tuple(_slugs())


def _slugs() -> Iterator[tuple[str, str]]:
    """Every literal that may be a reason, and where it stands."""
    for path in SERVICES.rglob("*.py"):
        if {"local", "migrations"} & set(path.parts) or path.name in NO_REASONS:
            continue
        tree = ast.parse(path.read_text())
        names = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "name"}
        for node in ast.walk(tree):
            if id(node) not in names:
                for text in (*_whole(node), *_of_class(node)):
                    yield text, f"{path.relative_to(SERVICES)}:{getattr(node, 'lineno', 0)}"


def _whole(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and SLUG.fullmatch(node.value):
        yield node.value


def _of_class(node: ast.AST) -> Iterator[str]:
    """`reason = "…"`, alone or beside a kind, in the body of a class."""
    for assigned in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(assigned, ast.Assign):
            names, values = (_flat(part) for part in (assigned.targets[0], assigned.value))
            for name, value in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and name.id == "reason" and isinstance(value, ast.Constant):
                    yield str(value.value)


def _flat(node: ast.AST) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node] if isinstance(node, ast.expr) else []


def test_every_reason_a_service_can_give_is_explained() -> None:
    untold = set().union(*NOT_TOLD.values())
    missing: dict[str, list[str]] = defaultdict(list)
    for slug, where in slugs():
        if slug not in EXPLAINED and slug not in untold:
            missing[slug].append(where)

    assert dict(missing) == {}


def test_what_is_left_out_is_still_there_and_is_not_explained_after_all() -> None:
    untold = set().union(*NOT_TOLD.values())

    assert untold - {slug for slug, _ in slugs()} == set()
    assert untold & EXPLAINED.keys() == set()


def test_the_walk_finds_reasons_wherever_they_stand() -> None:
    found = {slug for slug, _ in slugs()}

    assert {
        "seat-taken",  # a refusal of ticket
        "insufficient-funds",  # a table of the PSP's words
        "payment-expired",  # an argument in booking's client
        "try-again",  # what booking-worker says itself
        "malformed-json",  # the form of a request
        "forbidden",  # one word
        "overloaded",  # the kit
    } <= found


def test_every_explanation_says_what_to_do() -> None:
    for reason, explained in EXPLAINED.items():
        assert 400 <= explained.status < 600, reason
        assert explained.title, reason
        assert explained.means.endswith("."), reason
        assert explained.do.endswith((".", "…")), reason
