"""`GET /v1/models`: what a key may call, and nothing else."""

from __future__ import annotations

import openai
import pytest


def test_a_key_without_limits_sees_aliases_agents_and_models(live):
    names = [model.id for model in live.client().models.list()]

    assert names[:3] == ["only", "safe", "agent:coder"]
    assert "sim/sim-large" in names


def test_a_limited_key_sees_what_it_is_granted(live):
    assert [model.id for model in live.client(live.limited_key).models.list()] == ["only"]


def test_one_model_is_shown_with_its_owner(live):
    model = live.client().models.retrieve("sim/sim-large")

    assert (model.id, model.object, model.owned_by) == ("sim/sim-large", "model", "sim")
    assert model.created > 0


def test_an_unknown_one_is_404(live):
    with pytest.raises(openai.NotFoundError):
        live.client().models.retrieve("nothing")


def test_one_that_is_not_granted_is_403(live):
    with pytest.raises(openai.PermissionDeniedError):
        live.client(live.limited_key).models.retrieve("safe")
