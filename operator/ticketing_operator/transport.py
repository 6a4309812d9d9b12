"""One request to the API server: the port that everything else goes through, and the real thing behind it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.config import load_incluster_config, load_kube_config
from kubernetes.aio.config.config_exception import ConfigException

from ticketing_operator import metrics

TIMEOUT_S: Final = 30.0
APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"
_UNKNOWN_FIELD: Final = "failed to create typed patch object"
_VERBS: Final = {"GET": "get", "POST": "create", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    # For metrics: what is asked about.
    kind: str = ""


class Refused(Exception):
    """The API server answered, and the answer is no. Asking the same again gives the same answer."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message or reason or f"status {code}")
        self.code, self.reason = code, reason

    @property
    def is_missing(self) -> bool:
        return self.code == 404

    @property
    def exists_already(self) -> bool:
        return self.code == 409 and self.reason == "AlreadyExists"


class Unanswered(Exception):
    """No answer, or one that says "later": worth asking again, and it may have happened all the same."""

    def __init__(self, message: str, *, contended: bool = False) -> None:
        super().__init__(message)
        # The object is another one, or another version, than the request was about.
        self.contended = contended


class Transport(Protocol):
    async def send(self, request: Request) -> dict[str, Any]:
        """The answer's body. Raises `Refused` or `Unanswered`, and nothing else."""
        ...


async def connect() -> ApiClient:
    """A client for the cluster this process is in, else for the one that kubectl would talk to."""
    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException:
        await load_kube_config(client_configuration=configuration)
    return ApiClient(configuration)


class ApiTransport:
    """Sends through the client of the Kubernetes project, without its retries: the queue has its own back-off."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    async def send(self, request: Request) -> dict[str, Any]:
        code = "none"
        try:
            status, text = await self._answer(request)
            code = str(status)
        finally:
            metrics.api_request(_VERBS[request.method], request.kind, code)
        body = _parsed(text)
        # A field that the API server does not know is told as a fault of the server, and is none.
        if status == 500 and _UNKNOWN_FIELD in text:
            raise Refused(422, "Invalid", str(body.get("message", "")))
        if status >= 500 or status == 429:
            raise Unanswered(f"the API server answered {status}: {text[:200]}")
        if status == 409 and body.get("reason") == "Conflict":
            raise Unanswered(f"somebody else wrote at the same time: {body.get('message', '')}", contended=True)
        if status >= 400:
            raise Refused(status, str(body.get("reason", "")), str(body.get("message", text[:200])))
        return body

    async def _answer(self, request: Request) -> tuple[int, str]:
        prepared = await self._client.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params={"Accept": "application/json", "Content-Type": request.content_type},
            body=request.body,
            auth_settings=["BearerToken"],
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await self._client.call_api(*prepared)
                return response.status, (await response.read()).decode(errors="replace")
        except (TimeoutError, aiohttp.ClientError, OSError, ApiException) as fault:
            raise Unanswered(f"the API server did not answer: {fault or type(fault).__name__}") from fault


def _parsed(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
