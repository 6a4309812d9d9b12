"""Asks this machine's process of a service whether it is ready: `SERVICE=booking python -m services.kit.probe`.

For containers that nobody else asks (an image's HEALTHCHECK). It costs no more than reading the table.
"""

import http
import http.client
import os
import sys
from typing import Final

from services.kit.topology import topology

TIMEOUT_S: Final = 3.0


def ready(service: str) -> bool:
    """Whether its health page says so, on the port of the table."""
    row = topology().services[service]
    connection = http.client.HTTPConnection("127.0.0.1", row.ports[row.health.port], timeout=TIMEOUT_S)
    try:
        connection.request("GET", row.health.path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not ready(os.environ["SERVICE"]))
