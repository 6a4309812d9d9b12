"""Facts as Kafka's messages: CloudEvents 1.0 in binary mode, and what a dead letter says of its death."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiokafka.structs import ConsumerRecord

from services.kit.bus.facts import Burial, Fact

DEAD: Final = ".dead"
MAX_REASON: Final = 300
# Headers of a dead letter, beside those that it came with.
_DEAD_HEADER: Final = "dead-"

type Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, whoever made it."""

    topic: str
    key: bytes | None
    body: bytes | None
    headers: Headers


def message_of(fact: Fact, *, source: str) -> Message:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", fact.id.encode()),
        ("ce_source", f"/{source}".encode()),
        ("ce_type", fact.type.encode()),
        ("ce_time", fact.time.astimezone(UTC).isoformat().encode()),
        ("ce_subject", fact.key.encode()),
        ("content-type", b"application/protobuf"),
    ]
    if fact.traceparent:
        headers.append(("traceparent", fact.traceparent.encode()))
    return Message(fact.topic, fact.key.encode(), fact.body, headers)


def fact_of(record: ConsumerRecord) -> Fact:
    # Whatever else is written to our topics must not stop them: it is read as well as it can be, and buried.
    headers = {key: value.decode(errors="replace") for key, value in record.headers if value is not None}
    received = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return Fact(
        # A message that is not ours still needs a name to be buried under.
        id=headers.get("ce_id") or f"{record.topic}/{record.partition}/{record.offset}",
        topic=record.topic,
        key=(record.key or b"").decode(errors="replace"),
        type=headers.get("ce_type", ""),
        body=record.value or b"",
        # When it became true, as its publisher said; else when the broker got it.
        time=_time(headers.get("ce_time", ""), received),
        traceparent=headers.get("traceparent", ""),
        burial=_burial(headers, received),
    )


def dead_letter(record: ConsumerRecord, burial: Burial) -> Message:
    """The message as it came, to be kept in its topic's dead-letter topic."""
    said = {
        "reason": burial.reason,
        "group": burial.group,
        "topic": burial.topic,
        "partition": str(burial.partition),
        "offset": str(burial.offset),
        "tries": str(burial.tries),
        "at": burial.at.astimezone(UTC).isoformat(),
    }
    headers = [(_DEAD_HEADER + name, value.encode(errors="replace")) for name, value in said.items()]
    return Message(burial.topic + DEAD, record.key, record.value, [*_living(record), *headers])


def revived(record: ConsumerRecord, topic: str) -> Message:
    """A dead letter as it was before it died."""
    return Message(topic, record.key, record.value, _living(record))


def reason_of(error: Exception) -> str:
    return repr(error)[:MAX_REASON]


def _living(record: ConsumerRecord) -> Headers:
    return [(name, value) for name, value in record.headers if not name.startswith(_DEAD_HEADER)]


def _burial(headers: dict[str, str], received: datetime) -> Burial | None:
    said = {name.removeprefix(_DEAD_HEADER): value for name, value in headers.items() if name.startswith(_DEAD_HEADER)}
    if "reason" not in said:
        return None
    return Burial(
        reason=said["reason"],
        group=said.get("group", ""),
        topic=said.get("topic", ""),
        partition=_number(said.get("partition", "")),
        offset=_number(said.get("offset", "")),
        tries=_number(said.get("tries", "")),
        at=_time(said.get("at", ""), received),
    )


def _number(said: str) -> int:
    return int(said) if said.isdecimal() else -1


def _time(said: str, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(said).astimezone(UTC)
    except ValueError:
        return otherwise
