"""What a deprecated alias names as its replacement must be there: it is named in words, so no foreign key holds it."""

from __future__ import annotations

from llmadmin.catalog.fields import invalid
from llmadmin.config.tables import Tables


def check_replacements(rows: Tables) -> None:
    """Raise InvalidError where an alias names one as its replacement that is not there, or itself."""
    known = {alias.name for alias in rows.aliases}
    problems = {}
    for alias in rows.aliases:
        if alias.replacement is None:
            continue
        path = f"aliases.{alias.name}.replacement"
        if alias.replacement == alias.name:
            problems[path] = "An alias can't replace itself. Name another one."
        elif alias.replacement not in known:
            problems[path] = f"There is no alias '{alias.replacement}'. Name one that is there."
    if problems:
        raise invalid(problems)
