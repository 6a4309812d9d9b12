"""What a sale and a bench have in common: the way in, the crowd, and the judgement at the end."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp

from tests.load.sale.api import Member, PublicApi
from tests.load.sale.audit import Audit, Outside
from tests.load.sale.buyers import Buyer
from tests.load.sale.crowds import each
from tests.load.sale.evidence import CONFIRMED
from tests.load.sale.judging import redelivered
from tests.load.sale.progress import Stage
from tests.load.sale.settings import SaleSettings
from tests.load.sale.sockets import BuyerSocket
from tests.load.sale.verdict import Confirmation, Pace, Verdict, outcomes, refusals
from tests.load.sale.wire import Event
from tests.load.sale.witnesses import Mailbox, Psp

TIMEOUT: Final = aiohttp.ClientTimeout(total=30.0, sock_connect=10.0)
PASSWORD: Final = "a crowd of many people"


@dataclass(frozen=True, slots=True)
class Doors:
    settings: SaleSettings
    stage: Stage
    http: aiohttp.ClientSession
    # Sockets have a pool of their own without a bound: each buyer keeps one.
    lines: aiohttp.ClientSession
    api: PublicApi
    # Tells the people of this run from those of an earlier one.
    run: str

    def audit(self, events: Sequence[Event]) -> Audit:
        mailbox, psp = Mailbox(self.http, self.settings.mailbox), Psp(self.http, self.settings.psp)
        return Audit(Outside(self.api, mailbox, psp), events, self.settings)

    async def join(self, who: str, *, role: str = "buyer") -> Member:
        email = f"{who}.{self.run}@crowd.example"
        return await self.api.register(email, who.title(), password=PASSWORD, role=role)

    async def crowd(self, rooms: Sequence[str]) -> Sequence[Buyer]:
        """Registered and connected; as many as there are rooms, an empty one for whoever follows none."""
        members: dict[int, Member] = {}
        buyers: dict[int, Buyer] = {}
        with self.stage.phase("register", len(rooms)) as phase:

            async def register(number: int) -> None:
                members[number] = await self.join(f"buyer-{number}")
                phase.advance()

            await each(range(len(rooms)), register, at_once=self.settings.preparing_at_once)
        with self.stage.phase("connect", len(rooms)) as phase:

            async def connect(number: int) -> None:
                socket = BuyerSocket(
                    self.lines,
                    self.settings.realtime,
                    members[number],
                    room=rooms[number],
                    tries=self.settings.socket_tries,
                )
                await socket.open()
                buyers[number] = Buyer(members[number], socket, self.api)
                phase.advance()

            await each(range(len(rooms)), connect, at_once=self.settings.connecting_at_once)
        return [buyers[number] for number in range(len(rooms))]

    async def judge(self, audit: Audit, buyers: Sequence[Buyer], *, pace: Pace, cpu_s: float) -> Verdict:
        with self.stage.phase("settle") as phase:
            evidence, judgement = await audit.settle(buyers, phase.note)
        ended = outcomes(evidence)
        return Verdict(
            judgement=judgement,
            buyers=len(buyers),
            seed=self.settings.seed,
            orders=len(evidence.stories),
            confirmed=ended["confirmed"],
            refused_by_reason=refusals(evidence),
            cancelled=ended["cancelled"],
            awaiting_payment=ended["awaiting_payment"],
            pace=pace,
            mails=None if evidence.mails is None else len(evidence.mails),
            redelivered=redelivered(evidence.mails or ()),
            crowd=_crowd(buyers, self.api),
            cpu_s=cpu_s,
            took_s=dict(self.stage.took_s),
            confirmations=_confirmations(buyers),
        )


@asynccontextmanager
async def doors(settings: SaleSettings, stage: Stage) -> AsyncIterator[Doors]:
    async with AsyncExitStack() as stack:
        pool = aiohttp.TCPConnector(limit=settings.connections, keepalive_timeout=60.0)
        lines_pool = aiohttp.TCPConnector(limit=0)
        jar = aiohttp.DummyCookieJar()
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=pool, timeout=TIMEOUT, cookie_jar=jar))
        forever = aiohttp.ClientTimeout(total=None, sock_connect=10.0)
        lines = await stack.enter_async_context(
            aiohttp.ClientSession(connector=lines_pool, timeout=forever, cookie_jar=aiohttp.DummyCookieJar())
        )
        yield Doors(
            settings, stage, http, lines, PublicApi(http, settings.gateway, tries=settings.tries), secrets.token_hex(4)
        )


async def close_sockets(buyers: Sequence[Buyer]) -> None:
    await each(buyers, lambda buyer: buyer.socket.close(), at_once=64)


class CpuClock:
    """CPU seconds of this process since it was made."""

    def __init__(self) -> None:
        self._began = time.process_time()

    def read(self) -> float:
        return time.process_time() - self._began


def _confirmations(buyers: Sequence[Buyer]) -> Sequence[Confirmation]:
    """As the sockets told them, in the order they came."""
    told = (
        Confirmation(posted_at=order.posted_at, told_at=order.heard.first_at)
        for buyer in buyers
        for order in buyer.orders
        if order.heard.first_at and order.heard.statuses[0] == CONFIRMED
    )
    return sorted(told, key=lambda one: one.told_at)


def _crowd(buyers: Sequence[Buyer], api: PublicApi) -> Mapping[str, int]:
    told = Counter(status for buyer in buyers for order in buyer.orders for status in order.heard.statuses)
    return {
        "requests_repeated": api.retries,
        "sockets_dropped": sum(buyer.socket.dropped for buyer in buyers),
        "messages": sum(buyer.socket.messages for buyer in buyers),
        "left": sum(not order.listened for buyer in buyers for order in buyer.orders),
        "came_back": sum(order.away for buyer in buyers for order in buyer.orders),
        "asked_by_bank": told["awaiting_payment"],
    }
