"""What a reference of paths does not say: how a sale goes, the WebSocket, the test cards."""

from typing import Final

from services.kit.topology import topology

SALE: Final = """\
1. `POST /api/v1/auth/register`, and keep the tokens. An access token lives for minutes: send it as `Authorization: \
Bearer …`, and change it with `POST /api/v1/auth/refresh`.
2. `GET /api/v1/events`, then `GET /api/v1/events/{id}/seats` for what is free.
3. Open the WebSocket, so that nothing is missed.
4. `POST /api/v1/bookings` with an `Idempotency-Key`. The answer is `202`: you are in line, with a number.
5. Hear `booking` on the socket, or ask `GET /api/v1/bookings/{id}`. `confirmed` carries the tickets; \
`rejected` a reason such as `seat-taken`; `awaiting_payment` a `next_action`, and until \
when the seats are yours.
6. While it is `awaiting_payment`, `POST /api/v1/bookings/{id}/payment` tries another card."""

SOCKET_PORT: Final = topology().services["realtime"].ports["http"]
SOCKET: Final = f"""\
It is served by realtime, at `ws://<host>:{SOCKET_PORT}/ws`. \
Messages are JSON objects `{{"type": …, "data": …}}`; those to you alone carry an `id` as well, those to a room its \
`room`. The `data` of a `booking` is what `GET /api/v1/bookings/{{id}}` answers, that of a `payment` what \
`GET /api/v1/payments/{{id}}` does.

Say who you are in the subprotocols (offer `ticketing.v1` and `bearer.<access token>`), or in the first message, \
within 5 seconds; a token in the URL would end in logs and is refused. Before the token expires, send a fresh one. \
Whoever only wants to watch an event says so instead, and needs no account.

Coming back after a break, name the `cursor`: the `id` of the last message you had, or that of `ready`. What was \
missed is sent again, in order. A socket that does not read fast enough is closed with 4429: come back with the \
cursor."""

SOCKET_SENT: Final[list[tuple[str, str]]] = [
    (
        '{"type": "auth", "token": "…", "cursor": "…"}',
        "First message, when the subprotocols carry no token; later, a fresh token. With the subprotocol, the cursor "
        "is a query parameter.",
    ),
    ('{"type": "guest"}', "First message of somebody without an account: rooms, and nothing else."),
    ('{"type": "join", "room": "event:<event id>"}', "Hear of an event: its queue and its places."),
    ('{"type": "leave", "room": "event:<event id>"}', "No more of it."),
    ('{"type": "ping"}', "Answered by `pong`."),
]
SOCKET_HEARD: Final[list[tuple[str, str]]] = [
    ("ready", "You are known; `data.cursor` is where you begin."),
    ("booking", "A booking of yours was decided or changed; a `confirmed` one carries the tickets."),
    ("payment", "A payment of yours moved."),
    ("queue", "How far an event's queue is: subtract `now_serving` from your own number."),
    (
        "seats",
        "Places of an event changed after version `since`, up to `version` (that of …/seats). When `since` is after "
        "the version you know, you missed something: ask …/seats again.",
    ),
    ("error", "What you sent was refused, with a `reason`."),
]

CARDS_INTRO: Final = """\
With the sandbox as payment provider no money moves. These names, sent as `payment_method`, behave as they do at \
Stripe; the last two are the sandbox's own."""
CARDS: Final[list[tuple[str, str]]] = [
    ("pm_card_visa", "Paid."),
    ("pm_card_chargeDeclined", "Declined: `card-declined`."),
    ("pm_card_chargeDeclinedInsufficientFunds", "Declined: `insufficient-funds`."),
    ("pm_card_chargeDeclinedExpiredCard", "Declined: `expired-card`."),
    ("pm_card_threeDSecureRequired", "The buyer has to approve: `awaiting_payment` with a `next_action`."),
    ("pm_card_threeDSecureRequiredChargeDeclined", "Approved by the buyer, then declined."),
    ("pm_card_delay", "Paid, but the answer takes 1.5 s."),
    ("pm_card_timeout", "Paid, but the answer never comes; the platform finds out."),
    ("(none)", "The seats are held; pay with `next_action.client_secret`, or with POST …/payment."),
]
