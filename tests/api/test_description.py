"""The OpenAPI document is true: made-up calls of every operation are answered as it says, and never with a 5xx."""

from __future__ import annotations

import uuid
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.live.server import LiveServer

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CASES = 3
BOUNDED = hypothesis.settings(
    max_examples=CASES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.generate],
)


@pytest.fixture
def key(transactional_db: None, actor: Any, catalogue: Any) -> str:
    from llmadmin.accounts.services import create_service, issue_key
    from llmadmin.config.services import change
    from llmadmin.usage.services import ingest

    with change(by=actor):
        service = create_service(name="caller", scopes=["admin", "secrets:read", "config:read"])
        _, plaintext = issue_key(service)
    attempt = {"model": "sim/alpha", "status": "error", "error_class": "timeout"}
    ingest({"id": str(uuid.uuid4()), "model": "sim/alpha", "attempts": [attempt]}, service="caller")
    return plaintext


def test_every_operation_answers_as_described(key: str, catalogue: Any) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    there = {"slug": "sim", "number": 1}
    names = {"aliases": "fast", "agents": "coder", "services": "caller"}
    ids = {"keys": catalogue.key.pk, "models": catalogue.models[0].pk}
    calls = 0
    with LiveServer() as server:
        for found in schemathesis.openapi.from_url(f"{server.url}/api/schema/").get_all_operations():
            operation = found.ok()
            noun = operation.path.split("/")[3]
            real = there | {"name": names.get(noun), "id": str(ids.get(noun, uuid.UUID(int=0)))}
            calls += call_well(operation, headers, real)
            if operation.body or operation.query or operation.path_parameters:
                calls += call_badly(operation, headers)

    assert calls > 150


def call_well(operation: Any, headers: dict[str, str], real: dict[str, Any]) -> int:
    """Calls as the document allows them, of things that are there where that does no harm; how many."""
    calls = 0

    @BOUNDED
    @hypothesis.given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def call(case: Any) -> None:
        nonlocal calls
        calls += 1
        case.query.pop("wait", None)
        if case.method not in ("DELETE", "PUT", "PATCH"):
            case.path_parameters = {name: real.get(name) or old for name, old in case.path_parameters.items()}
        case.validate_response(case.call(headers=headers), checks=CHECKS, headers=headers)

    call()
    return calls


def call_badly(operation: Any, headers: dict[str, str]) -> int:
    """Calls that the document does not allow; how many. Bodies of that kind must be refused."""
    calls = 0

    @BOUNDED
    @hypothesis.given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def call(case: Any) -> None:
        nonlocal calls
        calls += 1
        case.query.pop("wait", None)
        checks = [*CHECKS, negative_data_rejection] if operation.body else CHECKS
        case.validate_response(case.call(headers=headers), checks=checks, headers=headers)

    call()
    return calls


def test_every_operation_has_a_name_a_first_line_and_its_refusals(client: Any, db: None) -> None:
    import yaml

    description = yaml.safe_load(client.get("/api/schema/").content)

    operations = [one for path in description["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names) > 50
    assert {"config", "resolve", "apply", "export", "keys_rotate", "providers_sync_models", "aliases_list"} <= set(
        names
    )
    for one in operations:
        assert one["summary"], one["operationId"]
        assert one["tags"] != ["v1"]
        for status in ("400", "401", "403", "503"):
            shown = one["responses"][status]["content"]["application/json"]["schema"]
            assert shown == {"$ref": "#/components/schemas/Error"}, one["operationId"]
