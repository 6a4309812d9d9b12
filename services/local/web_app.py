"""The web app on this machine, where Node is: built once in the background, then served like a service."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

from services.kit.topology import TABLE, topology
from services.local.environment import HOST
from services.local.ports import service_port
from services.local.supervisor import Program, Supervisor

NAME: Final = "frontend"
# Next.js runs on this and newer.
OLDEST_NODE: Final = 20
VERSION_S: Final = 10.0
FOLDER: Final = TABLE.parent / topology().services[NAME].folder


def start_web_app(supervisor: Supervisor) -> bool:
    """False where there is no Node: everything else works without."""
    found = node()
    if found is not None:
        supervisor.add(web_app(found))
    return found is not None


def node() -> str | None:
    """Where a Node is that can serve the app."""
    found = shutil.which("node")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=VERSION_S, check=False).stdout  # noqa: S603
    major = said.strip().removeprefix("v").partition(".")[0]
    return found if major.isdecimal() and int(major) >= OLDEST_NODE else None


def web_app(node_path: str) -> Program:
    """Builds the app if it has changed, then serves it."""
    environment = dict(os.environ) | {
        "PORT": str(service_port(NAME, "http")),
        "HOSTNAME": HOST,
        "GATEWAY_URL": f"http://{HOST}:{service_port('gateway', 'http')}",
        "SOCKET_URL": f"ws://localhost:{service_port('realtime', 'http')}/ws",
        # Without TLS a browser may keep no secure cookies.
        "COOKIE_SECURE": "false",
        "NEXT_TELEMETRY_DISABLED": "1",
    }
    return Program(name=NAME, command=[node_path, "run.mjs"], env=environment, folder=FOLDER)
