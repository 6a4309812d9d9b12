"""A stolen certificate alone acts for nobody: a call that names a person brings auth's word for it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from protos.gen import booking_pb2 as pb
from protos.gen import booking_pb2_grpc
from services.booking.proofs import Proofs
from services.booking.servicer import BookingServicer
from services.kit.errors import NotNow
from services.kit.rpc.channels import mesh_url
from services.kit.rpc.client import Peer
from services.kit.rpc.identity import Mode, identity_in
from services.kit.rpc.persons import persons_of, speaking
from services.kit.rpc.policy import Policy
from services.kit.rpc.server import RpcServer
from services.kit.topology import topology
from tests.integration.mesh.conftest import Platform
from tests.twins.vouching import Voucher

SERVICE = "booking.BookingService"


class Desk(booking_pb2_grpc.BookingServiceServicer):
    """Answers with whose booking was asked for."""

    async def GetBooking(self, request: pb.GetBookingRequest, context: Any) -> pb.GetBookingResponse:
        return pb.GetBookingResponse(booking=pb.Booking(user_id=request.user_id))


@asynccontextmanager
async def desk(platform: Platform, auth: Voucher, port: int, mode: Mode = "strict") -> AsyncIterator[None]:
    security = platform.security("booking", mode)
    proofs = Proofs(auth.jwks, required=mode == "strict")

    async def keys() -> Any:
        return SimpleNamespace(jwks_json=await auth.jwks())

    server = RpcServer(
        f"127.0.0.1:{port}",
        [(SERVICE, lambda to: booking_pb2_grpc.add_BookingServiceServicer_to_server(new_desk(), to))],
        policy=Policy(security, topology().services["booking"].granted, reflection=False),
        persons=persons_of(security, keys, proofs.owner),
    )
    server.listen_securely(mesh_url("booking", f"127.0.0.1:{port}"), identity_in(security.folder))
    await server.start()
    await server.set_ready(ready=True)
    try:
        yield
    finally:
        await server.stop(0)


def new_desk() -> Desk:
    return Desk()  # type: ignore[abstract]  # the rest of the service is not asked for


def caller(platform: Platform, port: int, who: str = "gateway", mode: Mode = "strict") -> Peer[Any]:
    stub, security = booking_pb2_grpc.BookingServiceStub, platform.security(who, mode)
    return Peer("booking", f"localhost:{port}", stub, service=SERVICE, security=security)


async def whose(asked: Peer[Any], user_id: str, word: str = "", order: pb.CreateBookingRequest | None = None) -> str:
    async def voucher(audience: str) -> str:
        return word

    with speaking(voucher if word else None):
        request = pb.GetBookingRequest(booking_id="b1", user_id=user_id, order=order)
        if order is not None:
            request.booking_id = order.booking_id
        return str((await asked.call(asked.stub.GetBooking, request, timeout_s=3)).booking.user_id)


async def test_with_auths_word_a_call_acts_for_its_person(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    auth = Voucher()
    await stack.enter_async_context(desk(platform, auth, port))
    gateway = await stack.enter_async_context(caller(platform, port))

    assert await whose(gateway, "ada", auth.word("ada")) == "ada"
    # Whose it is does not matter to an administrator.
    assert await whose(gateway, "", auth.word("root", "booking", "admin")) == ""


async def test_a_stolen_certificate_alone_acts_for_nobody(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    auth = Voucher()
    await stack.enter_async_context(desk(platform, auth, port))
    thief = await stack.enter_async_context(caller(platform, port))

    for user_id, word in (
        ("ada", ""),
        ("", ""),
        ("ada", "forged"),
        ("ada", auth.word("eve")),
        ("", auth.word("eve")),
        ("ada", auth.word("ada", "payment")),
        ("ada", auth.word("ada", at=time.time() - 120)),
        ("ada", Voucher().word("ada")),
    ):
        # To whoever calls it is as if nobody answered, so no buyer is refused for a hole in the platform.
        with pytest.raises(NotNow):
            await whose(thief, user_id, word)


async def test_a_worker_asks_with_the_order_that_its_buyer_signed(
    platform: Platform, port: int, stack: AsyncExitStack
) -> None:
    auth = Voucher()
    await stack.enter_async_context(desk(platform, auth, port))
    worker = await stack.enter_async_context(caller(platform, port, "booking-worker"))
    forged = auth.order("ada")
    forged.payment_method = "pm_another"

    assert await whose(worker, "ada", order=auth.order("ada")) == "ada"
    for user_id, order in (("ada", None), ("eve", auth.order("ada")), ("ada", forged)):
        with pytest.raises(NotNow):
            await whose(worker, user_id, order=order)


async def test_on_the_way_to_strict_a_call_without_word_is_believed_and_a_wrong_word_is_not(
    platform: Platform, port: int, stack: AsyncExitStack
) -> None:
    auth = Voucher()
    await stack.enter_async_context(desk(platform, auth, port, "permissive"))
    gateway = await stack.enter_async_context(caller(platform, port))

    assert await whose(gateway, "ada") == "ada"
    with pytest.raises(NotNow):
        await whose(gateway, "ada", auth.word("eve"))


async def test_of_a_stream_each_order_is_proven_by_itself(platform: Platform, port: int) -> None:
    auth = Voucher()
    good, bare, others = auth.order("ada"), auth.order("bob"), auth.order("cy")
    bare.ClearField("proof")
    others.user_id = "eve"
    begun: list[str] = []

    class Handlers:
        async def create(self, order: Any) -> Any:
            begun.append(order.booking_id)
            raise NotNow("nobody decides here")

    async def orders() -> AsyncIterator[pb.CreateBookingsRequest]:
        yield pb.CreateBookingsRequest(orders=[good, bare, others])

    nothing: Any = None
    handlers: Any = Handlers()
    servicer = BookingServicer(handlers, nothing, nothing, proofs=Proofs(auth.jwks, required=True))
    outcomes = [one async for reply in servicer.CreateBookings(orders(), nothing) for one in reply.outcomes]

    reasons = {one.booking_id: one.refused.reason for one in outcomes}
    assert begun == [good.booking_id]
    assert reasons == {good.booking_id: "unavailable"} | dict.fromkeys(
        (bare.booking_id, others.booking_id), "order-not-proven"
    )
