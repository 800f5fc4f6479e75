"""What services are granted by name must be there: accounts knows no aliases, so it is checked here."""

from __future__ import annotations

from llmadmin.accounts.models import Service
from llmadmin.catalog.fields import invalid
from llmadmin.config.tables import Tables


def check_grants(rows: Tables) -> None:
    """Raise InvalidError when a service is granted a name that no alias, agent or model has."""
    granted = {name: service for service, names in _granted() for name in names}
    known = {alias.name for alias in rows.aliases} | {agent.name for agent in rows.agents}
    known |= {model.full_name for model in rows.models.values()}
    unknown = sorted(granted.keys() - known)
    if unknown:
        sentence = (
            f"The service '{granted[unknown[0]]}' can't be granted {', '.join(unknown)}: there is no such alias. "
            "Create it first, or check the name."
        )
        raise invalid({"aliases": sentence})


def _granted() -> list[tuple[str, list[str]]]:
    return list(Service.objects.exclude(aliases=[]).values_list("name", "aliases"))
