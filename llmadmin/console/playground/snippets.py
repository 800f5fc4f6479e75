"""A call as code that runs elsewhere: curl, and the official OpenAI SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pprint import pformat
from typing import Any


def snippets(call: Mapping[str, Any], *, base_url: str) -> list[tuple[str, str]]:
    """Label and code; `base_url` is the gateway's root, ending in /v1. The key is read from the environment."""
    return [("curl", _curl(call, base_url)), ("Python", _python(call, base_url)), ("JSON", _json(call))]


def _json(call: Mapping[str, Any]) -> str:
    return json.dumps(call, indent=2, ensure_ascii=False)


def _curl(call: Mapping[str, Any], base_url: str) -> str:
    body = _json(call).replace("'", "'\\''")
    return (
        f"curl {base_url}/chat/completions \\\n"
        '  -H "Authorization: Bearer $LLMADMIN_SERVICE_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{body}'"
    )


def _python(call: Mapping[str, Any], base_url: str) -> str:
    arguments = "".join(f"    {name}={_indented(value)},\n" for name, value in call.items())
    return (
        "import os\n"
        "from openai import OpenAI\n\n"
        f'client = OpenAI(base_url="{base_url}", api_key=os.environ["LLMADMIN_SERVICE_KEY"])\n'
        f"answer = client.chat.completions.create(\n{arguments})\n"
        "print(answer.choices[0].message.content)"
    )


def _indented(value: Any) -> str:
    return pformat(value, width=100, sort_dicts=False).replace("\n", "\n    ")
