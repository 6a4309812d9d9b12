"""Our words as messages of ticket.proto, and back."""

from __future__ import annotations

from datetime import UTC

from protos.gen import event_pb2, money_pb2, refusal_pb2
from protos.gen import ticket_pb2 as pb
from services.kit.errors import Invalid, Refusal
from services.kit.money import Money
from services.ticket.domain.availability import Snapshot
from services.ticket.domain.event import Event
from services.ticket.domain.hold import Extension, GiveBack, Hold, Order, Place, Quantity, Sale, SignedTicket
from services.ticket.domain.watched import Standing


def order_of(message: pb.ReserveSeatsRequest) -> Order:
    return Order(
        key=message.key,
        event_id=message.event_id,
        user_id=message.user_id,
        seat_ids=tuple(message.seat_ids),
        quantities=tuple(Quantity(one.section_id, one.quantity) for one in message.quantities),
        payment_in_flight=message.payment_in_flight,
    )


def sale_of(message: pb.ConfirmSeatsRequest) -> Sale:
    return Sale(message.key, message.booking_id, message.user_id)


def give_back_of(message: pb.ReleaseSeatsRequest) -> GiveBack:
    return GiveBack(message.key, message.event_id)


def extension_of(message: pb.ExtendHoldRequest) -> Extension:
    if not message.HasField("expires_at"):
        raise Invalid("expires_at: must be set")
    try:
        return Extension(message.key, message.expires_at.ToDatetime(UTC))
    except (ValueError, OverflowError) as unrepresentable:
        raise Invalid("expires_at: not a time") from unrepresentable


def hold_message(hold: Hold) -> pb.Hold:
    message = pb.Hold(key=hold.key, event_id=hold.event_id, places=map(_place, hold.places), total=_money(hold.total))
    if hold.expires_at is not None:
        message.expires_at.FromDatetime(hold.expires_at)
    return message


def ticket_message(signed: SignedTicket) -> pb.Ticket:
    ticket = signed.ticket
    return pb.Ticket(
        ticket_id=ticket.ticket_id,
        event_id=ticket.event_id,
        place=_place(ticket.place),
        qr_payload=signed.qr_payload,
    )


def standing_message(hold: Standing) -> pb.HoldStanding:
    message = pb.HoldStanding(
        key=hold.key, event_id=hold.event_id, sold=hold.sold, places=hold.places, tickets=hold.tickets
    )
    message.made_at.FromDatetime(hold.made_at)
    return message


def refused(refusal: Refusal) -> refusal_pb2.Refused:
    return refusal_pb2.Refused(kind=refusal.kind.value, reason=refusal.reason, message=str(refusal))


def availability_message(snapshot: Snapshot) -> pb.GetAvailabilityResponse:
    event = snapshot.event
    return pb.GetAvailabilityResponse(
        event_id=event.event_id,
        version=snapshot.version,
        sections=[_section(snapshot, section_id) for section_id in event.sections if section_id in snapshot.places],
    )


def pricing_message(event: Event) -> pb.GetPricingResponse:
    return pb.GetPricingResponse(
        event_id=event.event_id,
        tiers=[
            event_pb2.PriceTier(tier_id=tier.tier_id, name=tier.name, price=_money(tier.price)) for tier in event.tiers
        ],
        sections=[pb.SectionPrice(section_id=one.section_id, tier_id=one.tier_id) for one in event.sections.values()],
    )


def _section(snapshot: Snapshot, section_id: str) -> pb.SectionAvailability:
    section, places = snapshot.event.sections[section_id], snapshot.places[section_id]
    return pb.SectionAvailability(
        section_id=section_id,
        name=section.name,
        kind=event_pb2.SectionKind.Value(section.kind.value),
        tier_id=section.tier_id,
        capacity=section.capacity,
        free=section.capacity - places.held - places.sold,
        held=places.held,
        sold=places.sold,
        rows=[pb.RowAvailability(label=row.label, states=row.states) for row in places.rows],
    )


def _place(place: Place) -> pb.Place:
    return pb.Place(seat_id=place.seat_id, section_id=place.section_id, label=place.label, price=_money(place.price))


def _money(money: Money) -> money_pb2.Money:
    return money_pb2.Money(minor=money.minor, currency=money.currency)
