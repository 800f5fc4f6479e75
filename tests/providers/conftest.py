from collections.abc import Iterator

import pytest

from tests.providers.upstream import Upstream, UpstreamServer


@pytest.fixture(scope="session")
def upstream_server() -> Iterator[UpstreamServer]:
    server = UpstreamServer()
    yield server
    server.close()


@pytest.fixture
def upstream(upstream_server: UpstreamServer) -> Upstream:
    """A provider on loopback that answers what the test plans."""
    return upstream_server.new()
