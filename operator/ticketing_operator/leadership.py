"""One operator at work at a time: a Lease, taken before anything starts, and the end of the process when it is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import structlog
from kubernetes.aio.client import ApiClient, V1Lease, V1ObjectMeta
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from ticketing_operator.settings import OperatorSettings

log = structlog.get_logger()
# Without a bound of our own a request waits for five minutes, in which another one would have become leader.
TIMEOUT_S: Final = 3.0
_FAULTS: Final = (TimeoutError, aiohttp.ClientError, OSError)


class BoundedLock(LeaseLock):
    """The library's lock, but a request that is not answered is a failed try and not the end of the election."""

    async def get(self, name: str, namespace: str) -> Any:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await super().get(name, namespace)
        except _FAULTS as fault:
            return False, ApiException(status=0, reason=str(fault) or type(fault).__name__)

    async def create(self, name: str, namespace: str, election_record: LeaderElectionRecord) -> bool:
        # Not the library's: in 37.0 it passes an argument that the library itself refuses.
        lease = V1Lease(metadata=V1ObjectMeta(name=name), spec=self.update_lease(election_record))
        try:
            return await _bounded(self.api_instance.create_namespaced_lease(namespace, lease))
        except ApiException as refusal:
            log.warning("lease-not-made", reason=refusal.reason)
            return False

    async def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        return await _bounded(super().update(name, namespace, updated_record))

    async def release(self) -> None:
        """Let the next one start at once. Fails silently: the Lease ends by itself."""
        # What the library kept is of before its last renewal.
        held, _ = await self.get(self.name, self.namespace)
        if not held or self.lease_reference is None or self.lease_reference.spec is None:
            return
        self.lease_reference.spec.holder_identity = None
        replace = self.api_instance.replace_namespaced_lease(self.name, self.namespace, self.lease_reference)
        try:
            await _bounded(replace)
        except ApiException as refusal:
            log.info("lease-not-released", reason=refusal.reason)


async def _bounded(request: Awaitable[Any]) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return bool(await request)
    except _FAULTS:
        return False


async def lead(client: ApiClient, settings: OperatorSettings, work: Callable[[], Awaitable[None]]) -> bool:
    """Wait for the Lease, then work until the work ends (True) or the Lease is lost (False)."""
    lock = BoundedLock(settings.lease_name, settings.lease_namespace, settings.identity, client)
    outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def as_leader() -> None:
        log.info("leading", identity=settings.identity)
        try:
            await work()
        except Exception as fault:  # noqa: BLE001 - raised again, below
            # The election would keep the Lease alive for a worker that is none.
            outcome.set_exception(fault)
        else:
            outcome.set_result(True)

    election = asyncio.create_task(LeaderElection(_config(lock, settings, as_leader)).run(), name="election")
    try:
        waited: set[asyncio.Future[Any]] = {election, outcome}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        election.cancel()
        await asyncio.wait([election])
    if outcome.done():
        await lock.release()
        return outcome.result()
    log.error("lease-lost", identity=settings.identity)
    election.result()
    return False


def _config(lock: BoundedLock, settings: OperatorSettings, work: Callable[[], Any]) -> Config:
    async def stopped() -> None:
        """The process ends; there is nothing to do before."""

    return Config(
        lock,
        lease_duration=settings.lease_s,
        renew_deadline=settings.lease_s * 2 / 3,
        retry_period=max(1.0, settings.lease_s / 7),
        onstarted_leading=work,
        onstopped_leading=stopped,
    )
