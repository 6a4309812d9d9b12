"""Names of services among others: https://github.com/spiffe/spiffe, by the path that meshes on Kubernetes use."""

from typing import Final

TRUST_DOMAIN: Final = "ticketing.local"


def spiffe_id(trust_domain: str, namespace: str, service: str) -> str:
    return f"spiffe://{trust_domain}/ns/{namespace}/sa/{service}"
