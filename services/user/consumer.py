"""Topic `users`: whoever registers gets a profile."""

from collections.abc import Sequence

from protos.gen import messages_pb2 as messages
from services.kit.bus.facts import Fact
from services.user.domain import Profile
from services.user.handlers import UserHandlers, new_profile


class UsersConsumer:
    def __init__(self, handlers: UserHandlers) -> None:
        self._handlers = handlers

    async def handle(self, facts: Sequence[Fact]) -> None:
        registered = [fact for fact in facts if fact.type == messages.UserRegistered.DESCRIPTOR.full_name]
        if registered:
            await self._handlers.users_registered({fact.id: _profile(fact) for fact in registered})


def _profile(fact: Fact) -> Profile:
    who = messages.UserRegistered.FromString(fact.body)
    return new_profile(who.user_id, who.email, who.name, who.language, at=fact.time)
