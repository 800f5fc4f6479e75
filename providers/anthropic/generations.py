"""What a generation of Claude models takes, by the model's name. Pure.

Parameter rules (no `temperature` beside `top_p`, neither from Claude 4.7 on) are data in `models.toml`; here is what no
rule can say. Source: https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting,
https://platform.claude.com/docs/en/build-with-claude/effort and
https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

import re
from typing import NamedTuple

_OLD_NAME = re.compile(r"claude-(?P<major>\d)(?:[-.](?P<minor>\d))?-(?P<line>[a-z]+)")
_NAME = re.compile(r"claude-(?P<line>[a-z]+)-(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2}))?(?!\d)")
_ANCIENT = re.compile(r"claude-(?:instant|v?[12](?!\d))")


class Generation(NamedTuple):
    """A line of models and its version: `claude-sonnet-4-5-20250929` is sonnet 4.5."""

    line: str
    version: tuple[int, int]

    @property
    def has_structured_output(self) -> bool:
        return self.version >= (4, 1)

    @property
    def takes_output_config(self) -> bool:
        """Whether a schema goes as `output_config.format`; those before know it as the beta's `output_format`."""
        return self.version >= (4, 6)

    @property
    def thinks_in_budgets(self) -> bool:
        return (3, 7) <= self.version < (4, 6)

    @property
    def thinks_adaptively(self) -> bool:
        return self.version >= (4, 6)

    @property
    def takes_every_effort(self) -> bool:
        """Whether `xhigh` is one; it came with 4.7."""
        return self.version >= (4, 7)

    @property
    def hides_thinking(self) -> bool:
        """Whether thinking comes back empty unless it is asked for."""
        return self.version >= (4, 7)

    @property
    def thinks_unasked(self) -> bool:
        return self.version >= (5, 0)


UNKNOWN = Generation("", (4, 5))
"""Models of other makers behind a server that speaks this dialect: thinking in budgets is what those copied."""
NEWEST = Generation("", (99, 0))


def generation_of(model: str) -> Generation:
    """The generation that a name tells; a Claude model without a version in its name is taken for the newest."""
    if _ANCIENT.search(model):
        return Generation("", (2, 0))
    if found := _OLD_NAME.search(model) or _NAME.search(model):
        return Generation(found["line"], (int(found["major"]), int(found["minor"] or 0)))
    return NEWEST if "claude" in model else UNKNOWN
