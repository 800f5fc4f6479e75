"""Messages as a server of OpenAI's dialect takes them, without what it would refuse. Pure; what needs no change is kept as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_OF_OTHER_VENDORS = ("reasoning_content", "reasoning", "reasoning_details", "content_blocks", "thinking_blocks")
"""What answers carry beside OpenAI's own fields, and callers send back with them."""


def fit_messages(messages: Sequence[Any], *, takes_extra_content: bool, takes_developer_role: bool) -> Sequence[Any]:
    """`messages` for one vendor.

    OpenAI's own servers refuse fields that they don't know, so those of other vendors' answers are left out there. The
    role `developer` is OpenAI's newer name of `system`, which everybody else takes.
    """
    if not takes_extra_content:
        messages = [_bare_message(message) for message in messages]
    if not takes_developer_role and any(_is_of_developer(message) for message in messages):
        messages = [{**message, "role": "system"} if _is_of_developer(message) else message for message in messages]
    return messages


def _is_of_developer(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "developer"


def _bare_message(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    if any(name in message for name in _OF_OTHER_VENDORS):
        message = {name: value for name, value in message.items() if name not in _OF_OTHER_VENDORS}
    if isinstance(message.get("tool_calls"), list):
        return message | {"tool_calls": [_bare_call(call) for call in message["tool_calls"]]}
    return message


def _bare_call(call: Any) -> Any:
    return {name: value for name, value in call.items() if name != "extra_content"} if isinstance(call, dict) else call
