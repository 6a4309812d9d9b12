"""The one to watch while a sale is on: who comes in, who waits, what is left, what is paid."""

from __future__ import annotations

from typing import Final

from observe.panels import Board, Panel, Query, or_none, quantile, rate

_NOW: Final = (
    Panel(
        title="Waiting in line",
        description="Orders without an outcome, over all events. It grows when a sale opens and must shrink again.",
        unit="short",
        kind="stat",
        width=4,
        queries=[Query("max(queue_depth)", "orders")],
    ),
    Panel(
        title="Longest wait",
        description="Age of the order that waits longest. Above two minutes an alert goes off.",
        unit="s",
        kind="stat",
        width=4,
        queries=[Query("max(queue_oldest_age_seconds)", "wait")],
    ),
    Panel(
        title="Seats left",
        description="Places of all events on sale that nobody holds or has bought.",
        unit="short",
        kind="stat",
        width=4,
        queries=[Query('max(seats{state="free"})', "free")],
    ),
    Panel(
        title="Bookings a second",
        description="Confirmed bookings.",
        unit="ops",
        kind="stat",
        width=4,
        queries=[Query(rate("bookings_total", outcome='"confirmed"'), "confirmed")],
    ),
    Panel(
        title="Open sockets",
        description="Buyers who see it happen.",
        unit="short",
        kind="stat",
        width=4,
        queries=[Query("sum(realtime_sockets)", "sockets")],
    ),
    Panel(
        title="Oversold",
        description="Places sold beyond those that exist, as last audited. Anything but 0 is an emergency.",
        unit="short",
        kind="stat",
        width=4,
        queries=[Query("max(seats_oversold)", "places")],
    ),
)
_FUNNEL: Final = (
    Panel(
        title="Funnel",
        description="Orders at the door, put in line, decided, and confirmed. A gap between two lines that stays is "
        "where buyers are lost: door to line is refusals, line to decided is the worker or booking.",
        unit="ops",
        width=12,
        queries=[
            Query(rate("gateway_orders_total"), "at the door"),
            Query(rate("gateway_orders_total", outcome='"queued"'), "in line"),
            Query(rate("queue_outcomes_total"), "decided"),
            Query(rate("bookings_total", outcome='"confirmed"'), "confirmed"),
        ],
    ),
    Panel(
        title="Outcomes by reason",
        description="What became of bookings. `seat-taken` is normal in a rush, `card-declined` is the buyer's bank; "
        "`try-again` is ours and should not be here.",
        unit="ops",
        width=12,
        stacked=True,
        queries=[Query(rate("bookings_total", by="outcome, reason"), "{{outcome}} {{reason}}")],
    ),
)
_QUEUE: Final = (
    Panel(
        title="Line",
        description="Orders that wait, and those the workers hold in their hands. Waiting with nothing in hand means "
        "that nobody works the line.",
        unit="short",
        queries=[Query("max(queue_depth)", "waiting"), Query("sum(queue_in_flight)", "in hand")],
    ),
    Panel(
        title="Wait until the result",
        description="From an order's place in line to its outcome. The objective: 95 % within a minute.",
        unit="s",
        queries=[Query(quantile(q, "queue_waiting_seconds"), f"p{round(q * 100)}") for q in (0.5, 0.95, 0.99)],
    ),
    Panel(
        title="Sent again, buried, unsent",
        description="Orders asked again because nobody knew, orders nobody could work, results that realtime did not "
        "take. All three are 0 on a good day.",
        unit="ops",
        queries=[
            Query(rate("queue_retries_total"), "sent again"),
            Query(f"{rate('queue_dead_letters_total')} or vector(0)", "buried"),
            Query(rate("queue_results_unsent_total"), "unsent"),
        ],
    ),
)
_SEATS: Final = (
    Panel(
        title="Seats",
        description="Places by state. Held ones become sold or free within minutes; a growing band of held ones means "
        "that payments hang.",
        unit="short",
        stacked=True,
        queries=[Query("max by (state) (seats)", "{{state}}")],
    ),
    Panel(
        title="Seats a second",
        description="Held, sold, given back and expired.",
        unit="ops",
        queries=[
            Query(rate("seats_held_total"), "held"),
            Query(rate("seats_sold_total"), "sold"),
            Query(rate("seats_released_total"), "given back"),
            Query(rate("holds_expired_total"), "holds expired"),
        ],
    ),
    Panel(
        title="Bookings that rest",
        description="Sagas that wait for something that did not answer, and are taken up again; parked ones gave up, "
        "and wait for a person. 0 on a good day.",
        unit="short",
        queries=[Query("sum(sagas_resting)", "resting"), Query("max(sagas_parked)", "parked")],
    ),
)
_MONEY: Final = (
    Panel(
        title="Money",
        description="Paid and refunded, in whole units of the currency, a minute.",
        unit="short",
        queries=[
            Query(
                "sum by (status, currency) "
                '(rate(payments_minor_units_total{status=~"succeeded|refunded"}[$__rate_interval])) * 60 / 100',
                "{{status}} {{currency}}",
            )
        ],
    ),
    Panel(
        title="Payments by status",
        description="`failed` is declined cards. `cancelled` follows a booking that could not be finished.",
        unit="ops",
        stacked=True,
        queries=[Query(rate("payments_total", by="status"), "{{status}}")],
    ),
    Panel(
        title="PSP latency",
        description="Time the PSP takes for a batch of charges, by whether it answered for all of them.",
        unit="s",
        queries=[Query(quantile(0.95, "psp_charge_seconds", by="outcome"), "p95 {{outcome}}")],
    ),
    Panel(
        title="Webhooks",
        description="What the PSP tells us unasked. `repeated` is known already: the PSP did not hear that we had it. "
        "`refused` was not signed by it.",
        unit="ops",
        width=12,
        queries=[Query(rate("payment_webhooks_total", by="result"), "{{result}}")],
    ),
    Panel(
        title="Age of webhooks",
        description="From what happened at the PSP to our being told. Buyers who approved their payment wait for it.",
        unit="s",
        width=12,
        queries=[Query(quantile(0.95, "payment_webhook_age_seconds"), "p95")],
    ),
)
_TOLD: Final = (
    Panel(
        title="Sockets opened",
        description="Sockets that signed in, a second. A peak while no sale opens: a crowd was cut off and comes back.",
        unit="ops",
        queries=[Query(rate("realtime_sockets_opened_total"), "opened")],
    ),
    Panel(
        title="Sockets that we end or refuse",
        description="By close code, and by reason. 1012 is a restart, 4401 a token that ended, `full` asks for a "
        "replica.",
        unit="ops",
        queries=[
            Query(or_none(rate("realtime_sockets_ended_total", by="code"), "code"), "ended {{code}}"),
            Query(or_none(rate("realtime_sockets_refused_total", by="reason"), "reason"), "refused {{reason}}"),
        ],
    ),
    Panel(
        title="From result to socket",
        description="From a message's place in the inbox to the queues of its sockets. Above a second buyers see it.",
        unit="s",
        queries=[Query(quantile(q, "realtime_delivery_seconds"), f"p{round(q * 100)}") for q in (0.5, 0.95)],
    ),
)

_PROMISES: Final = (
    Panel(
        title="Promises broken",
        description="What the watches found that must never be: paid without a ticket, sold without payment, a seat "
        "with two owners, a charge nobody knows of. All are 0.",
        unit="short",
        width=12,
        queries=[
            Query(f"max({name})", name.replace("_", " "))
            for name in (
                "paid_without_ticket",
                "sold_without_payment",
                "sold_for_cancelled_event",
                "seats_without_one_owner",
                "psp_charges_unknown",
            )
        ],
    ),
    Panel(
        title="Paid without a ticket for",
        description="Age of the oldest booking that is paid and has neither ticket nor money back. The objective: 0.",
        unit="s",
        width=12,
        queries=[Query("max(paid_without_ticket_seconds)", "oldest")],
    ),
)

BOARD: Final = Board(
    uid="ticketing-on-sale",
    title="Ticketing / On-sale",
    description="Is the sale going well? Funnel, line, seats and money on one page.",
    rows=[
        ("Now", _NOW),
        ("Funnel", _FUNNEL),
        ("Line", _QUEUE),
        ("Seats", _SEATS),
        ("Money", _MONEY),
        ("Told", _TOLD),
        ("Promises", _PROMISES),
    ],
)
