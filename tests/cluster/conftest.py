"""The cluster, once a session. `make test-cluster` builds and loads the images first."""

import pytest

from tests.cluster.cluster import Cluster, find_cluster


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return find_cluster()
