"""Sections of a config as people write them: what is missing, doubled or of the wrong kind is said where it stands."""

from __future__ import annotations

from typing import Any

import pytest

from providers import LLMConfig
from providers.fields import ConfigError

LAB = {"lab": {"kind": "local", "base_url": "http://127.0.0.1:9/v1"}}
SMALL = {"name": "small", "provider": "lab"}


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        pytest.param({"models": 7}, {"models": "Must be a list of models, or a mapping by provider/name."}, id="models"),
        pytest.param(
            {"models": [SMALL, SMALL]}, {"models[1]": "The model 'lab/small' is given twice; remove one."}, id="a model twice"
        ),
        pytest.param(
            {"providers": {"lab": {**LAB["lab"], "keys": [{"api_key": "test-key-alpha", "state": "lost"}]}}},
            {"providers.lab.keys[0].state": None}, id="a key's state",
        ),
        pytest.param(
            {"models": [{**SMALL, "price": {"tiers": [{"input_usd_per_mtok": "1"}]}}]},
            {"models[0].price.tiers[0]": "Needs 'above_input_tokens', the input from which these prices hold."}, id="a tier",
        ),
        pytest.param(
            {"aliases": {"fast": {"strategy": "priority"}}},
            {"aliases.fast": "Names no target; give 'targets', a list of provider/model."}, id="an alias without targets",
        ),
        pytest.param(
            {"aliases": {"fast": {"targets": ["lab/small"], "canary": {"model": "lab/small"}}}},
            {"aliases.fast.canary.share_percent": "Is needed: how many of a hundred calls go to the canary."}, id="a canary",
        ),
        pytest.param(
            {"aliases": {"fast": {"targets": ["lab/small"], "canary": {"model": "lab/small", "share_percent": 100}}}},
            {"aliases.fast.canary.share_percent": "At most 99 of a hundred calls; promote the canary to send it all of them."},
            id="a canary of everything",
        ),
        pytest.param(
            {"aliases": {"fast": {"targets": ["lab/small"], "replacement": "fast"}}},
            {"aliases.fast.replacement": "An alias can't replace itself; name another one."}, id="its own replacement",
        ),
        pytest.param(
            {"aliases": {"fast": {"targets": ["lab/small"], "replacement": "gone"}}},
            {"aliases.fast.replacement": "There is no alias 'gone'; name one that is there."}, id="a replacement that is none",
        ),
        pytest.param(
            {"aliases": {"fast": {"targets": ["lab/small"], "after_sunset": "shrug"}}},
            {"aliases.fast.after_sunset": None}, id="after the sunset",
        ),
        pytest.param({"aliases": {"fast": {"targets": ["lab/small"], "sunset_at": "soon"}}}, {"aliases.fast.sunset_at": None}, id="a time"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_stands(sections: dict[str, Any], expected: dict[str, str | None]):
    with pytest.raises(ConfigError) as caught:
        LLMConfig(**{"providers": LAB, "models": [SMALL], **sections})

    assert caught.value.fields.keys() == expected.keys()
    assert all(sentence in (None, caught.value.fields[path]) for path, sentence in expected.items())


def test_entries_made_in_code_are_taken_as_they_are():
    read = LLMConfig(
        providers=LAB, models=[{**SMALL, "price": {"input_usd_per_mtok": "1"}}], aliases={"fast": "lab/small"}
    )

    again = LLMConfig(providers=read.providers, models=list(read.models.values()), aliases=dict(read.aliases))

    assert again.to_document() == read.to_document()


def test_a_document_that_is_no_object_is_refused():
    with pytest.raises(ConfigError, match="Must be a JSON object"):
        LLMConfig.from_document([])
