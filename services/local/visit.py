"""Commands that run beside a platform, as clients of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

from services.local.environment import ADMIN_EMAIL, ORGANISER_EMAIL
from services.local.platform import Platform
from services.local.readiness import NotReady
from services.local.samples import load_samples
from services.local.web_app import OLDEST_NODE, start_web_app


async def visit(running: Platform, command: Sequence[str]) -> int:
    """Like a sale, but with a browser: `command` is told where everything is, and who may do what."""
    if not start_web_app(running.supervisor):
        raise NotReady(f"the web app needs Node {OLDEST_NODE} or newer")
    samples = await load_samples(running.url("gateway"), running.secrets.organiser_password)
    addresses = {
        "FRONTEND_URL": running.url("frontend"),
        "GATEWAY_URL": running.url("gateway"),
        "SOCKET_URL": f"{running.url('realtime', scheme='ws')}/ws",
        "PSP_URL": running.url("payment"),
        "MAILBOX_URL": running.mailbox_url,
        "EVENTS": ",".join(sample.event_id for sample in samples),
        "ORGANISER_EMAIL": ORGANISER_EMAIL,
        "ORGANISER_PASSWORD": running.secrets.organiser_password,
        "ADMIN_EMAIL": ADMIN_EMAIL,
        "ADMIN_PASSWORD": running.secrets.admin_password,
        # Whoever stops these processes for a while sees the line stand still, or nobody answer.
        "WORKER_PID": str(running.supervisor.pids()["booking-worker"]),
        "GATEWAY_PID": str(running.supervisor.pids()["gateway"]),
    }
    return await run_beside(*command, env=dict(os.environ) | addresses)


async def run_beside(*command: str, env: Mapping[str, str] | None = None) -> int:
    """Its exit code. It does not outlive us."""
    process = await asyncio.create_subprocess_exec(*command, env=env)
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
