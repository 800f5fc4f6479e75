"""Names in addresses. Those of aliases and agents may hold slashes and dots, so that they can look like any path.

What is done to an object stands under `-/`, which no name begins with: an alias named `add` or `team/edit` has its own page.
"""

from __future__ import annotations

_UNSAFE = frozenset({"", ".", ".."})
_MARK = "~"


class NamePath:
    """A path converter for names. Browsers rewrite `a/../b` and proxies `a//b`, so such steps carry a `~`, which no name holds."""

    regex = ".+"

    def to_python(self, value: str) -> str:
        return "/".join(
            step.removeprefix(_MARK) if step.removeprefix(_MARK) in _UNSAFE else step for step in value.split("/")
        )

    def to_url(self, value: str) -> str:
        return "/".join(f"{_MARK}{step}" if step in _UNSAFE else step for step in value.split("/"))
