"""Tickets by mail."""

from __future__ import annotations

from typing import Final

from observe.panels import Board, Panel, Query, quantile, rate

_MAILS: Final = (
    Panel(
        title="Mails",
        description="Tries, by kind and what became of them. `waiting` is tried again, `failed` is final.",
        unit="ops",
        stacked=True,
        width=12,
        queries=[Query(rate("mails_total", by="kind, result"), "{{kind}} {{result}}")],
    ),
    Panel(
        title="Waiting",
        description="Mails that were not sent yet. They wait while the mail server is away, and none is lost.",
        unit="short",
        width=6,
        queries=[Query("max(mails_waiting)", "mails")],
    ),
    Panel(
        title="Most overdue",
        description="How long the most overdue mail is overdue. Above ten minutes an alert goes off.",
        unit="s",
        width=6,
        queries=[Query("max(mails_oldest_waiting_seconds)", "overdue")],
    ),
    Panel(
        title="Mail server",
        description="Time from handing over a mail to the server's word.",
        unit="s",
        width=12,
        queries=[Query(quantile(q, "mail_smtp_duration_seconds"), f"p{round(q * 100)}") for q in (0.5, 0.95)],
    ),
    Panel(
        title="Writing",
        description="Time to write a mail with its QR codes.",
        unit="s",
        width=12,
        queries=[Query(quantile(q, "mail_render_duration_seconds"), f"p{round(q * 100)}") for q in (0.5, 0.95)],
    ),
)

BOARD: Final = Board(
    uid="ticketing-email",
    title="Ticketing / Email",
    description="Do the tickets reach their buyers?",
    rows=[("Mails", _MAILS)],
)
