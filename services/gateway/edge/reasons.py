"""Every reason this API gives for not doing something: its status, what it means, and what to do."""

from typing import Final, NamedTuple


class Explanation(NamedTuple):
    status: int
    title: str
    means: str
    do: str


_SLOW: Final = "Wait as long as Retry-After says, then send the same request again, with the same Idempotency-Key."
_READ: Final = "Compare the request with the reference at /docs; `field` names the place."
_LOGIN: Final = "Refresh the session (POST /api/v1/auth/refresh) or log in again."

EXPLAINED: Final[dict[str, Explanation]] = {
    # Form
    "malformed-json": Explanation(400, "Malformed JSON", "The body is not JSON, or not UTF-8.", _READ),
    "invalid-argument": Explanation(422, "Invalid value", "A field is missing, unknown, or breaks its rule.", _READ),
    "bad-page-token": Explanation(
        422, "Not a cursor of this list", "`cursor` is not one this list gave out.", "Begin without a cursor."
    ),
    "bad-page-size": Explanation(422, "Bad page size", "`limit` is out of range.", "Ask for 1 to 100."),
    "unsupported-media-type": Explanation(
        415, "Not JSON", "The body's Content-Type is not application/json.", "Send `Content-Type: application/json`."
    ),
    "body-too-large": Explanation(413, "Body too large", "The body is over the limit.", "Send less."),
    "request-timeout": Explanation(408, "Body too slow", "The body did not arrive in time.", "Send it again, faster."),
    "unknown-path": Explanation(404, "No such path", "Nothing is served under this path.", "See /docs for what is."),
    "method-not-allowed": Explanation(
        405, "Method not allowed", "The path exists, but not with this method.", "Use one that Allow names."
    ),
    "bad-request": Explanation(400, "Bad request", "The request is not HTTP as we speak it.", "Check the client."),
    # Who
    "missing-token": Explanation(401, "Token missing", "The operation needs an access token.", "Log in, send it."),
    "invalid-token": Explanation(401, "Token not valid", "The token is forged, revoked or not a token.", _LOGIN),
    "token-expired": Explanation(401, "Token expired", "The access token's time is over.", _LOGIN),
    "token-reused": Explanation(
        401,
        "Refresh token used twice",
        "This refresh token was used before; somebody may have copied it, so the session has been ended.",
        "Log in again.",
    ),
    "wrong-credentials": Explanation(
        401, "Wrong credentials", "There is no account with this mail and password.", "Check both."
    ),
    "forbidden": Explanation(403, "Not allowed", "Your account lacks the role.", "Use an organiser's account."),
    "organiser-signup-closed": Explanation(
        403, "Organisers do not sign up here", "Organisers get their role from us.", "Register as a buyer, then ask."
    ),
    "too-many-attempts": Explanation(429, "Too many attempts", "Too many logins failed.", _SLOW),
    "too-many-requests": Explanation(429, "Too many requests", "You asked more often than the limit allows.", _SLOW),
    # Accounts
    "unknown-role": Explanation(422, "Unknown role", "There is no such role.", "Register as buyer or organiser."),
    "email-taken": Explanation(409, "Mail address taken", "There is an account with this mail.", "Log in instead."),
    "invalid-email": Explanation(422, "Not a mail address", "`email` can not be one.", "Correct it."),
    "weak-password": Explanation(422, "Weak password", "It is too short, too long or too common.", "Choose another."),
    "unknown-user": Explanation(404, "Unknown user", "There is no profile of this account.", "Try again shortly."),
    "unknown-address": Explanation(404, "Unknown address", "You have no address of that id.", "List yours."),
    "too-many-addresses": Explanation(409, "Too many addresses", "A user has at most 20.", "Delete one first."),
    # Events
    "unknown-event": Explanation(404, "Unknown event", "No event of that id is open to you.", "Search for it."),
    "unknown-venue": Explanation(404, "Unknown venue", "You have no venue of that id.", "List yours."),
    "event-not-draft": Explanation(409, "Not a draft", "A published event can not be changed.", "Cancel it instead."),
    "event-not-published": Explanation(409, "Not published", "A draft has no sale to end.", "Delete it instead."),
    "event-cancelled": Explanation(409, "Event cancelled", "The organiser has cancelled it.", "Choose another."),
    "event-without-seats": Explanation(
        409, "No places to sell", "The event has no section with places.", "Add sections, then publish."
    ),
    "section-without-price": Explanation(
        409, "Section without a price", "A section names no tier of the event.", "Give each section a tier_id."
    ),
    "event-in-the-past": Explanation(409, "Event in the past", "It would be over already.", "Change its times."),
    # Bookings
    "sale-not-open": Explanation(
        409, "Sale not open yet", "Buying begins later.", "Come back when Retry-After has passed."
    ),
    "unknown-seat": Explanation(422, "Unknown seat", "The event has no such seat.", "Take ids from …/seats."),
    "unknown-section": Explanation(422, "Unknown section", "The event has no such section.", "See the event."),
    "too-many-places": Explanation(
        422, "Too many places", "It is more than one booking may hold.", "See the event's max_per_booking."
    ),
    "idempotency-key-reused": Explanation(
        422,
        "Idempotency-Key used before",
        "The key came with another body before.",
        "Use a fresh key for each new order, and the same key only to repeat one.",
    ),
    "queue-full": Explanation(503, "Queue full", "As many wait for this event as may.", _SLOW),
    "unknown-booking": Explanation(
        404,
        "Unknown booking",
        "You have no booking of that id. Right after an outage it may mean that your place in line was lost.",
        "If you have just ordered, order again with the same Idempotency-Key.",
    ),
    "booking-not-cancellable": Explanation(
        409, "Not cancellable", "The booking is in a state that can not be cancelled.", "Look at its status."
    ),
    "booking-not-payable": Explanation(
        409,
        "Not payable",
        "It does not wait for a payment, or its time to pay is over.",
        "Look at its status.",
    ),
    "too-many-cards": Explanation(
        409, "Too many cards", "Five cards have been tried for this booking.", "Order again when its time is over."
    ),
    "booking-id-reused": Explanation(
        409, "Booking id used before", "The order's id came with another order before.", "Order again."
    ),
    "unknown-payment": Explanation(404, "Unknown payment", "You have no payment of that id.", "See the booking."),
    # Reasons a booking may be rejected for: they stand in `reason` of the booking, not in a problem.
    "seat-taken": Explanation(
        409, "Seat taken", "Somebody else holds or bought a seat you asked for.", "Choose other seats."
    ),
    "sold-out": Explanation(409, "Sold out", "There are not enough free places left.", "Ask for fewer, or wait."),
    "hold-expired": Explanation(
        409, "Hold expired", "The seats were held too long and went to somebody else.", "Choose other seats."
    ),
    "hold-released": Explanation(
        409, "Hold given back", "The seats of this order have been given back.", "Order again."
    ),
    "unknown-hold": Explanation(409, "Not held", "Nothing is held for this order.", "Order again."),
    "key-reused": Explanation(
        409, "Order changed", "The same booking came with other places or another amount before.", "Order again."
    ),
    "card-declined": Explanation(409, "Card declined", "The bank said no.", "Use another card."),
    "insufficient-funds": Explanation(409, "Insufficient funds", "The card lacks the money.", "Use another card."),
    "expired-card": Explanation(409, "Card expired", "The card is over its date.", "Use another card."),
    "incorrect-cvc": Explanation(409, "Wrong security code", "The card's security code is wrong.", "Correct it."),
    "processing-error": Explanation(
        409, "Card not processed", "The bank could not process the card.", "Try again or use another card."
    ),
    "invalid-amount": Explanation(
        409, "Amount not chargeable", "The provider can not charge this amount.", "Ask for other places."
    ),
    "authentication-required": Explanation(
        409, "Authentication required", "The bank wants to recognise you first.", "Use a card with 3-D Secure."
    ),
    "payment-cancelled": Explanation(
        409, "Payment cancelled", "The payment was cancelled or refunded.", "Use another card, or order again."
    ),
    "payment-processing": Explanation(503, "Payment undecided", "The provider has not decided yet.", _SLOW),
    "psp-unavailable": Explanation(503, "Provider away", "The payment provider has not answered yet.", _SLOW),
    "psp-refused": Explanation(
        409, "Provider refused", "The payment provider refused the charge.", "Use another card."
    ),
    "not-refundable": Explanation(
        409, "Not refundable", "There is no money of this payment that could go back.", "See the payment."
    ),
    "refund-too-large": Explanation(
        409, "Refund too large", "It is more than is left of the payment.", "Ask for what is left."
    ),
    "paid-too-late": Explanation(
        409,
        "Paid too late",
        "The money came when the places were gone already; it goes back the way it came.",
        "Order other places.",
    ),
    "invalid-payment-method": Explanation(
        409, "Payment method not known", "The provider does not know this payment method.", "Use another card."
    ),
    "authentication-failed": Explanation(
        409, "3-D Secure failed", "The bank did not recognise you.", "Try again or use another card."
    ),
    "payment-expired": Explanation(409, "Not paid in time", "The seats were held, then freed.", "Order again."),
    "malformed-order": Explanation(409, "Order not readable", "The order could not be read.", "Order again."),
    "try-again": Explanation(409, "Not decided in time", "Nothing was sold and nothing paid.", "Order again."),
    "cancelled-by-buyer": Explanation(409, "Cancelled", "You cancelled it.", "Order again if you want it after all."),
    "order-not-proven": Explanation(409, "Order not proven", "Nothing proves that the order is yours.", "Order again."),
    "order-refused": Explanation(409, "Order refused", "The order could not be taken.", "Order again."),
    "delayed": Explanation(
        409,
        "Takes longer",
        "Something of ours did not answer for long, and a person looks at it. Nothing is lost or charged twice.",
        "Wait: you are told when it is decided. Do not order again.",
    ),
    # The sandbox's pages; with a real provider the bank's page says it.
    "unknown-intent": Explanation(404, "Unknown charge", "The sandbox knows no such charge.", "See the booking."),
    "nothing-to-do": Explanation(
        409, "Nothing to do", "The payment does not wait for you any more.", "Look at the booking."
    ),
    # On sockets: the reason of an `error` message or of the close.
    "protocol-error": Explanation(400, "Not our protocol", "The message is not one this socket knows.", _READ),
    "too-many-messages": Explanation(429, "Too many messages", "You send faster than the socket reads.", "Slow down."),
    "too-many-rooms": Explanation(429, "Too many rooms", "A socket may be in a few rooms only.", "Leave one first."),
    "too-many-guests": Explanation(
        503, "Too many guests", "As many watch without an account as may.", "Sign in, or come back later."
    ),
    "too-many-sockets": Explanation(429, "Too many sockets", "You have as many open as you may.", "Close one first."),
    "too-slow": Explanation(
        408, "Too slow", "You did not take what was sent in time.", "Connect again with the cursor."
    ),
    "token-in-url": Explanation(
        400, "Token in the address", "A token in an address ends up in logs.", "Send it as a subprotocol: bearer.…"
    ),
    "still-at-work": Explanation(503, "Still at work", "The booking is being decided at this moment.", _SLOW),
    # Ours
    "dependency-down": Explanation(503, "Part of the platform is away", "Something we need does not answer.", _SLOW),
    "database-busy": Explanation(503, "Too many at once", "Too many wanted the same at once.", _SLOW),
    "unavailable": Explanation(503, "Not available now", "Nobody knows the answer at this moment.", _SLOW),
    "overloaded": Explanation(503, "Too busy", "More is waiting than may wait.", _SLOW),
    "timed-out": Explanation(503, "Took too long", "The request ran into its time limit.", _SLOW),
    "internal-error": Explanation(
        500, "Our fault", "Something is broken on our side; it has been logged.", "Tell us the X-Request-Id."
    ),
}
