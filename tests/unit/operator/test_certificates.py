"""An authority and its certificates over the years: issued once, renewed in time, rotated without a call that fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest
from ticketing_operator.authority import AUTHORITY_LASTS
from ticketing_operator.certificate_keeper import SecretInTheWay
from ticketing_operator.mesh_modes import IDENTITIES
from ticketing_operator.mesh_secrets import AUTHORITY_SECRET, ROTATE_AUTHORITY, ROTATE_CERTIFICATES, identity_secret
from ticketing_operator.transport import Unanswered

from services.kit.rpc.identity import Security
from tests.unit.operator.mesh import BEGAN, SETTLES, MeshWorld, Mounted, Shelf

DAYS = 30
A_DAY = timedelta(days=1)


@pytest.fixture
def world() -> MeshWorld:
    world = MeshWorld()
    world.look()
    return world


def test_every_service_that_speaks_to_peers_gets_its_own_identity_and_so_does_support(world: MeshWorld) -> None:
    names = Security("strict", namespace="shop")

    assert {service: leaf.uri for service, leaf in world.leaves().items()} == {
        service: names.spiffe_id(service) for service in IDENTITIES
    }
    assert "email-worker" not in IDENTITIES
    assert {leaf.signed_by for leaf in world.leaves().values()} == {world.signer()}
    assert all(leaf.ends - BEGAN == timedelta(days=DAYS) for leaf in world.leaves().values())


def test_at_rest_nothing_is_read_and_nothing_written(world: MeshWorld) -> None:
    world.shelf.sent.clear()

    for hours in range(0, 19 * 24, 7):
        world.now = BEGAN + timedelta(hours=hours)
        world.look()

    assert world.shelf.sent == []


def test_the_next_look_is_when_something_is_due(world: MeshWorld) -> None:
    world.now = BEGAN + timedelta(hours=1)

    due = world.look().again_at

    assert due is not None
    # Two thirds of a life that began five minutes early, for clocks differ.
    assert timedelta(0) <= BEGAN + timedelta(days=20) - due < timedelta(minutes=5)


def test_certificates_are_renewed_at_two_thirds_of_their_life_and_the_authority_stays(world: MeshWorld) -> None:
    before, signer = world.leaves(), world.signer()
    world.now = BEGAN + timedelta(days=20)

    kept = world.look()

    assert [one.reason for one in kept.happenings] == ["CertificatesIssued"]
    assert all(leaf.begins > before[service].begins for service, leaf in world.leaves().items())
    assert world.signer() == signer


def test_shorter_lives_are_renewed_by_their_own_measure(world: MeshWorld) -> None:
    world.spec |= {"certificateDays": 24}
    world.now = BEGAN + timedelta(days=16, hours=1)

    world.look()

    assert all(leaf.ends - world.now == timedelta(days=24) for leaf in world.leaves().values())


def test_years_pass_and_nobody_ever_meets_a_certificate_it_does_not_trust_or_that_ended() -> None:
    world = MeshWorld()
    seen: dict[str, list[Mounted]] = {}
    signers = set()

    for _ in passes(world, years=3):
        remember(seen, world.pods_see())
        signers.add(world.signer())
        assert_all_trust_one_another(seen)
        assert all(world.now + timedelta(days=7) < leaf.ends for leaf in world.leaves().values())

    assert len(signers) >= 4


def passes(world: MeshWorld, *, years: float) -> Iterator[None]:
    """Looks when something is due, twice each time: a pod reads its folder between any two of them, or does not."""
    end = world.now + timedelta(days=365 * years)
    while world.now < end:
        due = world.look().again_at
        yield
        assert due is not None
        assert due > world.now
        world.now = due


def remember(seen: dict[str, list[Mounted]], now: Mapping[str, Mounted]) -> None:
    """A pod may know what was there before this pass, for the kubelet is slow, or what is there now."""
    for service, mounted in now.items():
        seen[service] = [*seen.get(service, [])[-1:], mounted]


def assert_all_trust_one_another(seen: Mapping[str, list[Mounted]]) -> None:
    for one in seen:
        for other in seen:
            for mine in seen[one]:
                assert all(mine.signed_by in theirs.trusts for theirs in seen[other]), f"{other} refuses {one}"


def test_an_annotation_rotates_the_authority_in_three_steps(world: MeshWorld) -> None:
    old = world.signer()
    world.now += A_DAY
    world.annotations[ROTATE_AUTHORITY] = "leaked"
    told, ends = [], []

    for _ in range(6):
        kept = world.look()
        told += [one.reason for one in kept.happenings]
        ends.append(
            ({leaf.signed_by for leaf in world.leaves().values()}, {len(leaf.ids) for leaf in world.leaves().values()})
        )
        assert kept.again_at is not None
        world.now = min(kept.again_at, world.now + SETTLES)

    new = world.signer()
    assert new != old
    assert told == ["AuthorityAnnounced", "AuthorityPromoted", "CertificatesIssued", "AuthorityRetired"]
    assert ends[0] == ({old}, {2}), "first everybody trusts both"
    assert ends[1] == ({new}, {2}), "then the new one signs"
    assert ends[2] == ({new}, {1}), "then the old one is forgotten"
    assert ends[2:] == [ends[2]] * 4, "the same word does not rotate again"


def test_an_annotation_renews_certificates_once(world: MeshWorld) -> None:
    world.now += A_DAY
    world.annotations[ROTATE_CERTIFICATES] = "1"
    before, signer = world.leaves(), world.signer()

    world.look()
    again = world.leaves()
    world.now += A_DAY
    world.look()

    assert all(leaf.begins > before[service].begins for service, leaf in again.items())
    assert world.leaves() == again
    assert world.signer() == signer


def test_a_certificate_that_is_lost_meanwhile_is_signed_by_whom_all_trust_already(world: MeshWorld) -> None:
    old = world.signer()
    world.now += A_DAY
    world.annotations[ROTATE_AUTHORITY] = "1"
    world.look()
    del world.shelf.secrets[identity_secret("booking")]

    world.look()

    assert world.leaf("booking").signed_by == old
    assert len(world.leaf("booking").ids) == 2


def test_an_old_key_is_not_kept(world: MeshWorld) -> None:
    before = world.value(AUTHORITY_SECRET, "tls.key")
    world.annotations[ROTATE_AUTHORITY] = "1"

    for _ in range(4):
        world.look()
        world.now += SETTLES

    assert before not in [world.value(AUTHORITY_SECRET, key) for key in world.shelf.secrets[AUTHORITY_SECRET]["data"]]


def test_a_lost_authority_is_replaced_and_nobody_is_cut_off() -> None:
    world = MeshWorld()
    world.look()
    seen: dict[str, list[Mounted]] = {}
    remember(seen, world.pods_see())
    world.now += A_DAY
    del world.shelf.secrets[AUTHORITY_SECRET]

    for _ in range(5):
        world.look()
        remember(seen, world.pods_see())
        assert_all_trust_one_another(seen)
        world.now += SETTLES

    assert {leaf.signed_by for leaf in world.leaves().values()} == {world.signer()}
    assert {len(leaf.ids) for leaf in world.leaves().values()} == {1}


@pytest.mark.parametrize("key", ["tls.crt", "tls.key", "ca.crt", "more"])
def test_what_somebody_wrote_into_a_secret_is_put_right_once(world: MeshWorld, key: str) -> None:
    world.now += A_DAY
    secret = world.shelf.secrets[identity_secret("booking")]
    world.shelf.secrets[identity_secret("booking")] = {**secret, "data": {**secret["data"], key: "bm9uc2Vuc2U="}}

    world.look()
    world.shelf.sent.clear()
    world.look()

    assert world.leaf("booking").signed_by == world.signer()
    assert "more" not in world.shelf.secrets[identity_secret("booking")]["data"]
    assert world.shelf.writes == []


def test_a_secret_of_somebody_else_is_told_of_and_left_alone() -> None:
    world = MeshWorld()
    theirs = {"metadata": {"name": "booking-identity", "namespace": "shop"}, "kind": "Secret", "apiVersion": "v1"}
    world.shelf.secrets["booking-identity"] = theirs | {"data": {}}

    with pytest.raises(SecretInTheWay, match="booking-identity"):
        world.look()

    assert world.shelf.secrets["booking-identity"]["data"] == {}


def test_whichever_request_fails_the_next_pass_goes_on_from_there() -> None:
    """Through a whole rotation, one request failing in each: it ends the same, and no pod is cut off on the way."""
    undisturbed = MeshWorld()
    rotate(undisturbed, undisturbed.shelf)
    requests = len(undisturbed.shelf.sent)
    assert requests > 50

    for number in range(1, requests + 1):
        world = MeshWorld(shelf=Shelf(fails_at=number))
        seen: dict[str, list[Mounted]] = {}
        rotate(world, world.shelf, seen)
        assert {leaf.signed_by for leaf in world.leaves().values()} == {world.signer()}, number
        assert {len(leaf.ids) for leaf in world.leaves().values()} == {1}, number


def rotate(world: MeshWorld, shelf: Shelf, seen: dict[str, list[Mounted]] | None = None) -> None:
    for turn in range(9):
        if turn == 2:
            world.annotations[ROTATE_AUTHORITY] = "1"
        for _ in range(2):
            try:
                world.look(shelf)
            except Unanswered:
                continue
            break
        if seen is not None:
            remember(seen, world.pods_see())
            assert_all_trust_one_another(seen)
        world.now += SETTLES


def test_an_authority_outlives_whatever_it_signs() -> None:
    world = MeshWorld(spec={"mtls": "strict", "certificateDays": 397})
    world.look()

    assert all(leaf.ends <= BEGAN + AUTHORITY_LASTS for leaf in world.leaves().values())


def test_no_key_is_ever_told() -> None:
    world = MeshWorld()

    kept = world.look()

    assert "PRIVATE KEY" not in str(world.told(AUTHORITY_SECRET)) + str(world.leaves()) + str(kept)
    assert "tls.key" not in str(world.told(AUTHORITY_SECRET))
