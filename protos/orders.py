"""What a buyer's proof of an order is about: every field that says what was ordered, in one unmistakable form."""

from protos.gen.booking_pb2 import CreateBookingRequest


def proven_content(order: CreateBookingRequest) -> bytes:
    """The bytes that the speaker's key signs: each field as a netstring, so that none can pass for two."""
    fields = ["ticketing/order/1", order.booking_id, order.user_id, order.event_id, order.payment_method]
    fields += [str(len(order.seat_ids)), *order.seat_ids]
    for one in order.quantities:
        fields += [one.section_id, str(one.quantity)]
    return b"".join(b"%d:%b," % (len(raw), raw) for raw in map(str.encode, fields))
