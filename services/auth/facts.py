"""Our facts as the messages of messages.proto."""

from protos.gen import messages_pb2 as messages
from services.auth.domain import Registered
from services.kit.database.outbox import Outgoing


def outgoing(fact: Registered) -> Outgoing:
    body = messages.UserRegistered(user_id=fact.user_id, email=fact.email, name=fact.name)
    return Outgoing(topic="users", key=fact.user_id, body=body, traceparent=fact.traceparent)
