"""What became of mails, as the facts of topic `mails`: not to whom they went, nor what a mail server said."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from protos.gen import messages_pb2 as messages
from services.email_worker.domain import State
from services.kit.database.outbox import Outgoing

TOPIC: Final = "mails"
_BODIES: Final = {State.SENT: messages.MailSent, State.FAILED: messages.MailFailed}


def outgoing(rows: Iterable[Any]) -> Sequence[Outgoing]:
    """The facts of those rows of mails that came to an end worth telling, in their order."""
    return [
        Outgoing(
            topic=TOPIC,
            key=row.booking_id,
            body=_BODIES[State(row.state)](mail_id=row.mail_id, booking_id=row.booking_id, kind=row.kind),
            traceparent=row.traceparent,
        )
        for row in rows
        if State(row.state) in _BODIES
    ]
