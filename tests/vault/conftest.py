import pytest

from llmadmin.audit.services import acting
from llmadmin.catalog.services import create_provider


@pytest.fixture
def act(actor):
    """The owner is changing something, as within `config.change`."""
    with acting(actor, why="a test") as act:
        yield act


@pytest.fixture
def provider(act):
    return create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9000/v1")
