"""Changes as people read them: what differs, taken apart, and each thing once."""

from __future__ import annotations

from typing import Any

import pytest

from llmadmin.config.wording import sentences_of


def aim(model: str, weight: int = 1, **params: Any) -> dict[str, Any]:
    return {"model": model, "weight": weight, "params": params}


def update(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"object": "alias", "name": "sonnet", "op": "update", "before": before, "after": after}]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param(
            {"targets": [aim("openai/gpt-4.1")]},
            {"targets": [aim("anthropic/claude-sonnet-4-5")]},
            ["target 1 was openai/gpt-4.1, is anthropic/claude-sonnet-4-5"],
            id="another target",
        ),
        pytest.param(
            {"targets": [aim("a/a"), aim("b/b")]},
            {"targets": [aim("c/c"), aim("a/a"), aim("b/b")]},
            ["target 1 c/c is new"],
            id="a target before the others",
        ),
        pytest.param(
            {"targets": [aim("a/a"), aim("b/b")]}, {"targets": [aim("b/b")]}, ["target 1 a/a is gone"], id="one less"
        ),
        pytest.param(
            {"targets": [aim("a/a"), aim("b/b")]},
            {"targets": [aim("b/b"), aim("a/a")]},
            ["order of targets was a/a → b/b, is b/b → a/a"],
            id="another order",
        ),
        pytest.param(
            {"targets": [aim("a/a", 1, seed=1)]},
            {"targets": [aim("a/a", 3, seed=2)]},
            ["target 1 weight was 1, is 3", "target 1 params.seed was 1, is 2"],
            id="weight and parameters",
        ),
        pytest.param(
            {"params": {"a": {"b": 1, "same": 0}, "old": True}},
            {"params": {"a": {"b": 2, "same": 0}, "new": None}},
            ["params.a.b was 1, is 2", "params.old true is gone", "params.new empty is new"],
            id="inside of mappings",
        ),
        pytest.param(
            {"capabilities": list("abcdefg")},
            {"capabilities": [*"abcdef", "h"]},
            ['capabilities, what differs was ["g"], is ["h"]'],
            id="a long list",
        ),
        pytest.param({"params": {"n": 1}}, {"params": {"n": True}}, ["params.n was 1, is true"], id="1 is not true"),
        pytest.param({"deprecated": None}, {"deprecated": "Use x."}, ["deprecated was empty, is Use x."], id="a text"),
        pytest.param({"revision": 1}, {"revision": 2}, [], id="bookkeeping"),
    ],
)
def test_a_change_is_said_in_sentences(before: dict[str, Any], after: dict[str, Any], said: list[str]) -> None:
    assert sentences_of(update(before, after)) == [f"alias sonnet: {one}" for one in said]


def test_objects_that_come_and_go_are_one_sentence() -> None:
    changes = [
        {"object": "model", "name": "a/a", "op": "create", "before": None, "after": {"parameters": {}}},
        {"object": "agent", "name": "coder", "op": "delete", "before": {"alias": "x"}, "after": None},
    ]

    assert sentences_of(changes) == ["model a/a: added", "agent coder: removed"]
