"""Services run without docstrings, but for the one that quotes them."""

from services.kit.topology import topology
from services.local.bytecode import bytecode_environment


def test_only_the_gateway_keeps_its_docstrings() -> None:
    levels = {row.name: bytecode_environment(row)["PYTHONOPTIMIZE"] for row in topology().python_services}

    assert levels.pop("gateway") == ""
    assert set(levels.values()) == {"2"}
