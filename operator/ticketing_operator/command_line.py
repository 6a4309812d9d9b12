"""The commands of `python -m ticketing_operator`."""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from ticketing_operator import crd
from ticketing_operator.charts import HelmProgram, NotRendered
from ticketing_operator.logs import configure_logs
from ticketing_operator.names import KIND, Object
from ticketing_operator.preview import Preview
from ticketing_operator.settings import OperatorSettings
from ticketing_operator.spec import WrongSpec
from ticketing_operator.transport import Refused, Unanswered

WRONG: Final = 2


def main() -> None:
    arguments = _parser().parse_args()
    try:
        settings = OperatorSettings()
    except ValidationError as wrong:
        faults = (f"OPERATOR_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in wrong.errors())
        sys.exit("wrong settings\n  " + "\n  ".join(faults))
    try:
        sys.exit(_COMMANDS[arguments.command](arguments, settings))
    except (WrongSpec, NotRendered, Refused, Unanswered) as told:
        sys.stderr.write(f"{told}\n")
        sys.exit(WRONG)
    except KeyboardInterrupt:
        sys.exit(130)


def _run(_arguments: argparse.Namespace, settings: OperatorSettings) -> int:
    from ticketing_operator.run import run

    configure_logs(settings.log_level)
    return 0 if asyncio.run(run(settings)) else 1


def _render(arguments: argparse.Namespace, settings: OperatorSettings) -> int:
    objects = asyncio.run(_preview(settings).rendered(_platform(arguments)))
    yaml.safe_dump_all(objects, sys.stdout, sort_keys=False, width=110)
    return 0


def _diff(arguments: argparse.Namespace, settings: OperatorSettings) -> int:
    against = _read(arguments.against) if arguments.against else None
    sys.stdout.write(asyncio.run(_preview(settings).diff(_platform(arguments), against=against)))
    return 0


def _crd(_arguments: argparse.Namespace, _settings: OperatorSettings) -> int:
    crd.write()
    return 0


_COMMANDS: Final = {"run": _run, "render": _render, "diff": _diff, "crd": _crd}


def _preview(settings: OperatorSettings) -> Preview:
    return Preview(HelmProgram(settings.charts, settings.helm))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ticketing_operator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="watch platforms and bring them about, until told to stop")
    commands.add_parser("crd", help="print the CustomResourceDefinition")
    render = commands.add_parser("render", help="print the manifests of a platform; asks no cluster")
    diff = commands.add_parser("diff", help="print what applying the file would change")
    diff.add_argument("--against", metavar="FILE", help="instead of what the cluster has")
    for command in (render, diff):
        command.add_argument("-f", "--file", required=True, help="a TicketingPlatform; - is standard input")
        command.add_argument("-n", "--namespace", default="", help="when the file names none")
    return parser


def _platform(arguments: argparse.Namespace) -> Object:
    platform = _read(arguments.file)
    meta = dict(platform["metadata"])
    meta.setdefault("namespace", arguments.namespace or "default")
    return {**platform, "metadata": meta}


def _read(file: str) -> Object:
    text = sys.stdin.read() if file == "-" else Path(file).read_text()
    documents: list[Object] = [document for document in yaml.safe_load_all(text) if document]
    for document in documents:
        if _is_platform(document):
            return document
    raise WrongSpec(file, f"there is no {KIND} in it")


def _is_platform(document: Any) -> bool:
    return (
        isinstance(document, Mapping)
        and document.get("kind") == KIND
        and isinstance(document.get("metadata"), Mapping)
        and bool(document["metadata"].get("name"))
    )
