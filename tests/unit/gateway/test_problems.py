"""Refusals as problems: the right status, a stable reason, and a page for each."""

from __future__ import annotations

import msgspec
import pytest

from services.gateway.edge.problems import STATUS, explanation, of_told
from services.gateway.edge.reasons import EXPLAINED
from services.gateway.edge.reference import problem, problem_index
from services.gateway.models.common import Problem
from services.kit.errors import DependencyDown, Kind, PeerRefused, Told, TooManyAttempts


def told(refusal: Told) -> tuple[Problem, dict[str, str]]:
    response = of_told(refusal, "/here")
    assert response.content_type == "application/problem+json"
    assert isinstance(response.body, bytes)
    return msgspec.json.decode(response.body, type=Problem), dict(response.headers)


def test_every_kind_has_a_status() -> None:
    assert STATUS.keys() == set(Kind)


def test_a_peers_refusal_keeps_its_reason() -> None:
    problem, headers = told(PeerRefused(Kind.CONFLICT, "seat-taken", "already held: A-1-1"))

    assert (problem.status, problem.reason, problem.type) == (409, "seat-taken", "/problems/seat-taken")
    assert (problem.title, problem.detail, problem.instance) == ("Seat taken", "already held: A-1-1", "/here")
    assert "Retry-After" not in headers


@pytest.mark.parametrize(
    ("refusal", "status", "wait"),
    [
        (DependencyDown("ticket"), 503, "1"),
        (TooManyAttempts("slow down", retry_after_s=12.2), 429, "13"),
        (TooManyAttempts("slow down", retry_after_s=0.01), 429, "1"),
    ],
)
def test_who_may_ask_again_is_told_when(refusal: Told, status: int, wait: str) -> None:
    problem, headers = told(refusal)

    assert (problem.status, headers["Retry-After"], problem.retry_after_s) == (status, wait, refusal.retry_after_s)


def test_unauthenticated_says_how_to_authenticate() -> None:
    _, headers = told(PeerRefused(Kind.UNAUTHENTICATED, "token-expired", "it has"))

    assert headers["WWW-Authenticate"] == 'Bearer realm="ticketing", error="invalid_token"'


def test_a_reason_we_do_not_know_yet_is_still_named() -> None:
    assert explanation("brand-new").title == "Brand new"


def test_every_reason_has_a_page() -> None:
    index = problem_index()

    for reason in EXPLAINED:
        assert f"/problems/{reason}" in index
        assert EXPLAINED[reason].title.split("'")[0] in problem(reason)
