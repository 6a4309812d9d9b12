"""A platform's certificate authority, and what comes next for it: pure, from what Secrets say to one step.

A new authority is trusted first, then it signs, and only then is the old one forgotten. Between any two of these every
process has to have seen the Secret it mounts: that takes `settles`. Nothing but the Secrets remembers how far it came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from services.kit.pki import BACKDATED
from services.kit.spiffe import spiffe_id

AUTHORITY_LASTS: Final = timedelta(days=365)
# Renewed when so much of a life has passed.
RENEWED_AFTER: Final = 2 / 3

type Move = Literal["stay", "make", "announce", "promote", "retire"]


@dataclass(frozen=True, slots=True)
class Root:
    """An authority's certificate, without its key."""

    id: str
    pem: bytes
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Who signs, who is about to, and who else is still trusted."""

    signing: Root
    upcoming: Root | None = None
    trusted: tuple[Root, ...] = ()
    # What the platform's annotation said when it last rotated.
    asked: str = ""

    @property
    def roots(self) -> Sequence[Root]:
        return [self.signing, *([self.upcoming] if self.upcoming else []), *self.trusted]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(root.id for root in self.roots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A service's certificate as its Secret has it."""

    uri: str
    signed_by: str
    begins: datetime
    ends: datetime
    roots: tuple[Root, ...]
    # When the authorities that it trusts were last written.
    roots_since: datetime
    asked: str = ""

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(root.id for root in self.roots)

    @property
    def issued_at(self) -> datetime:
        return self.begins + BACKDATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a platform asks of its authority."""

    services: tuple[str, ...]
    trust_domain: str
    namespace: str
    lasts: timedelta
    # How long it may take until every pod has seen a Secret that changed.
    settles: timedelta
    rotate_authority: str = ""
    rotate_certificates: str = ""

    def uri(self, service: str) -> str:
        return spiffe_id(self.trust_domain, self.namespace, service)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: a move of the authority, or else Secrets of services to be written. Neither: all is well."""

    move: Move = "stay"
    # To get a new key and certificate.
    issue: tuple[str, ...] = ()
    # To get other authorities to trust, and to keep their certificate.
    trust: tuple[str, ...] = ()
    # When there will be something to do, if nothing happens before.
    again_at: datetime | None = None


def next_step(wanted: Wanted, authority: Authority | None, leaves: Mapping[str, Leaf], *, now: datetime) -> Step:
    """The same for the same Secrets at the same time. A leaf that can not be read is one that is not there."""
    if authority is None or now >= authority.signing.ends:
        return Step(move="make")
    ours = {name: leaf for name, leaf in leaves.items() if name in wanted.services and leaf.uri == wanted.uri(name)}
    if (move := _move(wanted, authority, ours, now)) != "stay":
        return Step(move=move)
    known = all(authority.signing.id in leaf.ids and leaf.roots_since + wanted.settles <= now for leaf in ours.values())
    missing = [name for name in wanted.services if name not in ours]
    old = [name for name, leaf in ours.items() if _is_old(wanted, authority, leaf, now)] if known else []
    strangers = [name for name, leaf in ours.items() if leaf.ids != authority.ids and name not in old]
    return Step(
        issue=tuple(missing + old), trust=tuple(strangers), again_at=_again_at(wanted, authority, ours.values(), now)
    )


def _move(wanted: Wanted, authority: Authority, leaves: Mapping[str, Leaf], now: datetime) -> Move:
    everybody = len(leaves) == len(wanted.services) and all(leaf.ids == authority.ids for leaf in leaves.values())
    if authority.upcoming is not None:
        heard = everybody and all(leaf.roots_since + wanted.settles <= now for leaf in leaves.values())
        return "promote" if heard else "stay"
    if authority.trusted:
        of_the_new = all(
            leaf.signed_by == authority.signing.id and leaf.issued_at + wanted.settles <= now
            for leaf in leaves.values()
        )
        return "retire" if everybody and of_the_new else "stay"
    asked = wanted.rotate_authority not in {"", authority.asked}
    return "announce" if asked or now >= due_at(authority.signing.begins, authority.signing.ends) else "stay"


def _is_old(wanted: Wanted, authority: Authority, leaf: Leaf, now: datetime) -> bool:
    asked = wanted.rotate_certificates not in {"", leaf.asked}
    return asked or leaf.signed_by != authority.signing.id or now >= leaf_due_at(wanted, leaf)


def due_at(begins: datetime, ends: datetime) -> datetime:
    return begins + (ends - begins) * RENEWED_AFTER


def leaf_due_at(wanted: Wanted, leaf: Leaf) -> datetime:
    """Sooner than its own life says, when shorter ones are asked for now."""
    return due_at(leaf.begins, min(leaf.ends, leaf.issued_at + wanted.lasts))


def _again_at(wanted: Wanted, authority: Authority, leaves: Iterable[Leaf], now: datetime) -> datetime | None:
    moments = [due_at(authority.signing.begins, authority.signing.ends)]
    for leaf in leaves:
        moments += [leaf_due_at(wanted, leaf), leaf.roots_since + wanted.settles, leaf.issued_at + wanted.settles]
    return min((moment for moment in moments if moment > now), default=None)
