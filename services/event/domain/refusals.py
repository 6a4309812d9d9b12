"""What an organiser or a visitor may be refused."""

from services.kit.errors import Kind, Refusal


class UnknownEvent(Refusal):
    kind, reason = Kind.MISSING, "unknown-event"

    def __init__(self) -> None:
        super().__init__("no such event")


class UnknownVenue(Refusal):
    kind, reason = Kind.MISSING, "unknown-venue"

    def __init__(self) -> None:
        super().__init__("no such venue of that organiser")


class EventNotDraft(Refusal):
    kind, reason = Kind.CONFLICT, "event-not-draft"

    def __init__(self) -> None:
        super().__init__("only a draft can be changed or removed")


class EventNotPublished(Refusal):
    kind, reason = Kind.CONFLICT, "event-not-published"

    def __init__(self) -> None:
        super().__init__("a draft is not on sale: remove it instead")


class EventIsCancelled(Refusal):
    kind, reason = Kind.CONFLICT, "event-cancelled"

    def __init__(self) -> None:
        super().__init__("a cancelled event can not be put on sale again")


class EventWithoutSeats(Refusal):
    kind, reason = Kind.CONFLICT, "event-without-seats"

    def __init__(self) -> None:
        super().__init__("an event needs a section with at least one place to be put on sale")


class SectionWithoutPrice(Refusal):
    kind, reason = Kind.CONFLICT, "section-without-price"

    def __init__(self, section_ids: tuple[str, ...]) -> None:
        super().__init__(f"sections without a price tier: {', '.join(section_ids[:10])}")
        self.section_ids = section_ids


class EventInThePast(Refusal):
    kind, reason = Kind.CONFLICT, "event-in-the-past"

    def __init__(self) -> None:
        super().__init__("the event is over already")
