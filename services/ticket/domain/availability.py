"""The places of an event at one version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.ticket.domain.event import Event


@dataclass(frozen=True, slots=True)
class RowStates:
    label: str
    # One character a seat, seat 1 first: f, h or s.
    states: str


@dataclass(frozen=True, slots=True)
class SectionPlaces:
    held: int
    sold: int
    # Front row first; none where people stand.
    rows: tuple[RowStates, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    event: Event
    # Grows with every change of the event's places.
    version: int
    places: Mapping[str, SectionPlaces]


@dataclass(frozen=True, slots=True)
class Places:
    """How many there are, over events and sections."""

    free: int
    held: int
    sold: int
