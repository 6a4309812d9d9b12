"""Wires that are cut, or stop carrying anything."""

from __future__ import annotations

import asyncio

from tests.load.rehearsal.faults import Fault, Kind
from tests.load.rehearsal.wires import Wires


class Connections:
    def __init__(self, wires: Wires) -> None:
        self._wires = wires

    async def inject(self, fault: Fault) -> None:
        wires = [wire for place in fault.targets for wire in self._wires.of(place)]
        for wire in wires:
            {Kind.CUT: wire.cut, Kind.AWAY: wire.leave, Kind.MUTE: wire.mute}[fault.kind]()
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            for wire in wires:
                wire.come_back() if fault.kind is Kind.AWAY else wire.speak()

    async def heal(self) -> None:
        return None
