"""The three stores of the platform as child processes, for a machine that has none."""

from services.local.stores.broker import Broker, create_topics
from services.local.stores.port import StoreFailed
from services.local.stores.postgres import Postgres
from services.local.stores.schemas import DATABASE, create_schemas, role_of
from services.local.stores.server import Store
from services.local.stores.valkey import Valkey

__all__ = [
    "DATABASE",
    "Broker",
    "Postgres",
    "Store",
    "StoreFailed",
    "Valkey",
    "create_schemas",
    "create_topics",
    "role_of",
]
