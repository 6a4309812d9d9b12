"""The table names every call that acts for a person, and none that does not."""

from __future__ import annotations

from importlib import import_module

from services.kit.topology import SUPPORT, topology

FIELDS = {"user_id", "organiser_id", "viewer_id"}
# What they ask for is their own: a hold, a charge and a message of a booking that they have been given.
ON_THEIR_OWN = {("booking", "payment"), ("booking", "ticket"), ("payment", "realtime"), ("booking-worker", "realtime")}


def test_calls_that_name_a_person_are_in_the_table() -> None:
    naming = {
        (caller, row.name, method, field)
        for row in topology().python_services
        for method, callers in row.granted.items()
        for caller in callers - {SUPPORT} - {who for who, callee in ON_THEIR_OWN if callee == row.name}
        for field in FIELDS & fields_of(row.name, method)
    }
    table = {
        (caller, row.name, method, person.field)
        for row in topology().python_services
        for caller, methods in row.persons.items()
        for method, person in methods.items()
    }

    assert table == naming


def fields_of(service: str, method: str) -> set[str]:
    module = import_module(f"protos.gen.{service}_pb2")
    (described,) = module.DESCRIPTOR.services_by_name.values()
    return {field.name for field in described.methods_by_name[method].input_type.fields}
