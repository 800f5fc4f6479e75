"""`python -m benchmarks.publishing FOLDER`: what one save costs with 200 providers, 5,000 models and 2,000 aliases.

A process of its own, on SQLite in FOLDER. Prints JSON: CPU seconds of the lowest of several saves, of a first `apply` of the
whole file to an empty database, of one that changes nothing, and of writing and hashing the same document with the
standard library alone, as something to compare with.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

PROVIDERS, MODELS, ALIASES, SAVES = 200, 5000, 2000, 5


def main(folder: str) -> None:
    os.environ |= {"LLMADMIN_DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": "", "LLMADMIN_LOG_LEVEL": "ERROR"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "llmadmin.settings"
    import django

    django.setup()
    from django.core.management import call_command

    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.importing import apply_document
    from llmadmin.config.selectors import latest
    from llmadmin.config.services import change
    from llmadmin.routing.models import Alias
    from llmadmin.routing.services import update_alias

    call_command("migrate", verbosity=0)
    by = system_actor("benchmark")
    alias = "a0000"

    def save(number: int) -> None:
        with change(by=by):
            update_alias(Alias.objects.get(name=alias), params={"seed": number})

    document = whole_document()
    first = _cpu_s(lambda: apply_document(document, by=by, owns=False))
    again = _cpu_s(lambda: apply_document(document, by=by, owns=False))
    saves = [_cpu_s(lambda number=number: save(number)) for number in range(SAVES)]  # type: ignore[misc]
    published = latest().document
    plain = min(_cpu_s(lambda: _written_plainly(published)) for _ in range(SAVES))
    print(json.dumps({"save_s": min(saves), "apply_s": first, "again_s": again, "plain_s": plain}))


def whole_document() -> dict[str, Any]:
    """A config of that size, in the file's format."""
    price = {"input_usd_per_mtok": "1.5", "cached_input_usd_per_mtok": "0.1", "output_usd_per_mtok": "3"}
    models = [
        {
            "name": f"m{number:04}",
            "provider": f"p{number % PROVIDERS:03}",
            "context_window": 200_000,
            "capabilities": ["chat", "tools"],
            "parameters": {"temperature": 0.2},
            "price": price,
        }
        for number in range(MODELS)
    ]
    full_names = [f"{model['provider']}/{model['name']}" for model in models]
    return {
        "providers": {
            f"p{number:03}": {"kind": "local", "api_base": f"http://127.0.0.1:9/v{number}"}
            for number in range(PROVIDERS)
        },
        "models": models,
        "aliases": {
            f"a{number:04}": {"targets": [full_names[number * 2 % MODELS], full_names[(number * 2 + 1) % MODELS]]}
            for number in range(ALIASES)
        },
    }


def _written_plainly(document: dict[str, Any]) -> None:
    text = json.dumps(document, sort_keys=True)
    hashlib.sha256(text.encode()).hexdigest()
    json.loads(text)


def _cpu_s(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


if __name__ == "__main__":
    main(sys.argv[1])
