"""Code that a reader can paste: with the host of this page and the name that they look at."""

from __future__ import annotations

import json
import shlex

from django.conf import settings
from django.http import HttpRequest

KEY_VARIABLE = "LLMADMIN_SERVICE_KEY"


def gateway_url(request: HttpRequest) -> str:
    return f"{settings.PUBLIC_URL or request.build_absolute_uri('/').rstrip('/')}/v1"


def call_snippets(request: HttpRequest, model: str) -> list[tuple[str, str]]:
    """(label, code) for a chat through the gateway; the key comes from the environment, never from the page."""
    base_url = gateway_url(request)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Say hello."}]})
    curl = (
        f"curl {shlex.quote(base_url + '/chat/completions')} \\\n"
        f'  -H "Authorization: Bearer ${KEY_VARIABLE}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(body)}"
    )
    python = (
        "import os\nfrom openai import OpenAI\n\n"
        f"client = OpenAI(base_url={json.dumps(base_url)}, api_key=os.environ[{json.dumps(KEY_VARIABLE)}])\n"
        "answer = client.chat.completions.create(\n"
        f"    model={json.dumps(model)},\n"
        '    messages=[{"role": "user", "content": "Say hello."}],\n'
        ")\nprint(answer.choices[0].message.content)"
    )
    return [("curl", curl), ("Python, openai SDK", python)]


def config_snippets(request: HttpRequest) -> list[tuple[str, str]]:
    """For services that fetch the config and call providers themselves."""
    root = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    curl = f'curl {shlex.quote(root + "/api/v1/config/")} \\\n  -H "Authorization: Bearer ${KEY_VARIABLE}"'
    return [("curl", curl)]
