"""`python -m services dlq list|show|replay`: over dead-letter topics and the queue's dead-letter streams alike."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from pydantic import ValidationError

from services.kit.settings import KafkaSettings, RedisSettings
from services.local.dead_letters.graveyards import Graveyards
from services.local.dead_letters.letters import NoSuchLetter
from services.local.dead_letters.printing import complain, print_one, print_rows, print_sent
from services.local.dead_letters.streams import DeadStreams
from services.local.dead_letters.topics import DeadTopics
from services.local.environment import HOST
from services.local.ports import store_port

MOST: Final = 10_000
PLACE: Final = "bookings, booking-queue or booking-queue:<event>"


def main(words: Sequence[str]) -> int:
    """0: done; 1: not all of it, and why is on standard error; 2: that is no command."""
    arguments = _parser().parse_args(words)
    # What the client library complains of, we say once and in our words.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_run(arguments))
    except NoSuchLetter as told:
        return complain(str(told))
    except ValidationError as error:
        return complain(*(f"{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services dlq", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    look = _command(commands, "list", "what lies there, oldest first")
    look.add_argument("places", nargs="*", metavar="PLACE", help=f"{PLACE}; otherwise all")
    look.add_argument("--replayed", action="store_true", help="also those that were sent back")
    show = _command(commands, "show", "all that is known of one")
    show.add_argument("id", metavar="ID")
    show.add_argument("--body", action="store_true", help="also what it says, which may name persons")
    replay = _command(commands, "replay", "send those named, or all of a place, back to where they came from")
    replay.add_argument("ids", nargs="*", metavar="ID", help="as `list` shows them")
    replay.add_argument("--all", dest="places", action="append", default=[], metavar="PLACE", help=PLACE)
    for command in (look, replay):
        command.add_argument("--limit", type=_limit, default=500, help=f"at most so many: 1 to {MOST} (500)")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    return command


def _limit(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MOST):
        raise argparse.ArgumentTypeError(f"must be 1 to {MOST}")
    return int(text)


async def _run(arguments: argparse.Namespace) -> int:
    async with _graveyards() as graveyards:
        match arguments.command:
            case "list":
                return await _list(graveyards, arguments)
            case "show":
                return await _show(graveyards, arguments)
            case _:
                return await _replay(graveyards, arguments)


@asynccontextmanager
async def _graveyards() -> AsyncIterator[Graveyards]:
    """Where the environment says; otherwise where `make run` has its own."""
    kafka = {} if "KAFKA_BROKERS" in os.environ else {"kafka_brokers": f"{HOST}:{store_port('kafka')}"}
    redis = {} if "REDIS_PORT" in os.environ else {"redis_port": store_port("redis")}
    topics, streams = DeadTopics(KafkaSettings(**kafka)), DeadStreams(RedisSettings(**redis))  # type: ignore[arg-type] # pydantic checks
    try:
        yield Graveyards((topics, streams))
    finally:
        await topics.close()
        await streams.close()


async def _list(graveyards: Graveyards, arguments: argparse.Namespace) -> int:
    letters, problems = await graveyards.letters(arguments.places)
    shown = [one for one in letters if arguments.replayed or not one.replayed]
    print_rows([one.row() for one in shown[-arguments.limit :]], as_json=arguments.json)
    if (more := len(shown) - arguments.limit) > 0:
        problems.append(f"{more} older ones are not shown (--limit)")
    return complain(*problems)


async def _show(graveyards: Graveyards, arguments: argparse.Namespace) -> int:
    details, problems = await graveyards.details(arguments.id, body=arguments.body)
    print_one(details, as_json=arguments.json)
    return complain(*problems)


async def _replay(graveyards: Graveyards, arguments: argparse.Namespace) -> int:
    if not arguments.ids and not arguments.places:
        return complain("name letters by their ids, or a place with --all", code=2)
    for letter_id in arguments.ids:
        graveyards.of(letter_id)
    letters, problems = await graveyards.letters(arguments.places) if arguments.places else ([], [])
    problems += [
        f"{one.id} stays, for its {one.told}: name it to send it back all the same" for one in letters if one.told
    ]
    willing = [one.id for one in letters if not one.told and not one.replayed]
    wanted = list(dict.fromkeys([*arguments.ids, *willing]))
    for letter_id in wanted[: arguments.limit]:
        where, problem = await graveyards.replay(letter_id)
        if where:
            print_sent(letter_id, where, as_json=arguments.json)
        problems += problem
    if (more := len(wanted) - arguments.limit) > 0:
        problems.append(f"{more} more are left (--limit)")
    return complain(*problems)
