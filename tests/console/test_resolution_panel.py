"""The panel "How it resolves now" and its switches."""

from __future__ import annotations

from django.urls import reverse

from llmadmin.catalog.services import create_model, create_provider, update_model
from llmadmin.config.services import change
from llmadmin.console.aliases.steps import steps_of
from llmadmin.routing.selectors import get_alias
from llmadmin.routing.services import update_alias


def roles(alias_name: str, **options) -> list[tuple[str, str]]:
    return [(step.model.full_name, step.role) for step in steps_of(get_alias(alias_name), **options)]


def test_by_priority_the_first_answers_and_the_others_wait(catalogue):
    assert roles("fast") == [("sim/alpha", "answers"), ("sim/beta", "fallback")]


def test_a_model_switched_off_is_skipped_and_the_next_answers(catalogue, actor):
    with change(by=actor):
        update_model(catalogue.models[0], enabled=False)

    assert roles("fast") == [("sim/beta", "answers"), ("sim/alpha", "skipped")]


def test_a_provider_without_a_key_that_it_needs_is_skipped(catalogue, actor):
    with change(by=actor):
        create_model(create_provider(slug="openai", kind="openai"), name="big")
        update_alias(catalogue.alias, targets=["openai/big", "sim/alpha"])

    steps = steps_of(get_alias("fast"))

    assert [(step.model.full_name, step.role) for step in steps] == [
        ("sim/alpha", "answers"),
        ("openai/big", "skipped"),
    ]
    assert "no active API key" in steps[1].why


def test_by_weight_the_shares_are_those_of_what_can_answer(catalogue, actor):
    with change(by=actor):
        update_alias(
            catalogue.alias,
            strategy="weighted",
            targets=[{"model": "sim/alpha", "weight": 1}, {"model": "sim/beta", "weight": 3}],
        )

    steps = steps_of(get_alias("fast"))

    assert [(step.model.name, step.share) for step in steps] == [("beta", 0.75), ("alpha", 0.25)]


def test_the_cheapest_comes_first_and_the_unpriced_last(catalogue, actor):
    with change(by=actor):
        create_model(catalogue.provider, name="unpriced")
        update_alias(catalogue.alias, strategy="cheapest", targets=["sim/unpriced", "sim/beta", "sim/alpha"])

    assert [name for name, _ in roles("fast")] == ["sim/alpha", "sim/beta", "sim/unpriced"]


def test_what_if_a_provider_is_down_answers_with_the_panel_alone(catalogue, actor, owner, signed_in):
    with change(by=actor):
        create_model(create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9/v1"), name="small")
        update_alias(catalogue.alias, targets=["sim/alpha", "lab/small"])

    answer = signed_in(owner).get(
        reverse("aliases:steps", args=["fast"]), {"down": "sim"}, headers={"HX-Request": "true", "HX-Target": "steps"}
    )

    page = answer.content.decode()
    assert page.strip().startswith('<div id="steps"')
    assert page.index("lab/small") < page.index("sim/alpha")
    assert 'value="sim" checked' in page


def test_the_snippets_carry_this_host_and_this_alias(catalogue, owner, signed_in):
    page = signed_in(owner).get(reverse("aliases:detail", args=["fast"]), headers={"host": "localhost"})

    curl, python = (code for _, code in page.context["snippets"])
    assert "http://localhost/v1/chat/completions" in curl
    assert '"model": "fast"' in curl
    assert 'base_url="http://localhost/v1"' in python
    assert 'model="fast"' in python
