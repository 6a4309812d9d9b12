"""The settings class of a service: what its chart may tell it."""

from importlib import import_module
from inspect import getmembers, isclass

from services.kit.settings import ServiceSettings
from services.kit.topology import Service


def settings_of(service: Service) -> type[ServiceSettings]:
    module = import_module(f"{service.module}.settings")
    (found,) = (
        kind
        for _, kind in getmembers(module, isclass)
        if issubclass(kind, ServiceSettings) and getattr(kind, "service", "") == service.name
    )
    return found
