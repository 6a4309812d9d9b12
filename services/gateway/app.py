"""Composition root of the gateway."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from aiohttp import web

from services.gateway.cache import Coalescing
from services.gateway.clients.attendees import AttendeeClient
from services.gateway.clients.auth import AuthClient
from services.gateway.clients.bookings import BookingClient
from services.gateway.clients.events import EventClient, PublicEvents
from services.gateway.clients.payments import PaymentClient
from services.gateway.clients.peers import open_peers
from services.gateway.clients.speaker import Speaker
from services.gateway.clients.tickets import TicketClient
from services.gateway.clients.users import UserClient
from services.gateway.edge.boundary import boundary, expect, unreadable
from services.gateway.edge.cors import Cors
from services.gateway.edge.dispatch import Door, bind
from services.gateway.edge.limits import Limiter
from services.gateway.edge.operation import AnyOperation
from services.gateway.edge.pages import add_pages
from services.gateway.edge.places import Places
from services.gateway.handlers import BookingHandlers
from services.gateway.repository import RedisQueue
from services.gateway.routes import auth, bookings, events, keys, payments, seats, users, venues
from services.gateway.settings import GatewaySettings
from services.kit.clock import utc_now
from services.kit.health import Check
from services.kit.process import App
from services.kit.redis import open_redis, ping
from services.kit.rpc.persons import Voucher, word_for
from services.kit.tokens import TokenVerifier
from services.kit.web import ON_BAD_REQUEST

TAGS: Final = {
    auth.TAG: "Accounts, sessions and the keys that verify what we sign.",
    users.TAG: "Your own profile and addresses.",
    venues.TAG: "Houses and their layouts, for organisers.",
    events.TAG: "What is on, what is free and what it costs.",
    bookings.TAG: "Orders: queued, decided, cancelled.",
    payments.TAG: "The money of a booking.",
}


@asynccontextmanager
async def compose(settings: GatewaySettings) -> AsyncIterator[App]:
    """Everything the gateway process serves and does."""
    redis = open_redis(settings, name="gateway")
    async with open_peers(settings) as peers:
        speaker = Speaker(peers.auth, utc_now) if settings.mesh_mtls != "off" else None
        queue = RedisQueue(redis, utc_now, limit=settings.queue_limit, prove=speaker.prove if speaker else None)
        accounts, catalogue, tickets = AuthClient(peers), EventClient(peers), TicketClient(peers)
        public = PublicEvents(catalogue)
        handlers = BookingHandlers(queue, public, BookingClient(peers), utc_now, partial(word_for, "booking"))
        all_keys = Coalescing(accounts.all_keys, name="keys", found_s=keys.FRESH_S, missing_s=1.0, most=1)
        operations = (
            *auth.AuthRoutes(accounts).operations(),
            *users.UserRoutes(UserClient(peers, accounts)).operations(),
            *venues.VenueRoutes(catalogue).operations(),
            *events.EventRoutes(catalogue, public, AttendeeClient(peers, catalogue)).operations(),
            *seats.SeatRoutes(tickets).operations(),
            *bookings.BookingRoutes(handlers).operations(),
            *payments.PaymentRoutes(PaymentClient(peers)).operations(),
            *keys.KeyRoutes(all_keys).operations(),
        )
        try:
            yield App(
                http=web_application(
                    settings, operations, TokenVerifier(accounts.jwks), speaker.voucher if speaker else None
                ),
                checks={"redis": Check(partial(ping, redis)), **peers.checks},
            )
        finally:
            for cache in (public, tickets, all_keys):
                await cache.close()
            await redis.aclose()


def web_application(
    settings: GatewaySettings,
    operations: Sequence[AnyOperation],
    verifier: TokenVerifier,
    voucher: Callable[[str], Voucher] | None = None,
) -> web.Application:
    """The operations behind one boundary, and the pages that describe them."""
    door = Door(
        verifier=verifier,
        users=Limiter("user", settings.rate_limit_user_per_min),
        bookings=Limiter("bookings", settings.rate_limit_bookings_per_min),
        addresses=Limiter("address", settings.rate_limit_address_per_min),
        places=Places(settings.http_max_at_work),
        voucher=voucher,
        trusted=settings.trusted_proxies,
        body_limit=settings.body_limit,
    )
    around = boundary(timeout_s=settings.request_timeout_s, cors=Cors(settings.cors_origins))
    app = web.Application(middlewares=[around], client_max_size=settings.body_limit)
    app[ON_BAD_REQUEST] = unreadable
    for operation in operations:
        if operation.method == "GET":
            app.router.add_get(operation.path, bind(operation, door), expect_handler=expect)
        else:
            app.router.add_route(operation.method, operation.path, bind(operation, door), expect_handler=expect)
    add_pages(app, operations, tags=TAGS)
    return app
