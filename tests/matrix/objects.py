"""One object of each kind, for the addresses that need one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from llmadmin.accounts.actors import command_actor
from llmadmin.accounts.models import Invitation, ServiceKey, Team, User
from llmadmin.accounts.services import create_service, issue_key
from llmadmin.config.services import change
from tests.matrix.calls import Address

NOWHERE = uuid.UUID(int=0)


def example_parts(catalogue: Any) -> Callable[[Address], dict[str, Any]]:
    """What stands in each address: the catalogue's objects, and a service, a team, a person and an invitation beside it."""
    with change(by=command_actor()):
        service = create_service(name="batch", scopes=["gateway:call"])
        service_key, _ = issue_key(service)
    team = Team.objects.create(slug="platform", name="Platform")
    person = User.objects.create_user("someone@example.com", role="viewer")
    invitation = Invitation.objects.create(
        email="guest@example.com", role="viewer", token_hash="0" * 64, expires_at="2999-01-01T00:00:00Z"
    )
    model = catalogue.models[0]
    price = model.prices.first()
    by_noun: dict[str, dict[str, Any]] = {
        "providers": {"slug": "sim"},
        "keys": {"key_id": catalogue.key.pk, "id": catalogue.key.pk},
        "models": {"model_id": model.pk, "price_id": price.pk, "id": model.pk},
        "prices": {"id": price.pk},
        "aliases": {"name": "fast"},
        "agents": {"name": "coder"},
        "services": {"name": service.name, "key_id": service_key.pk},
        "teams": {"slug": team.slug},
        "people": {"person_id": person.pk, "invitation_id": invitation.pk},
        "versions": {"number": 1},
        "audit": {"number": 1},
        "stops": {"pk": NOWHERE},
        "account": {"key_id": ServiceKey.objects.values_list("pk", flat=True)[0]},
    }
    anywhere = {
        "step": "test",
        "token": "none",
        "provider_id": "sso",
        "uidb36": "1",
        "key": "none",
        "pk": 1,
        "rest": "",
    }

    def parts(address: Address) -> dict[str, Any]:
        noun = address.name.removeprefix("api:").partition(":")[0].partition("-")[0]
        known = {**anywhere, **by_noun.get(noun, {})}
        return {name: known.get(name, NOWHERE) for name in address.parts}

    return parts
