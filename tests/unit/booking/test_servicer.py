"""The wire's side of a stream of orders."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from protos.gen import booking_pb2 as pb
from services.booking.handlers import BookingHandlers
from services.booking.servicer import BookingServicer


async def test_whoever_opens_a_stream_is_greeted_before_there_is_an_order(handlers: BookingHandlers) -> None:
    nothing = cast("Any", None)
    servicer = BookingServicer(handlers, nothing, nothing)

    stream = servicer.CreateBookings(_no_orders_yet(), nothing)

    async with asyncio.timeout(5):
        assert await anext(stream) == pb.CreateBookingsResponse()
    await cast("Any", stream).aclose()


async def _no_orders_yet() -> AsyncIterator[pb.CreateBookingsRequest]:
    await asyncio.Event().wait()
    yield pb.CreateBookingsRequest()
