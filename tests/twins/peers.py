"""The six peers of the gateway as one gRPC server: small services in memory, with the refusals of the real ones."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protos.gen import auth_pb2 as auth
from protos.gen import auth_pb2_grpc, booking_pb2_grpc, event_pb2_grpc, payment_pb2_grpc, ticket_pb2_grpc, user_pb2_grpc
from protos.gen import booking_pb2 as booking
from protos.gen import event_pb2 as event
from protos.gen import payment_pb2 as payment
from protos.gen import ticket_pb2 as ticket
from protos.gen import user_pb2 as user
from services.kit.errors import Invalid, Kind, PeerRefused
from services.kit.ids import new_id
from services.kit.rpc.server import RpcServer
from services.kit.tokens import ALGORITHM, AUDIENCE, ISSUER

KEY_ID = "twin"


def refused(kind: Kind, reason: str) -> PeerRefused:
    return PeerRefused(kind, reason, f"twin: {reason}")


class Issuer:
    """Signs access tokens as auth does."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        row = jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.jwk: dict[str, Any] = row | {"kid": KEY_ID, "use": "sig", "alg": ALGORITHM}

    def token(self, user_id: str, *roles: str, lasts_s: float = 600.0) -> str:
        claims = {"sub": user_id, "roles": roles or ("buyer",), "iss": ISSUER, "aud": AUDIENCE}
        return jwt.encode(claims | {"exp": int(time.time() + lasts_s)}, self._key, ALGORITHM, headers={"kid": KEY_ID})


class AuthTwin(auth_pb2_grpc.AuthServiceServicer):
    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.accounts: dict[str, tuple[auth.Account, str]] = {}
        self.sessions: dict[str, auth.Account] = {}
        self.used: set[str] = set()

    async def Register(self, request: auth.RegisterRequest, context: Any) -> auth.RegisterResponse:
        if len(request.password) < 10:
            raise refused(Kind.INVALID, "weak-password")
        if request.email in self.accounts:
            raise refused(Kind.CONFLICT, "email-taken")
        roles = sorted({"buyer", request.role or "buyer"})
        account = auth.Account(user_id=new_id(), email=request.email, name=request.name, roles=roles)
        self.accounts[request.email] = (account, request.password)
        return auth.RegisterResponse(account=account, tokens=self._tokens(account))

    async def Login(self, request: auth.LoginRequest, context: Any) -> auth.LoginResponse:
        account, password = self.accounts.get(request.email, (None, ""))
        if account is None or password != request.password:
            raise refused(Kind.UNAUTHENTICATED, "wrong-credentials")
        return auth.LoginResponse(account=account, tokens=self._tokens(account))

    async def Refresh(self, request: auth.RefreshRequest, context: Any) -> auth.RefreshResponse:
        if request.refresh_token in self.used:
            raise refused(Kind.UNAUTHENTICATED, "token-reused")
        account = self.sessions.pop(request.refresh_token, None)
        if account is None:
            raise refused(Kind.UNAUTHENTICATED, "invalid-token")
        self.used.add(request.refresh_token)
        return auth.RefreshResponse(tokens=self._tokens(account))

    async def Revoke(self, request: auth.RevokeRequest, context: Any) -> auth.RevokeResponse:
        self.sessions.pop(request.refresh_token, None)
        return auth.RevokeResponse()

    async def ValidateToken(self, request: auth.ValidateTokenRequest, context: Any) -> auth.ValidateTokenResponse:
        subject = jwt.decode(request.access_token, options={"verify_signature": False})["sub"]
        for account, _ in self.accounts.values():
            if account.user_id == subject:
                return auth.ValidateTokenResponse(account=account)
        return auth.ValidateTokenResponse(
            account=auth.Account(user_id=subject, email=f"{subject}@example.com", name="Twin")
        )

    async def GetJwks(self, request: auth.GetJwksRequest, context: Any) -> auth.GetJwksResponse:
        return auth.GetJwksResponse(jwks_json=msgspec.json.encode({"keys": [self.issuer.jwk]}).decode())

    def _tokens(self, account: auth.Account) -> auth.Tokens:
        refresh = new_id()
        self.sessions[refresh] = account
        tokens = auth.Tokens(access_token=self.issuer.token(account.user_id, *account.roles), refresh_token=refresh)
        tokens.access_expires_at.FromSeconds(int(time.time() + 600))
        tokens.refresh_expires_at.FromSeconds(int(time.time() + 86_400))
        return tokens


class UserTwin(user_pb2_grpc.UserServiceServicer):
    def __init__(self) -> None:
        self.profiles: dict[str, user.Profile] = {}
        self.homes: dict[str, dict[str, user.Address]] = {}

    async def GetProfile(self, request: user.GetProfileRequest, context: Any) -> user.GetProfileResponse:
        return user.GetProfileResponse(profile=self._known(request.user_id))

    async def CreateProfile(self, request: user.CreateProfileRequest, context: Any) -> user.CreateProfileResponse:
        profile = user.Profile(user_id=request.user_id, email=request.email, name=request.name, language="en")
        profile.created_at.GetCurrentTime()
        profile.updated_at.GetCurrentTime()
        return user.CreateProfileResponse(profile=self.profiles.setdefault(request.user_id, profile))

    async def UpdateProfile(self, request: user.UpdateProfileRequest, context: Any) -> user.UpdateProfileResponse:
        profile = self._known(request.user_id)
        for name in ("name", "phone", "language"):
            if request.HasField(name):
                setattr(profile, name, getattr(request, name))
        return user.UpdateProfileResponse(profile=profile)

    async def GetAddresses(self, request: user.GetAddressesRequest, context: Any) -> user.GetAddressesResponse:
        self._known(request.user_id)
        return user.GetAddressesResponse(addresses=self.homes.get(request.user_id, {}).values())

    async def AddAddress(self, request: user.AddAddressRequest, context: Any) -> user.AddAddressResponse:
        self._known(request.user_id)
        mine = self.homes.setdefault(request.user_id, {})
        if len(mine) >= 20:
            raise refused(Kind.CONFLICT, "too-many-addresses")
        added = user.Address()
        added.CopyFrom(request.address)
        added.address_id = new_id()
        mine[added.address_id] = added
        return user.AddAddressResponse(address=added)

    async def UpdateAddress(self, request: user.UpdateAddressRequest, context: Any) -> user.UpdateAddressResponse:
        mine = self.homes.get(request.user_id, {})
        if request.address.address_id not in mine:
            raise refused(Kind.MISSING, "unknown-address")
        mine[request.address.address_id] = request.address
        return user.UpdateAddressResponse(address=request.address)

    async def DeleteAddress(self, request: user.DeleteAddressRequest, context: Any) -> user.DeleteAddressResponse:
        self.homes.get(request.user_id, {}).pop(request.address_id, None)
        return user.DeleteAddressResponse()

    def _known(self, user_id: str) -> user.Profile:
        if user_id not in self.profiles:
            raise refused(Kind.MISSING, "unknown-user")
        return self.profiles[user_id]


class EventTwin(event_pb2_grpc.EventServiceServicer):
    def __init__(self) -> None:
        self.events: dict[str, event.Event] = {}
        self.venues: dict[str, event.Venue] = {}
        self.gets = 0

    async def CreateVenue(self, request: event.CreateVenueRequest, context: Any) -> event.CreateVenueResponse:
        return event.CreateVenueResponse(venue=self._store(request.venue, request.organiser_id))

    async def GetVenue(self, request: event.GetVenueRequest, context: Any) -> event.GetVenueResponse:
        return event.GetVenueResponse(venue=self._venue(request.venue_id, request.organiser_id))

    async def ListVenues(self, request: event.ListVenuesRequest, context: Any) -> event.ListVenuesResponse:
        mine = [venue for venue in self.venues.values() if venue.organiser_id == request.organiser_id]
        page, token = _page(mine, request.page_size, request.page_token)
        return event.ListVenuesResponse(venues=page, next_page_token=token)

    async def CreateEvent(self, request: event.CreateEventRequest, context: Any) -> event.CreateEventResponse:
        made = event.Event(event_id=new_id(), organiser_id=request.organiser_id, status=event.DRAFT)
        made.created_at.GetCurrentTime()
        self._fill(made, request.draft)
        self.events[made.event_id] = made
        return event.CreateEventResponse(event=made)

    async def UpdateEvent(self, request: event.UpdateEventRequest, context: Any) -> event.UpdateEventResponse:
        draft = self._mine(request.event_id, request.organiser_id)
        if draft.status != event.DRAFT:
            raise refused(Kind.CONFLICT, "event-not-draft")
        self._fill(draft, request.draft)
        return event.UpdateEventResponse(event=draft)

    async def GetEvent(self, request: event.GetEventRequest, context: Any) -> event.GetEventResponse:
        self.gets += 1
        found = self.events.get(request.event_id)
        if found is None or (found.status == event.DRAFT and found.organiser_id != request.viewer_id):
            raise refused(Kind.MISSING, "unknown-event")
        return event.GetEventResponse(event=found)

    async def DeleteEvent(self, request: event.DeleteEventRequest, context: Any) -> event.DeleteEventResponse:
        found = self.events.get(request.event_id)
        if found is not None and found.organiser_id == request.organiser_id:
            if found.status != event.DRAFT:
                raise refused(Kind.CONFLICT, "event-not-draft")
            del self.events[request.event_id]
        return event.DeleteEventResponse()

    async def PublishEvent(self, request: event.PublishEventRequest, context: Any) -> event.PublishEventResponse:
        found = self._mine(request.event_id, request.organiser_id)
        if found.status == event.CANCELLED:
            raise refused(Kind.CONFLICT, "event-cancelled")
        if not found.capacity:
            raise refused(Kind.CONFLICT, "event-without-seats")
        found.status = event.PUBLISHED
        return event.PublishEventResponse(event=found)

    async def CancelEvent(self, request: event.CancelEventRequest, context: Any) -> event.CancelEventResponse:
        found = self._mine(request.event_id, request.organiser_id)
        if found.status == event.DRAFT:
            raise refused(Kind.CONFLICT, "event-not-published")
        found.status = event.CANCELLED
        return event.CancelEventResponse(event=found)

    async def SearchEvents(self, request: event.SearchEventsRequest, context: Any) -> event.SearchEventsResponse:
        mine = request.organiser_id
        found = [
            known
            for known in self.events.values()
            if (known.organiser_id == mine if mine else known.status == event.PUBLISHED)
            and request.text.lower() in known.title.lower()
        ]
        page, token = _page(found, request.page_size, request.page_token)
        return event.SearchEventsResponse(events=page, next_page_token=token)

    def _fill(self, made: event.Event, draft: event.EventDraft) -> None:
        if draft.HasField("venue") == bool(draft.venue_id):
            raise Invalid("venue: either venue or venue_id")
        if draft.venue_id:
            venue = self._venue(draft.venue_id, made.organiser_id)
        else:
            venue = self._store(draft.venue, made.organiser_id)
        for name in ("title", "description", "category", "max_per_booking"):
            setattr(made, name, getattr(draft, name))
        made.max_per_booking = made.max_per_booking or 10
        for name in ("starts_at", "ends_at", "sale_starts_at"):
            made.ClearField(name)
            if draft.HasField(name):
                getattr(made, name).CopyFrom(getattr(draft, name))
        made.venue.CopyFrom(venue)
        del made.venue.sections[:], made.sections[:], made.tiers[:]
        made.sections.extend(draft.sections or venue.sections)
        made.tiers.extend(draft.tiers)
        made.capacity = sum(section.capacity for section in made.sections)
        made.updated_at.GetCurrentTime()

    def _store(self, venue: event.Venue, organiser_id: str) -> event.Venue:
        stored = event.Venue()
        stored.CopyFrom(venue)
        stored.venue_id, stored.organiser_id = new_id(), organiser_id
        for section in stored.sections:
            if section.kind == event.SEATED:
                section.capacity = sum(row.seat_count for row in section.rows)
        self.venues[stored.venue_id] = stored
        return stored

    def _venue(self, venue_id: str, organiser_id: str) -> event.Venue:
        found = self.venues.get(venue_id)
        if found is None or found.organiser_id != organiser_id:
            raise refused(Kind.MISSING, "unknown-venue")
        return found

    def _mine(self, event_id: str, organiser_id: str) -> event.Event:
        found = self.events.get(event_id)
        if found is None or found.organiser_id != organiser_id:
            raise refused(Kind.MISSING, "unknown-event")
        return found


class TicketTwin(ticket_pb2_grpc.TicketServiceServicer):
    """Every place of a published event is free; `version` is what a test says it is."""

    def __init__(self, events: EventTwin, issuer: Issuer) -> None:
        self._events, self._issuer = events.events, issuer
        self.version = 1
        self.asked = 0

    async def GetAvailability(
        self, request: ticket.GetAvailabilityRequest, context: Any
    ) -> ticket.GetAvailabilityResponse:
        self.asked += 1
        reply = ticket.GetAvailabilityResponse(event_id=request.event_id, version=self.version)
        for section in self._on_sale(request.event_id).sections:
            reply.sections.add(
                section_id=section.section_id,
                name=section.name,
                kind=section.kind,
                tier_id=section.tier_id,
                capacity=section.capacity,
                free=section.capacity,
                rows=[ticket.RowAvailability(label=row.label, states="f" * row.seat_count) for row in section.rows],
            )
        return reply

    async def GetPricing(self, request: ticket.GetPricingRequest, context: Any) -> ticket.GetPricingResponse:
        found = self._on_sale(request.event_id)
        prices = [ticket.SectionPrice(section_id=one.section_id, tier_id=one.tier_id) for one in found.sections]
        return ticket.GetPricingResponse(event_id=request.event_id, tiers=found.tiers, sections=prices)

    async def GetTicketKeys(self, request: ticket.GetTicketKeysRequest, context: Any) -> ticket.GetTicketKeysResponse:
        return ticket.GetTicketKeysResponse(
            jwks_json='{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"tickets","x":"AAAA"}]}'
        )

    def _on_sale(self, event_id: str) -> event.Event:
        found = self._events.get(event_id)
        if found is None or found.status == event.DRAFT:
            raise refused(Kind.MISSING, "unknown-event")
        return found


class BookingTwin(booking_pb2_grpc.BookingServiceServicer):
    def __init__(self) -> None:
        self.bookings: dict[str, booking.Booking] = {}

    def confirm(self, booking_id: str, user_id: str, event_id: str) -> None:
        """A booking as it is once it is paid."""
        made = booking.Booking(
            booking_id=booking_id,
            user_id=user_id,
            event_id=event_id,
            status=booking.CONFIRMED,
            payment_id=new_id(),
        )
        place = ticket.Place(seat_id="A-1-1", section_id="A", label="Section A, row 1, seat 1")
        place.price.minor, place.price.currency = 9900, "EUR"
        made.places.append(place)
        made.total.CopyFrom(place.price)
        made.tickets.add(ticket_id=new_id(), event_id=event_id, place=place, qr_payload="a.b.c")
        made.created_at.FromDatetime(datetime.now(UTC).replace(tzinfo=None))
        made.updated_at.CopyFrom(made.created_at)
        self.bookings[booking_id] = made

    async def GetBooking(self, request: booking.GetBookingRequest, context: Any) -> booking.GetBookingResponse:
        return booking.GetBookingResponse(booking=self._mine(request.booking_id, request.user_id))

    async def CancelBooking(self, request: booking.CancelBookingRequest, context: Any) -> booking.CancelBookingResponse:
        found = self._mine(request.booking_id, request.user_id)
        if found.status == booking.REJECTED:
            raise refused(Kind.CONFLICT, "booking-not-cancellable")
        found.status, found.reason = booking.CANCELLED, "cancelled-by-buyer"
        return booking.CancelBookingResponse(booking=found)

    async def GetUserBookings(
        self, request: booking.GetUserBookingsRequest, context: Any
    ) -> booking.GetUserBookingsResponse:
        mine = [known for known in self.bookings.values() if known.user_id == request.user_id]
        page, token = _page(mine[::-1], request.page_size, request.page_token)
        return booking.GetUserBookingsResponse(bookings=page, next_page_token=token)

    def _mine(self, booking_id: str, user_id: str) -> booking.Booking:
        found = self.bookings.get(booking_id)
        if found is None or found.user_id != user_id:
            raise refused(Kind.MISSING, "unknown-booking")
        return found


class PaymentTwin(payment_pb2_grpc.PaymentServiceServicer):
    def __init__(self) -> None:
        self.payments: dict[str, payment.Payment] = {}

    async def GetPayment(self, request: payment.GetPaymentRequest, context: Any) -> payment.GetPaymentResponse:
        found = self.payments.get(request.payment_id)
        if found is None or found.user_id != request.user_id:
            raise refused(Kind.MISSING, "unknown-payment")
        return payment.GetPaymentResponse(payment=found)


class Peers:
    """All six, and the address they share."""

    def __init__(self) -> None:
        self.issuer = Issuer()
        self.auth = AuthTwin(self.issuer)
        self.user = UserTwin()
        self.event = EventTwin()
        self.ticket = TicketTwin(self.event, self.issuer)
        self.booking = BookingTwin()
        self.payment = PaymentTwin()
        self.port = 0

    def settings(self) -> dict[str, str]:
        """Keyword arguments that point the gateway's settings here."""
        names = ("auth", "user", "event", "ticket", "booking", "payment")
        return {f"{name}_service_url": f"127.0.0.1:{self.port}" for name in names}


@asynccontextmanager
async def running_peers(port: int = 0) -> AsyncIterator[Peers]:
    peers = Peers()
    server = RpcServer(
        f"127.0.0.1:{port}",
        [
            ("auth.AuthService", lambda to: auth_pb2_grpc.add_AuthServiceServicer_to_server(peers.auth, to)),
            ("user.UserService", lambda to: user_pb2_grpc.add_UserServiceServicer_to_server(peers.user, to)),
            ("event.EventService", lambda to: event_pb2_grpc.add_EventServiceServicer_to_server(peers.event, to)),
            ("ticket.TicketService", lambda to: ticket_pb2_grpc.add_TicketServiceServicer_to_server(peers.ticket, to)),
            (
                "booking.BookingService",
                lambda to: booking_pb2_grpc.add_BookingServiceServicer_to_server(peers.booking, to),
            ),
            (
                "payment.PaymentService",
                lambda to: payment_pb2_grpc.add_PaymentServiceServicer_to_server(peers.payment, to),
            ),
        ],
    )
    peers.port = server.port
    await server.start()
    await server.set_ready(ready=True)
    try:
        yield peers
    finally:
        await server.stop(0.1)


def _page[T](items: list[T], size: int, token: str) -> tuple[list[T], str]:
    if token and not token.isdigit():
        raise refused(Kind.INVALID, "bad-page-token")
    start = int(token or 0)
    end = start + size
    return items[start:end], str(end) if end < len(items) else ""
